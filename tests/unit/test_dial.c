/* SPDX-License-Identifier: ISC */
/*
 * Attach: answered, refused, tied; who connects to whom.  RFC 6940 s6.5.1,
 * s6.6.5.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

enum {
	TLS = OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
	DTLS = OVERLAY_LINK_DTLS_UDP_SR_NO_ICE,
	BOTH = LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS
};

/* A candidate for an Attach, and an Attach of some. */
static struct ice_candidate candidate(const struct host *at, uint8_t link,
				      uint32_t priority)
{
	return (struct ice_candidate){ .addr_port = at->address,
				       .overlay_link = link,
				       .foundation = SLICE_LIT("1"),
				       .priority = priority,
				       .type = CAND_HOST };
}

static void attach_with(struct scene *s, struct draft *d, const char *role,
			struct ice_candidate *v, uint32_t n)
{
	const struct attach_req_ans body = { .role = slice_str(role),
					     .candidates = { v, n } };

	draft_init(d, s->rogue, MSG_ATTACH_REQ);
	draft_to_node(d, ID_OF(s->peer[0]));
	draft_body(d, &wire_type_attach_req_ans, &body);
}

static void attach_to(struct scene *s, struct draft *d, const struct host *to)
{
	draft_init(d, s->rogue, MSG_ATTACH_REQ);
	draft_to_node(d, ID_OF(to));
}

/* A rogue at another place, linked to `at` in place of the scene's. */
static void move_rogue(struct scene *s, uint8_t first, const struct host *at)
{
	const struct node_id id = scene_id(first);

	rogue_free(s->rogue);
	s->rogue = rogue_new(s->w, "rogue", &id);
	s->link = rogue_connect(s->rogue, at);
	assert_int_not_equal(s->link, 0);
	scene_run(s, 1);
}

static bool linked(struct world *w, void *ctx)
{
	struct scene *s = ctx;
	uint32_t link = rogue_link_to(s->rogue, s->peer[0]);

	(void)w;
	return link != 0 && link != s->link;
}

/* 6940-6.5.1.2-R1, 6940-6.5.1.1-R2, 6940-6.6.5-R2, 6940-6.5.1.13-R1: the answer
 * is "active", lists a listening address, and the answerer connects. */
static void test_answer(void **state)
{
	struct attach_req_ans ans;
	struct ice_candidate v;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	h = scene_answer(&s, &d, 0);
	heard_body(s.rogue, h, &wire_type_attach_req_ans, &ans);
	assert_slice_equal(ans.role, SLICE_LIT("active"));
	assert_false(ans.send_update);
	assert_int_equal(ans.candidates.n, 1);
	assert_int_equal(ans.candidates.v[0].overlay_link,
			 OVERLAY_LINK_TLS_TCP_FH_NO_ICE);
	assert_int_equal(ans.candidates.v[0].type, CAND_HOST);
	assert_int_equal(ans.candidates.v[0].addr_port.port, WORLD_PORT);
	assert_memory_equal(ans.candidates.v[0].addr_port.addr,
			    s.peer[0]->address.addr, 4);
	assert_true(world_run_until(s.w, linked, &s, 5 * SECOND_US));
	assert_true(rogue_link_to(s.rogue, s.peer[0]) >= LINK_INCOMING);
	/* It greets: both sides see the link up. */
	assert_non_null(rogue_hear(s.rogue, MSG_PING_REQ, SECOND_US));
	(void)scene_trace_wait(&s, s.peer[0], "attached 80000000");
	scene_close(&s);
}

/* 6940-6.5.1.1-R2, 6940-6.5.1.1-R3, 6940-6.5.1.5-R1, 6940-11.1-R9: what is
 * refused, with words. */
