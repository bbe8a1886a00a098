/* SPDX-License-Identifier: ISC */
/*
 * The Neighbor Table, RFC 6940 s10.7: how many nodes on each side, and which of
 * the peers in ring order they are.  The order is ring.c's.
 */
#include "core/neighbor.h"
#include "core/state.h"

/* Of N nodes, 2 * NEIGHBORS_MIN have that share of the ring: log2(N), rounded
 * down. */
uint32_t neighbor_count(const struct node_id *first, const struct node_id *last)
{
	const uint32_t log2_nodes = 4;
	struct node_id span;
	uint32_t k;

	_Static_assert(2 * NEIGHBORS_MIN == 1 << 4, "see log2_nodes");
	id_distance(&span, first, last);
	k = log2_nodes + finger_of(&span) - 1;
	if (k < NEIGHBORS_MIN)
		return NEIGHBORS_MIN;
	return k < NEIGHBORS_MAX ? k : NEIGHBORS_MAX;
}

static uint32_t wanted(const struct ring *ring)
{
	uint32_t n = ring->n_sorted;

	if (n <= 2 * NEIGHBORS_MIN)
		return NEIGHBORS_MIN;
	return neighbor_count(&ring->sorted[n - NEIGHBORS_MIN]->id,
			      &ring->sorted[NEIGHBORS_MIN - 1]->id);
}

bool neighbor_fill(struct ring *ring)
{
	struct node_id succ[NEIGHBORS_MAX], pred[NEIGHBORS_MAX];
	uint32_t k;
	bool changed;

	ring->n_neighbors = k = wanted(ring);
	if (k > ring->n_sorted)
		k = ring->n_sorted;
	changed = k != ring->n_successors || k != ring->n_predecessors;
	for (uint32_t i = 0; i < k; i++) {
		succ[i] = ring->sorted[i]->id;
		pred[i] = ring->sorted[ring->n_sorted - 1 - i]->id;
		changed = changed || !id_eq(&succ[i], &ring->successors[i]) ||
			  !id_eq(&pred[i], &ring->predecessors[i]);
	}
	if (!changed)
		return false;
	memcpy(ring->successors, succ, k * sizeof(*succ));
	memcpy(ring->predecessors, pred, k * sizeof(*pred));
	ring->n_successors = k;
	ring->n_predecessors = k;
	return true;
}

bool neighbor_near(const struct node *n, const struct node_id *id)
{
	const struct ring *ring = &n->ring;
	struct node_id after, before, last;

	if (n->cfg.role != ROLE_PEER)
		return false;
	if (ring->n_successors == 0 || ring->n_successors < ring->n_neighbors)
		return true;
	id_distance(&after, &n->id, id);
	id_distance(&last, &n->id, &ring->successors[ring->n_successors - 1]);
	if (id_cmp(&after, &last) <= 0)
		return true;
	id_distance(&before, id, &n->id);
	id_distance(&last, &ring->predecessors[ring->n_predecessors - 1],
		    &n->id);
	return id_cmp(&before, &last) <= 0;
}
