/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_OPENSSL_H
#define CRYPTO_OPENSSL_H

#include "crypto/crypto.h"

/*
 * struct crypto on OpenSSL's libcrypto: digests, certificates, signatures.
 * RSA (PKCS #1 v1.5) and ECDSA with SHA-256, -384 and -512, and Ed25519.
 */

/* What certificates are judged by, from the overlay's document. */
struct openssl_trust {
	const char *overlay;    /* its name */
	uint8_t node_id_length; /* bytes */
	bool self_signed_permitted;
	uint8_t self_signed_digest;     /* HASH_SHA1 or HASH_SHA256 */
	const struct slice *root_certs; /* DER */
	size_t n_root_certs;
};

/* Nothing in `*out` points into `t`.  ERR_CERT when a root does not parse,
 * ERR_NOMEM. */
enum err openssl_new(struct crypto **out, const struct openssl_trust *t,
		     struct why *why) MUST_CHECK;
/* Another document: certificates opened from now on are judged by `t`; those
 * that are open stay as they are.  On failure the old trust stays. */
enum err openssl_set_trust(struct crypto *c, const struct openssl_trust *t,
			   struct why *why) MUST_CHECK;
/* NULL is fine.  All its certificates must be gone. */
void openssl_free(struct crypto *c);
/* Unpredictable bytes, for Node-IDs, salts and passwords.  ERR_SYS. */
enum err openssl_random(void *out, size_t len) MUST_CHECK;

#endif
