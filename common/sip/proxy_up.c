/* SPDX-License-Identifier: ISC */
/*
 * Owns: the server transaction of a request that a proxy passes on: its
 * answers, once and again, RFC 3261 s17.2, RFC 6026.  Does not own: which
 * answer it is (proxy.c).
 */
#include "sip/proxy_private.h"

#include <stdlib.h>

#include "sip/sipedit.h"
#include "sip/sipreply.h"

struct call *proxy_up_new(struct proxy *p, const struct proxy_asked *a,
			  uint64_t now_us)
{
	struct call *c = calloc(1, sizeof(*c) + a->key.len);

	if (c == NULL)
		return NULL;
	c->invite = sipmsg_is(a->m->method, "INVITE");
	c->begins = c->invite && !sipway_in_dialog(a->m);
	c->since_us = now_us;
	c->from = *a->from;
	c->from.peer.unknown = slice_of(NULL, 0);
	c->to = *a->to;
	c->to.peer.unknown = slice_of(NULL, 0);
	c->bytes.max = SIPMSG_MAX;
	c->head.max = c->last.max = c->best.max = 2 * SIPMSG_MAX;
	c->challenges.max = c->reason.max = SIPMSG_MAX;
	c->key_len = a->key.len;
	memcpy(c->key, a->key.p, a->key.len);
	if (buf_append_slice(&c->bytes, a->bytes) == OK &&
	    buf_append_slice(&c->head, a->head) == OK) {
		HASH_ADD_KEYPTR(hh, p->calls, c->key, c->key_len, c);
		if (c->hh.tbl != NULL)
			return c;
	}
	buf_clear(&c->bytes);
	buf_clear(&c->head);
	free(c);
	return NULL;
}

void proxy_up_stop_waiting(struct proxy *p, struct call *c)
{
	if (c->token == 0)
		return;
	HASH_DELETE(hh_token, p->waiting, c);
	c->token = 0;
}

void proxy_up_free(struct proxy *p, struct call *c)
{
	proxy_up_stop_waiting(p, c);
	HASH_DEL(p->calls, c);
	for (size_t i = 0; i < c->n_legs; i++)
		proxy_leg_free(p, c->legs[i]);
	heap_cancel(&p->timers, &c->resend);
	heap_cancel(&p->timers, &c->end);
	sipway_clear(&c->way);
	buf_clear(&c->bytes);
	buf_clear(&c->head);
	buf_clear(&c->last);
	buf_clear(&c->best);
	buf_clear(&c->challenges);
	buf_clear(&c->reason);
	buf_clear(&c->own_uri);
	free(c);
}

void proxy_up(struct proxy *p, struct call *c, unsigned status,
	      struct slice bytes, uint64_t now_us)
{
	bool reliable = flow_is_reliable(&c->to);

	proxy_send(p, &c->to, bytes);
	buf_reset(&c->last);
	if (buf_append_slice(&c->last, bytes) != OK)
		buf_clear(&c->last); /* it cannot be repeated then */
	if (status < 200 || c->state != UP_PROCEEDING)
		return;
	if (c->begins && p->cfg.ended != NULL)
		p->cfg.ended(p->cfg.ctx, buf_slice(&c->bytes), status,
			     now_us - c->since_us);
	c->ended = true;
	c->state = c->invite && status < 300 ? UP_ACCEPTED : UP_COMPLETED;
	/* H, J and L; without INVITE nothing comes again by a connection. */
	proxy_set(p, &c->end, TIMER_UP_END,
		  now_us + (!c->invite && reliable ? 0 : 64 * BRANCH_T1_US));
	if (c->invite && status >= 300 && !reliable) { /* G */
		c->interval_us = BRANCH_T1_US;
		proxy_set(p, &c->resend, TIMER_UP_RESEND,
			  now_us + c->interval_us);
	}
}

void proxy_up_trying(struct proxy *p, struct call *c,
		     const struct proxy_asked *a, uint64_t now_us)
{
	struct buf head = BUF_INIT(2 * SIPMSG_MAX),
		   b = BUF_INIT(2 * SIPMSG_MAX);
	enum err r = sipreply_head(a->m, a->from, NULL, &head);

	if (r == OK)
		r = sipedit_copy(a->m, "Timestamp", &head);
	if (r == OK && sipreply_make(100, NULL, buf_slice(&head),
				     slice_of(NULL, 0), &b) == OK)
		proxy_up(p, c, 100, buf_slice(&b), now_us);
	buf_clear(&head);
	buf_clear(&b);
}

void proxy_up_own(struct proxy *p, struct call *c, unsigned status,
		  struct slice fields, uint64_t now_us)
{
	struct buf b = BUF_INIT(2 * SIPMSG_MAX);

	if (sipreply_make(status, NULL, buf_slice(&c->head), fields, &b) == OK)
		proxy_up(p, c, status, buf_slice(&b), now_us);
	buf_clear(&b);
}

void proxy_up_again(struct proxy *p, struct call *c, uint64_t now_us)
{
	proxy_send(p, &c->to, buf_slice(&c->last));
	c->interval_us *= 2;
	if (c->interval_us > BRANCH_T2_US)
		c->interval_us = BRANCH_T2_US;
	proxy_set(p, &c->resend, TIMER_UP_RESEND, now_us + c->interval_us);
}

void proxy_up_ack(struct proxy *p, struct call *c, uint64_t now_us)
{
	heap_cancel(&p->timers, &c->resend);
	c->state = UP_CONFIRMED; /* I */
	proxy_set(p, &c->end, TIMER_UP_END,
		  now_us + (flow_is_reliable(&c->to) ? 0 : BRANCH_T4_US));
}
