/* SPDX-License-Identifier: ISC */
/* Copies, hand-over, what becomes of values when the ring changes: RFC 6940
 * s10.4, s10.5, s10.7.3, s7.4.1.1, s6.4.2.3. */
#include "unit.h"

#include "../sim/check.h"
#include "../sim/diary.h"
#include "../sim/rogue.h"
#include "../sim/truth.h"
#include "core/state.h"

struct scene {
	struct world *w;
	struct check check;
	struct diary diary;
	struct truth truth;
};

static void scene_init(struct scene *s, uint64_t seed, uint32_t n_peers)
{
	struct world_options opt = { .seed = seed };

	s->w = world_new(&opt);
	check_init(&s->check, s->w);
	diary_init(&s->diary, s->w);
	truth_init(&s->truth, s->w);
	world_ring(s->w, n_peers);
	world_run(s->w, 60 * SECOND_US);
	assert_int_equal(truth_ring(&s->truth), 0);
}

static void scene_end(struct scene *s)
{
	if (s->check.n_broken != 0)
		fail_msg("a frame broke a rule: %s", s->check.first);
	world_free(s->w);
	check_clear(&s->check);
	diary_clear(&s->diary);
	truth_clear(&s->truth);
}

static bool settled(struct world *w, void *ctx)
{
	struct truth *t = ctx;

	(void)w;
	truth_settle(t);
	for (const struct fact *f = t->facts; f != NULL; f = f->next)
		if (f->command != 0)
			return false;
	return true;
}

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

static void run(struct scene *s, uint64_t seconds)
{
	world_run(s->w, seconds * SECOND_US);
}

/* Every host stores a value, and so many entries of a dictionary. */
static void fill(struct scene *s, uint32_t n_keys)
{
	char key[16];

	for (uint32_t i = 0; i < s->w->n_hosts; i++) {
		(void)truth_fact(&s->truth, s->w->hosts[i], NULL);
		for (uint32_t k = 0; k < n_keys; k++) {
			(void)snprintf(key, sizeof(key), "key %u", k);
			(void)truth_fact(&s->truth, s->w->hosts[i], key);
		}
	}
	for (struct fact *f = s->truth.facts; f != NULL; f = f->next) {
		truth_store(&s->truth, f, true);
		world_run(s->w, SECOND_US / 100);
	}
	assert_true(world_run_until(s->w, settled, &s->truth, 60 * SECOND_US));
	for (struct fact *f = s->truth.facts; f != NULL; f = f->next)
		assert_true(f->known);
}

static void all_again(struct scene *s)
{
	for (struct fact *f = s->truth.facts; f != NULL; f = f->next)
		truth_store(&s->truth, f, true);
	assert_true(world_run_until(s->w, settled, &s->truth, 60 * SECOND_US));
}

static uint8_t replica_number(struct scene *s, const struct said *a)
{
	struct store_req req;

	diary_body(&s->diary, a, &wire_type_store_req, &req);
	return req.replica_number;
}

static const struct said *copy_since(struct scene *s, uint64_t since_us,
				     const struct host *from,
				     const struct host *to)
{
	const struct said *a = NULL;

	while ((a = diary_next(&s->diary, a, MSG_STORE_REQ, from, to)) != NULL)
		if (a->at_us >= since_us && replica_number(s, a) > 0)
			return a;
	return NULL;
}

/* 6940-10.4-R1, 6940-10.4-R2: the owner sends numbers 1 and 2 to the next two,
 * by their Node-IDs; these send nothing further: three copies, no more. */
