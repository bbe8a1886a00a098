/* SPDX-License-Identifier: ISC */
/*
 * Routing: what is taken, forwarded, refused, dropped, and how answers find
 * back. RFC 6940 s6.1, s6.2, s6.3.2.
 */
#include "scene.h"

#include "core/route.h"
#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

enum { OPTION = 200 }; /* a forwarding option that nobody knows */

/* Another member, linked as a client to one of the peers, and heard of there.
 */
static struct rogue *client_at(struct scene *s, struct host *at, uint8_t first,
			       uint32_t *link)
{
	struct node_id id = scene_id(first);
	struct rogue *r = rogue_new(s->w, "carol", &id);
	struct draft d;

	*link = rogue_connect(r, at);
	draft_init(&d, r, MSG_PING_REQ);
	d.contents.message_body = SLICE_LIT("\0\0");
	draft_to_node(&d, ID_OF(at));
	assert_non_null(rogue_ask(r, *link, &d));
	return r;
}

/* ---- the header ---- */

/* 6940-6.1-R1, 6940-6.3.2-R2, 6940-6.3.2-R4, 6940-6.3.2-R8, 6940-6.7-R7: each
 * field in turn is wrong. */
static void test_header_fields(void **state)
{
	static const struct {
		const char *name;
		size_t at;
		uint8_t value;
		int error; /* -1: silence */
	} cases[] = {
		{ "nothing is wrong", 0, 0xd2, 0 },
		{ "token", 0, 0x52, -1 },
		{ "overlay", 7, 0x77, ERROR_INCOMPATIBLE_WITH_OVERLAY },
		{ "version 0.1", 10, 0x01, ERROR_INCOMPATIBLE_WITH_OVERLAY },
		{ "version 1.1", 10, 0x0b, ERROR_INCOMPATIBLE_WITH_OVERLAY },
		{ "ttl 100", 11, 100, 0 },
		{ "ttl 101", 11, 101, ERROR_TTL_EXCEEDED },
		{ "ttl 255", 11, 255, ERROR_TTL_EXCEEDED },
		{ "ttl 0, but for this node", 11, 0, 0 },
		{ "fragment without its mark", 12, 0x40, -1 },
		{ "fragment without both", 12, 0x00, -1 },
		{ "reserved fragment bits", 12, 0xff, 0 },
		{ "length", 19, 1, -1 },
		{ "via_list_length", 33, 1, -1 },
		{ "destination_list_length", 35, 17, -1 },
		{ "options_length", 37, 1, -1 },
		{ "unknown type of destination", 38, 9, -1 },
		{ "invalid type of destination", 38, 0, -1 },
	};
	const struct heard *h;
	struct scene s;
	struct draft d;
	uint8_t *bytes;
	struct slice in;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		in = draft_encode(&d);
		bytes = arena_zalloc(&s.rogue->arena, in.len, 1);
		memcpy(bytes, in.p, in.len);
		bytes[cases[i].at] = cases[i].value;
		rogue_frame(s.rogue, s.link, slice_of(bytes, in.len));
		h = rogue_answer(s.rogue, d.header.transaction_id,
				 5 * SECOND_US);
		if ((h == NULL) != (cases[i].error < 0))
			fail_msg("%s", cases[i].name);
		if (h != NULL && heard_error(s.rogue, h) != cases[i].error)
			fail_msg("%s: error %u", cases[i].name,
				 heard_error(s.rogue, h));
	}
	scene_close(&s);
}

/* 6940-6.3.2-R8: the bound is the document's initial-ttl. */
static void test_initial_ttl(void **state)
{
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	s.w->overlay->initial_ttl = 30;
	scene_start(&s);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.ttl = 31;
	(void)scene_answer(&s, &d, ERROR_TTL_EXCEEDED);
	scene_close(&s);
}

