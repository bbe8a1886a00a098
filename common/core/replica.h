/* SPDX-License-Identifier: ISC */
#ifndef CORE_REPLICA_H
#define CORE_REPLICA_H

#include "base/heap.h"
#include "core/storage.h"

struct node;

/* Copies: after a Store, after the replica set changed, and hand-over on join
 * and leave.  RFC 6940 s10.4, s10.5 step 6, s10.7.3. */

struct replicas {
	struct timer timer;
};

/* Which copy reached whom: `nodes` answered the replica Stores within
 * STORE_REPLICA_WAIT_US. */
typedef void replica_done(struct node *n, void *ctx,
			  const struct node_id *nodes, size_t n_nodes);

/* Stores these slots, as they are now on disk, at the current replica set;
 * calls `done` when all have answered or the wait is over (CHOICE 28). */
enum err replica_store(struct node *n, const struct slot *slots, size_t n_slots,
		       replica_done *done, void *ctx) MUST_CHECK;
/* The neighbours changed (ring.c says so after each change). */
void replica_ring_changed(struct node *n, bool after_failure);
/* Sends to `to` all in (from, until]: a joining node gets its range (s10.5, 6);
 * `done` when the last was answered. */
typedef void replica_handed_over(struct node *n, void *ctx, enum err r);
enum err replica_hand_over(struct node *n, const struct node_id *to,
			   const struct node_id *from,
			   const struct node_id *until,
			   replica_handed_over *done, void *ctx) MUST_CHECK;
void replica_timer(struct node *n, struct timer *t);
void replica_clear(struct node *n);

#endif