static void test_refused(void **state)
{
	enum { ICE = OVERLAY_LINK_DTLS_UDP_SR };
	static const struct {
		const char *name, *role;
		uint32_t n;
		uint8_t links[2];
	} cases[] = {
		{ "active", "active", 1, { TLS } },
		{ "actpass", "actpass", 1, { TLS } },
		{ "no role", "", 1, { TLS } },
		{ "mixed", "passive", 2, { TLS, ICE } },
		{ "mixed, the other way", "passive", 2, { ICE, TLS } },
		{ "ICE", "passive", 1, { ICE } },
		{ "unknown", "passive", 1, { 77 } },
		{ "DTLS, which the document does not permit",
		  "passive",
		  1,
		  { DTLS } },
		{ "no candidates", "passive", 0, { 0 } },
	};
	struct ice_candidate v[2];
	struct error_response e;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		for (int k = 0; k < 2; k++)
			v[k] = candidate(s.rogue->host, cases[i].links[k], 1);
		attach_with(&s, &d, cases[i].role, v, cases[i].n);
		h = rogue_ask(s.rogue, s.link, &d);
		if (heard_error(s.rogue, h) != ERROR_INVALID_MESSAGE) {
			fail_msg("%s", cases[i].name);
			return;
		}
		heard_body(s.rogue, h, &wire_type_error_response, &e);
		assert_int_not_equal(e.error_info.len, 0);
	}
	scene_run(&s, 20);
	assert_int_equal(rogue_link_to(s.rogue, s.peer[0]), s.link);
	scene_close(&s);
}

/* ---- links of two kinds ---- */

/* Where a host accepts links; `second` 0: of one kind only. */
static void listen_on(struct host *h, uint8_t first, uint8_t second)
{
	h->listen[0] = (struct link_address){ h->address, first };
	h->listen[1] = (struct link_address){ h->address, second };
	h->n_listen = second == 0 ? 1 : 2;
}

/* 6940-6.6-D1: of candidates of both kinds the one of the higher priority is
 * connected to, and TLS of two that are equal. */
static void test_kinds_of_links(void **state)
{
	static const struct {
		uint8_t links[2];
		uint32_t priority[2];
		bool datagram;
	} cases[] = {
		{ { TLS, DTLS }, { 2, 1 }, false },
		{ { TLS, DTLS }, { 1, 2 }, true },
		{ { DTLS, TLS }, { 1, 1 }, false },
		{ { DTLS, DTLS }, { 1, 1 }, true },
	};
	struct ice_candidate v[2];
	struct scene s;
	struct draft d;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_make_links(&s, 1, BOTH);
		listen_on(s.peer[0], TLS, DTLS);
		listen_on(s.rogue->host, DTLS, TLS);
		scene_start(&s);
		for (int k = 0; k < 2; k++)
			v[k] = candidate(s.rogue->host, cases[i].links[k],
					 cases[i].priority[k]);
		attach_with(&s, &d, "passive", v, 2);
		(void)scene_answer(&s, &d, 0);
		assert_true(world_run_until(s.w, linked, &s, 5 * SECOND_US));
		assert_int_equal(s.peer[0]->node->links.last->datagram,
				 cases[i].datagram);
		scene_close(&s);
	}
}

/* A kind of link that the document or the driver does not know is neither
 * offered nor connected to, and the other one is. */
static void test_unknown_kind_of_links(void **state)
{
	static const struct {
		uint8_t document, driver; /* LINK_PROTOCOL_* */
		uint8_t good, bad;
	} cases[] = {
		{ LINK_PROTOCOL_TLS, 0, TLS, DTLS },
		{ LINK_PROTOCOL_DTLS, 0, DTLS, TLS },
		{ BOTH, LINK_PROTOCOL_TLS, TLS, DTLS },
		{ BOTH, LINK_PROTOCOL_DTLS, DTLS, TLS },
	};
	struct attach_req_ans ans;
	struct ice_candidate v[2];
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_make_links(&s, 1, cases[i].document);
		listen_on(s.peer[0], TLS, DTLS);
		listen_on(s.rogue->host, TLS, DTLS);
		s.peer[0]->cfg.link_protocols = cases[i].driver;
		scene_start(&s);
		v[0] = candidate(s.rogue->host, cases[i].bad, 2);
		v[1] = candidate(s.rogue->host, cases[i].good, 1);
		attach_with(&s, &d, "passive", v, 1);
		(void)scene_answer(&s, &d, ERROR_INVALID_MESSAGE);
		attach_with(&s, &d, "passive", v, 2);
		h = scene_answer(&s, &d, 0);
		heard_body(s.rogue, h, &wire_type_attach_req_ans, &ans);
		assert_int_equal(ans.candidates.n, 1);
		assert_int_equal(ans.candidates.v[0].overlay_link,
				 cases[i].good);
		assert_true(world_run_until(s.w, linked, &s, 5 * SECOND_US));
		assert_int_equal(s.peer[0]->node->links.last->datagram,
				 cases[i].good == DTLS);
		scene_close(&s);
	}
}

