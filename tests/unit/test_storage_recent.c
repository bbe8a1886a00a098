/* SPDX-License-Identifier: ISC */
/*
 * Slots that are kept in memory: when the engine is asked and when not, what is
 * known after each change, and that nothing is known that is not on disk,
 * however reads and commits meet.  6940-7.4.1.1-R3
 */
#include "engines.h"
#include "scarce.h"

#include <stdio.h>
#include <stdlib.h>

#include "storage/memory.h"
#include "storage/recent.h"

/* The engine behind: memory, that counts, and lets things happen meanwhile. */
static struct storage behind, s;
static struct arena a;
static unsigned n_reads;
static enum err commits; /* as this; OK: as they do */
static void (*while_reading)(void), (*while_writing)(void);

static void once(void (**what)(void))
{
	void (*f)(void) = *what;

	*what = NULL;
	if (f != NULL)
		f();
}

static enum err slow_read(void *ctx, const struct query *q,
			  struct query_answer *out, struct arena *arena)
{
	enum err r = behind.read(ctx, q, out, arena);

	n_reads++;
	once(&while_reading);
	return r;
}

static void slow_commit(void *ctx, struct batch *const *v, size_t n,
			enum err *status)
{
	if (commits == OK)
		behind.commit(ctx, v, n, status);
	for (size_t i = 0; commits != OK && i < n; i++)
		status[i] = commits;
	once(&while_writing);
}

static int setup(void **state)
{
	(void)state;
	assert_ok(memory_open(&behind));
	s = behind;
	s.read = slow_read;
	s.commit = slow_commit;
	assert_ok(recent_add(&s));
	a = (struct arena)ARENA_INIT(64 << 20);
	n_reads = 0;
	commits = OK;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	s.close(s.ctx);
	arena_free(&a);
	return 0;
}

static struct query whole(uint8_t id)
{
	return (struct query){ .type = QUERY_KIND,
			       .resource = engine_id(id, 0),
			       .kind = 1,
			       .metadata_only = true };
}

/* What a slot is, as "counter key:expiry key:expiry ..."; does the answer need
 * the engine? */
static void slot_is(uint8_t id, const char *want, bool read)
{
	unsigned before = n_reads;
	struct query_answer is = engine_ask(&s, &a, whole(id));
	char got[256];
	int n = snprintf(got, sizeof(got), "%llu",
			 (unsigned long long)is.generation);

	for (size_t i = 0; i < is.n_records; i++) {
		const struct record *r = &is.records[i];

		assert_int_equal(r->data.len, 0);
		assert_int_equal(r->resource.b[0], id);
		assert_int_equal(r->kind, 1);
		n += snprintf(got + n, sizeof(got) - (size_t)n, " %.*s:%llu",
			      (int)r->key.len, (const char *)r->key.p,
			      (unsigned long long)r->expires_ms);
	}
	assert_string_equal(got, want);
	assert_int_equal(n_reads - before, read);
}

static void same_as_behind(struct query q)
{
	struct query_answer x = engine_ask(&s, &a, q);
	struct query_answer y = engine_ask(&behind, &a, q);

	assert_true(x.generation == y.generation);
	assert_int_equal(x.n_records, y.n_records);
	for (size_t i = 0; i < x.n_records; i++) {
		assert_slice_equal(x.records[i].key, y.records[i].key);
		assert_true(x.records[i].expires_ms == y.records[i].expires_ms);
	}
}

static struct batch *put(uint8_t id, const char *key, uint64_t expires_ms,
			 uint64_t generation)
{
	struct record r = engine_record(engine_id(id, 0), 1, key, "data",
					expires_ms, 1);
	struct batch *b = batch_new(1);

	assert_non_null(b);
	batch_put(b, &r);
	batch_generation(b, engine_id(id, 0), 1, generation);
	return b;
}

static void commit(struct batch *b)
{
	assert_ok(engine_commit(&s, b));
}