/* No error answers a response, whatever is wrong with it. */
static void test_no_error_for_responses(void **state)
{
	static const uint16_t codes[] = { MSG_PING_ANS, MSG_ERROR, 0x8001 };
	struct scene s;
	struct draft d;
	uint32_t heard;

	(void)state;
	scene_open(&s, 1);
	heard = s.rogue->n_heard;
	for (size_t i = 0; i < N_OF(codes); i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		d.contents.message_code = codes[i];
		d.header.ttl = 101;
		(void)rogue_send(s.rogue, s.link, &d);
	}
	scene_run(&s, 20);
	assert_int_equal(s.rogue->n_heard, heard);
	scene_close(&s);
}

/* ---- the lists ---- */

/* 6940-13.6-R2; nobody; more than there may be. */
static void test_destination_lists(void **state)
{
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	draft_to_node(&d, ID_OF(s.peer[0]));
	draft_to_node(&d, ID_OF(s.peer[1]));
	(void)scene_answer(&s, &d, ERROR_INVALID_MESSAGE);
	scene_ping(&s, &d);
	(void)scene_answer(&s, &d, ERROR_INVALID_MESSAGE);
	scene_close(&s);
}

static struct slice spoiled(struct scene *s, const struct draft *d, size_t at,
			    uint8_t from, uint8_t to)
{
	struct slice in = draft_encode(d);
	uint8_t *bytes = arena_zalloc(&s->rogue->arena, in.len, 1);

	memcpy(bytes, in.p, in.len);
	assert_int_equal(bytes[at], from);
	bytes[at] = to;
	return slice_of(bytes, in.len);
}

/* 6940-6.1.1-R1, 6940-6.3.2.2-R3: a resource before the end, or in a Via List,
 * is dropped: no answer, and nothing goes on. */
static void test_resource_out_of_place(void **state)
{
	const struct node_id in_reach = scene_id(0x10);
	struct destination odd = { .type = DESTINATION_OPAQUE_ID,
				   .id = id_slice(&in_reach, RING_ID_LEN) };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	scene_run(&s, 60);
	scene_trace_forget(s.peer[0]);
	scene_ping(&s, &d);
	d.to[d.header.destination_list.n++] = odd;
	draft_to_node(&d, ID_OF(s.peer[1]));
	rogue_frame(s.rogue, s.link,
		    spoiled(&s, &d, HEADER_MIN, DESTINATION_OPAQUE_ID,
			    DESTINATION_RESOURCE));
	assert_null(
		rogue_answer(s.rogue, d.header.transaction_id, 20 * SECOND_US));
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	d.via[d.header.via_list.n++] = odd;
	rogue_frame(s.rogue, s.link,
		    spoiled(&s, &d, HEADER_MIN, DESTINATION_OPAQUE_ID,
			    DESTINATION_RESOURCE));
	assert_null(
		rogue_answer(s.rogue, d.header.transaction_id, 20 * SECOND_US));
	assert_false(scene_traced(s.peer[0], "forward"));
	scene_close(&s);
}

/* ---- who is it for ---- */

/* 6940-6.1-D3, 6940-6.1.1-D2, 6940-6.1.1-D3: the table of first entries, as it
 * is decided by a peer at 0x60 of four. */
static void test_first_entry(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		uint8_t first; /* of the ID */
		bool local;
	} cases[] = {
		{ "own Node-ID", DESTINATION_NODE, 0x60, true },
		{ "wildcard", DESTINATION_NODE, 0xff, true },
		{ "resource in the range", DESTINATION_RESOURCE, 0x40, true },
		{ "resource at its end", DESTINATION_RESOURCE, 0x60, true },
		{ "resource at the predecessor", DESTINATION_RESOURCE, 0x20,
		  false },
		{ "resource elsewhere", DESTINATION_RESOURCE, 0x80, false },
		{ "Node-ID in the range", DESTINATION_NODE, 0x40, false },
		{ "another's Node-ID", DESTINATION_NODE, 0xa0, false },
	};
	struct destination d;
	struct node_id id;
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	for (size_t i = 0; i < N_OF(cases); i++) {
		id = scene_id(cases[i].first);
		if (cases[i].first == 0xff)
			id_wildcard(&id, RING_ID_LEN);
		d = cases[i].type == DESTINATION_NODE
			    ? destination_node(&id)
			    : destination_resource(id_slice(&id, RING_ID_LEN));
		if (route_is_local(s.peer[1]->node, &d) != cases[i].local)
			fail_msg("%s", cases[i].name);
	}
	scene_close(&s);
}

