/* SPDX-License-Identifier: ISC */
#ifndef CORE_FRAG_H
#define CORE_FRAG_H

#include "base/buf.h"
#include "base/heap.h"
#include "core/limits.h"
#include "wire/header.h"
#include "wire/message.h"

struct node;
struct link;
struct reassembly;

/* Fragmentation and reassembly, RFC 6940 s6.7. */

enum {
	FRAGMENT_BODY_MIN = 256, /* bytes of the message in each fragment */
	FRAGMENT_SPARE = 32      /* bytes left free for a growing Via List */
};

struct reassemblies {
	struct reassembly *first, *last; /* oldest first */
	uint32_t n;
	size_t bytes; /* of all buffers */
	struct timer timer;
};

/*
 * Takes in a fragment for this node that came on a link.  When the message is
 * complete, `*payload` is all that follows the header, in n->arena, and
 * `*whole` is true.  A set whose pieces disagree is dropped: ERR_MALFORMED.
 * ERR_FULL, ERR_NOMEM.
 */
enum err frag_add(struct node *n, struct link *from, const struct packet *p,
		  struct slice *payload, bool *whole) MUST_CHECK;
/*
 * Sends a packet on a link, cut into equal pieces of at most the link's mtu
 * less FRAGMENT_SPARE bytes where it does not fit and a piece would hold
 * FRAGMENT_BODY_MIN bytes; else whole.  ERR_NOMEM.
 */
enum err frag_send(struct node *n, struct link *l,
		   const struct forwarding_header *header,
		   struct slice payload) MUST_CHECK;
/* How many pieces `payload_len` bytes make behind a header of `header_len`
 * bytes on a link of `mtu`; 1: whole. */
uint32_t frag_pieces(size_t header_len, size_t payload_len, uint32_t mtu);
/* Sets that began on this link go. */
void frag_link_down(struct node *n, const struct link *l);
void frag_timer(struct node *n, struct timer *t);
void frag_clear(struct node *n);

#endif
