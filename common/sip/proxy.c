/* SPDX-License-Identifier: ISC */
/*
 * Owns: requests under way, from the phone that asks to those that are asked,
 * and the best answer back: RFC 3261 s16.6 to s16.10, s17.2, RFC 6026.  Does
 * not own: where requests may go (sipway.c), one hop (branch.c), writing
 * (sipedit.c).
 */
#include "sip/proxy.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/table.h"
#include "sip/branch.h"
#include "sip/sipedit.h"
#include "sip/sipforward.h"
#include "sip/sipreply.h"

enum {
	ARENA_MAX = 1 << 18,
	WRITE_MAX = 4 * SIPMSG_MAX,
	ID_MAX = 1 + SIPFORWARD_BRANCH_LEN + 1
};

/* Types of timers, besides branch.h's. */
enum { TIMER_C = BRANCH_END + 1, TIMER_UP_RESEND, TIMER_UP_END };

/* The side of who asked, s17.2. */
enum up_state {
	UP_PROCEEDING,
	UP_COMPLETED, /* INVITE: until the ACK; others: repeats the answer */
	UP_CONFIRMED,
	UP_ACCEPTED, /* INVITE: a 2xx has gone up */
	UP_DONE
};

/* A branch, and whose it is. */
struct leg {
	struct branch b;
	struct call *call; /* NULL: a CANCEL, which nobody waits for */
	struct timer c;
	bool want_cancel, cancelled;
	UT_hash_handle hh;
	char id[ID_MAX]; /* method's first letter, branch parameter */
};

struct call {
	UT_hash_handle hh;
	bool invite;
	enum up_state state;
	struct flow from, to;
	struct buf bytes; /* the request as it came */
	struct buf head, last;
	struct timer resend, end;
	uint64_t interval_us;
	struct sipway way;
	size_t next; /* target */
	struct leg *legs[BINDING_MAX];
	size_t n_legs;
	unsigned best_status;
	struct buf best;
	bool ended; /* no more targets */
	size_t key_len;
	uint8_t key[];
};

struct proxy {
	struct proxy_config cfg;
	struct rng rng;
	struct call *calls;
	struct leg *legs;
	struct heap timers;
};

enum err proxy_new(struct proxy **out, const struct proxy_config *cfg)
{
	struct proxy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return ERR_NOMEM;
	p->cfg = *cfg;
	rng_init(&p->rng, cfg->seed);
	*out = p;
	return OK;
}

size_t proxy_count(const struct proxy *p)
{
	return HASH_COUNT(p->calls);
}

uint64_t proxy_deadline(const struct proxy *p)
{
	return heap_next(&p->timers);
}

/* Without memory a timer is not set: what waits for it stays longer. */
static void set(struct proxy *p, struct timer *t, int type, uint64_t at_us)
{
	t->type = (uint32_t)type;
	if (heap_set(&p->timers, t, at_us) != OK)
		return;
}

static void send(struct proxy *p, const struct flow *to, struct slice bytes)
{
	p->cfg.send(p->cfg.ctx, to, bytes);
}

/* ---- ends ---- */

static void leg_free(struct proxy *p, struct leg *l)
{
	HASH_DEL(p->legs, l);
	heap_cancel(&p->timers, &l->c);
	branch_clear(&l->b, &p->timers);
	free(l);
}

static void call_free(struct proxy *p, struct call *c)
{
	HASH_DEL(p->calls, c);
	for (size_t i = 0; i < c->n_legs; i++)
		leg_free(p, c->legs[i]);
	heap_cancel(&p->timers, &c->resend);
	heap_cancel(&p->timers, &c->end);
	sipway_clear(&c->way);
	buf_clear(&c->bytes);
	buf_clear(&c->head);
	buf_clear(&c->last);
	buf_clear(&c->best);
	free(c);
}

