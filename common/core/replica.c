/* SPDX-License-Identifier: ISC */
/*
 * The copies of a Store, RFC 6940 s10.4 and CHOICE 28: to whom, and how long
 * the answer to the writer waits for them.  One copy is copy.c's; what fails is
 * left to repair.c.
 */
#include "core/replica.h"

#include <stdlib.h>

#include "core/copy.h"
#include "core/recall.h"
#include "core/repair.h"
#include "core/resync.h"
#include "core/state.h"
#include "core/sweep.h"

enum { TARGETS_MAX = 8 };

struct target {
	struct replica_wait *wait;
	struct node_id id;
	struct copy *copy; /* NULL: it has ended */
};

struct replica_wait {
	struct replica_wait *prev, *next;
	struct target targets[TARGETS_MAX];
	size_t n_targets, n_pending;
	struct node_id stored[TARGETS_MAX]; /* those that have it */
	size_t n_stored;
	struct timer timer;
	replica_done *done; /* NULL once it was called */
	void *ctx;
};

static void wait_free(struct node *n, struct replica_wait *w)
{
	*(w->prev == NULL ? &n->replicas.waits : &w->prev->next) = w->next;
	if (w->next != NULL)
		w->next->prev = w->prev;
	heap_cancel(&n->timers, &w->timer);
	free(w);
}

/* The writer hears of it once; the wait goes when the last copy has ended. */
static void report(struct node *n, struct replica_wait *w)
{
	replica_done *done = w->done;

	w->done = NULL;
	heap_cancel(&n->timers, &w->timer);
	if (done != NULL)
		done(n, w->ctx, w->stored, w->n_stored);
	if (w->n_pending == 0)
		wait_free(n, w);
}

static void copied(struct node *n, void *ctx, enum err r)
{
	struct target *t = ctx;
	struct replica_wait *w = t->wait;

	t->copy = NULL;
	w->n_pending--;
	if (r == OK)
		w->stored[w->n_stored++] = t->id;
	else
		repair_missed(n, &t->id);
	if (w->n_pending == 0)
		report(n, w);
}

static void add(struct replica_wait *w, const struct node *n,
		const struct node_id *id)
{
	for (size_t i = 0; i < w->n_targets; i++)
		if (id_eq(&w->targets[i].id, id))
			return;
	if (w->n_targets < TARGETS_MAX && !id_eq(id, &n->id))
		w->targets[w->n_targets++].id = *id;
}

/*
 * The next two successors.  A Store that was taken just before the range went
 * to another node goes to that one, too.
 */
static void find_targets(struct node *n, struct replica_wait *w,
			 const struct node_id *resource)
{
	const struct ring *ring = &n->ring;
	struct node_id v[TARGETS_MAX], d, best = { { 0 } };
	size_t k = ring_replicas(n, v);
	uint32_t owner = ring->n_predecessors;

	for (size_t i = 0; i < k; i++)
		add(w, n, &v[i]);
	k = repair_takers(n, resource, v, TARGETS_MAX);
	for (size_t i = 0; i < k; i++)
		add(w, n, &v[i]);
	if (ring_responsible(n, resource))
		return;
	for (uint32_t i = 0; i < ring->n_predecessors; i++) {
		id_distance(&d, resource, &ring->predecessors[i]);
		if (owner == ring->n_predecessors || id_cmp(&d, &best) < 0) {
			best = d;
			owner = i;
		}
	}
	if (owner < ring->n_predecessors)
		add(w, n, &ring->predecessors[owner]);
}

enum err replica_store(struct node *n, const struct replica_value *v,
		       size_t n_v, replica_done *done, void *ctx)
{
	struct copy_args args = { .values = v,
				  .n_values = n_v,
				  .done = copied };
	struct replica_wait *w = calloc(1, sizeof(*w));
	struct target *t;

	if (w == NULL)
		return ERR_NOMEM;
	w->done = done;
	w->ctx = ctx;
	w->next = n->replicas.waits;
	if (w->next != NULL)
		w->next->prev = w;
	n->replicas.waits = w;
	if (n_v > 0)
		find_targets(n, w, &v[0].resource);
	for (size_t i = 0; i < w->n_targets; i++) {
		t = &w->targets[i];
		t->wait = w;
		args.ctx = t;
		args.to = t->id;
		/* As in a hand-over for one that is being handed to. */
		args.replica_number = (uint8_t)(i < REPLICAS ? i + 1 : 1);
		if (copy_start(n, &args, &t->copy) == OK)
			w->n_pending++;
		else
			repair_missed(n, &t->id);
	}
	node_timer(n, &w->timer, TIMER_REPLICA,
		   n->now.mono_us +
			   (w->n_pending > 0 ? STORE_REPLICA_WAIT_US : 0));
	return OK;
}

static void reminded(struct node *n, void *ctx, enum err r)
{
	(void)ctx;
	node_trace(n, "counters sent back %s", err_name(r));
}

void replica_remind(struct node *n, const struct node_id *owner,
		    const struct replica_value *v, size_t n_v)
{
	struct copy_args args = { .to = *owner,
				  .replica_number = 1,
				  .values = v,
				  .n_values = n_v,
				  .done = reminded };
	struct copy *c;

	if (copy_start(n, &args, &c) != OK)
		reminded(n, NULL, ERR_FULL); /* a sweep makes up for it */
}

void replica_timer(struct node *n, struct timer *t)
{
	if (t == &n->replicas.repair)
		repair_timer(n);
	else if (t == &n->replicas.sweep_timer)
		sweep_timer(n);
	else
		report(n, container_of(t, struct replica_wait, timer));
}

void replica_clear(struct node *n)
{
	sweep_clear(n);
	repair_clear(n);
	copy_clear(n);
	resync_clear(n);
	recall_clear(n);
	while (n->replicas.waits != NULL)
		wait_free(n, n->replicas.waits);
}
