/* SPDX-License-Identifier: ISC */
/*
 * Configuration documents that come and go over the overlay.  RFC 6940
 * s6.3.2.1, s6.5.4.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

static void update_with(struct scene *s, struct draft *d, struct slice document)
{
	const struct config_update_req body = { .type = CONFIG_UPDATE_CONFIG,
						.config_data = document };

	draft_init(d, s->rogue, MSG_CONFIG_UPDATE_REQ);
	draft_to_node(d, ID_OF(s->peer[0]));
	draft_body(d, &wire_type_config_update_req, &body);
	d->header.configuration_sequence = SEQUENCE_ANY;
}

static uint16_t sequence_of(const struct host *h)
{
	return h->node->overlay->sequence;
}

static bool all_have_it(struct world *w, void *ctx)
{
	const struct scene *s = ctx;

	(void)w;
	for (uint32_t i = 0; i < s->n_peers; i++)
		if (sequence_of(s->peer[i]) != 2)
			return false;
	return true;
}

/* 6940-6.5.4-R1, 6940-6.3.2.1-R4, 6940-6.5.4-R2: taken with sequence 65535,
 * answered by nothing, and passed on to every peer. */
static void test_flood(void **state)
{
	const struct heard *h;
	struct overlay *o;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	o = world_document(s.w);
	update_with(&s, &d, o->document);
	h = scene_answer(&s, &d, 0);
	assert_int_equal(h->message.contents.message_body.len, 0);
	assert_int_equal(sequence_of(s.peer[0]), 2);
	assert_true(world_run_until(s.w, all_have_it, &s, 10 * SECOND_US));
	scene_run(&s, 60);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(s.peer[i]->node->config_updates.n_pushes, 0);
		assert_int_equal(s.peer[i]->node->config_updates.n_checks, 0);
	}
	scene_close(&s);
}

/* A document from outside (a file, a signal) goes to all as well. */
static void test_flood_from_outside(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, 4);
	host_configure(s.peer[2], world_document(s.w));
	assert_true(world_run_until(s.w, all_have_it, &s, 10 * SECOND_US));
	scene_close(&s);
}

/* 6940-6.5.4-R3: replayed, equal, forged: an error for each, and the old one
 * stays. */
static void test_refused(void **state)
{
	const struct node_id resource = scene_id(0x10);
	struct overlay *o;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	o = world_document(s.w);
	update_with(&s, &d, SLICE_LIT("forged"));
	(void)scene_answer(&s, &d, ERROR_FORBIDDEN);
	assert_int_equal(sequence_of(s.peer[0]), 1);
	update_with(&s, &d, o->document);
	(void)scene_answer(&s, &d, 0);
	update_with(&s, &d, o->document);
	(void)scene_answer(&s, &d, ERROR_CONFIG_TOO_OLD);
	assert_int_equal(sequence_of(s.peer[0]), 2);
	/* 65535 is for ConfigUpdates alone. */
	draft_init(&d, s.rogue, MSG_FETCH_REQ);
	draft_to_resource(&d, &resource);
	draft_fetch(&d, &resource, USER_VALUE);
	d.header.configuration_sequence = SEQUENCE_ANY;
	(void)scene_answer(&s, &d, ERROR_CONFIG_TOO_OLD);
	scene_close(&s);
}

/* 6940-6.5.4-R4: Kinds that no kind-signer has signed; nothing; what is not
 * known. */
static void test_kinds_refused(void **state)
{
	struct slice block = SLICE_LIT("<kind-block/>");
	struct config_update_req body = { .type = CONFIG_UPDATE_KIND,
					  .kinds = { &block, 1 } };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (int i = 0; i < 3; i++) {
		if (i == 1)
			body.kinds.n = 0;
		if (i == 2)
			body.type = 77;
		update_with(&s, &d, SLICE_LIT(""));
		draft_body(&d, &wire_type_config_update_req, &body);
		(void)scene_answer(&s, &d,
				   i == 0 ? ERROR_FORBIDDEN
					  : ERROR_INVALID_MESSAGE);
	}
	assert_int_equal(sequence_of(s.peer[0]), 1);
	scene_close(&s);
}

