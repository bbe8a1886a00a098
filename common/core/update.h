/* SPDX-License-Identifier: ISC */
#ifndef CORE_UPDATE_H
#define CORE_UPDATE_H

#include "core/link.h"
#include "core/request.h"
#include "wire/topology.h"

struct node;
struct ring_link;

/* Updates and RouteQuery, RFC 6940 s10.7, s10.8. */

/* The handlers of UpdateReq (also in a client) and RouteQueryReq. */
request_handler update_on_update;
request_handler update_on_route_query;

/* Called by dial.c once a link is up whose other side sent an AttachReq with
 * send_update: it gets an Update, s6.4.2.3. */
void update_wanted(struct node *n, const struct link *l);

/* Called by ring.c.  An Update to every link; to one, of a CHORD_UPDATE_* or 0,
 * what fits.  At most one a link in UPDATE_GAP_US; none before this node is in
 * the ring. */
void update_all(struct node *n);
void update_link(struct node *n, struct ring_link *r, uint8_t type);
/* At once, whatever went before. */
void update_now(struct node *n, struct ring_link *r, uint8_t type);
void update_link_down(struct node *n, struct ring_link *r);
void update_timer(struct node *n);

#endif