/* What was written after the first look needs no second, an expiry neither. */
static void writes(void **state)
{
	struct query q = whole(1);
	struct batch *b;

	(void)state;
	slot_is(1, "0", true);
	slot_is(1, "0", false);
	commit(put(1, "b", 200, 1));
	slot_is(1, "1 b:200", false);
	commit(put(1, "a", 100, 2));
	commit(put(1, "b", 300, 3));
	slot_is(1, "3 a:100 b:300", false);
	q.alive_ms = 100;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 1);
	b = put(1, "c", 400, 4);
	batch_add(b, CHANGE_DELETE)->record = engine_record(engine_id(1, 0), 1,
							    "a", "", 0, 1);
	batch_cert(b, 1, "certificate");
	commit(b);
	slot_is(1, "4 b:300 c:400", false);
	assert_int_equal(n_reads, 1);
}

/* Other Kinds and resources are others; other questions are the engine's. */
static void others(void **state)
{
	struct query q = whole(1);
	struct query_answer is;

	(void)state;
	slot_is(1, "0", true);
	commit(put(1, "a", 100, 1));
	slot_is(2, "0", true);
	q.kind = 2;
	assert_int_equal(engine_ask(&s, &a, q).generation, 0);
	assert_int_equal(n_reads, 3);
	q = whole(1);
	q.metadata_only = false;
	is = engine_ask(&s, &a, q);
	assert_slice_equal(is.records[0].data, SLICE_LIT("data"));
	q = whole(1);
	q.max = 1;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 1);
	q = whole(1);
	q.first = SLICE_LIT("b");
	assert_int_equal(engine_ask(&s, &a, q).n_records, 0);
	q = whole(1);
	q.last = SLICE_LIT("");
	assert_int_equal(engine_ask(&s, &a, q).n_records, 0);
	q = whole(1);
	q.backwards = true;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 1);
	assert_int_equal(n_reads, 8);
}

/* A slot that was first seen with values that have expired still has them. */
static void expired(void **state)
{
	struct query q = whole(1);

	(void)state;
	commit(put(1, "a", 100, 1));
	q.alive_ms = 100;
	assert_int_equal(engine_ask(&s, &a, q).n_records, 0);
	slot_is(1, "1 a:100", false);
}

/* Drops of every sort. */
static void drops(void **state)
{
	static const enum change_type types[] = { CHANGE_DROP_SLOT,
						  CHANGE_DROP_KIND,
						  CHANGE_DROP_SIGNER,
						  CHANGE_PURGE };
	struct change *ch;
	struct batch *b;

	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		commit(put(1, "a", 100, 7));
		slot_is(1, "7 a:100", true);
		b = batch_new(1);
		ch = batch_add(b, types[i]);
		ch->record = engine_record(engine_id(9, 9), 9, "", "", 100, 1);
		ch->slot = (struct slot){ engine_id(1, 0), 1, 0 };
		commit(b);
		slot_is(1, i < 2 ? "0" : "7", true);
		b = batch_new(1); /* and as it was in the beginning */
		batch_add(b, CHANGE_DROP_SLOT)->slot =
			(struct slot){ engine_id(1, 0), 1, 0 };
		commit(b);
	}
}

/* A commit that fails, whatever became of it. */
static void failed(void **state)
{
	(void)state;
	slot_is(1, "0", true);
	commit(put(1, "a", 100, 1));
	commits = ERR_STORAGE;
	assert_err(engine_commit(&s, put(1, "b", 200, 2)), ERR_STORAGE);
	commits = OK;
	slot_is(1, "1 a:100", true);
	slot_is(1, "1 a:100", false);
}

static void write_a(void)
{
	commit(put(1, "a", 100, 1));
}

static void write_other(void)
{
	commit(put(2, "a", 100, 1));
}

/* What a read brings is of the past when a commit began meanwhile. */
static void commit_during_read(void **state)
{
	(void)state;
	while_reading = write_a;
	slot_is(1, "0", true);
	slot_is(1, "1 a:100", true);
	slot_is(1, "1 a:100", false);
	while_reading = write_other;
	slot_is(3, "0", true);
	slot_is(3, "0", true);
}

static void look(void)
{
	slot_is(1, "2 a:100 b:200", true);
	slot_is(2, "0", false);
	slot_is(3, "0", true);
	slot_is(3, "0", false);
}

static void look_all_in_doubt(void)
{
	slot_is(1, "2 a:100 b:200", true);
	slot_is(1, "2 a:100 b:200", true);
}