/* 6940-6.1.1-D3: the wildcard is consumed where it comes first, whatever
 * follows. */
static void test_wildcard(void **state)
{
	const struct heard *h;
	struct node_id wildcard;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	id_wildcard(&wildcard, RING_ID_LEN);
	scene_ping_node(&s, &d, &wildcard);
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[0]);
	scene_ping_node(&s, &d, &wildcard);
	draft_to_node(&d, ID_OF(s.peer[1]));
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[0]);
	scene_close(&s);
}

/* 6940-6.1.1-D2, 6940-6.2.1-R1: [A, B, R] goes through A and B to R's peer. */
static void test_source_route(void **state)
{
	const struct node_id resource = scene_id(0xd0);
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	for (int i = 0; i < 3; i++)
		scene_trace_forget(s.peer[i]);
	scene_ping_node(&s, &d, ID_OF(s.peer[2]));
	draft_to_node(&d, ID_OF(s.peer[1]));
	draft_to_resource(&d, &resource);
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[3]);
	assert_true(scene_traced(s.peer[0], "to a0000000"));
	assert_true(scene_traced(s.peer[2], "to 60000000"));
	assert_true(scene_traced(s.peer[1], "to a0000000"));
	scene_close(&s);
}

/* 6940-6.1.1-R4: a Node-ID in the own range that is nobody's, and a client's.
 */
static void test_foreign_node_id(void **state)
{
	const struct node_id absent = scene_id(0x51);
	const struct heard *h;
	struct rogue *carol;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 2);
	(void)world_host(s.w, "absent", &absent);
	carol = client_at(&s, s.peer[1], 0x50, &link);
	scene_trace_forget(s.peer[1]);
	scene_ping_node(&s, &d, &absent);
	scene_silence(&s, &d);
	assert_true(scene_traced(s.peer[1], ": absent"));
	assert_false(scene_traced(s.peer[1], "forward"));
	/* To the client: at TTL 98, and its Via List says where it has been. */
	scene_ping_node(&s, &d, ID_OF(carol->host));
	(void)rogue_send(s.rogue, s.link, &d);
	h = rogue_hear(carol, MSG_PING_REQ, 5 * SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->packet.header.ttl, 98);
	assert_int_equal(h->packet.header.via_list.n, 2);
	assert_true(id_eq(&h->packet.header.via_list.v[0].node_id,
			  ID_OF(s.rogue->host)));
	assert_true(id_eq(&h->packet.header.via_list.v[1].node_id,
			  ID_OF(s.peer[0])));
	rogue_free(carol);
	scene_close(&s);
}

/* 6940-6.1.2-R2, 6940-6.2.1-R2, 6940-10.3-R1: a node that is linked gets it
 * straight, though another peer owns its place. */
static void test_connection_first(void **state)
{
	struct rogue *carol;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 3);
	carol = client_at(&s, s.peer[0], 0x90, &link);
	scene_ping_node(&s, &d, ID_OF(carol->host));
	(void)rogue_send(s.rogue, s.link, &d);
	scene_run(&s, 1);
	assert_non_null(rogue_hear(carol, MSG_PING_REQ, SECOND_US));
	assert_true(scene_traced(s.peer[0], "to 90000000"));
	rogue_free(carol);
	scene_close(&s);
}

/* A client forwards nothing. */
static void test_clients_are_no_routers(void **state)
{
	struct host *client;
	struct rogue *entry;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 1);
	entry = client_at(&s, s.peer[0], 0x90, &link);
	client = world_host(s.w, "bob", NULL);
	client->tracing = true;
	host_start_at(client, ROLE_CLIENT, entry->host);
	(void)scene_trace_wait(&s, client, "state client");
	scene_run(&s, 1);
	link = rogue_link_to(entry, client);
	draft_init(&d, entry, MSG_PING_REQ);
	d.contents.message_body = SLICE_LIT("\0\0");
	draft_to_node(&d, ID_OF(s.peer[0]));
	(void)rogue_send(entry, link, &d);
	(void)scene_trace_wait(&s, client, ": not a peer");
	rogue_free(entry);
	scene_close(&s);
}

