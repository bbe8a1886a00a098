/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPEDIT_H
#define SIP_SIPEDIT_H

#include "sip/sipmsg.h"

/*
 * What a proxy changes in a message that it passes on, RFC 3261 s16.6 and
 * s16.7; the rest leaves byte for byte as it came.  An empty slice, or zero, is
 * no change.
 */
struct sipedit {
	struct slice uri;     /* the new Request-URI */
	struct slice via;     /* value of an own Via, above the others */
	bool drop_via;        /* take the topmost Via value out */
	struct slice top_via; /* what stands for the topmost of those that came
			       */
	size_t drop_routes;   /* so many Route values from the top */
	struct slice fields;  /* whole fields, above the others */
	bool hop;             /* count Max-Forwards down; 70 without one */
	const char *realm;    /* take out Proxy-Authorization for it */
};

/* Appends the message.  Its Content-Length is right, and last. */
enum err sipedit_write(const struct sipmsg *m, const struct sipedit *e,
		       struct buf *out) MUST_CHECK;

/* Appends each field of that name as it came. */
enum err sipedit_copy(const struct sipmsg *m, const char *name,
		      struct buf *out) MUST_CHECK;

/* The n-th Route value, from 0, or false. */
bool sipedit_route(const struct sipmsg *m, size_t n, struct slice *value);
/* The topmost Via value.  False when there is none. */
bool sipedit_top_via(const struct sipmsg *m, struct slice *value);

/* Of a request as it was sent: its ACK for a response that is no 2xx,
 * s17.1.1.3, and its CANCEL, s9.1: by the same way, with the same topmost Via.
 */
enum err sipedit_ack(const struct sipmsg *request,
		     const struct sipmsg *response, struct buf *out) MUST_CHECK;
/* `fields` are more of the CANCEL's, or empty. */
enum err sipedit_cancel(const struct sipmsg *request, struct slice fields,
			struct buf *out) MUST_CHECK;

#endif
