/* SPDX-License-Identifier: ISC */
#ifndef CORE_REPAIR_H
#define CORE_REPAIR_H

#include "core/replica.h"

struct node;

/* Ranges of values on their way to other nodes: to new members of the replica
 * set, RFC 6940 s10.7.3, and to a node that joins, s10.5. */

/* Called by ring.c: the neighbours changed, or this node entered the ring. */
void repair_ring_changed(struct node *n, bool after_failure);

typedef void repair_done(struct node *n, void *ctx, enum err r);
/*
 * Sends to `to` all in (from, until], as replicas.  `done` when the last was
 * answered, in a later turn; ERR_TIMEOUT, ERR_LINK_CLOSED or ERR_NO_LINK when
 * it cannot be reached.  What is stored in the range goes there too, until a
 * while after.
 */
enum err repair_hand_over(struct node *n, const struct node_id *to,
			  const struct node_id *from,
			  const struct node_id *until, repair_done *done,
			  void *ctx) MUST_CHECK;
/* The nodes to which values at `id` are being handed over. */
size_t repair_takers(const struct node *n, const struct node_id *id,
		     struct node_id *out, size_t max);
/* A copy did not reach a member of the replica set: it is made up for. */
void repair_missed(struct node *n, const struct node_id *to);
/*
 * A peer says in an Update for how long it has been up, RFC 6940 s10.7: a
 * member that was started after it became one, which a link over UDP may not
 * show, may have lost its disk.
 */
void repair_heard(struct node *n, const struct node_id *from,
		  uint32_t uptime_s);
/* Before a Leave: nothing is held down any more; are all copies made? */
void repair_hurry(struct node *n);
bool repair_idle(const struct node *n);
/* This node is not in the ring any more. */
void repair_stop(struct node *n);
void repair_timer(struct node *n);
void repair_clear(struct node *n);

#endif