/* An offer has a candidate for each address and kind, the first the best. */
static void test_offer_of_both(void **state)
{
	struct attach_req_ans req;
	struct ice_candidate v;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make_links(&s, 1, BOTH);
	listen_on(s.peer[0], DTLS, TLS);
	scene_start(&s);
	v = candidate(s.rogue->host, s.rogue->host->listen[0].overlay_link, 1);
	attach_with(&s, &d, "passive", &v, 1);
	heard_body(s.rogue, scene_answer(&s, &d, 0), &wire_type_attach_req_ans,
		   &req);
	assert_int_equal(req.candidates.n, 2);
	assert_int_equal(req.candidates.v[0].overlay_link, DTLS);
	assert_int_equal(req.candidates.v[1].overlay_link, TLS);
	assert_true(req.candidates.v[0].priority >
		    req.candidates.v[1].priority);
	for (int i = 0; i < 2; i++)
		assert_memory_equal(req.candidates.v[i].addr_port.addr,
				    s.peer[0]->address.addr, 4);
	scene_close(&s);
}

/* A bootstrap node's address is tried by TLS, then by DTLS, as the document
 * permits. */
static void test_entry_by_both(void **state)
{
	static const struct {
		uint8_t document, kind;
		const char *first;
		bool second;
	} cases[] = {
		{ BOTH, TLS, "connect 1", false },
		{ BOTH, DTLS, "connect 1", true },
		{ LINK_PROTOCOL_DTLS, DTLS, "connect 1", false },
	};
	struct scene s;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_make_links(&s, 1, cases[i].document);
		listen_on(s.peer[0], cases[i].kind, 0);
		listen_on(s.rogue->host, DTLS, 0);
		scene_start(&s);
		s.peer[1] = world_host(s.w, "client", NULL);
		s.peer[1]->tracing = true;
		host_start(s.peer[1], ROLE_CLIENT, false);
		scene_run(&s, 5);
		assert_true(host_ready(s.peer[1]));
		assert_true(scene_traced(s.peer[1], cases[i].first));
		assert_true(scene_traced(s.peer[1], "connect 2") ==
			    cases[i].second);
		assert_int_equal(s.peer[1]->node->links.last->datagram,
				 cases[i].kind == DTLS);
		scene_close(&s);
	}
}

/* 6940-6.5.1.5-R1: an overlay that is not without ICE. */
static void test_overlay_with_ice(void **state)
{
	struct ice_candidate v;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	s.w->overlay->no_ice = false;
	scene_start(&s);
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, ERROR_INVALID_MESSAGE);
	scene_close(&s);
}

/* By falling priority, past those that refuse and those that are silent; an
 * address of an unknown type is skipped (6940-6.3.1.1-D2). */
static void test_candidates_in_turn(void **state)
{
	struct ice_candidate v[4];
	struct host *dead, *silent;
	struct scene s;
	struct draft d;
	uint64_t asked;

	(void)state;
	scene_open(&s, 1);
	dead = world_host(s.w, "dead", NULL);
	silent = world_host(s.w, "silent", NULL);
	net_block(s.w, s.peer[0], silent, true);
	v[0] = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	v[1] = candidate(dead, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 3);
	v[2] = candidate(silent, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 2);
	v[3] = candidate(dead, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 4);
	v[3].addr_port = (struct ip_address_port){
		.type = 9, .unknown = SLICE_LIT("somewhere")
	};
	attach_with(&s, &d, "passive", v, 4);
	asked = s.w->now_us;
	(void)scene_answer(&s, &d, 0);
	assert_true(world_run_until(s.w, linked, &s, 20 * SECOND_US));
	/* The silent one had its five seconds. */
	assert_true(s.w->now_us - asked > 5 * SECOND_US);
	assert_true(s.w->now_us - asked < 6 * SECOND_US);
	scene_close(&s);
}

/* 6940-6.5.1.11-R1, 6940-6.5.1.13-R2: a valid member at that address, but not
 * the one that asked. */