void proxy_free(struct proxy *p)
{
	if (p == NULL)
		return;
	while (p->calls != NULL)
		call_free(p, p->calls);
	while (p->legs != NULL)
		leg_free(p, p->legs);
	heap_clear(&p->timers);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* ---- answers to who asked ---- */

/* Sends it up, and keeps it for when the request comes again. */
static void up(struct proxy *p, struct call *c, unsigned status,
	       struct slice bytes, uint64_t now_us)
{
	bool reliable = c->to.conn != 0;

	send(p, &c->to, bytes);
	buf_reset(&c->last);
	if (buf_append_slice(&c->last, bytes) != OK)
		buf_clear(&c->last); /* it cannot be repeated then */
	if (status < 200 || c->state != UP_PROCEEDING)
		return;
	c->ended = true;
	c->state = c->invite && status < 300 ? UP_ACCEPTED : UP_COMPLETED;
	/* H, J and L; without INVITE nothing comes again by a connection. */
	set(p, &c->end, TIMER_UP_END,
	    now_us + (!c->invite && reliable ? 0 : 64 * BRANCH_T1_US));
	if (c->invite && status >= 300 && !reliable) { /* G */
		c->interval_us = BRANCH_T1_US;
		set(p, &c->resend, TIMER_UP_RESEND, now_us + c->interval_us);
	}
}

/* One of our own making. */
static void up_own(struct proxy *p, struct call *c, unsigned status,
		   uint64_t now_us)
{
	struct buf b = BUF_INIT(2 * SIPMSG_MAX);

	if (sipreply_make(status, NULL, buf_slice(&c->head), slice_of(NULL, 0),
			  &b) == OK)
		up(p, c, status, buf_slice(&b), now_us);
	buf_clear(&b);
}

/* ---- cancelling ---- */

/* A CANCEL of this branch, which is a transaction of its own: s9.1. */
static void send_cancel(struct proxy *p, struct leg *l, uint64_t now_us)
{
	struct leg *x = calloc(1, sizeof(*x));

	if (x == NULL)
		return;
	x->b.to = l->b.to;
	x->b.request.max = WRITE_MAX;
	(void)snprintf(x->id, sizeof(x->id), "C%s", l->id + 1); /* fits */
	if (sipforward_cancel(buf_slice(&l->b.request), &x->b.request) != OK)
		goto fail;
	HASH_ADD_STR(p->legs, id, x);
	if (x->hh.tbl == NULL)
		goto fail;
	if (branch_start(&x->b, &p->timers, now_us) != OK) {
		leg_free(p, x);
		return;
	}
	l->cancelled = true;
	send(p, &x->b.to, buf_slice(&x->b.request));
	/* Who does not answer then is not waited for. */
	set(p, &l->b.end, BRANCH_END, now_us + 64 * BRANCH_T1_US);
	return;
fail:
	buf_clear(&x->b.request);
	free(x);
}

/* Not before something has come from there, s9.1. */
static void cancel_leg(struct proxy *p, struct leg *l, uint64_t now_us)
{
	if (!l->b.invite || branch_is_over(&l->b) || l->cancelled)
		return;
	if (l->b.state == BRANCH_PROCEEDING)
		send_cancel(p, l, now_us);
	else
		l->want_cancel = true;
}

static void cancel_all(struct proxy *p, struct call *c, uint64_t now_us)
{
	c->ended = true;
	for (size_t i = 0; i < c->n_legs; i++)
		cancel_leg(p, c->legs[i], now_us);
}

/* ---- passing on ---- */

/* The method's letter and a branch parameter. */
static enum err make_id(struct proxy *p, const struct sipmsg *m,
			char id[static ID_MAX])
{
	id[0] = 'R';
	return sipforward_branch(m, rng_u64(&p->rng), id + 1);
}

static enum err start_leg(struct proxy *p, struct call *c,
			  const struct sipmsg *m, const struct sipway_target *t,
			  uint64_t now_us)
{
	struct leg *l = calloc(1, sizeof(*l));
	enum err r;

	if (l == NULL)
		return ERR_NOMEM;
	l->call = c;
	l->b.invite = c->invite;
	l->b.to = t->flow;
	l->b.request.max = WRITE_MAX;
	if ((r = make_id(p, m, l->id)) != OK ||
	    (r = sipforward_write(&p->cfg, &c->from, m, t, c->way.drop_routes,
				  l->id + 1, &l->b.request)) != OK)
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
		set(p, &l->c, TIMER_C,
		    now_us + UINT64_C(1000000) * PROXY_TIMER_C_S);
	send(p, &l->b.to, buf_slice(&l->b.request));
	return OK;
fail:
	buf_clear(&l->b.request);
	free(l);
	return r;
}

/* All targets that are as good as the next one, at once: s16.6. */
static void fork_next(struct proxy *p, struct call *c, uint64_t now_us)
{
	struct arena a = ARENA_INIT(ARENA_MAX);
	uint16_t q = c->way.v[c->next].q;
	struct sipmsg m;
	enum err r = sipmsg_parse(&m, buf_slice(&c->bytes), &a);

	while (c->next < c->way.n && c->way.v[c->next].q == q) {
		if (r == OK &&
		    start_leg(p, c, &m, &c->way.v[c->next], now_us) != OK &&
		    c->best_status == 0)
			c->best_status = 480; /* its flow has gone */
		c->next++;
	}
	arena_free(&a);
}

/* ---- the best answer ---- */

static void keep_best(struct call *c, unsigned status, struct slice bytes)
{
	if (!sipforward_better(status, c->best_status))
		return;
	buf_reset(&c->best);
	c->best_status = status;
	if (buf_append_slice(&c->best, bytes) != OK)
		buf_clear(&c->best); /* then in our own words */
}

/* What is to be done once something has changed: more targets, or the answer,
 * or the end of it. */
static void settle(struct proxy *p, struct call *c, uint64_t now_us)
{
	bool over = true, gone = c->state == UP_DONE;

	for (size_t i = 0; i < c->n_legs; i++) {
		over = over && branch_is_over(&c->legs[i]->b);
		gone = gone && c->legs[i]->b.state == BRANCH_TERMINATED;
	}
	while (over && !c->ended && c->next < c->way.n) {
		fork_next(p, c, now_us);
		for (size_t i = 0; i < c->n_legs; i++)
			over = over && branch_is_over(&c->legs[i]->b);
	}
	if (gone) {
		call_free(p, c);
	} else if (over && c->state == UP_PROCEEDING) {
		if (!c->invite && c->best_status == 408) {
			/* Who asked has given up as well, RFC 4320 s4.2. */
			c->state = UP_COMPLETED;
			set(p, &c->end, TIMER_UP_END, now_us);
		} else if (c->best.len > 0 && c->best_status != 503)
			up(p, c, c->best_status, buf_slice(&c->best), now_us);
		else /* that one hop is overloaded says nothing of us, s16.7 */
			up_own(p, c,
			       c->best_status == 503 ? 500
			       : c->best_status == 0 ? 408
						     : c->best_status,
			       now_us);
	}
}

/* ---- requests ---- */

bool proxy_again(struct proxy *p, struct slice key)
{
	struct call *c;

	HASH_FIND(hh, p->calls, key.p, key.len, c);
	if (c == NULL)
		return false;
	/* After a 2xx the phone that was called repeats it, RFC 6026 s7.1. */
	if (c->state != UP_CONFIRMED && c->state != UP_ACCEPTED &&
	    c->last.len > 0)
		send(p, &c->to, buf_slice(&c->last));
	return true;
}

static struct call *new_call(struct proxy *p, const struct proxy_asked *a)
{
	struct call *c = calloc(1, sizeof(*c) + a->key.len);

	if (c == NULL)
		return NULL;
	c->invite = sipmsg_is(a->m->method, "INVITE");
	c->from = *a->from;
	c->from.peer.unknown = slice_of(NULL, 0);
	c->to = *a->to;
	c->to.peer.unknown = slice_of(NULL, 0);
	c->bytes.max = SIPMSG_MAX;
	c->head.max = c->last.max = c->best.max = 2 * SIPMSG_MAX;
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

enum err proxy_request(struct proxy *p, const struct proxy_asked *a,
		       uint64_t now_us, unsigned *status, struct buf *fields)
{
	struct sipway way;
	struct call *c;
	enum err r;

	*status = 0;
	if (HASH_COUNT(p->calls) >= PROXY_CALLS_MAX) {
		*status = 503;
		return buf_append_slice(fields,
					SLICE_LIT("Retry-After: 10\r\n"));
	}
	if ((r = sipway_find(&way, &p->cfg, a->m, now_us, status, fields)) !=
		    OK ||
	    *status != 0)
		return r;
	if ((c = new_call(p, a)) == NULL) {
		sipway_clear(&way);
		return ERR_NOMEM;
	}
	c->way = way;
	if (c->invite)
		up_own(p, c, 100, now_us); /* at once, s16.2 */
	fork_next(p, c, now_us);
	settle(p, c, now_us);
	return OK;
}

unsigned proxy_cancel(struct proxy *p, struct slice key, uint64_t now_us)
{
	struct call *c;

	HASH_FIND(hh, p->calls, key.p, key.len, c);
	if (c == NULL)
		return 481;
	if (c->invite && c->state == UP_PROCEEDING) {
		if (c->best_status == 0)
			c->best_status = 487; /* unless somebody says more */
		cancel_all(p, c, now_us);
		settle(p, c, now_us);
	}
	return 200;
}

/* The ACK of a 2xx has no transaction: it follows its Routes, s16.6. */
static void pass_ack(struct proxy *p, const struct proxy_asked *a)
{
	struct sipway_target t = { .q = 1000 };
	struct buf b = BUF_INIT(WRITE_MAX);
	char id[ID_MAX];
	size_t drop_routes;

	if (sipway_by_routes(&p->cfg, a->m, &t.flow, &drop_routes) &&
	    make_id(p, a->m, id) == OK &&
	    sipforward_write(&p->cfg, a->from, a->m, &t, drop_routes, id + 1,
			     &b) == OK)
		send(p, &t.flow, buf_slice(&b));
	buf_clear(&b);
}

void proxy_ack(struct proxy *p, const struct proxy_asked *a, uint64_t now_us)
{
	struct call *c;

	HASH_FIND(hh, p->calls, a->key.p, a->key.len, c);
	if (c == NULL || c->state == UP_ACCEPTED) {
		pass_ack(p, a);
	} else if (c->state == UP_COMPLETED && c->invite) {
		heap_cancel(&p->timers, &c->resend);
		c->state = UP_CONFIRMED; /* I */
		set(p, &c->end, TIMER_UP_END,
		    now_us + (c->to.conn != 0 ? 0 : BRANCH_T4_US));
	}
}

/* ---- responses ---- */

static struct leg *leg_of(struct proxy *p, const struct sipmsg *m)
{
	char id[ID_MAX];
	struct leg *l;

	if (!sipforward_asked(m, &id[0], id + 1))
		return NULL;
	HASH_FIND_STR(p->legs, id, l);
	return l;
}

static void ack(struct proxy *p, struct leg *l, const struct sipmsg *m)
{
	struct buf b = BUF_INIT(WRITE_MAX);

	if (sipforward_ack(buf_slice(&l->b.request), m, &b) == OK)
		send(p, &l->b.to, buf_slice(&b));
	buf_clear(&b);
}

/* A response that is for who asked. */
static void pass(struct proxy *p, struct leg *l, const struct sipmsg *m,
		 uint64_t now_us)
{
	const struct sipedit e = { .drop_via = true };
	struct buf b = BUF_INIT(WRITE_MAX);
	struct call *c = l->call;

	if (m->status == 100 || sipedit_write(m, &e, &b) != OK)
		goto out;
	if (m->status < 200) {
		if (c->state == UP_PROCEEDING)
			up(p, c, m->status, buf_slice(&b), now_us);
	} else if (m->status < 300) {
		/* Of an INVITE each, s16.7 step 5; of others the first. */
		if (c->state == UP_PROCEEDING ||
		    (c->invite && c->state == UP_ACCEPTED)) {
			up(p, c, m->status, buf_slice(&b), now_us);
			cancel_all(p, c, now_us);
		}
	} else {
		keep_best(c, m->status, buf_slice(&b));
		if (m->status >= 600)
			cancel_all(p, c, now_us);
	}
out:
	buf_clear(&b);
}

void proxy_response(struct proxy *p, const struct sipmsg *m, uint64_t now_us)
{
	struct leg *l = leg_of(p, m);
	enum branch_wants w;

	if (l == NULL)
		return; /* nobody has asked */
	w = branch_response(&l->b, m->status, &p->timers, now_us);
	if (w == BRANCH_ACK || w == BRANCH_PASS_ACK)
		ack(p, l, m);
	if (l->call == NULL)
		return;
	if (l->b.state == BRANCH_PROCEEDING && m->status > 100 && l->b.invite)
		set(p, &l->c, TIMER_C,
		    now_us + UINT64_C(1000000) * PROXY_TIMER_C_S);
	if (branch_is_over(&l->b))
		heap_cancel(&p->timers, &l->c);
	else if (l->want_cancel && !l->cancelled)
		cancel_leg(p, l, now_us);
	if (w == BRANCH_PASS || w == BRANCH_PASS_ACK)
		pass(p, l, m, now_us);
	settle(p, l->call, now_us);
}

/* ---- time ---- */

static void leg_ended(struct proxy *p, struct leg *l, uint64_t now_us)
{
	bool silent = branch_end(&l->b, &p->timers);
	struct call *c = l->call;

	heap_cancel(&p->timers, &l->c);
	if (c == NULL) {
		leg_free(p, l);
		return;
	}
	if (silent)
		keep_best(c, l->cancelled ? 487 : 408, slice_of(NULL, 0));
	settle(p, c, now_us);
}

static void call_timer(struct proxy *p, struct call *c, bool ended,
		       uint64_t now_us)
{
	if (ended) {
		heap_cancel(&p->timers, &c->resend);
		c->state = UP_DONE;
		settle(p, c, now_us);
		return;
	}
	send(p, &c->to, buf_slice(&c->last));
	c->interval_us *= 2;
	if (c->interval_us > BRANCH_T2_US)
		c->interval_us = BRANCH_T2_US;
	set(p, &c->resend, TIMER_UP_RESEND, now_us + c->interval_us);
}

void proxy_expire(struct proxy *p, uint64_t now_us)
{
	struct timer *t;
	struct leg *l;

	while ((t = heap_pop(&p->timers, now_us)) != NULL) {
		switch (t->type) {
		case BRANCH_RESEND:
			l = container_of(t, struct leg, b.resend);
			send(p, &l->b.to, buf_slice(&l->b.request));
			branch_resend(&l->b, &p->timers, now_us);
			break;
		case BRANCH_END:
			leg_ended(p, container_of(t, struct leg, b.end),
				  now_us);
			break;
		case TIMER_C:
			cancel_leg(p, container_of(t, struct leg, c), now_us);
			break;
		case TIMER_UP_RESEND:
			call_timer(p, container_of(t, struct call, resend),
				   false, now_us);
			break;
		default:
			call_timer(p, container_of(t, struct call, end), true,
				   now_us);
		}
	}
}