/* Who is in no ring yet leads nowhere, and does not say of what is stored that
 * it is not there. */
static void test_no_ring_yet(void **state)
{
	static const uint16_t codes[] = { MSG_FETCH_REQ, MSG_PING_REQ };
	struct rogue *entry;
	struct host *lost;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	entry = rogue_new(s.w, "entry", NULL);
	lost = world_host(s.w, "lost", NULL);
	lost->tracing = true;
	host_start_at(lost, ROLE_PEER, entry->host);
	(void)scene_trace_wait(&s, lost, " up");
	for (size_t i = 0; i < 2; i++) {
		const struct heard *h;

		draft_init(&d, entry, codes[i]);
		draft_to_resource(&d, ID_OF(s.peer[0]));
		if (codes[i] == MSG_FETCH_REQ)
			draft_fetch(&d, ID_OF(s.peer[0]), USER_VALUE);
		else
			d.contents.message_body = SLICE_LIT("\0\0");
		h = rogue_ask(entry, rogue_link_to(entry, lost), &d);
		assert_non_null(h);
		assert_int_equal(heard_error(entry, h),
				 i == 0 ? ERROR_REQUEST_TIMEOUT
					: ERROR_NOT_FOUND);
	}
	rogue_free(entry);
	scene_close(&s);
}

/* ---- the way back ---- */

/* 6940-6.1.2-R5, 6940-6.2.2-R1: the node it came from, then the Via List
 * reversed; a response's Via List stays empty. */
static void test_response_path(void **state)
{
	const struct node_id b = scene_id(0xb0), c = scene_id(0xc0);
	const struct forwarding_header *r;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	(void)world_host(s.w, "b", &b);
	(void)world_host(s.w, "c", &c);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	draft_via(&d, &b);
	draft_via(&d, &c);
	r = &scene_answer(&s, &d, 0)->packet.header;
	assert_int_equal(r->via_list.n, 0);
	assert_int_equal(r->destination_list.n, 3);
	assert_true(
		id_eq(&r->destination_list.v[0].node_id, ID_OF(s.rogue->host)));
	assert_true(id_eq(&r->destination_list.v[1].node_id, &c));
	assert_true(id_eq(&r->destination_list.v[2].node_id, &b));
	assert_int_equal(r->ttl, s.w->overlay->initial_ttl);
	assert_int_equal(r->max_response_length, 0);
	scene_close(&s);
}

/* The hops of one transaction, by the first byte of the nodes' IDs. */
struct hops {
	uint64_t transaction_id;
	uint8_t there[16], back[16];
	uint32_t n_there, n_back;
	uint8_t ttl[16];
};

static enum verdict see_hops(void *ctx, const struct sight *s,
			     struct buf *message)
{
	struct hops *h = ctx;

	(void)message;
	if (s->message == NULL ||
	    s->message->header.transaction_id != h->transaction_id)
		return NET_PASS;
	if (message_is_request(s->message->contents.message_code)) {
		h->ttl[h->n_there] = s->message->header.ttl;
		h->there[h->n_there++] = ID_OF(s->to)->b[0];
	} else {
		h->back[h->n_back++] = ID_OF(s->from)->b[0];
	}
	return NET_PASS;
}

/*
 * 6940-6.2-R1, 6940-6.1.2-R3, 6940-4.3-D1, 6940-6.1.3-R1: an opaque ID, state
 * and a plain entry in one Via List; the response takes the request's way back.
 * 6940-6.3.2-R5: the TTL at each hop.
 */
