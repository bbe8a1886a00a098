/* SPDX-License-Identifier: ISC */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include "base/buf.h"
#include "base/heap.h"
#include "crypto/crypto.h"
#include "wire/attach.h"

struct node;

/*
 * One hop: a (D)TLS connection with framing, acknowledgements and round-trip
 * times, RFC 6940 s6.6.  The Connection Table is the set of links that are up.
 */
struct link {
	uint32_t number;
	struct cert *cert;      /* one reference */
	struct node_id node_id; /* of the other side: the one that was attached, else
				   the certificate's first */
	struct ip_address_port address;
	bool up;       /* a frame or ACK has come */
	bool attached; /* made by an Attach: both sides are bound to their Node-IDs */
	bool suspect;  /* no ACK for an RTO: not for routing, s6.6.5 */
	bool routable; /* its node sent an Update: messages may go through it,
			  s6.5.1; peers only */
	uint32_t next_sequence;
	uint32_t unacked_first; /* oldest sequence without ACK */
	struct timer timer;
	uint64_t srtt_us, rttvar_us, rto_us;
	struct buf in; /* a frame not yet whole */
	struct link *prev, *next;
	/* The rest is link.c's. */
	struct link_window *window;
};

struct links; /* link.c */

/* The link to a node, best first (attached before others); NULL if none is up and
 * not suspect. */
struct link *link_find(const struct node *n, const struct node_id *id);
struct link *link_by_number(const struct node *n, uint32_t number);
/* Frames and sends one message (whole or a fragment).  ERR_NOMEM. */
enum err link_send(struct node *n, struct link *l, struct slice message)
	MUST_CHECK;
/* Closes and tells ring, dial, txn; `l` is gone afterwards. */
void link_close(struct node *n, struct link *l, enum err why);

#endif
