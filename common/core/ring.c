/* SPDX-License-Identifier: ISC */
/*
 * The tables of CHORD-RELOAD, RFC 6940 s10.1 to s10.4 and s10.7: the links that
 * are up, the peers among them in ring order, and what follows from that:
 * neighbours, fingers, range, next hop, replica set.  Everything is worked out
 * anew whenever a peer comes or goes.  What is sent about it is update.c's.
 */
#include <stdlib.h>

#include "core/admit.h"
#include "core/finger.h"
#include "core/meet.h"
#include "core/neighbor.h"
#include "core/partition.h"
#include "core/repair.h"
#include "core/state.h"
#include "core/suspect.h"
#include "core/sweep.h"
#include "core/update.h"

/* After a change of the neighbours values may still come from nodes that do not
 * see it yet. */
#define SETTLED_AFTER_US (60 * UINT64_C(1000000))

/* ---- the links ---- */

struct ring_link *ring_link_by_number(const struct node *n, uint32_t number)
{
	const struct link *l = link_by_number(n, number);

	return l == NULL ? NULL : l->ring;
}

struct ring_link *ring_link_to(const struct node *n, const struct node_id *id)
{
	struct ring_link *r = n->ring.last;

	while (r != NULL && !(r->attached && id_eq(&r->id, id)))
		r = r->prev;
	return r;
}

static struct ring_link *link_new(struct node *n, struct link *l)
{
	struct ring *ring = &n->ring;
	struct ring_link *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		node_failed(n, ERR_NOMEM);
		return NULL;
	}
	r->link = l;
	l->ring = r;
	r->lost_us = NEVER;
	r->due_us = NEVER;
	r->prev = ring->last;
	*(ring->last == NULL ? &ring->first : &ring->last->next) = r;
	ring->last = r;
	return r;
}

static void link_drop(struct node *n, struct ring_link *r)
{
	struct ring *ring = &n->ring;

	*(r->prev == NULL ? &ring->first : &r->prev->next) = r->next;
	*(r->next == NULL ? &ring->last : &r->next->prev) = r->prev;
	r->link->ring = NULL;
	free(r);
}

/* ---- the peers in ring order ---- */

/* Nearest first.  The best link to a node is the newest that is not suspect. */
static int by_distance(const void *a, const void *b)
{
	const struct ring_link *const *x = a, *const *y = b;
	int d = id_cmp(&(*x)->distance, &(*y)->distance);

	if (d == 0)
		d = (int)(*x)->link->suspect - (int)(*y)->link->suspect;
	if (d == 0)
		d = (*x)->link->serial > (*y)->link->serial ? -1 : 1;
	return d;
}

static enum err sort_peers(struct node *n)
{
	struct ring *ring = &n->ring;
	struct ring_link **v;
	uint32_t all = 0, cap = ring->sorted_cap;

	ring->n_sorted = 0;
	for (struct ring_link *r = ring->first; r != NULL; r = r->next) {
		if (!r->attached || !r->peer || r->left || r->lost)
			continue;
		if (all == cap) {
			cap = cap == 0 ? 32 : 2 * cap;
			v = reallocarray(ring->sorted, cap,
					 sizeof(struct ring_link *));
			if (v == NULL)
				return ERR_NOMEM;
			ring->sorted = v;
			ring->sorted_cap = cap;
		}
		ring->sorted[all++] = r;
	}
	if (all > 1)
		qsort(ring->sorted, all, sizeof(struct ring_link *),
		      by_distance);
	for (uint32_t i = 0; i < all; i++)
		if (i == 0 || !id_eq(&ring->sorted[ring->n_sorted - 1]->id,
				     &ring->sorted[i]->id))
			ring->sorted[ring->n_sorted++] = ring->sorted[i];
	return OK;
}

