/* SPDX-License-Identifier: ISC */
/* Contacts of an address of record: sip/binding.c.  RFC 3261 s10.3, RFC 5626
 * s6, RFC 3327. */
#include "unit.h"

#include <stdio.h>

#include "base/heap.h"
#include "sip/binding.h"
#include "sip_text.h"

#define S UINT64_C(1000000)

static struct arena arena = ARENA_INIT(1 << 20);
static struct bindings bound;
static const struct binding_bounds bounds = { 60, 7200 };

static int cleanup(void **state)
{
	(void)state;
	bindings_clear(&bound);
	arena_free(&arena);
	return 0;
}

static unsigned read_change(struct binding_change *c, const char *call_id,
			    unsigned cseq, const char *fields, uint32_t conn)
{
	struct flow flow = { .conn = conn };
	char text[4096];
	struct sipmsg m;
	unsigned status;

	snprintf(text, sizeof(text),
		 SIP_REGISTER "Call-ID: %s\r\nCSeq: %u REGISTER\r\n%s\r\n",
		 call_id, cseq, fields);
	m = sip_text(text, &arena);
	assert_ok(binding_change_read(c, &m, &flow, &bounds, &status));
	return status;
}

/* Applies a REGISTER to `bound`; on failure that stays. */
static enum err apply(const char *call_id, unsigned cseq, const char *fields,
		      uint64_t now_us)
{
	struct binding_change c;
	struct bindings next = { 0 };
	enum err r;

	assert_int_equal(read_change(&c, call_id, cseq, fields, 0), 0);
	r = bindings_apply(&bound, &c, now_us, &next);
	if (r == OK) {
		bindings_clear(&bound);
		bound = next;
	} else {
		assert_int_equal(next.n, 0);
	}
	binding_change_clear(&c);
	return r;
}

static void assert_bound(uint64_t now_us, const char *want)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_ok(bindings_format(&bound, now_us, &b));
	assert_slice_equal(buf_slice(&b), slice_str(want));
	buf_clear(&b);
}

static void add_refresh_remove(void **state)
{
	(void)state;
	assert_ok(apply("a", 1, "Contact: <sip:a@h>\r\nExpires: 100\r\n", S));
	assert_bound(S, "Contact: <sip:a@h>;expires=100\r\n");
	assert_int_equal(bindings_first_end(&bound), 101 * S);
	/* Seconds that have begun count. */
	assert_bound(31 * S + 1, "Contact: <sip:a@h>;expires=70\r\n");
	assert_ok(apply("a", 2,
			"Contact: <sip:a@h>;expires=200\r\n"
			"Expires: 100\r\n",
			51 * S));
	assert_bound(51 * S, "Contact: <sip:a@h>;expires=200\r\n");
	/* A query changes nothing. */
	assert_ok(apply("a", 3, "", 52 * S));
	assert_int_equal(bound.n, 1);
	assert_ok(apply("a", 4, "Contact: <sip:a@h>;expires=0\r\n", 53 * S));
	assert_bound(53 * S, "");
	assert_int_equal(bindings_first_end(&bound), NEVER);
	assert_int_equal(bindings_last_end(&bound), 0);
	/* To remove what is not there is fine. */
	assert_ok(apply("a", 5, "Contact: <sip:a@h>;expires=0\r\n", 54 * S));
}

static void unchanged(void **state)
{
	(void)state;
	/* What the contact says of itself comes back as it was. */
	assert_ok(apply("a", 1,
			"m: \"A, \\\"x\\\" <y>\" <sip:%61@[2001:db8::1]:5070"
			";transport=tcp;ob?x=%20>;q=0.75;EXPIRES=90;"
			"+sip.instance=\"<urn:uuid:1>\";audio;x=\"a;b,c\" , "
			"sip:b@h;expires=3600;methods=\"INVITE\"\r\n",
			S));
	assert_bound(S, "Contact: sip:b@h;methods=\"INVITE\";expires=3600\r\n"
			"Contact: \"A, \\\"x\\\" <y>\" <sip:%61@[2001:db8::1]:"
			"5070;transport=tcp;ob?x=%20>;q=0.75;"
			"+sip.instance=\"<urn:uuid:1>\";audio;x=\"a;b,c\""
			";expires=90\r\n");
}

