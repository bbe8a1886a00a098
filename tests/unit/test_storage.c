/* SPDX-License-Identifier: ISC */
/*
 * What every storage engine must do, the same for all; and that they agree on
 * whatever else they are asked: random histories, compared answer by answer.
 */
#include "engines.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/rng.h"

static struct storage s;
static struct arena a;
static char *dir;

static int setup(void **state)
{
	const struct engine_case *c = *state;

	dir = engine_dir();
	c->open(&s, dir);
	a = (struct arena)ARENA_INIT(64 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	s.close(s.ctx);
	arena_free(&a);
	engine_dir_remove(dir);
	return 0;
}

static struct batch *fresh(void)
{
	struct batch *b = batch_new(1);

	assert_non_null(b);
	return b;
}

static void put(struct node_id resource, uint32_t kind, const char *key,
		const char *data, uint64_t expires_ms, uint8_t signer)
{
	struct record r = engine_record(resource, kind, key, data, expires_ms,
					signer);
	struct batch *b = fresh();

	batch_put(b, &r);
	batch_generation(b, resource, kind, 1);
	assert_ok(engine_commit(&s, b));
}

static struct query_answer ask_kind(struct node_id resource, uint32_t kind)
{
	return engine_ask(&s, &a,
			  (struct query){ .type = QUERY_KIND,
					  .resource = resource,
					  .kind = kind });
}

/* An empty key is a key; bytes come back as they went in; counters of 64 bits.
 */
static void values(void **state)
{
	struct node_id id = engine_id(1, 2);
	struct record r = engine_record(id, 7, "", "", 1000, 3);
	struct batch *b = fresh();
	struct query_answer out;
	struct query q = { .type = QUERY_KIND, .resource = id, .kind = 7 };

	(void)state;
	out = ask_kind(id, 7);
	assert_int_equal(out.generation, 0);
	assert_int_equal(out.n_records, 0);
	r.storage_time = UINT64_MAX;
	batch_put(b, &r);
	r = engine_record(id, 7, "k\0k", "", 2000, 4);
	r.key = SLICE_LIT("k\0k");
	r.data = SLICE_LIT("\0\1\2");
	batch_put(b, &r);
	batch_generation(b, id, 7, UINT64_MAX);
	assert_ok(engine_commit(&s, b));
	out = ask_kind(id, 7);
	assert_true(out.generation == UINT64_MAX);
	assert_int_equal(out.n_records, 2);
	assert_slice_equal(out.records[0].key, SLICE_LIT(""));
	assert_slice_equal(out.records[0].data, SLICE_LIT(""));
	assert_true(out.records[0].storage_time == UINT64_MAX);
	assert_int_equal(out.records[0].expires_ms, 1000);
	assert_int_equal(out.records[0].signer[31], 3);
	assert_true(id_eq(&out.records[0].resource, &id));
	assert_int_equal(out.records[0].kind, 7);
	assert_slice_equal(out.records[1].key, SLICE_LIT("k\0k"));
	assert_slice_equal(out.records[1].data, SLICE_LIT("\0\1\2"));
	/* An empty bound is a bound. */
	q.first = q.last = SLICE_LIT("");
	assert_int_equal(engine_ask(&s, &a, q).n_records, 1);
	q.metadata_only = true;
	assert_int_equal(engine_ask(&s, &a, q).records[0].data.len, 0);
	/* Neither another Kind nor another resource. */
	assert_int_equal(ask_kind(id, 8).n_records, 0);
	assert_int_equal(ask_kind(engine_id(1, 3), 7).n_records, 0);
}

static void bounds(void **state)
{
	struct node_id id = engine_id(0, 1);
	struct query q = { .type = QUERY_KIND, .resource = id, .kind = 1 };
	struct query_answer out;

	(void)state;
	put(id, 1, "b", "B", 200, 1);
	put(id, 1, "a", "A", 100, 1);
	put(id, 1, "bb", "BB", 300, 1);
	put(id, 1, "c", "C", 400, 1);
	out = engine_ask(&s, &a, q);
	assert_int_equal(out.n_records, 4);
	assert_slice_equal(out.records[0].key, SLICE_LIT("a"));
	assert_slice_equal(out.records[2].key, SLICE_LIT("bb"));
	q.first = SLICE_LIT("b");
	q.last = SLICE_LIT("bb");
	assert_int_equal(engine_ask(&s, &a, q).n_records, 2);
	q.last = SLICE_LIT("a");
	assert_int_equal(engine_ask(&s, &a, q).n_records, 0);
	q.last = (struct slice){ 0 };
	assert_int_equal(engine_ask(&s, &a, q).n_records, 3);
	q.max = 2;
	out = engine_ask(&s, &a, q);
	assert_int_equal(out.n_records, 2);
	assert_slice_equal(out.records[1].key, SLICE_LIT("bb"));
	q.backwards = true;
	out = engine_ask(&s, &a, q);
	assert_int_equal(out.n_records, 2);
	assert_slice_equal(out.records[0].key, SLICE_LIT("c"));
	assert_slice_equal(out.records[1].key, SLICE_LIT("bb"));
	q.backwards = false;
	/* What has expired by then does not count, neither for the limit. */
	q.alive_ms = 200;
	out = engine_ask(&s, &a, q);
	assert_int_equal(out.n_records, 2);
	assert_slice_equal(out.records[0].key, SLICE_LIT("bb"));
	/* A limit on bytes is exact. */
	q.max = 0;
	q.bytes_max = 3;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 2);
	q.bytes_max = 2;
	assert_err(s.read(s.ctx, &q, &out, &a), ERR_LIMIT);
	q.type = QUERY_COUNT;
	assert_int_equal(engine_ask(&s, &a, q).count, 2);
	q.type = QUERY_KIND;
	q.metadata_only = true;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 2);
	/* Replacing is not adding. */
	put(id, 1, "b", "other", 900, 2);
	out = ask_kind(id, 1);
	assert_int_equal(out.n_records, 4);
	assert_slice_equal(out.records[1].data, SLICE_LIT("other"));
	assert_int_equal(out.records[1].expires_ms, 900);
}

