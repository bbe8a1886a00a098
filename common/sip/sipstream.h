/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPSTREAM_H
#define SIP_SIPSTREAM_H

#include "base/buf.h"
#include "sip/sipmsg.h"

/*
 * What comes over a connection, whatever that is made of, as messages of SIP:
 * RFC 3261 s18.3, and the keep-alives of RFC 5626 s3.5.1.  Pure: bytes in, and
 * messages and pongs out by two calls back; time is a parameter.
 */

enum {
	SIPSTREAM_CHUNK_MAX = 16384, /* bytes of one sipstream_take() */
	SIPSTREAM_MESSAGE_S = 20,    /* for a message to come, once it began */
	SIPSTREAM_IDLE_S = 120       /* of a connection that nothing holds */
};

struct sipstream {
	struct buf in;     /* what is not yet a message */
	uint64_t began_us; /* of what is in it; 0: nothing */
	uint64_t used_us;  /* when the last message or ping came */
};

/* Both return false when the connection is closed: nothing is called any more,
 * but the stream has to be there until sipstream_take() is back. */
struct sipstream_taker {
	/* One whole message, borrowed for the call. */
	bool (*message)(void *ctx, struct slice bytes);
	/* A line end is to be sent. */
	bool (*pong)(void *ctx);
	void *ctx;
};

void sipstream_init(struct sipstream *s, uint64_t now_us);
/* ERR_LIMIT, ERR_MALFORMED when no message can begin so: where the next one
 * would begin is lost, and with it the connection; ERR_NOMEM. */
enum err sipstream_take(struct sipstream *s, struct slice bytes,
			const struct sipstream_taker *to,
			uint64_t now_us) MUST_CHECK;
/* Does a message take too long to come? */
bool sipstream_is_slow(const struct sipstream *s, uint64_t now_us);
/* Has nothing come for long? */
bool sipstream_is_idle(const struct sipstream *s, uint64_t now_us);
void sipstream_clear(struct sipstream *s);

#endif
