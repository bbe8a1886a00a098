/* SPDX-License-Identifier: ISC */
/* Entering the ring: bootstrap nodes, the nine steps of RFC 6940 s10.5,
 * founding, entering again. */
#include "scene.h"

#include "../sim/diary.h"
#include "../sim/truth.h"
#include "core/state.h"

static struct diary diary;
static struct truth truth;

/* Peers at 0x20, 0x60, 0xa0, 0xe0; everything said from now on is written down.
 */
static void open(struct scene *s, uint32_t n_peers)
{
	scene_open(s, n_peers);
	diary_init(&diary, s->w);
	truth_init(&truth, s->w);
}

static void close(struct scene *s)
{
	scene_close(s);
	diary_clear(&diary);
	truth_clear(&truth);
}

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

static bool all_joined(struct world *w, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (w->hosts[i]->node != NULL && !host_joined(w->hosts[i]))
			return false;
	return true;
}

static bool has_said(struct world *w, void *ctx)
{
	const uint16_t *code = ctx;

	return diary_next(&diary, NULL, *code, w->hosts[w->n_hosts - 1],
			  NULL) != NULL;
}

static struct host *newcomer(struct scene *s, uint8_t first)
{
	struct node_id id = scene_id(first);

	return world_host(s->w, "newcomer@sim.example.org", &id);
}

static const struct said *attach_to(const struct host *jn,
				    const struct node_id *via,
				    const struct node_id *id)
{
	const struct said *a = NULL;

	while ((a = diary_next(&diary, a, MSG_ATTACH_REQ, jn, NULL)) != NULL)
		if (via != NULL
			    ? said_to_node(a, 0, via) && said_to_node(a, 1, id)
			    : said_to_resource(a, 0, id))
			return a;
	return NULL;
}

static struct chord_update update_of(const struct said *s)
{
	struct chord_update u;

	diary_body(&diary, s, &wire_type_chord_update, &u);
	return u;
}

/* Steps 1 to 5, with 0xa0 as bootstrap node and 0x60 as Admitting Peer of 0x50.
 */
static void check_way_in(struct scene *s, const struct host *jn,
			 const struct said *ask)
{
	struct host *ap = s->peer[1];
	const struct said *a, *first;
	struct attach_req_ans body;
	struct node_id next;

	/* 6940-10.5-R1, 6940-11.4-R2: a link to the bootstrap node, on it an
	 * Attach to Resource-ID n + 1, and 6940-10.5-R2 with send_update. */
	id_next(&next, &jn->signer.node_id);
	first = diary_next(&diary, NULL, MSG_ATTACH_REQ, jn, NULL);
	assert_non_null(first);
	assert_ptr_equal(first->to, s->peer[2]);
	assert_true(said_to_resource(first, 0, &next));
	diary_body(&diary, first, &wire_type_attach_req_ans, &body);
	assert_true(body.send_update);
	/* 6940-6.4.2.3-R2, 6940-10.5-R2: its table before the Join. */
	a = diary_next(&diary, NULL, MSG_UPDATE_REQ, ap, jn);
	assert_non_null(a);
	assert_int_equal(update_of(a).type, CHORD_UPDATE_FULL);
	assert_true(a->at_us < ask->at_us);
	/* 6940-10.5-R3, 6940-10.6-R1: to each neighbour it names, through it.
	 */
	for (uint32_t i = 0; i < 4; i++) {
		if (s->peer[i] == ap)
			continue;
		a = attach_to(jn, &ap->signer.node_id,
			      &s->peer[i]->signer.node_id);
		assert_non_null(a);
		assert_true(a->at_us < ask->at_us);
	}
	/* 6940-10.5-R4: one JoinReq, to the node that answered. */
	assert_ptr_equal(ask->to, ap);
	assert_int_equal(diary_count(&diary, 0, MSG_JOIN_REQ, jn, NULL), 1);
}

