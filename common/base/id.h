/* SPDX-License-Identifier: ISC */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

enum {
	NODE_ID_MIN = 16, /* bytes, RFC 6940 s11.1 node-id-length */
	NODE_ID_MAX = 20, /* bytes */
	RING_ID_LEN = 16, /* bytes: the ring is modulo 2^128, s10.1 */
	RING_BITS = 128,
	ID_TEXT_MAX = 2 * NODE_ID_MAX + 1 /* chars, with the final zero */
};

/*
 * A Node-ID, most significant byte first, zero-padded to NODE_ID_MAX; its
 * length is the overlay's.  On the ring (length RING_ID_LEN) a Resource-ID is a
 * point of the same kind and is kept in the same struct.
 */
struct node_id {
	uint8_t b[NODE_ID_MAX];
};

/* All one bits in the first `len` bytes: the wildcard, RFC 6940 s6.1. */
void id_wildcard(struct node_id *id, size_t len);
bool id_is_wildcard(const struct node_id *id, size_t len);
bool id_is_zero(const struct node_id *id);
int id_cmp(const struct node_id *a, const struct node_id *b);
bool id_eq(const struct node_id *a, const struct node_id *b);
/* From `len` bytes: ERR_RANGE unless len is 1 to NODE_ID_MAX. */
enum err id_from_slice(struct node_id *out, struct slice in) MUST_CHECK;
static inline struct slice id_slice(const struct node_id *id, size_t len)
{
	return slice_of(id->b, len);
}

/* Ring arithmetic, modulo 2^128; only the first RING_ID_LEN bytes count. */

/* Is x in (a, b], clockwise from a?  The whole ring when a equals b: a peer
 * whose predecessor is itself owns everything.  RFC 6940 s10.1. */
bool id_in_range(const struct node_id *a, const struct node_id *x,
		 const struct node_id *b);
/* Is x strictly inside (a, b)?  Everything but a when a equals b. */
bool id_between(const struct node_id *a, const struct node_id *x,
		const struct node_id *b);
/* out = (b - a): the clockwise way from a to b. */
void id_distance(struct node_id *out, const struct node_id *a,
		 const struct node_id *b);
/* out = a + 2^exponent, exponent 0 to 127. */
void id_add_pow2(struct node_id *out, const struct node_id *a,
		 unsigned exponent);
/* out = a + 1. */
void id_next(struct node_id *out, const struct node_id *a);
/* out = a + d. */
void id_add(struct node_id *out, const struct node_id *a,
	    const struct node_id *d);
/* The share of the ring in (a, b], in parts per billion, 10^9 when a equals b;
 * RFC 6940 s6.4.2.5.2. */
uint32_t id_share_ppb(const struct node_id *a, const struct node_id *b);

/* Lower-case hex of the first `len` bytes; `out` holds ID_TEXT_MAX. */
const char *id_format(const struct node_id *id, size_t len, char *out);
/* The first digits, for traces and logs: id_short(&id).s */
struct id_short {
	char s[9];
};
struct id_short id_short(const struct node_id *id);
/* Exactly 2*len hex digits, either case; ERR_DATA otherwise. */
enum err id_parse(struct node_id *out, size_t len, const char *text) MUST_CHECK;

#endif
