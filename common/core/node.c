/* SPDX-License-Identifier: ISC */
/*
 * The only way in and out of the core: one event a step, effects out,
 * deadlines. Owns struct node, its effects and its clock; what events mean is
 * known by the parts they are handed to.  RFC 6940 is theirs, not this file's.
 */
#include "core/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/leave.h"
#include "core/state.h"

/* Kept between steps: bytes of scratch, places for effects. */
enum { SCRATCH_KEPT = 1 << 20, EFFECTS_KEPT = 16 };

enum err node_new(struct node **out, const struct node_config *cfg,
		  const uint8_t seed[static 32])
{
	struct node *n;

	/* RFC 6940 s6.3.2.1: no part in an overlay without its document.
	 * CHOICE: CHORD-RELOAD's ring of 128 bits wants Node-IDs of 128. */
	if (cfg->overlay == NULL || cfg->overlay->node_id_length != RING_ID_LEN)
		return ERR_CONFIG;
	if ((n = calloc(1, sizeof(*n))) == NULL)
		return ERR_NOMEM;
	n->cfg = *cfg;
	n->overlay = cfg->overlay;
	n->env.node_id_len = n->overlay->node_id_length;
	n->env.kinds = &n->overlay->kinds;
	n->id = cfg->signer->node_id;
	n->arena.max = NODE_ARENA_MAX;
	n->scratch.max = FRAME_MAX;
	rng_init(&n->rng, seed);
	store_init(n);
	*out = n;
	return OK;
}

static void effects_reset(struct effects *fx)
{
	for (; fx->next < fx->n; fx->next++) {
		if (fx->v[fx->next].type == FX_COMMIT)
			batch_free(fx->v[fx->next].batch);
	}
	fx->n = fx->next = 0;
	if (fx->cap > EFFECTS_KEPT) {
		free(fx->v);
		fx->v = NULL;
		fx->cap = 0;
	}
}

/* START and LEAVE are join.c's, all others client.c's. */
static void command(struct node *n, const struct command *c)
{
	struct result res = { .id = c->id, .type = c->type };

	switch (c->type) {
	case CMD_START:
		/* RFC 6940 s11.1: no node may stay a client here. */
		if (n->cfg.role == ROLE_CLIENT &&
		    !n->overlay->clients_permitted) {
			res.err = ERR_CLIENTS;
			node_failed(n, node_done(n, &res));
			return;
		}
		n->clients.starting = true;
		if (n->started_us == 0)
			n->started_us = n->now.mono_us;
		node_failed(n, join_start(n, c));
		return;
	case CMD_LEAVE:
		node_failed(n, leave_start(n, c));
		return;
	default:
		node_failed(n, client_command(n, c));
	}
}

static void wake(struct node *n, struct timer *t)
{
	switch ((enum timer_type)t->type) {
	case TIMER_LINK:
		link_timer(n, t);
		return;
	case TIMER_TXN:
		txn_timer(n, t);
		return;
	case TIMER_REQUEST:
		request_timer(n, t);
		return;
	case TIMER_ROUTE:
		paths_timer(n, t);
		return;
	case TIMER_FRAG:
		frag_timer(n, t);
		return;
	case TIMER_DIAL:
		dial_timer(n, t);
		return;
	case TIMER_RING:
		ring_timer(n, t);
		return;
	case TIMER_JOIN:
		join_timer(n, t);
		return;
	case TIMER_STORE:
		store_timer(n, t);
		return;
	case TIMER_REPLICA:
		replica_timer(n, t);
		return;
	case TIMER_CLIENT:
		client_timer(n, t);
		return;
	case TIMER_TALLY:
		tally_timer(n);
		return;
	case TIMER_PROBE:
		probe_timer(n);
		return;
	}
}

static void event(struct node *n, const struct event *ev)
{
	switch (ev->type) {
	case EV_TIMER:
		return;
	case EV_LINK_UP:
		node_failed(n, link_opened(n, ev));
		return;
	case EV_LINK_DOWN:
		link_lost(n, ev);
		return;
	case EV_BYTES:
		link_bytes(n, ev);
		return;
	case EV_COMMAND:
		command(n, ev->command);
		return;
	case EV_READ:
	case EV_COMMITTED:
		read_ended(n, ev);
		return;
	case EV_CONFIG:
		node_failed(n, config_update_checked(n, ev));
		return;
	}
}

enum err node_step(struct node *n, struct now now, const struct event *ev)
{
	struct timer *t;

