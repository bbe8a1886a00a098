/* SPDX-License-Identifier: ISC */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <stdbool.h>

#include "base/heap.h"
#include "wire/attach.h"
#include "wire/frame.h"
#include "wire/message.h"

/*
 * TLS over TCP as the core sees it: streams in order, with delay, cut anywhere,
 * up on both sides after a handshake that checks certificates.  And DTLS over
 * UDP: records in any order, some lost, some twice.  Frames can be watched,
 * dropped and replaced on their way.
 */

struct world;
struct host;
struct effect;
struct link_address;

struct net_options {
	uint64_t delay_min_us, delay_max_us; /* one way; both 0: 1 to 20 ms */
	uint32_t cut_permille; /* chance that a delivery is cut in two */
	/* Of datagram links: the largest frame (0: 1200 bytes), and what
	 * becomes of records. */
	uint32_t mtu, record_loss_permille, record_twice_permille;
	/* Of streams: messages that a node between the two might have dropped,
	 * sent twice, or sent by a slower way: their frames are lost and
	 * acknowledged all the same, come twice, or come late by up to
	 * `late_us`, behind others. */
	uint32_t lose_permille, twice_permille, late_permille;
	uint64_t late_us;
};

struct end;

/* One frame that a host sends. */
struct sight {
	uint64_t now_us;
	struct host *from, *to;
	struct end *end; /* the sending one */
	uint32_t conn;   /* the connection, numbered from 1 */
	bool datagram;   /* where a message is sent again until its ACK */
	uint64_t nth;    /* of the frames on it in this direction, from 0 */
	const struct framed_message *frame;
	const struct packet *packet; /* NULL: an ACK, or not decodable */
	/* NULL: not decodable, or a fragment, but for the one that makes the
	 * message whole. */
	const struct message *message;
};

enum verdict {
	NET_PASS,
	NET_DROP,    /* it never arrives; no ACK for it comes */
	NET_SWALLOW, /* it never arrives, and is acknowledged */
	NET_REPLACE  /* this message travels in its place */
};

/* Sees every frame at the moment it is sent.  For NET_REPLACE, `message` gets
 * the message's bytes.  Must not send or step anything. */
typedef enum verdict net_watch(void *ctx, const struct sight *s,
			       struct buf *message);

enum { NET_WATCHES_MAX = 8 };

struct net {
	struct net_options opt;
	struct conn *conns;
	uint32_t n_made;
	bool *blocked; /* [from * hosts_max + to]; NULL: none */
	/* Two hosts that call each other, one after the other with nobody else
	 * between, get one connection that both have called for. */
	bool may_cross;
	struct conn *crossing; /* the last call, while it may be crossed */
	struct {
		net_watch *see;
		void *ctx;
	} watches[NET_WATCHES_MAX];
	uint32_t n_watches;
	uint64_t n_frames;
	uint64_t n_messages; /* data frames */
};

void net_init(struct world *w);
void net_clear(struct world *w);
/* All watchers see all frames; the first verdict but NET_PASS counts. */
void net_watch_add(struct world *w, net_watch *see, void *ctx);

/* Nothing passes from `a` to `b` any more; what is sent waits. */
void net_block(struct world *w, const struct host *a, const struct host *b,
	       bool blocked);
/* Two islands: hosts with an index below `n` and the others. */
void net_split(struct world *w, uint32_t n);
/* Nothing passes from the hosts with an index below `n` to the others. */
void net_split_one_way(struct world *w, uint32_t n);
/* Partitions end, slow links are quick again. */
void net_heal(struct world *w);
/* Breaks every connection between two hosts; both are told. */
void net_cut(struct world *w, const struct host *a, const struct host *b);
uint32_t net_links(const struct host *h);
/* Is a connection up between them? */
bool net_linked(const struct host *a, const struct host *b);

/* For host.c and rogue.c: what a node asks for. */
void net_connect(struct host *h, uint32_t link, const struct link_address *to,
		 const struct node_id *pin);
void net_send(struct host *h, uint32_t link, struct slice bytes);
void net_close(struct host *h, uint32_t link);
/* All links of a host that dies; `silent`: the others are not told. */
void net_drop_host(struct host *h, bool silent);
/* The other side of a link; NULL when it is not up. */
struct host *net_other(const struct host *h, uint32_t link);
/* For world.c: a timer of net.c is due. */
void net_timer(struct world *w, struct timer *t);

#endif
