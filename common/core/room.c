/* SPDX-License-Identifier: ISC */
/*
 * Whether a node that has as many links as it may has one more, and which one
 * it gives up for it: never a neighbour's or one by which this node waits for
 * an answer; of the others the one that has been silent for longest.  A
 * neighbour may have a finger's in the end, and need not wait until one is
 * idle.  The Neighbor Table is RFC 6940 s10.7's; whom it is made of is
 * neighbor.c's.
 */
#include "core/room.h"

#include "core/neighbor.h"
#include "core/state.h"

/* A link is idle when nothing came for so long. */
#define IDLE_US (30 * UINT64_C(1000000))

static uint32_t most(const struct node *n)
{
	return n->cfg.links_max != 0 ? n->cfg.links_max : LINKS_MAX;
}

static bool is_finger(const struct node *n, const struct link *l)
{
	const struct ring *ring = &n->ring;

	for (uint32_t i = 0; i < ring->n_fingers; i++)
		if (id_eq(&ring->fingers[i].id, &l->node_id))
			return true;
	return false;
}

static bool is_busy(const struct node *n, const struct link *l)
{
	return l->closed || l->entry || l->number == n->join.entry_link ||
	       l->number == n->join.admitting_link ||
	       l->number == n->ring.partition_link ||
	       txn_awaits_link(n, l->number);
}

static bool is_worse(const struct node *n, const struct link *a,
		     const struct link *b)
{
	bool finger = is_finger(n, a);

	return finger != is_finger(n, b) ? !finger : a->heard_us < b->heard_us;
}

/* The link that goes for one to this node; NULL: none. */
static struct link *least_useful(const struct node *n, const struct node_id *id)
{
	struct link *worst = NULL;

	for (struct link *l = n->links.first; l != NULL; l = l->next)
		if (!is_busy(n, l) && !neighbor_near(n, &l->node_id) &&
		    (worst == NULL || is_worse(n, l, worst)))
			worst = l;
	if (worst != NULL && !neighbor_near(n, id) &&
	    (is_finger(n, worst) || n->now.mono_us - worst->heard_us < IDLE_US))
		return NULL;
	return worst;
}

static bool has_too_many(const struct node *n, const struct node_id *id)
{
	uint32_t own = 0;

	if (n->links.n < LINKS_PER_NODE_MAX)
		return false;
	for (const struct link *l = n->links.first; l != NULL; l = l->next)
		own += id_eq(&l->cert->node_ids[0], id);
	return own >= LINKS_PER_NODE_MAX;
}

bool room_for(const struct node *n, const struct node_id *id)
{
	if (has_too_many(n, id))
		return false;
	return n->links.n < most(n) || least_useful(n, id) != NULL;
}

bool room_make(struct node *n, const struct node_id *id)
{
	if (!room_for(n, id))
		return false;
	if (n->links.n >= most(n)) {
		node_trace(n, "full: room for %s", id_short(id).s);
		link_close(n, least_useful(n, id), ERR_LINK_CLOSED);
	}
	return true;
}
