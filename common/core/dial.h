/* SPDX-License-Identifier: ISC */
#ifndef CORE_DIAL_H
#define CORE_DIAL_H

#include "core/link.h"
#include "core/request.h"
#include "wire/header.h"

struct node;

/*
 * Attach: making links through the overlay, RFC 6940 s6.5.1, and by address to
 * a bootstrap node, s11.4.  No-ICE: the node that sent the AttachReq is the TLS
 * server (CHOICE 23), the one that answered connects to its candidates.
 */

struct dial;

struct dials {
	struct dial *first, *last; /* by age */
	uint32_t n;
};

/* OK with a link; ERR_IN_PROGRESS is followed up inside.  `l` is borrowed. */
typedef void dial_done(struct node *n, void *ctx, enum err r, struct link *l);

/*
 * Attach to the first responsible for, or the node that is, the last entry of
 * `destination`.  `through`: 0, or the link on which it leaves.  With
 * `send_update` the other side is asked for an Update once the link is up.
 * `done` is called when the link is up, never from inside: a node that is
 * attached already is reported in a later turn.  ERR_UNSUPPORTED without an
 * address to listen on, ERR_FULL, ERR_NOMEM.
 */
enum err dial_attach(struct node *n, const struct destination_list *destination,
		     uint32_t through, bool send_update, dial_done *done,
		     void *ctx) MUST_CHECK;
/* A link to an address, by TLS or else by DTLS, to whatever node answers there.
 * `done` is called as soon as one may send; `l->up` comes with the first
 * answer.  ERR_UNSUPPORTED when neither is permitted, ERR_FULL, ERR_NOMEM. */
enum err dial_address(struct node *n, const struct ip_address_port *address,
		      dial_done *done, void *ctx) MUST_CHECK;

/* Was the AttachReq answered of a dial_attach() with these? */
bool dial_answered(const struct node *n, dial_done *done, const void *ctx);

/* Has this node connected to us while we Attach to whoever is responsible for
 * something, and it may be that one, whose answer is slower? */
bool dial_comes(const struct node *n, const struct node_id *id);

/* The node at the other end has sent an Update on this link. */
void dial_claimed(struct node *n, struct link *l);

/* AttachReq, s6.5.1.2. */
request_handler dial_on_attach;

/* A link may be used, has heard from its other side, is gone.  Also by the
 * number of a connection that never came up. */
void dial_link_open(struct node *n, struct link *l);
void dial_link_up(struct node *n, struct link *l);
/* A Ping to whoever is at the other end: both sides see the link up, and which
 * of its Node-IDs this node uses. */
void dial_greet(struct node *n, struct link *l);
void dial_link_down(struct node *n, uint32_t number, enum err why);
void dial_timer(struct node *n, struct timer *t);
void dial_clear(struct node *n);

#endif
