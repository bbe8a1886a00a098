/* SPDX-License-Identifier: ISC */
/*
 * The core as a function: what it wants to begin with, and that the same seed
 * and events give the same trace.
 */
#include "scene.h"

#include "core/state.h"

/* 6940-6.3.2.1-R1: no document, or one that is not for this ring. */
static void test_needs_document(void **state)
{
	const uint8_t seed[32] = { 1 };
	struct node_config cfg = { .role = ROLE_CLIENT };
	struct node *n;
	struct scene s;

	(void)state;
	scene_make(&s, 1);
	cfg.crypto = &s.w->toy.crypto;
	cfg.signer = &s.peer[0]->signer;
	assert_err(node_new(&n, &cfg, seed), ERR_CONFIG);
	cfg.overlay = s.w->overlay;
	s.w->overlay->node_id_length = 20;
	assert_err(node_new(&n, &cfg, seed), ERR_CONFIG);
	s.w->overlay->node_id_length = 16;
	assert_ok(node_new(&n, &cfg, seed));
	assert_int_equal(node_state(n), STATE_STARTING);
	assert_true(id_eq(node_id(n), &s.peer[0]->signer.node_id));
	assert_true(node_deadline(n) == NEVER);
	node_free(n);
	node_free(NULL);
	scene_close(&s);
}

/* A ring, a client, a Store and a loss, as one trace. */
static void run_story(uint64_t seed, struct buf *trace)
{
	const struct world_options opt = { .seed = seed };
	struct store_item item = { .kind = USER_VALUE,
				   .exists = true,
				   .value = SLICE_LIT("hello"),
				   .lifetime_s = 100 };
	struct command c = { .type = CMD_STORE, .items = &item, .n_items = 1 };
	struct world *w = world_new(&opt);
	struct host *h[6];

	for (int i = 0; i < 6; i++) {
		h[i] = world_host(w, i == 5 ? "bob" : "peer", NULL);
		h[i]->tracing = true;
	}
	for (int i = 0; i < 5; i++) {
		host_start(h[i], ROLE_PEER, i == 0);
		world_run(w, 20 * SECOND_US);
	}
	host_start(h[5], ROLE_CLIENT, false);
	world_resource(w, "bob", &c.resource);
	assert_err(host_do(h[5], &c)->result.err, OK);
	host_kill(h[2], DEATH_POWER);
	world_run(w, 200 * SECOND_US);
	for (int i = 0; i < 6; i++)
		assert_ok(buf_append_slice(trace, buf_slice(&h[i]->trace)));
	world_free(w);
}

static void test_repeats(void **state)
{
	struct buf a = BUF_INIT(1 << 24), b = BUF_INIT(1 << 24),
		   c = BUF_INIT(1 << 24);

	(void)state;
	run_story(1, &a);
	run_story(1, &b);
	run_story(2, &c);
	assert_true(a.len > 10000);
	assert_true(slice_eq(buf_slice(&a), buf_slice(&b)));
	assert_false(slice_eq(buf_slice(&a), buf_slice(&c)));
	buf_clear(&a);
	buf_clear(&b);
	buf_clear(&c);
}

/* A clock that goes back is held where it was; timers do not fire twice. */
static void test_clock_goes_back(void **state)
{
	const struct event tick = { .type = EV_TIMER };
	struct now now = { 0 };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	now.mono_us = s.w->now_us + 1000;
	now.unix_ms = world_unix_ms(s.w);
	assert_ok(node_step(s.peer[0]->node, now, &tick));
	now.mono_us = 0;
	assert_ok(node_step(s.peer[0]->node, now, &tick));
	assert_true(s.peer[0]->node->now.mono_us >= s.w->now_us);
	scene_ping_node(&s, &d, &s.peer[0]->signer.node_id);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

/* Events about what it does not know change nothing. */
static void test_stray_events(void **state)
{
	const struct event evs[] = {
		{ .type = EV_LINK_DOWN, .link = 4711 },
		{ .type = EV_BYTES, .link = 4711, .bytes = SLICE_LIT("x") },
		{ .type = EV_READ, .id = 4711 },
		{ .type = EV_COMMITTED, .id = 4711 },
		{ .type = EV_CONFIG, .id = 4711, .err = ERR_CONFIG },
	};
	struct effect fx;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(evs); i++) {
		assert_ok(node_step(s.peer[0]->node, host_now(s.peer[0]),
				    &evs[i]));
		assert_false(node_poll(s.peer[0]->node, &fx));
	}
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs_document),
		cmocka_unit_test(test_repeats),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_stray_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
