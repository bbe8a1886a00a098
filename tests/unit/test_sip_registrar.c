/* SPDX-License-Identifier: ISC */
/* The registrar, with an overlay and a clock of the test's: sip/registrar.c.
 * RFC 3261 s10.3. */
#include "desk.h"

/* ---- who may ---- */

static unsigned verdict(const char *user, const char *password, const char *aor,
			const char *fields)
{
	struct registrar_verdict v;
	unsigned status = try(&v, user, password, aor, fields, 0);

	keep_fields(&v);
	registrar_verdict_clear(&v);
	return status;
}

static void authentication(void **state)
{
	(void)state;
	assert_int_equal(verdict("alice", "secret", "alice@a.example", ""), 0);
	assert_int_equal(
		verdict("alice@a.example", "secret", "%61lice@A.EXAMPLE", ""),
		0);
	assert_int_equal(verdict("alice", "wrong", "alice@a.example", ""), 401);
	assert_null(strstr(last.fields, "stale"));
	/* Only the owner of a certificate registers, RFC 7904 appendix A. */
	assert_int_equal(verdict("bob", "secret", "alice@a.example", ""), 403);
	assert_int_equal(verdict("carol", "secret", "carol@a.example", ""),
			 404);
	/* Credentials for one thing are none for another, RFC 7616 s3.4.6. */
	digest_uri = "sip:A.example:5060;transport=tcp";
	assert_int_equal(verdict("alice", "secret", "alice@a.example", ""), 0);
	digest_uri = "sip:bob@a.example";
	assert_int_equal(verdict("alice", "secret", "alice@a.example", ""),
			 400);
	digest_uri = "sip:b.example";
	assert_int_equal(verdict("alice", "secret", "alice@a.example", ""),
			 400);
	/* Nobody has been asked for anything meanwhile. */
	assert_int_equal(store.n, 0);
}

static void replayed(void **state)
{
	struct registrar_verdict v;
	char authorization[1024];

	(void)state;
	assert_int_equal(judge(&v, "alice@a.example", "", "", 0), 401);
	keep_fields(&v);
	registrar_verdict_clear(&v);
	authorize(authorization, "alice", "secret", last.fields);
	assert_int_equal(judge(&v, "alice@a.example", authorization, "", 0), 0);
	registrar_verdict_clear(&v);
	assert_int_equal(judge(&v, "alice@a.example", authorization, "", 0),
			 401);
	keep_fields(&v);
	assert_non_null(strstr(last.fields, "stale=true"));
	registrar_verdict_clear(&v);
}

static void refused(void **state)
{
	struct registrar_verdict v;

	(void)state;
	assert_int_equal(judge(&v, "alice@a.example", "",
			       "Require: path, gruu, 100rel\r\n", 0),
			 420);
	keep_fields(&v);
	assert_string_equal(last.fields,
			    "Unsupported: gruu\r\nUnsupported: 100rel\r\n");
	registrar_verdict_clear(&v);
	assert_int_equal(judge(&v, "a.example", "", "", 0), 401);
	registrar_verdict_clear(&v);
	assert_int_equal(verdict("alice", "secret", "alice@a.example",
				 "Contact: <sip:a@h>;expires=9\r\n"),
			 423);
	assert_string_equal(last.fields, "Min-Expires: 60\r\n");
	assert_int_equal(
		verdict("alice", "secret", "alice@a.example", "Contact: *\r\n"),
		400);
	assert_int_equal(judge(&v, "alice@a.example",
			       "Authorization: Digest realm=\"a.example\"\r\n",
			       "", 0),
			 400);
	registrar_verdict_clear(&v);
}

/* ---- the overlay ---- */

