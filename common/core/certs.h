/* SPDX-License-Identifier: ISC */
#ifndef CORE_CERTS_H
#define CORE_CERTS_H

#include "crypto/crypto.h"
#include "wire/data.h"
#include "wire/security.h"

struct node;

/* Certificates that were checked once, by hash, and the judging of signatures. */

struct certs; /* certs.c */

/* Takes in the certificates of a SecurityBlock: those that check become known.  */
void certs_learn(struct node *n, const struct security_block *b);
/* A known certificate by SHA-256 of its DER, borrowed until the next step, or NULL. */
struct cert *certs_find(struct node *n, const uint8_t hash[CERT_HASH_LEN]);
/* As it stands in a query's answer (QUERY_CERT): checked and known, or NULL. */
struct cert *certs_add(struct node *n, struct slice der);
/*
 * Who signed: the certificate that a SignerIdentity names (cert_hash or
 * cert_hash_node_id, RFC 6940 s6.3.4) and the Node-ID in use.  ERR_CERT_UNKNOWN,
 * ERR_CERT_EXPIRED, ERR_BAD_NODE.  Borrowed until the next step.
 */
enum err certs_identify(struct node *n, const struct signer_identity *identity,
			struct cert **cert, struct node_id *node_id) MUST_CHECK;
/* Verifies a stored value's signature, s7.1.  Adds ERR_SIGNATURE, ERR_ALGORITHM. */
enum err certs_verify_value(struct node *n, struct slice resource_id,
			    uint32_t kind, const struct stored_data *v,
			    struct cert **cert, struct node_id *node_id)
	MUST_CHECK;
/* The signature element of a signer over `tbs`-style input that `identity` is part
 * of: fills algorithm and identity first, then signs.  Memory is in n->arena. */
enum err certs_sign_value(struct node *n, const struct signer *s,
			  struct slice resource_id, uint32_t kind,
			  struct stored_data *v) MUST_CHECK;
/* The certificates that verifiers of `hashes` need, as a bucket: those known or
 * own.  In n->arena. */
enum err certs_bucket_add(struct node *n, struct security_block *b,
			  const struct cert *c) MUST_CHECK;
/* Is the certificate valid now, and none of its Node-IDs bad? */
enum err certs_current(const struct node *n, const struct cert *c) MUST_CHECK;
/* A new document: bad nodes and anchors may have changed. */
void certs_flush(struct node *n);

#endif