static void times(void **state)
{
	static const struct {
		const char *fields;
		unsigned status;
		uint32_t expires_s;
	} v[] = {
		{ "Contact: <sip:a@h>\r\n", 0, 3600 },
		{ "Contact: <sip:a@h>\r\nExpires: 60\r\n", 0, 60 },
		{ "Contact: <sip:a@h>\r\nExpires: 59\r\n", 423, 0 },
		{ "Contact: <sip:a@h>;expires=1\r\n", 423, 0 },
		{ "Contact: <sip:a@h>;expires=0\r\n", 0, 0 },
		{ "Contact: <sip:a@h>;expires=7201\r\n", 0, 7200 },
		{ "Contact: <sip:a@h>;expires=4294967295\r\n", 0, 7200 },
		{ "Contact: <sip:a@h>;expires=99999999999999\r\n", 0, 7200 },
		/* s10.2.1.1: what is malformed is 3600. */
		{ "Contact: <sip:a@h>;expires=x\r\n", 0, 3600 },
		{ "Contact: <sip:a@h>;expires=-1\r\n", 0, 3600 },
	};
	struct binding_change c;

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		assert_int_equal(read_change(&c, "a", 1, v[i].fields, 0),
				 v[i].status);
		if (v[i].status == 0)
			assert_int_equal(c.expires_s[0], v[i].expires_s);
		binding_change_clear(&c);
	}
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"Contact: <sip:a@h\r\n",
		"Contact: \r\nContact: ,\r\n",
		"Contact: <sip:a@h>;q=2\r\n",
		"Contact: <sip:a@h>;q=1.001\r\n",
		"Contact: <sip:a@h>;q=.5\r\n",
		"Contact: <sip:a@h>;q\r\n",
		"Supported: outbound\r\n"
		"Contact: <sip:a@h>;+sip.instance=\"<x>\";reg-id=no\r\n",
		/* s10.3 step 6 */
		"Contact: *\r\n",
		"Contact: *\r\nExpires: 1\r\n",
		"Contact: *\r\nExpires: x\r\n",
		"Contact: *, <sip:a@h>\r\nExpires: 0\r\n",
		"Contact: <sip:a@h>\r\nContact: *\r\nExpires: 0\r\n",
	};
	char text[BINDING_TEXT_MAX + 64];
	struct binding_change c;

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++)
		if (read_change(&c, "a", 1, bad[i], 0) != 400)
			fail_msg("accepted: %s", bad[i]);
	snprintf(text, sizeof(text), "Contact: <sip:%0*d@h>\r\n",
		 BINDING_TEXT_MAX, 0);
	assert_int_equal(read_change(&c, "a", 1, text, 0), 400);
}

static void all(void **state)
{
	(void)state;
	assert_ok(apply("a", 1, "Contact: <sip:a@h>, <sip:b@h>\r\n", S));
	assert_int_equal(bound.n, 2);
	/* s10.3 step 6: not by a request that is late. */
	assert_err(apply("a", 1, "Contact: *\r\nExpires: 0\r\n", 2 * S),
		   ERR_DATA_TOO_OLD);
	assert_int_equal(bound.n, 2);
	assert_ok(apply("a", 2, "Contact: *\r\nExpires: 0\r\n", 2 * S));
	assert_int_equal(bound.n, 0);
}

static void order(void **state)
{
	(void)state;
	assert_ok(apply("a", 5, "Contact: <sip:a@h>\r\n", S));
	assert_err(apply("a", 5, "Contact: <sip:a@h>\r\n", S),
		   ERR_DATA_TOO_OLD);
	assert_err(apply("a", 4, "Contact: <sip:a@h>;expires=0\r\n", 2 * S),
		   ERR_DATA_TOO_OLD);
	/* All of it or nothing. */
	assert_err(apply("a", 4, "Contact: <sip:b@h>, <sip:a@h>\r\n", 2 * S),
		   ERR_DATA_TOO_OLD);
	assert_int_equal(bound.n, 1);
	/* Another contact, or another Call-ID, is another matter. */
	assert_ok(apply("a", 4, "Contact: <sip:b@h>\r\n", 2 * S));
	assert_ok(apply("b", 1, "Contact: <sip:a@h>;expires=70\r\n", 2 * S));
	assert_bound(2 * S, "Contact: <sip:a@h>;expires=70\r\n"
			    "Contact: <sip:b@h>;expires=3600\r\n");
	/* Twice in one request: the last counts. */
	assert_ok(apply("c", 1,
			"Contact: <sip:c@h>;expires=90, "
			"<sip:c@h>;expires=80\r\n",
			3 * S));
	assert_int_equal(bound.n, 3);
	assert_int_equal(bindings_first_end(&bound), 72 * S);
}

static void preference(void **state)
{
	(void)state;
	assert_ok(apply("a", 1, "Contact: <sip:a@h>;q=0.5\r\n", S));
	assert_ok(apply("b", 1, "Contact: <sip:b@h>;q=1.000\r\n", 2 * S));
	assert_ok(apply("c", 1, "Contact: <sip:c@h>;q=0.51\r\n", 3 * S));
	assert_ok(apply("d", 1, "Contact: <sip:d@h>\r\n", 4 * S));
	assert_ok(apply("e", 1, "Contact: <sip:e@h>;q=0\r\n", 5 * S));
	assert_int_equal(bound.n, 5);
	/* The newer of equals comes first. */
	assert_string_equal(bound.v[0]->uri, "sip:d@h");
	assert_string_equal(bound.v[1]->uri, "sip:b@h");
	assert_string_equal(bound.v[2]->uri, "sip:c@h");
	assert_string_equal(bound.v[3]->uri, "sip:a@h");
	assert_string_equal(bound.v[4]->uri, "sip:e@h");
	assert_int_equal(bound.v[2]->q, 510);
}

