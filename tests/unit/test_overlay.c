/* SPDX-License-Identifier: ISC */
/* The document in use, in memory: defaults, order, who may register. */
#include "unit.h"

#include "base/heap.h"
#include "core/overlay.h"

/* RFC 6940 s11.1 */
static void defaults(void **state)
{
	struct overlay *o = overlay_new();

	(void)state;
	assert_non_null(o);
	assert_int_equal(o->node_id_length, 16);
	assert_int_equal(o->initial_ttl, 100);
	assert_int_equal(o->turn_density, 1);
	assert_int_equal(o->max_message_size, 5000);
	assert_int_equal(o->reliability_timer_ms, 3000);
	assert_int_equal(o->chord_ping_interval_s, 3600);
	assert_true(o->chord_reactive);
	assert_true(o->clients_permitted);
	assert_false(o->self_signed_permitted);
	assert_false(o->no_ice);
	assert_true(o->expiration_ms == NEVER);
	overlay_free(o);
	overlay_free(NULL);
}

/* Modulo 65535, RFC 6940 s6.3.2.1. */
static void sequences(void **state)
{
	static const struct {
		uint16_t a, b;
		bool newer;
	} cases[] = {
		{ 1, 0, true },        { 0, 1, false },
		{ 7, 7, false },       { 0, 65534, true },
		{ 65534, 0, false },   { 100, 65500, true },
		{ 65500, 100, false }, { 32767, 0, true },
		{ 32768, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++)
		assert_int_equal(overlay_newer(cases[i].a, cases[i].b),
				 cases[i].newer);
}

static void bad_nodes(void **state)
{
	struct node_id bad[2] = { { { 1 } }, { { 2 } } }, id = { { 2 } };
	struct overlay o = { .bad_nodes = bad, .n_bad_nodes = 2 };

	(void)state;
	assert_true(overlay_is_bad_node(&o, &id));
	id.b[15] = 1;
	assert_false(overlay_is_bad_node(&o, &id));
	o.n_bad_nodes = 1;
	id = bad[1];
	assert_false(overlay_is_bad_node(&o, &id));
}

/* 7904-3.4-D2 7904-3.4-D4 7904-3.4-R4 7904-3.4-R5: without a restriction any;
 * without patterns the overlay's own domain; else what a pattern matches whole.
 */
static void domains(void **state)
{
	char *patterns[] = { (char[]){ "dht\\.example\\.com" },
			     (char[]){ ".*\\.my\\.example" },
			     (char[]){ "broken(" } };
	static const struct {
		const char *aor;
		bool any, own, pattern;
	} cases[] = {
		{ "alice@dht.example.com", true, false, true },
		{ "alice@sim.example.org", true, true, false },
		{ "alice@SIM.example.ORG", true, true, false },
		{ "alice@x.sim.example.org", true, false, false },
		{ "alice@dht.example.com.evil.test", true, false, false },
		{ "alice@evil.test@dht.example.com", true, false, true },
		{ "dht.example.com@evil.test", true, false, false },
		{ "alice@xdht.example.com", true, false, false },
		{ "alice@dhtxexample.com", true, false, false },
		{ "alice@a.b.my.example", true, false, true },
		{ "alice@my.example", true, false, false },
		{ "alice", true, false, false },
		{ "", true, false, false },
	};
	struct overlay o = { .name = "sim.example.org",
			     .domain_patterns = patterns,
			     .n_domain_patterns = 3 };

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct slice aor = slice_str(cases[i].aor);

		o.domain_restriction = DOMAIN_ANY;
		assert_int_equal(overlay_admits_aor(&o, aor), cases[i].any);
		o.domain_restriction = DOMAIN_OVERLAY;
		assert_int_equal(overlay_admits_aor(&o, aor), cases[i].own);
		o.domain_restriction = DOMAIN_PATTERNS;
		assert_int_equal(overlay_admits_aor(&o, aor), cases[i].pattern);
	}
	assert_false(overlay_admits_aor(
		&o, SLICE_LIT("a@evil.test\0@dht.example.com\0")));
	/* An element that is on, and empty, admits nobody. */
	o.n_domain_patterns = 0;
	assert_false(
		overlay_admits_aor(&o, SLICE_LIT("alice@dht.example.com")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(sequences),
		cmocka_unit_test(bad_nodes),
		cmocka_unit_test(domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
