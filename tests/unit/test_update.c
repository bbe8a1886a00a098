/* SPDX-License-Identifier: ISC */
/* Updates, Leave and RouteQuery, RFC 6940 s6.4.2 and s10.7 to s10.9: who says
 * what to whom when the ring changes, and by the clock. */
#include "scene.h"

#include "../sim/diary.h"
#include "../sim/truth.h"
#include "core/finger.h"
#include "core/state.h"

static struct diary diary;
static struct truth truth;

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

static const struct node_id *id_of(const struct host *h)
{
	return &h->signer.node_id;
}

static struct chord_update update_of(const struct said *s)
{
	struct chord_update u;

	diary_body(&diary, s, &wire_type_chord_update, &u);
	return u;
}

static bool lists(const struct node_id_list *l, const struct node_id *id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (id_eq(&l->v[i], id))
			return true;
	return false;
}

static bool has(struct chord_update u, const struct host *h)
{
	return lists(&u.successors, id_of(h)) ||
	       lists(&u.predecessors, id_of(h));
}

static bool knows(const struct host *h, const struct host *other)
{
	return ring_is_neighbor(h->node, id_of(other));
}

static const struct said *first_since(uint64_t since_us, uint16_t code,
				      const struct host *from,
				      const struct host *to)
{
	const struct said *a = NULL;

	do {
		a = diary_next(&diary, a, code, from, to);
	} while (a != NULL && a->at_us < since_us);
	return a;
}

/* ---- a neighbour is lost ---- */

/* 6940-10.7.1-R1, 6940-10.7.1-R2, 6940-10.7.3-R6, 6940-6.4.2.3-D1: it is gone
 * from the tables, and every link gets an Update without it, at once;
 * 6940-10.7-D1: of type neighbors.  The client's link, too: 6940-6.4.1-R1. */
static void test_failure(void **state)
{
	const struct said *a;
	struct chord_update u;
	struct scene s;
	struct draft d;
	uint64_t start;

	(void)state;
	open(&s, 4);
	scene_ping_node(&s, &d, id_of(s.peer[0])); /* the client's link is up */
	(void)scene_answer(&s, &d, 0);
	start = s.w->now_us;
	host_kill(s.peer[1], DEATH_PROCESS);
	scene_run(&s, 0.1);
	for (uint32_t i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		assert_int_equal(s.peer[i]->node->ring.n_successors, 2);
		assert_false(knows(s.peer[i], s.peer[1]));
		for (uint32_t j = 0; j < 4; j++) {
			if (j == 1 || j == i)
				continue;
			a = first_since(start, MSG_UPDATE_REQ, s.peer[i],
					s.peer[j]);
			assert_non_null(a);
			u = update_of(a);
			assert_int_equal(u.type, CHORD_UPDATE_NEIGHBORS);
			assert_false(has(u, s.peer[1]));
		}
	}
	assert_non_null(
		first_since(start, MSG_UPDATE_REQ, s.peer[0], s.rogue->host));
	close(&s);
}

