/* SPDX-License-Identifier: ISC */
/* Keys, signatures, digests, PEM, requests and passwords. */
#include "pki.h"

#include "base/text.h"
#include "crypto/csr.h"
#include "crypto/password.h"

static const enum key_type types[] = { KEY_P256, KEY_RSA2048, KEY_ED25519 };
/* What a key of each type signs with, RFC 6940 s6.3.4; CHOICE 19. */
static const struct {
	uint8_t hash, sig;
} codes[] = {
	[KEY_P256] = { HASH_SHA256, SIGNATURE_ECDSA },
	[KEY_RSA2048] = { HASH_SHA256, SIGNATURE_RSA },
	[KEY_ED25519] = { HASH_INTRINSIC, SIGNATURE_ED25519 },
};

/* Every type signs and verifies; a bit changed anywhere, another hash or
 * another algorithm does not pass.  6940-6.3.4-R5 */
static void signatures(void **state)
{
	struct slice in = SLICE_LIT("what is signed");
	struct pki p;

	(void)state;
	pki_init(&p, KEY_P256);
	for (size_t i = 0; i < N_OF(types); i++) {
		struct signer *s = pki_signer(&p, 1, types[i]);
		struct buf v = BUF_INIT(2048);
		const struct crypto *c = p.crypto;

		assert_int_equal(s->hash, codes[i].hash);
		assert_int_equal(s->sig, codes[i].sig);
		assert_ok(c->sign(c->ctx, s, in, &v));
		for (int again = 0; again < 2; again++)
			assert_ok(c->verify(c->ctx, s->cert, s->hash, s->sig,
					    in, buf_slice(&v)));
		assert_err(c->verify(c->ctx, s->cert, s->hash, s->sig,
				     SLICE_LIT("what is Signed"),
				     buf_slice(&v)),
			   ERR_SIGNATURE);
		for (size_t j = 0; j < v.len; j++) {
			v.p[j] ^= 1;
			assert_err(c->verify(c->ctx, s->cert, s->hash, s->sig,
					     in, buf_slice(&v)),
				   ERR_SIGNATURE);
			v.p[j] ^= 1;
		}
		for (size_t j = 0; j < v.len; j++)
			assert_err(c->verify(c->ctx, s->cert, s->hash, s->sig,
					     in, slice_of(v.p, j)),
				   ERR_SIGNATURE);
		/* Codes that are not the key's, weak or unknown. */
		for (int hash = 0; hash < 256; hash++) {
			for (int sig = 0; sig < 256; sig++) {
				bool own =
					sig == s->sig &&
					(hash == HASH_INTRINSIC) ==
						(s->hash == HASH_INTRINSIC) &&
					(hash >= HASH_SHA256 &&
					 hash <= HASH_INTRINSIC && hash != 7);
				enum err r = c->verify(
					c->ctx, s->cert, (uint8_t)hash,
					(uint8_t)sig, in, buf_slice(&v));

				if (!own)
					assert_err(r, ERR_ALGORITHM);
				else if (hash != s->hash)
					assert_err(r, ERR_SIGNATURE);
				else
					assert_ok(r);
			}
		}
		buf_clear(&v);
		signer_close(s, p.crypto);
	}
	pki_clear(&p);
}

static void digests(void **state)
{
	static const struct {
		uint8_t alg;
		const char *hex;
	} cases[] = {
		{ HASH_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ HASH_SHA256, "ba7816bf8f01cfea414140de5dae2223"
			       "b00361a396177a9cb410ff61f20015ad" },
		{ HASH_SHA384, "cb00753f45a35e8bb5a03d699ac65007"
			       "272c32ab0eded1631a8b605a43ff5bed"
			       "8086072ba1e7cc2358baeca134c825a7" },
		{ HASH_SHA512, "ddaf35a193617abacc417349ae204131"
			       "12e6fa4e89a97ea20a9eeee64b55d39a"
			       "2192992a274fc1a836ba3c23a3feebbd"
			       "454d4423643ce80e2a9ac94fa54ca49f" },
	};
	const struct slice in[] = { SLICE_LIT("a"),
				    { NULL, 0 },
				    SLICE_LIT("bc") };
	uint8_t out[HASH_LEN_MAX];
	size_t len;
	struct pki p;

	(void)state;
	pki_init(&p, KEY_P256);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct buf hex = BUF_INIT(200);

		assert_ok(p.crypto->hash(p.crypto->ctx, cases[i].alg, in,
					 N_OF(in), out, &len));
		assert_ok(text_hex(&hex, slice_of(out, len)));
		assert_slice_equal(buf_slice(&hex), slice_str(cases[i].hex));
		buf_clear(&hex);
	}
	for (int alg = 0; alg < 256; alg++) {
		if (alg != HASH_SHA1 && alg != HASH_SHA256 &&
		    alg != HASH_SHA384 && alg != HASH_SHA512)
			assert_err(p.crypto->hash(p.crypto->ctx, (uint8_t)alg,
						  in, N_OF(in), out, &len),
				   ERR_ALGORITHM);
	}
	pki_clear(&p);
}

/* Saved and loaded, as PEM and as DER, it is the same key; cut or changed it is
 * refused. */
