/* SPDX-License-Identifier: ISC */
/*
 * A member with a good certificate who wants to harm the others: by what goes
 * through a peer, by taking all there is of something, by questions that cost
 * more than they bring.
 */
#include "scene.h"

#include <stdio.h>

#include "core/state.h"

enum { MANY_SLOTS = 2000 };

#define ID_OF(host) (&(host)->signer.node_id)

/* One more link to the first peer, which stays; false when it has no room. */
static bool may_link(struct scene *s, struct rogue *r)
{
	uint32_t link = rogue_connect(r, s->peer[0]);

	scene_run(s, 0.1);
	return link != 0 && rogue_link(r, link)->up;
}

/* A Ping that is so large on the wire. */
static void large_ping(struct scene *s, struct draft *d,
		       const struct node_id *to, size_t size)
{
	static uint8_t padding[UINT16_MAX];
	struct ping_req ping = { { 0 } };
	size_t bare;

	scene_ping_node(s, d, to);
	bare = draft_encode(d).len;
	assert_true(bare < size);
	ping.padding = slice_of(padding, size - bare);
	draft_body(d, &wire_type_ping_req, &ping);
	assert_int_equal(draft_encode(d).len, size);
}

/*
 * 6940-6.6-R2: who gets a message that is too large closes the link.  A peer
 * that lengthens the Via List must not be made to lose its links with that.
 */
static void too_large_behind_the_first_hop(void **state)
{
	const size_t via_entry = 18;
	struct scene s;
	struct draft d;
	size_t max;

	(void)state;
	scene_open(&s, 3);
	max = s.w->overlay->max_message_size;
	large_ping(&s, &d, ID_OF(s.peer[1]), max - via_entry);
	(void)scene_answer(&s, &d, 0);
	large_ping(&s, &d, ID_OF(s.peer[1]), max - via_entry + 1);
	(void)scene_answer(&s, &d, ERROR_MESSAGE_TOO_LARGE);
	large_ping(&s, &d, ID_OF(s.peer[0]), max); /* for itself: it may come */
	(void)scene_answer(&s, &d, 0);
	for (uint32_t i = 0; i < s.n_peers; i++)
		assert_false(
			scene_traced(s.peer[i], "closed MESSAGE_TOO_LARGE"));
	scene_close(&s);
}

/* Links of one member are so many and no more; others still get theirs. */
static void all_links(void **state)
{
	struct node_id id = scene_id(0x90);
	struct scene s;
	struct rogue *other;
	uint32_t n = 1; /* the scene's own */

	(void)state;
	scene_open(&s, 2);
	other = rogue_new(s.w, "carol", &id);
	while (n < LINKS_PER_NODE_MAX + 2 && may_link(&s, s.rogue))
		n++;
	assert_int_equal(n, LINKS_PER_NODE_MAX);
	assert_true(may_link(&s, other));
	rogue_close(s.rogue, s.link);
	scene_run(&s, 1);
	assert_true(may_link(&s, s.rogue));
	rogue_free(other);
	scene_close(&s);
}

