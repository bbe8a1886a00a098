/* SPDX-License-Identifier: ISC */
/*
 * Attaches that the ring needs: which nodes of those that others know would be
 * neighbours, RFC 6940 s10.7.3, routed as s10.6 says; fingers, s10.5.  Making
 * the link is dial.c's, judging it ring.c's.
 */
#include <stdlib.h>

#include "core/meet.h"
#include "core/neighbor.h"
#include "core/state.h"

#define FAILED_AGAIN_US (30 * UINT64_C(1000000))
#define LOST_AGAIN_US   (2 * UINT64_C(1000000)) /* doubled each time */

enum {
	MEETS_MAX = 64, /* under way or not forgotten */
	LOST_TRIES = 8  /* for a neighbour that was lost: ten minutes */
};

/* A node that is being Attached to, or was not reached a short while ago. */
struct meet {
	struct node_id id; /* all zero: whoever is responsible for the finger */
	unsigned finger;   /* from 1; 0: a node that is known */
	bool failed;
	uint64_t failed_us;
	uint64_t until_us; /* failed: not tried again before */
	unsigned tries;    /* that are left, by the clock */
	struct meet *prev, *next;
};

static void drop(struct node *n, struct meet *m)
{
	*(m->prev == NULL ? &n->ring.meets : &m->prev->next) = m->next;
	if (m->next != NULL)
		m->next->prev = m->prev;
	n->ring.n_meets -= !m->failed;
	free(m);
}

/* What failed long ago may be tried again; so may, when there is no room, what
 * failed first: names that somebody made up keep no node out. */
static uint32_t forget(struct node *n)
{
	struct meet *m, *next, *failed = NULL;
	uint32_t k = 0;

	for (m = n->ring.meets; m != NULL; m = next) {
		next = m->next;
		if (m->failed && m->tries == 0 &&
		    m->until_us <= n->now.mono_us) {
			drop(n, m);
			continue;
		}
		if (m->failed)
			failed = m;
		k++;
	}
	if (k < MEETS_MAX || failed == NULL)
		return k;
	drop(n, failed);
	return k - 1;
}

static struct meet *find(const struct node *n, const struct node_id *id)
{
	struct meet *m = n->ring.meets;

	while (m != NULL && !id_eq(&m->id, id))
		m = m->next;
	return m;
}

/* Is one that others name left alone?  A neighbour that was lost is not,
 * however seldom the clock tries it by now: maybe it is back. */
static bool is_held(const struct node *n, const struct meet *m)
{
	return !m->failed || m->tries == 0 ||
	       n->now.mono_us - m->failed_us < LOST_AGAIN_US;
}

static void set_timer(struct node *n)
{
	uint64_t at = NEVER;

	for (const struct meet *m = n->ring.meets; m != NULL; m = m->next)
		if (m->failed && m->tries > 0 && m->until_us < at)
			at = m->until_us;
	if (at == NEVER)
		heap_cancel(&n->timers, &n->ring.meet);
	else
		node_timer(n, &n->ring.meet, TIMER_RING, at);
}

static void not_reached(struct node *n, struct meet *m)
{
	uint64_t us = FAILED_AGAIN_US;

	if (m->tries > 0)
		us = LOST_AGAIN_US << (LOST_TRIES - m->tries);
	m->failed = true;
	m->failed_us = n->now.mono_us;
	m->until_us = n->now.mono_us + us;
	n->ring.n_meets--;
	set_timer(n);
}

static void dialed(struct node *n, void *ctx, enum err r, struct link *l)
{
	struct meet *m = ctx;
	struct ring_link *known;

	if (r == OK) {
		node_trace(n, "meet %s: link %u", id_short(&l->node_id).s,
			   l->number);
		ring_link_up(n, l);
		known = ring_link_by_number(n, l->number);
		/* RFC 6940 s10.5, 4: a joining node enters into its tables
		 * whom it has reached; in the ring, their Update decides. */
		if (known != NULL && !n->ring.responsible)
			ring_found(n, known);
	} else {
		node_trace(n, "meet %s: %s", id_short(&m->id).s, err_name(r));
	}
	if (r == OK || m->finger != 0) {
		drop(n, m);
	} else {
		not_reached(n, m);
	}
	if (n->ring.n_meets == 0)
		join_settled(n);
}

static void dial(struct node *n, const struct destination_list *to,
		 const struct node_id *id, unsigned finger, unsigned tries)
{
	struct meet *m = calloc(1, sizeof(*m));

	if (m == NULL) {
		node_failed(n, ERR_NOMEM);
		return;
	}
	m->finger = finger;
	m->tries = tries;
	if (id != NULL)
		m->id = *id;
	if (dial_attach(n, to, 0, true, dialed, m) != OK) {
		free(m);
		return;
	}
	m->next = n->ring.meets;
	if (m->next != NULL)
		m->next->prev = m;
	n->ring.meets = m;
	n->ring.n_meets++;
}

void meet_node(struct node *n, const struct node_id *via,
	       const struct node_id *id)
{
	struct destination_list to;
	unsigned tries = 0;
	struct meet *m;
	enum err r;

	if (forget(n) >= MEETS_MAX ||
	    ((m = find(n, id)) != NULL && is_held(n, m)) || id_eq(id, &n->id) ||
	    ring_link_to(n, id) != NULL || dial_comes(n, id) ||
	    overlay_is_bad_node(n->overlay, id))
		return;
	if (via != NULL && !id_eq(via, id))
		r = txn_to_node_through(n, via, id, &to);
	else
		r = txn_to_node(n, id, &to);
	if (node_failed(n, r) != OK)
		return;
	if (m != NULL) {
		tries = m->tries;
		drop(n, m);
	}
	dial(n, &to, id, 0, tries);
}

