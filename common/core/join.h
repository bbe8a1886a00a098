/* SPDX-License-Identifier: ISC */
#ifndef CORE_JOIN_H
#define CORE_JOIN_H

#include "base/heap.h"
#include "core/node.h"
#include "core/request.h"

struct node;
struct txn;

/* Entering and leaving: bootstrap (RFC 6940 s11.4), join (s10.5), Leave
 * (s10.9).
 */

enum join_step {
	JOIN_IDLE,      /* CMD_START has not come */
	JOIN_DIAL,      /* connecting to a bootstrap node; s10.5, 1 */
	JOIN_ATTACH,    /* Attach to own Node-ID + 1; 2 */
	JOIN_TABLE,     /* waiting for the Admitting Peer's Update */
	JOIN_NEIGHBORS, /* Attaches to neighbours and fingers; 3 and 4 */
	JOIN_ASK,       /* JoinReq; 5 */
	JOIN_RECEIVE,   /* values come, then the Update; 6 and 7 */
	JOIN_DONE,      /* in the ring; a client: connected */
	JOIN_WAIT,      /* failed, tried again later */
	JOIN_LEAVING,
	JOIN_LEFT
};

/* A node that wants to join in front of this one. */
struct join_guest {
	struct node_id id;
	uint32_t link;
	struct request *request; /* not yet answered, or NULL */
	struct join_guest *next;
};

struct join {
	enum join_step step;
	struct timer timer;
	bool has_command; /* a START or LEAVE that is not yet done */
	enum command_type command_type;
	uint64_t command;
	uint64_t give_up_us; /* the START's deadline, or NEVER */
	/* The way in. */
	uint32_t *order; /* of the bootstrap nodes in this round */
	uint32_t n_order, entry;
	uint32_t entry_link; /* to the bootstrap node; 0: none */
	struct node_id admitting;
	uint32_t admitting_link;
	uint32_t finger;     /* the next to Attach to, from 1 */
	struct txn *request; /* JoinReq */
	uint32_t failures;   /* rounds without success */
	enum err failed;     /* the last one's reason */
	uint32_t attempt;    /* tells late callbacks of an earlier one apart */
	/* The Admitting Peer's side: guests[0] is being handed its values. */
	struct join_guest *guests;
	bool handing_over;
	uint32_t n_leaves; /* LeaveReqs without answer */
};

/* Called by node.c: at node_new(), node_free(), and for TIMER_JOIN. */
enum err join_init(struct node *n) MUST_CHECK;
void join_clear(struct node *n);
void join_timer(struct node *n, struct timer *t);
/* The handlers of JoinReq and LeaveReq. */
request_handler join_on_join;
request_handler join_on_leave;

/* CMD_START and CMD_LEAVE. */
enum err join_start(struct node *n, const struct command *c) MUST_CHECK;
enum err join_leave(struct node *n, const struct command *c) MUST_CHECK;

/* Called by ring.c. */
/* The ring has lost all its successors: enter again, s10.7.1. */
void join_again(struct node *n);
/* An Update has come from `source` and is in the tables. */
void join_updated(struct node *n, const struct node_id *source,
		  const struct chord_update *u);
/* No Attach of the ring's is under way any more. */
void join_settled(struct node *n);
void join_link_down(struct node *n, const struct link *l);

#endif