/* Steps 7 to 9. */
static void check_entry(struct scene *s, const struct host *jn,
			const struct said *ask)
{
	struct host *ap = s->peer[1];
	const struct said *a = ask, *named = NULL;
	struct chord_update u;

	/* 6940-10.5-R6: the Update that names it. */
	while (named == NULL) {
		a = diary_next(&diary, a, MSG_UPDATE_REQ, ap, jn);
		assert_non_null(a);
		u = update_of(a);
		if (u.predecessors.n > 0 &&
		    id_eq(&u.predecessors.v[0], &jn->signer.node_id))
			named = a;
	}
	/* 6940-10.5-R11: none of its own before that. */
	a = diary_next(&diary, NULL, MSG_UPDATE_REQ, jn, NULL);
	assert_non_null(a);
	assert_true(a->at_us > named->at_us);
	/* 6940-10.5-R8: both tell all their neighbours. */
	for (uint32_t i = 0; i < 4; i++) {
		assert_non_null(diary_next(&diary, named, MSG_UPDATE_REQ, jn,
					   s->peer[i]));
		if (s->peer[i] != ap)
			assert_non_null(diary_next(&diary, ask, MSG_UPDATE_REQ,
						   ap, s->peer[i]));
	}
}

static void test_nine_steps(void **state)
{
	uint16_t code = MSG_JOIN_REQ;
	const struct said *ask;
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 4);
	jn = newcomer(&s, 0x50);
	host_start_at(jn, ROLE_PEER, s.peer[2]);
	assert_true(world_run_until(s.w, has_said, &code, 10 * SECOND_US));
	/* Step 4: whom it has reached is in its tables. */
	assert_int_equal(jn->node->ring.n_successors, 4);
	assert_false(host_joined(jn));
	assert_false(ring_responsible(jn->node, &jn->signer.node_id));
	assert_true(world_run_until(s.w, joined, jn, 10 * SECOND_US));
	scene_run(&s, 5);
	ask = diary_next(&diary, NULL, MSG_JOIN_REQ, jn, NULL);
	check_way_in(&s, jn, ask);
	check_entry(&s, jn, ask);
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* 6940-10.5-R11: while one neighbour cannot be reached, neither Join nor
 * Update; without it in the end. */
static void test_slow_neighbor(void **state)
{
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 4);
	jn = newcomer(&s, 0x50);
	net_block(s.w, s.peer[3], jn, true);
	net_block(s.w, jn, s.peer[3], true);
	host_start_at(jn, ROLE_PEER, s.peer[2]);
	scene_run(&s, 10);
	assert_int_equal(diary_count(&diary, 0, MSG_JOIN_REQ, jn, NULL), 0);
	assert_int_equal(diary_count(&diary, 0, MSG_UPDATE_REQ, jn, NULL), 0);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	close(&s);
}

/* 6940-10.5-R9: without the Admitting Peer's table it still gets in, and
 * learns of the others afterwards. */
static enum verdict no_early_update(void *ctx, const struct sight *s,
				    struct buf *message)
{
	const struct host *jn = ctx;

	(void)message;
	return s->message != NULL && s->to == jn && !host_joined(jn) &&
			       s->message->contents.message_code ==
				       MSG_UPDATE_REQ &&
			       diary_next(&diary, NULL, MSG_JOIN_REQ, jn,
					  NULL) == NULL
		       ? NET_SWALLOW
		       : NET_PASS;
}

