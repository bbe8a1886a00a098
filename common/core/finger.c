/* SPDX-License-Identifier: ISC */
/*
 * The Finger Table, RFC 6940 s10.7.4.2 and s10.7.4.3: which peer stands for
 * which finger, and the search for better ones.  Attaching to what is found is
 * meet.c's.
 */
#include <assert.h>

#include "core/finger.h"
#include "core/meet.h"
#include "core/state.h"

enum { FINGERS_MIN = 16 /* RFC 6940 s10.7.4.3 */ };

/* ---- the table ---- */

unsigned finger_of(const struct node_id *distance)
{
	unsigned i = 1;

	for (unsigned k = 0; k < RING_ID_LEN; k++) {
		if (distance->b[k] == 0) {
			i += 8;
			continue;
		}
		for (unsigned bit = 0x80; (distance->b[k] & bit) == 0;
		     bit >>= 1)
			i++;
		return i;
	}
	return 0;
}

/* RFC 6940 s10.7.4.3: 16, and as many as reach into the successors. */
static uint32_t count_fingers(const struct ring *ring)
{
	const struct ring_link *last;
	uint32_t k = FINGERS_MIN;

	if (ring->n_successors == 0)
		return k;
	last = ring->sorted[ring->n_successors - 1];
	if (finger_of(&last->distance) > k)
		k = finger_of(&last->distance);
	return k;
}

/* Peer j of the order is the first of finger i's range, or the one before it.
 */
static void set_finger(struct node *n, unsigned i, uint32_t j, bool failure)
{
	struct ring *ring = &n->ring;
	struct finger *f = &ring->fingers[i - 1];
	bool valid = j < ring->n_sorted &&
		     finger_of(&ring->sorted[j]->distance) == i;
	bool had = f->valid;

	f->valid = valid;
	memset(&f->id, 0, sizeof(f->id));
	if (valid)
		f->id = ring->sorted[j]->id;
	else if (j > 0)
		f->id = ring->sorted[j - 1]->id;
	if (had && failure)
		f->wanted = true;
	if (valid)
		f->wanted = false;
}

void finger_fill(struct node *n, bool failure)
{
	struct ring *ring = &n->ring;
	uint32_t j = 0;

	ring->n_fingers = count_fingers(ring);
	assert(ring->n_fingers <= FINGERS_MAX);
	/* From the shortest: its range comes first in the order. */
	for (unsigned i = ring->n_fingers; i >= 1; i--) {
		while (j < ring->n_sorted &&
		       finger_of(&ring->sorted[j]->distance) > i)
			j++;
		set_finger(n, i, j, failure);
	}
}

/* ---- the search ---- */

/* All nodes between the outermost neighbours are neighbours. */
bool finger_known(const struct node *n, unsigned i)
{
	const struct ring *ring = &n->ring;
	struct node_id start, d;

	if (ring->n_successors == 0 || ring->n_successors < ring->n_neighbors)
		return true;
	id_add_pow2(&start, &n->id, RING_BITS - i);
	id_distance(&start, &n->id, &start);
	id_distance(&d, &n->id, &ring->successors[ring->n_successors - 1]);
	if (id_cmp(&start, &d) <= 0)
		return true;
	id_distance(&d, &n->id, &ring->predecessors[ring->n_predecessors - 1]);
	return id_cmp(&start, &d) > 0;
}

static void finger_found(struct node *n, void *ctx, const struct txn_end *end)
{
	struct node_id d;

	(void)ctx;
	n->ring.finger_ping = NULL;
	if (end->err == OK) {
		id_distance(&d, &n->id, &end->responder);
		if (finger_of(&d) == n->ring.sought)
			meet_node(n, NULL, &end->responder);
	}
	finger_seek_wanted(n);
}

/* A Ping to a random ID of the finger's range. */
static void seek(struct node *n, unsigned i)
{
	struct txn_args args = { .done = finger_found };
	struct node_id d = { { 0 } };
	unsigned byte = (i - 1) / 8, bit = 7 - (i - 1) % 8;

	rng_bytes(&n->rng, d.b + byte, RING_ID_LEN - byte);
	d.b[byte] = (uint8_t)((d.b[byte] & ((1u << bit) - 1)) | 1u << bit);
	id_add(&d, &n->id, &d);
	n->ring.sought = i;
	node_trace(n, "seek finger %u at %s", i, id_short(&d).s);
	if (txn_to_resource(n, &d, &args.destination) != OK ||
	    meet_ping(n, &args, &n->ring.finger_ping) != OK)
		n->ring.finger_ping = NULL;
}

/* s10.7.2: what has failed is searched for at once, one after the other. */
void finger_seek_wanted(struct node *n)
{
	struct ring *ring = &n->ring;

	if (!n->overlay->chord_reactive || !ring->responsible)
		return;
	for (unsigned i = 1; i <= ring->n_fingers; i++) {
		if (!ring->fingers[i - 1].wanted)
			continue;
		if (ring->finger_ping != NULL)
			return;
		ring->fingers[i - 1].wanted = false;
		if (ring->n_sorted > 0)
			seek(n, i);
	}
}

/* Never sooner than the interval; not all nodes at one moment. */
static void search_later(struct node *n)
{
	uint64_t us = (uint64_t)n->overlay->chord_ping_interval_s * 1000000;

	node_timer(n, &n->ring.search, TIMER_RING,
		   n->now.mono_us + us + rng_below(&n->rng, us / 4 + 1));
}

/* From the first, each invalid one with probability 0.5.  Where every node is
 * a neighbour already, nobody can be found. */
void finger_search(struct node *n)
{
	struct ring *ring = &n->ring;

	search_later(n);
	if (ring->finger_ping != NULL || ring->n_sorted == 0)
		return;
	for (unsigned i = 1; i <= ring->n_fingers; i++) {
		if (ring->fingers[i - 1].valid || finger_known(n, i))
			continue;
		if (rng_below(&n->rng, 2) == 0) {
			seek(n, i);
			return;
		}
	}
}

void finger_start(struct node *n)
{
	search_later(n);
}

void finger_stop(struct node *n)
{
	heap_cancel(&n->timers, &n->ring.search);
	txn_cancel(n, n->ring.finger_ping);
	n->ring.finger_ping = NULL;
}
