/* SPDX-License-Identifier: ISC */
/* The registrar, with an overlay and a clock of the test's: sip/registrar.c.
 * RFC 3261 s10.3. */
#include "unit.h"

#include <stdio.h>

#include "sip/registrar.h"
#include "sip_text.h"

#define S UINT64_C(1000000)

static struct arena arena = ARENA_INIT(1 << 22);
static struct registrar *reg;
static struct registrar_user *alice, *bob;
static uint64_t now_us;
static unsigned cseq;

/* The overlay: what it was asked last, and how often. */
static struct {
	unsigned n;
	struct registrar_user *user;
	uint32_t lifetime_s;
	enum err at_once; /* what the call itself gives */
} store;

/* The last answer, and how many there were. */
static struct {
	unsigned n, status;
	uint64_t token;
	char fields[4096];
} last;

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	assert_ptr_equal(ctx, &store);
	store.n++;
	store.user = u;
	store.lifetime_s = lifetime_s;
	return store.at_once;
}

static void on_answer(void *ctx, uint64_t token, unsigned status,
		      struct slice fields)
{
	(void)ctx;
	last.n++;
	last.token = token;
	last.status = status;
	snprintf(last.fields, sizeof(last.fields), "%.*s", (int)fields.len,
		 (const char *)fields.p);
}

static struct registrar_secret secret_of(const char *local, const char *whole)
{
	struct registrar_secret s;

	for (unsigned i = 0; i < HEXHASH_N; i++) {
		assert_ok(digest_make_ha1((enum hexhash_alg)i, slice_str(local),
					  "a.example", SLICE_LIT("secret"),
					  s.local.v[i]));
		assert_ok(digest_make_ha1((enum hexhash_alg)i, slice_str(whole),
					  "a.example", SLICE_LIT("secret"),
					  s.whole.v[i]));
	}
	return s;
}

static bool contacts; /* the overlay gets contacts */

static int begin(void **state)
{
	struct registrar_config cfg = { .realm = "a.example",
					.secret = { 7 },
					.offer = { { HEXHASH_MD5 }, 1 },
					.bounds = { 60, 3600 },
					.contact = contacts,
					.store = on_store,
					.answer = on_answer,
					.ctx = &store };
	struct registrar_secret s;

	(void)state;
	memset(&store, 0, sizeof(store));
	memset(&last, 0, sizeof(last));
	now_us = 1000 * S;
	cseq = 0;
	assert_ok(registrar_new(&reg, &cfg));
	s = secret_of("alice", "alice@a.example");
	assert_ok(registrar_add(reg, "alice@A.example", &s, NULL, &alice));
	assert_err(registrar_add(reg, "alice@a.example", &s, NULL, &bob),
		   ERR_BUSY);
	assert_err(registrar_add(reg, "@a.example", &s, NULL, &bob), ERR_DATA);
	assert_err(registrar_add(reg, "alice", &s, NULL, &bob), ERR_DATA);
	s = secret_of("bob", "bob@a.example");
	assert_ok(registrar_add(reg, "bob@a.example", &s, NULL, &bob));
	return 0;
}

static int begin_contacts(void **state)
{
	contacts = true;
	(void)begin(state);
	contacts = false;
	return 0;
}

static int end(void **state)
{
	(void)state;
	registrar_free(reg);
	arena_free(&arena);
	return 0;
}

/* ---- phones ---- */

static unsigned judge(struct registrar_verdict *v, const char *aor,
		      const char *authorization, const char *fields,
		      uint32_t conn)
{
	const struct flow flow = { .conn = conn };
	char text[8192];
	struct sipmsg m;

	cseq++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:a.example SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK%u\r\n"
		 "From: <sip:%s>;tag=1\r\nTo: <sip:%s>\r\nCall-ID: c\r\n"
		 "CSeq: %u REGISTER\r\n%s%s\r\n",
		 cseq, aor, aor, cseq, authorization, fields);
	m = sip_text(text, &arena);
	assert_ok(registrar_judge(reg, &m, &flow, now_us, v));
	return v->status;
}