static void test_via_policies(void **state)
{
	struct hops hops = { 0 };
	struct scene s;
	struct draft d;

	(void)state;
	for (int turn = 0; turn < 3; turn++) {
		scene_make(&s, 4);
		s.check.other_via = true;
		for (int i = 0; i < 4; i++)
			s.peer[i]->cfg.via_policy = (uint8_t)((i + turn) % 3);
		scene_start(&s);
		scene_ping_node(&s, &d, ID_OF(s.peer[1]));
		draft_to_node(&d, ID_OF(s.peer[2]));
		draft_to_node(&d, ID_OF(s.peer[3]));
		hops = (struct hops){ .transaction_id =
					      d.header.transaction_id };
		net_watch_add(s.w, see_hops, &hops);
		(void)scene_answer(&s, &d, 0);
		assert_memory_equal(hops.there, "\x20\x60\xa0\xe0", 4);
		assert_memory_equal(hops.back, "\xe0\xa0\x60\x20", 4);
		assert_int_equal(hops.n_there, 4);
		assert_int_equal(hops.n_back, 4);
		assert_memory_equal(hops.ttl, "\x64\x63\x62\x61", 4);
		scene_close(&s);
	}
}

/* 6940-6.1.2-R4: the state is kept for 15 s, longer than the reliability timer,
 * and goes then. */
static void test_state_expires(void **state)
{
	const struct heard *h;
	struct rogue *carol;
	struct scene s;
	struct draft d, answer;
	uint32_t link;

	(void)state;
	scene_make(&s, 1);
	s.check.other_via = true;
	s.peer[0]->cfg.via_policy = VIA_STATE;
	scene_start(&s);
	carol = client_at(&s, s.peer[0], 0x90, &link);
	for (int late = 0; late < 2; late++) {
		scene_ping_node(&s, &d, ID_OF(carol->host));
		(void)rogue_send(s.rogue, s.link, &d);
		h = rogue_hear(carol, MSG_PING_REQ, SECOND_US);
		assert_non_null(h);
		assert_int_equal(h->packet.header.via_list.n, 0);
		scene_run(&s, late ? 15.1 : 14.8);
		draft_answer(&answer, carol, h, MSG_PING_ANS);
		answer.contents.message_body = slice_of("0123456789abcdef", 16);
		(void)rogue_send(carol, link, &answer);
		h = rogue_answer(s.rogue, d.header.transaction_id, SECOND_US);
		assert_true((h == NULL) == (late == 1));
	}
	assert_int_equal(s.peer[0]->node->return_paths.n, 0);
	rogue_free(carol);
	scene_close(&s);
}

/* CHOICE 30: a client with two links under one Node-ID is answered on the one
 * it asked on. */
static void test_two_links_of_a_client(void **state)
{
	const struct heard *h;
	uint32_t links[2];
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	links[0] = s.link;
	links[1] = rogue_connect(s.rogue, s.peer[0]);
	for (int i = 0; i < 4; i++) {
		s.link = links[i % 2];
		scene_ping_node(&s, &d, ID_OF(s.peer[i / 2]));
		h = scene_answer(&s, &d, 0);
		assert_int_equal(h->link, s.link);
	}
	scene_close(&s);
}

/* 6940-6.3.2.2-R5: an answer by an opaque ID whose link has gone goes nowhere,
 * though the same node has another link now. */
static void test_opaque_of_a_closed_link(void **state)
{
	const struct heard *h;
	struct rogue *carol;
	struct scene s;
	struct draft d, answer;
	uint32_t link;

	(void)state;
	scene_make(&s, 1);
	s.check.other_via = true;
	s.peer[0]->cfg.via_policy = VIA_OPAQUE;
	scene_start(&s);
	carol = client_at(&s, s.peer[0], 0x90, &link);
	scene_ping_node(&s, &d, ID_OF(carol->host));
	(void)rogue_send(s.rogue, s.link, &d);
	h = rogue_hear(carol, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->packet.header.via_list.n, 1);
	assert_true(h->packet.header.via_list.v[0].compact);
	rogue_close(s.rogue, s.link);
	scene_run(&s, 1);
	s.link = rogue_connect(s.rogue, s.peer[0]);
	draft_answer(&answer, carol, h, MSG_PING_ANS);
	answer.contents.message_body = slice_of("0123456789abcdef", 16);
	(void)rogue_send(carol, link, &answer);
	(void)scene_trace_wait(&s, s.peer[0], ": opaque");
	assert_null(rogue_answer(s.rogue, d.header.transaction_id, SECOND_US));
	rogue_free(carol);
	scene_close(&s);
}

