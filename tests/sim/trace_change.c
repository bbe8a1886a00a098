/* SPDX-License-Identifier: ISC */
/*
 * What a change of the ring sets off at once: deaths, Leaves and joins, with
 * periodic Updates so far apart that they cannot be the cause.  RFC 6940 s10.7.
 */
#include "../unit/unit.h"

#include "rogue.h"
#include "stage.h"

enum { PEERS = 7, SELDOM_S = 86400, SENT_MAX = 4096 };

/* Every UpdateReq that leaves its origin. */
struct updates {
	struct world *w;
	struct {
		uint64_t at_us;
		const struct host *from, *to;
	} sent[SENT_MAX];
	size_t n;
	const struct node_id *ghost; /* looked for in their lists */
	uint32_t n_ghosts;
};

static bool lists(const struct node_id_list *l, const struct node_id *id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (id_eq(&l->v[i], id))
			return true;
	return false;
}

static enum verdict see(void *ctx, const struct sight *s, struct buf *message)
{
	struct arena a = ARENA_INIT(1 << 20);
	struct updates *u = ctx;
	struct chord_update b;

	(void)message;
	if (s->message == NULL || s->message->header.via_list.n != 0 ||
	    s->message->contents.message_code != MSG_UPDATE_REQ)
		return NET_PASS;
	assert_true(u->n < SENT_MAX);
	u->sent[u->n].at_us = s->now_us;
	u->sent[u->n].from = s->from;
	u->sent[u->n++].to = s->to;
	assert_ok(chord_update_decode(&b, s->message->contents.message_body, &a,
				      &u->w->env));
	if (u->ghost != NULL &&
	    (lists(&b.predecessors, u->ghost) ||
	     lists(&b.successors, u->ghost) || lists(&b.fingers, u->ghost)))
		u->n_ghosts++;
	arena_free(&a);
	return NET_PASS;
}

static void begin(struct stage *s, struct updates *u, uint64_t seed)
{
	stage_init(s, seed, PEERS, SELDOM_S);
	*u = (struct updates){ .w = s->w };
	net_watch_add(s->w, see, u);
}

/* Did `from` send one to `to` in this second? */
static bool updated(const struct updates *u, const struct host *from,
		    const struct host *to, uint64_t since_us)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->sent[i].from == from && u->sent[i].to == to &&
		    u->sent[i].at_us >= since_us &&
		    u->sent[i].at_us <= since_us + SECOND_US)
			return true;
	return false;
}

/* 6940-10.7.1-R1, 6940-10.7.1-R2, 6940-10.7.3-R6, 6940-10.7.1-R4: a peer dies.
 * Those beside it fill their tables from what they know; the one whose range
 * has grown tells all whom it is connected to; and the dead one is never listed
 * again. */
static void death(void **state)
{
	struct host *dead, *heir;
	struct updates u;
	struct stage s;
	uint64_t at_us;

	(void)state;
	begin(&s, &u, 31);
	dead = s.w->hosts[3];
	heir = world_successor(s.w, dead, 1);
	at_us = s.w->now_us;
	host_kill(dead, DEATH_PROCESS);
	world_run(s.w, SECOND_US);
	for (uint32_t i = 0; i < PEERS; i++)
		if (s.w->hosts[i] != heir && s.w->hosts[i] != dead &&
		    net_linked(heir, s.w->hosts[i]))
			assert_true(updated(&u, heir, s.w->hosts[i], at_us));
	assert_true(updated(&u, heir, world_successor(s.w, heir, 1), at_us));
	assert_true(updated(&u, world_successor(s.w, heir, PEERS - 2), heir,
			    at_us));
	assert_int_equal(truth_ring(&s.truth), 0);
	u.ghost = &dead->signer.node_id;
	world_run(s.w, 3 * (uint64_t)SELDOM_S * SECOND_US);
	assert_int_equal(u.n_ghosts, 0);
	/* Until it is back. */
	host_start(dead, ROLE_PEER, false);
	world_run(s.w, 60 * SECOND_US);
	assert_int_not_equal(u.n_ghosts, 0);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(stage_end(&s), 0);
}

/* 6940-10.7.3-R1, 6940-10.7.3-R2, 6940-6.4.2.1-R4: a peer joins.  When it
 * becomes responsible it has all that it owns; its neighbours hear of it in
 * Updates, attach to it, and tell everyone. */
