/* SPDX-License-Identifier: ISC */
#ifndef CORE_JOIN_H
#define CORE_JOIN_H

#include "base/heap.h"
#include "core/limits.h"
#include "core/node.h"

struct node;
struct txn;
struct link;
struct join_guest;

/* Entering: bootstrap (RFC 6940 s11.4) and join (s10.5). */

enum join_step {
	JOIN_IDLE,      /* CMD_START has not come, or CMD_LEAVE has */
	JOIN_WAIT,      /* failed, tried again later */
	JOIN_DIAL,      /* connecting to a bootstrap node; s10.5, 1 */
	JOIN_PING,      /* after all successors were lost: is a ring there? */
	JOIN_ATTACH,    /* Attach to own Node-ID + 1; 2 */
	JOIN_TABLE,     /* waiting for the Admitting Peer's Update */
	JOIN_NEIGHBORS, /* Attaches to neighbours, then fingers; 3 and 4 */
	JOIN_ASK,       /* JoinReq; 5 */
	JOIN_RECEIVE,   /* values come, then the Update; 6 and 7 */
	JOIN_DONE       /* in the ring; a client: connected */
};

/* A peer this node has been linked with, RFC 6940 s11.4. */
struct join_cached {
	struct node_id id;
	struct ip_address_port address;
};

struct join {
	enum join_step step;
	struct timer timer;   /* of the step */
	struct timer give_up; /* the START's own */
	bool has_command;     /* a START that is not yet done */
	uint64_t command;
	/* The way in. */
	uint32_t entry;       /* bootstrap nodes tried in this round */
	uint32_t entry_first; /* with which it began */
	uint32_t entry_link;  /* to the one being tried; 0: none */
	bool answered;     /* an Attach was, in this round: there is a ring */
	bool came_to_us;   /* the way in being tried is a link that another made
			    */
	bool again;        /* the ring was lost */
	bool met_outsider; /* in this round: one that is in no ring itself */
	bool is_least;     /* of them all, this node included */
	struct node_id admitting;
	uint32_t admitting_link;
	unsigned finger;     /* the next to Attach to, from 1 */
	bool named;          /* the Admitting Peer has called us its
				predecessor */
	struct txn *request; /* Ping or JoinReq */
	uint32_t rounds;     /* without success */
	uint64_t attempt;    /* tells callbacks of earlier ones apart */
	struct join_cached cached[CACHED_PEERS_MAX]; /* newest first */
	uint32_t n_cached;
	/* admit.c: nodes that join in front of this one, first come first. */
	struct join_guest *guests;
	bool handing_over; /* guests is being handed its values */
	bool confirming;   /* it has them, its Update has not come */
	struct timer confirm_timer;
	/* leave.c */
	struct timer leave_timer;
	bool leaving;
	bool asking; /* the first successor, `asked`, whether it stays */
	struct node_id asked;
	uint64_t leave_command;
	struct leave_wait *leaves; /* LeaveReqs without answer */
};

/*
 * CMD_START.  A client is done as soon as it has a link; a peer when it is in
 * the ring.  It fails when no bootstrap node was any use, or its timeout is
 * over; a peer goes on trying all the same, at growing intervals: FX_STATE
 * tells.  Given once more meanwhile, it waits for the same; in the ring it is
 * done at once.
 */
enum err join_start(struct node *n, const struct command *c) MUST_CHECK;
/* TIMER_JOIN; leave_timer is leave.c's. */
void join_timer(struct node *n, struct timer *t);
void join_clear(struct node *n);
/* CMD_LEAVE ends whatever is under way. */
void join_stop(struct node *n);

/* Is an Update on this link to be taken in?  Not before there is an Admitting
 * Peer; its own may be faster than its AttachAns. */
bool join_listens(const struct node *n, uint32_t link);
/* Called by the ring.  All successors are lost: enter again, s10.7.1. */
void join_again(struct node *n);
/* An Update from `source` is in the tables. */
void join_updated(struct node *n, const struct node_id *source,
		  const struct chord_update *u);
/* No Attach of the ring's is under way any more. */
void join_settled(struct node *n);
/* Called by link.c, for every link. */
void join_link_down(struct node *n, const struct link *l);
/* A link is up: in need, it may be a way in. */
void join_link_up(struct node *n, struct link *l);
#endif
