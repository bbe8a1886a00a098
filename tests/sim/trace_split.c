/* SPDX-License-Identifier: ISC */
/* A ring that is cut in two for an hour, written to on both sides, and heals.
 */
#include "../unit/unit.h"

#include "stage.h"

enum { PEERS = 8, HALF = 4 };

/* Pings for the ID after the sender's own, through another node. */
struct seeking {
	uint32_t n;
};

static enum verdict seek(void *ctx, const struct sight *s, struct buf *message)
{
	const struct destination_list *d;
	struct seeking *k = ctx;
	struct node_id next;

	(void)message;
	if (s->message == NULL || s->message->header.via_list.n != 0 ||
	    s->message->contents.message_code != MSG_PING_REQ)
		return NET_PASS;
	id_next(&next, &s->from->signer.node_id);
	d = &s->message->header.destination_list;
	k->n += d->n == 2 && d->v[0].type == DESTINATION_NODE &&
		d->v[1].type == DESTINATION_RESOURCE &&
		slice_eq(d->v[1].id, id_slice(&next, RING_ID_LEN));
	return NET_PASS;
}

/* Neighbours of `h` that are on the other side. */
static uint32_t strangers(struct stage *s, struct host *h)
{
	struct command c = { .type = CMD_TABLE };
	const struct chord_update *t = host_do(h, &c)->result.table;
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->successors.n; i++) {
		const struct host *o = world_host_by_id(s->w,
							&t->successors.v[i]);

		n += (o->index < HALF) != (h->index < HALF);
	}
	world_forget(s->w, c.id);
	return n;
}

static bool is_one(struct world *w, void *ctx)
{
	struct stage *s = ctx;

	(void)w;
	return truth_ring(&s->truth) == 0;
}

/* Runs until the ring is one again; the seconds that it took. */
static uint64_t heal(struct stage *s)
{
	uint64_t start_us = s->w->now_us;

	net_heal(s->w);
	s->truth.quiet = true;
	while (!is_one(s->w, s) && s->w->now_us < start_us + 3600 * SECOND_US)
		world_run(s->w, SECOND_US);
	s->truth.quiet = false;
	return (s->w->now_us - start_us) / SECOND_US;
}

static void split(struct stage *s)
{
	net_split(s->w, HALF);
	world_run(s->w, 3600 * SECOND_US);
	for (uint32_t i = 0; i < PEERS; i++) {
		assert_true(host_joined(s->w->hosts[i]));
		assert_int_equal(strangers(s, s->w->hosts[i]), 0);
	}
}

/* 6940-10.7.4-R6, 6940-10.7.4-R7, 6940-6.4.2.3-R3: two halves find each other,
 * and what was written in either is where it belongs. */