static void ring(struct node_id from, struct node_id to, const char *want)
{
	struct query q = { .type = QUERY_RANGE, .from = from, .to = to };
	struct query_answer out = engine_ask(&s, &a, q);
	char got[64] = "";

	for (size_t i = 0; i < out.n_slots; i++)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%x.%u ",
			 out.slots[i].resource.b[0],
			 (unsigned)out.slots[i].kind);
	assert_string_equal(got, want);
	/* The same by pages, of one. */
	q.max = 1;
	for (size_t i = 0; i <= out.n_slots; i++) {
		struct query_answer page = engine_ask(&s, &a, q);

		assert_int_equal(page.n_slots, i < out.n_slots);
		if (page.n_slots == 0)
			break;
		assert_memory_equal(&page.slots[0], &out.slots[i],
				    sizeof(struct slot));
		q.has_cursor = true;
		q.cursor = page.slots[0];
	}
}

static void ranges(void **state)
{
	struct node_id at[6];

	(void)state;
	for (uint8_t i = 0; i < 6; i++)
		at[i] = engine_id((uint8_t)(i * 0x20), 0);
	put(at[1], 2, "x", "", 500, 1);
	put(at[1], 1, "x", "", 100, 1);
	put(at[3], 1, "x", "", 500, 1);
	put(at[5], 9, "x", "", 500, 1);
	ring(at[1], at[3], "60.1 ");
	ring(at[0], at[1], "20.1 20.2 ");
	ring(at[2], at[1], "60.1 a0.9 20.1 20.2 ");
	ring(at[3], at[0], "a0.9 ");
	ring(at[5], at[0], "");
	/* The whole ring, from wherever: a0 itself comes last. */
	ring(at[5], at[5], "20.1 20.2 60.1 a0.9 ");
	ring(at[4], at[4], "a0.9 20.1 20.2 60.1 ");
}

