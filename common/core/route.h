/* SPDX-License-Identifier: ISC */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/link.h"
#include "wire/header.h"
#include "wire/message.h"

struct node;

/* Where messages go, RFC 6940 s6.1 and s6.2. */

/* What a forwarder leaves behind so that the answer finds back, s6.1.2. */
enum via_policy {
	VIA_APPEND, /* CHOICE 2: what every implementation reads */
	VIA_OPAQUE, /* an opaque ID of two bytes in the Via List */
	VIA_STATE   /* nothing in the message: a return path here */
};

/*
 * A message or fragment that a link brought; `l` is NULL for one that this node
 * sends to itself.  Drops, forwards, or hands it up.
 */
void route_receive(struct node *n, struct link *l, struct slice bytes);

/*
 * Picks the link on which a message for `dest` leaves; NULL when this node is
 * responsible for it or knows no way.  Connection Table first, then the
 * plug-in, RFC 6940 s6.1.2.
 */
struct link *route_next_hop(struct node *n, const struct destination *dest,
			    uint64_t transaction_id);
/*
 * Sends a packet of this node's own, whose first destination says where to: by
 * `l` unless NULL, else where routing says, this node itself included.
 * ERR_NO_LINK, ERR_NOMEM, ERR_MESSAGE_TOO_LARGE.
 */
enum err route_send(struct node *n, struct link *l,
		    const struct forwarding_header *header,
		    struct slice payload) MUST_CHECK;
/* What this node itself is responsible for: its Node-ID, the wildcard, its
 * share of the ring. */
bool route_is_local(const struct node *n, const struct destination *dest);
/* The point on the ring that a destination of type node or resource stands for.
 * ERR_MALFORMED for another type or length. */
enum err route_point(const struct destination *dest,
		     struct node_id *out) MUST_CHECK;

/* Messages that this node sent to itself, handled before the step ends. */
struct loopback {
	struct slice *v; /* in n->arena */
	uint32_t n, cap;
};
void route_loopback(struct node *n);
void route_clear(struct node *n);

#endif
