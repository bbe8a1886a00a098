/* SPDX-License-Identifier: ISC */
/* Rings that lose peers and keep every value; crashes; answers that get lost.
 */
#include "../unit/unit.h"

#include "stage.h"

/* 6940-10.4-R1, 6940-10.7.3-R4: three copies of everything; a peer's death
 * leaves two, and repair makes them three again, so that the next may die. */
static void five_lose_two(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s, 11, 5, 60);
	assert_int_equal(stage_fill(&s), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_missing(&s), 0);
	host_kill(s.w->hosts[2], DEATH_PROCESS);
	host_wipe(s.w->hosts[2]);
	world_run(s.w, 5 * SECOND_US);
	assert_int_equal(stage_missing(&s), 0);
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	host_kill(s.w->hosts[4], DEATH_POWER);
	host_wipe(s.w->hosts[4]);
	world_run(s.w, 60 * SECOND_US);
	assert_int_equal(stage_missing(&s), 0);
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* A peer is back with an empty disk before anybody has missed it, and no link
 * has ended: it gets its copies all the same. */
static void back_at_once(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s, 17, 5, 60);
	assert_int_equal(stage_fill(&s), 0);
	for (uint32_t i = 0; i < 3; i++) {
		world_run(s.w, 30 * SECOND_US);
		host_kill(s.w->hosts[i], DEATH_POWER);
		host_wipe(s.w->hosts[i]);
		host_start(s.w->hosts[i], ROLE_PEER, false);
		world_run(s.w, 60 * SECOND_US);
		assert_int_equal(truth_ring(&s.truth), 0);
		assert_int_equal(truth_copies(&s.truth, false), 0);
	}
	assert_int_equal(stage_end(&s), 0);
}

/* What was acknowledged with two replicas survives the loss of any two disks:
 * here of the owner's and of one replica's, at once. */
