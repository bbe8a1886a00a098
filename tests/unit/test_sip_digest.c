/* SPDX-License-Identifier: ISC */
/* Digest authentication: sip/digest.c, crypto/hexhash.c. */
#include "unit.h"

#include <stdio.h>

#include "sip/digest.h"
#include "sip_text.h"

static struct arena arena = ARENA_INIT(1 << 20);
static struct digest_server server;
static struct digest_ha1 ha1;
static struct digest_memory memory;

static int begin(void **state)
{
	(void)state;
	server = (struct digest_server){ .realm = "a.example",
					 .secret = { 1, 2, 3 },
					 .nonce_life_us = 300000000 };
	assert_ok(digest_offer_parse(&server.offer, "md5,sha256"));
	memory = (struct digest_memory){ 0 };
	for (unsigned i = 0; i < HEXHASH_N; i++)
		assert_ok(digest_make_ha1((enum hexhash_alg)i,
					  SLICE_LIT("alice"), "a.example",
					  SLICE_LIT("secret"), ha1.v[i]));
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

/* RFC 7616 s3.9.1: the same request answered with both algorithms; and RFC 2617
 * s3.5, which has the known MD5. */
static void vectors(void **state)
{
	char h[HEXHASH_MAX];

	(void)state;
	assert_ok(digest_make_ha1(HEXHASH_MD5, SLICE_LIT("Mufasa"),
				  "testrealm@host.com",
				  SLICE_LIT("Circle Of Life"), h));
	assert_string_equal(h, "939e7578ed9e3c518a452acee763bce9");
	assert_ok(digest_make_ha1(HEXHASH_SHA256, SLICE_LIT("Mufasa"),
				  "http-auth@example.org",
				  SLICE_LIT("Circle of Life"), h));
	assert_string_equal(h, "7987c64c30e25f1b74be53f966b49b90f2808aa92faf9a0"
			       "0262392d7b4794232");
	assert_int_equal(hexhash_len(HEXHASH_MD5), 32);
	assert_int_equal(hexhash_len(HEXHASH_SHA256), 64);
}

/* The nonce of a new challenge. */
static void take_nonce(char out[static 64], uint64_t now_us)
{
	struct buf b = BUF_INIT(4096);
	const char *p;

	assert_ok(digest_challenge(&server, "WWW-Authenticate", false, now_us,
				   &b));
	assert_ok(buf_append_u8(&b, '\0'));
	p = strstr((char *)b.p, "nonce=\"");
	assert_non_null(p);
	assert_int_equal(sscanf(p, "nonce=\"%63[0-9a-f]\"", out), 1);
	buf_clear(&b);
}

struct attempt {
	enum hexhash_alg alg;
	const char *method, *uri, *nonce, *nc, *qop;
	const char *spoil; /* another response */
};

/* The response a phone makes, written out here once more. */
static void respond(const struct attempt *a, char out[static HEXHASH_MAX])
{
	char text[512], ha2[HEXHASH_MAX];
	struct slice s;

	snprintf(text, sizeof(text), "%s:%s", a->method, a->uri);
	s = slice_str(text);
	assert_ok(hexhash(a->alg, &s, 1, ha2));
	if (a->qop[0] == '\0')
		snprintf(text, sizeof(text), "%s:%s:%s", ha1.v[a->alg],
			 a->nonce, ha2);
	else
		snprintf(text, sizeof(text), "%s:%s:%s:0a4f:%s:%s",
			 ha1.v[a->alg], a->nonce, a->nc, a->qop, ha2);
	s = slice_str(text);
	assert_ok(hexhash(a->alg, &s, 1, out));
}

static enum digest_verdict attempt(struct attempt a, uint64_t now_us)
{
	char text[2048], response[HEXHASH_MAX], rest[128] = "";
	struct digest_credentials c;
	enum digest_verdict v;
	struct sipmsg m;

	respond(&a, response);
	if (a.qop[0] != '\0')
		snprintf(rest, sizeof(rest), ", qop=%s, nc=%s, cnonce=\"0a4f\"",
			 a.qop, a.nc);
	snprintf(
		text, sizeof(text),
		"%s %s SIP/2.0\r\n"
		"Authorization: Basic abc\r\n"
		"Authorization: digest username=\"alice\", realm=\"a.example\","
		"nonce=\"%s\",uri=\"%s\" , response=\"%s\", algorithm=%s%s\r\n"
		"\r\n",
		a.method, a.uri, a.nonce, a.uri,
		a.spoil != NULL ? a.spoil : response,
		a.alg == HEXHASH_MD5 ? "MD5" : "SHA-256", rest);
	m = sip_text(text, &arena);
	assert_ok(digest_credentials(&c, &server, &m, "Authorization", &arena));
	assert_slice_equal(c.username, SLICE_LIT("alice"));
	assert_ok(digest_judge(&server, &c, &m, &ha1, &memory, now_us, &v));
	return v;
}

static struct attempt good(const char *nonce, const char *nc)
{
	return (struct attempt){ .method = "REGISTER",
				 .uri = "sip:a.example",
				 .nonce = nonce,
				 .nc = nc,
				 .qop = "auth" };
}

static void right(void **state)
{
	char nonce[64];

	(void)state;
	for (unsigned i = 0; i < HEXHASH_N; i++) {
		struct attempt a;

		take_nonce(nonce, 1000);
		a = good(nonce, "00000001");
		a.alg = (enum hexhash_alg)i;
		assert_int_equal(attempt(a, 2000), DIGEST_GOOD);
	}
}

static void wrong(void **state)
{
	char nonce[64];
	struct attempt a;

	(void)state;
	take_nonce(nonce, 1000);
	a = good(nonce, "00000001");
	a.spoil = "00000000000000000000000000000000";
	assert_int_equal(attempt(a, 2000), DIGEST_BAD);
	a.spoil = "0";
	assert_int_equal(attempt(a, 2000), DIGEST_BAD);
	a = good(nonce, "00000001");
	a.qop = "auth-int";
	assert_int_equal(attempt(a, 2000), DIGEST_BAD);
	/* None of these has used the nonce up. */
	assert_int_equal(attempt(good(nonce, "00000001"), 2000), DIGEST_GOOD);
	ha1.v[HEXHASH_MD5][0] = '\0'; /* no secret of that sort */
	assert_int_equal(attempt(good(nonce, "00000002"), 2000), DIGEST_BAD);
}

static void counted(void **state)
{
	char nonce[64], other[64];
	struct attempt a;

	(void)state;
	take_nonce(nonce, 1000);
	take_nonce(other, 1000); /* at the same moment */
	assert_string_not_equal(nonce, other);
	assert_int_equal(attempt(good(nonce, "00000001"), 2000), DIGEST_GOOD);
	assert_int_equal(attempt(good(nonce, "00000001"), 2000), DIGEST_STALE);
	assert_int_equal(attempt(good(nonce, "0000000a"), 2000), DIGEST_GOOD);
	assert_int_equal(attempt(good(nonce, "00000009"), 2000), DIGEST_STALE);
	assert_int_equal(attempt(good(nonce, "0000000B"), 2000), DIGEST_GOOD);
	assert_int_equal(attempt(good(nonce, "00000000"), 2000), DIGEST_STALE);
	assert_int_equal(attempt(good(nonce, "c"), 2000), DIGEST_STALE);
	assert_int_equal(attempt(good(other, "00000001"), 2000), DIGEST_GOOD);
	/* As RFC 2069 had it: once. */
	take_nonce(nonce, 3000);
	a = good(nonce, "");
	a.qop = "";
	assert_int_equal(attempt(a, 4000), DIGEST_GOOD);
	assert_int_equal(attempt(a, 4000), DIGEST_STALE);
}

static void old(void **state)
{
	char nonce[64];

	(void)state;
	take_nonce(nonce, 1000);
	assert_int_equal(attempt(good(nonce, "00000001"), 300001001),
			 DIGEST_STALE);
	assert_int_equal(attempt(good(nonce, "00000001"), 300001000),
			 DIGEST_GOOD);
	/* Of another server, or made up. */
	nonce[3] ^= 1;
	assert_int_equal(attempt(good(nonce, "00000002"), 2000), DIGEST_STALE);
	assert_int_equal(attempt(good("abc", "00000002"), 2000), DIGEST_STALE);
	take_nonce(nonce, 5000);
	server.secret[0]++;
	assert_int_equal(attempt(good(nonce, "00000001"), 6000), DIGEST_STALE);
}

/* More nonces than are remembered: what is forgotten cannot be used again. */
static void forgotten(void **state)
{
	char nonce[2 * DIGEST_NONCES][64];

	(void)state;
	for (size_t i = 0; i < N_OF(nonce); i++) {
		take_nonce(nonce[i], 1000 + i);
		assert_int_equal(attempt(good(nonce[i], "00000001"), 2000),
				 DIGEST_GOOD);
	}
	for (size_t i = 0; i < N_OF(nonce); i++)
		assert_int_equal(attempt(good(nonce[i], "00000001"), 2000),
				 DIGEST_STALE);
	for (size_t i = DIGEST_NONCES; i < N_OF(nonce); i++)
		assert_int_equal(attempt(good(nonce[i], "00000002"), 2000),
				 DIGEST_GOOD);
}

static void not_ours(void **state)
{
	static const struct {
		const char *field;
		enum err err;
	} v[] = {
		{ "X: y", ERR_NOT_FOUND },
		{ "Authorization: Digest realm=\"b\", username=\"a\", "
		  "nonce=\"n\""
		  ", uri=\"u\", response=\"r\"",
		  ERR_NOT_FOUND },
		{ "Authorization: Digest realm=\"a.example\", username=\"a\", "
		  "nonce=\"n\", uri=\"u\", response=\"r\", algorithm=MD5-sess",
		  ERR_NOT_FOUND },
		{ "Authorization: Digest", ERR_NOT_FOUND },
		{ "Authorization: Digest realm=\"a.example\", username=\"a\"",
		  ERR_MALFORMED },
		{ "Authorization: Digest realm=\"a.example\", username=\"\", "
		  "nonce=\"n\", uri=\"u\", response=\"r\"",
		  ERR_MALFORMED },
		{ "Authorization: Digest realm=a.example, username=\"a\\\"b\", "
		  "nonce=\"n\", uri=\"u\", response=\"r\", algorithm=\"md5\"",
		  OK },
	};
	struct digest_credentials c;
	char text[512];

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		struct sipmsg m;

		snprintf(text, sizeof(text), "A b SIP/2.0\r\n%s\r\n\r\n",
			 v[i].field);
		m = sip_text(text, &arena);
		assert_err(digest_credentials(&c, &server, &m, "Authorization",
					      &arena),
			   v[i].err);
	}
	assert_slice_equal(c.username, SLICE_LIT("a\"b"));
}