/* 6940-6.3.2.2-R4: 12 bits of index in rotation, 3 of generation from random
 * starts, incremented when a slot is used again. */
static void test_opaque_slots(void **state)
{
	uint16_t first[2] = { 0 }, id, again;
	struct scene s;
	struct node *n;
	struct link *l;
	uint8_t bytes[2];
	bool differ = false;
	uint8_t generations[2][64];

	(void)state;
	scene_open(&s, 2);
	for (int k = 0; k < 2; k++) {
		n = s.peer[k]->node;
		l = n->links.last;
		for (unsigned i = 0; i < OPAQUES_MAX; i++) {
			id = opaque_issue(n, l);
			assert_int_equal(id >> 15, 1);
			assert_int_equal((id & 0x7fff) >> 3, i);
			if (i == 0)
				first[k] = id;
			if (i < 64)
				generations[k][i] = id & 7;
			bytes[0] = (uint8_t)(id >> 8);
			bytes[1] = (uint8_t)id;
			assert_ptr_equal(opaque_resolve(n, slice_of(bytes, 2)),
					 l);
			opaque_forget(n, l);
			assert_null(opaque_resolve(n, slice_of(bytes, 2)));
		}
		again = opaque_issue(n, l);
		assert_int_equal(again >> 3, first[k] >> 3);
		assert_int_equal(again & 7, (first[k] + 1) & 7);
		bytes[0] = (uint8_t)(first[k] >> 8);
		bytes[1] = (uint8_t)first[k];
		assert_null(opaque_resolve(n, slice_of(bytes, 2)));
	}
	differ = memcmp(generations[0], generations[1], 64) != 0;
	assert_true(differ);
	scene_close(&s);
}

/* 6940-6.1.2-R7: a node that is in nobody's table pings and attaches to the
 * owner of its own ID plus one, and is answered. */
static void test_joining_node(void **state)
{
	struct node_id next;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	id_next(&next, ID_OF(s.rogue->host));
	scene_ping_resource(&s, &d, &next);
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[2]);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_resource(&d, &next);
	assert_int_not_equal(rogue_attach(s.rogue, s.link, &d, false), 0);
	assert_int_not_equal(rogue_link_to(s.rogue, s.peer[2]), 0);
	scene_close(&s);
}

/* 6940-6.6-R3: a link that is silent for an RTO is no next hop any more; the
 * request sent again takes another way. */
static void test_around_a_silent_link(void **state)
{
	const struct node_id resource = scene_id(0xd0);
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	net_block(s.w, s.peer[0], s.peer[2], true);
	net_block(s.w, s.peer[2], s.peer[0], true);
	scene_trace_forget(s.peer[0]);
	scene_ping_resource(&s, &d, &resource);
	assert_null(
		rogue_answer(s.rogue, rogue_send(s.rogue, s.link, &d), 500000));
	assert_true(scene_traced(s.peer[0], "to a0000000"));
	(void)scene_trace_wait(&s, s.peer[0], " suspect");
	scene_trace_forget(s.peer[0]);
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[3]);
	assert_false(scene_traced(s.peer[0], "to a0000000"));
	scene_close(&s);
}

/* ---- TTL ---- */

/* 6940-6.3.2-R6: TTL 1 over three hops: one error, from the second node, and no
 * third hop. */
static void test_ttl_runs_out(void **state)
{
	struct hops hops = { 0 };
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 3);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	draft_to_node(&d, ID_OF(s.peer[2]));
	d.header.ttl = 1;
	hops = (struct hops){ .transaction_id = d.header.transaction_id };
	net_watch_add(s.w, see_hops, &hops);
	h = scene_answer(&s, &d, ERROR_TTL_EXCEEDED);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[1]);
	scene_run(&s, 20);
	assert_int_equal(hops.n_there, 2);
	assert_memory_equal(hops.there, "\x20\x60", 2);
	scene_close(&s);
}

