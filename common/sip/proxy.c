/* SPDX-License-Identifier: ISC */
/*
 * Owns: requests under way, from the phone that asks to those that are asked,
 * and the best answer back: RFC 3261 s16.6 to s16.10, s17.2, RFC 6026.  Does
 * not own: where requests may go (sipway.c), the side of who asked
 * (proxy_up.c), one of those that are asked (proxy_leg.c).
 */
#include "sip/proxy_private.h"

#include <stdlib.h>

#include "conf/address.h"
#include "sip/sipedit.h"

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

void proxy_set(struct proxy *p, struct timer *t, int type, uint64_t at_us)
{
	t->type = (uint32_t)type;
	if (heap_set(&p->timers, t, at_us) != OK)
		return;
}

void proxy_send(struct proxy *p, const struct flow *to, struct slice bytes)
{
	p->cfg.send(p->cfg.ctx, to, bytes);
}

void proxy_free(struct proxy *p)
{
	if (p == NULL)
		return;
	while (p->calls != NULL)
		proxy_up_free(p, p->calls);
	while (p->legs != NULL)
		proxy_leg_free(p, p->legs);
	heap_clear(&p->timers);
	explicit_bzero(p, sizeof(*p));
	free(p);
}

/* ---- cancelling ---- */

static void cancel_all(struct proxy *p, struct call *c, uint64_t now_us)
{
	c->ended = true;
	proxy_up_stop_waiting(p, c);
	for (size_t i = 0; i < c->n_legs; i++)
		proxy_leg_cancel(p, c->legs[i], now_us);
}

/* Somebody has taken the call: it is none that the others have missed, RFC 3326
 * s3.1. */
static void taken(struct proxy *p, struct call *c, uint64_t now_us)
{
	if (c->reason.len == 0 &&
	    buf_append_slice(&c->reason,
			     SLICE_LIT("Reason: SIP;cause=200;text=\"Call "
				       "completed elsewhere\"\r\n")) != OK)
		buf_clear(&c->reason);
	cancel_all(p, c, now_us);
}

/* ---- passing on ---- */

