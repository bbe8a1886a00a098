/* SPDX-License-Identifier: ISC */
/*
 * AppAttach: asked, answered, refused, limited.  RFC 6940 s6.5.2, RFC 7904
 * s5.1.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

enum {
	TLS = OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
	DTLS = OVERLAY_LINK_DTLS_UDP_SR_NO_ICE
};

/* The application of a host, at another port than the links. */
static void serve(struct host *h, struct link_address *at, uint16_t number,
		  bool answers)
{
	*at = (struct link_address){ h->address, TLS };
	at->address.port = 7000;
	assert_ok(node_serve(h->node, &(struct application){ .number = number,
							     .answers = answers,
							     .listen = at,
							     .n_listen = 1 }));
}

/* A request of the rogue's for an application of the first peer. */
static void ask(struct scene *s, struct draft *d, uint16_t number,
		const char *role, uint8_t link)
{
	struct ice_candidate v = { .addr_port = s->rogue->host->address,
				   .overlay_link = link,
				   .foundation = SLICE_LIT("1"),
				   .priority = 1,
				   .type = CAND_HOST };
	const struct app_attach_req_ans body = { .application = number,
						 .role = slice_str(role),
						 .candidates = { &v, 1 } };

	draft_init(d, s->rogue, MSG_APP_ATTACH_REQ);
	draft_to_node(d, ID_OF(s->peer[0]));
	draft_body(d, &wire_type_app_attach_req_ans, &body);
}

/* 6940-6.5.2-R2, 6940-6.5.2-D1: the answer is "active" and names where the
 * application is; the application is told whom to connect to, and the node
 * makes no link. */
static void test_answer(void **state)
{
	struct app_attach_req_ans ans;
	struct link_address at;
	const struct effect *fx;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	serve(s.peer[0], &at, APPLICATION_SIPS, true);
	ask(&s, &d, APPLICATION_SIPS, "passive", TLS);
	heard_body(s.rogue, scene_answer(&s, &d, 0),
		   &wire_type_app_attach_req_ans, &ans);
	assert_int_equal(ans.application, APPLICATION_SIPS);
	assert_slice_equal(ans.role, SLICE_LIT("active"));
	assert_int_equal(ans.candidates.n, 1);
	assert_int_equal(ans.candidates.v[0].overlay_link, TLS);
	assert_int_equal(ans.candidates.v[0].addr_port.port, 7000);
	fx = &s.peer[0]->application;
	assert_int_equal(fx->application, APPLICATION_SIPS);
	assert_true(id_eq(&fx->node_id, ID_OF(s.rogue->host)));
	assert_int_equal(fx->n_candidates, 1);
	scene_run(&s, 20);
	assert_int_equal(rogue_link_to(s.rogue, s.peer[0]), s.link);
	scene_close(&s);
}

/* 6940-6.5.2-R3, 7904-5.1-R1, 7904-5.1-R9: SIP alone is served here; and what
 * nobody could connect by. */
static void test_refused(void **state)
{
	static const struct {
		uint16_t application;
		const char *role;
		uint8_t link;
		uint16_t error;
	} cases[] = {
		{ APPLICATION_SIPS, "passive", TLS, ERROR_NOT_FOUND },
		{ 0, "passive", TLS, ERROR_NOT_FOUND },
		{ 80, "passive", TLS, ERROR_NOT_FOUND }, /* asks itself only */
		{ APPLICATION_SIP, "active", TLS, ERROR_INVALID_MESSAGE },
		{ APPLICATION_SIP, "", TLS, ERROR_INVALID_MESSAGE },
		{ APPLICATION_SIP, "passive", DTLS, ERROR_INVALID_MESSAGE },
		{ APPLICATION_SIP, "passive", OVERLAY_LINK_DTLS_UDP_SR,
		  ERROR_INVALID_MESSAGE },
	};
	struct link_address at[2];
	struct error_response e;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	serve(s.peer[0], &at[0], APPLICATION_SIP, true);
	serve(s.peer[0], &at[1], 80, false);
	for (size_t i = 0; i < N_OF(cases); i++) {
		ask(&s, &d, cases[i].application, cases[i].role, cases[i].link);
		h = scene_answer(&s, &d, cases[i].error);
		heard_body(s.rogue, h, &wire_type_error_response, &e);
		assert_int_not_equal(e.error_info.len, 0);
	}
	assert_int_equal(s.peer[0]->application.n_candidates, 0);
	scene_close(&s);
}

