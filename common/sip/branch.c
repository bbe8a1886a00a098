/* SPDX-License-Identifier: ISC */
/*
 * Owns: the states and timers A to F, K, D and M of a client transaction: RFC
 * 3261 s17.1, RFC 6026 s8.4.  Does not own: who answers upstream.
 */
#include "sip/branch.h"

/* A timer that cannot be set for lack of memory leaves the other one; the end's
 * is set before all, and moving it needs none. */
static void set(struct heap *timers, struct timer *t, uint64_t at_us)
{
	if (heap_set(timers, t, at_us) != OK)
		return;
}

enum err branch_start(struct branch *b, struct heap *timers, uint64_t now_us)
{
	enum err r;

	b->state = BRANCH_CALLING;
	b->interval_us = BRANCH_T1_US;
	b->resend.type = BRANCH_RESEND;
	b->end.type = BRANCH_END;
	r = heap_set(timers, &b->end, now_us + 64 * BRANCH_T1_US);
	if (r == OK && !flow_is_reliable(&b->to))
		r = heap_set(timers, &b->resend, now_us + b->interval_us);
	return r;
}

static void finish(struct branch *b, struct heap *timers,
		   enum branch_state state, uint64_t at_us)
{
	heap_cancel(timers, &b->resend);
	b->state = state;
	set(timers, &b->end, at_us);
}

/* After a final response. */
static enum branch_wants final(struct branch *b, unsigned status,
			       struct heap *timers, uint64_t now_us)
{
	if (!b->invite) { /* K */
		finish(b, timers, BRANCH_COMPLETED,
		       now_us + (flow_is_reliable(&b->to) ? 0 : BRANCH_T4_US));
		return BRANCH_PASS;
	}
	if (status < 300) { /* M */
		finish(b, timers, BRANCH_ACCEPTED, now_us + 64 * BRANCH_T1_US);
		return BRANCH_PASS;
	}
	finish(b, timers, BRANCH_COMPLETED, /* D */
	       now_us + (flow_is_reliable(&b->to) ? 0 : 64 * BRANCH_T1_US));
	return BRANCH_PASS_ACK;
}

enum branch_wants branch_response(struct branch *b, unsigned status,
				  struct heap *timers, uint64_t now_us)
{
	switch (b->state) {
	case BRANCH_CALLING:
	case BRANCH_PROCEEDING:
		if (status >= 200)
			return final(b, status, timers, now_us);
		/* Timer C is the proxy's; so is `end` after a CANCEL, which one
		 * that comes late is not to undo. */
		if (b->invite && b->state == BRANCH_CALLING) {
			heap_cancel(timers, &b->resend);
			heap_cancel(timers, &b->end);
		} else if (!b->invite) {
			b->interval_us = BRANCH_T2_US;
		}
		b->state = BRANCH_PROCEEDING;
		return BRANCH_PASS;
	case BRANCH_COMPLETED:
		return b->invite && status >= 300 ? BRANCH_ACK : BRANCH_NOTHING;
	case BRANCH_ACCEPTED:
		return status >= 200 && status < 300 ? BRANCH_PASS
						     : BRANCH_NOTHING;
	case BRANCH_TERMINATED:
		break;
	}
	return BRANCH_NOTHING;
}

void branch_resend(struct branch *b, struct heap *timers, uint64_t now_us)
{
	b->interval_us *= 2;
	if (!b->invite && b->interval_us > BRANCH_T2_US)
		b->interval_us = BRANCH_T2_US;
	set(timers, &b->resend, now_us + b->interval_us);
}

bool branch_end(struct branch *b, struct heap *timers)
{
	bool silent = b->state == BRANCH_CALLING ||
		      b->state == BRANCH_PROCEEDING;

	heap_cancel(timers, &b->resend);
	b->state = BRANCH_TERMINATED;
	return silent;
}

bool branch_is_over(const struct branch *b)
{
	return b->state != BRANCH_CALLING && b->state != BRANCH_PROCEEDING;
}

void branch_clear(struct branch *b, struct heap *timers)
{
	heap_cancel(timers, &b->resend);
	heap_cancel(timers, &b->end);
	buf_clear(&b->request);
}
