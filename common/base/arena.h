/* SPDX-License-Identifier: ISC */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/slice.h"

struct arena_chunk;

/* Memory that is freed all at once.  `{ .max = N }` is a valid empty arena. */
struct arena {
	struct arena_chunk *head;
	size_t used; /* bytes given out */
	size_t max;  /* hard limit of used */
};

#define ARENA_INIT(limit)                                                      \
	{                                                                      \
		.max = (limit)                                                 \
	}

/* `n` times `size` zeroed bytes, aligned for any type, or NULL when there is no
 * memory, the product overflows, or the limit is reached.  Either may be 0. */
void *arena_zalloc(struct arena *a, size_t n, size_t size);
/* A copy that lives as long as the arena. */
enum err arena_dup(struct arena *a, struct slice in,
		   struct slice *out) MUST_CHECK;
/* A copy as a string, with a final zero; NULL without memory. */
char *arena_str(struct arena *a, struct slice in);
void arena_free(struct arena *a);
/* As arena_free, but keeps one chunk for the next use. */
void arena_reset(struct arena *a);

#endif