#define PHONE ";+sip.instance=\"<urn:uuid:1>\""

static void instances(void **state)
{
	(void)state;
	/* A phone that was started again comes from another port. */
	assert_ok(apply("a", 1, "Contact: <sip:a@h:1>" PHONE "\r\n", S));
	assert_ok(apply("b", 1, "Contact: <sip:a@h:2>" PHONE "\r\n", 2 * S));
	assert_bound(2 * S, "Contact: <sip:a@h:2>" PHONE ";expires=3600\r\n");
	/* Two flows of it, RFC 5626 s6. */
	assert_ok(apply("c", 1,
			"Supported: path, outbound\r\n"
			"Contact: <sip:a@h:3>" PHONE ";reg-id=1\r\n",
			3 * S));
	assert_ok(apply("d", 1,
			"Supported: outbound\r\n"
			"Contact: <sip:a@h:4>" PHONE ";reg-id=2\r\n",
			4 * S));
	assert_int_equal(bound.n, 3);
	assert_ok(apply("e", 1,
			"Supported: outbound\r\n"
			"Contact: <sip:a@h:5>" PHONE ";reg-id=1\r\n",
			5 * S));
	assert_int_equal(bound.n, 3);
	assert_string_equal(bound.v[0]->uri, "sip:a@h:5");
	assert_int_equal(bound.v[0]->reg_id, 1);
	/* Who does not say that it knows outbound has no flows. */
	assert_ok(apply("f", 1, "Contact: <sip:a@h:6>" PHONE ";reg-id=2\r\n",
			6 * S));
	assert_int_equal(bound.n, 3);
	assert_int_equal(bound.v[0]->reg_id, 0);
}

static void path(void **state)
{
	(void)state;
	assert_ok(apply("a", 1,
			"Path: <sip:p1;lr>\r\nPath: <sip:p2;lr>\r\n"
			"Contact: <sip:a@h>\r\n",
			S));
	assert_string_equal(bound.v[0]->path, "<sip:p1;lr>, <sip:p2;lr>");
}

static void full(void **state)
{
	char text[64];

	(void)state;
	for (int i = 0; i < BINDING_MAX; i++) {
		snprintf(text, sizeof(text), "Contact: <sip:a@h%d>\r\n", i);
		assert_ok(apply("a", 1, text, S));
	}
	assert_err(apply("a", 1, "Contact: <sip:a@h>\r\n", S), ERR_FULL);
	assert_int_equal(bound.n, BINDING_MAX);
	/* One that goes makes room. */
	assert_ok(apply("a", 2, "Contact: <sip:a@h0>;expires=0, <sip:a@h>\r\n",
			S));
}

static void ends(void **state)
{
	struct binding_change c;

	(void)state;
	assert_ok(apply("a", 1, "Contact: <sip:a@h>;expires=60\r\n", S));
	assert_ok(apply("b", 1, "Contact: <sip:b@h>;expires=100\r\n", S));
	assert_int_equal(bindings_last_end(&bound), 101 * S);
	assert_false(bindings_drop(&bound, 61 * S - 1, 0));
	assert_true(bindings_drop(&bound, 61 * S, 0));
	assert_bound(61 * S, "Contact: <sip:b@h>;expires=40\r\n");
	/* An expired one is not "set by a later request". */
	assert_ok(apply("b", 1, "Contact: <sip:b@h>;expires=60\r\n", 101 * S));
	/* With its connection. */
	assert_int_equal(read_change(&c, "c", 1, "Contact: <sip:c@h>\r\n", 7),
			 0);
	assert_int_equal(c.v[0]->flow.conn, 7);
	{
		struct bindings next = { 0 };

		assert_ok(bindings_apply(&bound, &c, 102 * S, &next));
		bindings_clear(&bound);
		bound = next;
	}
	binding_change_clear(&c);
	assert_int_equal(bound.n, 2);
	assert_false(bindings_drop(&bound, 103 * S, 8));
	assert_true(bindings_drop(&bound, 103 * S, 7));
	assert_int_equal(bound.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(add_refresh_remove, cleanup),
		cmocka_unit_test_teardown(unchanged, cleanup),
		cmocka_unit_test_teardown(times, cleanup),
		cmocka_unit_test_teardown(malformed, cleanup),
		cmocka_unit_test_teardown(all, cleanup),
		cmocka_unit_test_teardown(order, cleanup),
		cmocka_unit_test_teardown(preference, cleanup),
		cmocka_unit_test_teardown(instances, cleanup),
		cmocka_unit_test_teardown(path, cleanup),
		cmocka_unit_test_teardown(full, cleanup),
		cmocka_unit_test_teardown(ends, cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
