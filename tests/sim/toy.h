/* SPDX-License-Identifier: ISC */
#ifndef SIM_TOY_H
#define SIM_TOY_H

#include "crypto/crypto.h"

/*
 * struct crypto for the simulator: real hashes, toy certificates, and
 * signatures that anybody could forge but nobody forges by accident.  A
 * thousand nodes sign a lot; this costs a microsecond where ECDSA costs fifty.
 */

/* Who vouches for a certificate. */
enum toy_issuer {
	TOY_CA,      /* the overlay's */
	TOY_FOREIGN, /* another authority: the chain does not check */
	TOY_SELF,    /* self-signed, RFC 6940 s11.3.1 */
	TOY_MIDDLE   /* an intermediate of the overlay's, toy_middle */
};

/* The intermediate: without it at hand, what it issued does not check. */
extern const struct slice toy_middle;

struct toy {
	struct crypto crypto; /* what the core gets */
	bool self_signed_permitted;
	/* All nodes have one copy of a certificate in memory, and it is checked
	 * once: for rings of 100,000. */
	bool share;
	struct toy_cert *shared;       /* uthash */
	uint64_t n_signed, n_verified; /* calls so far */
	void *sha1, *sha256;           /* libcrypto's, fetched once */
};

struct toy_spec {
	enum toy_issuer issuer;
	uint64_t key;                   /* the key pair, both halves of it */
	const char *user;               /* "" or NULL: no user name */
	const struct node_id *node_ids; /* TOY_SELF: ignored, from the key */
	size_t n_node_ids;
	uint64_t not_before_ms, not_after_ms;
};

enum err toy_init(struct toy *t) MUST_CHECK;
void toy_clear(struct toy *t);

/* The Node-ID that a self-signed certificate of this key has. */
enum err toy_self_node_id(struct toy *t, uint64_t key,
			  struct node_id *out) MUST_CHECK;
/* A certificate as bytes, appended to `out`. */
enum err toy_issue(struct toy *t, const struct toy_spec *spec,
		   struct buf *out) MUST_CHECK;
/* A certificate with its key and intermediate, ready to sign; no chain is
 * checked, so that a test can hold bad ones.  The first Node-ID is the one in
 * use. */
enum err toy_signer_init(struct toy *t, const struct toy_spec *spec,
			 struct signer *out) MUST_CHECK;
void toy_signer_clear(struct toy *t, struct signer *s);

#endif