static void test_three_copies(void **state)
{
	struct host *owner, *first, *second;
	const struct said *a = NULL;
	struct node_id id;
	struct scene s;
	uint32_t n = 0;

	(void)state;
	scene_init(&s, 31, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_null(copy_since(&s, 0, s.w->hosts[i], NULL));
	truth_store(&s.truth, truth_fact(&s.truth, s.w->hosts[0], NULL), true);
	assert_true(world_run_until(s.w, settled, &s.truth, 10 * SECOND_US));
	run(&s, 5);
	world_resource(s.w, s.w->hosts[0]->user, &id);
	owner = world_owner(s.w, &id);
	first = world_successor(s.w, owner, 1);
	second = world_successor(s.w, owner, 2);
	while ((a = diary_next(&s.diary, a, MSG_STORE_REQ, NULL, NULL)) !=
	       NULL) {
		if (replica_number(&s, a) == 0)
			continue;
		n++;
		assert_ptr_equal(a->from, owner);
		assert_true(a->to == first || a->to == second);
		assert_int_equal(replica_number(&s, a), a->to == first ? 1 : 2);
		assert_true(said_to_node(a, 0, &a->to->signer.node_id));
	}
	assert_int_equal(n, 2);
	assert_int_equal(s.truth.facts->copies, 3);
	assert_int_equal(truth_copies(&s.truth, true), 0);
	scene_end(&s);
}

/* 6940-10.7.3-R4: three copies again after each loss; so five peers lose one
 * and then another, and no value. */
static void test_lose_two(void **state)
{
	struct scene s;

	(void)state;
	for (uint64_t seed = 41; seed < 45; seed++) {
		scene_init(&s, seed, 5);
		fill(&s, 10);
		for (uint32_t i = 0; i < 2; i++) {
			host_kill(s.w->hosts[(seed + 2 * i) % 5],
				  DEATH_PROCESS);
			run(&s, 2);
			assert_int_equal(truth_values(&s.truth, NULL), 0);
			run(&s, 60);
			assert_int_equal(truth_copies(&s.truth, false), 0);
		}
		scene_end(&s);
	}
}

/* The same without time for repair: three copies of all were there. */
static void test_lose_two_at_once(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 47, 5);
	fill(&s, 5);
	host_kill(s.w->hosts[1], DEATH_PROCESS);
	run(&s, 1);
	host_kill(s.w->hosts[3], DEATH_PROCESS);
	run(&s, 2);
	assert_int_equal(truth_values(&s.truth, NULL), 0);
	scene_end(&s);
}

/* 6940-10.7.1-R3: the successor that takes a failed one's place gets its copies
 * when the hold-down is over, and one that joins at once (CHOICE 38). */
static void test_hold_down(void **state)
{
	struct host *owner, *lost, *next, *jn;
	struct node_id id;
	struct scene s;
	uint64_t start;

	(void)state;
	scene_init(&s, 51, 6);
	fill(&s, 3);
	world_resource(s.w, s.w->hosts[0]->user, &id);
	owner = world_owner(s.w, &id);
	lost = world_successor(s.w, owner, 1);
	next = world_successor(s.w, owner, 3);
	start = s.w->now_us;
	host_kill(lost, DEATH_PROCESS);
	run(&s, 29);
	assert_null(copy_since(&s, start, owner, next));
	run(&s, 3);
	assert_non_null(copy_since(&s, start, owner, next));
	/* A node right after the owner. */
	run(&s, 60);
	id_next(&id, &owner->signer.node_id);
	jn = world_host(s.w, "newcomer@sim.example.org", &id);
	start = s.w->now_us;
	host_start(jn, ROLE_PEER, false);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	run(&s, 3);
	assert_non_null(copy_since(&s, start, owner, jn));
	scene_end(&s);
}

/* 6940-10.5-R5, 6940-6.4.2.1-R4: what the new node will own is there before it
 * is responsible; 6940-10.5-R7: its neighbours keep their copies of it;
 * 6940-10.7.3-R5: in the end nobody has one that is not a replica. */
