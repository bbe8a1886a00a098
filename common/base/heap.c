/* SPDX-License-Identifier: ISC */
/*
 * Pending timers in a binary heap; ties go by the order of setting, so that a
 * run repeats.  Owns the array of pointers, never the timers.
 */
#include "base/heap.h"

#include <stddef.h>
#include <stdlib.h>

static bool before(const struct timer *a, const struct timer *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq;
}

static void put(struct heap *h, uint32_t i, struct timer *t)
{
	h->v[i] = t;
	t->pos = i + 1;
}

static void up(struct heap *h, uint32_t i)
{
	struct timer *t = h->v[i];

	for (; i > 0 && before(t, h->v[(i - 1) / 2]); i = (i - 1) / 2)
		put(h, i, h->v[(i - 1) / 2]);
	put(h, i, t);
}

static void down(struct heap *h, uint32_t i)
{
	struct timer *t = h->v[i];
	uint32_t child;

	for (; i < h->n / 2; i = child) {
		child = 2 * i + 1;
		if (child + 1 < h->n && before(h->v[child + 1], h->v[child]))
			child++;
		if (before(t, h->v[child]))
			break;
		put(h, i, h->v[child]);
	}
	put(h, i, t);
}

enum err heap_set(struct heap *h, struct timer *t, uint64_t at_us)
{
	struct timer **v;
	uint32_t cap;

	if (t->pos == 0) {
		if (h->n == h->cap) {
			if (h->cap > UINT32_MAX / 2)
				return ERR_NOMEM;
			cap = h->cap == 0 ? 16 : 2 * h->cap;
			if ((v = reallocarray(h->v, cap, sizeof(*v))) == NULL)
				return ERR_NOMEM;
			h->v = v;
			h->cap = cap;
		}
		put(h, h->n++, t);
	}
	t->at_us = at_us;
	t->seq = h->seq++;
	up(h, t->pos - 1);
	down(h, t->pos - 1);
	return OK;
}

void heap_cancel(struct heap *h, struct timer *t)
{
	struct timer *last;
	uint32_t i = t->pos - 1;

	if (t->pos == 0)
		return;
	t->pos = 0;
	last = h->v[--h->n];
	if (last == t)
		return;
	put(h, i, last);
	up(h, i);
	down(h, last->pos - 1);
}

uint64_t heap_next(const struct heap *h)
{
	return h->n == 0 ? NEVER : h->v[0]->at_us;
}

struct timer *heap_pop(struct heap *h, uint64_t now_us)
{
	struct timer *t;

	if (h->n == 0 || h->v[0]->at_us > now_us)
		return NULL;
	t = h->v[0];
	heap_cancel(h, t);
	return t;
}

void heap_clear(struct heap *h)
{
	for (uint32_t i = 0; i < h->n; i++)
		h->v[i]->pos = 0;
	free(h->v);
	*h = (struct heap){ 0 };
}