/* The resource that a query for the nearest gives, by its first byte; 0: none.
 */
static unsigned nearest(struct node_id from, struct node_id to,
			struct node_id at, uint32_t kind, uint64_t alive_ms)
{
	struct query q = { .type = QUERY_NEAREST,
			   .from = from,
			   .to = to,
			   .resource = at,
			   .kind = kind,
			   .alive_ms = alive_ms };
	struct query_answer out = engine_ask(&s, &a, q);

	assert_true(out.n_slots <= 1);
	return out.n_slots == 0 ? 0 : out.slots[0].resource.b[0];
}

static void find(void **state)
{
	struct node_id at[8];

	(void)state;
	for (uint8_t i = 0; i < 8; i++)
		at[i] = engine_id((uint8_t)(i * 0x20), 0);
	put(at[1], 1, "x", "", 100, 1);
	put(at[3], 2, "x", "", 500, 1);
	put(at[5], 1, "x", "", 500, 1);
	assert_int_equal(nearest(at[0], at[7], at[1], 1, 0), 0x20);
	assert_int_equal(nearest(at[0], at[7], at[2], 1, 0), 0xa0);
	assert_int_equal(nearest(at[0], at[4], at[2], 1, 0), 0);
	assert_int_equal(nearest(at[0], at[7], at[6], 1, 0), 0);
	/* Round the end of the ring, and not past it. */
	assert_int_equal(nearest(at[4], at[2], at[6], 1, 0), 0x20);
	assert_int_equal(nearest(at[2], at[2], at[6], 1, 0), 0x20);
	assert_int_equal(nearest(at[2], at[2], at[2], 1, 0), 0);
	/* A start outside of the range. */
	assert_int_equal(nearest(at[2], at[4], at[1], 2, 0), 0);
	/* What has expired is not there. */
	assert_int_equal(nearest(at[0], at[7], at[1], 1, 100), 0xa0);
}

static void dropping(void **state)
{
	struct node_id one = engine_id(1, 1), two = engine_id(2, 2);
	struct query kinds = { .type = QUERY_KINDS };
	struct query_answer out;
	struct change *ch;
	struct batch *b;

	(void)state;
	put(one, 1, "a", "", 100, 1);
	put(one, 1, "b", "", 200, 2);
	put(two, 1, "a", "", 300, 2);
	put(two, 5, "a", "", 400, 3);
	out = engine_ask(&s, &a, kinds);
	assert_int_equal(out.n_slots, 2);
	assert_int_equal(out.slots[1].kind, 5);
	b = fresh();
	ch = batch_add(b, CHANGE_DELETE);
	ch->record = engine_record(one, 1, "a", "", 0, 0);
	ch = batch_add(b, CHANGE_DELETE); /* not there: nothing */
	ch->record = engine_record(two, 9, "a", "", 0, 0);
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(one, 1).n_records, 1);
	assert_int_equal(ask_kind(one, 1).generation, 1);
	b = fresh();
	ch = batch_add(b, CHANGE_DROP_SIGNER);
	memset(ch->record.signer, 2, CERT_HASH_LEN);
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(one, 1).n_records, 0);
	assert_int_equal(ask_kind(two, 1).n_records, 0);
	assert_int_equal(ask_kind(two, 1).generation, 1);
	assert_int_equal(ask_kind(two, 5).n_records, 1);
	b = fresh();
	ch = batch_add(b, CHANGE_DROP_SLOT);
	ch->slot = (struct slot){ two, 1, 0 };
	ch = batch_add(b, CHANGE_DROP_KIND);
	ch->slot.kind = 5;
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(two, 1).generation, 0);
	assert_int_equal(ask_kind(two, 5).generation, 0);
	out = engine_ask(&s, &a, kinds);
	assert_int_equal(out.n_slots, 1);
	/* A slot that is dropped and filled in one batch. */
	b = fresh();
	ch = batch_add(b, CHANGE_DROP_SLOT);
	ch->slot = (struct slot){ one, 1, 0 };
	batch_put(b, &(struct record){ .resource = one, .kind = 1 });
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(one, 1).n_records, 1);
	assert_int_equal(ask_kind(one, 1).generation, 0);
}

