/* SPDX-License-Identifier: ISC */
/* Digests in hex, for SIP's digest authentication: RFC 7616, RFC 8760. */
#include "crypto/hexhash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>

size_t hexhash_len(enum hexhash_alg alg)
{
	return alg == HEXHASH_MD5 ? 32 : 64;
}

enum err hexhash(enum hexhash_alg alg, const struct slice *in, size_t n,
		 char out[static HEXHASH_MAX])
{
	const EVP_MD *md = alg == HEXHASH_MD5 ? EVP_md5() : EVP_sha256();
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	enum err r = c == NULL ? ERR_NOMEM : OK;

	if (r == OK && EVP_DigestInit_ex(c, md, NULL) != 1)
		r = ERR_ALGORITHM;
	for (size_t i = 0; i < n && r == OK; i++)
		if (EVP_DigestUpdate(c, in[i].p, in[i].len) != 1)
			r = ERR_ALGORITHM;
	if (r == OK && EVP_DigestFinal_ex(c, digest, &len) != 1)
		r = ERR_ALGORITHM;
	EVP_MD_CTX_free(c);
	if (r != OK)
		return r;
	for (unsigned i = 0; i < len; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]); /* fits */
	return OK;
}

bool hexhash_eq(struct slice a, struct slice b)
{
	return a.len == b.len && CRYPTO_memcmp(a.p, b.p, a.len) == 0;
}
