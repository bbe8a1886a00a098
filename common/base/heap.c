/* SPDX-License-Identifier: ISC */
/*
 * Pending timers in a heap of four branches; ties go by the order of setting,
 * so that a run repeats.  What is compared stands in the array: a simulation
 * has millions of timers, far from each other in memory.  Owns the array, never
 * the timers.
 */
#include "base/heap.h"

#include <stddef.h>
#include <stdlib.h>

enum { BRANCHES = 4 };

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void put(struct heap *h, uint32_t i, const struct heap_entry *e)
{
	h->v[i] = *e;
	e->t->pos = i + 1;
}

static void up(struct heap *h, uint32_t i, const struct heap_entry *e)
{
	uint32_t parent;

	for (; i > 0; i = parent) {
		parent = (i - 1) / BRANCHES;
		if (!before(e, &h->v[parent]))
			break;
		put(h, i, &h->v[parent]);
	}
	put(h, i, e);
}

static void down(struct heap *h, uint32_t i, const struct heap_entry *e)
{
	uint32_t first, child;

	for (; i < (h->n + BRANCHES - 2) / BRANCHES; i = child) {
		child = first = BRANCHES * i + 1;
		for (uint32_t k = 1; k < BRANCHES && first + k < h->n; k++)
			if (before(&h->v[first + k], &h->v[child]))
				child = first + k;
		if (before(e, &h->v[child]))
			break;
		put(h, i, &h->v[child]);
	}
	put(h, i, e);
}

/* To where it belongs, from place `i`. */
static void settle(struct heap *h, uint32_t i, struct heap_entry e)
{
	if (i > 0 && before(&e, &h->v[(i - 1) / BRANCHES]))
		up(h, i, &e);
	else
		down(h, i, &e);
}

enum err heap_set(struct heap *h, struct timer *t, uint64_t at_us)
{
	struct heap_entry *v;
	uint32_t cap;

	if (t->pos == 0) {
		if (h->n == h->cap) {
			if (h->cap > UINT32_MAX / 2)
				return ERR_NOMEM;
			cap = h->cap == 0 ? 8 : 2 * h->cap;
			if ((v = reallocarray(h->v, cap, sizeof(*v))) == NULL)
				return ERR_NOMEM;
			h->v = v;
			h->cap = cap;
		}
		t->pos = ++h->n;
	}
	t->at_us = at_us;
	settle(h, t->pos - 1,
	       (struct heap_entry){ .at_us = at_us, .seq = h->seq++, .t = t });
	return OK;
}

void heap_cancel(struct heap *h, struct timer *t)
{
	uint32_t i = t->pos - 1;

	if (t->pos == 0)
		return;
	t->pos = 0;
	if (i < --h->n)
		settle(h, i, h->v[h->n]);
}

uint64_t heap_next(const struct heap *h)
{
	return h->n == 0 ? NEVER : h->v[0].at_us;
}

struct timer *heap_pop(struct heap *h, uint64_t now_us)
{
	struct timer *t;

	if (h->n == 0 || h->v[0].at_us > now_us)
		return NULL;
	t = h->v[0].t;
	heap_cancel(h, t);
	return t;
}

void heap_clear(struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->v[i].t->pos = 0;
	free(h->v);
	*h = (struct heap){ 0 };
}