/* Certificates stay as long as a value needs them. */
static void certificates(void **state)
{
	struct query q = { .type = QUERY_CERT };
	struct query signers = { .type = QUERY_SIGNERS };
	struct node_id id = engine_id(1, 1);
	struct query_answer out;
	struct change *ch;
	struct batch *b = fresh();

	(void)state;
	batch_cert(b, 2, "two");
	batch_cert(b, 1, "one");
	batch_cert(b, 2, "two again"); /* the first stays */
	assert_ok(engine_commit(&s, b));
	put(id, 1, "a", "", 100, 1);
	put(id, 1, "b", "", 200, 2);
	put(id, 1, "c", "", 200, 9); /* without a certificate here */
	memset(q.hash, 2, sizeof(q.hash));
	assert_slice_equal(engine_ask(&s, &a, q).der, SLICE_LIT("two"));
	out = engine_ask(&s, &a, signers);
	assert_int_equal(out.n_signers, 2);
	assert_int_equal(out.signers[0][0], 1);
	signers.max = 1;
	assert_int_equal(engine_ask(&s, &a, signers).n_signers, 1);
	memset(signers.hash, 1, sizeof(signers.hash));
	out = engine_ask(&s, &a, signers);
	assert_int_equal(out.n_signers, 1);
	assert_int_equal(out.signers[0][0], 2);
	memset(signers.hash, 2, sizeof(signers.hash));
	assert_int_equal(engine_ask(&s, &a, signers).n_signers, 0);
	signers = (struct query){ .type = QUERY_SIGNERS };
	b = fresh();
	ch = batch_add(b, CHANGE_PURGE);
	ch->record.expires_ms = 100;
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(id, 1).n_records, 2);
	assert_slice_equal(engine_ask(&s, &a, q).der, SLICE_LIT("two"));
	memset(q.hash, 1, sizeof(q.hash));
	assert_int_equal(engine_ask(&s, &a, q).der.len, 0);
	out = engine_ask(&s, &a, signers);
	assert_int_equal(out.n_signers, 1);
	/* The counter outlives the values. */
	b = fresh();
	ch = batch_add(b, CHANGE_PURGE);
	ch->record.expires_ms = 200;
	assert_ok(engine_commit(&s, b));
	assert_int_equal(ask_kind(id, 1).n_records, 0);
	assert_int_equal(ask_kind(id, 1).generation, 1);
	ring(id, id, "");
}

/* Batches of a group are apart from one another, and seen in their order. */
static void groups(void **state)
{
	struct node_id id = engine_id(1, 1);
	struct batch *v[3];
	struct record r;
	enum err status[3];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		v[i] = fresh();
		r = engine_record(id, 1, "k", i == 2 ? "last" : "", 100, 1);
		batch_put(v[i], &r);
		batch_generation(v[i], id, 1, i + 1);
	}
	s.commit(s.ctx, v, 3, status);
	for (unsigned i = 0; i < 3; i++) {
		assert_ok(status[i]);
		batch_free(v[i]);
	}
	assert_int_equal(ask_kind(id, 1).generation, 3);
	assert_slice_equal(ask_kind(id, 1).records[0].data, SLICE_LIT("last"));
}

/* ---- all engines against the first ---- */

enum { IDS = 6, KINDS = 3, KEYS = 5, SIGNERS = 4, TIMES = 50 };

static struct node_id some_id(struct rng *rng)
{
	return engine_id((uint8_t)(rng_below(rng, IDS) * 40), 0);
}

