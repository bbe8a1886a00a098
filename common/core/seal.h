/* SPDX-License-Identifier: ISC */
#ifndef CORE_SEAL_H
#define CORE_SEAL_H

#include "crypto/crypto.h"
#include "wire/message.h"

struct node;

/* Signing messages and judging their signatures, RFC 6940 s6.3.4. */

/*
 * The signed payload of a message, in n->arena: contents and SecurityBlock,
 * whose bucket holds the signer's certificate and chain and those of `certs`
 * (bundles; twice is once).  ERR_NOMEM, ERR_LIMIT.
 */
enum err seal_message(struct node *n, const struct signer *s, uint16_t code,
		      struct slice body, uint64_t transaction_id,
		      const struct slice *certs, size_t n_certs,
		      struct slice *payload) MUST_CHECK;
/* Whose message it is; its certificates are learned first.  Errors as from
 * certs_identify(), ERR_SIGNATURE, ERR_ALGORITHM.  `cert` is borrowed until the
 * next step. */
enum err seal_verify(struct node *n, const struct message *m,
		     struct cert **cert, struct node_id *node_id) MUST_CHECK;

#endif
