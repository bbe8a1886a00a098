/* SPDX-License-Identifier: ISC */
#ifndef SIP_DIGEST_H
#define SIP_DIGEST_H

#include "crypto/hexhash.h"
#include "sip/sipmsg.h"

/*
 * Digest authentication of requests, RFC 3261 s22, RFC 7616, RFC 8760: MD5 and
 * SHA-256, qop auth.  Nonces are signed by the server and not remembered until
 * somebody has used one well, so that challenges cost nothing.
 */

enum {
	DIGEST_NONCES = 8, /* in use by one user at a time */
	DIGEST_SECRET_LEN = 32
};

/* Algorithms, the preferred one first. */
struct digest_offer {
	enum hexhash_alg v[HEXHASH_N];
	size_t n;
};

struct digest_server {
	const char *realm;
	struct digest_offer offer;
	uint8_t secret[DIGEST_SECRET_LEN];
	uint64_t nonce_life_us;
	uint32_t serial; /* of the last nonce */
};

/* H(username:realm:password) in hex; "" where there is none. */
struct digest_ha1 {
	char v[HEXHASH_N][HEXHASH_MAX];
};

/* The nonces that one user has used, and how far.  `{ 0 }` is none. */
struct digest_memory {
	struct {
		uint64_t issued_us;
		uint32_t serial;
		uint32_t count; /* the highest nc */
	} v[DIGEST_NONCES];
	size_t n;
	uint64_t floor_us; /* nonces issued up to then and not in v are old */
};

/* Credentials as they came; borrowed from the message and the arena. */
struct digest_credentials {
	enum hexhash_alg alg;
	struct slice username, nonce, uri, response, nc, cnonce, qop;
};

enum digest_verdict { DIGEST_GOOD, DIGEST_BAD, DIGEST_STALE };

/* Appends a header field `name` with a challenge for each algorithm. */
enum err digest_challenge(struct digest_server *d, const char *name, bool stale,
			  uint64_t now_us, struct buf *out) MUST_CHECK;
/* The credentials in fields `name` for our realm and an algorithm that we
 * offer.  ERR_NOT_FOUND when there are none; ERR_MALFORMED. */
enum err digest_credentials(struct digest_credentials *out,
			    const struct digest_server *d,
			    const struct sipmsg *m, const char *name,
			    struct arena *a) MUST_CHECK;
/*
 * Do they prove knowledge of the secret, for this request?  Stale: yes, but the
 * nonce is not ours, too old, or its count was used before.  The username is
 * the caller's to compare, and so is the URI: phones put there the server's
 * address as well as its name (sipp), and of a REGISTER it says nothing.
 * ERR_ALGORITHM, ERR_NOMEM.
 */
enum err digest_judge(const struct digest_server *d,
		      const struct digest_credentials *c,
		      const struct sipmsg *m, const struct digest_ha1 *ha1,
		      struct digest_memory *memory, uint64_t now_us,
		      enum digest_verdict *out) MUST_CHECK;
/* "md5", "sha256", or both with a comma between them.  ERR_DATA. */
enum err digest_offer_parse(struct digest_offer *out,
			    const char *text) MUST_CHECK;
/* H(username:realm:password). */
enum err digest_make_ha1(enum hexhash_alg alg, struct slice username,
			 const char *realm, struct slice password,
			 char out[static HEXHASH_MAX]) MUST_CHECK;

#endif
