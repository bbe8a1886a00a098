/* SPDX-License-Identifier: ISC */
/*
 * Requests of a node, sent until they are answered, and who may answer.  RFC
 * 6940 s6.2.1, s6.3.4.  A client's only way in is the rogue, which answers as
 * it likes.
 */
#include "scene.h"

#define ID_OF(host) (&(host)->signer.node_id)

struct stage {
	struct scene s;
	struct host *client;
	struct host *target; /* never runs; its certificate signs */
	uint32_t link;       /* from the rogue to the client */
	uint64_t command;
};

static void open_stage(struct stage *t)
{
	const struct node_id target = scene_id(0xc0);

	scene_make(&t->s, 0);
	t->client = world_host(t->s.w, "bob", NULL);
	t->client->tracing = true;
	t->target = world_host(t->s.w, "target", &target);
	host_start_at(t->client, ROLE_CLIENT, t->s.rogue->host);
	(void)scene_trace_wait(&t->s, t->client, "state client");
	scene_run(&t->s, 1);
	t->link = rogue_link_to(t->s.rogue, t->client);
	assert_int_not_equal(t->link, 0);
	/* The greeting of a link with nothing else to say. */
	(void)rogue_hear(t->s.rogue, MSG_PING_REQ, SECOND_US);
	scene_run(&t->s, 20);
	for (struct heard *h = t->s.rogue->heard; h != NULL; h = h->next)
		h->taken = true;
}

static void close_stage(struct stage *t)
{
	scene_close(&t->s);
}

static void command_to(struct stage *t, const struct destination *to)
{
	struct destination copy = *to;
	struct command c = { .type = CMD_PING, .destination = { &copy, 1 } };

	t->command = host_command(t->client, &c);
}