/* ---- options ---- */

static const struct heard *with_option(struct scene *s, uint8_t flags,
				       uint8_t to_peer, uint16_t error)
{
	struct forwarding_option o = { OPTION, flags, SLICE_LIT("hello") };
	struct draft d;

	scene_ping_node(s, &d, ID_OF(s->peer[to_peer]));
	d.header.options.v = &o;
	d.header.options.n = 1;
	return scene_answer(s, &d, error);
}

/* 6940-6.3.2.3-R3: the first hop refuses; who does not forward does not mind.
 */
static void test_forward_critical(void **state)
{
	const struct heard *h;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	h = with_option(&s, FORWARD_CRITICAL, 1,
			ERROR_UNSUPPORTED_FORWARDING_OPTION);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[0]);
	(void)with_option(&s, FORWARD_CRITICAL, 0, 0);
	scene_close(&s);
}

/* 6940-6.3.2.3-R4: hops forward it, the destination refuses. */
static void test_destination_critical(void **state)
{
	const struct heard *h;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	h = with_option(&s, DESTINATION_CRITICAL, 1,
			ERROR_UNSUPPORTED_FORWARDING_OPTION);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[1]);
	scene_close(&s);
}

/* 6940-6.3.2.3-R5, 6940-6.3.2.3-R2: it comes back with no flag set, in an error
 * as well; what does not ask for it stays away. */
static void test_response_copy(void **state)
{
	const struct forwarding_header *r;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	r = &with_option(&s, RESPONSE_COPY, 1, 0)->packet.header;
	assert_int_equal(r->options.n, 1);
	assert_int_equal(r->options.v[0].type, OPTION);
	assert_int_equal(r->options.v[0].flags, 0);
	assert_slice_equal(r->options.v[0].option, SLICE_LIT("hello"));
	r = &with_option(&s, RESPONSE_COPY | DESTINATION_CRITICAL, 1,
			 ERROR_UNSUPPORTED_FORWARDING_OPTION)
		     ->packet.header;
	assert_int_equal(r->options.n, 1);
	assert_int_equal(r->options.v[0].flags, 0);
	r = &with_option(&s, 0, 1, 0)->packet.header;
	assert_int_equal(r->options.n, 0);
	scene_close(&s);
}

/* 6940-6.3.2.3-D1: an unknown option without flags passes unchanged. */
static void test_option_passes(void **state)
{
	struct forwarding_option o = { OPTION, 0, SLICE_LIT("hello") };
	const struct heard *h;
	struct rogue *carol;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 2);
	carol = client_at(&s, s.peer[1], 0x90, &link);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	draft_to_node(&d, ID_OF(carol->host));
	d.header.options.v = &o;
	d.header.options.n = 1;
	(void)rogue_send(s.rogue, s.link, &d);
	h = rogue_hear(carol, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->packet.header.options.n, 1);
	assert_int_equal(h->packet.header.options.v[0].type, OPTION);
	assert_slice_equal(h->packet.header.options.v[0].option, o.option);
	rogue_free(carol);
	scene_close(&s);
}

/* ---- who may ---- */

static void fetch(struct scene *s, struct draft *d)
{
	const struct node_id resource = scene_id(0x10);

	draft_init(d, s->rogue, MSG_FETCH_REQ);
	draft_to_resource(d, &resource);
	draft_fetch(d, &resource, USER_VALUE);
}

