/* SPDX-License-Identifier: ISC */
#ifndef CORE_WAY_H
#define CORE_WAY_H

#include "core/link.h"

struct node;

/*
 * The ways into the overlay, RFC 6940 s11.4: bootstrap nodes, then cached
 * peers; this node's own address is left out.
 */

uint32_t way_count(const struct node *n);
/* One of them, `i` counts round.  NULL: there are none; or it is a cached peer
 * that this node is linked with, and `strangers` are wanted. */
const struct ip_address_port *way_address(const struct node *n, uint32_t i,
					  bool strangers);
/* The node at the other end is a peer: it may be a way in, some day. */
void way_remember(struct node *n, const struct link *l);

#endif
