/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/id.h"
#include "wire/code.h" /* HASH_*, SIGNATURE_*: RFC 6940 s6.3.4 */

enum {
	CERT_HASH_LEN = 32,    /* bytes, SHA-256 */
	CERT_CHAIN_MAX = 4,    /* intermediates between a node and its root */
	CERT_NODE_IDS_MAX = 8, /* Node-IDs in one certificate; more: refused */
	CERT_USER_MAX = 254,   /* bytes of a user name */
	HASH_LEN_MAX = 64
};

/*
 * A certificate whose chain (or, where the overlay permits it, whose self
 * signature and Node-IDs, RFC 6940 s11.3.1) has been checked once.  Its time
 * and the overlay's bad nodes are judged at every use, by the core.  Immutable
 * and counted: cert_ref() and struct crypto's cert_unref().
 */
struct cert {
	struct slice der;
	uint8_t hash[CERT_HASH_LEN]; /* SHA-256 of der */
	struct node_id node_ids[CERT_NODE_IDS_MAX];
	uint8_t n_node_ids;           /* at least 1 */
	char user[CERT_USER_MAX + 1]; /* rfc822Name, "" when there is none */
	uint64_t not_before_ms, not_after_ms; /* unix time */
	/* DER of the intermediates that verified it, without the root. */
	const struct slice *chain;
	size_t n_chain; /* at most CERT_CHAIN_MAX */
	bool self_signed;
	unsigned refs;
	void *key; /* the implementation's public key */
};

static inline struct cert *cert_ref(struct cert *c)
{
	c->refs++;
	return c;
}

/*
 * Whose key signs: a certificate, one of its Node-IDs and the private key.
 * Borrowed by the core for as long as the node lives, or the command runs.
 */
struct signer {
	struct cert *cert;
	struct node_id node_id;    /* the one in use, of the certificate's */
	const struct slice *chain; /* DER of intermediates, without roots */
	size_t n_chain;
	uint8_t hash; /* HASH_*, goes with the key */
	uint8_t sig;  /* SIGNATURE_* */
	void *key;    /* the implementation's private key */
};

/*
 * What the core may ask of cryptography.  OpenSSL in real nodes, a keyed toy in
 * the simulator.  All calls return at once and touch nothing else.
 */
struct crypto {
	void *ctx;
	/* Digest of the concatenation of `n` slices; *len bytes.
	 * ERR_ALGORITHM. */
	enum err (*hash)(void *ctx, uint8_t alg, const struct slice *in,
			 size_t n, uint8_t out[HASH_LEN_MAX], size_t *len);
	/*
	 * Parses a node's certificate and checks all that does not change with
	 * time: the chain up to a root of the document (`others` may hold
	 * intermediates), or the self signature and Node-IDs where permitted;
	 * BasicConstraints; one or more reload URIs of this overlay, at most
	 * one rfc822Name, no other name.  ERR_CERT, with words in `why` (may be
	 * NULL).  The caller owns one reference.
	 */
	enum err (*cert_open)(void *ctx, struct slice der,
			      const struct slice *others, size_t n_others,
			      struct cert **out, struct why *why);
	void (*cert_unref)(void *ctx, struct cert *c); /* NULL is fine */
	/* OK, ERR_SIGNATURE, or ERR_ALGORITHM for a pair that is unknown or not
	 * the key's. */
	enum err (*verify)(void *ctx, const struct cert *c, uint8_t hash,
			   uint8_t sig, struct slice input, struct slice value);
	/* Appends the signature by the signer's key over `input`. */
	enum err (*sign)(void *ctx, const struct signer *s, struct slice input,
			 struct buf *value);
};

#endif