static void registered(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h>;expires=100\r\nPath: <sip:p;lr>\r\n");
	assert_stores(1, 100);
	assert_ptr_equal(store.user, alice);
	assert_int_equal(last.n, 0); /* not before the overlay has it */
	assert_int_equal(registrar_bindings(alice)->n, 0);
	now_us += S;
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(1, 1, 200);
	assert_string_equal(last.fields, "Path: <sip:p;lr>\r\n"
					 "Contact: <sip:a@h>;expires=99\r\n");
	assert_int_equal(registrar_bindings(alice)->n, 1);
	/* A query asks nobody. */
	submit(2, "");
	assert_answer(2, 2, 200);
	assert_stores(1, 100);
	/* A second phone that goes sooner: the route is there. */
	submit(3, "Contact: <sip:b@h>;expires=60\r\n");
	assert_answer(3, 3, 200);
	assert_stores(1, 100);
	/* A refresh: for longer. */
	now_us += 49 * S;
	submit(4, "Contact: <sip:a@h>;expires=100\r\n");
	assert_stores(2, 100);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(4, 4, 200);
	/* Of two, the one that stays longer goes: the route ends sooner. */
	submit(5, "Contact: <sip:a@h>;expires=0\r\n");
	assert_stores(3, 11);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(5, 5, 200);
	/* The last one. */
	submit(6, "Contact: *\r\nExpires: 0\r\n");
	assert_stores(4, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(6, 6, 200);
	assert_string_equal(last.fields, "");
	assert_int_equal(registrar_bindings(alice)->n, 0);
	assert_int_equal(registrar_deadline(reg), NEVER);
}

/* The overlay has the best contact, for as long as that is bound, and another
 * when that changes. */
static void best_contact(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h;x=y>;expires=100;q=0.5\r\n");
	assert_stores(1, 100);
	assert_string_equal(registrar_asked(alice), "sip:a@h;x=y");
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(1, 1, 200);
	/* A worse one that stays longer changes nothing. */
	submit(2, "Contact: <sip:b@h>;expires=300;q=0.1\r\n");
	assert_answer(2, 2, 200);
	assert_stores(1, 100);
	/* A better one takes its place, and gives it back at its end. */
	submit(3, "Contact: <sip:c@h>;expires=60;q=0.9\r\n");
	assert_stores(2, 60);
	assert_string_equal(registrar_asked(alice), "sip:c@h");
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(3, 3, 200);
	now_us += 61 * S;
	registrar_expire(reg, now_us);
	assert_stores(3, 39);
	assert_string_equal(registrar_asked(alice), "sip:a@h;x=y");
	registrar_stored(reg, alice, OK, now_us);
	submit(4, "Contact: *\r\nExpires: 0\r\n");
	assert_stores(4, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(4, 4, 200);
}

static void unreachable(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h>;expires=100\r\n");
	registrar_stored(reg, alice, ERR_TIMEOUT, now_us);
	/* s10.3 step 7: all or nothing. */
	assert_answer(1, 1, 503);
	assert_string_equal(last.fields, "Retry-After: 30\r\n");
	assert_int_equal(registrar_bindings(alice)->n, 0);
	/* Perhaps it is stored all the same: it is taken away. */
	assert_int_equal(registrar_deadline(reg), now_us + 30 * S);
	now_us += 30 * S;
	registrar_expire(reg, now_us);
	assert_stores(2, 0);
	store.at_once = ERR_NO_LINK;
	registrar_stored(reg, alice, ERR_TIMEOUT, now_us);
	now_us += 30 * S;
	registrar_expire(reg, now_us);
	assert_stores(3, 0);
	store.at_once = OK;
	now_us += 30 * S;
	registrar_expire(reg, now_us);
	assert_stores(4, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(last.n, 1); /* nobody has asked for that */
	assert_int_equal(registrar_deadline(reg), NEVER);
	assert_true(registrar_idle(reg));
	/* 7904-3.3-R5: what the overlay forbids is forbidden. */
	submit(2, "Contact: <sip:a@h>;expires=100\r\n");
	registrar_stored(reg, alice, ERR_FORBIDDEN, now_us);
	assert_answer(2, 2, 403);
}

/* Changes of one user are done in their order, RFC 3261 s10.3; others do not
 * wait for them. */
static void in_order(void **state)
{
	struct registrar_verdict v;

	(void)state;
	submit(1, "Contact: <sip:a@h>;expires=100\r\n");
	submit(2, "Contact: *\r\nExpires: 0\r\n");
	submit(3, "Contact: <sip:b@h>;expires=100\r\n");
	assert_stores(1, 100);
	assert_int_equal(try(&v, "bob", "secret", "bob@a.example",
			     "Contact: <sip:bob@h>\r\n", 0),
			 0);
	registrar_submit(reg, &v, 4, now_us);
	registrar_verdict_clear(&v);
	assert_stores(2, 3600);
	assert_ptr_equal(store.user, bob);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(1, 1, 200);
	assert_stores(3, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(2, 2, 200);
	assert_stores(4, 100);
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(3, 3, 200);
	assert_string_equal(last.fields, "Contact: <sip:b@h>;expires=100\r\n");
	assert_false(registrar_idle(reg));
	registrar_stored(reg, bob, OK, now_us);
	assert_answer(4, 4, 200);
	assert_true(registrar_idle(reg));
}

static void too_many(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= REGISTRAR_QUEUE_MAX; i++) {
		now_us++; /* as nonces are told apart by it */
		submit(i, "Contact: <sip:a@h>;expires=100\r\n");
	}
	now_us++;
	assert_int_equal(last.n, 0);
	submit(99, "");
	assert_answer(1, 99, 503);
	assert_string_equal(last.fields, "Retry-After: 30\r\n");
}

static void late(void **state)
{
	struct registrar_verdict v;

	(void)state;
	submit(1, "Contact: <sip:a@h>\r\n");
	registrar_stored(reg, alice, OK, now_us);
	cseq -= 4; /* and of the same Call-ID */
	assert_int_equal(try(&v, "alice", "secret", "alice@a.example",
			     "Contact: <sip:a@h>;expires=0\r\n", 0),
			 0);
	registrar_submit(reg, &v, 2, now_us);
	registrar_verdict_clear(&v);
	assert_answer(2, 2, 500);
	assert_int_equal(registrar_bindings(alice)->n, 1);
}

static void expired(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h>;expires=60\r\n");
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(registrar_deadline(reg), now_us + 60 * S);
	now_us += 60 * S - 1;
	registrar_expire(reg, now_us);
	assert_int_equal(registrar_bindings(alice)->n, 1);
	now_us++;
	registrar_expire(reg, now_us);
	assert_int_equal(registrar_bindings(alice)->n, 0);
	/* The overlay's ends by itself. */
	assert_stores(1, 60);
	assert_int_equal(registrar_deadline(reg), NEVER);
}

static void flow_gone(void **state)
{
	(void)state;
	submit_by(1, "Contact: <sip:a@h>;expires=100\r\n", 5);
	registrar_stored(reg, alice, OK, now_us);
	submit_by(2, "Contact: <sip:b@h>;expires=90\r\n", 6);
	assert_answer(2, 2, 200);
	registrar_flow_gone(reg, 7, now_us);
	assert_stores(1, 100);
	registrar_flow_gone(reg, 5, now_us);
	assert_stores(2, 90);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(registrar_bindings(alice)->n, 1);
	/* One that ends while it is being bound. */
	submit_by(3, "Contact: <sip:c@h>;expires=200\r\n", 8);
	submit_by(4, "Contact: <sip:d@h>;expires=300\r\n", 8);
	assert_stores(3, 200);
	registrar_flow_gone(reg, 8, now_us);
	registrar_stored(reg, alice, OK, now_us);
	assert_stores(4, 90);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(registrar_bindings(alice)->n, 1);
	registrar_flow_gone(reg, 6, now_us);
	assert_stores(5, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_true(registrar_idle(reg));
	assert_int_equal(registrar_deadline(reg), NEVER);
}

static void withdrawn(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h>\r\n");
	registrar_stored(reg, alice, OK, now_us);
	registrar_withdraw(reg, now_us);
	assert_stores(2, 0);
	assert_ptr_equal(store.user, alice); /* bob's is not there */
	assert_false(registrar_idle(reg));
	submit(2, "Contact: <sip:a@h>\r\n");
	assert_answer(2, 2, 503);
	registrar_stored(reg, alice, OK, now_us);
	assert_true(registrar_idle(reg));
}

#define FLOW                                                                   \
	"Supported: outbound\r\nContact: <sip:a@h>;expires=100;reg-id=1;"      \
	"+sip.instance=\"<urn:x>\"\r\n"
#define HOP "Via: SIP/2.0/UDP p;branch=z9hG4bKp\r\n"

static void outbound(void **state)
{
	(void)state;
	submit(1, FLOW);
	registrar_stored(reg, alice, OK, now_us);
	assert_non_null(strstr(last.fields, "Require: outbound\r\n"));
	/* A flow to a proxy that keeps none, RFC 5626 s6. */
	assert_int_equal(verdict("alice", "secret", "alice@a.example",
				 HOP "Path: <sip:p;lr>\r\n" FLOW),
			 439);
	assert_int_equal(verdict("alice", "secret", "alice@a.example",
				 HOP "Path: <sip:p;lr;ob>\r\n" FLOW),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(authentication, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(replayed, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(refused, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(registered, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(best_contact,
						desk_begin_contacts, desk_end),
		cmocka_unit_test_setup_teardown(unreachable, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(in_order, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(too_many, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(late, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(expired, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(flow_gone, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(withdrawn, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(outbound, desk_begin, desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