static void test_without_table(void **state)
{
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 3);
	jn = newcomer(&s, 0x50);
	net_watch_add(s.w, no_early_update, jn);
	host_start_at(jn, ROLE_PEER, s.peer[2]);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	scene_run(&s, 60);
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* 6940-10.5-R10: in a ring too large to know, n + 2^127 first, then on. */
static void test_fingers(void **state)
{
	struct world_options opt = { .seed = 3 };
	const struct said *a = NULL;
	struct world *w = world_new(&opt);
	struct node_id start;
	unsigned i = 1, n_attaches = 0;
	struct host *jn;

	(void)state;
	world_ring(w, 40);
	world_run(w, 30 * SECOND_US);
	diary_init(&diary, w);
	jn = world_host(w, "newcomer@sim.example.org", NULL);
	host_start(jn, ROLE_PEER, false);
	assert_true(world_run_until(w, joined, jn, 60 * SECOND_US));
	a = diary_next(&diary, NULL, MSG_ATTACH_REQ, jn, NULL); /* to n + 1 */
	while ((a = diary_next(&diary, a, MSG_ATTACH_REQ, jn, NULL)) != NULL) {
		if (a->destination[0].type != DESTINATION_RESOURCE)
			continue;
		for (; i <= 16; i++) {
			id_add_pow2(&start, &jn->signer.node_id, RING_BITS - i);
			if (said_to_resource(a, 0, &start))
				break;
		}
		assert_in_range(i, 1, 16); /* in this order, none other */
		assert_true(n_attaches > 0 || i == 1);
		n_attaches++;
		i++;
	}
	assert_in_range(n_attaches, 1, 4); /* the rest are its neighbours */
	world_free(w);
	diary_clear(&diary);
}

/* ---- who may join ---- */

static uint16_t join_error(struct scene *s, uint32_t link,
			   const struct node_id *who,
			   const struct node_id *where)
{
	const struct join_req req = { .joining_peer_id = *who };
	struct draft d;

	draft_init(&d, s->rogue, MSG_JOIN_REQ);
	draft_to_node(&d, where);
	draft_body(&d, &wire_type_join_req, &req);
	return heard_error(s->rogue, rogue_ask(s->rogue, link, &d));
}

/* 6940-6.4.2.1-R2: in one's own name alone, and over one's own link. */
static void test_forbidden(void **state)
{
	const struct node_id *rogue, *other;
	struct node_id next;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	open(&s, 4);
	rogue = &s.rogue->host->signer.node_id;
	other = &s.peer[0]->signer.node_id;
	id_next(&next, rogue);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_resource(&d, &next);
	link = rogue_attach(s.rogue, s.link, &d, false);
	assert_int_not_equal(link, 0);
	assert_ptr_equal(rogue_link(s.rogue, link)->other, s.peer[2]);
	assert_int_equal(
		join_error(&s, link, other, &s.peer[2]->signer.node_id),
		ERROR_FORBIDDEN);
	/* Through the first peer; and on the link of a client. */
	assert_int_equal(
		join_error(&s, s.link, rogue, &s.peer[2]->signer.node_id),
		ERROR_FORBIDDEN);
	assert_int_equal(
		join_error(&s, s.link, rogue, &s.peer[0]->signer.node_id),
		ERROR_FORBIDDEN);
	scene_run(&s, 10);
	s.rogue->host->state = STATE_STARTING;
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* 6940-6.4.2.1-R5: a JoinAns that another has signed is none. */
struct forger {
	struct rogue *rogue;
	const struct host *jn;
	bool done;
};

static enum verdict forge(void *ctx, const struct sight *s, struct buf *message)
{
	static const struct join_ans ans = { { 0 } };
	struct forger *f = ctx;
	struct slice bytes;
	struct draft d;

	if (f->done || s->message == NULL || s->to != f->jn ||
	    s->message->contents.message_code != MSG_JOIN_ANS)
		return NET_PASS;
	f->done = true;
	draft_init(&d, f->rogue, MSG_JOIN_ANS);
	d.header.transaction_id = s->message->header.transaction_id;
	draft_to_node(&d, &f->jn->signer.node_id);
	draft_body(&d, &wire_type_join_ans, &ans);
	bytes = draft_encode(&d);
	MUST(buf_append_slice(message, bytes));
	return NET_REPLACE;
}

static void test_forged_answer(void **state)
{
	struct forger f;
	uint64_t start;
	struct scene s;

	(void)state;
	open(&s, 2);
	f = (struct forger){ .rogue = s.rogue, .jn = newcomer(&s, 0x50) };
	net_watch_add(s.w, forge, &f);
	start = s.w->now_us;
	host_start_at(s.w->hosts[s.w->n_hosts - 1], ROLE_PEER, s.peer[0]);
	assert_true(world_run_until(s.w, joined, s.w->hosts[s.w->n_hosts - 1],
				    60 * SECOND_US));
	assert_true(f.done);
	/* Only the retransmission's answer, from memory, let it in. */
	assert_true(s.w->now_us - start > 3 * SECOND_US);
	assert_int_equal(diary_count(&diary, 0, MSG_JOIN_REQ, f.jn, NULL), 1);
	close(&s);
}

/* ---- an Admitting Peer that says little ---- */

static const struct heard *asked(struct scene *s, uint32_t link)
{
	const struct heard *h = rogue_hear(s->rogue, MSG_JOIN_REQ,
					   20 * SECOND_US);

	assert_non_null(h);
	assert_int_equal(h->link, link);
	return h;
}

static void admit(struct scene *s, const struct heard *h)
{
	static const struct join_ans ans = { { 0 } };
	struct draft d;

	draft_answer(&d, s->rogue, h, MSG_JOIN_ANS);
	draft_body(&d, &wire_type_join_ans, &ans);
	(void)rogue_send(s->rogue, h->link, &d);
}

/* The rogue's Update, with the newcomer as its neighbour or without. */
static void update(struct scene *s, uint32_t link, struct host *jn, bool named)
{
	struct node_id id = jn->signer.node_id;
	const struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS,
					.predecessors = { &id, named },
					.successors = { &id, named } };
	struct draft d;

	draft_init(&d, s->rogue, MSG_UPDATE_REQ);
	draft_to_node(&d, &id);
	draft_body(&d, &wire_type_chord_update, &u);
	(void)rogue_send(s->rogue, link, &d);
}