/* 6940-6.5.4-R5: a Kind that the new document lacks is not known any more. */
static void test_kind_deleted(void **state)
{
	const struct node_id resource = scene_id(0x10);
	struct overlay *o;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	o = world_document(s.w);
	assert_int_equal(o->kinds.v[o->kinds.n - 1].id, NODE_VALUE);
	o->kinds.n--;
	for (int i = 0; i < 2; i++) {
		draft_init(&d, s.rogue, MSG_FETCH_REQ);
		draft_to_resource(&d, &resource);
		draft_fetch(&d, &resource, NODE_VALUE);
		d.header.configuration_sequence = sequence_of(s.peer[0]);
		assert_true(
			(heard_error(s.rogue, rogue_ask(s.rogue, s.link, &d)) ==
			 ERROR_UNKNOWN_KIND) == (i == 1));
		host_configure(s.peer[0], o);
	}
	scene_close(&s);
}

static const struct outcome *ping(struct host *from, const struct host *to)
{
	struct destination d = destination_node(ID_OF(to));
	struct command c = { .type = CMD_PING, .destination = { &d, 1 } };

	return host_do(from, &c);
}

/* 6940-6.3.2.1-R3: a client that is behind hears so, has the document, and gets
 * through with it. */
static void test_client_behind(void **state)
{
	struct host *client;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	client = world_host(s.w, "bob", NULL);
	host_start(client, ROLE_CLIENT, false);
	scene_run(&s, 5);
	host_configure(s.peer[0], world_document(s.w));
	scene_run(&s, 5);
	assert_int_equal(sequence_of(client), 1);
	assert_err(ping(client, s.peer[1])->result.err, ERR_CONFIG_TOO_OLD);
	scene_run(&s, 1);
	assert_int_equal(sequence_of(client), 2);
	assert_err(ping(client, s.peer[1])->result.err, OK);
	scene_close(&s);
}

/* 6940-6.5.4-R1: a peer that is behind: a client that is ahead sends it the
 * document, and asks again by itself. */
static void test_peer_behind(void **state)
{
	struct host *client;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	client = world_host(s.w, "bob", NULL);
	host_start(client, ROLE_CLIENT, false);
	scene_run(&s, 5);
	host_configure(client, world_document(s.w));
	assert_int_equal(sequence_of(s.peer[1]), 1);
	assert_err(ping(client, s.peer[1])->result.err, OK);
	assert_int_equal(sequence_of(s.peer[1]), 2);
	scene_close(&s);
}

/* A peer that is behind has its request sent again with the new sequence, and
 * does not hear of it. */
static void test_peer_asks(void **state)
{
	struct overlay *o;
	struct scene s;

	(void)state;
	scene_open(&s, 2);
	net_block(s.w, s.peer[1], s.peer[0], true);
	o = world_document(s.w);
	host_configure(s.peer[1], o); /* what it sends to peer 0 waits */
	scene_run(&s, 0.5);
	assert_int_equal(sequence_of(s.peer[0]), 1);
	{
		struct destination d = destination_node(ID_OF(s.peer[1]));
		struct command c = { .type = CMD_PING,
				     .destination = { &d, 1 } };
		uint64_t id = host_command(s.peer[0], &c);

		scene_run(&s, 0.2);
		net_heal(s.w);
		net_block(s.w, s.peer[1], s.peer[0], false);
		scene_run(&s, 10);
		assert_non_null(world_outcome(s.w, id));
		assert_err(world_outcome(s.w, id)->result.err, OK);
	}
	assert_int_equal(sequence_of(s.peer[0]), 2);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_flood_from_outside),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_kinds_refused),
		cmocka_unit_test(test_kind_deleted),
		cmocka_unit_test(test_client_behind),
		cmocka_unit_test(test_peer_behind),
		cmocka_unit_test(test_peer_asks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