/* An AttachReq with its sender's own address, which answers nothing there. */
static const struct heard *attach(struct scene *s)
{
	struct ice_candidate c = {
		.addr_port = s->rogue->host->address,
		.overlay_link = OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
		.foundation = SLICE_LIT("1"),
		.priority = 1,
		.type = CAND_HOST,
	};
	const struct attach_req_ans body = { .role = SLICE_LIT("passive"),
					     .candidates = { &c, 1 } };
	const struct heard *h;
	struct draft d;

	draft_init(&d, s->rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	draft_body(&d, &wire_type_attach_req_ans, &body);
	h = rogue_answer(s->rogue, rogue_send(s->rogue, s->link, &d),
			 5 * SECOND_US);
	assert_non_null(h);
	return h;
}

/* Attaches whose links stay silent: a few at a time of one member. */
static void all_dials(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	s.rogue->no_acks = true;
	for (uint32_t i = 0; i < DIALS_PER_NODE_MAX; i++) {
		assert_int_equal(heard_error(s.rogue, attach(&s)), 0);
		scene_run(&s, 0.5);
	}
	assert_int_not_equal(heard_error(s.rogue, attach(&s)), 0);
	scene_run(&s, 20); /* they are given up */
	s.link = rogue_connect(s.rogue, s.peer[0]);
	assert_int_equal(heard_error(s.rogue, attach(&s)), 0);
	scene_close(&s);
}

enum { KEYS = 5000 };

/* A FetchReq of thousands of keys. */
static void many_keys(struct draft *d, struct slice resource, uint32_t n)
{
	static char text[KEYS][16];
	static struct slice keys[KEYS];
	struct stored_data_specifier spec = { .kind = USER_DICT,
					      .keys = { keys, n } };
	struct fetch_req req = { resource, { &spec, 1 } };

	for (uint32_t i = 0; i < n; i++) {
		(void)snprintf(text[i], sizeof(text[i]), "%04u", (unsigned)i);
		keys[i] = slice_str(text[i]);
	}
	draft_body(d, &wire_type_fetch_req, &req);
}

/* What cannot have an answer does not reach the storage. */
static void many_questions(void **state)
{
	uint32_t n[] = { 100, KEYS };
	uint16_t error[] = { 0, ERROR_RESPONSE_TOO_LARGE };
	struct node_id at = scene_id(0x10);
	uint64_t reads[2];
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(n); i++) {
		draft_init(&d, s.rogue, MSG_FETCH_REQ);
		draft_to_resource(&d, &at);
		many_keys(&d, id_slice(&at, RING_ID_LEN), n[i]);
		reads[i] = s.peer[0]->node->reads.last_id;
		(void)scene_answer(&s, &d, error[i]);
		reads[i] = s.peer[0]->node->reads.last_id - reads[i];
	}
	assert_int_equal(reads[0], 1);
	assert_int_equal(reads[1], 0);
	scene_close(&s);
}

/* Probes for what has to be counted: one count serves many. */
static void many_probes(void **state)
{
	uint8_t type = PROBE_NUM_RESOURCES;
	struct probe_req probe = { slice_of(&type, 1) };
	struct scene s;
	struct draft d;
	uint64_t reads;

	(void)state;
	scene_open(&s, 1);
	reads = s.peer[0]->node->reads.last_id;
	for (int i = 0; i < 50; i++) {
		draft_init(&d, s.rogue, MSG_PROBE_REQ);
		draft_to_node(&d, ID_OF(s.peer[0]));
		draft_body(&d, &wire_type_probe_req, &probe);
		(void)rogue_send(s.rogue, s.link, &d);
	}
	(void)scene_answer(&s, &d, 0);
	assert_true(s.peer[0]->node->reads.last_id <= reads + 2);
	scene_close(&s);
}