static void an_hour(void **state)
{
	struct seeking k = { 0 };
	struct stage s;

	(void)state;
	stage_init(&s, 21, PEERS, 60);
	net_watch_add(s.w, seek, &k);
	assert_int_equal(stage_fill(&s), 0);
	split(&s);
	for (struct fact *f = s.truth.facts; f != NULL; f = f->next) {
		truth_store(&s.truth, f, true);
		world_run(s.w, SECOND_US);
	}
	world_run(s.w, 20 * SECOND_US);
	truth_settle(&s.truth);
	for (struct fact *f = s.truth.facts; f != NULL; f = f->next)
		assert_int_equal(f->sequence, 2);
	assert_true(heal(&s) <= 600);
	assert_int_not_equal(k.n, 0);
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(stage_missing(&s), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* Stores, without condition; the slot's counter then. */
static uint64_t store(struct host *h, const char *key, const char *text)
{
	const struct outcome *o;
	struct store_item item = { .kind = key[0] == '\0' ? USER_VALUE
							  : USER_DICT,
				   .key = slice_str(key),
				   .exists = true,
				   .value = slice_str(text),
				   .lifetime_s = 86400 };
	struct command c = { .type = CMD_STORE, .items = &item, .n_items = 1 };

	world_resource(h->world, h->user, &c.resource);
	o = host_do(h, &c);
	assert_ok(o->result.err);
	return o->result.store->kind_responses.v[0].generation_counter;
}

/* The values that `h` fetches of one Kind, in the order of their keys, as one
 * text; their counter. */
static uint64_t fetch(struct host *h, const char *user, uint32_t kind,
		      char *out, size_t len)
{
	struct stored_data_specifier spec = { .kind = kind };
	struct command c = { .type = CMD_FETCH,
			     .specifiers = &spec,
			     .n_specifiers = 1 };
	const struct stored_data_list *v;
	const struct outcome *o;

	world_resource(h->world, user, &c.resource);
	o = host_do(h, &c);
	assert_ok(o->result.err);
	v = &o->result.fetch->kind_responses.v[0].values;
	out[0] = '\0';
	for (uint32_t i = 0; i < v->n; i++)
		snprintf(out + strlen(out), len - strlen(out), "%.*s;",
			 (int)v->v[i].value.value.len,
			 (const char *)v->v[i].value.value.p);
	return o->result.fetch->kind_responses.v[0].generation;
}

/* 6940-7.4.1.1-D17, 6940-7.4.1.1-R16: one user at two nodes, one in each half;
 * in the end it is as if all had been stored in the order of their storage
 * times, and no counter that either has seen stands for it. */
static void both_sides(uint64_t seed, uint32_t n_a, uint32_t n_b)
{
	static const char user[] = "both@sim.example.org";
	uint64_t single[2] = { 0 }, dict[2] = { 0 }, now;
	struct host *a, *b;
	struct stage s;
	char text[128];

	stage_init(&s, seed, PEERS, 60);
	a = s.w->hosts[0];
	b = s.w->hosts[PEERS - 1];
	for (int i = 0; i < 2; i++) {
		struct host *h = i == 0 ? a : b;
		struct node_id id = h->signer.node_id;
		struct toy_spec spec = {
			.user = user,
			.node_ids = &id,
			.n_node_ids = 1,
			.not_before_ms = 1,
			.not_after_ms = world_unix_ms(s.w) + 365 * DAY_MS,
		};

		host_stop(h);
		host_certify(h, &spec);
		snprintf(h->user, sizeof(h->user), "%s", user);
		host_start(h, ROLE_PEER, false);
		world_run(s.w, 60 * SECOND_US);
	}
	(void)store(a, "", "before");
	split(&s);
	for (uint32_t i = 0; i < n_a; i++) {
		single[0] = store(a, "", "older");
		(void)store(a, "x", "a's");
		dict[0] = store(a, "z", "a's and old");
	}
	world_run(s.w, 30 * SECOND_US);
	for (uint32_t i = 0; i < n_b; i++) {
		single[1] = store(b, "", "newer");
		(void)store(b, "y", "b's");
		dict[1] = store(b, "z", "b's and new");
	}
	assert_true(heal(&s) <= 600);
	world_run(s.w, 300 * SECOND_US);
	for (uint32_t i = 0; i < PEERS; i++) {
		now = fetch(s.w->hosts[i], user, USER_VALUE, text,
			    sizeof(text));
		assert_string_equal(text, "newer;");
		assert_true(now > single[0] && now >= single[1]);
		now = fetch(s.w->hosts[i], user, USER_DICT, text, sizeof(text));
		assert_string_equal(text, "a's;b's;b's and new;");
		assert_true(now > dict[0] && now > dict[1]);
	}
	assert_int_equal(stage_end(&s), 0);
}

static void as_often(void **state)
{
	(void)state;
	both_sides(22, 1, 1);
}

/* Those that lose have the higher counter, or those that win. */
static void more_often(void **state)
{
	(void)state;
	for (uint64_t seed = 25; seed < 28; seed++) {
		both_sides(seed, 9, 1);
		both_sides(seed, 1, 9);
	}
}

static void part(struct stage *s, struct host *a, struct host *b, bool parted)
{
	net_block(s->w, a, b, parted);
	net_block(s->w, b, a, parted);
}

/* Two neighbours that do not reach each other, while all others do: whoever
 * asks finds what either has, and is passed to and fro between nobody.  When
 * they do again the ring is right long before the next Updates: so many seconds
 * that takes, all eight pairs together. */
static uint64_t part_neighbours(uint8_t links, uint64_t parted_s)
{
	struct host *a, *b;
	unsigned n_lost = 0;
	uint64_t taken = 0;
	struct stage s;

	stage_init_links(&s, 23, PEERS, 86400, links);
	assert_int_equal(stage_fill(&s), 0);
	for (uint32_t i = 0; i < PEERS; i++) {
		a = s.w->hosts[i];
		b = world_successor(s.w, a, 1);
		part(&s, a, b, true);
		(void)stage_missing(&s); /* silence needs something to say */
		world_run(s.w, parted_s * SECOND_US);
		n_lost += !net_linked(a, b);
		assert_int_equal(stage_missing(&s), 0);
		taken += heal(&s);
		world_run(s.w, 60 * SECOND_US);
		assert_int_equal(truth_ring(&s.truth), 0);
	}
	assert_true(n_lost > PEERS / 2);
	assert_int_equal(stage_end(&s), 0);
	return taken;
}

static void neighbours(void **state)
{
	(void)state;
	assert_true(part_neighbours(LINK_PROTOCOL_TLS, 50) <= 120);
}

/* The clock finds it out where nobody has news, and is not waited for where
 * somebody has. */
static void neighbours_for_long(void **state)
{
	(void)state;
	assert_true(part_neighbours(LINK_PROTOCOL_TLS, 120) <= 60);
	assert_true(part_neighbours(LINK_PROTOCOL_TLS, 150) <= 800);
	assert_true(part_neighbours(LINK_PROTOCOL_DTLS, 90) <= 500);
}

/* Of three, the one that may found a ring is gone for good; the other two do
 * not reach each other for a while.  One makes the ring anew, not both. */
static void founder_gone(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s, 24, 3, 600);
	assert_int_equal(stage_fill(&s), 0);
	part(&s, s.w->hosts[1], s.w->hosts[2], true);
	world_run(s.w, 5 * SECOND_US);
	host_kill(s.w->hosts[0], DEATH_PROCESS);
	world_run(s.w, 120 * SECOND_US);
	assert_false(host_joined(s.w->hosts[1]));
	assert_false(host_joined(s.w->hosts[2]));
	part(&s, s.w->hosts[1], s.w->hosts[2], false);
	world_run(s.w, 200 * SECOND_US);
	assert_true(host_joined(s.w->hosts[1]));
	assert_true(host_joined(s.w->hosts[2]));
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(stage_missing(&s), 0);
	assert_int_equal(stage_end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours),
		cmocka_unit_test(neighbours_for_long),
		cmocka_unit_test(founder_gone),
		cmocka_unit_test(an_hour),
		cmocka_unit_test(as_often),
		cmocka_unit_test(more_often),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
