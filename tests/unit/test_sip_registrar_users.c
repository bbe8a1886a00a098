/* SPDX-License-Identifier: ISC */
/* Users who are hosted no more, or by another password; and what was bound
 * before: sip/registrar.c. */
#include "desk.h"

#include <stdio.h>

#include "sip_text.h"

/* Registers alice for a minute. */
static void register_alice(void)
{
	submit(1, "Contact: <sip:a@h>;expires=60\r\n");
	registrar_stored(reg, alice, OK, now_us);
	assert_answer(1, 1, 200);
}

static unsigned verdict_of(const char *user, const char *password)
{
	struct registrar_verdict v;
	char aor[64];
	unsigned status;

	snprintf(aor, sizeof(aor), "%s@a.example", user);
	status = try(&v, user, password, aor, "", 0);
	registrar_verdict_clear(&v);
	return status;
}

/* The timer, when it is due. */
static void pass(void)
{
	if (registrar_deadline(reg) > now_us)
		now_us = registrar_deadline(reg);
	registrar_expire(reg, now_us);
}

static void dismissed(void **state)
{
	struct registrar_counts c;

	(void)state;
	register_alice();
	registrar_dismiss(reg, alice, now_us);
	/* Not before the overlay has nothing of her. */
	assert_stores(2, 0);
	assert_int_equal(store.gone, 0);
	assert_int_equal(verdict_of("alice", "secret"), 404);
	assert_int_equal(verdict_of("bob", "secret"), 0);
	assert_ptr_equal(registrar_named(reg, "alice@A.example"), alice);
	registrar_count(reg, &c);
	assert_int_equal(c.users, 1);
	assert_int_equal(c.registered, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(store.gone, 1);
	assert_ptr_equal(store.user, alice);
	assert_null(registrar_named(reg, "alice@a.example"));
	assert_true(registrar_idle(reg));
	assert_int_equal(registrar_deadline(reg), NEVER);
}

static void dismissed_at_once(void **state)
{
	struct registrar_secret s = secret_of("bob", "bob@a.example");

	(void)state;
	registrar_dismiss(reg, bob, now_us);
	assert_int_equal(store.gone, 1);
	assert_stores(0, 0);
	/* And back. */
	assert_ok(registrar_add(reg, "bob@a.example", &s, NULL, &bob));
	assert_int_equal(verdict_of("bob", "secret"), 0);
}

static void dismissed_while_stored(void **state)
{
	(void)state;
	submit(1, "Contact: <sip:a@h>;expires=60\r\n");
	submit(2, "Contact: <sip:b@h>;expires=70\r\n");
	registrar_dismiss(reg, alice, now_us);
	assert_stores(1, 60);
	registrar_stored(reg, alice, OK, now_us);
	/* What waited is refused; what was stored is taken back. */
	assert_answer(2, 2, 404);
	pass();
	assert_stores(2, 0);
	registrar_stored(reg, alice, ERR_TIMEOUT, now_us);
	assert_int_equal(store.gone, 0);
	pass();
	assert_stores(3, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(store.gone, 1);
	assert_int_equal(last.n, 2);
}

static void another_password(void **state)
{
	struct registrar_secret s = secret_of("alice", "alice@a.example");

	(void)state;
	register_alice();
	for (unsigned i = 0; i < HEXHASH_N; i++)
		assert_ok(digest_make_ha1((enum hexhash_alg)i,
					  SLICE_LIT("alice"), "a.example",
					  SLICE_LIT("other"), s.local.v[i]));
	registrar_set_secret(alice, &s);
	assert_int_equal(verdict_of("alice", "secret"), 401);
	assert_int_equal(verdict_of("alice", "other"), 0);
	assert_int_equal(registrar_bindings(alice)->n, 1);
	assert_stores(1, 60);
}

/* A binding as a file has kept it. */
static struct binding *bound(const char *contact, uint64_t expires_us)
{
	const struct binding_bounds bounds = { 60, 3600 };
	const struct flow flow = { .socket = 1 };
	struct arena a = ARENA_INIT(1 << 16);
	struct binding_change c;
	struct binding *b;
	char text[1024];
	struct sipmsg m;
	unsigned status;

	snprintf(text, sizeof(text),
		 "REGISTER sip:a.example SIP/2.0\r\nCall-ID: before\r\n"
		 "CSeq: 7 REGISTER\r\nContact: <%s>\r\n\r\n",
		 contact);
	m = sip_text(text, &a);
	assert_ok(binding_change_read(&c, &m, &flow, &bounds, &status));
	assert_int_equal(status, 0);
	assert_int_equal(c.n, 1);
	b = c.v[0];
	b->expires_us = expires_us;
	c.n = 0;
	binding_change_clear(&c);
	arena_free(&a);
	return b;
}

static bool take(const char *aor, const char *contact, uint64_t for_s)
{
	return registrar_restore_take(reg, slice_str(aor),
				      bound(contact, now_us + for_s * S));
}

static void restored(void **state)
{
	uint64_t changes = registrar_changes(reg);

	(void)state;
	assert_true(take("alice@a.example", "sip:a@h", 100));
	assert_true(take("alice@a.example", "sip:b@h", 50));
	assert_false(take("carol@a.example", "sip:c@h", 50));
	/* Not before all are there, and then once. */
	assert_stores(0, 0);
	registrar_restored(reg, now_us);
	assert_stores(1, 100);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(last.n, 0);
	assert_int_equal(registrar_bindings(alice)->n, 2);
	assert_true(registrar_changes(reg) > changes);
	registrar_restored(reg, now_us);
	assert_stores(1, 100);
}

static void restored_late(void **state)
{
	(void)state;
	/* The phone was faster than the file. */
	register_alice();
	assert_false(take("alice@a.example", "sip:old@h", 100));
	assert_int_equal(registrar_bindings(alice)->n, 1);
	/* One more than there may be. */
	for (size_t i = 0; i < BINDING_MAX; i++)
		assert_true(take("bob@a.example", "sip:b@h", 100));
	assert_false(take("bob@a.example", "sip:b@h", 100));
	/* And one that waits for the overlay. */
	submit(2, "Contact: <sip:c@h>;expires=200\r\n");
	assert_false(take("alice@a.example", "sip:old@h", 100));
}

/* Time has passed meanwhile: what has ended is not bound again, and a route
 * that the overlay may still have is taken back. */
static void restored_expired(void **state)
{
	(void)state;
	assert_true(take("alice@a.example", "sip:a@h", 0));
	registrar_restored(reg, now_us);
	assert_stores(1, 0);
	registrar_stored(reg, alice, OK, now_us);
	assert_int_equal(registrar_bindings(alice)->n, 0);
	assert_true(registrar_idle(reg));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(dismissed, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(dismissed_at_once, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(dismissed_while_stored,
						desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(another_password, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(restored, desk_begin, desk_end),
		cmocka_unit_test_setup_teardown(restored_late, desk_begin,
						desk_end),
		cmocka_unit_test_setup_teardown(restored_expired, desk_begin,
						desk_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