/* 6940-6.1.2-R6: several Node-IDs and no Attach: Ping and Attach only. */
static void test_several_node_ids(void **state)
{
	const struct node_id ids[] = { scene_id(0x80), scene_id(0x81) };
	const struct toy_spec spec = { .user = "rogue",
				       .node_ids = ids,
				       .n_node_ids = 2,
				       .not_after_ms = UINT64_MAX };
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 2);
	host_certify(s.rogue->host, &spec);
	scene_start(&s);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	(void)scene_answer(&s, &d, 0);
	fetch(&s, &d);
	(void)scene_answer(&s, &d, ERROR_FORBIDDEN);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	s.link = rogue_attach(s.rogue, s.link, &d, false);
	assert_int_not_equal(s.link, 0);
	fetch(&s, &d);
	assert_int_not_equal(
		heard_error(s.rogue, rogue_ask(s.rogue, s.link, &d)),
		ERROR_FORBIDDEN);
	scene_close(&s);
}

static bool has_joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

/* 6940-6.1.2-R7: one that uses the second Node-ID of its certificate: its
 * first words, to the wildcard, tell its neighbour. */
static void test_second_node_id(void **state)
{
	const struct node_id ids[] = { scene_id(0x91), scene_id(0x90) };
	const struct toy_spec spec = { .user = "dave",
				       .node_ids = ids,
				       .n_node_ids = 2,
				       .not_after_ms = UINT64_MAX };
	struct host *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	h = world_host(s.w, "dave", NULL);
	host_certify(h, &spec);
	h->signer.node_id = ids[1];
	host_start(h, ROLE_PEER, false);
	assert_true(world_run_until(s.w, has_joined, h, 60 * SECOND_US));
	scene_ping_node(&s, &d, &ids[1]);
	assert_ptr_equal(heard_signer(s.rogue, scene_answer(&s, &d, 0)), h);
	scene_close(&s);
}

/* 6940-11.1-R8: no node may stay a client; joining ones are heard. */
static void test_no_clients(void **state)
{
	struct command c = { .type = CMD_PING };
	struct host *client;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 2);
	s.w->overlay->clients_permitted = false;
	scene_start(&s);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	(void)scene_answer(&s, &d, 0);
	fetch(&s, &d);
	(void)scene_answer(&s, &d, ERROR_FORBIDDEN);
	client = world_host(s.w, "bob", NULL);
	client->tracing = true;
	host_start(client, ROLE_CLIENT, false);
	assert_true(scene_traced(client, "CLIENTS"));
	assert_err(host_do(client, &c)->result.err, ERR_NO_LINK);
	scene_close(&s);
}

/* 6940-6.1-D2: a broken signature is forwarded, and dropped where it is for. */
static void test_signature_of_passers_by(void **state)
{
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	scene_trace_forget(s.peer[0]);
	scene_trace_forget(s.peer[1]);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	d.spoil_signature = true;
	scene_silence(&s, &d);
	assert_true(scene_traced(s.peer[0], "forward"));
	assert_true(scene_traced(s.peer[1], ": SIGNATURE"));
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_fields),
		cmocka_unit_test(test_initial_ttl),
		cmocka_unit_test(test_no_error_for_responses),
		cmocka_unit_test(test_destination_lists),
		cmocka_unit_test(test_resource_out_of_place),
		cmocka_unit_test(test_first_entry),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_source_route),
		cmocka_unit_test(test_foreign_node_id),
		cmocka_unit_test(test_connection_first),
		cmocka_unit_test(test_clients_are_no_routers),
		cmocka_unit_test(test_no_ring_yet),
		cmocka_unit_test(test_response_path),
		cmocka_unit_test(test_via_policies),
		cmocka_unit_test(test_state_expires),
		cmocka_unit_test(test_two_links_of_a_client),
		cmocka_unit_test(test_opaque_of_a_closed_link),
		cmocka_unit_test(test_opaque_slots),
		cmocka_unit_test(test_joining_node),
		cmocka_unit_test(test_around_a_silent_link),
		cmocka_unit_test(test_ttl_runs_out),
		cmocka_unit_test(test_forward_critical),
		cmocka_unit_test(test_destination_critical),
		cmocka_unit_test(test_response_copy),
		cmocka_unit_test(test_option_passes),
		cmocka_unit_test(test_several_node_ids),
		cmocka_unit_test(test_second_node_id),
		cmocka_unit_test(test_no_clients),
		cmocka_unit_test(test_signature_of_passers_by),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
