/* SPDX-License-Identifier: ISC */
#ifndef SIP_BRANCH_H
#define SIP_BRANCH_H

#include "base/buf.h"
#include "base/heap.h"
#include "sip/flow.h"

/*
 * A client transaction, RFC 3261 s17.1 with RFC 6026: one request on its way to
 * one next hop.  Pure: what it wants is returned, and its two timers are the
 * caller's heap's.
 */

#define BRANCH_T1_US UINT64_C(500000)
#define BRANCH_T2_US UINT64_C(4000000)
#define BRANCH_T4_US UINT64_C(5000000)

/* Types of its timers. */
enum branch_timer { BRANCH_RESEND = 1, BRANCH_END };

enum branch_state {
	BRANCH_CALLING, /* or Trying */
	BRANCH_PROCEEDING,
	BRANCH_COMPLETED, /* what comes again is absorbed */
	BRANCH_ACCEPTED,  /* INVITE: each 2xx goes on, RFC 6026 */
	BRANCH_TERMINATED
};

struct branch {
	enum branch_state state;
	bool invite;
	struct flow to;
	struct buf request; /* as it is sent */
	struct timer resend, end;
	uint64_t interval_us;
};

enum branch_wants {
	BRANCH_NOTHING,
	BRANCH_PASS, /* the response is the user's */
	BRANCH_ACK,  /* it is not, or is again: ACK it */
	BRANCH_PASS_ACK
};

/* It has been sent once.  ERR_NOMEM. */
enum err branch_start(struct branch *b, struct heap *timers,
		      uint64_t now_us) MUST_CHECK;
enum branch_wants branch_response(struct branch *b, unsigned status,
				  struct heap *timers, uint64_t now_us);
/* The timer is due: the request is to be sent again. */
void branch_resend(struct branch *b, struct heap *timers, uint64_t now_us);
/* The timer is due: true when it ended without an answer. */
bool branch_end(struct branch *b, struct heap *timers);
/* Has it its final response, or will it have none? */
bool branch_is_over(const struct branch *b);
void branch_clear(struct branch *b, struct heap *timers);

#endif