/* 6940-10.7.1-R4: out while the link is down, back once it is up again. */
static void test_flapping(void **state)
{
	const struct said *a;
	struct scene s;
	uint64_t start;

	(void)state;
	open(&s, 4);
	start = s.w->now_us;
	net_block(s.w, s.peer[0], s.peer[1], true);
	net_block(s.w, s.peer[1], s.peer[0], true);
	host_kill(s.peer[3], DEATH_PROCESS); /* something to talk about */
	scene_run(&s, 10);
	assert_false(knows(s.peer[0], s.peer[1]));
	assert_false(knows(s.peer[1], s.peer[0]));
	for (a = first_since(start, MSG_UPDATE_REQ, s.peer[0], NULL); a != NULL;
	     a = diary_next(&diary, a, MSG_UPDATE_REQ, s.peer[0], NULL))
		if (a->at_us > start + 8 * SECOND_US)
			assert_false(has(update_of(a), s.peer[1]));
	net_block(s.w, s.peer[0], s.peer[1], false);
	net_block(s.w, s.peer[1], s.peer[0], false);
	scene_run(&s, 60);
	assert_true(knows(s.peer[0], s.peer[1]));
	assert_true(knows(s.peer[1], s.peer[0]));
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* It runs, is linked, and says nothing: a process that is stopped. */
static void hang(struct scene *s, const struct host *h)
{
	for (uint32_t i = 0; i < s->n_peers; i++)
		if (s->peer[i] != h) {
			net_block(s->w, s->peer[i], h, true);
			net_block(s->w, h, s->peer[i], true);
		}
}

static bool owns(struct world *w, void *ctx)
{
	const struct node_id at = scene_id(0x90);

	(void)w;
	return ring_responsible(((struct host *)ctx)->node, &at);
}

/*
 * 6940-10.7.1-R1: an owner that hangs.  Its predecessor, which a request goes
 * through, and its successor, which has the copies, miss it one soon after the
 * other: a request that is repeated after overlay-reliability-timer, 3 s, is
 * answered.
 */
static void silent(uint8_t links)
{
	const struct node_id at = scene_id(0x90);
	struct scene s;
	struct draft d;
	uint64_t start;

	scene_make_links(&s, 4, links);
	scene_start(&s);
	hang(&s, s.peer[2]);
	start = s.w->now_us;
	scene_ping_resource(&s, &d, &at);
	(void)rogue_send(s.rogue, s.link, &d);
	assert_true(world_run_until(s.w, owns, s.peer[3], 60 * SECOND_US));
	assert_in_range(s.w->now_us - start, SECOND_US, 3 * SECOND_US);
	scene_run(&s, 0.5);
	assert_true(scene_traced(s.peer[1], "ring lost"));
	scene_ping_resource(&s, &d, &at);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

static void test_silent_owner(void **state)
{
	(void)state;
	silent(LINK_PROTOCOL_TLS);
	silent(LINK_PROTOCOL_DTLS);
}

/* One link that is silent is not enough: its node answers others. */
static void test_silent_link(void **state)
{
	struct scene s;
	struct draft d;

	(void)state;
	open(&s, 4);
	net_block(s.w, s.peer[1], s.peer[2], true);
	net_block(s.w, s.peer[2], s.peer[1], true);
	scene_ping_node(&s, &d, id_of(s.peer[2]));
	draft_to_node(&d, id_of(s.peer[2]));
	d.header.destination_list.v[0] = destination_node(id_of(s.peer[1]));
	(void)rogue_send(s.rogue, s.link, &d);
	scene_run(&s, 2.5); /* suspect, not lost */
	assert_true(scene_traced(s.peer[1], "suspect"));
	assert_true(knows(s.peer[1], s.peer[2]));
	assert_true(knows(s.peer[3], s.peer[2]));
	assert_true(knows(s.peer[0], s.peer[2]));
	assert_false(scene_traced(s.peer[3], "ring lost"));
	net_block(s.w, s.peer[1], s.peer[2], false);
	net_block(s.w, s.peer[2], s.peer[1], false);
	scene_run(&s, 10);
	assert_false(scene_traced(s.peer[1], "ring lost"));
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* ---- whom one hears of ---- */

static void say_update(struct scene *s, uint32_t link, struct host *to,
		       struct node_id *ids, uint32_t n)
{
	struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS,
				  .successors = { ids, n } };
	struct draft d;

	draft_init(&d, s->rogue, MSG_UPDATE_REQ);
	draft_to_node(&d, id_of(to));
	draft_body(&d, &wire_type_chord_update, &u);
	assert_int_equal(heard_error(s->rogue, rogue_ask(s->rogue, link, &d)),
			 0);
}

/* 6940-10.7.3-R1, 6940-10.6-R1: a node that would be a neighbour is Attached
 * to, through the one that named it; one that is not there never gets in.
 * 6940-10.7.3-R3: nor does this node itself. */
static void test_ghost(void **state)
{
	const struct said *a;
	struct node_id ids[2];
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	open(&s, 2);
	ids[0] = scene_id(0x30);
	(void)world_host(s.w, "ghost@sim.example.org", &ids[0]);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, id_of(s.peer[0]));
	link = rogue_attach(s.rogue, s.link, &d, false);
	assert_int_not_equal(link, 0);
	ids[1] = *id_of(s.peer[0]);
	say_update(&s, link, s.peer[0], ids, 2);
	assert_true(ring_is_neighbor(s.peer[0]->node, id_of(s.rogue->host)));
	scene_run(&s, 40);
	a = diary_next(&diary, NULL, MSG_ATTACH_REQ, s.peer[0], s.rogue->host);
	assert_non_null(a);
	assert_true(said_to_node(a, 0, id_of(s.rogue->host)));
	assert_true(said_to_node(a, 1, &ids[0]));
	while ((a = diary_next(&diary, a, MSG_ATTACH_REQ, s.peer[0], NULL)) !=
	       NULL)
		assert_false(said_to_node(a, a->n_destination - 1, &ids[0]));
	assert_false(ring_is_neighbor(s.peer[0]->node, &ids[0]));
	assert_false(ring_is_neighbor(s.peer[0]->node, &ids[1]));
	close(&s);
}

/* 6940-10.7.3-R2: a change goes to all links, but a known table changes nothing
 * and is told to nobody. */
static void test_quiet(void **state)
{
	struct scene s;

	(void)state;
	open(&s, 4);
	scene_run(&s, 300);
	assert_int_equal(diary_count(&diary, 0, MSG_UPDATE_REQ, NULL, NULL), 0);
	close(&s);
}

/* ---- by the clock ---- */

/* 6940-10.7.4-R1: every neighbour every interval, not all at one moment. */
static void test_periodic(void **state)
{
	uint32_t k, n_together = 0;
	const struct said *a, *b;
	struct scene s;
	uint64_t start;

	(void)state;
	scene_make(&s, 4);
	s.w->overlay->chord_update_interval_s = 60;
	scene_start(&s);
	scene_run(&s, 60);
	diary_init(&diary, s.w);
	start = s.w->now_us;
	scene_run(&s, 600);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t j = 0; j < 4; j++) {
			if (i == j)
				continue;
			k = diary_count(&diary, start, MSG_UPDATE_REQ,
					s.peer[i], s.peer[j]);
			assert_in_range(k, 8, 12);
			a = diary_next(&diary, NULL, MSG_UPDATE_REQ, s.peer[i],
				       s.peer[j]);
			while ((b = diary_next(&diary, a, MSG_UPDATE_REQ,
					       s.peer[i], s.peer[j])) != NULL) {
				assert_true(b->at_us - a->at_us <=
					    75 * SECOND_US);
				assert_int_equal(update_of(b).type,
						 CHORD_UPDATE_NEIGHBORS);
				a = b;
			}
		}
	a = diary_next(&diary, NULL, MSG_UPDATE_REQ, s.peer[0], NULL);
	while ((b = diary_next(&diary, a, MSG_UPDATE_REQ, s.peer[0], NULL)) !=
	       NULL) {
		n_together += b->at_us - a->at_us < SECOND_US;
		a = b;
	}
	assert_in_range(n_together, 0, 12); /* of about 30 */
	scene_close(&s);
	diary_clear(&diary);
}

