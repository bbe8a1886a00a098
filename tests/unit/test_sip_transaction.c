/* SPDX-License-Identifier: ISC */
/* Server transactions: sip/transaction.c.  RFC 3261 s17.2.2, s17.2.3. */
#include "unit.h"

#include <stdio.h>

#include "sip/transaction.h"
#include "sip_text.h"

static struct arena arena = ARENA_INIT(1 << 20);
static struct transaction_table *table;

static int begin(void **state)
{
	(void)state;
	assert_ok(transaction_table_new(&table));
	return 0;
}

static int end(void **state)
{
	(void)state;
	transaction_table_free(table);
	arena_free(&arena);
	return 0;
}

static bool same(const char *a, const char *b)
{
	struct buf x = BUF_INIT(TRANSACTION_KEY_MAX);
	struct buf y = BUF_INIT(TRANSACTION_KEY_MAX);
	struct sipmsg m = sip_text(a, &arena);
	bool eq;

	assert_ok(transaction_key(&m, m.method, &x));
	m = sip_text(b, &arena);
	assert_ok(transaction_key(&m, m.method, &y));
	eq = slice_eq(buf_slice(&x), buf_slice(&y));
	buf_clear(&x);
	buf_clear(&y);
	return eq;
}

#define REST                                                                   \
	"From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: c\r\n"             \
	"CSeq: 1 X\r\n\r\n"

static void keys(void **state)
{
	static const char one[] = "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP "
				  "h:1;branch=z9hG4bKa\r\n" REST;

	(void)state;
	assert_true(same(one, one));
	assert_true(same(one, "X sip:other SIP/2.0\r\nVia: SIP/2.0/UDP h:1;"
			      "branch=z9hG4bKa;rport\r\nCall-ID: d\r\n" REST));
	assert_false(same(one, "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h:2;"
			       "branch=z9hG4bKa\r\n" REST));
	assert_false(same(one, "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP i:1;"
			       "branch=z9hG4bKa\r\n" REST));
	assert_false(same(one, "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h:1;"
			       "branch=z9hG4bKb\r\n" REST));
	assert_false(same(one, "Y sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h:1;"
			       "branch=z9hG4bKa\r\n" REST));
	/* Without the cookie all counts that an ACK has, too. */
	assert_true(same("X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST,
			 "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST));
	assert_false(same("X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST,
			  "X sip:i SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" REST));
}

static void key_limit(void **state)
{
	struct buf b = BUF_INIT(TRANSACTION_KEY_MAX);
	char text[TRANSACTION_KEY_MAX + 512];
	struct sipmsg m;

	(void)state;
	snprintf(text, sizeof(text),
		 "X sip:h SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "h;branch=z9hG4bK%0*d\r\n" REST,
		 TRANSACTION_KEY_MAX, 0);
	m = sip_text(text, &arena);
	assert_err(transaction_key(&m, m.method, &b), ERR_LIMIT);
	buf_clear(&b);
}

static struct transaction *make(const char *key, uint32_t conn)
{
	struct flow to = { .conn = conn };
	struct transaction *t;

	assert_ok(transaction_begin(table, slice_str(key),
				    SLICE_LIT("Via: v\r\n"), &to, &t));
	return t;
}

static void answered(void **state)
{
	struct transaction *t = make("k", 0);
	uint64_t id = transaction_id(t);

	(void)state;
	assert_ptr_equal(transaction_find(table, SLICE_LIT("k")), t);
	assert_null(transaction_find(table, SLICE_LIT("j")));
	assert_ptr_equal(transaction_by_id(table, id), t);
	assert_int_equal(transaction_answered(t).len, 0);
	/* It waits, however long that takes. */
	assert_int_equal(transaction_deadline(table), NEVER);
	transaction_expire(table, UINT64_C(1) << 60);
	assert_int_equal(transaction_count(table), 1);
	assert_ok(
		transaction_answer(table, t, 200, SLICE_LIT("X: y\r\n"), 1000));
	assert_slice_equal(transaction_answered(t),
			   SLICE_LIT("SIP/2.0 200 OK\r\nVia: v\r\nX: y\r\n"
				     "Content-Length: 0\r\n\r\n"));
	/* Timer J */
	assert_int_equal(transaction_deadline(table), 32001000);
	transaction_expire(table, 32000999);
	assert_ptr_equal(transaction_find(table, SLICE_LIT("k")), t);
	transaction_expire(table, 32001000);
	assert_null(transaction_find(table, SLICE_LIT("k")));
	assert_null(transaction_by_id(table, id));
	assert_int_equal(transaction_count(table), 0);
}

/* Over a connection Timer J is zero. */
static void reliable(void **state)
{
	struct transaction *t = make("k", 5);

	(void)state;
	assert_ok(transaction_answer(table, t, 200, SLICE_LIT(""), 1000));
	assert_int_equal(transaction_deadline(table), 1000);
	transaction_expire(table, 1000);
	assert_int_equal(transaction_count(table), 0);
}

static void full(void **state)
{
	struct flow to = { 0 };
	struct transaction *t;
	char key[16];

	(void)state;
	for (int i = 0; i < TRANSACTION_MAX; i++) {
		snprintf(key, sizeof(key), "%d", i);
		(void)make(key, 0);
	}
	assert_err(transaction_begin(table, SLICE_LIT("x"), SLICE_LIT(""), &to,
				     &t),
		   ERR_FULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys, begin, end),
		cmocka_unit_test_setup_teardown(key_limit, begin, end),
		cmocka_unit_test_setup_teardown(answered, begin, end),
		cmocka_unit_test_setup_teardown(reliable, begin, end),
		cmocka_unit_test_setup_teardown(full, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
