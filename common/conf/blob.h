/* SPDX-License-Identifier: ISC */
#ifndef CONF_BLOB_H
#define CONF_BLOB_H

#include "core/overlay.h"
#include "crypto/crypto.h"

/*
 * The signature of a configuration or a kind element: a SecurityBlock in base64
 * over the bytes as they stand in the document, RFC 6940 s11.1.  CHOICE: the
 * SignerIdentity is appended to what is signed, as for messages (s6.3.4).
 */

/* Who may sign, and by what it is judged. */
struct blob_judge {
	const struct crypto *crypto;
	const struct overlay *overlay; /* Node-ID length, bad nodes */
	const struct node_id *signers;
	size_t n_signers;
	uint64_t now_ms; /* unix time */
};

/* The Node-ID of the signer, one of j->signers, in `*who`. ERR_CONFIG_SIGNATURE
 * with the reason; ERR_NOMEM. */
enum err blob_verify(struct slice blob, struct slice base64,
		     const struct blob_judge *j, struct node_id *who,
		     struct why *why) MUST_CHECK;
/* Appends the base64. */
enum err blob_sign(struct buf *base64, struct slice blob,
		   const struct crypto *c, const struct signer *s,
		   uint8_t node_id_len) MUST_CHECK;

#endif
