/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPFORWARD_H
#define SIP_SIPFORWARD_H

#include "sip/sipway.h"

/* A request as it leaves the proxy for one target: RFC 3261 s16.6. */

enum { SIPFORWARD_BRANCH_LEN = 7 + SIPWAY_LOOP_LEN + 16 };

/* A branch parameter that is unique by `number`, and tells loops: s16.6 step 8.
 * ERR_ALGORITHM. */
enum err sipforward_branch(const struct sipmsg *m, uint64_t number,
			   char out[static SIPFORWARD_BRANCH_LEN + 1])
	MUST_CHECK;
/* Appends it.  ERR_LINK_CLOSED when the flow of the target, or that which it
 * came `from`, is gone. */
enum err sipforward_write(const struct proxy_config *cfg,
			  const struct flow *from, const struct sipmsg *m,
			  const struct sipway_target *t, size_t drop_routes,
			  const char *branch, struct buf *out) MUST_CHECK;
/* The ACK and the CANCEL for a request as it was sent; `fields` are more of the
 * CANCEL's, or empty.  ERR_MALFORMED. */
enum err sipforward_ack(struct slice request, const struct sipmsg *response,
			struct buf *out) MUST_CHECK;
enum err sipforward_cancel(struct slice request, struct slice fields,
			   struct buf *out) MUST_CHECK;
/* What a response answers: 'C' for a CANCEL, else 'R', and our branch
 * parameter. False when it is none of ours. */
bool sipforward_asked(const struct sipmsg *m, char *what,
		      char branch[static SIPFORWARD_BRANCH_LEN + 1]);
/* Is status `a` a better answer than `b` (0: none yet)?  RFC 3261 s16.7 step 6.
 * Of a class one that says what to do, before one that says nothing of whoever
 * is called. */
bool sipforward_better(unsigned a, unsigned b);

#endif
