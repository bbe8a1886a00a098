/* SPDX-License-Identifier: ISC */
/*
 * A torn ring, RFC 6940 s10.7.4.4: from time to time a bootstrap node is asked
 * who comes after this one; if that is not the successor, there is another ring
 * to merge with.
 */
#include "core/way.h"
#include "core/meet.h"
#include "core/partition.h"
#include "core/state.h"

/* The link to the bootstrap node that was asked is kept for the Attach through
 * it. */
#define PARTITION_LINK_US (30 * UINT64_C(1000000))
#define URGENT_FOR_US     (300 * UINT64_C(1000000))

enum {
	URGENT_S = 20, /* between two questions, in an urgent case */
	FEW = 3        /* successors that there ought to be, s10.7 */
};

/* A ring that has just lost nodes, and has few left, may have been torn: others
 * may be in the other part.  So may a node that is alone. */
static bool is_urgent(const struct node *n)
{
	const struct ring *ring = &n->ring;

	return ring->n_successors == 0 ||
	       (ring->n_successors < FEW &&
		n->now.mono_us - ring->changed_us < URGENT_FOR_US);
}

static void partition_later(struct node *n)
{
	uint32_t s = n->overlay->chord_update_interval_s;

	n->ring.asking = false;
	if (s > URGENT_S && is_urgent(n))
		s = URGENT_S;
	node_timer(n, &n->ring.partition, TIMER_RING, ring_around_us(n, s));
}

static void drop_partition_link(struct node *n)
{
	struct link *l = n->ring.partition_link == 0
				 ? NULL
				 : link_by_number(n, n->ring.partition_link);

	n->ring.partition_link = 0;
	if (l != NULL && !l->closed && !l->attached)
		link_close(n, l, ERR_LINK_CLOSED);
}

/* Whoever owns n + 1 is the successor, or belongs to another ring. */
static void partition_answered(struct node *n, void *ctx,
			       const struct txn_end *end)
{
	const struct ring *ring = &n->ring;
	const struct link *l = link_by_number(n, ring->partition_link);

	(void)ctx;
	n->ring.partition_ping = NULL;
	if (end->err == OK && l != NULL && !id_eq(&end->responder, &n->id) &&
	    (ring->n_successors == 0 ||
	     !id_eq(&end->responder, &ring->successors[0]))) {
		node_trace(n, "partition: %s is there",
			   id_short(&end->responder).s);
		meet_node(n, &l->node_id, &end->responder);
	}
	/* The link stays for the Attach that goes through it. */
	node_timer(n, &n->ring.partition, TIMER_RING,
		   n->now.mono_us + PARTITION_LINK_US);
}

static void partition_dialed(struct node *n, void *ctx, enum err r,
			     struct link *l)
{
	struct txn_args args = { .done = partition_answered };
	struct destination *to;
	struct node_id next;

	(void)ctx;
	if (r != OK || !n->ring.asking) {
		if (r == OK)
			link_close(n, l, ERR_LINK_CLOSED);
		else
			partition_later(n);
		return;
	}
	n->ring.partition_link = l->number;
	args.link = l->number;
	id_next(&next, &n->id);
	/* CHOICE: to Resource-ID n + 1, erratum 5530; routed through it. */
	if ((to = arena_zalloc(&n->arena, 2, sizeof(*to))) == NULL ||
	    txn_to_resource(n, &next, &args.destination) != OK) {
		node_failed(n, ERR_NOMEM);
		partition_later(n);
		return;
	}
	to[0] = destination_node(&l->node_id);
	to[1] = args.destination.v[0];
	args.destination = (struct destination_list){ to, 2 };
	if (meet_ping(n, &args, &n->ring.partition_ping) != OK)
		partition_later(n);
}

void partition_check(struct node *n)
{
	struct ring *ring = &n->ring;
	const struct ip_address_port *a;

	drop_partition_link(n);
	if (ring->asking) { /* the link had to stay for a while */
		partition_later(n);
		return;
	}
	a = way_address(n, ring->partition_entry++, true);
	ring->asking = a != NULL;
	if (a == NULL || dial_address(n, a, partition_dialed, NULL) != OK)
		partition_later(n);
}

void partition_start(struct node *n)
{
	partition_later(n);
}

void partition_ring_changed(struct node *n)
{
	uint64_t at = n->now.mono_us + URGENT_S * UINT64_C(1000000);

	if (!n->ring.asking && is_urgent(n) && n->ring.partition.pos != 0 &&
	    n->ring.partition.at_us > at)
		partition_later(n);
}

void partition_stop(struct node *n)
{
	struct ring *ring = &n->ring;

	heap_cancel(&n->timers, &ring->partition);
	txn_cancel(n, ring->partition_ping);
	ring->partition_ping = NULL;
	ring->asking = false;
	drop_partition_link(n);
}
