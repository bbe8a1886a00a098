/* SPDX-License-Identifier: ISC */
/*
 * Links that have fallen silent, RFC 6940 s6.6.3.1, s6.6.5: when their nodes
 * leave the tables, and come back.  Silence itself is link.c's and sr.c's to
 * find, what follows from the tables ring.c's.
 */
#include "core/suspect.h"

#include "core/state.h"
#include "core/update.h"

/* A suspect neighbour stays one for this long: the TCP of a busy machine falls
 * silent for a second at times, and every change costs everybody. */
#define LOST_AFTER_US (2 * UINT64_C(1000000))
/* What a neighbour did not name so long ago it does not miss any more. */
#define DOUBTED_US (5 * UINT64_C(1000000))

static void set_timer(struct node *n)
{
	uint64_t at = NEVER;

	for (struct ring_link *r = n->ring.first; r != NULL; r = r->next)
		if (r->lost_us < at)
			at = r->lost_us;
	if (at == NEVER)
		heap_cancel(&n->timers, &n->ring.lost);
	else
		node_timer(n, &n->ring.lost, TIMER_RING, at);
}

/* Is there another peer, not suspect? */
static bool has_others(const struct node *n, const struct ring_link *than)
{
	for (const struct ring_link *r = n->ring.first; r != NULL; r = r->next)
		if (r->attached && r->peer && !r->left && !r->link->suspect &&
		    !id_eq(&r->id, &than->id))
			return true;
	return false;
}

static bool is_unnamed(const struct node *n, const struct ring_link *r)
{
	return r->link->suspect && !r->admitted && !link_patient(n, r->link) &&
	       has_others(n, r);
}

bool suspect_unnamed(const struct node *n, const struct node_id *id)
{
	const struct ring_link *r = ring_link_to(n, id);

	return r != NULL && is_unnamed(n, r);
}

/*
 * The nodes around a silent neighbour look for it at the same time, not one
 * after the other: who follows it owns its range when both miss it.  An Update
 * that does not name it makes them ask it whether it is there.
 */
static void tell(struct node *n, const struct ring_link *silent)
{
	struct ring_link *r;

	if (!is_unnamed(n, silent) || !ring_is_neighbor(n, &silent->id))
		return;
	for (r = n->ring.first; r != NULL; r = r->next)
		if (r->attached && r->peer && !r->link->suspect &&
		    ring_is_neighbor(n, &r->id))
			update_link(n, r, CHORD_UPDATE_NEIGHBORS);
}

static bool is_doubted(const struct node *n, const struct ring_link *r)
{
	return r->doubted_us != 0 &&
	       n->now.mono_us - r->doubted_us < DOUBTED_US;
}

/* Nothing is routed through it from the start; as the neighbour that bounds a
 * range it has a little longer, unless another neighbour misses it too. */
void suspect_link(struct node *n, const struct link *l)
{
	struct ring_link *r = l->ring;
	bool was;

	if (r == NULL)
		return;
	was = r->lost;
	r->lost = false;
	r->lost_us = NEVER;
	if (l->suspect && !link_patient(n, l)) {
		r->lost_us = n->now.mono_us +
			     (is_doubted(n, r) ? 0 : LOST_AFTER_US);
		tell(n, r);
	}
	set_timer(n);
	if (was)
		update_link(n, r, 0);
	ring_refresh(n, false);
}

void suspect_doubted(struct node *n, struct ring_link *r)
{
	r->doubted_us = n->now.mono_us;
	if (r->lost_us == NEVER)
		return;
	r->lost_us = n->now.mono_us;
	set_timer(n);
}

/*
 * CHOICE: s10.7.1 has a node join anew that has lost all its successors.  One
 * that hears of nobody may have lost its network instead: its tables stay as
 * they are until the links are closed.
 */
static bool lose(struct node *n, struct ring_link *r)
{
	r->lost_us = NEVER;
	if (r->lost || !r->link->suspect || !has_others(n, r))
		return false;
	r->lost = true;
	node_trace(n, "ring lost %s", id_short(&r->id).s);
	return r->attached && r->peer;
}

void suspect_given_up(struct node *n, const struct link *l)
{
	if (l->ring != NULL && lose(n, l->ring))
		ring_refresh(n, true);
}

void suspect_timer(struct node *n)
{
	bool any = false;

	for (struct ring_link *r = n->ring.first; r != NULL; r = r->next)
		if (r->lost_us <= n->now.mono_us)
			any |= lose(n, r);
	set_timer(n);
	if (any)
		ring_refresh(n, true);
}
