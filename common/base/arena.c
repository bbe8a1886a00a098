/* SPDX-License-Identifier: ISC */
/*
 * Memory given out from chunks by moving a mark, and freed all at once.  What
 * does not fit in a chunk gets one of its own.
 */
#include "base/arena.h"

#include <stdlib.h>

/* Bytes of a chunk: the first is small, since many arenas hold one message
 * only; the others grow to near two pages with malloc's own. */
enum { CHUNK_FIRST = 512 - 64, CHUNK = 8192 - 64 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used; /* of mem, bytes */
	max_align_t mem[];
};

static max_align_t nothing; /* what zero bytes point to */

static struct arena_chunk *chunk_new(struct arena *a, size_t n)
{
	size_t size = a->head == NULL ? CHUNK_FIRST : 4 * a->head->size;
	struct arena_chunk *c;

	if (size > CHUNK)
		size = CHUNK;
	if (size < n)
		size = n;
	if ((c = malloc(sizeof(*c) + size)) == NULL)
		return NULL;
	c->size = size;
	c->used = 0;
	c->next = a->head;
	a->head = c;
	return c;
}

void *arena_zalloc(struct arena *a, size_t n, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *c = a->head;
	size_t all;
	uint8_t *p;

	if (n == 0 || size == 0)
		return &nothing;
	if (n > (a->max - a->used) / size)
		return NULL;
	all = n * size;
	if (all > SIZE_MAX - sizeof(*c) - align)
		return NULL;
	all = (all + align - 1) / align * align;
	if ((c == NULL || c->size - c->used < all) &&
	    (c = chunk_new(a, all)) == NULL)
		return NULL;
	p = (uint8_t *)c->mem + c->used;
	c->used += all;
	a->used += all < a->max - a->used ? all : a->max - a->used;
	memset(p, 0, all);
	return p;
}

enum err arena_dup(struct arena *a, struct slice in, struct slice *out)
{
	uint8_t *p;

	if ((p = arena_zalloc(a, in.len, 1)) == NULL)
		return ERR_NOMEM;
	if (in.len != 0)
		memcpy(p, in.p, in.len);
	*out = slice_of(p, in.len);
	return OK;
}

char *arena_str(struct arena *a, struct slice in)
{
	char *p;

	if (in.len == SIZE_MAX || (p = arena_zalloc(a, in.len + 1, 1)) == NULL)
		return NULL;
	if (in.len != 0)
		memcpy(p, in.p, in.len);
	return p;
}

static void free_from(struct arena_chunk *c)
{
	struct arena_chunk *next;

	for (; c != NULL; c = next) {
		next = c->next;
		free(c);
	}
}

void arena_free(struct arena *a)
{
	free_from(a->head);
	a->head = NULL;
	a->used = 0;
}

void arena_reset(struct arena *a)
{
	struct arena_chunk *c = a->head;

	a->used = 0;
	if (c == NULL)
		return;
	free_from(c->next);
	c->next = NULL;
	c->used = 0;
	if (c->size > CHUNK) /* one large value must not stay for ever */
		arena_free(a);
}