/* A Ping to the target; returns its first transmission. */
static const struct heard *ping_target(struct stage *t)
{
	const struct destination to = destination_node(ID_OF(t->target));
	const struct heard *h;

	command_to(t, &to);
	h = rogue_hear(t->s.rogue, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	return h;
}

static bool ended(struct world *w, void *ctx)
{
	const struct stage *t = ctx;

	return world_outcome(w, t->command) != NULL;
}

static const struct result *result_of(struct stage *t)
{
	assert_true(world_run_until(t->s.w, ended, t, 60 * SECOND_US));
	return &world_outcome(t->s.w, t->command)->result;
}

static void pong(struct stage *t, struct draft *d, const struct heard *request,
		 const struct host *signer)
{
	const struct ping_ans ans = { 1, 2 };

	draft_answer(d, t->s.rogue, request, MSG_PING_ANS);
	draft_body(d, &wire_type_ping_ans, &ans);
	d->signer = &signer->signer;
}

static void refusal(struct stage *t, struct draft *d,
		    const struct heard *request, const struct host *signer,
		    uint16_t code)
{
	const struct error_response e = { code, SLICE_LIT("words") };

	draft_answer(d, t->s.rogue, request, MSG_ERROR);
	draft_body(d, &wire_type_error_response, &e);
	d->signer = &signer->signer;
}

/* 6940-6.2.1-R3, 6940-6.2.1-R4: five sends of one transaction 3 s apart, and
 * the end when the fifth timer has fired. */
static void test_five_sends(void **state)
{
	const struct heard *first, *h = NULL;
	uint64_t started;
	struct stage t;

	(void)state;
	open_stage(&t);
	t.s.w->net.opt.delay_min_us = t.s.w->net.opt.delay_max_us = 1000;
	started = t.s.w->now_us;
	first = h = ping_target(&t);
	assert_int_equal(h->at_us - started, 1000);
	for (unsigned i = 1; i < 5; i++) {
		h = rogue_hear(t.s.rogue, MSG_PING_REQ, 4 * SECOND_US);
		assert_non_null(h);
		assert_int_equal(h->at_us - first->at_us, i * 3 * SECOND_US);
		assert_int_equal(h->packet.header.transaction_id,
				 first->packet.header.transaction_id);
		assert_slice_equal(h->packet.payload, first->packet.payload);
	}
	assert_err(result_of(&t)->err, ERR_TIMEOUT);
	assert_int_equal(t.s.w->now_us - started, 15 * SECOND_US);
	assert_null(rogue_hear(t.s.rogue, MSG_PING_REQ, 20 * SECOND_US));
	close_stage(&t);
}

/* 6940-6.2.1-R3: the timer is the document's. */
static void test_reliability_timer(void **state)
{
	uint64_t started;
	struct stage t;

	(void)state;
	open_stage(&t);
	t.s.w->overlay->reliability_timer_ms = 200;
	started = t.s.w->now_us;
	(void)ping_target(&t);
	assert_err(result_of(&t)->err, ERR_TIMEOUT);
	assert_int_equal(t.s.w->now_us - started, SECOND_US);
	close_stage(&t);
}

/* 6940-6.3.2-R7, 6940-6.3.2-R9, 6940-6.3.2-D1, 6940-6.2.1-R1: the header. */
static void test_header(void **state)
{
	const struct forwarding_header *h;
	struct stage t;

	(void)state;
	open_stage(&t);
	h = &ping_target(&t)->packet.header;
	assert_int_equal(h->ttl, 100);
	assert_int_equal(h->fragment, FRAGMENT_WHOLE);
	assert_int_equal(h->version, RELOAD_VERSION);
	assert_int_equal(h->overlay, t.s.w->overlay->hash);
	assert_int_equal(h->configuration_sequence, 1);
	assert_int_equal(h->via_list.n, 0);
	assert_int_equal(h->options.n, 0);
	assert_int_equal(h->destination_list.n, 1);
	assert_int_equal(h->destination_list.v[0].type, DESTINATION_NODE);
	assert_true(id_eq(&h->destination_list.v[0].node_id, ID_OF(t.target)));
	close_stage(&t);
}

/* An answer of the one that was asked. */
static void test_answer(void **state)
{
	const struct result *r;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	pong(&t, &d, ping_target(&t), t.target);
	(void)rogue_send(t.s.rogue, t.link, &d);
	r = result_of(&t);
	assert_err(r->err, OK);
	assert_true(id_eq(&r->responder, ID_OF(t.target)));
	assert_int_equal(r->ping->response_id, 1);
	assert_int_equal(r->ping->time, 2);
	close_stage(&t);
}

/* 6940-6.3.3-R2: an answer with an extension that must be understood is none;
 * one that need not be does no harm. */
static void test_extensions(void **state)
{
	struct message_extension e = { .type = 4711 };
	struct stage t;
	struct draft d;

	(void)state;
	for (int critical = 0; critical < 2; critical++) {
		open_stage(&t);
		pong(&t, &d, ping_target(&t), t.target);
		e.critical = critical == 1;
		d.contents.extensions.v = &e;
		d.contents.extensions.n = 1;
		(void)rogue_send(t.s.rogue, t.link, &d);
		assert_err(result_of(&t)->err,
			   critical == 1 ? ERR_UNKNOWN_EXTENSION : OK);
		close_stage(&t);
	}
}

/* Spoils an answer in one way. */
enum spoil {
	SPOIL_SIGNER, /* by the rogue itself */
	SPOIL_SIGNATURE,
	SPOIL_NO_CERTIFICATE,
	SPOIL_NO_IDENTITY,
	SPOIL_TRANSACTION, /* of nobody */
	SPOIL_CODE,        /* the answer of another method */
	SPOIL_REQUEST      /* no response at all */
};

/*
 * 6940-6.3.4-R9, 6940-6.3.4-R8, 6940-6.3.2-R10: what is not the answer is
 * ignored, the request goes on, and the answer still counts.
 */
static void test_no_answers(void **state)
{
	static const enum spoil spoils[] = {
		SPOIL_SIGNER,      SPOIL_SIGNATURE,   SPOIL_NO_CERTIFICATE,
		SPOIL_NO_IDENTITY, SPOIL_TRANSACTION, SPOIL_CODE,
		SPOIL_REQUEST,
	};
	const struct heard *h;
	struct stage t;
	struct draft d;

	(void)state;
	for (size_t i = 0; i < N_OF(spoils); i++) {
		open_stage(&t);
		h = ping_target(&t);
		pong(&t, &d, h, t.target);
		d.spoil_signature = spoils[i] == SPOIL_SIGNATURE;
		d.without_certificates = spoils[i] == SPOIL_NO_CERTIFICATE;
		if (spoils[i] == SPOIL_SIGNER)
			d.signer = &t.s.rogue->host->signer;
		if (spoils[i] == SPOIL_NO_IDENTITY)
			d.identity_type = SIGNER_NONE;
		if (spoils[i] == SPOIL_TRANSACTION)
			d.header.transaction_id++;
		if (spoils[i] == SPOIL_CODE)
			d.contents.message_code = MSG_PROBE_ANS;
		if (spoils[i] == SPOIL_REQUEST)
			d.contents.message_code = MSG_UPDATE_REQ;
		(void)rogue_send(t.s.rogue, t.link, &d);
		/* It is sent again, and then it is answered. */
		h = rogue_hear(t.s.rogue, MSG_PING_REQ, 4 * SECOND_US);
		assert_non_null(h);
		assert_null(world_outcome(t.s.w, t.command));
		pong(&t, &d, h, t.target);
		(void)rogue_send(t.s.rogue, t.link, &d);
		assert_err(result_of(&t)->err, OK);
		close_stage(&t);
	}
}

/* 6940-6.3.4-R9: nobody but the wrong one answers: the command says so. */
static void test_wrong_peer(void **state)
{
	const struct heard *h;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	for (h = ping_target(&t); h != NULL;
	     h = rogue_hear(t.s.rogue, MSG_PING_REQ, 4 * SECOND_US)) {
		pong(&t, &d, h, t.s.rogue->host);
		(void)rogue_send(t.s.rogue, t.link, &d);
	}
	assert_err(result_of(&t)->err, ERR_WRONG_PEER);
	close_stage(&t);
}

/* 6940-6.3.4-R9: the wildcard may be answered by whoever is next door, and by
 * nobody else. */
static void test_wildcard(void **state)
{
	struct node_id wildcard;
	struct destination to;
	const struct heard *h;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	id_wildcard(&wildcard, RING_ID_LEN);
	to = destination_node(&wildcard);
	command_to(&t, &to);
	h = rogue_hear(t.s.rogue, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	pong(&t, &d, h, t.target);
	(void)rogue_send(t.s.rogue, t.link, &d);
	scene_run(&t.s, 1);
	assert_null(world_outcome(t.s.w, t.command));
	pong(&t, &d, h, t.s.rogue->host);
	(void)rogue_send(t.s.rogue, t.link, &d);
	assert_err(result_of(&t)->err, OK);
	close_stage(&t);
}

/* The wildcard behind a Node-ID: that node takes it, and answers. */
static void test_wildcard_behind(void **state)
{
	struct destination to[2];
	struct command c = { .type = CMD_PING, .destination = { to, 2 } };
	struct node_id wildcard;
	const struct heard *h;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	id_wildcard(&wildcard, RING_ID_LEN);
	to[0] = destination_node(ID_OF(t.target));
	to[1] = destination_node(&wildcard);
	t.command = host_command(t.client, &c);
	h = rogue_hear(t.s.rogue, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	pong(&t, &d, h, t.s.rogue->host);
	(void)rogue_send(t.s.rogue, t.link, &d);
	scene_run(&t.s, 1);
	assert_null(world_outcome(t.s.w, t.command));
	pong(&t, &d, h, t.target);
	(void)rogue_send(t.s.rogue, t.link, &d);
	assert_err(result_of(&t)->err, OK);
	close_stage(&t);
}

/* 6940-6.3.4-R10 (CHOICE 31): a resource is answered by one at least as close
 * as those the client is connected to. */
static void test_resource(void **state)
{
	const struct node_id at = scene_id(0x70), far = scene_id(0x60);
	struct destination to =
		destination_resource(id_slice(&at, RING_ID_LEN));
	const struct heard *h;
	struct host *behind;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	behind = world_host(t.s.w, "behind", &far);
	command_to(&t, &to);
	h = rogue_hear(t.s.rogue, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	/* The rogue is at 0x80: one at 0x60 has the whole ring before it. */
	pong(&t, &d, h, behind);
	(void)rogue_send(t.s.rogue, t.link, &d);
	scene_run(&t.s, 1);
	assert_null(world_outcome(t.s.w, t.command));
	pong(&t, &d, h, t.s.rogue->host);
	(void)rogue_send(t.s.rogue, t.link, &d);
	assert_err(result_of(&t)->err, OK);
	close_stage(&t);
}

/* Errors: of the one that was asked at once; of those on the way only what a
 * node on the way may say. */
static void test_errors(void **state)
{
	static const struct {
		bool from_target;
		uint16_t code;
		bool at_once;
		enum err err;
	} cases[] = {
		{ true, ERROR_NOT_FOUND, true, ERR_NOT_FOUND },
		{ true, ERROR_EXP_A, true, ERR_REMOTE },
		{ true, 0x7777, true, ERR_REMOTE },
		{ false, ERROR_TTL_EXCEEDED, true, ERR_TTL_EXCEEDED },
		{ false, ERROR_UNSUPPORTED_FORWARDING_OPTION, true,
		  ERR_UNSUPPORTED_FORWARDING_OPTION },
		{ false, ERROR_MESSAGE_TOO_LARGE, true, ERR_MESSAGE_TOO_LARGE },
		{ false, ERROR_FORBIDDEN, true, ERR_FORBIDDEN },
		{ false, ERROR_NOT_FOUND, false, ERR_NOT_FOUND },
		{ false, ERROR_DATA_TOO_OLD, false, ERR_DATA_TOO_OLD },
	};
	const struct heard *h;
	const struct result *r;
	struct stage t;
	struct draft d;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		open_stage(&t);
		h = ping_target(&t);
		refusal(&t, &d, h,
			cases[i].from_target ? t.target : t.s.rogue->host,
			cases[i].code);
		(void)rogue_send(t.s.rogue, t.link, &d);
		scene_run(&t.s, 1);
		if ((world_outcome(t.s.w, t.command) != NULL) !=
		    cases[i].at_once)
			fail_msg("case %zu", i);
		r = result_of(&t);
		assert_err(r->err, cases[i].err);
		assert_slice_equal(r->info, SLICE_LIT("words"));
		close_stage(&t);
	}
}

/* A deadline before the last send tells as much. */
static void test_wrong_peer_until_deadline(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_PING,
			     .destination = { &to, 1 },
			     .timeout_us = 4 * SECOND_US };
	const struct heard *h;
	struct stage t;
	struct draft d;

	(void)state;
	open_stage(&t);
	to = destination_node(ID_OF(t.target));
	t.command = host_command(t.client, &c);
	h = rogue_hear(t.s.rogue, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	pong(&t, &d, h, t.s.rogue->host);
	(void)rogue_send(t.s.rogue, t.link, &d);
	assert_err(result_of(&t)->err, ERR_WRONG_PEER);
	close_stage(&t);
}

/* A client whose only link goes has no answer to wait for. */
static void test_link_closed(void **state)
{
	struct stage t;

	(void)state;
	open_stage(&t);
	(void)ping_target(&t);
	rogue_close(t.s.rogue, t.link);
	scene_run(&t.s, 1);
	assert_err(result_of(&t)->err, ERR_LINK_CLOSED);
	close_stage(&t);
}

/* A deadline of the command's own. */
static void test_deadline(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_PING,
			     .destination = { &to, 1 },
			     .timeout_us = 1234567 };
	uint64_t started;
	struct stage t;

	(void)state;
	open_stage(&t);
	to = destination_node(ID_OF(t.target));
	started = t.s.w->now_us;
	t.command = host_command(t.client, &c);
	assert_err(result_of(&t)->err, ERR_TIMEOUT);
	assert_int_equal(t.s.w->now_us - started, 1234567);
	assert_true(scene_traced(t.client, "send ping_req"));
	scene_trace_forget(t.client);
	scene_run(&t.s, 20);
	assert_false(scene_traced(t.client, "send"));
	close_stage(&t);
}

/* A command before there is a link waits for it; when START has failed, no
 * longer. */
static void test_waits_for_link(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_PING, .destination = { &to, 1 } };
	struct host *bob, *dead;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	to = destination_node(ID_OF(s.peer[0]));
	bob = world_host(s.w, "bob", NULL);
	host_start_at(bob, ROLE_CLIENT, s.peer[0]);
	assert_err(host_do(bob, &c)->result.err, OK);
	dead = world_host(s.w, "dead", NULL);
	bob = world_host(s.w, "carol", NULL);
	host_start_at(bob, ROLE_CLIENT, dead);
	assert_err(host_do(bob, &c)->result.err, ERR_NO_LINK);
	scene_close(&s);
}

/* A peer asks itself where it is responsible, and answers by the same rules. */
static void test_asks_itself(void **state)
{
	const struct node_id at = scene_id(0x10);
	struct destination to =
		destination_resource(id_slice(&at, RING_ID_LEN));
	struct command c = { .type = CMD_PING, .destination = { &to, 1 } };
	const struct result *r;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	r = &host_do(s.peer[0], &c)->result;
	assert_err(r->err, OK);
	assert_true(id_eq(&r->responder, ID_OF(s.peer[0])));
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_five_sends),
		cmocka_unit_test(test_reliability_timer),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_no_answers),
		cmocka_unit_test(test_wrong_peer),
		cmocka_unit_test(test_wildcard),
		cmocka_unit_test(test_wildcard_behind),
		cmocka_unit_test(test_resource),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_wrong_peer_until_deadline),
		cmocka_unit_test(test_link_closed),
		cmocka_unit_test(test_deadline),
		cmocka_unit_test(test_waits_for_link),
		cmocka_unit_test(test_asks_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