/* A newcomer whom the rogue admits; its link. */
static uint32_t admitted_by_rogue(struct scene *s, struct host *jn)
{
	uint32_t link;

	host_start_at(jn, ROLE_PEER, s->rogue->host);
	link = rogue_attach_answer(
		s->rogue, rogue_hear(s->rogue, MSG_ATTACH_REQ, 10 * SECOND_US));
	assert_int_not_equal(link, 0);
	update(s, link, jn, false);
	admit(s, asked(s, link));
	return link;
}

/* Whoever hears nothing while it is handed its values asks whether it is. */
static void test_asks_again(void **state)
{
	uint32_t link;
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 1);
	jn = newcomer(&s, 0x50);
	link = admitted_by_rogue(&s, jn);
	for (int i = 0; i < 10; i++)
		admit(&s, asked(&s, link));
	assert_false(host_joined(jn));
	update(&s, link, jn, true);
	assert_true(world_run_until(s.w, joined, jn, SECOND_US));
	close(&s);
}

/* The link that it asked through goes, for an Attach has made a second one. */
static void test_second_link(void **state)
{
	uint32_t link, second;
	struct host *jn;
	struct scene s;
	struct draft d;

	(void)state;
	open(&s, 1);
	jn = newcomer(&s, 0x50);
	link = admitted_by_rogue(&s, jn);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, &jn->signer.node_id);
	second = rogue_attach(s.rogue, link, &d, false);
	assert_int_not_equal(second, 0);
	rogue_close(s.rogue, link);
	admit(&s, asked(&s, second));
	update(&s, second, jn, true);
	assert_true(world_run_until(s.w, joined, jn, SECOND_US));
	close(&s);
}

/* Updates that name the newcomer do not come, until it has asked again. */
static enum verdict no_naming(void *ctx, const struct sight *s,
			      struct buf *message)
{
	const struct host *jn = ctx;

	(void)message;
	return s->message != NULL && s->to == jn &&
			       s->message->contents.message_code ==
				       MSG_UPDATE_REQ &&
			       diary_count(&diary, 0, MSG_JOIN_REQ, jn, NULL) ==
				       1
		       ? NET_SWALLOW
		       : NET_PASS;
}

