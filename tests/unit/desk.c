/* SPDX-License-Identifier: ISC */
/* Owns: a registrar under test, and what is around it.  Does not own: what is
 * expected of it. */
#include "desk.h"

#include <stdio.h>

#include "sip_text.h"

static struct arena arena = ARENA_INIT(1 << 22);
struct registrar *reg;
struct registrar_user *alice, *bob;
uint64_t now_us;
unsigned cseq;
const char *digest_uri;

struct desk_store store;

struct desk_answer last;

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	assert_ptr_equal(ctx, &store);
	store.n++;
	store.user = u;
	store.lifetime_s = lifetime_s;
	return store.at_once;
}

static void on_gone(void *ctx, struct registrar_user *u)
{
	assert_ptr_equal(ctx, &store);
	store.gone++;
	store.user = u;
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

struct registrar_secret secret_of(const char *local, const char *whole)
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

int desk_begin(void **state)
{
	struct registrar_config cfg = { .realm = "a.example",
					.secret = { 7 },
					.offer = { { HEXHASH_MD5 }, 1 },
					.bounds = { 60, 3600 },
					.contact = contacts,
					.store = on_store,
					.gone = on_gone,
					.answer = on_answer,
					.ctx = &store };
	struct registrar_secret s;

	(void)state;
	memset(&store, 0, sizeof(store));
	memset(&last, 0, sizeof(last));
	now_us = 1000 * S;
	cseq = 0;
	digest_uri = "sip:a.example";
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

int desk_begin_contacts(void **state)
{
	contacts = true;
	(void)desk_begin(state);
	contacts = false;
	return 0;
}

int desk_end(void **state)
{
	(void)state;
	registrar_free(reg);
	arena_free(&arena);
	return 0;
}

/* ---- phones ---- */

unsigned judge(struct registrar_verdict *v, const char *aor,
	       const char *authorization, const char *fields, uint32_t conn)
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
void keep_fields(const struct registrar_verdict *v)
{
	snprintf(last.fields, sizeof(last.fields), "%.*s", (int)v->fields.len,
		 (const char *)v->fields.p);
}

/* Credentials for a challenge; `password` right or wrong. */
void authorize(char out[static 1024], const char *user, const char *password,
	       const char *challenge)
{
	char nonce[64], ha1[HEXHASH_MAX], ha2[HEXHASH_MAX], h[HEXHASH_MAX];
	struct slice a2, all;
	char text[512];

	assert_int_equal(sscanf(strstr(challenge, "nonce="),
				"nonce=\"%63[0-9a-f]\"", nonce),
			 1);
	assert_ok(digest_make_ha1(HEXHASH_MD5, slice_str(user), "a.example",
				  slice_str(password), ha1));
	snprintf(text, sizeof(text), "REGISTER:%s", digest_uri);
	a2 = slice_str(text);
	assert_ok(hexhash(HEXHASH_MD5, &a2, 1, ha2));
	snprintf(text, sizeof(text), "%s:%s:00000001:x:auth:%s", ha1, nonce,
		 ha2);
	all = slice_str(text);
	assert_ok(hexhash(HEXHASH_MD5, &all, 1, h));
	snprintf(out, 1024,
		 "Authorization: Digest username=\"%s\", realm=\"a.example\", "
		 "nonce=\"%s\", uri=\"%s\", response=\"%s\", "
		 "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"x\"\r\n",
		 user, nonce, digest_uri, h);
}

unsigned try(struct registrar_verdict *v, const char *user,
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
void submit_by(uint64_t token, const char *fields, uint32_t conn)
{
	struct registrar_verdict v;

	assert_int_equal(
		try(&v, "alice", "secret", "alice@a.example", fields, conn), 0);
	assert_ptr_equal(v.user, alice);
	registrar_submit(reg, &v, token, now_us);
	registrar_verdict_clear(&v);
}

void submit(uint64_t token, const char *fields)
{
	submit_by(token, fields, 0);
}

void assert_answer(unsigned n, uint64_t token, unsigned status)
{
	assert_int_equal(last.n, n);
	assert_int_equal(last.token, token);
	assert_int_equal(last.status, status);
}

void assert_stores(unsigned n, uint32_t lifetime_s)
{
	assert_int_equal(store.n, n);
	assert_int_equal(store.lifetime_s, lifetime_s);
}
