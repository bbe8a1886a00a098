/* SPDX-License-Identifier: ISC */
/* Domains by number: sip/servername.c; and how a flow takes one along. */
#include "unit.h"

#include <stdio.h>

#include "sip/flowtoken.h"
#include "sip/servername.h"

static struct servername_table *names;

static int begin(void **state)
{
	(void)state;
	assert_ok(servername_table_new(&names));
	return 0;
}

static int end(void **state)
{
	(void)state;
	servername_table_free(names);
	return 0;
}

static void same(void **state)
{
	uint32_t one = servername_add(names, "one.example");
	uint32_t two = servername_add(names, "two.example");

	(void)state;
	assert_int_not_equal(one, 0);
	assert_int_not_equal(one, two);
	assert_int_equal(servername_add(names, "ONE.example"), one);
	assert_string_equal(servername_find(names, one), "one.example");
	assert_string_equal(servername_find(names, two), "two.example");
	assert_null(servername_find(names, 0));
	assert_null(servername_find(names, two + 1));
}

/* What is asked for stays; a number never comes to mean another name. */
static void many(void **state)
{
	uint32_t one = servername_add(names, "one.example");
	uint32_t two = servername_add(names, "two.example");
	char name[32];

	(void)state;
	for (int i = 2; i < SERVERNAME_MAX + 1; i++) {
		(void)snprintf(name, sizeof(name), "n%d.example", i);
		assert_int_not_equal(servername_add(names, name), 0);
		assert_int_equal(servername_add(names, "one.example"), one);
	}
	assert_null(servername_find(names, two));
	assert_string_equal(servername_find(names, one), "one.example");
	assert_int_not_equal(servername_add(names, "two.example"), two);
}

static void in_flow(void **state)
{
	static const uint8_t secret[FLOWTOKEN_SECRET_LEN] = { 1 };
	struct flow f = { .socket = 2,
			  .conn = 7,
			  .peer = { .type = ADDRESS_IPV4,
				    .addr = { 192, 0, 2, 1 },
				    .port = 5061 },
			  .is_server = true,
			  .name = 9 };
	char token[FLOWTOKEN_LEN + 1];
	struct flow got;

	(void)state;
	assert_ok(flowtoken_make(secret, &f, slice_str("id"), token));
	assert_ok(flowtoken_read(secret, slice_str(token), slice_str("id"),
				 &got));
	assert_true(got.is_server);
	assert_int_equal(got.name, 9);
	assert_int_equal(got.socket, 2);
	/* Whatever becomes of a connection. */
	assert_int_equal(got.conn, 0);
	assert_int_equal(got.peer.port, 5061);
	assert_false(got.may_grow);
	f = (struct flow){ .peer = f.peer, .may_grow = true };
	assert_ok(flowtoken_make(secret, &f, slice_str("id"), token));
	assert_ok(flowtoken_read(secret, slice_str(token), slice_str("id"),
				 &got));
	assert_true(got.may_grow);
	assert_false(got.is_server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(same, begin, end),
		cmocka_unit_test_setup_teardown(many, begin, end),
		cmocka_unit_test(in_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