/* Copies the verdict's fields to last.fields. */
static void keep_fields(const struct registrar_verdict *v)
{
	snprintf(last.fields, sizeof(last.fields), "%.*s", (int)v->fields.len,
		 (const char *)v->fields.p);
}

/* Credentials for a challenge; `password` right or wrong. */
static void authorize(char out[static 1024], const char *user,
		      const char *password, const char *challenge)
{
	char nonce[64], ha1[HEXHASH_MAX], ha2[HEXHASH_MAX], h[HEXHASH_MAX];
	struct slice a2 = SLICE_LIT("REGISTER:sip:a.example"), all;
	char text[512];

	assert_int_equal(sscanf(strstr(challenge, "nonce="),
				"nonce=\"%63[0-9a-f]\"", nonce),
			 1);
	assert_ok(digest_make_ha1(HEXHASH_MD5, slice_str(user), "a.example",
				  slice_str(password), ha1));
	assert_ok(hexhash(HEXHASH_MD5, &a2, 1, ha2));
	snprintf(text, sizeof(text), "%s:%s:00000001:x:auth:%s", ha1, nonce,
		 ha2);
	all = slice_str(text);
	assert_ok(hexhash(HEXHASH_MD5, &all, 1, h));
	snprintf(out, 1024,
		 "Authorization: Digest username=\"%s\", realm=\"a.example\", "
		 "nonce=\"%s\", uri=\"sip:a.example\", response=\"%s\", "
		 "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\"\r\n",
		 user, nonce, h);
}

static unsigned try(struct registrar_verdict *v, const char *user,
		    const char *password, const char *aor, const char *fields,
		    uint32_t conn)
{
	char authorization[1024];

	assert_int_equal(judge(v, aor, "", "", 0), 401);
	keep_fields(v);
	registrar_verdict_clear(v);
	authorize(authorization, user, password, last.fields);
	return judge(v, aor, authorization, fields, conn);
}

/* A REGISTER of alice's that is let through. */
static void submit_by(uint64_t token, const char *fields, uint32_t conn)
{
	struct registrar_verdict v;

	assert_int_equal(
		try(&v, "alice", "secret", "alice@a.example", fields, conn), 0);
	assert_ptr_equal(v.user, alice);
	registrar_submit(reg, &v, token, now_us);
	registrar_verdict_clear(&v);
}

static void submit(uint64_t token, const char *fields)
{
	submit_by(token, fields, 0);
}

static void assert_answer(unsigned n, uint64_t token, unsigned status)
{
	assert_int_equal(last.n, n);
	assert_int_equal(last.token, token);
	assert_int_equal(last.status, status);
}

static void assert_stores(unsigned n, uint32_t lifetime_s)
{
	assert_int_equal(store.n, n);
	assert_int_equal(store.lifetime_s, lifetime_s);
}

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

static void outbound(void **state)
{
	(void)state;
	submit(1, "Supported: outbound\r\nContact: <sip:a@h>;expires=100;"
		  "reg-id=1;+sip.instance=\"<urn:x>\"\r\n");
	registrar_stored(reg, alice, OK, now_us);
	assert_non_null(strstr(last.fields, "Require: outbound\r\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(authentication, begin, end),
		cmocka_unit_test_setup_teardown(replayed, begin, end),
		cmocka_unit_test_setup_teardown(refused, begin, end),
		cmocka_unit_test_setup_teardown(registered, begin, end),
		cmocka_unit_test_setup_teardown(best_contact, begin_contacts,
						end),
		cmocka_unit_test_setup_teardown(unreachable, begin, end),
		cmocka_unit_test_setup_teardown(in_order, begin, end),
		cmocka_unit_test_setup_teardown(too_many, begin, end),
		cmocka_unit_test_setup_teardown(late, begin, end),
		cmocka_unit_test_setup_teardown(expired, begin, end),
		cmocka_unit_test_setup_teardown(flow_gone, begin, end),
		cmocka_unit_test_setup_teardown(withdrawn, begin, end),
		cmocka_unit_test_setup_teardown(outbound, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
