/* SPDX-License-Identifier: ISC */
#ifndef LINE_H
#define LINE_H

#include "unit.h"

#include "../sim/world.h"
#include "core/state.h"

/*
 * Two nodes and one datagram link between them, under a virtual clock, with
 * records that are lost, late and twice.  Node 0 sends messages that carry a
 * number and mean nothing; node 1 acknowledges.  Asserts for every frame that
 * it fits in a record.
 */

enum {
	LINE_MESSAGES_MAX = 1 << 16,
	LINE_SENT_MAX = 1 << 18,
	LINE_MTU = 1200 /* bytes of a frame */
};

/* A data frame that node 0 sent. */
struct line_sent {
	uint64_t at_us;
	uint32_t sequence;
	uint32_t message;
	uint32_t len; /* of the frame */
};

struct line_packet {
	struct line_packet *next;
	uint64_t due_us;
	unsigned to; /* a node, or LINE_OTHER */
	size_t len;
	uint8_t bytes[];
};

enum { LINE_OTHER = 2 }; /* somebody else's traffic, on the same line */

struct line {
	struct world *w;
	struct node *node[2];
	struct link *link[2]; /* NULL: closed */
	uint32_t mtu;
	uint64_t now_us;
	struct line_packet *packets; /* on their way, by due_us */
	struct buf trace;            /* node 0's */

	/* What the line does, both ways but for the rate. */
	uint64_t delay_us, jitter_us;
	uint32_t loss_permille, twice_permille;
	uint64_t rate;        /* bytes a second from 0 to 1; 0: any */
	uint64_t buffer;      /* bytes that wait for it */
	uint64_t busy_us;     /* it is at work until then */
	uint32_t n_tail_drop; /* what found no room */
	/* True: this one is lost.  `from` is a node.  May be NULL. */
	bool (*lose)(struct line *l, unsigned from,
		     const struct framed_message *f);
	void *ctx;

	struct line_sent *sent;
	uint32_t n_sent;
	uint8_t *arrived; /* [message]: how often */
	uint32_t n_arrived;
	uint32_t n_acks[2]; /* that a node sent */

	/* Messages that node 0 sends as soon as it has room. */
	uint32_t feed, fed, feed_len;

	/* The other flow: what arrives of it, and when it wants to be called */
	void (*other)(struct line *l, const struct line_packet *p);
	uint64_t other_us;
};

void line_open(struct line *l, uint32_t mtu);
void line_close(struct line *l);
/* Node 0 sends a message of `len` bytes. */
void line_send(struct line *l, uint32_t message, uint32_t len);
/* A record comes to a node, from nowhere. */
void line_record(struct line *l, unsigned to, struct slice bytes);
void line_data(struct line *l, unsigned to, uint32_t sequence,
	       uint32_t message);
void line_ack(struct line *l, unsigned to, uint32_t sequence,
	      uint32_t received);
void line_run(struct line *l, uint64_t us);
/* Until so many messages have arrived; how long that took.  Fails after an hour
 * of virtual time. */
uint64_t line_run_until(struct line *l, uint32_t n_arrived);
/* Puts something else on the way from 0 to 1. */
void line_other(struct line *l, bool back, struct slice bytes);
bool line_traced(const struct line *l, const char *text);

#endif
