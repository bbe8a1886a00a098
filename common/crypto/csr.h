/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_CSR_H
#define CRYPTO_CSR_H

#include "crypto/crypto.h"
#include "crypto/key.h"

/* Requests for certificates: PKCS #10 (RFC 2986), RFC 6940 s11.3. */

/* Appends a request that asks for `user`, as rfc822Name; "": for no name. */
enum err csr_new(const struct key *k, const char *user,
		 struct buf *der) MUST_CHECK;
/* Checks a request's own signature; its public key and the user name that it
 * asks for ("": none).  ERR_DATA, ERR_ALGORITHM, with words. */
enum err csr_open(struct slice der, struct key **key,
		  char user[CERT_USER_MAX + 1], struct why *why) MUST_CHECK;

#endif
