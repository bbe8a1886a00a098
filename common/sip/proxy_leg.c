/* SPDX-License-Identifier: ISC */
/*
 * Owns: one of those that a proxy asks: the request that it gets, its ACK and
 * CANCEL, RFC 3261 s9.1, s16.6, s16.10.  Does not own: states and timers of one
 * hop (branch.c).
 */
#include "sip/proxy_private.h"

#include <stdio.h>
#include <stdlib.h>

void proxy_leg_free(struct proxy *p, struct leg *l)
{
	HASH_DEL(p->legs, l);
	heap_cancel(&p->timers, &l->c);
	branch_clear(&l->b, &p->timers);
	free(l);
}

/* A CANCEL of this branch, which is a transaction of its own: s9.1. */
static void send_cancel(struct proxy *p, struct leg *l, uint64_t now_us)
{
	struct leg *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return;
	x->b.to = l->b.to;
	x->b.request.max = PROXY_WRITE_MAX;
	(void)snprintf(x->id, sizeof(x->id), "C%s", l->id + 1); /* fits */
	if (sipforward_cancel(buf_slice(&l->b.request),
			      buf_slice(&l->call->reason), &x->b.request) != OK)
		goto fail;
	HASH_ADD_STR(p->legs, id, x);
	if (x->hh.tbl == NULL)
		goto fail;
	if (branch_start(&x->b, &p->timers, now_us) != OK) {
		proxy_leg_free(p, x);
		return;
	}
	l->cancelled = true;
	proxy_send(p, &x->b.to, buf_slice(&x->b.request));
	/* Who does not answer then is not waited for. */
	proxy_set(p, &l->b.end, BRANCH_END, now_us + 64 * BRANCH_T1_US);
	return;
fail:
	buf_clear(&x->b.request);
	free(x);
}

void proxy_leg_cancel(struct proxy *p, struct leg *l, uint64_t now_us)
{
	if (!l->b.invite || branch_is_over(&l->b) || l->cancelled)
		return;
	if (l->b.state == BRANCH_PROCEEDING)
		send_cancel(p, l, now_us);
	else
		l->want_cancel = true;
}

enum err proxy_leg_id(struct proxy *p, const struct sipmsg *m,
		      char id[static PROXY_ID_MAX])
{
	id[0] = 'R';
	return sipforward_branch(m, rng_u64(&p->rng), id + 1);
}

/* The request for its target; what is too large for UDP goes by TCP, with a Via
 * that says so, RFC 3261 s18.1.1. */
static enum err write(struct proxy *p, struct leg *l, const struct sipmsg *m,
		      bool may_grow)
{
	const struct call *c = l->call;
	struct sipway_target t = c->way.v[l->target];
	enum err r = proxy_leg_id(p, m, l->id);

	if (r == OK)
		r = sipforward_write(&p->cfg, &c->from, m, &t,
				     c->way.drop_routes, l->id + 1,
				     &l->b.request);
	l->by_tcp = r == OK && may_grow && !flow_is_reliable(&t.flow) &&
		    l->b.request.len > PROXY_UDP_MAX &&
		    p->cfg.large(p->cfg.ctx, &c->way.v[l->target].flow,
				 &t.flow);
	if (l->by_tcp) {
		buf_reset(&l->b.request);
		r = sipforward_write(&p->cfg, &c->from, m, &t,
				     c->way.drop_routes, l->id + 1,
				     &l->b.request);
	}
	l->b.to = t.flow;
	return r;
}

enum err proxy_leg_start(struct proxy *p, struct call *c,
			 const struct sipmsg *m, size_t target, bool may_grow,
			 uint64_t now_us)
{
	struct leg *l = calloc(1, sizeof(*l));
	enum err r;

	if (l == NULL)
		return ERR_NOMEM;
	l->call = c;
	l->target = target;
	l->b.invite = c->invite;
	l->b.request.max = PROXY_WRITE_MAX;
	if ((r = write(p, l, m, may_grow)) != OK)
		goto fail;
	r = ERR_NOMEM;
	HASH_ADD_STR(p->legs, id, l);
	if (l->hh.tbl == NULL)
		goto fail;
	c->legs[c->n_legs++] = l;
	if ((r = branch_start(&l->b, &p->timers, now_us)) != OK) {
		(void)branch_end(&l->b, &p->timers); /* it never began */
		return r;
	}
	if (c->invite)
		proxy_set(p, &l->c, TIMER_C,
			  now_us + UINT64_C(1000000) * PROXY_TIMER_C_S);
	proxy_send(p, &l->b.to, buf_slice(&l->b.request));
	return OK;
fail:
	buf_clear(&l->b.request);
	free(l);
	return r;
}

struct leg *proxy_leg_find(struct proxy *p, const struct sipmsg *m)
{
	char id[PROXY_ID_MAX];
	struct leg *l;

	if (!sipforward_asked(m, &id[0], id + 1))
		return NULL;
	HASH_FIND_STR(p->legs, id, l);
	return l;
}

void proxy_leg_ack(struct proxy *p, struct leg *l, const struct sipmsg *m)
{
	struct buf b = BUF_INIT(PROXY_WRITE_MAX);

	if (sipforward_ack(buf_slice(&l->b.request), m, &b) == OK)
		proxy_send(p, &l->b.to, buf_slice(&b));
	buf_clear(&b);
}
