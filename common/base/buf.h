/* SPDX-License-Identifier: ISC */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/err.h"
#include "base/slice.h"

/*
 * Growable bytes with a hard limit.  `{ .max = N }` is a valid empty buffer.
 * All appends leave the buffer as it was when they fail: ERR_NOMEM, or
 * ERR_LIMIT when the result would be longer than `max`.
 */
struct buf {
	uint8_t *p;
	size_t len; /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* hard limit of len */
};

#define BUF_INIT(limit)                                                        \
	{                                                                      \
		.max = (limit)                                                 \
	}

/* Room for `n` more bytes, counted into len, to be written by the caller
 * through
 * `*out`, which is valid until the next append. */
enum err buf_extend(struct buf *b, size_t n, uint8_t **out) MUST_CHECK;
enum err buf_append(struct buf *b, const void *p, size_t n) MUST_CHECK;
enum err buf_append_slice(struct buf *b, struct slice s) MUST_CHECK;
enum err buf_append_u8(struct buf *b, uint8_t v) MUST_CHECK;
/* Big endian, `width` 1 to 8 bytes. */
enum err buf_append_uint(struct buf *b, uint64_t v, unsigned width) MUST_CHECK;
enum err buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))) MUST_CHECK;
/* Drops the first `n` bytes (n <= len) and moves the rest down. */
void buf_consume(struct buf *b, size_t n);
/* The content, borrowed until the next change. */
static inline struct slice buf_slice(const struct buf *b)
{
	return slice_of(b->p, b->len);
}
/* Empties, keeps the memory. */
static inline void buf_reset(struct buf *b)
{
	b->len = 0;
}
/* Frees; the buffer is empty and usable afterwards, `max` stays. */
void buf_clear(struct buf *b);
/* As buf_clear, after wiping: for keys and passwords. */
void buf_wipe(struct buf *b);

#endif