/* 6940-10.7.2-R1: a finger that fails is searched for at once. */
static void test_finger_failure(void **state)
{
	struct world_options opt = { .seed = 19 };
	struct world *w = world_new(&opt);
	const struct said *a;
	struct host *h = NULL, *lost = NULL;
	struct node_id id, d;
	uint64_t start;
	unsigned i;

	(void)state;
	world_ring(w, 40);
	world_run(w, 60 * SECOND_US);
	diary_init(&diary, w);
	/* One that is the only node of some finger's range. */
	for (uint32_t k = 0; lost == NULL; k++) {
		h = w->hosts[k];
		for (i = 2; i <= 16 && lost == NULL; i++) {
			uint32_t in = 0;

			for (uint32_t j = 0; j < w->n_hosts; j++) {
				id_distance(&d, id_of(h), id_of(w->hosts[j]));
				in += finger_of(&d) == i;
			}
			if (in == 1 && h->node->ring.fingers[i - 1].valid)
				lost = world_host_by_id(
					w, &h->node->ring.fingers[i - 1].id);
		}
	}
	i--;
	start = w->now_us;
	host_kill(lost, DEATH_PROCESS);
	world_run(w, SECOND_US);
	for (unsigned j = 0; j < h->node->ring.n_fingers; j++)
		assert_false(id_eq(&h->node->ring.fingers[j].id, id_of(lost)));
	a = first_since(start, MSG_PING_REQ, h, NULL);
	assert_non_null(a);
	MUST(id_from_slice(&id, a->destination[0].id));
	id_distance(&d, id_of(h), &id);
	assert_int_equal(finger_of(&d), i);
	world_free(w);
	diary_clear(&diary);
}

