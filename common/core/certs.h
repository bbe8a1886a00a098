/* SPDX-License-Identifier: ISC */
#ifndef CORE_CERTS_H
#define CORE_CERTS_H

#include "crypto/crypto.h"
#include "wire/data.h"
#include "wire/security.h"

struct node;
struct cert_entry;
struct cert_alias;

enum { CERTS_RECENT_MAX = 64 };

/* Certificates that were checked once, by hash, and the judging of signatures.
 */

/* A certificate that came with the message at hand; checked when it is asked
 * for. */
struct cert_recent {
	struct slice der; /* in n->arena */
	uint8_t hash[CERT_HASH_LEN];
	bool tried;
};

struct certs {
	struct cert_entry *by_hash;    /* uthash: SHA-256 of the DER */
	struct cert_alias *by_node_id; /* uthash: SHA-256(Node-ID || DER) */
	struct cert_entry *oldest, *newest; /* by use */
	uint32_t n;
	bool flush;                 /* when the next step begins */
	struct cert_recent *recent; /* in n->arena */
	uint32_t n_recent;
};

/*
 * The certificates of a SecurityBlock are at hand for the rest of the step;
 * what is asked for is checked and then kept.  A handler that goes on in a
 * later step calls it again.
 */
void certs_learn(struct node *n, const struct security_block *b);
/* A known certificate by SHA-256 of its DER, borrowed until the next step, or
 * NULL. */
struct cert *certs_find(struct node *n, const uint8_t hash[CERT_HASH_LEN]);
/* One that a handshake has checked is known from now on.  A reference to it, or
 * to the same one that was known before. */
struct cert *certs_keep(struct node *n, struct cert *cert);
/* As it stands in a query's answer (QUERY_CERT), with its intermediates:
 * checked and known, or NULL. */
struct cert *certs_add(struct node *n, struct slice bundle);
/*
 * Who signed: the certificate that a SignerIdentity names (cert_hash or
 * cert_hash_node_id, RFC 6940 s6.3.4) and the Node-ID in use. ERR_CERT_UNKNOWN,
 * ERR_CERT_EXPIRED, ERR_BAD_NODE.  Borrowed until the next step.
 */
enum err certs_identify(struct node *n, const struct signer_identity *identity,
			struct cert **cert, struct node_id *node_id) MUST_CHECK;
/* Verifies a stored value's signature, s7.1.  Adds ERR_SIGNATURE,
 * ERR_ALGORITHM. */
enum err certs_verify_value(struct node *n, struct slice resource_id,
			    uint32_t kind, const struct stored_data *v,
			    struct cert **cert,
			    struct node_id *node_id) MUST_CHECK;
/*
 * Signs a value: fills v->signature, cert_hash for a certificate of one
 * Node-ID, else cert_hash_node_id (CHOICE 13).  Memory is in n->arena.
 */
enum err certs_sign_value(struct node *n, const struct signer *s,
			  struct slice resource_id, uint32_t kind,
			  struct stored_data *v) MUST_CHECK;
/* The identity element that names a signer; memory is in n->arena. */
enum err certs_identity(struct node *n, const struct signer *s,
			struct signer_identity *out) MUST_CHECK;
/* Is the certificate valid now, and none of its Node-IDs bad? ERR_CERT_EXPIRED,
 * ERR_BAD_NODE. */
enum err certs_current(const struct node *n, const struct cert *c) MUST_CHECK;
bool certs_has_node_id(const struct cert *c, const struct node_id *id);
/* A new document: bad nodes and anchors may have changed. */
void certs_flush(struct node *n);
/* A step begins: what is too many goes. */
void certs_trim(struct node *n);
void certs_clear(struct node *n);

#endif