static void test_another_member_there(void **state)
{
	struct ice_candidate v;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	v = candidate(s.peer[1], OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, 0);
	scene_run(&s, 20);
	assert_int_equal(rogue_link_to(s.rogue, s.peer[0]), s.link);
	assert_false(scene_traced(s.peer[0], "attached 80000000"));
	assert_int_equal(s.peer[0]->node->dials.n, 0);
	scene_close(&s);
}

/* 6940-6.4.2.3-R2: send_update, from one that has not joined. */
static void test_send_update(void **state)
{
	struct chord_update u;
	const struct heard *h;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 3);
	attach_to(&s, &d, s.peer[0]);
	link = rogue_attach(s.rogue, s.link, &d, true);
	assert_int_not_equal(link, 0);
	h = rogue_hear(s.rogue, MSG_UPDATE_REQ, 5 * SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->link, link);
	heard_body(s.rogue, h, &wire_type_chord_update, &u);
	assert_int_equal(u.type, CHORD_UPDATE_FULL);
	scene_close(&s);
}

/* 6940-6.5.1-R1: attached, but no Update from it: messages for itself, nothing
 * through it, though it would be the best next hop. */
static void test_not_routed_through(void **state)
{
	const struct node_id resource = scene_id(0x50);
	struct destination to[] = { destination_resource(
					    id_slice(&resource, RING_ID_LEN)),
				    destination_node(&resource) };
	struct command c = { .type = CMD_PING,
			     .destination = { to, 1 },
			     .timeout_us = 4 * SECOND_US };
	const struct result *r;
	struct host *client;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	move_rogue(&s, 0x40, s.peer[0]);
	attach_to(&s, &d, s.peer[0]);
	assert_int_not_equal(rogue_attach(s.rogue, s.link, &d, false), 0);
	assert_non_null(rogue_hear(s.rogue, MSG_PING_REQ, SECOND_US));
	client = world_host(s.w, "bob", NULL);
	host_start_at(client, ROLE_CLIENT, s.peer[0]);
	r = &host_do(client, &c)->result;
	assert_err(r->err, OK);
	assert_true(id_eq(&r->responder, ID_OF(s.peer[1])));
	for (struct heard *h = s.rogue->heard; h != NULL; h = h->next)
		h->taken = true;
	to[0] = destination_node(ID_OF(s.rogue->host));
	(void)host_do(client, &c);
	assert_non_null(rogue_hear(s.rogue, MSG_PING_REQ, SECOND_US));
	scene_close(&s);
}

/* Makes the first peer ask the rogue for an Attach: an Update over a link that
 * no Attach has made. */
static void update_on(struct scene *s, uint32_t link)
{
	const struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS };
	struct draft d;

	draft_init(&d, s->rogue, MSG_UPDATE_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	draft_body(&d, &wire_type_chord_update, &u);
	(void)rogue_send(s->rogue, link, &d);
}

static const struct heard *make_it_ask(struct scene *s)
{
	const struct heard *h;

	update_on(s, s->link);
	h = rogue_hear(s->rogue, MSG_ATTACH_REQ, 5 * SECOND_US);
	assert_non_null(h);
	return h;
}

/* What it offers; the rogue answers and connects. */
static void test_offer(void **state)
{
	struct attach_req_ans offer;
	const struct heard *h;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	h = make_it_ask(&s);
	heard_body(s.rogue, h, &wire_type_attach_req_ans, &offer);
	assert_slice_equal(offer.role, SLICE_LIT("passive"));
	assert_int_equal(offer.candidates.n, 1);
	assert_int_equal(offer.candidates.v[0].overlay_link,
			 OVERLAY_LINK_TLS_TCP_FH_NO_ICE);
	assert_int_not_equal(rogue_attach_answer(s.rogue, h), 0);
	(void)scene_trace_wait(&s, s.peer[0], "attached 80000000");
	scene_close(&s);
}

/* 6940-6.5.1.14-R1: the other side connects and speaks before its answer is
 * here. */
