/* SPDX-License-Identifier: ISC */
/*
 * Owns: where messages end in a stream, line ends between them, and how long a
 * message may take to come: RFC 3261 s7.5, s18.3, RFC 5626 s3.5.1.  Does not
 * own: connections, what messages say.
 */
#include "sip/sipstream.h"

#include <string.h>

static const char ping[] = "\r\n\r\n";

enum { PING_LEN = sizeof(ping) - 1 };

void sipstream_init(struct sipstream *s, uint64_t now_us)
{
	*s = (struct sipstream){ .in.max = SIPMSG_HEAD_MAX + SIPMSG_MAX +
					   SIPSTREAM_CHUNK_MAX,
				 .used_us = now_us };
}

/* Line ends before a message mean nothing, RFC 3261 s7.5; two of them at once
 * ask for one in return, RFC 5626 s3.5.1. */
static bool take_pings(struct sipstream *s, const struct sipstream_taker *to,
		       uint64_t now_us)
{
	const struct buf *in = &s->in;
	size_t n = 0, left;
	bool on = true;

	while (on && n < in->len && (in->p[n] == '\r' || in->p[n] == '\n')) {
		left = in->len - n;
		if (left >= PING_LEN &&
		    memcmp(in->p + n, ping, PING_LEN) == 0) {
			on = to->pong(to->ctx);
			n += PING_LEN;
		} else if (left < PING_LEN &&
			   memcmp(in->p + n, ping, left) == 0) {
			break; /* the rest of a ping may come */
		} else {
			n++;
		}
	}
	if (n > 0)
		s->used_us = now_us;
	buf_consume(&s->in, n);
	return on;
}

static bool only_line_ends(const struct buf *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->p[i] != '\r' && b->p[i] != '\n')
			return false;
	return true;
}

enum err sipstream_take(struct sipstream *s, struct slice bytes,
			const struct sipstream_taker *to, uint64_t now_us)
{
	enum err r = buf_append_slice(&s->in, bytes);
	size_t len;

	while (r == OK) {
		if (!take_pings(s, to, now_us))
			return OK;
		if (only_line_ends(&s->in)) {
			s->began_us = 0;
			break;
		}
		if ((r = sipmsg_length(buf_slice(&s->in), &len)) != OK)
			break;
		if (len == 0) {
			if (s->began_us == 0)
				s->began_us = now_us;
			break;
		}
		if (!to->message(to->ctx, slice_of(s->in.p, len)))
			return OK;
		s->used_us = now_us;
		s->began_us = 0;
		buf_consume(&s->in, len);
	}
	if (s->in.len == 0)
		buf_clear(&s->in); /* many connections say little */
	return r;
}

bool sipstream_is_slow(const struct sipstream *s, uint64_t now_us)
{
	return s->began_us != 0 &&
	       now_us - s->began_us > UINT64_C(1000000) * SIPSTREAM_MESSAGE_S;
}

bool sipstream_is_idle(const struct sipstream *s, uint64_t now_us)
{
	return now_us - s->used_us > UINT64_C(1000000) * SIPSTREAM_IDLE_S;
}

void sipstream_clear(struct sipstream *s)
{
	buf_clear(&s->in);
}