static void some_change(struct rng *rng, struct batch *b, uint64_t now)
{
	static const char *const keys[KEYS] = { "", "a", "ab", "b", "\xff" };
	static const char *const certs[SIGNERS] = { "w", "x", "y", "z" };
	uint32_t kind = (uint32_t)rng_below(rng, KINDS);
	uint8_t signer = (uint8_t)rng_below(rng, SIGNERS);
	struct node_id id = some_id(rng);
	struct record r = engine_record(id, kind, keys[rng_below(rng, KEYS)],
					&"data"[rng_below(rng, 5)],
					now + rng_below(rng, TIMES), signer);
	struct change *ch;

	switch (rng_below(rng, 16)) {
	default:
		batch_put(b, &r);
		batch_generation(b, id, kind, rng_u64(rng));
		break;
	case 0:
		ch = batch_add(b, CHANGE_DELETE);
		ch->record = r;
		assert_ok(arena_dup(&b->arena, r.key, &ch->record.key));
		break;
	case 1:
	case 2:
		batch_cert(b, signer, certs[signer]);
		break;
	case 3:
		batch_add(b, CHANGE_DROP_SLOT)->slot = (struct slot){ id, kind,
								      0 };
		break;
	case 4:
		if (rng_below(rng, 4) == 0)
			batch_add(b, CHANGE_DROP_KIND)->slot.kind = kind;
		break;
	case 5:
		if (rng_below(rng, 4) == 0)
			batch_add(b, CHANGE_DROP_SIGNER)->record = r;
		break;
	case 6:
		batch_add(b, CHANGE_PURGE)->record.expires_ms = now;
		break;
	}
}

static struct query some_query(struct rng *rng, uint64_t now)
{
	static const struct slice bounds_of[] = {
		{ NULL, 0 },
		{ NULL, 0 },
		{ (const uint8_t *)"", 0 },
		{ (const uint8_t *)"a", 1 },
		{ (const uint8_t *)"ab", 2 },
		{ (const uint8_t *)"b", 1 },
	};
	struct query q = { .type = (enum query_type)rng_below(rng,
							      QUERY_KINDS + 1),
			   .resource = some_id(rng),
			   .kind = (uint32_t)rng_below(rng, KINDS),
			   .first = bounds_of[rng_below(rng, N_OF(bounds_of))],
			   .last = bounds_of[rng_below(rng, N_OF(bounds_of))],
			   .metadata_only = rng_below(rng, 2) == 0,
			   .bytes_max = (uint32_t)rng_below(rng, 3) * 6,
			   .from = some_id(rng),
			   .to = some_id(rng),
			   .has_cursor = rng_below(rng, 2) == 0,
			   .max = (uint32_t)rng_below(rng, 4) };

	q.alive_ms = rng_below(rng, 2) == 0 ? 0 : now + rng_below(rng, TIMES);
	if (q.last.p == NULL)
		q.backwards = rng_below(rng, 2) == 0;
	/* What a Store asks. */
	if (rng_below(rng, 3) == 0) {
		q.type = QUERY_KIND;
		q.first = q.last = (struct slice){ 0 };
		q.metadata_only = true;
		q.backwards = false;
		q.max = 0;
	}
	q.cursor.resource = some_id(rng);
	q.cursor.kind = (uint32_t)rng_below(rng, KINDS);
	memset(q.hash, (int)rng_below(rng, SIGNERS), sizeof(q.hash));
	return q;
}

