/* SPDX-License-Identifier: ISC */
#ifndef CORE_LINK_H
#define CORE_LINK_H

#include "base/buf.h"
#include "base/heap.h"
#include "core/limits.h"
#include "core/sr.h"
#include "core/table.h"
#include "crypto/crypto.h"
#include "wire/attach.h"

struct node;
struct event;
struct framed_message;
struct ring_link;

/* A data frame that was sent and has no ACK yet. */
struct link_sent {
	uint64_t at_us;
	uint32_t sequence;
	uint32_t len; /* bytes of the message */
};

/*
 * One hop: a (D)TLS connection with framing, acknowledgements and round-trip
 * times, RFC 6940 s6.6.  It exists from EV_LINK_UP on, when one may send; those
 * that are `up` are the Connection Table.
 */
struct link {
	struct link *prev, *next; /* by age */
	UT_hash_handle hh;        /* by number */
	uint32_t number;
	uint64_t serial;        /* counts the links of this node */
	struct cert *cert;      /* one reference */
	struct node_id node_id; /* of the other side: the one that was attached,
				   else the certificate's first */
	struct ip_address_port address;
	/* Where its node accepts links, as its Attach said; type 0: unknown. */
	struct ip_address_port listen;
	bool outgoing; /* this node connected */
	bool entry;    /* made by dial_address(): the way into the overlay */
	bool up;       /* a frame or ACK has come */
	bool attached; /* made by an Attach: both sides are bound to their
			  Node-IDs */
	bool suspect;  /* no ACK in time: not for routing, s6.6.3.1, s6.6.5 */
	bool routable; /* its node sent an Update: messages may go through it,
			  s6.5.1; peers only; ring.c sets it */
	bool closed;   /* gone; the memory is there until the step ends */
	bool datagram; /* DTLS: a frame is a record, which may be lost */
	uint32_t mtu;  /* bytes of a message that fits; 0: any */
	uint64_t heard_us; /* when something last came */
	struct timer timer;
	struct buf in; /* a frame not yet whole */

	/* Sending.  RTT and RTO as RFC 6298 s2, in us; srtt 0: not measured. */
	uint32_t next_sequence;
	uint64_t srtt_us, rttvar_us, rto_us;
	struct sr *sr;          /* datagram links; the others: */
	struct link_sent *sent; /* a ring of `sent_cap` */
	uint32_t sent_first, n_sent, sent_cap;
	uint64_t sent_bytes;
	uint64_t last_ack_us;

	/* Receiving: the 32 most recent sequence numbers, a ring. */
	uint32_t received[32];
	uint32_t n_received, received_next;

	struct ring_link *ring; /* what ring.c knows of it; NULL: nothing */

	uint32_t n_reassemblies; /* frag.c: begun here */
	size_t reassembly_bytes;

	uint16_t opaque; /* the opaque ID that stands for it, 0: none; opaque.c
			  */
};

struct links {
	struct link *first, *last;
	struct link *by_number; /* uthash */
	uint32_t n;
	uint32_t last_number; /* of FX_CONNECT */
	uint64_t last_serial;
	uint32_t again_permille; /* of the messages on datagram links, lately,
				    so many were acknowledged only after they
				    had been sent again */
	struct link *closed;     /* freed when the step ends */
};

/* The link to a node, best first (attached before others, newest first); NULL
 * if none is up and not suspect. */
struct link *link_find(const struct node *n, const struct node_id *id);
/* As link_find, an attached one or none. */
struct link *link_find_attached(const struct node *n, const struct node_id *id);
struct link *link_by_number(const struct node *n, uint32_t number);
/* Is there room for so many messages, of so many bytes together?  A link whose
 * frames pile up without ACK has none. */
bool link_has_room(const struct link *l, uint32_t n_messages, size_t bytes);
/* Frames and sends one message (whole or a fragment), or drops it where there
 * is no room: s6.2.1 repairs.  ERR_NOMEM. */
enum err link_send(struct node *n, struct link *l,
		   struct slice message) MUST_CHECK;
/* Closes and tells ring, dial, txn; `l` is gone after the step. */
void link_close(struct node *n, struct link *l, enum err why);
/* A number for FX_CONNECT. */
uint32_t link_number(struct node *n);

/* For sr.c.  A frame goes out; a round trip was measured, RFC 6298 s2; no ACK
 * came in time: out of routing. */
enum err link_emit(struct node *n, const struct link *l,
		   struct slice frame) MUST_CHECK;
void link_measured(struct link *l, uint64_t rtt_us, uint64_t rto_min_us);
void link_suspect(struct node *n, struct link *l);
/* Does this node see so much loss on its datagram links... */
bool link_much_lost(const struct node *n);
/* ...that the silence of this one means little? */
bool link_patient(const struct node *n, const struct link *l);

/* For link_bytes.c.  A frame has come; an ACK has. */
void link_heard(struct node *n, struct link *l);
void link_acked(struct node *n, struct link *l, const struct framed_message *f);

/* EV_LINK_UP, EV_BYTES, EV_LINK_DOWN. */
enum err link_opened(struct node *n, const struct event *ev) MUST_CHECK;
void link_bytes(struct node *n, const struct event *ev);
void link_lost(struct node *n, const struct event *ev);

void link_timer(struct node *n, struct timer *t);
/* The step ends: frees what was closed. */
void link_sweep(struct node *n);
void link_clear(struct node *n);

#endif