/* The first peer whose distance is greater, n_sorted when none is. */
static uint32_t peer_after(const struct ring *ring, const struct node_id *d)
{
	uint32_t lo = 0, hi = ring->n_sorted, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (id_cmp(&ring->sorted[mid]->distance, d) > 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

/* ---- what follows from them, s10.7 ---- */

/* The nearest predecessor that is there: one just admitted bounds the range
 * only when its Update has come, so that no message is without an owner
 * meanwhile. */
static struct node_id range_from(const struct node *n)
{
	const struct ring *ring = &n->ring;

	for (uint32_t i = ring->n_sorted; i > 0; i--)
		if (!ring->sorted[i - 1]->admitted)
			return ring->sorted[i - 1]->id;
	return n->id;
}

static void trace_tables(struct node *n)
{
	const struct ring *ring = &n->ring;

	if (ring->n_sorted == 0)
		node_trace(n, "ring alone");
	else
		node_trace(n, "ring pred %s succ %s peers %u",
			   id_short(&ring->predecessors[0]).s,
			   id_short(&ring->successors[0]).s, ring->n_sorted);
}

/*
 * The peers have changed: works the tables out and says what follows.
 * RFC 6940 s10.7.1: a range that changed is told to all, any other change where
 * recovery is reactive; s10.7.3.
 */
void ring_refresh(struct node *n, bool failure)
{
	struct ring *ring = &n->ring;
	struct node_id from_old = ring->from;
	bool had = ring->n_successors > 0, changed, moved;

	if (node_failed(n, sort_peers(n)) != OK)
		return;
	changed = neighbor_fill(ring);
	finger_fill(n, failure);
	ring->from = range_from(n);
	moved = !id_eq(&ring->from, &from_old);
	if (changed)
		trace_tables(n);
	if (changed || moved)
		ring->changed_us = n->now.mono_us;
	if (!ring->responsible)
		return;
	if (had && ring->n_successors == 0 && failure) {
		join_again(n);
		return;
	}
	if (moved || (changed && n->overlay->chord_reactive))
		update_all(n);
	finger_seek_wanted(n);
	if (!changed && !moved)
		return;
	repair_ring_changed(n, failure);
	if (failure)
		partition_ring_changed(n);
}

/* Do the tables depend on what of this link is not the same any more? */
static bool matters(const struct ring_link *r, const struct ring_link *old)
{
	bool counts = r->attached && r->peer, did = old->attached && old->peer;

	return counts != did || (counts && (r->admitted != old->admitted ||
					    !id_eq(&r->id, &old->id)));
}

void ring_link_up(struct node *n, struct link *l)
{
	struct ring_link *r = l->ring, old;
	bool fresh = r == NULL;

	if (l->closed || (fresh && (r = link_new(n, l)) == NULL))
		return;
	old = *r;
	fresh = fresh || r->attached != l->attached;
	r->id = l->node_id;
	id_distance(&r->distance, &n->id, &r->id);
	r->attached = l->attached && !id_is_zero(&r->distance);
	r->peer = r->peer || l->routable;
	r->admitted = r->admitted && !l->routable;
	if (fresh && r->attached)
		update_link(n, r, 0);
	if (matters(r, &old))
		ring_refresh(n, false);
	join_link_up(n, l);
}

void ring_link_down(struct node *n, const struct link *l, enum err why)
{
	struct ring_link *r = l->ring;
	bool again;

	if (r == NULL)
		return;
	again = why == ERR_TIMEOUT && r->attached && r->peer && !r->left &&
		(r->lost || ring_is_neighbor(n, &r->id));
	update_link_down(n, r);
	link_drop(n, r);
	if (l->number == n->ring.partition_link)
		n->ring.partition_link = 0;
	admit_link_down(n, l);
	ring_refresh(n, true);
	if (again)
		meet_again(n, &l->node_id);
}

void ring_timer(struct node *n, struct timer *t)
{
	if (t == &n->ring.lost)
		suspect_timer(n);
	else if (t == &n->ring.meet)
		meet_timer(n);
	else if (t == &n->ring.update)
		update_timer(n);
	else if (t == &n->ring.search)
		finger_search(n);
	else
		partition_check(n);
}

/* ---- peers ---- */

void ring_found(struct node *n, struct ring_link *r)
{
	if (r->peer)
		return;
	r->peer = true;
	ring_refresh(n, false);
}

void ring_admit(struct node *n, struct ring_link *r)
{
	r->admitted = !r->link->routable;
	r->peer = true;
	ring_refresh(n, false);
}

void ring_dismiss(struct node *n, struct ring_link *r)
{
	if (!r->peer)
		return;
	r->peer = false;
	r->link->routable = false;
	ring_refresh(n, true);
}

void ring_left(struct node *n, struct ring_link *r, bool last)
{
	r->left = true;
	r->link->routable = false;
	ring_refresh(n, !last);
}

void ring_enter(struct node *n)
{
	n->ring.responsible = true;
	n->ring.changed_us = n->now.mono_us;
	ring_refresh(n, false);
	update_all(n);
	finger_start(n);
	partition_start(n);
	repair_ring_changed(n, false);
}

void ring_exit(struct node *n)
{
	n->ring.responsible = false;
	finger_stop(n);
	partition_stop(n);
	admit_stop(n);
	sweep_stop(n);
	repair_stop(n);
}

void ring_clear(struct node *n)
{
	struct ring *ring = &n->ring;

	meet_clear(n);
	while (ring->first != NULL)
		link_drop(n, ring->first);
	free(ring->sorted);
	ring->sorted = NULL;
}

/* ---- for the other files of the ring ---- */

uint64_t ring_around_us(struct node *n, uint32_t interval_s)
{
	uint64_t us = (uint64_t)interval_s * 1000000;

	return n->now.mono_us + us - us / 8 + rng_below(&n->rng, us / 4 + 1);
}

/* ---- what others ask ---- */

void ring_range(const struct node *n, struct node_id *from, struct node_id *to)
{
	*from = n->ring.n_sorted > 0 ? n->ring.from : n->id;
	*to = n->id;
}

bool ring_is_in_range(const struct node *n, const struct node_id *id)
{
	struct node_id from, to;

	ring_range(n, &from, &to);
	return id_in_range(&from, id, &to);
}

bool ring_responsible(const struct node *n, const struct node_id *id)
{
	return n->ring.responsible && ring_is_in_range(n, id);
}

bool ring_is_neighbor(const struct node *n, const struct node_id *id)
{
	const struct ring *ring = &n->ring;

	for (uint32_t i = 0; i < ring->n_successors; i++)
		if (id_eq(&ring->successors[i], id))
			return true;
	for (uint32_t i = 0; i < ring->n_predecessors; i++)
		if (id_eq(&ring->predecessors[i], id))
			return true;
	return false;
}

/* A client knows no ring: the link whose node is nearest before the ID; one
 * that is suspect only where there is no other. */
static struct link *any_link(const struct node *n, const struct node_id *id,
			     bool entry_only)
{
	struct link *best = NULL;
	struct node_id d, best_d;

	for (struct link *l = n->links.first; l != NULL; l = l->next) {
		if (entry_only && !l->entry)
			continue;
		id_distance(&d, &l->node_id, id);
		if (best != NULL && best->suspect != l->suspect) {
			if (l->suspect)
				continue;
			best = NULL;
		}
		if (best == NULL || id_cmp(&d, &best_d) < 0) {
			best = l;
			best_d = d;
		}
	}
	return best;
}

static bool usable(const struct ring_link *r)
{
	return r->link->routable && !r->link->suspect;
}

/*
 * RFC 6940 s10.3.  The node after the ID is its owner as far as this node
 * knows: to it one may send even before its Update has come (a node just
 * admitted, s6.5.1) or while it is suspect, for nobody else could answer.
 */
struct link *ring_next_hop(struct node *n, const struct node_id *id)
{
	struct ring *ring = &n->ring;
	struct node_id d;
	uint32_t after;

	if (n->cfg.role == ROLE_CLIENT)
		return any_link(n, id, false);
	if (ring_responsible(n, id))
		return NULL;
	if (ring->n_sorted == 0)
		return any_link(n, id, true);
	id_distance(&d, &n->id, id);
	after = peer_after(ring, &d);
	for (uint32_t i = after; i > 0; i--)
		if (usable(ring->sorted[i - 1]))
			return ring->sorted[i - 1]->link;
	for (uint32_t i = after; i < ring->n_sorted; i++)
		if (ring->sorted[i]->link->routable)
			return ring->sorted[i]->link;
	return NULL;
}

struct link *ring_after(const struct node *n, const struct node_id *id)
{
	const struct ring *ring = &n->ring;
	struct node_id d;

	id_distance(&d, &n->id, id);
	for (uint32_t i = peer_after(ring, &d); i < ring->n_sorted; i++)
		if (usable(ring->sorted[i]))
			return ring->sorted[i]->link;
	return NULL;
}

size_t ring_replicas(const struct node *n, struct node_id out[REPLICAS])
{
	size_t k = n->ring.n_successors < REPLICAS ? n->ring.n_successors
						   : REPLICAS;

	memcpy(out, n->ring.successors, k * sizeof(*out));
	return k;
}

/* Nodes of the Neighbor Table strictly between an ID and a node, clockwise. */
static uint32_t nodes_between(const struct node *n, const struct node_id *id,
			      const struct node_id *until)
{
	const struct ring *ring = &n->ring;
	struct node_id limit, d;
	uint32_t k = 0;

	id_distance(&limit, id, until);
	for (uint32_t i = 0; i < ring->n_predecessors; i++) {
		id_distance(&d, id, &ring->predecessors[i]);
		k += id_cmp(&d, &limit) < 0;
	}
	/* In a small ring a successor is a predecessor too. */
	for (uint32_t i = 0; i < ring->n_successors; i++) {
		bool twice = false;

		for (uint32_t j = 0; j < ring->n_predecessors; j++)
			twice = twice || id_eq(&ring->successors[i],
					       &ring->predecessors[j]);
		id_distance(&d, id, &ring->successors[i]);
		k += !twice && id_cmp(&d, &limit) < 0;
	}
	id_distance(&d, id, &n->id);
	return k + (id_cmp(&d, &limit) < 0);
}

bool ring_in_replica_set(const struct node *n, const struct node_id *id)
{
	return nodes_between(n, id, &n->id) <= REPLICAS;
}

/*
 * CHOICE: RFC 6940 s7.4.1.1 lets a replica Store come from the replica set as
 * the receiver knows it.  While the neighbours change, the owner takes it from
 * any peer it is linked with: after two rings have merged the values come from
 * nodes that were in the replica set of the other one, s6.4.2.3.  One that has
 * begun to give back goes on for as long as it takes.
 */
bool ring_accepts_replica(struct node *n, const struct node_id *id,
			  const struct node_id *sender)
{
	const struct ring *ring = &n->ring;
	struct ring_link *r;

	if (!ring_in_replica_set(n, id) || id_eq(sender, &n->id))
		return false;
	/* A client's Node-ID may lie there as well: peers are attached. */
	r = ring_link_to(n, sender);
	if (r == NULL || !r->attached)
		return false;
	if (nodes_between(n, id, sender) <= REPLICAS)
		return true;
	if (!ring_responsible(n, id) || !r->peer ||
	    (n->now.mono_us - ring->changed_us >= SETTLED_AFTER_US &&
	     (r->gave_us == 0 ||
	      n->now.mono_us - r->gave_us >= SETTLED_AFTER_US)))
		return false;
	r->gave_us = n->now.mono_us;
	return true;
}

static bool closer(const struct node_id *id, const struct node_id *a,
		   const struct node_id *b)
{
	struct node_id x, y;

	id_distance(&x, id, a);
	id_distance(&y, id, b);
	return id_cmp(&x, &y) < 0;
}

bool ring_close_enough(const struct node *n, const struct node_id *id,
		       const struct node_id *responder)
{
	const struct ring *ring = &n->ring;

	if (n->cfg.role == ROLE_CLIENT) {
		for (struct link *l = n->links.first; l != NULL; l = l->next)
			if (closer(id, &l->node_id, responder))
				return false;
		return true;
	}
	for (uint32_t i = 0; i < ring->n_successors; i++)
		if (closer(id, &ring->successors[i], responder))
			return false;
	for (uint32_t i = 0; i < ring->n_predecessors; i++)
		if (closer(id, &ring->predecessors[i], responder))
			return false;
	return true;
}

static int by_id(const void *a, const void *b)
{
	return id_cmp(a, b);
}

/* Those of `v` that are not silent, into `to`. */
static struct node_id_list named(const struct node *n, const struct node_id *v,
				 uint32_t n_v, struct node_id *to)
{
	struct node_id_list l = { to, 0 };

	for (uint32_t i = 0; i < n_v; i++)
		if (!suspect_unnamed(n, &v[i]))
			to[l.n++] = v[i];
	return l;
}

enum err ring_table(struct node *n, struct chord_update *out)
{
	struct ring *ring = &n->ring;
	struct node_id *f = arena_zalloc(&n->arena, ring->n_fingers,
					 sizeof(*f));
	struct node_id *near = arena_zalloc(&n->arena, 2 * NEIGHBORS_MAX,
					    sizeof(*near));
	uint32_t k = 0, m = 0;

	if (f == NULL || near == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < ring->n_fingers; i++)
		if (!id_is_zero(&ring->fingers[i].id))
			f[k++] = ring->fingers[i].id;
	if (k > 1)
		qsort(f, k, sizeof(*f), by_id);
	for (uint32_t i = 0; i < k; i++)
		if (m == 0 || !id_eq(&f[m - 1], &f[i]))
			f[m++] = f[i];
	*out = (struct chord_update){
		.uptime =
			(uint32_t)((n->now.mono_us - n->started_us) / 1000000),
		.type = CHORD_UPDATE_FULL,
		.predecessors = named(n, ring->predecessors,
				      ring->n_predecessors, near),
		.successors = named(n, ring->successors, ring->n_successors,
				    near + NEIGHBORS_MAX),
		.fingers = { f, m },
	};
	return OK;
}
