/* SPDX-License-Identifier: ISC */
#ifndef CORE_CLIENT_H
#define CORE_CLIENT_H

#include "base/arena.h"
#include "base/heap.h"
#include "core/node.h"
#include "core/txn.h"

struct node;

/*
 * Commands that ask the overlay: Store, Fetch, Stat, Find (client_data.c),
 * Ping, Probe, RouteQuery, the table, any request (client.c).
 */

/* A command under way, from EV_COMMAND to FX_DONE. */
struct client_op {
	struct client_op *prev, *next; /* by age */
	struct arena arena; /* the copy of the command and what it needs */
	struct command command;
	struct timer timer; /* its deadline */
	struct txn *txn;    /* the request at hand, or NULL */
	bool queued;        /* waits for a way into the overlay */
	void *state;        /* client_data.c's, in `arena` */
};

struct clients {
	struct client_op *first, *last;
	uint32_t n;
	bool starting; /* CMD_START is under way: others wait */
};

/* Starts any command but START and LEAVE; its end is FX_DONE. */
enum err client_command(struct node *n, const struct command *c) MUST_CHECK;
/* client_data.c: STORE, FETCH, STAT or FIND, copied, now that there is a way to
 * send.  It ends with client_end(), in this call or in a later one. */
void client_data_start(struct node *n, struct client_op *op);
/*
 * Ends a command; `res` may be NULL for an error without more.  Fills in id and
 * type.  What `res` points to must live in n->arena.  `op` and its arena are
 * gone after it, its txn is cancelled.
 */
void client_end(struct node *n, struct client_op *op, enum err r,
		const struct result *res);
/* The same from the end of a request: its error, info and responder. */
void client_end_txn(struct node *n, struct client_op *op,
		    const struct txn_end *end, struct result *res);

/* An UpdateReq with a whole table has come from a peer: what CMD_TABLE waits
 * for, if it does. */
void client_table(struct node *n, const struct node_id *from,
		  const struct chord_update *update);
/* A link is open, or CMD_START has ended: what waited goes on. */
void client_wake(struct node *n);
void client_timer(struct node *n, struct timer *t);
void client_clear(struct node *n);

#endif