static void key_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct key *a, *b;
		struct buf pem = BUF_INIT(1 << 16), der = BUF_INIT(1 << 16);
		struct slice text;
		uint8_t ha[HASH_LEN_MAX], hb[HASH_LEN_MAX];

		assert_ok(key_generate(types[i], &a));
		assert_ok(key_save(a, &pem));
		assert_ok(key_hash(a, ha));
		assert_ok(key_load(buf_slice(&pem), &b, NULL));
		assert_ok(key_hash(b, hb));
		assert_memory_equal(ha, hb, CERT_HASH_LEN);
		key_free(b);
		text = buf_slice(&pem);
		assert_ok(pem_next(&text, PEM_PRIVATE_KEY, &der));
		assert_ok(key_load(buf_slice(&der), &b, NULL));
		key_free(b);
		for (size_t n = 0; n < der.len; n++)
			assert_err(key_load(slice_of(der.p, n), &b, NULL),
				   ERR_DATA);
		assert_err(key_load(slice_of(pem.p, pem.len - 4), &b, NULL),
			   ERR_DATA);
		key_free(a);
		buf_clear(&pem);
		buf_clear(&der);
	}
}

static void pem_blocks(void **state)
{
	uint8_t bytes[200];
	struct buf pem = BUF_INIT(4096), der = BUF_INIT(4096);
	struct slice text;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	assert_ok(buf_printf(&pem, "Some words first\n"));
	assert_ok(pem_append(&pem, "OTHER", slice_of(bytes, 10)));
	for (size_t n = 0; n < sizeof(bytes); n++) {
		struct slice t;

		pem.len = 0;
		assert_ok(pem_append(&pem, "OTHER", slice_of(bytes, 10)));
		assert_ok(pem_append(&pem, "X", slice_of(bytes, n)));
		t = buf_slice(&pem);
		buf_reset(&der);
		assert_ok(pem_next(&t, "X", &der));
		assert_slice_equal(buf_slice(&der), slice_of(bytes, n));
		assert_err(pem_next(&t, "X", &der), ERR_NOT_FOUND);
	}
	text = SLICE_LIT("-----BEGIN X-----\nAAAA\n");
	assert_err(pem_next(&text, "X", &der), ERR_DATA);
	text = SLICE_LIT("-----BEGIN X-----\nA!AA\n-----END X-----\n");
	assert_err(pem_next(&text, "X", &der), ERR_DATA);
	text = SLICE_LIT("x-----BEGIN X-----\nAAAA\n-----END X-----\n");
	assert_err(pem_next(&text, "X", &der), ERR_NOT_FOUND);
	text = (struct slice){ NULL, 0 };
	assert_err(pem_next(&text, "X", &der), ERR_NOT_FOUND);
	buf_clear(&pem);
	buf_clear(&der);
}

static void requests(void **state)
{
	static const char *const users[] = { "", "alice@example.org" };

	(void)state;
	for (size_t i = 0; i < N_OF(types) * N_OF(users); i++) {
		struct key *k, *got;
		struct buf der = BUF_INIT(1 << 16);
		char user[CERT_USER_MAX + 1];
		uint8_t ha[HASH_LEN_MAX], hb[HASH_LEN_MAX];

		assert_ok(key_generate(types[i % N_OF(types)], &k));
		assert_ok(csr_new(k, users[i / N_OF(types)], &der));
		assert_ok(csr_open(buf_slice(&der), &got, user, NULL));
		assert_string_equal(user, users[i / N_OF(types)]);
		assert_ok(key_hash(k, ha));
		assert_ok(key_hash(got, hb));
		assert_memory_equal(ha, hb, CERT_HASH_LEN);
		key_free(got);
		for (size_t n = 0; n < der.len; n++)
			assert_err(
				csr_open(slice_of(der.p, n), &got, user, NULL),
				ERR_DATA);
		/* A request for somebody else's key: its signature fails. */
		der.p[der.len - 1] ^= 1;
		assert_err(csr_open(buf_slice(&der), &got, user, NULL),
			   ERR_DATA);
		key_free(k);
		buf_clear(&der);
	}
}

static void passwords(void **state)
{
	static const char *const bad[] = {
		"",
		"scrypt",
		"scrypt$14$8$1$00$00",
		"plain$14$8$1$00$00",
		"scrypt$99$8$1$00112233445566778899aabbccddeeff$"
		"00112233445566778899aabbccddeeff"
		"00112233445566778899aabbccddeeff",
	};
	char one[PASSWORD_TEXT_MAX], two[PASSWORD_TEXT_MAX];

	(void)state;
	assert_ok(password_hash(SLICE_LIT("correct horse"), one));
	assert_ok(password_hash(SLICE_LIT("correct horse"), two));
	assert_string_not_equal(one, two); /* salted */
	assert_ok(password_check(SLICE_LIT("correct horse"), one));
	assert_err(password_check(SLICE_LIT("Correct horse"), one), ERR_AUTH);
	assert_err(password_check(SLICE_LIT(""), one), ERR_AUTH);
	assert_err(password_check(SLICE_LIT("correct horse"), NULL), ERR_AUTH);
	/* Compared as bytes: composed and decomposed forms differ,
	 * 6940-11.3-R3 */
	assert_ok(password_hash(SLICE_LIT("caf\xc3\xa9"), one));
	assert_err(password_check(SLICE_LIT("cafe\xcc\x81"), one), ERR_AUTH);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(password_check(SLICE_LIT("x"), bad[i]), ERR_DATA);
	two[strlen(two) - 1] = '\0';
	assert_err(password_check(SLICE_LIT("correct horse"), two), ERR_DATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signatures), cmocka_unit_test(digests),
		cmocka_unit_test(key_files),  cmocka_unit_test(pem_blocks),
		cmocka_unit_test(requests),   cmocka_unit_test(passwords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