/* Each answer costs a connection: so many for one node in a while. */
static void test_limit(void **state)
{
	struct link_address at;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	serve(s.peer[0], &at, APPLICATION_SIP, true);
	for (int i = 0; i < APP_ATTACHES_PER_NODE_MAX; i++) {
		ask(&s, &d, APPLICATION_SIP, "passive", TLS);
		(void)scene_answer(&s, &d, 0);
	}
	ask(&s, &d, APPLICATION_SIP, "passive", TLS);
	assert_int_equal(heard_error(s.rogue, rogue_ask(s.rogue, s.link, &d)),
			 err_code(ERR_FULL));
	scene_run(&s, APP_ATTACH_US / 1000000.0);
	ask(&s, &d, APPLICATION_SIP, "passive", TLS);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

static struct command command_for(struct destination *to, uint32_t n)
{
	return (struct command){ .type = CMD_APP_ATTACH,
				 .application = APPLICATION_SIP,
				 .destination = { to, n } };
}

/* 7904-5.1-R1, 7904-5.1-D1: asked through the ring, by way of a list too; the
 * other side is told where. */
static void test_ask(void **state)
{
	struct destination to[2];
	struct command c = command_for(&to[1], 1);
	struct link_address at[4];
	const struct result *r;
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	for (int i = 0; i < 4; i++)
		serve(s.peer[i], &at[i], APPLICATION_SIP, i != 3);
	to[0] = destination_node(ID_OF(s.peer[1]));
	to[1] = destination_node(ID_OF(s.peer[2]));
	for (int i = 0; i < 2; i++) {
		memset(&s.peer[2]->application, 0, sizeof(struct effect));
		r = &host_do(s.peer[0], &c)->result;
		assert_err(r->err, OK);
		assert_true(id_eq(&r->responder, ID_OF(s.peer[2])));
		assert_int_equal(s.peer[2]->application.n_candidates, 1);
		assert_true(id_eq(&s.peer[2]->application.node_id,
				  ID_OF(s.peer[0])));
		c.destination = (struct destination_list){ to, 2 };
	}
	to[1] = destination_node(ID_OF(s.peer[3]));
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_NOT_FOUND);
	scene_close(&s);
}

/* What cannot be asked. */
static void test_cannot_ask(void **state)
{
	const struct node_id resource = scene_id(0x50);
	struct destination to;
	struct command c = command_for(&to, 1);
	struct link_address at;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	to = destination_node(ID_OF(s.peer[1]));
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_UNSUPPORTED);
	serve(s.peer[0], &at, APPLICATION_SIP, true);
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_NOT_FOUND);
	to = destination_node(ID_OF(s.peer[0]));
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_USAGE);
	to = destination_resource(id_slice(&resource, RING_ID_LEN));
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_USAGE);
	c.destination.n = 0;
	assert_err(host_do(s.peer[0], &c)->result.err, ERR_USAGE);
	scene_close(&s);
}

/* The rogue's answer to a request for it that another node makes. */
static enum err answered(struct scene *s, uint16_t application,
			 const char *role, const struct signer *signer)
{
	struct app_attach_req_ans body = { .application = application,
					   .role = slice_str(role) };
	struct destination to = destination_node(ID_OF(s->rogue->host));
	struct command c = command_for(&to, 1);
	const struct outcome *o;
	const struct heard *h;
	struct draft d;
	uint64_t id;
	enum err r;

	c.timeout_us = 5 * SECOND_US;
	id = host_command(s->peer[0], &c);
	h = rogue_hear(s->rogue, MSG_APP_ATTACH_REQ, SECOND_US);
	assert_non_null(h);
	draft_answer(&d, s->rogue, h, MSG_APP_ATTACH_ANS);
	if (signer != NULL)
		d.signer = signer;
	draft_body(&d, &wire_type_app_attach_req_ans, &body);
	(void)rogue_send(s->rogue, h->link, &d);
	while ((o = world_outcome(s->w, id)) == NULL)
		scene_run(s, 1);
	r = o->result.err;
	for (struct heard *k = s->rogue->heard; k != NULL; k = k->next)
		k->taken = true;
	return r;
}

/* 7904-5.1-R2, 7904-5.1-R3: an answer that another node has signed is none,
 * nor is one of another application or role. */
static void test_answers(void **state)
{
	struct link_address at;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	serve(s.peer[0], &at, APPLICATION_SIP, true);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	assert_int_not_equal(rogue_attach(s.rogue, s.link, &d, false), 0);
	assert_err(answered(&s, APPLICATION_SIP, "active", NULL), OK);
	assert_err(answered(&s, APPLICATION_SIPS, "active", NULL),
		   ERR_INVALID_MESSAGE);
	assert_err(answered(&s, APPLICATION_SIP, "passive", NULL),
		   ERR_INVALID_MESSAGE);
	assert_int_not_equal(
		answered(&s, APPLICATION_SIP, "active", &s.peer[0]->signer),
		OK);
	scene_close(&s);
}

/* An overlay whose links are DTLS: applications have TLS all the same. */
static void test_datagram_overlay(void **state)
{
	struct link_address at;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make_links(&s, 1, LINK_PROTOCOL_DTLS);
	s.peer[0]->listen[0] = (struct link_address){ s.peer[0]->address,
						      DTLS };
	s.rogue->host->listen[0] =
		(struct link_address){ s.rogue->host->address, DTLS };
	scene_start(&s);
	serve(s.peer[0], &at, APPLICATION_SIP, true);
	ask(&s, &d, APPLICATION_SIP, "passive", TLS);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_ask),
		cmocka_unit_test(test_cannot_ask),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_datagram_overlay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
