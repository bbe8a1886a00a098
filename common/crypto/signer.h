/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_SIGNER_H
#define CRYPTO_SIGNER_H

#include "crypto/crypto.h"

/* A struct signer from what the home keeps. */

struct signer_args {
	struct slice key;  /* PKCS #8, PEM or DER */
	struct slice cert; /* PEM, the own first, then intermediates; or the own
			      in DER */
	/* Which of the certificate's Node-IDs; NULL: the first. */
	const struct node_id *node_id;
	/* The own certificate was checked when it came (p2psip-join): spares
	 * the chain, never the names. */
	bool checked;
};

/* Nothing in `*out` points into `args`.  ERR_CERT (also when the key is not the
 * certificate's), ERR_DATA, ERR_ALGORITHM, ERR_NOMEM.  Time is not looked at.
 */
enum err signer_open(struct signer **out, const struct crypto *c,
		     const struct signer_args *args,
		     struct why *why) MUST_CHECK;
void signer_close(struct signer *s, const struct crypto *c); /* NULL is fine */
/* Is its certificate valid now?  ERR_CERT_EXPIRED, with the date. */
enum err signer_check_time(const struct signer *s, uint64_t now_ms,
			   struct why *why) MUST_CHECK;

#endif
