/* SPDX-License-Identifier: ISC */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed bytes: whoever made the slice says how long they live. */
struct slice {
	const uint8_t *p; /* may be NULL when len is 0 */
	size_t len;       /* bytes */
};

/* A slice of a string literal, without its final zero. */
#define SLICE_LIT(s) ((struct slice){ (const uint8_t *)(s), sizeof(s) - 1 })

static inline struct slice slice_of(const void *p, size_t len)
{
	return (struct slice){ p, len };
}

static inline struct slice slice_str(const char *s)
{
	return (struct slice){ (const uint8_t *)s, strlen(s) };
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

/* Lexicographic; a prefix comes first.  Below, equal or above 0. */
static inline int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int d = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return d != 0 ? d : (a.len > b.len) - (a.len < b.len);
}

/* `off` and `len` must lie inside `s`. */
static inline struct slice slice_sub(struct slice s, size_t off, size_t len)
{
	return (struct slice){ s.p + off, len };
}

#endif