static void test_join_gets_all(void **state)
{
	struct host *jn;
	struct scene s;

	(void)state;
	scene_init(&s, 61, 12);
	fill(&s, 80); /* about a thousand */
	for (uint32_t i = 0; i < 3; i++) {
		jn = world_host(s.w, "newcomer@sim.example.org", NULL);
		host_start(jn, ROLE_PEER, false);
		assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
		/* At this moment, from its disk, as others may fetch it. */
		for (struct fact *f = s.truth.facts; f != NULL; f = f->next) {
			struct query q = { .type = QUERY_KIND,
					   .resource = f->resource,
					   .kind = f->kind };
			struct query_answer a = { 0 };
			struct arena arena = ARENA_INIT(16 << 20);

			if (world_owner(s.w, &f->resource) != jn)
				continue;
			MUST(jn->storage.read(jn->storage.ctx, &q, &a, &arena));
			assert_int_equal(a.n_records,
					 f->kind == USER_VALUE ? 1 : 80);
			arena_free(&arena);
		}
		run(&s, 10);
		assert_int_equal(truth_copies(&s.truth, false), 0);
	}
	run(&s, 180);
	assert_int_equal(truth_copies(&s.truth, true), 0);
	scene_end(&s);
}

/* Every host stores a value that was not there before. */
static void fill_one(struct scene *s, const char *key)
{
	for (uint32_t i = 0; i < s->w->n_hosts; i++)
		if (host_joined(s->w->hosts[i]))
			truth_store(&s->truth,
				    truth_fact(&s->truth, s->w->hosts[i], key),
				    true);
}

/* A Store that comes while values are being handed over is not lost. */
static void test_store_while_joining(void **state)
{
	struct node_id id;
	struct host *jn;
	struct scene s;
	char key[16];

	(void)state;
	for (uint64_t seed = 131; seed < 135; seed++) {
		scene_init(&s, seed, 5);
		fill(&s, 20);
		/* It will own what host 2 stores. */
		world_resource(s.w, s.w->hosts[2]->user, &id);
		jn = world_host(s.w, "newcomer@sim.example.org", &id);
		host_start(jn, ROLE_PEER, false);
		for (uint32_t i = 0; i < 70; i++) {
			(void)snprintf(key, sizeof(key), "new %u", i);
			fill_one(&s, key);
			world_run(s.w, SECOND_US / 100);
		}
		assert_true(host_joined(jn));
		assert_true(world_run_until(s.w, settled, &s.truth,
					    60 * SECOND_US));
		run(&s, 3);
		assert_int_equal(truth_values(&s.truth, NULL), 0);
		assert_int_equal(truth_copies(&s.truth, false), 0);
		scene_end(&s);
	}
}

/* 6940-6.4.2.2-R4: peers leave one after the other, at once, and take nothing
 * with them. */
static void test_leave(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 65, 6);
	fill(&s, 10);
	for (uint32_t i = 0; i < 5; i++) {
		host_stop(s.w->hosts[i]);
		host_wipe(s.w->hosts[i]);
	}
	run(&s, 2);
	assert_int_equal(truth_values(&s.truth, s.w->hosts[5]), 0);
	scene_end(&s);
}

/* 6940-7.4.1.1-R15: copied from node to node a value ends when it would have.
 */
