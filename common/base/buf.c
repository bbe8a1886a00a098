/* SPDX-License-Identifier: ISC */
/*
 * Growable bytes with a hard limit.  Owns its memory; doubles it when it is
 * full, so that n appends cost O(n).
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { BUF_FIRST = 256 }; /* bytes of the first allocation */

static enum err grow(struct buf *b, size_t n)
{
	size_t cap = b->cap;
	uint8_t *p;

	if (b->len > b->max || n > b->max - b->len)
		return ERR_LIMIT;
	if (b->p != NULL && n <= cap - b->len)
		return OK;
	if (cap < BUF_FIRST)
		cap = BUF_FIRST;
	while (cap - b->len < n) {
		if (cap > SIZE_MAX / 2)
			return ERR_NOMEM;
		cap *= 2;
	}
	if ((p = realloc(b->p, cap)) == NULL)
		return ERR_NOMEM;
	b->p = p;
	b->cap = cap;
	return OK;
}

enum err buf_extend(struct buf *b, size_t n, uint8_t **out)
{
	enum err r;

	if ((r = grow(b, n)) != OK)
		return r;
	*out = b->p + b->len;
	b->len += n;
	return OK;
}

enum err buf_append(struct buf *b, const void *p, size_t n)
{
	uint8_t *to;
	enum err r;

	if ((r = buf_extend(b, n, &to)) == OK && n != 0)
		memcpy(to, p, n);
	return r;
}

enum err buf_append_slice(struct buf *b, struct slice s)
{
	return buf_append(b, s.p, s.len);
}

enum err buf_append_u8(struct buf *b, uint8_t v)
{
	return buf_append(b, &v, 1);
}

enum err buf_append_uint(struct buf *b, uint64_t v, unsigned width)
{
	uint8_t *to;
	enum err r;

	if ((r = buf_extend(b, width, &to)) != OK)
		return r;
	while (width-- > 0) {
		to[width] = (uint8_t)v;
		v >>= 8;
	}
	return OK;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	uint8_t *to;
	enum err r;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return ERR_NOMEM;
	/* One more for the final zero, which is then given back. */
	if ((size_t)n >= b->max - b->len)
		return ERR_LIMIT;
	if ((r = buf_extend(b, (size_t)n + 1, &to)) != OK)
		return r;
	va_start(ap, fmt);
	(void)vsnprintf((char *)to, (size_t)n + 1, fmt, ap); /* as measured */
	va_end(ap);
	b->len--;
	return OK;
}

void buf_consume(struct buf *b, size_t n)
{
	b->len -= n;
	if (n != 0 && b->len != 0)
		memmove(b->p, b->p + n, b->len);
}

void buf_clear(struct buf *b)
{
	free(b->p);
	b->p = NULL;
	b->len = b->cap = 0;
}

void buf_wipe(struct buf *b)
{
	if (b->p != NULL)
		explicit_bzero(b->p, b->cap);
	buf_clear(b);
}
