/* SPDX-License-Identifier: ISC */
/*
 * Commands that are one request: Ping, Probe, RouteQuery, the table, any other.
 * RFC 6940 s6.4.2.4, s10.8.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

static struct host *client_of(struct scene *s)
{
	struct host *c = world_host(s->w, "bob", NULL);

	c->tracing = true;
	host_start_at(c, ROLE_CLIENT, s->peer[0]);
	return c;
}

static enum verdict see_query(void *ctx, const struct sight *s, struct buf *out)
{
	struct route_query_req q;
	struct arena a = ARENA_INIT(1 << 16);
	unsigned *wanted = ctx;

	(void)out;
	if (s->message != NULL &&
	    s->message->contents.message_code == MSG_ROUTE_QUERY_REQ) {
		assert_ok(route_query_req_decode(
			&q, s->message->contents.message_body, &a,
			&s->from->world->env));
		*wanted += q.send_update;
		assert_int_equal(q.overlay_specific_data.len, 0);
	}
	arena_free(&a);
	return NET_PASS;
}

/* 6940-6.4.2.4-R1, 6940-6.4.2.4.1-R1: asked one after the other, each names the
 * next; none is asked for an Update. */
static void test_route_query(void **state)
{
	static const uint8_t path[] = { 0xa0, 0xe0, 0xe0 };
	const struct node_id resource = scene_id(0xd0);
	struct destination to[] = {
		destination_resource(id_slice(&resource, RING_ID_LEN)),
		destination_resource(id_slice(&resource, RING_ID_LEN)),
	};
	struct command c = { .type = CMD_ROUTE_QUERY,
			     .destination = { to, 1 } };
	const struct result *r;
	struct host *client;
	unsigned wanted = 0;
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	net_watch_add(s.w, see_query, &wanted);
	client = client_of(&s);
	for (size_t i = 0; i < N_OF(path); i++) {
		r = &host_do(client, &c)->result;
		assert_err(r->err, OK);
		assert_int_equal(r->next_peer.b[0], path[i]);
		to[0] = destination_node(&r->next_peer);
		c.destination.n = 2;
	}
	assert_int_equal(wanted, 0);
	scene_close(&s);
}

static void check_table(const struct result *r)
{
	assert_err(r->err, OK);
	assert_int_equal(r->responder.b[0], 0x20);
	assert_int_equal(r->table->type, CHORD_UPDATE_FULL);
	assert_int_equal(r->table->successors.n, 3);
	assert_int_equal(r->table->successors.v[0].b[0], 0x60);
	assert_int_equal(r->table->successors.v[1].b[0], 0xa0);
	assert_int_equal(r->table->successors.v[2].b[0], 0xe0);
	assert_int_equal(r->table->predecessors.n, 3);
	assert_int_equal(r->table->predecessors.v[0].b[0], 0xe0);
}

/* The table of the peer a client is connected to, and a peer's own. */
static void test_table(void **state)
{
	struct command c = { .type = CMD_TABLE };
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	check_table(&host_do(client_of(&s), &c)->result);
	check_table(&host_do(s.peer[0], &c)->result);
	scene_close(&s);
}

/* Any method, as given; an answer is no request. */
static void test_request(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_REQUEST,
			     .destination = { &to, 1 },
			     .message_code = MSG_PING_REQ,
			     .body = SLICE_LIT("\0\0") };
	const struct result *r;
	struct host *client;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	client = client_of(&s);
	to = destination_node(ID_OF(s.peer[1]));
	r = &host_do(client, &c)->result;
	assert_err(r->err, OK);
	assert_int_equal(r->message_code, MSG_PING_ANS);
	assert_int_equal(r->body.len, 16);
	c.message_code = MSG_APP_ATTACH_REQ;
	c.body = SLICE_LIT("\0\0\x13\xc4\7passive\0\0");
	r = &host_do(client, &c)->result;
	assert_err(r->err, ERR_NOT_FOUND);
	assert_int_not_equal(r->info.len, 0);
	c.message_code = MSG_PING_ANS;
	assert_err(host_do(client, &c)->result.err, ERR_USAGE);
	c.message_code = MSG_PING_REQ;
	c.destination.n = 0;
	assert_err(host_do(client, &c)->result.err, ERR_USAGE);
	scene_close(&s);
}

/* A response that may not be as long as it is. */
static void test_max_response_length(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_PING,
			     .destination = { &to, 1 },
			     .max_response_length = 100 };
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	to = destination_node(ID_OF(s.peer[0]));
	assert_err(host_do(client_of(&s), &c)->result.err,
		   ERR_RESPONSE_TOO_LARGE);
	scene_close(&s);
}

/* More than there may be: refused at once, the others go on. */
static void test_commands_max(void **state)
{
	struct destination to;
	struct command c = { .type = CMD_PING, .destination = { &to, 1 } };
	uint64_t first = 0, last = 0;
	struct host *client;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	client = client_of(&s);
	to = destination_node(ID_OF(s.peer[0]));
	for (int i = 0; i < COMMANDS_MAX + 1; i++) {
		last = host_command(client, &c);
		first = first == 0 ? last : first;
	}
	assert_err(world_outcome(s.w, last)->result.err, ERR_FULL);
	scene_run(&s, 40);
	assert_err(world_outcome(s.w, first)->result.err, OK);
	assert_int_equal(client->node->clients.n, 0);
	scene_close(&s);
}

/* A message larger than the overlay allows is not sent. */
static void test_too_large(void **state)
{
	static uint8_t body[60001];
	struct destination to;
	struct command c = { .type = CMD_REQUEST,
			     .destination = { &to, 1 },
			     .message_code = MSG_PING_REQ,
			     .body = { body, sizeof(body) } };
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	to = destination_node(ID_OF(s.peer[0]));
	assert_err(host_do(client_of(&s), &c)->result.err,
		   ERR_MESSAGE_TOO_LARGE);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route_query),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_max_response_length),
		cmocka_unit_test(test_commands_max),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
