/* SPDX-License-Identifier: ISC */
#ifndef CORE_SR_H
#define CORE_SR_H

#include "base/err.h"
#include "base/slice.h"
#include "core/limits.h"

struct link;
struct node;
struct sr_message;

/*
 * Simple Reliability, the sender: frames of a datagram link are sent until they
 * are acknowledged, RFC 6940 s6.6.3.  A window of them is on its way at once.
 */

/* Messages in the order in which they were given. */
struct sr_list {
	struct sr_message *first, *last;
};

/* One frame that was sent; its sequence number is its place. */
struct sr_sent {
	struct sr_message *message; /* NULL: done with */
	uint64_t at_us;
	uint32_t len; /* bytes of the frame */
	uint8_t fate; /* enum sr_fate */
};

/* What the other side's bits of `received` are worth. */
enum sr_mask { SR_MASK_UNKNOWN, SR_MASK_OURS, SR_MASK_OTHER };

struct sr {
	struct sr_sent *sent; /* a ring of `cap`, the last at next_sequence-1 */
	uint32_t sent_first, n_sent, sent_cap;
	struct sr_list waiting; /* not sent yet */
	struct sr_list lost;    /* to be sent again, before others */
	struct sr_list flying;  /* sent last time, neither lost nor ACKed */
	uint32_t n_messages;    /* in the three */
	size_t bytes;           /* of their frames */
	uint64_t last_serial;

	/* Congestion, RFC 5681 in bytes of frames. */
	uint64_t window, threshold;
	uint64_t in_flight;
	uint64_t credit;  /* ACKed since the window grew */
	uint32_t recover; /* losses before this number are one event */
	uint32_t judged;  /* frames before this one are known to be lost or
			     not */
	uint32_t reorder; /* how many later frames may overtake one */
	uint64_t pace_us; /* the next frame goes not before */
	uint64_t sent_us; /* the last one went */
	uint64_t rto_from_us;
	uint64_t silent_us; /* timeouts > 0: when the first wait began */
	uint8_t timeouts;   /* in a row, without an ACK */
	uint8_t mask;       /* enum sr_mask */
};

/* Before the first use; l->mtu is set.  ERR_NOMEM. */
enum err sr_init(struct link *l) MUST_CHECK;
/* Is there room for so many messages, of so many bytes together? */
bool sr_has_room(const struct link *l, uint32_t n_messages, size_t bytes);
/* Takes in a message, and sends what the window allows.  What does not fit in a
 * record or finds no room is dropped: s6.2.1 repairs.  ERR_NOMEM. */
enum err sr_send(struct node *n, struct link *l,
		 struct slice message) MUST_CHECK;
/* An ACK has come.  True when it was of something that had none yet. */
bool sr_ack(struct node *n, struct link *l, uint32_t sequence,
	    uint32_t received);
/* Sends what may be sent now. */
void sr_push(struct node *n, struct link *l);
/* The link's timer: no ACK for an RTO, or the next frame is due. */
void sr_timer(struct node *n, struct link *l);
void sr_clear(struct link *l);

#endif