static void test_lifetime(void **state)
{
	struct store_item item = { .kind = USER_VALUE,
				   .exists = true,
				   .value = SLICE_LIT("short"),
				   .lifetime_s = 1000 };
	struct stored_data_specifier what = { .kind = USER_VALUE };
	struct command c = { .type = CMD_STORE, .items = &item, .n_items = 1 };
	const struct outcome *o;
	uint32_t n_killed = 0;
	struct host *owner;
	struct scene s;
	uint64_t start;

	(void)state;
	scene_init(&s, 71, 8);
	world_resource(s.w, s.w->hosts[0]->user, &c.resource);
	start = s.w->now_us;
	assert_err(host_do(s.w->hosts[0], &c)->result.err, OK);
	for (uint32_t i = 0; i < 4; i++) { /* every copy is another's by then */
		run(&s, 200);
		owner = world_owner(s.w, &c.resource);
		if (owner != s.w->hosts[0]) {
			host_kill(owner, DEATH_PROCESS);
			n_killed++;
		}
	}
	assert_in_range(n_killed, 2, 4);
	c = (struct command){ .type = CMD_FETCH,
			      .resource = c.resource,
			      .specifiers = &what,
			      .n_specifiers = 1 };
	world_run(s.w, start + 990 * SECOND_US - s.w->now_us);
	o = host_do(s.w->hosts[0], &c);
	assert_err(o->result.err, OK);
	assert_true(
		o->result.fetch->kind_responses.v[0].values.v[0].value.exists);
	assert_in_range(
		o->result.fetch->kind_responses.v[0].values.v[0].lifetime, 1,
		11);
	world_run(s.w, start + 1001 * SECOND_US - s.w->now_us);
	o = host_do(s.w->hosts[0], &c);
	assert_true(
		o->result.err == ERR_NOT_FOUND ||
		!o->result.fetch->kind_responses.v[0].values.v[0].value.exists);
	scene_end(&s);
}

/* 6940-10.7.4-R6, 6940-10.7.4-R7: a torn ring finds together: a Ping through a
 * bootstrap node to n + 1, then an Attach through it.  6940-6.4.2.3-R3: what
 * others own by then reaches them; 6940-7.4.1.1-R16: of what
 * was written on either side the newest stays. */
static void check_discovery(struct scene *s, uint64_t since_us)
{
	const struct said *a = NULL, *ping = NULL;
	struct node_id next;

	while ((a = diary_next(&s->diary, a, MSG_PING_REQ, NULL, NULL)) !=
	       NULL) {
		id_next(&next, &a->from->signer.node_id);
		if (a->at_us >= since_us &&
		    said_to_node(a, 0, &a->to->signer.node_id) &&
		    said_to_resource(a, 1, &next))
			ping = a;
	}
	assert_non_null(ping);
	for (a = NULL; (a = diary_next(&s->diary, a, MSG_ATTACH_REQ, NULL,
				       NULL)) != NULL;)
		if (a->at_us >= since_us && a->n_destination == 2 &&
		    said_to_node(a, 0, &a->to->signer.node_id))
			return;
	fail_msg("no Attach through the bootstrap node");
}

static void test_torn(void **state)
{
	uint64_t healed;
	struct scene s;

	(void)state;
	for (uint32_t n = 6; n <= 20; n += 14) {
		scene_init(&s, 80 + n, n);
		fill(&s, 3);
		net_split(s.w, n / 2);
		run(&s, 60);
		for (uint32_t i = 0; i < 3; i++) {
			all_again(&s);
			run(&s, 5);
		}
		fill_one(&s, "since");
		run(&s, 5);
		net_heal(s.w);
		healed = s.w->now_us;
		s.truth.quiet = true;
		for (uint32_t i = 0; i < 300 && truth_ring(&s.truth) > 0; i++)
			run(&s, 5);
		s.truth.quiet = false;
		run(&s, 15);
		assert_int_equal(truth_values(&s.truth, NULL), 0);
		run(&s, 600);
		check_discovery(&s, healed);
		assert_int_equal(truth_ring(&s.truth), 0);
		assert_int_equal(truth_values(&s.truth, NULL), 0);
		assert_int_equal(truth_copies(&s.truth, true), 0);
		scene_end(&s);
	}
}

/* ---- a copy that is newer than the owner's ---- */

