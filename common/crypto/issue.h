/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_ISSUE_H
#define CRYPTO_ISSUE_H

#include "crypto/crypto.h"
#include "crypto/key.h"

/*
 * Making certificates, RFC 6940 s11.3.  All output is
 * DER, appended.  Certificates are valid from an hour before `now_ms`, since
 * clocks differ.
 */

/* Who signs. */
struct issue_ca {
	struct slice cert; /* DER */
	const struct key *key;
};

/* A root: self-signed, CA:TRUE, its name as common name. */
enum err issue_root(const struct key *k, const char *name, uint64_t now_ms,
		    uint64_t not_after_ms, struct buf *der) MUST_CHECK;

/* May this be a user name: printable ASCII, 1 to CERT_USER_MAX bytes? */
bool issue_user_ok(const char *user);

/* A cryptographically random Node-ID. */
enum err issue_node_id(uint8_t len, struct node_id *out) MUST_CHECK;

/* A node's certificate: empty subject; Node-IDs and user name in a critical
 * subjectAltName. */
struct issue_node {
	const char *overlay;
	uint8_t node_id_length;
	const struct node_id *node_ids;
	size_t n_node_ids;
	const char *user; /* "": none */
	uint64_t now_ms, not_after_ms;
};
enum err issue_node(const struct issue_ca *ca, const struct key *public_key,
		    const struct issue_node *node, struct buf *der) MUST_CHECK;
/* Self-signed, RFC 6940 s11.3.1: node->node_ids is not used, the `n_node_ids`
 * Node-IDs come from the key; `digest` is HASH_SHA1 or HASH_SHA256. */
enum err issue_self_signed(const struct key *k, uint8_t digest,
			   const struct issue_node *node,
			   struct buf *der) MUST_CHECK;

/* A web server's certificate, for host names and addresses (text). */
enum err issue_server(const struct issue_ca *ca, const struct key *public_key,
		      const char *const *names, size_t n_names, uint64_t now_ms,
		      uint64_t not_after_ms, struct buf *der) MUST_CHECK;

#endif
