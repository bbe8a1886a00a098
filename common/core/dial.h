/* SPDX-License-Identifier: ISC */
#ifndef CORE_DIAL_H
#define CORE_DIAL_H

#include "core/link.h"
#include "wire/header.h"

struct node;

/*
 * Attach: making links through the overlay, RFC 6940 s6.5.1, and by address to a
 * bootstrap node, s11.4.  No-ICE: the node that sent the AttachReq is the TLS
 * server (CHOICE 23), the one that answered connects to its candidates.
 */

struct dials; /* dial.c */

/* OK with the link up; ERR_IN_PROGRESS is followed up inside.  `l` is borrowed. */
typedef void dial_done(struct node *n, void *ctx, enum err r, struct link *l);

/* Attach to the first responsible for, or the node that is, the last entry of
 * `destination`.  `through`: 0, or the link on which it leaves.  With `send_update`
 * the other side is asked for an Update once the link is up.  A node that is linked by
 * an Attach already is reported at once (in a later step). */
enum err dial_attach(struct node *n, const struct destination_list *destination,
		     uint32_t through, bool send_update, dial_done *done,
		     void *ctx) MUST_CHECK;
/* A TLS link to an address, to whatever node answers there. */
enum err dial_address(struct node *n, const struct ip_address_port *address,
		      dial_done *done, void *ctx) MUST_CHECK;

#endif