/*
 * A neighbour that is likely to be linked with a lost one: another for each
 * try, for none may be.  What would be asked without any, had the lost one been
 * the predecessor, is this node itself.
 */
static const struct node_id *witness(const struct node *n, unsigned i)
{
	const struct ring *r = &n->ring;

	if (r->n_successors == 0)
		return NULL;
	return i % 2 == 0 ? &r->predecessors[i / 2 % r->n_predecessors]
			  : &r->successors[i / 2 % r->n_successors];
}

void meet_again(struct node *n, const struct node_id *id)
{
	struct meet *m;

	if (!n->ring.responsible || ring_link_to(n, id) != NULL)
		return;
	if (find(n, id) == NULL)
		meet_node(n, witness(n, 0), id);
	if ((m = find(n, id)) != NULL) {
		m->tries = LOST_TRIES;
		set_timer(n);
	}
}

static void try_again(struct node *n, struct meet *m)
{
	const struct node_id *via = witness(n, LOST_TRIES + 1 - m->tries);
	struct destination_list to;

	m->tries--;
	m->failed = false;
	n->ring.n_meets++;
	if (!n->ring.responsible || via == NULL || id_eq(via, &m->id) ||
	    ring_link_to(n, &m->id) != NULL ||
	    overlay_is_bad_node(n->overlay, &m->id))
		drop(n, m);
	else if (node_failed(n, txn_to_node_through(n, via, &m->id, &to)) !=
			 OK ||
		 dial_attach(n, &to, 0, true, dialed, m) != OK)
		not_reached(n, m);
}

void meet_timer(struct node *n)
{
	struct meet *m, *next;

	for (m = n->ring.meets; m != NULL; m = next) {
		next = m->next;
		if (m->failed && m->tries > 0 && m->until_us <= n->now.mono_us)
			try_again(n, m);
	}
	set_timer(n);
}

void meet_finger(struct node *n, unsigned i)
{
	struct destination_list to;
	struct node_id start;

	id_add_pow2(&start, &n->id, RING_BITS - i);
	if (forget(n) < MEETS_MAX &&
	    node_failed(n, txn_to_resource(n, &start, &to)) == OK)
		dial(n, &to, NULL, i, 0);
}

/* ---- who would be a neighbour ---- */

struct candidate {
	struct node_id distance; /* from this node */
	struct node_id id;
	bool known; /* linked, or being met */
};

static int by_distance(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	int d = id_cmp(&x->distance, &y->distance);

	return d != 0 ? d : (int)y->known - (int)x->known;
}

static void add(const struct node *n, struct candidate *v, uint32_t *k,
		const struct node_id *id, bool known)
{
	v[*k].id = *id;
	v[*k].known = known;
	id_distance(&v[*k].distance, &n->id, id);
	(*k)++;
}

/* The peers, those being met and the new ones, in ring order, each once. */
static uint32_t gather(struct node *n, struct candidate *v,
		       const struct node_id *ids, uint32_t n_ids)
{
	const struct ring *ring = &n->ring;
	const struct meet *m;
	uint32_t k = 0, once = 0;

	for (uint32_t i = 0; i < ring->n_sorted; i++)
		add(n, v, &k, &ring->sorted[i]->id, true);
	for (m = ring->meets; m != NULL; m = m->next)
		if (!m->failed && m->finger == 0)
			add(n, v, &k, &m->id, true);
	for (uint32_t i = 0; i < n_ids; i++) {
		m = find(n, &ids[i]);
		if (!id_eq(&ids[i], &n->id) &&
		    !(m != NULL && m->failed && is_held(n, m)) &&
		    !overlay_is_bad_node(n->overlay, &ids[i]))
			add(n, v, &k, &ids[i], false);
	}
	if (k > 1)
		qsort(v, k, sizeof(*v), by_distance);
	for (uint32_t i = 0; i < k; i++)
		if (once == 0 || !id_eq(&v[once - 1].id, &v[i].id))
			v[once++] = v[i];
	return once;
}

void meet_neighbors(struct node *n, const struct node_id *via,
		    const struct node_id *ids, uint32_t n_ids)
{
	uint32_t max = n->ring.n_sorted + forget(n) + n_ids, k, wanted;
	struct candidate *v = arena_zalloc(&n->arena, max, sizeof(*v));

	if (v == NULL) {
		node_failed(n, ERR_NOMEM);
		return;
	}
	k = gather(n, v, ids, n_ids);
	wanted = NEIGHBORS_MIN;
	if (k > 2 * NEIGHBORS_MIN)
		wanted = neighbor_count(&v[k - NEIGHBORS_MIN].id,
					&v[NEIGHBORS_MIN - 1].id);
	for (uint32_t i = 0; i < k; i++)
		if (!v[i].known && (i < wanted || i + wanted >= k))
			meet_node(n, via, &v[i].id);
}

enum err meet_ping(struct node *n, struct txn_args *args, struct txn **out)
{
	static const struct ping_req req = { { 0 } };
	enum err r;

	args->code = MSG_PING_REQ;
	if ((r = node_encode(n, &wire_type_ping_req, &req, &args->body)) != OK)
		return r;
	return txn_send(n, args, out);
}

void meet_clear(struct node *n)
{
	while (n->ring.meets != NULL)
		drop(n, n->ring.meets);
	heap_cancel(&n->timers, &n->ring.meet);
}
