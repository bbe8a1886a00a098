/* SPDX-License-Identifier: ISC */
#ifndef CORE_RING_H
#define CORE_RING_H

#include "base/heap.h"
#include "base/id.h"
#include "core/limits.h"
#include "core/link.h"
#include "core/request.h"
#include "wire/topology.h"

struct node;
struct txn;

/*
 * CHORD-RELOAD's tables, RFC 6940 s10: who is responsible, who is next, who are
 * the neighbours and fingers.  ring.c owns the tables, update.c the Updates,
 * stabilise.c what runs by the clock.  Knows nothing of data.
 */

/* What the ring knows of one link that is up: an entry of the Connection Table.
 */
struct ring_link {
	uint32_t number;
	struct node_id id;
	struct node_id distance; /* from this node, clockwise */
	bool attached;           /* as struct link's */
	bool peer;        /* in the overlay, as its own Update, or the Admitting
			     Peer, said; joining: Attached to as to a peer */
	bool left;        /* it has sent a Leave */
	uint64_t lost_us; /* suspect: when it leaves the tables; or NEVER */
	/* Updates, update.c. */
	uint64_t due_us;     /* when the next one goes, or NEVER */
	uint64_t sent_us;    /* when the last one went */
	uint8_t update_type; /* CHORD_UPDATE_* of the next one */
	struct txn *update;  /* the one without an answer */
	struct ring_link *prev, *next;
};

/* A node that is being Attached to, or was not reached a short while ago. */
struct ring_dial {
	struct node *node;
	struct node_id id; /* all zero: whoever is responsible for a finger */
	uint32_t finger;   /* the finger it is for, from 1; 0: a neighbour */
	bool failed;
	uint64_t until_us; /* failed: not tried again before */
	struct ring_dial *prev, *next;
};

struct ring_finger {
	struct node_id id;
	bool valid; /* a node of the finger's own range, RFC 6940 s10.7.4.2 */
};

struct ring {
	/* Nearest first: predecessors[0] is the predecessor. */
	struct node_id predecessors[NEIGHBORS_MAX];
	struct node_id successors[NEIGHBORS_MAX];
	uint32_t n_predecessors, n_successors;
	bool responsible; /* JOINED: this node owns (predecessor, own] */
	/* fingers[0] is the first, half a ring away.  An entry that is not
	 * valid holds the closest preceding peer. */
	struct ring_finger fingers[FINGERS_MAX];
	uint32_t n_fingers;
	struct ring_link *links;   /* all that are up, in the order they came */
	struct ring_link **sorted; /* the peers among them, by distance */
	uint32_t n_sorted, sorted_max;
	struct ring_dial *dials;
	uint32_t n_dials;        /* those under way */
	uint64_t changed_us;     /* when the neighbours last changed */
	struct timer updates;    /* the next link's due_us */
	struct timer lost;       /* the next link's lost_us */
	struct timer search;     /* for fingers, s10.7.4.2 */
	struct timer partition;  /* s10.7.4.4 */
	struct txn *finger_ping; /* its finger: */
	uint32_t finger_sought;
	uint32_t partition_link; /* to the bootstrap node asked; 0: none */
	uint32_t partition_next; /* whom to ask next */
	struct txn *partition_ping;
};

/* Called by node.c: at node_new(), node_free(), and for TIMER_RING. */
enum err ring_init(struct node *n) MUST_CHECK;
void ring_clear(struct node *n);
void ring_timer(struct node *n, struct timer *t);
/* The handlers of UpdateReq (also in a client) and RouteQueryReq. */
request_handler ring_on_update;
request_handler ring_on_route_query;

/* Is this node responsible for the ID: joined, and predecessor < id <= own? */
bool ring_responsible(const struct node *n, const struct node_id *id);
/* The connected peer to which a message for `id` goes next, s10.3, or NULL:
 * this node is responsible for it or knows no way.  In a client: a peer it is
 * connected to. */
struct link *ring_next_hop(struct node *n, const struct node_id *id);
/* The nodes that keep copies of what this node owns: its next two successors.
 */
size_t ring_replicas(const struct node *n, struct node_id out[REPLICAS]);
/*
 * May `sender` store replica copies for `id` here, s7.4.1.1 and s10.4?  This
 * node is in the replica set, and so is the sender, or it is closer than one of
 * them. Holds before this node has joined as well: so come the values that the
 * Admitting Peer hands over, s10.5.
 */
bool ring_accepts_replica(const struct node *n, const struct node_id *id,
			  const struct node_id *sender);
/* Does this node belong to the replica set of `id` (owner included): at most
 * two predecessors lie between? */
bool ring_in_replica_set(const struct node *n, const struct node_id *id);
/* Response check 2, s6.3.4: is `responder` at least as close to `id` as any
 * node in the Neighbor Table?  (A client: of the peers it is connected to,
 * CHOICE 31.)
 */
bool ring_close_enough(const struct node *n, const struct node_id *id,
		       const struct node_id *responder);
/* The range this node owns: (from, to]. */
void ring_range(const struct node *n, struct node_id *from, struct node_id *to);
/* The Routing Table as an Update of type full, s10.7; memory in n->arena. */
enum err ring_table(struct node *n, struct chord_update *out) MUST_CHECK;

/* Called by link.c and dial.c: a link is up, or what it says of itself
 * (attached, node_id) has changed. */
void ring_link_up(struct node *n, struct link *l);
/* Before `l` is freed. */
void ring_link_down(struct node *n, const struct link *l);
/* A link that had been suspect has answered again, or has become suspect. */
void ring_link_suspect(struct node *n, const struct link *l);
/* Called by dial.c once a link is up whose other side sent an AttachReq with
 * send_update: it gets an Update, s6.4.2.3. */
void ring_update_wanted(struct node *n, const struct link *l);

#endif
