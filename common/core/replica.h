/* SPDX-License-Identifier: ISC */
#ifndef CORE_REPLICA_H
#define CORE_REPLICA_H

#include "base/heap.h"
#include "core/limits.h"
#include "core/storage.h"

struct node;

/* Copies: after a Store, after the replica set changed, and hand-over on join
 * and leave.  RFC 6940 s10.4, s10.5 step 6, s10.7.3. */

struct replica_wait; /* replica.c: a Store that waits for its copies */
struct replica_job;  /* repair.c: a range on its way to a node */

/* A member of the replica set: it has (has_from, own]. */
struct replica_member {
	struct node_id id;
	bool has; /* anything at all, from has_from on */
	struct node_id has_from;
	uint64_t not_before_us; /* hold-down, s10.7.1 */
	struct replica_job *job;
};

struct replicas {
	struct replica_member members[REPLICAS];
	size_t n_members;
	struct replica_wait *waits;
	struct replica_job *jobs;
	uint32_t n_copies;  /* slots on their way */
	struct timer timer; /* hold-down */
	struct timer sweep; /* what is no longer ours, s10.7.3 */
	bool sweep_all;     /* the next sweep looks at all that is not owned */
};

/* Called by node.c: at node_new(), node_free(), and for TIMER_REPLICA. */
enum err replica_init(struct node *n) MUST_CHECK;
void replica_clear(struct node *n);
void replica_timer(struct node *n, struct timer *t);

/* One value that a Store changed, by slot and key (as in struct record). */
struct replica_value {
	struct node_id resource;
	uint32_t kind;
	struct slice key;
};

/* Which copy reached whom: `nodes` have answered the replica Stores with
 * success within STORE_REPLICA_WAIT_US. */
typedef void replica_done(struct node *n, void *ctx,
			  const struct node_id *nodes, size_t n_nodes);

/*
 * Stores these values, as they are now on disk, at the current replica set;
 * calls `done`, in a later step, when all have answered or the wait is over
 * (CHOICE 28).  The values are of one resource and sorted by Kind; they are
 * copied.
 */
enum err replica_store(struct node *n, const struct replica_value *v,
		       size_t n_v, replica_done *done, void *ctx) MUST_CHECK;
/* The neighbours changed (ring.c says so after each change). */
void replica_ring_changed(struct node *n, bool after_failure);
/* Sends to `to` all in (from, until]: a joining node gets its range (s10.5, 6),
 * as replicas; `done` when the last was answered.  What is stored in the range
 * before replica_hand_over_end() goes there too. */
typedef void replica_handed_over(struct node *n, void *ctx, enum err r);
enum err replica_hand_over(struct node *n, const struct node_id *to,
			   const struct node_id *from,
			   const struct node_id *until,
			   replica_handed_over *done, void *ctx) MUST_CHECK;
void replica_hand_over_end(struct node *n, const struct node_id *to);
/* Before a Leave: nothing is held down any more; `done` when all copies are
 * made. */
enum err replica_flush(struct node *n, replica_handed_over *done,
		       void *ctx) MUST_CHECK;

#endif