static void test_early_packets(void **state)
{
	struct attach_req_ans body = { .role = SLICE_LIT("active") };
	struct ice_candidate v;
	const struct heard *h;
	struct scene s;
	struct draft d;
	uint32_t first;

	(void)state;
	scene_open(&s, 1);
	first = s.link;
	h = make_it_ask(&s);
	s.link = rogue_connect(s.rogue, s.peer[0]);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	(void)scene_trace_wait(&s, s.peer[0], "attached 80000000");
	/* The answer comes after all. */
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	body.candidates = (struct ice_candidate_list){ &v, 1 };
	draft_answer(&d, s.rogue, h, MSG_ATTACH_ANS);
	draft_body(&d, &wire_type_attach_req_ans, &body);
	(void)rogue_send(s.rogue, first, &d);
	scene_run(&s, 5);
	assert_true(rogue_link(s.rogue, s.link)->up);
	assert_int_equal(s.peer[0]->node->dials.n, 0);
	scene_close(&s);
}

static enum verdict count_offers(void *ctx, const struct sight *s,
				 struct buf *message)
{
	unsigned *n = ctx;

	(void)message;
	if (s->message != NULL &&
	    s->message->contents.message_code == MSG_ATTACH_REQ)
		++*n;
	return NET_PASS;
}

/* 6940-6.5.1.12-R1: nodes that are attached make each other no further offers.
 */
static void test_no_second_offer(void **state)
{
	unsigned offers = 0;
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	scene_run(&s, 600);
	net_watch_add(s.w, count_offers, &offers);
	scene_run(&s, 3 * 3600);
	assert_int_equal(offers, 0);
	scene_close(&s);
}

/* 6940-6.5.1.2-R2: its own Attach was answered, the link is on its way. */
static void test_in_progress(void **state)
{
	struct attach_req_ans body = { .role = SLICE_LIT("active") };
	struct ice_candidate v;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	h = make_it_ask(&s);
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	body.candidates = (struct ice_candidate_list){ &v, 1 };
	draft_answer(&d, s.rogue, h, MSG_ATTACH_ANS);
	draft_body(&d, &wire_type_attach_req_ans, &body);
	(void)rogue_send(s.rogue, s.link, &d);
	scene_run(&s, 1);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, ERROR_IN_PROGRESS);
	/* It gives up in the end, and can be asked again. */
	scene_run(&s, 20);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

/* 6940-6.5.1.2-R3: its own Attach is not answered and its Node-ID is the
 * smaller: it stops asking and answers. */
static void test_tie_smaller(void **state)
{
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	h = make_it_ask(&s);
	attach_to(&s, &d, s.peer[0]);
	assert_int_not_equal(rogue_attach(s.rogue, s.link, &d, false), 0);
	h = rogue_hear(s.rogue, MSG_ATTACH_REQ, 20 * SECOND_US);
	assert_null(h);
	scene_close(&s);
}

/* 6940-6.5.1.2-R3: it stops asking when it answers, not when the link is there:
 * the other side cannot be reached. */
static void test_tie_silent(void **state)
{
	struct ice_candidate v;
	struct host *silent;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	silent = world_host(s.w, "silent", NULL);
	net_block(s.w, s.peer[0], silent, true);
	(void)make_it_ask(&s);
	v = candidate(silent, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, 0);
	assert_null(rogue_hear(s.rogue, MSG_ATTACH_REQ, 10 * SECOND_US));
	scene_close(&s);
}

/* 6940-6.5.1.2-R3: the larger says Error_In_Progress and completes its own. */
static void test_tie_larger(void **state)
{
	struct ice_candidate v;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	move_rogue(&s, 0x10, s.peer[0]);
	h = make_it_ask(&s);
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	(void)scene_answer(&s, &d, ERROR_IN_PROGRESS);
	assert_int_not_equal(rogue_attach_answer(s.rogue, h), 0);
	(void)scene_trace_wait(&s, s.peer[0], "attached 10000000");
	scene_close(&s);
}

/* CHOICE 30: of two links that Attaches made the larger Node-ID closes the
 * older one, the smaller none. */
static void test_replaced(void **state)
{
	struct scene s;
	struct draft d;
	uint32_t first, second;

	(void)state;
	for (int larger = 0; larger < 2; larger++) {
		scene_open(&s, 1);
		move_rogue(&s, larger ? 0x10 : 0x80, s.peer[0]);
		attach_to(&s, &d, s.peer[0]);
		first = rogue_attach(s.rogue, s.link, &d, false);
		attach_to(&s, &d, s.peer[0]);
		second = rogue_attach(s.rogue, s.link, &d, false);
		assert_int_not_equal(first, 0);
		assert_int_not_equal(second, 0);
		assert_int_not_equal(first, second);
		scene_run(&s, 1);
		assert_true(rogue_link(s.rogue, first)->up == (larger == 0));
		assert_true(rogue_link(s.rogue, second)->up);
		scene_close(&s);
	}
}

