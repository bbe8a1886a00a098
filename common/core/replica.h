/* SPDX-License-Identifier: ISC */
#ifndef CORE_REPLICA_H
#define CORE_REPLICA_H

#include "base/heap.h"
#include "core/limits.h"
#include "core/storage.h"

struct node;
struct copy;
struct recall;
struct replica_wait;
struct repair_job;
struct resync;
struct sweep;

/* Copies of what is stored here, RFC 6940 s10.4: after a Store.  repair.c makes
 * those that a changed ring needs, sweep.c looks after what is no longer ours.
 */

/* A member of the replica set: it has (has_from, own], or nothing. */
struct replica_member {
	struct node_id id;
	bool has;
	struct node_id has_from;
	uint64_t since_us; /* a member, or known to have been started again */
	uint64_t
		not_before_us; /* hold-down, s10.7.1; a pause after a failure */
	uint32_t failures;
	bool missed;            /* a copy was refused while `job` was at work */
	struct repair_job *job; /* on its way: (job_from, .. */
	struct node_id job_from;
};

struct replicas {
	struct replica_wait *waits;
	struct copy *copies;
	uint32_t n_copies;
	struct resync *resyncs;
	struct recall *recalls;
	uint32_t n_recalls;
	/* repair.c */
	struct replica_member members[REPLICAS];
	size_t n_members;
	struct node_id owned_from; /* the range when it was last looked at */
	struct repair_job *jobs;
	struct timer repair; /* the next not_before_us */
	/* sweep.c */
	struct sweep *sweep; /* under way, or NULL */
	struct timer sweep_timer;
	bool sweep_all; /* the next one looks at all that is not owned */
	uint32_t sweep_failures;
	struct node_id
		third;     /* predecessor, zero: none: beyond it all may go */
	uint64_t third_us; /* since when */
};

/* Called by node.c, for TIMER_REPLICA and node_free(). */
void replica_timer(struct node *n, struct timer *t);
void replica_clear(struct node *n);

/* One value that a Store changed, by slot and key (as in struct record). */
struct replica_value {
	struct node_id resource;
	uint32_t kind;
	struct slice key;
	/* As they are on disk, where that is at hand; NULL: to be read. */
	const struct record *record;
	uint64_t generation; /* what is sent is this one, or a higher one */
};

/* Which copy reached whom: `nodes` have answered the replica Stores with
 * success within STORE_REPLICA_WAIT_US. */
typedef void replica_done(struct node *n, void *ctx,
			  const struct node_id *nodes, size_t n_nodes);

/*
 * Stores these values, as they are now on disk, at the current replica set;
 * calls `done` (may be NULL), in a later turn, when all have answered or the
 * wait is over (CHOICE 28).  The values are of one resource and sorted by Kind;
 * they are copied.
 */
enum err replica_store(struct node *n, const struct replica_value *v,
		       size_t n_v, replica_done *done, void *ctx) MUST_CHECK;
/* Stores these values, of one resource and sorted by Kind, at the one owner
 * whose counters are behind `generation`. */
void replica_remind(struct node *n, const struct node_id *owner,
		    const struct replica_value *v, size_t n_v);

#endif