static void newer(struct rogue *r, struct host *h, const struct node_id *id)
{
	struct stored_data v = { .storage_time = world_unix_ms(h->world),
				 .lifetime = 86400,
				 .value = { .exists = true,
					    .value = SLICE_LIT("newer") } };
	const struct cert *cert = r->host->signer.cert;
	struct wire_env env = h->world->env;
	struct batch *b = batch_new(1);
	struct change *ch = batch_add(b, CHANGE_PUT);
	struct buf bytes = BUF_INIT(65536);
	enum err status;

	rogue_sign_value(r, &r->host->signer, id, USER_VALUE, &v);
	env.model = MODEL_SINGLE;
	MUST(stored_data_encode(&v, &bytes, &env));
	ch->record = (struct record){ .resource = *id,
				      .kind = USER_VALUE,
				      .storage_time = v.storage_time,
				      .expires_ms = v.storage_time + DAY_MS,
				      .data = buf_slice(&bytes) };
	memcpy(ch->record.signer, cert->hash, CERT_HASH_LEN);
	h->storage.commit(h->storage.ctx, &b, 1, &status);
	MUST(status);
	batch_free(b);
	buf_clear(&bytes);
}

static uint64_t stored_time(struct host *h, const struct node_id *id)
{
	struct query q = { .type = QUERY_KIND,
			   .resource = *id,
			   .kind = USER_VALUE };
	struct arena arena = ARENA_INIT(1 << 20);
	struct query_answer a = { 0 };
	uint64_t t;

	MUST(h->storage.read(h->storage.ctx, &q, &a, &arena));
	t = a.n_records == 1 ? a.records[0].storage_time : 0;
	arena_free(&arena);
	return t;
}

/* 6940-7.4.1.1-R16: a copy is refused for being older: the newer value is
 * fetched from who has it, and the owner's own is replaced. */
static void test_newer_copy(void **state)
{
	struct stored_data v = { .lifetime = 86400,
				 .value = { .exists = true,
					    .value = SLICE_LIT("older") } };
	struct host *owner, *first;
	struct node_id id;
	struct rogue *r;
	struct scene s;
	struct draft d;
	uint64_t time;
	uint32_t link;

	(void)state;
	scene_init(&s, 101, 5);
	r = rogue_new(s.w, "rogue", NULL);
	world_resource(s.w, "rogue", &id);
	owner = world_owner(s.w, &id);
	first = world_successor(s.w, owner, 1);
	link = rogue_connect(r, owner);
	v.storage_time = world_unix_ms(s.w);
	rogue_sign_value(r, &r->host->signer, &id, USER_VALUE, &v);
	draft_init(&d, r, MSG_STORE_REQ);
	draft_store(&d, &id, USER_VALUE, 0, 0, &v, 1);
	draft_to_node(&d, &owner->signer.node_id);
	assert_int_equal(heard_error(r, rogue_ask(r, link, &d)), 0);
	run(&s, 5);
	assert_int_equal(stored_time(first, &id), v.storage_time);
	host_kill(first, DEATH_PROCESS);
	newer(r, first, &id);
	time = stored_time(first, &id);
	assert_true(time > v.storage_time);
	host_start(first, ROLE_PEER, false);
	assert_true(world_run_until(s.w, joined, first, 60 * SECOND_US));
	run(&s, 2);
	assert_int_equal(stored_time(owner, &id), time);
	rogue_free(r);
	scene_end(&s);
}

/* All are killed at once and start again from their disks, some never: whatever
 * one of them still has is found. */
static void test_cold_start(void **state)
{
	struct scene s;

	(void)state;
	scene_init(&s, 91, 6);
	fill(&s, 5);
	for (uint32_t i = 0; i < 6; i++)
		host_kill(s.w->hosts[i], DEATH_PROCESS);
	for (uint32_t i = 0; i < 4; i++) { /* three copies, two disks lost */
		host_start(s.w->hosts[i], ROLE_PEER, i == 0);
		assert_true(world_run_until(s.w, joined, s.w->hosts[i],
					    300 * SECOND_US));
	}
	run(&s, 120);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(truth_values(&s.truth, NULL), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_copies),
		cmocka_unit_test(test_lose_two),
		cmocka_unit_test(test_lose_two_at_once),
		cmocka_unit_test(test_hold_down),
		cmocka_unit_test(test_join_gets_all),
		cmocka_unit_test(test_store_while_joining),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_newer_copy),
		cmocka_unit_test(test_cold_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
