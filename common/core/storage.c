/* SPDX-License-Identifier: ISC */
/*
 * Batches: changes on their way to a storage engine.  The engines themselves
 * are in storage/.
 */
#include "core/storage.h"

#include <assert.h>
#include <stdlib.h>

#include "core/limits.h"

struct batch *batch_new(uint64_t id)
{
	struct batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->id = id;
	b->arena.max = BATCH_ARENA_MAX;
	return b;
}

struct change *batch_add(struct batch *b, enum change_type type)
{
	struct change *v;
	uint32_t cap;

	if (b->n == b->cap) {
		cap = b->cap == 0 ? 8 : 2 * b->cap;
		v = reallocarray(b->v, cap, sizeof(*v));
		if (v == NULL)
			return NULL;
		b->v = v;
		b->cap = cap;
	}
	v = &b->v[b->n++];
	*v = (struct change){ .type = type };
	return v;
}

void batch_free(struct batch *b)
{
	if (b == NULL)
		return;
	arena_free(&b->arena);
	free(b->v);
	free(b);
}