static void arrival(void **state)
{
	struct host *new, *next;
	struct updates u;
	struct stage s;
	uint64_t at_us;

	(void)state;
	begin(&s, &u, 32);
	assert_int_equal(stage_fill(&s), 0);
	/* Where it owns something: at a value's own point. */
	new = world_host(s.w, "new@sim.example.org", &s.truth.facts->resource);
	host_start(new, ROLE_PEER, false);
	while (!host_joined(new))
		world_run(s.w, 1000);
	at_us = s.w->now_us;
	assert_ptr_equal(world_owner(s.w, &s.truth.facts->resource), new);
	assert_int_equal(truth_lacks(&s.truth, new), 0);
	world_run(s.w, 2 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	next = world_successor(s.w, new, 1);
	for (uint32_t i = 0; i < PEERS; i++)
		if (s.w->hosts[i] != next && net_linked(next, s.w->hosts[i]))
			assert_true(updated(&u, next, s.w->hosts[i],
					    at_us - SECOND_US / 2));
	/* The next but two: it can only have heard. */
	next = world_successor(s.w, new, 3);
	assert_true(net_linked(next, new));
	assert_true(updated(&u, next, new, at_us));
	assert_int_equal(stage_end(&s), 0);
}

/* The Routing Tables of all, as text. */
static void tables(struct stage *s, struct buf *out)
{
	for (uint32_t i = 0; i < s->w->n_hosts; i++) {
		struct command c = { .type = CMD_TABLE };
		struct chord_update t;

		if (!host_joined(s->w->hosts[i]))
			continue;
		t = *host_do(s->w->hosts[i], &c)->result.table;
		t.uptime = 0;
		t.fingers.n = 0; /* found by chance */
		assert_ok(chord_update_print(&t, out, &s->w->env));
		world_forget(s->w, c.id);
	}
}

/* 6940-10.9-R2, 6940-6.4.2.2-R4: a Leave has the effect of a failure on the
 * tables, at once; nothing is missing meanwhile, and after the hold-down all
 * copies are there. */
static void departure(void **state)
{
	struct buf left = BUF_INIT(1 << 20), died = BUF_INIT(1 << 20);
	struct updates u;
	struct stage s;

	(void)state;
	begin(&s, &u, 33);
	assert_int_equal(stage_fill(&s), 0);
	host_stop(s.w->hosts[2]);
	host_wipe(s.w->hosts[2]);
	world_run(s.w, 5 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	tables(&s, &left);
	assert_int_equal(stage_missing(&s), 0);
	world_run(s.w, 30 * SECOND_US);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_end(&s), 0);

	begin(&s, &u, 33);
	host_kill(s.w->hosts[2], DEATH_PROCESS);
	world_run(s.w, 5 * SECOND_US);
	tables(&s, &died);
	assert_slice_equal(buf_slice(&left), buf_slice(&died));
	assert_int_equal(stage_end(&s), 0);
	buf_clear(&left);
	buf_clear(&died);
}

/* 6940-6.4.1-R1: a client that attached to the peer responsible for its Node-ID
 * is told when another becomes it. */
static void attached_client(void **state)
{
	struct node_id id, own;
	struct rogue *client;
	struct host *new;
	struct updates u;
	struct stage s;
	struct draft d;
	uint32_t link;

	(void)state;
	begin(&s, &u, 34);
	client = rogue_new(s.w, "client@sim.example.org", NULL);
	own = client->host->signer.node_id;
	link = rogue_connect(client, s.w->hosts[0]);
	draft_init(&d, client, MSG_ATTACH_REQ);
	draft_to_resource(&d, &own);
	link = rogue_attach(client, link, &d, false);
	assert_int_not_equal(link, 0);
	assert_ptr_equal(rogue_link(client, link)->other,
			 world_owner(s.w, &own));
	while (rogue_hear(client, MSG_UPDATE_REQ, SECOND_US) != NULL)
		;
	/* One that lies between the client and its peer. */
	id_next(&id, &own);
	new = world_host(s.w, "new@sim.example.org", &id);
	host_start(new, ROLE_PEER, false);
	assert_non_null(rogue_hear(client, MSG_UPDATE_REQ, 10 * SECOND_US));
	world_run(s.w, SECOND_US);
	assert_ptr_equal(world_owner(s.w, &own), new);
	assert_ptr_not_equal(rogue_link(client, link)->other, new);
	rogue_free(client);
	assert_int_equal(stage_end(&s), 0);
}

static bool all_joined(struct world *w, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (!host_joined(w->hosts[i]))
			return false;
	return true;
}

/* Twenty that come at once, by one peer that is there, are all in
 * within seconds: none waits for a link that another Attach has made. */
static void at_once(void **state)
{
	struct host *h;
	struct truth t;
	struct world *w;
	char user[32];

	(void)state;
	for (uint64_t seed = 1; seed < 9; seed++) {
		w = world_new(&(struct world_options){ .seed = seed });
		truth_init(&t, w);
		world_ring(w, 1);
		world_run(w, 10 * SECOND_US);
		for (uint32_t i = 0; i < 20; i++) {
			snprintf(user, sizeof(user), "c%u@sim.example.org", i);
			h = world_host(w, user, NULL);
			host_start_at(h, ROLE_PEER, w->hosts[0]);
		}
		assert_true(
			world_run_until(w, all_joined, NULL, 10 * SECOND_US));
		world_run(w, 60 * SECOND_US);
		assert_int_equal(truth_ring(&t), 0);
		truth_clear(&t);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_once),         cmocka_unit_test(death),
		cmocka_unit_test(arrival),         cmocka_unit_test(departure),
		cmocka_unit_test(attached_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
