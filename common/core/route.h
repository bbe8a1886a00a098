/* SPDX-License-Identifier: ISC */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/link.h"
#include "wire/header.h"

struct node;

/* Where messages go, RFC 6940 s6.1 and s6.2. */

struct return_paths; /* route.c: links of clients, by transaction, CHOICE 30 */

/*
 * Picks the link on which a message for `dest` leaves; NULL when this node is
 * responsible for it or knows no way.  Connection Table first, then the plug-in,
 * RFC 6940 s6.1.2.
 */
struct link *route_next_hop(struct node *n, const struct destination *dest,
			    uint64_t transaction_id);

#endif
