/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_HANDLE_H
#define CRYPTO_HANDLE_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "crypto/crypto.h"

/*
 * What crypto.h and key.h leave opaque, for the files of crypto/ and for the
 * TLS stack, which shares its objects.  Nobody else includes this.
 */

/* `key` of struct cert and struct signer.  The contexts are made at the first
 * use and kept: starting one costs as much as an operation. */
struct key {
	EVP_PKEY *pkey;
	uint8_t sig; /* SIGNATURE_*, from the key's type */
	EVP_PKEY_CTX *verify, *sign;
	uint8_t verify_hash, sign_hash; /* HASH_*, that they are set to */
};

/* Takes over `pkey`, also on failure.  ERR_ALGORITHM for a type or size that is
 * not ours: RSA of 1024 to 8192 bits, EC on a NIST curve, Ed25519. */
enum err key_wrap_take(EVP_PKEY *pkey, struct key **out) MUST_CHECK;
/* The signature over a digest made by `md` (`hash`), RSA and ECDSA only. */
enum err key_verify_digest(struct key *k, uint8_t hash, const EVP_MD *md,
			   struct slice digest, struct slice value) MUST_CHECK;
enum err key_sign_digest(struct key *k, uint8_t hash, const EVP_MD *md,
			 struct slice digest, struct buf *value) MUST_CHECK;
/* The signature over the input itself, Ed25519. */
enum err key_verify_whole(const struct key *k, struct slice input,
			  struct slice value) MUST_CHECK;
enum err key_sign_whole(const struct key *k, struct slice input,
			struct buf *value) MUST_CHECK;

/* The certificate behind a struct cert, borrowed. */
X509 *cert_x509(const struct cert *c);

/*
 * As cert_open() of struct crypto, for a certificate that libssl has parsed;
 * `others` may be NULL.
 */
enum err openssl_cert_check(const struct crypto *c, X509 *x,
			    STACK_OF(X509) * others, struct cert **out,
			    struct why *why) MUST_CHECK;
/* Only the names and the own signature algorithm are looked at: for the own
 * certificate. */
enum err openssl_cert_own(const struct crypto *c, struct slice der,
			  struct cert **out, struct why *why) MUST_CHECK;

#endif