/* ---- Leave ---- */

/* 6940-6.4.2.2-R1, 6940-10.9-R1: to every peer once, with the list of the side
 * it is on; 6940-10.9-R2, 6940-6.4.2.2-R4: the tables are right without
 * waiting. */
static void test_leave(void **state)
{
	struct chord_leave_data data;
	const struct said *a;
	struct leave_req req;
	struct scene s;

	(void)state;
	open(&s, 4);
	host_stop(s.peer[1]);
	scene_run(&s, 0.5);
	for (uint32_t i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		assert_int_equal(diary_count(&diary, 0, MSG_LEAVE_REQ,
					     s.peer[1], s.peer[i]),
				 1);
		a = diary_next(&diary, NULL, MSG_LEAVE_REQ, s.peer[1],
			       s.peer[i]);
		diary_body(&diary, a, &wire_type_leave_req, &req);
		assert_true(id_eq(&req.leaving_peer_id, id_of(s.peer[1])));
		MUST(chord_leave_data_decode(&data, req.overlay_specific_data,
					     &diary.arena, &s.w->env));
		assert_int_equal(data.type, i == 2 ? CHORD_LEAVE_FROM_PRED
						   : CHORD_LEAVE_FROM_SUCC);
		if (i == 2) { /* its successor */
			assert_int_equal(data.predecessors.n, 3);
			assert_true(id_eq(&data.predecessors.v[0],
					  id_of(s.peer[0])));
		} else {
			assert_int_equal(data.successors.n, 3);
			assert_true(
				id_eq(&data.successors.v[0], id_of(s.peer[2])));
		}
		assert_false(knows(s.peer[i], s.peer[1]));
	}
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* The last but one leaves; who is left knows that it is alone. */
static void test_leave_last(void **state)
{
	const struct node_id k = scene_id(0x01);
	struct scene s;

	(void)state;
	open(&s, 2);
	host_stop(s.peer[0]);
	scene_run(&s, 1);
	assert_true(host_joined(s.peer[1]));
	assert_true(ring_responsible(s.peer[1]->node, &k));
	close(&s);
}

static uint16_t leave_error(struct scene *s, const struct node_id *who,
			    const struct host *to)
{
	const struct leave_req req = { .leaving_peer_id = *who };
	struct draft d;

	draft_init(&d, s->rogue, MSG_LEAVE_REQ);
	draft_to_node(&d, id_of(to));
	draft_body(&d, &wire_type_leave_req, &req);
	return heard_error(s->rogue, rogue_ask(s->rogue, s->link, &d));
}

/* 6940-6.4.2.2-R3: nobody leaves for another, nor through another. */
static void test_leave_forbidden(void **state)
{
	struct scene s;

	(void)state;
	open(&s, 4);
	assert_int_equal(leave_error(&s, id_of(s.peer[1]), s.peer[0]),
			 ERROR_FORBIDDEN);
	assert_int_equal(leave_error(&s, id_of(s.rogue->host), s.peer[2]),
			 ERROR_FORBIDDEN);
	scene_run(&s, 5);
	s.rogue->host->state = STATE_STARTING;
	assert_int_equal(truth_ring(&truth), 0);
	close(&s);
}

/* ---- RouteQuery ---- */

static struct node_id query(struct scene *s, const struct destination *to,
			    bool send_update)
{
	const struct route_query_req req = { .send_update = send_update,
					     .destination = *to };
	struct chord_route_query_ans ans;
	const struct heard *h;
	struct draft d;

	draft_init(&d, s->rogue, MSG_ROUTE_QUERY_REQ);
	draft_to_node(&d, id_of(s->peer[0]));
	draft_body(&d, &wire_type_route_query_req, &req);
	h = rogue_ask(s->rogue, s->link, &d);
	assert_int_equal(heard_error(s->rogue, h), 0);
	heard_body(s->rogue, h, &wire_type_chord_route_query_ans, &ans);
	return ans.next_peer;
}

/* 6940-6.4.2.4.1-R1: what an opaque ID stands for is nobody's business. */
static void test_route_query_opaque(void **state)
{
	const struct route_query_req req = {
		.destination = { .type = DESTINATION_OPAQUE_ID,
				 .compact = true,
				 .id = SLICE_LIT("\x80\1") }
	};
	struct scene s;
	struct draft d;

	(void)state;
	open(&s, 2);
	draft_init(&d, s.rogue, MSG_ROUTE_QUERY_REQ);
	draft_to_node(&d, id_of(s.peer[0]));
	draft_body(&d, &wire_type_route_query_req, &req);
	(void)scene_answer(&s, &d, ERROR_FORBIDDEN);
	close(&s);
}

/* 6940-6.4.2.4-R1, 6940-10.8-R1, 6940-6.4.2.4.1-R1: where it would go next; an
 * Update of type full after the answer if it was wanted, and only then. */
static void test_route_query(void **state)
{
	struct destination to;
	struct chord_update u;
	const struct heard *h;
	struct node_id k, next;
	struct scene s;

	(void)state;
	open(&s, 4);
	for (unsigned first = 0x08; first < 0x100; first += 0x10) {
		k = scene_id((uint8_t)first);
		to = destination_resource(id_slice(&k, RING_ID_LEN));
		next = query(&s, &to, false);
		if (world_owner(s.w, &k) == s.peer[0]) {
			assert_true(id_eq(&next, id_of(s.peer[0])));
			continue;
		}
		/* The last peer before it, or the one after it: s10.3. */
		assert_true(id_eq(
			&next, &ring_next_hop(s.peer[0]->node, &k)->node_id));
	}
	assert_null(rogue_hear(s.rogue, MSG_UPDATE_REQ, SECOND_US));
	to = destination_node(id_of(s.peer[2]));
	next = query(&s, &to, true);
	assert_true(id_eq(&next, id_of(s.peer[2])));
	h = rogue_hear(s.rogue, MSG_UPDATE_REQ, SECOND_US);
	assert_non_null(h);
	heard_body(s.rogue, h, &wire_type_chord_update, &u);
	assert_int_equal(u.type, CHORD_UPDATE_FULL);
	assert_int_equal(u.successors.n, 3);
	close(&s);
}

/* 6940-6.4.1-R1: a client that is attached to the peer responsible for it hears
 * when another one is.  6940-10.7.3-R6: so does everybody else. */
static void test_client_hears(void **state)
{
	struct node_id id = scene_id(0x90), next;
	struct chord_update u;
	const struct heard *h;
	struct host *jn;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	open(&s, 4);
	id_next(&next, id_of(s.rogue->host));
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_resource(&d, &next);
	link = rogue_attach(s.rogue, s.link, &d, false);
	assert_int_not_equal(link, 0);
	assert_ptr_equal(rogue_link(s.rogue, link)->other, s.peer[2]);
	while (rogue_hear(s.rogue, MSG_UPDATE_REQ, SECOND_US) != NULL)
		;
	jn = world_host(s.w, "newcomer@sim.example.org", &id);
	host_start_at(jn, ROLE_PEER, s.peer[0]);
	do {
		h = rogue_hear(s.rogue, MSG_UPDATE_REQ, 10 * SECOND_US);
		assert_non_null(h);
		heard_body(s.rogue, h, &wire_type_chord_update, &u);
	} while (h->link != link || u.predecessors.n == 0 ||
		 !id_eq(&u.predecessors.v[0], &id));
	close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_flapping),
		cmocka_unit_test(test_silent_owner),
		cmocka_unit_test(test_silent_link),
		cmocka_unit_test(test_ghost),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_finger_failure),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_leave_last),
		cmocka_unit_test(test_leave_forbidden),
		cmocka_unit_test(test_route_query),
		cmocka_unit_test(test_route_query_opaque),
		cmocka_unit_test(test_client_hears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
