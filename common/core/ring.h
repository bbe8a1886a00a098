/* SPDX-License-Identifier: ISC */
#ifndef CORE_RING_H
#define CORE_RING_H

#include "base/heap.h"
#include "base/id.h"
#include "core/finger.h"
#include "core/limits.h"
#include "core/link.h"
#include "core/request.h"
#include "wire/topology.h"

struct node;
struct txn;
struct meet;

/*
 * CHORD-RELOAD's tables, RFC 6940 s10: who is responsible, who is next, who are
 * the neighbours and fingers.  Knows nothing of data.  Its parts: ring.c has
 * the tables, update.c the Updates, meet.c the Attaches, suspect.c what is
 * silent, finger.c and partition.c what the clock starts.
 */

/* What the ring knows of one link that is up: an entry of the Connection Table.
 */
struct ring_link {
	struct link *link;
	struct node_id id;
	struct node_id distance; /* from this node, clockwise */
	bool attached;           /* as the link's */
	bool peer; /* in the overlay, as its own Update, or the Admitting Peer,
		      said; while joining: Attached to as to a peer */
	bool admitted;       /* by this node; its own Update has not come yet */
	bool left;           /* it has sent a Leave */
	bool lost;           /* suspect for too long: out of the tables */
	uint64_t lost_us;    /* suspect: when it is lost, or NEVER */
	uint64_t doubted_us; /* when a neighbour did not name it; 0: never */
	uint64_t gave_us; /* when a value last came back from it, s6.4.2.3; 0 */
	/* update.c's. */
	uint64_t due_us;     /* when the next Update goes, or NEVER */
	uint64_t sent_us;    /* when the last one went; 0: none yet */
	uint8_t update_type; /* CHORD_UPDATE_* asked for, 0: what fits */
	struct txn *update;  /* the one without an answer */
	struct ring_link *prev, *next;
};

struct ring {
	/* Nearest first: predecessors[0] is the predecessor. */
	struct node_id predecessors[NEIGHBORS_MAX];
	struct node_id successors[NEIGHBORS_MAX];
	uint32_t n_predecessors, n_successors;
	uint32_t n_neighbors; /* as many ought to be on each side */
	bool responsible;     /* JOINED: this node owns (from, own] */
	struct node_id from;  /* the predecessor; own Node-ID without any */
	struct finger fingers[FINGERS_MAX]; /* [0]: half a ring away */
	uint32_t n_fingers;
	struct ring_link *first, *last; /* all links that are up, by age */
	struct ring_link **sorted;      /* the peers among them, by distance */
	uint32_t n_sorted, sorted_cap;
	uint64_t changed_us; /* when the neighbours last changed */
	struct timer lost;   /* the next link's lost_us */
	struct timer update; /* update.c: the next link's due_us */
	struct meet *meets;  /* meet.c */
	uint32_t n_meets;    /* those under way */
	struct timer meet;   /* the next that is tried again */
	/* finger.c */
	struct timer search; /* for fingers */
	uint32_t sought;     /* the finger that finger_ping is for */
	struct txn *finger_ping;
	/* partition.c */
	struct timer partition;   /* s10.7.4.4 */
	bool asking;              /* dialing or pinging */
	uint32_t partition_entry; /* which bootstrap node is next */
	uint32_t partition_link;  /* to the one being asked, 0: none */
	struct txn *partition_ping;
};

void ring_timer(struct node *n, struct timer *t);
void ring_clear(struct node *n);

/* Is this node responsible for the ID: joined, and predecessor < id <= own? */
bool ring_responsible(const struct node *n, const struct node_id *id);
/* Predecessor < id <= own, joined or not yet? */
bool ring_is_in_range(const struct node *n, const struct node_id *id);
/* The connected peer to which a message for `id` goes next, s10.3, or NULL:
 * this node is responsible for it or knows no way.  In a client: a peer it is
 * connected to. */
struct link *ring_next_hop(struct node *n, const struct node_id *id);
/* The connected peer that comes first after `id`, before this node; NULL. */
struct link *ring_after(const struct node *n, const struct node_id *id);
/* The nodes that keep copies of what this node owns: its next two successors.
 */
size_t ring_replicas(const struct node *n, struct node_id out[REPLICAS]);
/*
 * May `sender` store replica copies for `id` here, s7.4.1.1 and s10.4?  This
 * node is in the replica set, and so is the sender, or it is closer than one of
 * them. Holds before this node has joined as well: so come the values that the
 * Admitting Peer hands over, s10.5.
 */
bool ring_accepts_replica(struct node *n, const struct node_id *id,
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
/* Is it in the Neighbor Table? */
bool ring_is_neighbor(const struct node *n, const struct node_id *id);
/* Called by link.c and dial.c: a link is up, or what it says of itself
 * (attached, node_id, routable) has changed. */
void ring_link_up(struct node *n, struct link *l);
/* Before `l` is freed, for every link that was up.  A neighbour that has fallen
 * silent (ERR_TIMEOUT) is Attached to anew, s10.7.1. */
void ring_link_down(struct node *n, const struct link *l, enum err why);

/* For the ring's other files and join's. */

/* The peers have changed: works out the tables and does what follows. */
void ring_refresh(struct node *n, bool failure);

/* NULL when it is not up. */
struct ring_link *ring_link_by_number(const struct node *n, uint32_t number);
/* The attached link to a node, whether it is a peer or not; NULL. */
struct ring_link *ring_link_to(const struct node *n, const struct node_id *id);
/* The node at the other end is a peer of the overlay: this one has Attached to
 * it as to one. */
void ring_found(struct node *n, struct ring_link *r);
/* It joins in front of this one.  It is the predecessor from now on, but what
 * it will own is owned here until its Update says that it is there. */
void ring_admit(struct node *n, struct ring_link *r);
/* It is not, or not any more: it wants to join. */
void ring_dismiss(struct node *n, struct ring_link *r);
/* It has said Leave: as if it had failed, s10.9.  `last`: it knew of no other
 * peer but this one, which keeps the ring then. */
void ring_left(struct node *n, struct ring_link *r, bool last);
/* When an interval is over, more or less: a ring that started together does not
 * act together for ever. */
uint64_t ring_around_us(struct node *n, uint32_t interval_s);
/* This node is in the ring from now on: responsible, and it says so. */
void ring_enter(struct node *n);
/* It is not any more. */
void ring_exit(struct node *n);

#endif
