/* SPDX-License-Identifier: ISC */
#ifndef SIM_STREAM_H
#define SIM_STREAM_H

#include "gather.h"
#include "uthash.h"
#include "world.h"

/*
 * What leaves one side of a connection, and how it fares on its way: delay,
 * order, and what the weather of net_options does to it.  For net.c, which says
 * what an arrival means.
 */

enum item_type { ITEM_SYN, ITEM_ACCEPT, ITEM_FINISH, ITEM_BYTES, ITEM_FIN };

/* Something on its way. */
struct item {
	struct item *next;
	enum item_type type;
	enum err err; /* FIN: why */
	uint64_t due_us;
	size_t off, len;
	uint8_t bytes[];
};

/* One side of a connection, and the stream that leaves it. */
struct end {
	struct conn *conn;
	struct host *host;
	uint32_t incarnation; /* of the host */
	uint32_t link;
	bool live; /* the node knows this link, or waits for it */
	bool up;
	struct timer timer;
	struct item *head, **tail;
	uint64_t last_due_us; /* of what keeps the order */
	uint64_t tail_due_us;
	bool stalled;     /* the next item waits for a partition's end */
	bool raw;         /* what leaves here is no sequence of frames */
	struct buf frame; /* what was sent of a frame not yet whole */
	uint64_t n_frames;
	struct gather *gathers; /* fragments that left, for the watchers */
	UT_hash_handle hh;
};

struct conn {
	uint32_t number;
	struct world *world;
	struct end ends[2]; /* the first one called */
	bool datagram;      /* DTLS over UDP */
	struct timer timer; /* of the call */
	bool pinned;
	struct node_id pin;
	struct conn *prev, *next;
};

/* The other side of its connection. */
struct end *stream_other(const struct end *e);
/* Sends a thing; `err` is a FIN's. */
void stream_push(struct end *e, enum item_type type, enum err err,
		 struct slice bytes);
/* Sends the frame of a message, with what may happen to it on its way through
 * others. */
enum verdict stream_push_message(struct end *e, struct slice bytes);
/* Sets the timer of a stream for its first item. */
void stream_arm(struct end *e);
/* What is on its way is lost. */
void stream_drop(struct end *e);
/* Frees what the end holds, and stops its timer. */
void stream_clear(struct end *e);

#endif
