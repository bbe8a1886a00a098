/* SPDX-License-Identifier: ISC */
/*
 * Passwords of the enrollment server's accounts, hashed with scrypt (RFC 7914).
 * Accounts are conf/accounts.c's.
 */
#include "crypto/password.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

#include "base/text.h"
#include "crypto/openssl.h"

enum {
	LOG2_N = 14, /* 16 MiB with BLOCK_SIZE 8 */
	LOG2_N_MAX = 20,
	BLOCK_SIZE = 8,
	BLOCK_SIZE_MAX = 32,
	PARALLEL = 1,
	PARALLEL_MAX = 16,
	SALT_LEN = 16, /* bytes */
	HASH_LEN = 32, /* bytes */
	MEMORY_MAX = 256 << 20
};

struct params {
	unsigned log2_n, r, p;
	uint8_t salt[SALT_LEN], hash[HASH_LEN];
};

static enum err derive(struct slice password, struct params *s)
{
	static const char empty[] = "";
	const char *pass = password.len == 0 ? empty : (const char *)password.p;

	return EVP_PBE_scrypt(pass, password.len, s->salt, SALT_LEN,
			      UINT64_C(1) << s->log2_n, s->r, s->p, MEMORY_MAX,
			      s->hash, HASH_LEN) == 1
		       ? OK
		       : ERR_NOMEM;
}

enum err password_hash(struct slice password,
		       char out[static PASSWORD_TEXT_MAX])
{
	struct params s = { .log2_n = LOG2_N, .r = BLOCK_SIZE, .p = PARALLEL };
	struct buf text = BUF_INIT(PASSWORD_TEXT_MAX);
	enum err r;

	if ((r = openssl_random(s.salt, sizeof(s.salt))) != OK ||
	    (r = derive(password, &s)) != OK ||
	    (r = buf_printf(&text, "scrypt$%u$%u$%u$", s.log2_n, s.r, s.p)) !=
		    OK ||
	    (r = text_hex(&text, slice_of(s.salt, sizeof(s.salt)))) != OK ||
	    (r = buf_append_u8(&text, '$')) != OK ||
	    (r = text_hex(&text, slice_of(s.hash, sizeof(s.hash)))) != OK ||
	    (r = buf_append_u8(&text, '\0')) != OK)
		goto out;
	memcpy(out, text.p, text.len);
out:
	OPENSSL_cleanse(&s, sizeof(s));
	buf_wipe(&text);
	return r;
}

static enum err parse_hex(uint8_t *out, size_t len, const char *hex)
{
	struct buf b = BUF_INIT(len);
	enum err r = text_unhex(&b, hex);

	if (r == OK && b.len != len)
		r = ERR_DATA;
	if (r == OK)
		memcpy(out, b.p, len);
	buf_wipe(&b);
	return r;
}

static enum err parse(struct params *s, const char *text)
{
	char salt[2 * SALT_LEN + 1], hash[2 * HASH_LEN + 1];
	int end = 0;
	enum err r;

	if (sscanf(text, "scrypt$%2u$%2u$%2u$%32[0-9a-f]$%64[0-9a-f]%n",
		   &s->log2_n, &s->r, &s->p, salt, hash, &end) != 5 ||
	    text[end] != '\0' || s->log2_n < 1 || s->log2_n > LOG2_N_MAX ||
	    s->r < 1 || s->r > BLOCK_SIZE_MAX || s->p < 1 ||
	    s->p > PARALLEL_MAX)
		return ERR_DATA;
	if ((r = parse_hex(s->salt, SALT_LEN, salt)) != OK)
		return r;
	return parse_hex(s->hash, HASH_LEN, hash);
}

enum err password_check(struct slice password, const char *text)
{
	struct params s = { .log2_n = LOG2_N, .r = BLOCK_SIZE, .p = PARALLEL };
	uint8_t stored[HASH_LEN];
	enum err r;

	if (text != NULL && (r = parse(&s, text)) != OK)
		return r == ERR_NOMEM ? r : ERR_DATA;
	memcpy(stored, s.hash, HASH_LEN);
	if ((r = derive(password, &s)) == OK &&
	    (CRYPTO_memcmp(stored, s.hash, HASH_LEN) != 0 || text == NULL))
		r = ERR_AUTH;
	OPENSSL_cleanse(&s, sizeof(s));
	OPENSSL_cleanse(stored, sizeof(stored));
	return r;
}
