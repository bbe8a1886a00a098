/* SPDX-License-Identifier: ISC */
#ifndef CORE_RING_H
#define CORE_RING_H

#include "base/heap.h"
#include "base/id.h"
#include "core/limits.h"
#include "core/link.h"
#include "core/request.h"
#include "wire/topology.h"

struct node;

/*
 * CHORD-RELOAD's tables, RFC 6940 s10: who is responsible, who is next, who are
 * the neighbours and fingers; Updates, stabilisation, failure.  Knows nothing
 * of data.
 */

struct ring {
	/* Nearest first: predecessors[0] is the predecessor. */
	struct node_id predecessors[NEIGHBORS_MAX];
	struct node_id successors[NEIGHBORS_MAX];
	uint32_t n_predecessors, n_successors;
	bool responsible; /* JOINED: this node owns (predecessor, own] */
	struct ring_private *p;
};

/* Is this node responsible for the ID: joined, and predecessor < id <= own? */
bool ring_responsible(const struct node *n, const struct node_id *id);
/* The connected peer to which a message for `id` goes next, s10.3, or NULL. */
struct link *ring_next_hop(struct node *n, const struct node_id *id);
/* The nodes that keep copies of what this node owns: its next two successors.
 */
size_t ring_replicas(const struct node *n, struct node_id out[REPLICAS]);
/* May `sender` store replica copies for `id` here, s7.4.1.1 and s10.4? */
bool ring_accepts_replica(const struct node *n, const struct node_id *id,
			  const struct node_id *sender);
/* Does this node belong to the replica set of `id` (owner included): at most
 * two predecessors lie between? */
bool ring_in_replica_set(const struct node *n, const struct node_id *id);
/* Response check 2, s6.3.4: is `responder` at least as close to `id` as any
 * node in the Neighbor Table?  (A client: of the peers it is connected to,
 * CHOICE 31.) */
bool ring_close_enough(const struct node *n, const struct node_id *id,
		       const struct node_id *responder);
/* The range this node owns: (from, to]. */
void ring_range(const struct node *n, struct node_id *from, struct node_id *to);
/* The Routing Table as an Update of type full, s10.7; memory in n->arena. */
enum err ring_table(struct node *n, struct chord_update *out) MUST_CHECK;

/* Called by link.c: a link is up (its first frame or ACK has come); the last
 * one to its node is gone. */
void ring_link_up(struct node *n, struct link *l);
void ring_link_down(struct node *n, const struct link *l);
/* A link that had been suspect has answered again, or has become suspect. */
void ring_link_suspect(struct node *n, const struct link *l);
/* Sends an Update of this type (CHORD_UPDATE_*): an Attach asked for one,
 * s6.4.2.3.
 */
void ring_send_update(struct node *n, struct link *l, uint8_t type);
request_handler ring_on_update;
request_handler ring_on_route_query;
void ring_timer(struct node *n, struct timer *t);
void ring_clear(struct node *n);

#endif