/* A ping over another link of the rogue's: it is up then. */
static void speak_on(struct scene *s, uint32_t link)
{
	struct draft d;

	assert_int_not_equal(link, 0);
	s->link = link;
	scene_ping_node(s, &d, ID_OF(s->peer[0]));
	(void)scene_answer(s, &d, 0);
}

/* A link that the other side made for an end of its own may be taken for the
 * one that an Attach waits for.  An Update on the Attach's own has that one
 * attached as well, and it is there when the other is closed; without one it is
 * not, for a joining node closes one of two. */
static void test_another_end(void **state)
{
	const struct heard *h;
	uint32_t own, other;
	struct scene s;

	(void)state;
	for (int update = 0; update < 2; update++) {
		scene_open(&s, 1);
		move_rogue(&s, 0x10, s.peer[0]);
		h = make_it_ask(&s);
		speak_on(&s, other = rogue_connect(s.rogue, s.peer[0]));
		speak_on(&s, own = rogue_attach_answer(s.rogue, h));
		if (update)
			update_on(&s, own);
		scene_run(&s, 1);
		rogue_close(s.rogue, other);
		scene_run(&s, 1);
		assert_true(rogue_link(s.rogue, own)->up);
		assert_int_equal(ring_link_to(s.peer[0]->node,
					      ID_OF(s.rogue->host)) != NULL,
				 update);
		scene_close(&s);
	}
}

/* One that asks over and over has one connection under way. */
static void test_superseded(void **state)
{
	struct ice_candidate v;
	struct host *silent;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	silent = world_host(s.w, "silent", NULL);
	net_block(s.w, s.peer[0], silent, true);
	v = candidate(silent, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	for (int i = 0; i < 20; i++) {
		attach_with(&s, &d, "passive", &v, 1);
		(void)scene_answer(&s, &d, 0);
		assert_int_equal(s.peer[0]->node->dials.n, 1);
	}
	scene_run(&s, 20);
	assert_int_equal(s.peer[0]->node->dials.n, 0);
	scene_close(&s);
}

/* 6940-6.5.1-D2: to a resource: whoever owns it answers; to a Node-ID that is
 * not there nobody does. */
static void test_to_resource(void **state)
{
	const struct node_id resource = scene_id(0x50), absent = scene_id(0x51);
	struct ice_candidate v;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 2);
	(void)world_host(s.w, "absent", &absent);
	v = candidate(s.rogue->host, OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 1);
	attach_with(&s, &d, "passive", &v, 1);
	d.header.destination_list.n = 0;
	draft_to_resource(&d, &resource);
	h = scene_answer(&s, &d, 0);
	assert_ptr_equal(heard_signer(s.rogue, h), s.peer[1]);
	attach_with(&s, &d, "passive", &v, 1);
	d.header.destination_list.n = 0;
	draft_to_node(&d, &absent);
	scene_silence(&s, &d);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kinds_of_links),
		cmocka_unit_test(test_unknown_kind_of_links),
		cmocka_unit_test(test_offer_of_both),
		cmocka_unit_test(test_entry_by_both),
		cmocka_unit_test(test_overlay_with_ice),
		cmocka_unit_test(test_candidates_in_turn),
		cmocka_unit_test(test_another_member_there),
		cmocka_unit_test(test_send_update),
		cmocka_unit_test(test_not_routed_through),
		cmocka_unit_test(test_offer),
		cmocka_unit_test(test_early_packets),
		cmocka_unit_test(test_no_second_offer),
		cmocka_unit_test(test_in_progress),
		cmocka_unit_test(test_tie_smaller),
		cmocka_unit_test(test_tie_silent),
		cmocka_unit_test(test_tie_larger),
		cmocka_unit_test(test_replaced),
		cmocka_unit_test(test_another_end),
		cmocka_unit_test(test_superseded),
		cmocka_unit_test(test_to_resource),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
