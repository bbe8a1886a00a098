/* SPDX-License-Identifier: ISC */
#ifndef SIP_OUTSIDE_H
#define SIP_OUTSIDE_H

#include "net/loop.h"
#include "sip/sipnet.h"

/* Servers and contacts that are no peers of the overlay, by RFC 3263: from a
 * URI to the flows that lead there. */

enum {
	OUTSIDE_FLOWS_MAX = 4, /* of one URI */
	OUTSIDE_MAX = 1024,    /* asked at a time */
	OUTSIDE_S = 8          /* after that nothing more is asked */
};

struct outside;

/* The best first; none when it cannot be found, or not be sent to.  Borrowed
 * for the call. */
typedef void outside_done(void *ctx, const struct flow *v, size_t n);

/* Both are borrowed until outside_free(). */
enum err outside_new(struct outside **out, struct loop *l,
		     struct sipnet *net) MUST_CHECK;
/* `done` is called once, maybe before this returns, and not after
 * outside_free(). */
void outside_find(struct outside *o, struct slice uri, outside_done *done,
		  void *ctx);
/* Forgets what is asked.  NULL is fine. */
void outside_free(struct outside *o);

#endif