	effects_reset(&n->effects);
	arena_reset(&n->arena);
	if (n->scratch.cap > SCRATCH_KEPT)
		buf_clear(&n->scratch);
	n->failed = OK;
	if (now.mono_us < n->now.mono_us)
		now.mono_us = n->now.mono_us;
	n->now = now;
	certs_trim(n);
	event(n, ev);
	route_loopback(n);
	while ((t = heap_pop(&n->timers, now.mono_us)) != NULL) {
		wake(n, t);
		route_loopback(n);
	}
	link_sweep(n);
	return n->failed;
}

bool node_poll(struct node *n, struct effect *fx)
{
	if (n->effects.next == n->effects.n)
		return false;
	*fx = n->effects.v[n->effects.next++];
	return true;
}

uint64_t node_deadline(const struct node *n)
{
	return heap_next(&n->timers);
}

void node_free(struct node *n)
{
	if (n == NULL)
		return;
	heap_clear(&n->timers);
	client_clear(n);
	seen_clear(n);
	join_clear(n);
	store_clear(n);
	replica_clear(n);
	ring_clear(n);
	dial_clear(n);
	app_attach_clear(n);
	config_update_clear(n);
	txn_clear(n);
	request_clear(n);
	read_clear(n);
	frag_clear(n);
	tally_clear(n);
	paths_clear(n);
	opaque_clear(n);
	route_clear(n);
	link_clear(n);
	certs_clear(n);
	effects_reset(&n->effects);
	free(n->effects.v);
	heap_clear(&n->timers);
	buf_clear(&n->scratch);
	arena_free(&n->arena);
	free(n);
}

enum err node_serve(struct node *n, const struct application *a)
{
	return app_attach_serve(n, a);
}

enum node_state node_state(const struct node *n)
{
	return n->state;
}

void node_count(const struct node *n, struct node_counts *out)
{
	*out = (struct node_counts){ .state = n->state,
				     .started_us = n->started_us,
				     .links = n->links.n,
				     .requests = n->txns.n };
	memcpy(out->refused, n->tally.n, sizeof(out->refused));
}

const struct node_id *node_id(const struct node *n)
{
	return &n->id;
}

void node_trace(struct node *n, const char *fmt, ...)
{
	char line[256];
	va_list ap;

	if (n->cfg.trace == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	n->cfg.trace(n->cfg.trace_ctx, line);
}

enum err node_effect(struct node *n, const struct effect *fx)
{
	struct effects *e = &n->effects;
	struct effect *v;
	uint32_t cap;

	if (e->n == e->cap) {
		cap = e->cap == 0 ? EFFECTS_KEPT : 2 * e->cap;
		if ((v = reallocarray(e->v, cap, sizeof(*v))) == NULL)
			return ERR_NOMEM;
		e->v = v;
		e->cap = cap;
	}
	e->v[e->n++] = *fx;
	return OK;
}

void node_set_state(struct node *n, enum node_state s)
{
	static const char *const names[] = { "starting", "client", "joined",
					     "left" };
	struct effect fx = { .type = FX_STATE, .state = s };

	if (n->state == s)
		return;
	n->state = s;
	node_trace(n, "state %s", names[s]);
	node_failed(n, node_effect(n, &fx));
}

enum err node_done(struct node *n, const struct result *res)
{
	struct result *copy = arena_zalloc(&n->arena, 1, sizeof(*copy));
	struct effect fx = { .type = FX_DONE, .result = copy };

	if (copy == NULL)
		return ERR_NOMEM;
	*copy = *res;
	node_trace(n, "done %llu %s", (unsigned long long)res->id,
		   err_name(res->err));
	if (res->type == CMD_START)
		n->clients.starting = false;
	if (node_effect(n, &fx) != OK)
		return ERR_NOMEM;
	if (res->type == CMD_START)
		client_wake(n);
	return OK;
}

enum err node_failed(struct node *n, enum err r)
{
	if (r != OK && n->failed == OK) {
		n->failed = r;
		node_trace(n, "failed %s", err_name(r));
	}
	return r;
}

void node_timer(struct node *n, struct timer *t, enum timer_type type,
		uint64_t at_us)
{
	t->type = type;
	node_failed(n, heap_set(&n->timers, t, at_us));
}

enum err node_encode(struct node *n, const struct wire_type *t, const void *v,
		     struct slice *out)
{
	enum err r;

	buf_reset(&n->scratch);
	if ((r = wire_encode(t, v, &n->scratch, &n->env)) != OK)
		return r;
	return arena_dup(&n->arena, buf_slice(&n->scratch), out);
}

enum err node_resource_id(const struct node *n, struct slice name,
			  struct node_id *out)
{
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = n->cfg.crypto->hash(n->cfg.crypto->ctx, HASH_SHA1, &name, 1,
				     digest, &len)) != OK)
		return r;
	return id_from_slice(out, slice_of(digest, RING_ID_LEN));
}
