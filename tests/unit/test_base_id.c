/* SPDX-License-Identifier: ISC */
/* Node-IDs: the ring's arithmetic and the text form. */
#include "unit.h"

#include "base/id.h"

static struct node_id id(const char *text)
{
	struct node_id v;

	assert_ok(id_parse(&v, RING_ID_LEN, text));
	return v;
}

#define ZERO "00000000000000000000000000000000"
#define ONE  "00000000000000000000000000000001"
#define TWO  "00000000000000000000000000000002"
#define MID  "0000000000000000ffffffffffffffff"
#define HIGH "00000000000000010000000000000000"
#define HALF "80000000000000000000000000000000"
#define LAST "ffffffffffffffffffffffffffffffff"

static void ranges(void **state)
{
	static const struct {
		const char *a, *x, *b;
		bool in, between;
	} cases[] = {
		{ ZERO, ONE, TWO, true, true },
		{ ZERO, TWO, TWO, true, false },
		{ ZERO, ZERO, TWO, false, false },
		{ TWO, ONE, ZERO, false, false },
		{ TWO, LAST, ZERO, true, true },
		{ LAST, ZERO, ONE, true, true },
		{ LAST, ONE, ONE, true, false },
		{ LAST, LAST, ONE, false, false },
		{ MID, HIGH, HALF, true, true },
		{ HALF, HIGH, MID, false, false },
		/* The whole ring when both ends are one node. */
		{ ONE, ONE, ONE, true, false },
		{ ONE, HALF, ONE, true, true },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct node_id a = id(cases[i].a), x = id(cases[i].x),
			       b = id(cases[i].b);

		assert_int_equal(id_in_range(&a, &x, &b), cases[i].in);
		assert_int_equal(id_between(&a, &x, &b), cases[i].between);
	}
}

static void arithmetic(void **state)
{
	struct node_id a, b, out, want;

	(void)state;
	a = id(MID);
	id_next(&out, &a);
	want = id(HIGH);
	assert_true(id_eq(&out, &want)); /* a carry between the halves */
	a = id(LAST);
	id_next(&out, &a);
	assert_true(id_is_zero(&out));
	a = id(ONE);
	b = id(ZERO);
	id_distance(&out, &a, &b);
	want = id(LAST);
	assert_true(id_eq(&out, &want)); /* a borrow, and round the ring */
	id_add(&out, &a, &out);
	assert_true(id_is_zero(&out));
	id_add_pow2(&out, &b, 127);
	want = id(HALF);
	assert_true(id_eq(&out, &want));
	id_add_pow2(&out, &out, 127);
	assert_true(id_is_zero(&out));
	id_add_pow2(&out, &b, 64);
	want = id(HIGH);
	assert_true(id_eq(&out, &want));
}

static void share(void **state)
{
	struct node_id a = id(ZERO), b = id(HALF), c = id(ONE);

	(void)state;
	assert_int_equal(id_share_ppb(&a, &b), 500000000);
	assert_int_equal(id_share_ppb(&b, &a), 500000000);
	assert_int_equal(id_share_ppb(&a, &a), 1000000000);
	assert_int_equal(id_share_ppb(&a, &c), 0);
	assert_int_equal(id_share_ppb(&c, &a), 999999999);
}

static void text(void **state)
{
	static const char *bad[] = { "",
				     "00",
				     ONE "0",
				     ONE "00",
				     "0000000000000000000000000000000g",
				     "0x000000000000000000000000000001" };
	char out[ID_TEXT_MAX];
	struct node_id v, all;

	(void)state;
	assert_ok(id_parse(&v, 16, "0123456789ABCDEF0123456789abcdef"));
	assert_string_equal(id_format(&v, 16, out),
			    "0123456789abcdef0123456789abcdef");
	assert_ok(id_parse(&v, 20, "0123456789abcdef0123456789abcdef01234567"));
	assert_string_equal(id_format(&v, 20, out),
			    "0123456789abcdef0123456789abcdef01234567");
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(id_parse(&v, 16, bad[i]), ERR_DATA);
	assert_err(id_from_slice(&v, SLICE_LIT("")), ERR_RANGE);
	assert_err(id_from_slice(&v, SLICE_LIT("123456789012345678901")),
		   ERR_RANGE);
	assert_ok(id_from_slice(&v, SLICE_LIT("A")));
	assert_slice_equal(id_slice(&v, 2), SLICE_LIT("A\0"));
	id_wildcard(&all, 16);
	assert_true(id_is_wildcard(&all, 16));
	assert_false(id_is_wildcard(&all, 20));
	v = id(LAST);
	assert_true(id_eq(&v, &all));
	assert_true(id_cmp(&v, &all) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(arithmetic),
		cmocka_unit_test(share),
		cmocka_unit_test(text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