static void challenge(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct digest_credentials c;
	const char *md5, *sha;
	struct sipmsg m;

	(void)state;
	assert_ok(digest_challenge(&server, "WWW-Authenticate", true, 1, &b));
	assert_ok(buf_append_u8(&b, '\0'));
	md5 = strstr((char *)b.p, "algorithm=MD5,");
	sha = strstr((char *)b.p, "algorithm=SHA-256,");
	assert_non_null(md5);
	assert_non_null(sha);
	assert_true(md5 < sha);
	assert_non_null(strstr(sha, "qop=\"auth\", stale=true\r\n"));
	assert_memory_equal(b.p, "WWW-Authenticate: Digest realm=\"a.example\"",
			    42);
	/* What is not offered is not taken either. */
	assert_ok(digest_offer_parse(&server.offer, "sha256"));
	buf_reset(&b);
	assert_ok(digest_challenge(&server, "X", false, 1, &b));
	assert_ok(buf_append_u8(&b, '\0'));
	assert_null(strstr((char *)b.p, "MD5"));
	m = sip_text("A b SIP/2.0\r\nX: Digest realm=a.example, username=a, "
		     "nonce=n, uri=u, response=r\r\n\r\n",
		     &arena);
	assert_err(digest_credentials(&c, &server, &m, "X", &arena),
		   ERR_NOT_FOUND);
	assert_err(digest_offer_parse(&server.offer, "sha1"), ERR_DATA);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vectors, begin, end),
		cmocka_unit_test_setup_teardown(right, begin, end),
		cmocka_unit_test_setup_teardown(wrong, begin, end),
		cmocka_unit_test_setup_teardown(counted, begin, end),
		cmocka_unit_test_setup_teardown(old, begin, end),
		cmocka_unit_test_setup_teardown(forgotten, begin, end),
		cmocka_unit_test_setup_teardown(not_ours, begin, end),
		cmocka_unit_test_setup_teardown(challenge, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