static void two_disks_at_once(void **state)
{
	struct host *owner, *next;
	struct stage s;

	(void)state;
	stage_init(&s, 12, 6, 60);
	assert_int_equal(stage_fill(&s), 0);
	for (const struct fact *f = s.truth.facts; f != NULL; f = f->next)
		assert_int_equal(f->copies, 3);
	owner = world_owner(s.w, &s.truth.facts->resource);
	next = world_successor(s.w, owner, 1);
	host_kill(owner, DEATH_PROCESS);
	host_kill(next, DEATH_PROCESS);
	host_wipe(owner);
	host_wipe(next);
	world_run(s.w, 60 * SECOND_US);
	assert_int_equal(stage_missing(&s), 0);
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* An acknowledged value survives kill -9 of every peer at once: it was on disk.
 */
static void all_crash(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s, 13, 5, 60);
	assert_int_equal(stage_fill(&s), 0);
	for (const struct fact *f = s.truth.facts; f != NULL; f = f->next)
		truth_store(&s.truth, s.truth.facts, true);
	for (uint32_t i = 0; i < s.w->n_hosts; i++)
		host_kill(s.w->hosts[i], DEATH_POWER);
	truth_settle(&s.truth);
	for (uint32_t i = 0; i < s.w->n_hosts; i++) {
		host_start(s.w->hosts[i], ROLE_PEER, i == 0);
		world_run(s.w, 20 * SECOND_US);
	}
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(stage_missing(&s), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* Leaving in order hands everything over first: no value is ever missing, and
 * the disk that goes is not needed. */
static void leave_one_by_one(void **state)
{
	struct stage s;

	(void)state;
	stage_init(&s, 14, 6, 60);
	assert_int_equal(stage_fill(&s), 0);
	for (uint32_t i = 0; i < 4; i++) {
		host_stop(s.w->hosts[i]);
		host_wipe(s.w->hosts[i]);
		world_run(s.w, 5 * SECOND_US);
		assert_int_equal(stage_missing(&s), 0);
		world_run(s.w, 60 * SECOND_US);
		assert_int_equal(truth_ring(&s.truth), 0);
	}
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* CHOICE 52: so it is when neighbours leave at the same time, the owner and all
 * that have its copies among them. */
static void leave_together(uint64_t seed, uint32_t n)
{
	struct command leave = { .type = CMD_LEAVE };
	struct host *h, *gone[8];
	struct stage s;

	stage_init(&s, seed, 7, 60);
	assert_int_equal(stage_fill(&s), 0);
	h = world_owner(s.w, &s.truth.facts->resource);
	for (uint32_t i = 0; i < n; i++, h = world_successor(s.w, h, 1))
		gone[i] = h;
	for (uint32_t i = 0; i < n; i++)
		host_command(gone[i], &leave);
	world_run(s.w, 10 * SECOND_US);
	for (uint32_t i = 0; i < n; i++) {
		assert_int_equal(gone[i]->state, STATE_LEFT);
		host_kill(gone[i], DEATH_PROCESS);
		host_wipe(gone[i]);
	}
	assert_int_equal(stage_missing(&s), 0);
	world_run(s.w, 120 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);
}

static void three_leave_together(void **state)
{
	(void)state;
	leave_together(15, 3);
}

static void six_leave_together(void **state)
{
	(void)state;
	leave_together(16, 6);
}

/* Messages of one code and of a transaction of `asker` that do not arrive, the
 * first `n` of them. */
struct loss {
	const struct host *asker;
	uint16_t code;
	uint32_t n;
	uint32_t n_lost, n_seen;
	uint64_t at_us[8];
	uint64_t transaction_id;
};

static enum verdict lose(void *ctx, const struct sight *s, struct buf *message)
{
	struct loss *l = ctx;

	(void)message;
	if (s->message == NULL)
		return NET_PASS;
	if (s->from == l->asker && l->transaction_id == 0 &&
	    message_is_request(s->message->contents.message_code))
		l->transaction_id = s->message->header.transaction_id;
	if (s->message->contents.message_code != l->code ||
	    s->message->header.transaction_id != l->transaction_id)
		return NET_PASS;
	if (l->n_seen < 8)
		l->at_us[l->n_seen] = s->now_us;
	l->n_seen++;
	if (l->n_lost == l->n)
		return NET_PASS;
	l->n_lost++;
	return NET_SWALLOW;
}

static const struct outcome *store(struct world *w, struct host *h,
				   const char *text)
{
	struct store_item item = { .kind = USER_VALUE,
				   .exists = true,
				   .value = slice_str(text),
				   .lifetime_s = 3600 };
	struct command c = { .type = CMD_STORE, .items = &item, .n_items = 1 };

	world_resource(w, h->user, &c.resource);
	return host_do(h, &c);
}

/* A client that is not in the ring, at some peer. */
static struct host *client(struct world *w)
{
	struct host *h = world_host(w, "client@sim.example.org", NULL);

	host_start(h, ROLE_CLIENT, false);
	world_run(w, 10 * SECOND_US);
	assert_int_equal(h->state, STATE_CLIENT);
	return h;
}

/* 6940-6.2.1-R5, 6940-13.5-R3: the StoreAns is lost three times; the Store
 * happens once, and the answer is the first one's.  (The checker compares the
 * answers.) */
static void lost_answers(void **state)
{
	struct loss l = { .code = MSG_STORE_ANS, .n = 3 };
	const struct outcome *o;
	uint64_t generation;
	struct stage s;
	struct host *h;

	(void)state;
	stage_init(&s, 15, 4, 60);
	h = client(s.w);
	o = store(s.w, h, "one");
	assert_ok(o->result.err);
	generation = o->result.store->kind_responses.v[0].generation_counter;
	l.asker = h;
	net_watch_add(s.w, lose, &l);
	o = store(s.w, h, "two");
	assert_ok(o->result.err);
	assert_int_equal(l.n_lost, 3);
	assert_true(o->result.store->kind_responses.v[0].generation_counter ==
		    generation + 1);
	assert_int_equal(stage_end(&s), 0);
}

/* 6940-6.2.1-R3, 6940-6.2.1-R4: sent at 0, 3, 6, 9 and 12 s with one
 * transaction ID, failed at 15 s. */
static void five_sends(void **state)
{
	struct loss l = { .code = MSG_STORE_REQ, .n = UINT32_MAX };
	const struct outcome *o;
	struct stage s;
	struct host *h;

	(void)state;
	stage_init(&s, 16, 3, 60);
	h = client(s.w);
	l.asker = h;
	net_watch_add(s.w, lose, &l);
	o = store(s.w, h, "lost");
	assert_err(o->result.err, ERR_TIMEOUT);
	assert_int_equal(l.n_seen, 5);
	for (int i = 0; i < 5; i++)
		assert_true(l.at_us[i] == l.at_us[0] + (uint64_t)i * 3000000);
	assert_true(o->at_us == l.at_us[0] + 15000000);
	assert_int_equal(stage_end(&s), 0);
}

/* 6940-4.2.2-D1, 6940-6.1.2-R6: a client with one Node-ID stores and fetches
 * through any peer, and is never part of the ring.  (The checker looks for
 * Joins.) */
static void one_client(void **state)
{
	struct stage s;
	struct host *h;

	(void)state;
	stage_init(&s, 17, 5, 60);
	assert_int_equal(stage_fill(&s), 0);
	h = client(s.w);
	assert_int_equal(truth_values(&s.truth, h), 0);
	assert_ok(store(s.w, h, "by a client")->result.err);
	world_run(s.w, 120 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(net_links(h), 1);
	host_stop(h);
	world_run(s.w, 10 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(stage_end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_lose_two),
		cmocka_unit_test(back_at_once),
		cmocka_unit_test(two_disks_at_once),
		cmocka_unit_test(all_crash),
		cmocka_unit_test(leave_one_by_one),
		cmocka_unit_test(three_leave_together),
		cmocka_unit_test(six_leave_together),
		cmocka_unit_test(lost_answers),
		cmocka_unit_test(five_sends),
		cmocka_unit_test(one_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