/* A slot that is being written is the engine's to tell of, others are not. */
static void read_during_commit(void **state)
{
	struct batch *b = batch_new(1);

	(void)state;
	slot_is(1, "0", true);
	commit(put(1, "a", 100, 1));
	slot_is(2, "0", true);
	while_writing = look;
	commit(put(1, "b", 200, 2));
	assert_null(while_writing);
	slot_is(1, "2 a:100 b:200", false);
	while_writing = look_all_in_doubt;
	batch_add(b, CHANGE_PURGE)->record.expires_ms = 50;
	commit(b);
	assert_null(while_writing);
	slot_is(1, "2 a:100 b:200", true);
}

static void look_at_1(void)
{
	unsigned before = n_reads;

	(void)engine_ask(&s, &a, whole(1));
	assert_int_equal(n_reads - before, 1);
}

/* Each change alone makes its slot one that is being written. */
static void read_during_change(void **state)
{
	static const enum change_type types[] = { CHANGE_PUT, CHANGE_DELETE,
						  CHANGE_GENERATION,
						  CHANGE_DROP_SLOT };
	struct change *ch;
	struct batch *b;

	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		commit(put(1, "a", 100, 1));
		(void)engine_ask(&s, &a, whole(1));
		b = batch_new(1);
		ch = batch_add(b, types[i]);
		if (types[i] == CHANGE_PUT || types[i] == CHANGE_DELETE)
			ch->record = engine_record(engine_id(1, 0), 1, "a", "",
						   300, 1);
		else
			ch->slot = (struct slot){ engine_id(1, 0), 1, 9 };
		while_writing = look_at_1;
		commit(b);
		assert_null(while_writing);
		same_as_behind(whole(1));
	}
}

static void read_a(void)
{
	slot_is(1, "1 a:100", true);
}

/* The same in one: a read that began before a commit and one within it. */
static void write_and_look(void)
{
	while_writing = read_a;
	write_a();
}

static void all_at_once(void **state)
{
	(void)state;
	while_reading = write_and_look;
	assert_int_equal(engine_ask(&s, &a, whole(1)).generation, 0);
	assert_int_equal(n_reads, 2);
	slot_is(1, "1 a:100", true);
	slot_is(1, "1 a:100", false);
}

/* Room for so many slots, and none for a large one. */
static void limits(void **state)
{
	char key[64];
	unsigned before;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		slot_is((uint8_t)i, "0", true);
	slot_is(255, "0", false);
	before = n_reads;
	for (unsigned i = 0; i < 256; i++)
		(void)engine_ask(&s, &a, whole((uint8_t)i));
	assert_true(n_reads - before >= 256 - RECENT_SLOTS_MAX);
	for (unsigned i = 0; i <= RECENT_SLOT_BYTES_MAX / 128; i++) {
		snprintf(key, sizeof(key), "%063u", i);
		commit(put(1, key, 100, 1));
	}
	before = n_reads;
	(void)engine_ask(&s, &a, whole(1));
	(void)engine_ask(&s, &a, whole(1));
	assert_int_equal(n_reads - before, 2);
}

/* Whichever allocation fails: an answer is right or there is none. */
static void no_memory(void **state)
{
	struct query q = whole(1);
	uint64_t written = 0;

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		struct query_answer is;
		enum err r, status;
		struct batch *b;
		char key[8];

		snprintf(key, sizeof(key), "%03u", i % 40);
		b = put(1, key, 200 + i, written + 1);
		allocations_left = i % 10;
		s.commit(s.ctx, &b, 1, &status);
		r = s.read(s.ctx, &q, &is, &a);
		allocations_left = -1;
		batch_free(b);
		written += status == OK;
		assert_true(r != OK || is.generation == written);
		same_as_behind(q);
	}
	assert_in_range(written, 60, 190);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(writes, setup, teardown),
		cmocka_unit_test_setup_teardown(others, setup, teardown),
		cmocka_unit_test_setup_teardown(expired, setup, teardown),
		cmocka_unit_test_setup_teardown(drops, setup, teardown),
		cmocka_unit_test_setup_teardown(failed, setup, teardown),
		cmocka_unit_test_setup_teardown(commit_during_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(read_during_commit, setup,
						teardown),
		cmocka_unit_test_setup_teardown(read_during_change, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(no_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