static void same_answer(const struct query_answer *x,
			const struct query_answer *y)
{
	assert_true(x->generation == y->generation);
	assert_int_equal(x->n_records, y->n_records);
	for (size_t i = 0; i < x->n_records; i++) {
		const struct record *p = &x->records[i], *q = &y->records[i];

		assert_true(id_eq(&p->resource, &q->resource));
		assert_int_equal(p->kind, q->kind);
		assert_slice_equal(p->key, q->key);
		assert_true(p->storage_time == q->storage_time);
		assert_true(p->expires_ms == q->expires_ms);
		assert_memory_equal(p->signer, q->signer, CERT_HASH_LEN);
		assert_slice_equal(p->data, q->data);
	}
	assert_int_equal(x->n_slots, y->n_slots);
	for (size_t i = 0; i < x->n_slots; i++) {
		assert_true(
			id_eq(&x->slots[i].resource, &y->slots[i].resource));
		assert_int_equal(x->slots[i].kind, y->slots[i].kind);
		assert_true(x->slots[i].generation == y->slots[i].generation);
	}
	assert_int_equal(x->count, y->count);
	assert_slice_equal(x->der, y->der);
	assert_int_equal(x->n_signers, y->n_signers);
	for (size_t i = 0; i < x->n_signers; i++)
		assert_memory_equal(x->signers[i], y->signers[i],
				    CERT_HASH_LEN);
}

static void one_history(const struct storage *other, uint64_t seed)
{
	uint8_t bytes[32] = { 0 };
	struct rng rng, rewound;
	uint64_t now = 1000;

	memcpy(bytes, &seed, sizeof(seed));
	rng_init(&rng, bytes);
	for (unsigned step = 0; step < 60; step++) {
		uint64_t changes = 1 + rng_below(&rng, 4);
		struct batch *x = fresh(), *y = fresh();

		rewound = rng;
		for (uint64_t i = 0; i < changes; i++)
			some_change(&rng, x, now);
		for (uint64_t i = 0; i < changes; i++)
			some_change(&rewound, y, now);
		assert_ok(engine_commit(&s, x));
		assert_ok(engine_commit(other, y));
		for (unsigned i = 0; i < 12; i++) {
			struct query q = some_query(&rng, now);
			struct query_answer p, r;
			enum err e = s.read(s.ctx, &q, &p, &a);

			assert_err(other->read(other->ctx, &q, &r, &a), e);
			if (e == OK)
				same_answer(&p, &r);
		}
		now += rng_below(&rng, TIMES / 4);
		arena_reset(&a);
	}
}

static void agreement(void **state)
{
	const char *env = getenv("P2PSIP_TEST_SEED");
	uint64_t seed = env != NULL ? strtoull(env, NULL, 0) : 1;
	struct batch *b;
	struct storage other;

	(void)state;
	assert_ok(engine_cases[0].name != NULL ? OK : ERR_SOFTWARE);
	engine_cases[0].open(&other, dir);
	for (unsigned i = 0; i < 20; i++, seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		one_history(&other, seed);
		/* Both empty again. */
		for (unsigned side = 0; side < 2; side++) {
			b = fresh();
			for (uint32_t k = 0; k < KINDS; k++)
				batch_add(b, CHANGE_DROP_KIND)->slot.kind = k;
			batch_add(b, CHANGE_PURGE)->record.expires_ms =
				UINT64_MAX;
			assert_ok(engine_commit(side ? &s : &other, b));
		}
	}
	other.close(other.ctx);
}

int main(void)
{
	static const struct CMUnitTest each[] = {
		cmocka_unit_test_setup_teardown(values, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(ranges, setup, teardown),
		cmocka_unit_test_setup_teardown(find, setup, teardown),
		cmocka_unit_test_setup_teardown(dropping, setup, teardown),
		cmocka_unit_test_setup_teardown(certificates, setup, teardown),
		cmocka_unit_test_setup_teardown(groups, setup, teardown),
		cmocka_unit_test_setup_teardown(agreement, setup, teardown),
	};
	struct CMUnitTest tests[N_OF(each) * 4];
	char names[N_OF(each) * 4][64];
	size_t n = 0;

	for (size_t i = 0; i < n_engine_cases; i++)
		for (size_t j = 0; j < N_OF(each); j++, n++) {
			snprintf(names[n], sizeof(names[n]), "%s: %s",
				 engine_cases[i].name, each[j].name);
			tests[n] = each[j];
			tests[n].name = names[n];
			tests[n].initial_state =
				(void *)(uintptr_t)&engine_cases[i];
		}
	return _cmocka_run_group_tests("storage", tests, n, NULL, NULL);
}
