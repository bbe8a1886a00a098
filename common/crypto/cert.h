/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_CERT_H
#define CRYPTO_CERT_H

#include <openssl/x509.h>

#include "crypto/crypto.h"

/* A node's certificate as RFC 6940 s11.3 shapes it: whom it names. */

/* One reference; `x` gets one more.  Whether it may be believed is not looked
 * at. ERR_CERT, ERR_ALGORITHM for a key that is not ours, ERR_NOMEM. */
enum err cert_new(struct cert **out, X509 *x, const char *overlay,
		  uint8_t node_id_length, struct why *why) MUST_CHECK;
/* Keeps copies of the intermediates of a path: the leaf first, the root last.
 * Once for a certificate; at most CERT_CHAIN_MAX of them.  ERR_NOMEM. */
enum err cert_keep_chain(struct cert *c, STACK_OF(X509) * path) MUST_CHECK;
void cert_free(struct cert *c); /* NULL is fine; drops a reference */
/* From exactly these bytes, which must be DER.  ERR_CERT, ERR_NOMEM. */
enum err cert_parse(struct slice der, X509 **out, struct why *why) MUST_CHECK;
/* Unix time in ms, 0 for anything before 1970.  False when malformed. */
bool cert_time_ms(const ASN1_TIME *t, uint64_t *out);

#endif
