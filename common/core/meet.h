/* SPDX-License-Identifier: ISC */
#ifndef CORE_MEET_H
#define CORE_MEET_H

#include "base/id.h"
#include "wire/topology.h"

struct node;
struct txn;
struct txn_args;

/*
 * Attaches that the ring needs, RFC 6940 s10.5 step 3, s10.6, s10.7.3: to nodes
 * that others know and to fingers.  A node that was not reached is left alone
 * for a while.
 */

/*
 * Attaches to those of `ids` that would be in the Neighbor Table, source-routed
 * through `via`, from which they were learned; NULL: routed conventionally.
 */
void meet_neighbors(struct node *n, const struct node_id *via,
		    const struct node_id *ids, uint32_t n_ids);
/* The same for one node, whether it would be a neighbour or not. */
void meet_node(struct node *n, const struct node_id *via,
	       const struct node_id *id);
/* To a neighbour whose link has failed: at once, by the ways that are left, and
 * a few times more, s10.7.1. */
void meet_again(struct node *n, const struct node_id *id);
void meet_timer(struct node *n);
/* Attaches to whoever is responsible where finger `i` begins. */
void meet_finger(struct node *n, unsigned i);
/* A Ping, to find out who is there; `args` has the rest. */
enum err meet_ping(struct node *n, struct txn_args *args,
		   struct txn **out) MUST_CHECK;
void meet_clear(struct node *n);

#endif
