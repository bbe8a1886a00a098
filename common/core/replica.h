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

/* A member of the replica set: it has (has_from, own], or nothing. */
struct replica_member {
	struct node_id id;
	bool has;
	struct node_id has_from;
	uint64_t not_before_us; /* hold-down, s10.7.1 */
	struct replica_job *job;
};

struct replicas {
	struct replica_wait *waits;
	struct replica_copy *copies; /* slots on their way */
	uint32_t n_copies;
	/* repair.c */
	struct replica_member members[REPLICAS];
	size_t n_members;
	struct replica_job *jobs;
	struct timer hold;  /* the next hold-down's end */
	struct timer sweep; /* looks for what is no longer ours, s10.7.3 */
	bool sweep_all;     /* at all that is not owned */
};

/* Called by node.c, for TIMER_REPLICA and node_free(). */
void replica_timer(struct node *n, struct timer *t);
void replica_clear(struct node *n);

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

/* The neighbours changed, or this node entered the ring (ring.c says so). */
void replica_ring_changed(struct node *n, bool after_failure);
/*
 * Sends to `to` all in (from, until], as replicas: a joining node gets its
 * range (s10.5, 6).  `done` when the last was answered, never from inside;
 * ERR_TIMEOUT or ERR_LINK_CLOSED when it cannot be reached.  What is stored in
 * the range goes there too, until a while after.
 */
typedef void replica_handed_over(struct node *n, void *ctx, enum err r);
enum err replica_hand_over(struct node *n, const struct node_id *to,
			   const struct node_id *from,
			   const struct node_id *until,
			   replica_handed_over *done, void *ctx) MUST_CHECK;
/* Before a Leave: nothing is held down any more; are all copies made? */
void replica_hurry(struct node *n);
bool replica_idle(const struct node *n);

#endif