static void test_asks_when_confirming(void **state)
{
	const struct said *first, *second;
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 2);
	jn = newcomer(&s, 0x50);
	net_watch_add(s.w, no_naming, jn);
	host_start_at(jn, ROLE_PEER, s.peer[0]);
	(void)scene_trace_wait(&s, s.peer[1], "handed over");
	scene_trace_forget(s.peer[1]);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	first = diary_next(&diary, NULL, MSG_JOIN_REQ, jn, NULL);
	second = diary_next(&diary, first, MSG_JOIN_REQ, jn, NULL);
	assert_non_null(second);
	assert_ptr_equal(first->to, second->to);
	assert_ptr_equal(first->to, s.peer[1]);
	/* Nothing is handed over twice, nobody is told that it is gone. */
	assert_false(scene_traced(s.peer[1], "handed over"));
	close(&s);
}

/* ---- without a ring ---- */

/* 6940-6.4.2.1-R6: nobody answers: an error, and no ring of one's own but for
 * the node that was told so. */
static void test_first(void **state)
{
	struct world_options opt = { .seed = 5 };
	struct world *w = world_new(&opt);
	struct host *a = world_host(w, "a@sim.example.org", NULL);
	struct host *b = world_host(w, "b@sim.example.org", NULL);
	const struct outcome *o;
	uint64_t again;

	(void)state;
	host_start_at(b, ROLE_PEER, a); /* a does not run */
	world_run(w, 600 * SECOND_US);
	o = world_outcome(w, w->next_command - 1);
	assert_non_null(o);
	assert_int_equal(o->result.type, CMD_START);
	assert_int_not_equal(o->result.err, OK);
	assert_false(host_joined(b));
	assert_false(ring_responsible(b->node, &b->signer.node_id));
	host_start_at(a, ROLE_PEER, b); /* b runs, in no ring */
	a->tracing = true;
	world_run(w, SECOND_US);
	assert_false(host_joined(a)); /* neither was told to be the first */
	host_kill(a, DEATH_PROCESS);
	/* Given again it waits for the joining that goes on all the while. */
	again = host_command(b, &(struct command){ .type = CMD_START });
	assert_null(world_outcome(w, again));
	host_start(a, ROLE_PEER, true);
	assert_true(world_run_until(w, joined, a, 60 * SECOND_US));
	assert_true(world_run_until(w, all_joined, NULL, 180 * SECOND_US));
	assert_err(world_outcome(w, again)->result.err, OK);
	/* Started again it finds the ring, and founds none. */
	host_kill(a, DEATH_PROCESS);
	host_kill(b, DEATH_PROCESS);
	host_start(b, ROLE_PEER, true);
	world_run(w, 60 * SECOND_US);
	host_start(a, ROLE_PEER, true);
	world_run(w, 60 * SECOND_US);
	truth_init(&truth, w);
	assert_int_equal(truth_ring(&truth), 0);
	world_free(w);
}

/* 6940-11.4-R1: the first is dead, the next is taken. */
static void test_next_entry(void **state)
{
	struct host *jn;
	struct scene s;

	(void)state;
	open(&s, 3);
	jn = newcomer(&s, 0x50);
	host_start(jn, ROLE_PEER, false);
	host_kill(s.peer[0], DEATH_PROCESS);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	assert_ptr_equal(diary_next(&diary, NULL, MSG_ATTACH_REQ, jn, NULL)->to,
			 s.peer[1]);
	close(&s);
}

/* 6940-10.7.1-R5: cut off from all, it looks for its ring with Pings to n + 1
 * and joins again; meanwhile it answers for nothing.  6940-11.4-R3: by a peer
 * it was linked with, for its bootstrap node is gone. */
