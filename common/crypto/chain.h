/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_CHAIN_H
#define CRYPTO_CHAIN_H

#include <openssl/x509.h>

#include "crypto/crypto.h"

/* Chains of certificates up to the roots that a document lists. */

enum {
	CHAIN_LENGTH_MAX = CERT_CHAIN_MAX + 2, /* certificates, root included */
	CHAIN_OTHERS_MAX =
		16,          /* issuers among those sent along, for one chain */
	CHAIN_KNOWN_MAX = 16 /* checked intermediates that are remembered */
};

struct chain {
	/* One store a root: of two roots of one name, as while a CA changes its
	 * key, OpenSSL would only ever try one. */
	X509_STORE **roots;
	size_t n_roots;
	STACK_OF(X509) * known;
};

enum err chain_init(struct chain *c, const struct slice *roots, size_t n_roots,
		    struct why *why) MUST_CHECK;
void chain_clear(struct chain *c); /* an empty one is fine */
/*
 * Checks everything but time, narrows the dates of `cert` to those of the
 * intermediates, and leaves them with it.  The root's own dates do not count:
 * it is in force as long as the document is that lists it.  ERR_CERT,
 * ERR_NOMEM.
 */
enum err chain_check(struct chain *c, X509 *x, STACK_OF(X509) * others,
		     struct cert *cert, struct why *why) MUST_CHECK;
/* The same, with intermediates as DER that are parsed only when needed. */
enum err chain_check_der(struct chain *c, X509 *x, const struct slice *others,
			 size_t n_others, struct cert *cert,
			 struct why *why) MUST_CHECK;
/* A signature by its own key, RFC 6940 s11.3.1?  Node-IDs are not looked at. */
bool chain_is_self_signed(X509 *x);
/* Extensions that it calls critical are known, and the digest is no broken one.
 * For self-signed certificates; chain_check() does it too. */
enum err chain_check_alone(X509 *x, struct why *why) MUST_CHECK;

#endif