static uint64_t count_asked(struct scene *s)
{
	uint8_t type = PROBE_NUM_RESOURCES;
	struct probe_req probe = { slice_of(&type, 1) };
	struct probe_ans ans;
	struct draft d;

	draft_init(&d, s->rogue, MSG_PROBE_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	draft_body(&d, &wire_type_probe_req, &probe);
	MUST(probe_ans_decode(
		&ans, scene_answer(s, &d, 0)->message.contents.message_body,
		&s->rogue->arena, &s->peer[0]->node->env));
	assert_int_equal(ans.probe_info.n, 1);
	return ans.probe_info.v[0].value;
}

/* What is asked while much is counted waits for a part of it only; and the last
 * number serves until there is a new one. */
static void counted_in_parts(void **state)
{
	struct batch *b = batch_new(0);
	struct change *ch;
	struct scene s;
	uint64_t reads;
	enum err r;

	(void)state;
	scene_open(&s, 1);
	for (uint16_t i = 0; i < MANY_SLOTS; i++) {
		ch = batch_add(b, CHANGE_PUT);
		ch->record.resource.b[0] = (uint8_t)(i / 2 >> 8);
		ch->record.resource.b[1] = (uint8_t)(i / 2);
		ch->record.kind = 1 + i % 2;
		ch->record.expires_ms = UINT64_C(1) << 62;
	}
	s.peer[0]->storage.commit(s.peer[0]->storage.ctx, &b, 1, &r);
	batch_free(b);
	MUST(r);
	reads = s.peer[0]->node->reads.last_id;
	assert_int_equal(count_asked(&s), MANY_SLOTS / 2);
	reads = s.peer[0]->node->reads.last_id - reads;
	assert_in_range(reads, MANY_SLOTS / 300, MANY_SLOTS / 100);
	scene_run(&s, 10);
	reads = s.peer[0]->node->reads.last_id;
	assert_int_equal(count_asked(&s), MANY_SLOTS / 2);
	assert_in_range(s.peer[0]->node->reads.last_id - reads, 1, 5);
	scene_close(&s);
}

/* Documents that are refused, one after the other: after some they are no
 * longer looked at, until a while later.  Others are heard meanwhile. */
static void many_documents(void **state)
{
	struct config_update_req body = { .type = CONFIG_UPDATE_CONFIG,
					  .config_data =
						  SLICE_LIT("<overlay/>") };
	uint64_t checks;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	for (uint32_t i = 0; i <= CONFIG_REFUSED_MAX; i++) {
		draft_init(&d, s.rogue, MSG_CONFIG_UPDATE_REQ);
		draft_to_node(&d, ID_OF(s.peer[0]));
		draft_body(&d, &wire_type_config_update_req, &body);
		checks = s.peer[0]->node->config_updates.last_id;
		assert_int_not_equal(
			heard_error(s.rogue, rogue_ask(s.rogue, s.link, &d)),
			0);
		checks = s.peer[0]->node->config_updates.last_id - checks;
		assert_int_equal(checks, i < CONFIG_REFUSED_MAX);
	}
	body.config_data = world_document(s.w)->document;
	draft_init(&d, s.rogue, MSG_CONFIG_UPDATE_REQ);
	draft_to_node(&d, ID_OF(s.peer[1]));
	draft_body(&d, &wire_type_config_update_req, &body);
	(void)scene_answer(&s, &d, 0);
	scene_run(&s, 30);
	assert_int_equal(s.peer[0]->node->overlay->sequence, 2);
	scene_close(&s);
}

/* An Update of the rogue's with predecessors of the first peer. */
static void update(struct scene *s, uint32_t link, struct node_id *ids,
		   uint32_t n)
{
	const struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS,
					.predecessors = { ids, n } };
	struct draft d;

	draft_init(&d, s->rogue, MSG_UPDATE_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	draft_body(&d, &wire_type_chord_update, &u);
	assert_int_equal(heard_error(s->rogue, rogue_ask(s->rogue, link, &d)),
			 0);
}

/* An attached link to the first peer, ten seconds at most. */
static uint32_t attached(struct scene *s)
{
	struct draft d;
	uint32_t link;

	draft_init(&d, s->rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	link = rogue_attach(s->rogue, s->link, &d, false);
	assert_int_not_equal(link, 0);
	return link;
}

/* Names of nodes that are not there, each nearer than the ones before: when
 * they have failed, one that is named after them is tried all the same. */
static void absent_neighbours(void **state)
{
	enum { ROUNDS = 10, EACH = 7 };
	struct node_id ids[ROUNDS][EACH], last = scene_id(0xd0);
	struct scene s;
	uint32_t link;

	(void)state;
	scene_make(&s, 2);
	(void)world_host(s.w, "absent", &last);
	for (uint8_t k = 0; k < ROUNDS; k++)
		for (uint8_t i = 0; i < EACH; i++) {
			ids[k][i] = scene_id((uint8_t)(0x81 + k * EACH + i));
			(void)world_host(s.w, "absent", &ids[k][i]);
		}
	scene_start(&s);
	link = attached(&s);
	for (uint8_t k = 0; k < ROUNDS; k++)
		update(&s, link, ids[k], EACH);
	scene_run(&s, 20); /* none of them has answered */
	while (rogue_hear(s.rogue, MSG_ATTACH_REQ, SECOND_US) != NULL)
		;
	link = attached(&s);
	update(&s, link, &last, 1);
	assert_non_null(
		rogue_hear(s.rogue, MSG_ATTACH_REQ, REQUEST_LIFETIME_US));
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_large_behind_the_first_hop),
		cmocka_unit_test(all_links),
		cmocka_unit_test(all_dials),
		cmocka_unit_test(many_questions),
		cmocka_unit_test(many_probes),
		cmocka_unit_test(counted_in_parts),
		cmocka_unit_test(many_documents),
		cmocka_unit_test(absent_neighbours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