static void test_again(void **state)
{
	const struct said *a;
	struct node_id next;
	struct host *jn;
	struct scene s;
	uint64_t start;

	(void)state;
	open(&s, 4);
	jn = newcomer(&s, 0x50);
	host_start_at(jn, ROLE_PEER, s.peer[2]);
	assert_true(world_run_until(s.w, joined, jn, 60 * SECOND_US));
	scene_run(&s, 30);
	host_kill(s.peer[2], DEATH_PROCESS);
	scene_run(&s, 1);
	for (uint32_t i = 0; i < 4; i++)
		net_cut(s.w, jn, s.peer[i]);
	scene_run(&s, 0.02);
	net_split(s.w, s.w->n_hosts - 1); /* it alone */
	start = s.w->now_us;
	scene_run(&s, 30);
	assert_false(host_joined(jn));
	assert_false(ring_responsible(jn->node, &jn->signer.node_id));
	net_heal(s.w);
	assert_true(world_run_until(s.w, joined, jn, 300 * SECOND_US));
	id_next(&next, &jn->signer.node_id);
	a = diary_next(&diary, NULL, MSG_PING_REQ, jn, NULL);
	while (a != NULL &&
	       (a->at_us < start || !said_to_resource(a, 0, &next)))
		a = diary_next(&diary, a, MSG_PING_REQ, jn, NULL);
	assert_non_null(a);
	assert_non_null(diary_next(&diary, a, MSG_JOIN_REQ, jn, NULL));
	assert_ptr_not_equal(a->to, s.peer[2]);
	scene_run(&s, 60);
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* ---- many, and again and again ---- */

static void test_together(void **state)
{
	struct world_options opt = { .seed = 11 };
	char user[32];
	struct world *w;

	(void)state;
	for (uint32_t n = 2; n <= 12; n += 5) {
		opt.seed++;
		w = world_new(&opt);
		truth_init(&truth, w);
		for (uint32_t i = 0; i < n; i++) {
			(void)snprintf(user, sizeof(user), "p%u@x", i);
			(void)world_host(w, user, NULL);
		}
		for (uint32_t i = 0; i < n; i++)
			host_start(w->hosts[i], ROLE_PEER, i == 0);
		assert_true(
			world_run_until(w, all_joined, NULL, 120 * SECOND_US));
		world_run(w, 10 * SECOND_US);
		assert_int_equal(truth_ring(&truth), 0);
		world_free(w);
	}
}

/* A peer that comes back under its Node-ID while others still have its links.
 */
static void test_same_node_id(void **state)
{
	struct scene s;

	(void)state;
	open(&s, 4);
	for (uint32_t i = 1; i < 4; i++) {
		host_kill(s.peer[i], i % 2 == 0 ? DEATH_POWER : DEATH_PROCESS);
		host_start(s.peer[i], ROLE_PEER, false);
		assert_true(world_run_until(s.w, joined, s.peer[i],
					    120 * SECOND_US));
		scene_run(&s, 60);
		assert_int_equal(truth_ring(&truth), 0);
	}
	close(&s);
}

/* 6940-10.7-R2, 6940-10.7-R3: rings of one to eight know each other, by links.
 */
static void test_small_rings(void **state)
{
	struct world_options opt = { .seed = 21 };
	struct world *w;

	(void)state;
	for (uint32_t n = 1; n <= 8; n++) {
		w = world_new(&opt);
		truth_init(&truth, w);
		world_ring(w, n);
		world_run(w, 5 * SECOND_US);
		assert_int_equal(truth_ring(&truth), 0);
		for (uint32_t i = 0; i < n; i++)
			for (uint32_t j = 0; j < n; j++)
				assert_true(
					i == j ||
					link_find_attached(
						w->hosts[i]->node,
						&w->hosts[j]->signer.node_id) !=
						NULL);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nine_steps),
		cmocka_unit_test(test_slow_neighbor),
		cmocka_unit_test(test_without_table),
		cmocka_unit_test(test_fingers),
		cmocka_unit_test(test_forbidden),
		cmocka_unit_test(test_forged_answer),
		cmocka_unit_test(test_asks_again),
		cmocka_unit_test(test_second_link),
		cmocka_unit_test(test_asks_when_confirming),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_next_entry),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_same_node_id),
		cmocka_unit_test(test_small_rings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