/* All targets that are as good as the next one, at once: s16.6. */
static void fork_next(struct proxy *p, struct call *c, uint64_t now_us)
{
	struct arena a = ARENA_INIT(PROXY_ARENA_MAX);
	uint16_t q = c->way.v[c->next].q;
	struct sipmsg m;
	enum err r = sipmsg_parse(&m, buf_slice(&c->bytes), &a);

	while (c->next < c->way.n && c->way.v[c->next].q == q) {
		if (r == OK &&
		    proxy_leg_start(p, c, &m, c->next, true, now_us) != OK &&
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

/* What another than the best one wants to hear goes along, s16.7 step 7. */
static void keep_challenges(struct call *c, const struct sipmsg *m)
{
	bool asks = m->status == 401 || m->status == 407;

	if (asks && (c->best_status == 401 || c->best_status == 407) &&
	    (sipedit_copy(m, "WWW-Authenticate", &c->challenges) != OK ||
	     sipedit_copy(m, "Proxy-Authenticate", &c->challenges) != OK))
		buf_clear(&c->challenges);
}

/* The best one as it came, with those challenges behind its fields. */
static void answer_best(struct proxy *p, struct call *c, uint64_t now_us)
{
	struct slice s = buf_slice(&c->best);
	const uint8_t *end = memmem(s.p, s.len, "\r\n\r\n", 4);
	struct buf b = BUF_INIT(PROXY_WRITE_MAX);
	size_t head = end == NULL ? 0 : (size_t)(end - s.p) + 2;

	if (c->challenges.len > 0 && head > 0 &&
	    (c->best_status == 401 || c->best_status == 407) &&
	    buf_append(&b, s.p, head) == OK &&
	    buf_append_slice(&b, buf_slice(&c->challenges)) == OK &&
	    buf_append(&b, s.p + head, s.len - head) == OK)
		s = buf_slice(&b);
	proxy_up(p, c, c->best_status, s, now_us);
	buf_clear(&b);
}

/* All have answered, or there was nobody. */
static void answer(struct proxy *p, struct call *c, uint64_t now_us)
{
	const struct slice retry = SLICE_LIT("Retry-After: 10\r\n");
	unsigned status = c->best_status;

	if (!c->invite && status == 408) {
		/* Who asked has given up as well, RFC 4320 s4.2. */
		c->state = UP_COMPLETED;
		proxy_set(p, &c->end, TIMER_UP_END, now_us);
	} else if (c->best.len > 0 && status != 503) {
		answer_best(p, c, now_us);
	} else if (status == 0 && c->cut_off) {
		proxy_up_own(p, c, 503, retry, now_us);
	} else {
		/* That one hop is overloaded says nothing of us, s16.7; and
		 * one that is not there, s16.9, not that anything is broken. */
		if (status == 503)
			status = c->best.len > 0 ? 500 : 480;
		else if (status == 0)
			status = c->way.none != 0 ? c->way.none : 408;
		proxy_up_own(p, c, status, slice_of(NULL, 0), now_us);
	}
}

/* Who has been reached has answered for all the servers of that domain, RFC
 * 3263 s4.3. */
static void skip_spares(struct call *c)
{
	if (c->best_status == 0 || c->best_status == 408 ||
	    c->best_status == 503)
		return;
	while (c->next < c->way.n && c->way.v[c->next].spare)
		c->next++;
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
	if (over)
		skip_spares(c);
	while (over && !c->ended && c->next < c->way.n) {
		fork_next(p, c, now_us);
		for (size_t i = 0; i < c->n_legs; i++)
			over = over && branch_is_over(&c->legs[i]->b);
	}
	if (gone)
		proxy_up_free(p, c);
	else if (over && c->token == 0 && c->state == UP_PROCEEDING)
		answer(p, c, now_us);
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
		proxy_send(p, &c->to, buf_slice(&c->last));
	return true;
}

/* Begins to look for more places; false when there can be none. */
static bool look_up(struct proxy *p, struct call *c, struct slice uri)
{
	uint64_t token = ++p->last_token;
	enum err r;

	c->token = token;
	HASH_ADD(hh_token, p->waiting, token, sizeof(c->token), c);
	r = c->hh_token.tbl == NULL ? ERR_NOMEM
				    : p->cfg.lookup(p->cfg.ctx, token, uri);
	if (r == OK)
		return true;
	if (c->hh_token.tbl != NULL)
		proxy_up_stop_waiting(p, c);
	c->token = 0;
	c->cut_off = r != ERR_NOT_FOUND;
	return c->cut_off;
}

/* At our address, as at the realm: the overlay, and other peers, know the user
 * by that. */
static struct slice for_lookup(struct proxy *p, struct call *c,
			       struct slice uri)
{
	struct sipfield_uri u;

	c->own_uri.max = SIPMSG_MAX;
	if (sipfield_uri(&u, uri) != OK || u.user.p == NULL ||
	    !p->cfg.is_ours(p->cfg.ctx, u.host, u.port))
		return uri;
	if (buf_append_slice(&c->own_uri, u.scheme) != OK ||
	    buf_append_u8(&c->own_uri, ':') != OK ||
	    buf_append_slice(&c->own_uri, u.user) != OK ||
	    buf_append_u8(&c->own_uri, '@') != OK ||
	    buf_append(&c->own_uri, p->cfg.realm, strlen(p->cfg.realm) + 1) !=
		    OK) {
		buf_clear(&c->own_uri); /* then nobody will know it */
		return uri;
	}
	return slice_of(c->own_uri.p, c->own_uri.len - 1);
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
	if ((r = sipway_find(&way, &p->cfg, a->m, a->from, now_us, status,
			     fields)) != OK ||
	    *status != 0)
		return r;
	if ((c = proxy_up_new(p, a, now_us)) == NULL) {
		sipway_clear(&way);
		return ERR_NOMEM;
	}
	c->way = way;
	if (way.elsewhere && !look_up(p, c, for_lookup(p, c, a->m->uri)) &&
	    way.n == 0) {
		*status = way.none;
		proxy_up_free(p, c);
		return OK;
	}
	if (c->invite) /* at once, s16.2 */
		proxy_up_trying(p, c, a, now_us);
	settle(p, c, now_us);
	return OK;
}

/* Tells who asked of the contacts among these; false when there are none: the
 * way to a peer is not one for phones. */
static bool redirect(struct proxy *p, struct call *c,
		     const struct sipway_target *v, size_t n, uint64_t now_us)
{
	struct buf fields = BUF_INIT(SIPMSG_MAX);
	enum err r = OK;
	bool any;

	for (size_t i = 0; i < n && r == OK; i++)
		if (v[i].uri != NULL && !v[i].flow.is_peer)
			r = buf_printf(&fields, "Contact: <%s>;q=%u.%03u\r\n",
				       v[i].uri, v[i].q / 1000u,
				       v[i].q % 1000u);
	any = fields.len > 0;
	if (any)
		proxy_up_own(p, c, 302, buf_slice(&fields), now_us);
	buf_clear(&fields);
	return any;
}

void proxy_found(struct proxy *p, uint64_t token, enum err r,
		 const struct sipway_target *v, size_t n, uint64_t now_us)
{
	struct call *c;

	HASH_FIND(hh_token, p->waiting, &token, sizeof(token), c);
	if (c == NULL)
		return; /* answered, or cancelled */
	proxy_up_stop_waiting(p, c);
	c->cut_off = r != OK && r != ERR_NOT_FOUND;
	if (p->cfg.redirect && redirect(p, c, v, n, now_us))
		return;
	for (size_t i = n; i-- > 0;) {
		struct sipway_target t = v[i];

		if (t.uri == NULL && c->own_uri.len > 0)
			t.uri = (char *)c->own_uri.p;
		sipway_insert(&c->way, c->next, &t);
	}
	if (n > 0 && !c->ended && c->next < c->way.n)
		fork_next(p, c, now_us); /* beside those that ring here */
	settle(p, c, now_us);
}

/* Who has called does not want it any more. */
static void give_up(struct proxy *p, struct call *c, uint64_t now_us)
{
	if (c->best_status == 0)
		c->best_status = 487; /* unless somebody says more */
	cancel_all(p, c, now_us);
	settle(p, c, now_us);
}

unsigned proxy_cancel(struct proxy *p, const struct sipmsg *m, struct slice key,
		      uint64_t now_us)
{
	struct call *c;

	HASH_FIND(hh, p->calls, key.p, key.len, c);
	if (c == NULL)
		return 481;
	if (c->invite && c->state == UP_PROCEEDING) {
		if (sipedit_copy(m, "Reason", &c->reason) != OK)
			buf_clear(&c->reason);
		give_up(p, c, now_us);
	}
	return 200;
}

/* The ACK of a 2xx has no transaction: it follows its Routes, s16.6. */
static void pass_ack(struct proxy *p, const struct proxy_asked *a)
{
	struct sipway_target t = { .q = 1000 };
	struct buf b = BUF_INIT(PROXY_WRITE_MAX);
	char id[PROXY_ID_MAX];
	size_t drop_routes;
	struct slice uri;

	if (sipway_by_routes(&p->cfg, a->m, &t.flow, &drop_routes, &uri) &&
	    (uri.len == 0 ||
	     (t.uri = strndup((const char *)uri.p, uri.len)) != NULL) &&
	    proxy_leg_id(p, a->m, id) == OK &&
	    sipforward_write(&p->cfg, a->from, a->m, &t, drop_routes, id + 1,
			     &b) == OK)
		proxy_send(p, &t.flow, buf_slice(&b));
	free(t.uri);
	buf_clear(&b);
}

void proxy_ack(struct proxy *p, const struct proxy_asked *a, uint64_t now_us)
{
	struct call *c;

	HASH_FIND(hh, p->calls, a->key.p, a->key.len, c);
	if (c == NULL || c->state == UP_ACCEPTED) {
		pass_ack(p, a);
	} else if (c->state == UP_COMPLETED && c->invite) {
		proxy_up_ack(p, c, now_us);
	}
}

/* ---- responses ---- */

/* A response that is for who asked. */
static void pass(struct proxy *p, struct leg *l, const struct sipmsg *m,
		 uint64_t now_us)
{
	const struct sipedit e = { .drop_via = true };
	struct buf b = BUF_INIT(PROXY_WRITE_MAX);
	struct call *c = l->call;

	if (m->status == 100 || sipedit_write(m, &e, &b) != OK)
		goto out;
	if (m->status < 200) {
		if (c->state == UP_PROCEEDING)
			proxy_up(p, c, m->status, buf_slice(&b), now_us);
	} else if (m->status < 300) {
		/* Of an INVITE each, s16.7 step 5; of others the first. */
		if (c->state == UP_PROCEEDING ||
		    (c->invite && c->state == UP_ACCEPTED)) {
			proxy_up(p, c, m->status, buf_slice(&b), now_us);
			taken(p, c, now_us);
		}
	} else {
		keep_challenges(c, m);
		keep_best(c, m->status, buf_slice(&b));
		if (m->status >= 600)
			cancel_all(p, c, now_us);
	}
out:
	buf_clear(&b);
}

void proxy_response(struct proxy *p, const struct sipmsg *m, uint64_t now_us)
{
	struct leg *l = proxy_leg_find(p, m);
	enum branch_wants w;

	if (l == NULL)
		return; /* nobody has asked */
	w = branch_response(&l->b, m->status, &p->timers, now_us);
	if (w == BRANCH_ACK || w == BRANCH_PASS_ACK)
		proxy_leg_ack(p, l, m);
	if (l->call == NULL)
		return;
	if (l->b.state == BRANCH_PROCEEDING && m->status > 100 && l->b.invite &&
	    !l->cancelled)
		proxy_set(p, &l->c, TIMER_C,
			  now_us + UINT64_C(1000000) * PROXY_TIMER_C_S);
	if (branch_is_over(&l->b))
		heap_cancel(&p->timers, &l->c);
	else if (l->want_cancel && !l->cancelled)
		proxy_leg_cancel(p, l, now_us);
	if (w == BRANCH_PASS || w == BRANCH_PASS_ACK)
		pass(p, l, m, now_us);
	settle(p, l->call, now_us);
}

/* ---- time ---- */

/* One of them does not answer: that counts as `status`, where that is not 0. */
static void leg_ended(struct proxy *p, struct leg *l, unsigned status,
		      uint64_t now_us)
{
	bool silent = branch_end(&l->b, &p->timers);
	struct call *c = l->call;

	heap_cancel(&p->timers, &l->c);
	if (c == NULL) {
		proxy_leg_free(p, l);
		return;
	}
	if (silent && status != 0)
		keep_best(c, l->cancelled ? 487 : status, slice_of(NULL, 0));
	settle(p, c, now_us);
}

static bool is_same(const struct flow *a, const struct flow *b)
{
	if (a->is_peer || b->is_peer)
		return a->is_peer && b->is_peer && id_eq(&a->node, &b->node);
	if (a->is_server || b->is_server)
		return a->is_server && b->is_server && a->name == b->name &&
		       address_eq(&a->peer, &b->peer);
	if (a->conn != 0 || b->conn != 0)
		return a->conn == b->conn;
	return a->socket == b->socket && address_eq(&a->peer, &b->peer);
}

/* One that waits for it, in this state. */
static struct leg *waits_for(struct proxy *p, const struct flow *to,
			     enum branch_state state)
{
	struct leg *l, *tmp;

	HASH_ITER (hh, p->legs, l, tmp) {
		if (l->b.state == state && is_same(&l->b.to, to))
			return l;
	}
	return NULL;
}

/* Whose answers nobody gets is not to ring on, s17.2.4; another peer may only
 * have lost its connection.  True when one is waited for. */
static bool lose_callers(struct proxy *p, const struct flow *to, bool gone,
			 uint64_t now_us)
{
	struct call *c, *tmp;
	bool waits = false;

	HASH_ITER (hh, p->calls, c, tmp) {
		if (!c->invite || c->state != UP_PROCEEDING ||
		    !is_same(&c->to, to))
			continue;
		if (to->is_peer && !gone)
			waits = true;
		else
			give_up(p, c, now_us);
	}
	return waits;
}

/* What was too large for UDP, and cannot go by TCP, goes by UDP all the same:
 * RFC 3261 s18.1.1. */
static bool shrink(struct proxy *p, const struct leg *l, uint64_t now_us)
{
	struct arena a = ARENA_INIT(PROXY_ARENA_MAX);
	struct call *c = l->call;
	struct sipmsg m;
	bool ok;

	if (!l->by_tcp || c == NULL || c->ended)
		return false;
	ok = sipmsg_parse(&m, buf_slice(&c->bytes), &a) == OK &&
	     proxy_leg_start(p, c, &m, l->target, false, now_us) == OK;
	arena_free(&a);
	return ok;
}

bool proxy_lost(struct proxy *p, const struct flow *to, bool gone,
		uint64_t now_us)
{
	struct leg *l;

	/* One that ends may take others with it: begin again after each. */
	while ((l = waits_for(p, to, BRANCH_CALLING)) != NULL ||
	       (gone && (l = waits_for(p, to, BRANCH_PROCEEDING)) != NULL))
		leg_ended(p, l,
			  shrink(p, l, now_us) ? 0
			  : to->is_peer        ? 480
					       : 503,
			  now_us);
	return lose_callers(p, to, gone, now_us) ||
	       waits_for(p, to, BRANCH_PROCEEDING) != NULL;
}

static void call_ended(struct proxy *p, struct call *c, uint64_t now_us)
{
	heap_cancel(&p->timers, &c->resend);
	c->state = UP_DONE;
	settle(p, c, now_us);
}

void proxy_expire(struct proxy *p, uint64_t now_us)
{
	struct timer *t;
	struct leg *l;

	while ((t = heap_pop(&p->timers, now_us)) != NULL) {
		switch (t->type) {
		case BRANCH_RESEND:
			l = container_of(t, struct leg, b.resend);
			proxy_send(p, &l->b.to, buf_slice(&l->b.request));
			branch_resend(&l->b, &p->timers, now_us);
			break;
		case BRANCH_END:
			leg_ended(p, container_of(t, struct leg, b.end), 408,
				  now_us);
			break;
		case TIMER_C:
			proxy_leg_cancel(p, container_of(t, struct leg, c),
					 now_us);
			break;
		case TIMER_UP_RESEND:
			proxy_up_again(p, container_of(t, struct call, resend),
				       now_us);
			break;
		default:
			call_ended(p, container_of(t, struct call, end),
				   now_us);
		}
	}
}
