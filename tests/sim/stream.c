/* SPDX-License-Identifier: ISC */
/*
 * Owns: what is on its way between hosts: delay, order, loss, copies.  Does not
 * own: connections, partitions, or what an arrival does (net.c).
 */
#include "stream.h"

#include <stdlib.h>

/* A flight of a handshake goes again, RFC 6347 s4.2.4.1. */
enum { HANDSHAKE_AGAIN_US = 250000, HANDSHAKE_AGAIN_MAX_US = 1000000 };

struct end *stream_other(const struct end *e)
{
	return &e->conn->ends[e == &e->conn->ends[0] ? 1 : 0];
}

void stream_drop(struct end *e)
{
	struct item *it;

	while ((it = e->head) != NULL) {
		e->head = it->next;
		free(it);
	}
}

void stream_clear(struct end *e)
{
	heap_cancel(&e->conn->world->timers, &e->timer);
	stream_drop(e);
	buf_clear(&e->frame);
	gather_clear(&e->gathers);
}

static uint64_t delay_us(const struct end *e)
{
	struct world *w = e->conn->world;
	const struct net_options *o = &w->net.opt;
	const struct host *to = stream_other(e)->host;
	uint64_t us = o->delay_min_us +
		      rng_below(&w->rng, o->delay_max_us - o->delay_min_us + 1);

	return us + e->host->slow_us + (to == NULL ? 0 : to->slow_us);
}

void stream_arm(struct end *e)
{
	struct world *w = e->conn->world;
	const struct item *it = e->head;

	if (it == NULL || e->stalled)
		return;
	MUST(heap_set(&w->timers, &e->timer,
		      it->due_us > w->now_us ? it->due_us : w->now_us));
}

static struct item *item_new(const struct end *e, enum item_type type,
			     enum err err, struct slice bytes)
{
	struct item *it = calloc(1, sizeof(*it) + bytes.len);

	if (it == NULL)
		MUST(ERR_NOMEM);
	it->type = type;
	it->err = err;
	it->len = bytes.len;
	if (bytes.len != 0)
		memcpy(it->bytes, bytes.p, bytes.len);
	it->due_us = e->conn->world->now_us + delay_us(e);
	return it;
}

/* In the order of their times; the last one is nearly always where it goes. */
static void insert(struct end *e, struct item *it)
{
	struct item **at = &e->head;

	if (e->head == NULL)
		e->tail = &e->head;
	if (e->head == NULL || e->tail_due_us <= it->due_us)
		at = e->tail;
	while (*at != NULL && ((*at)->due_us <= it->due_us || (*at)->off != 0))
		at = &(*at)->next;
	it->next = *at;
	*at = it;
	if (it->next == NULL) {
		e->tail = &it->next;
		e->tail_due_us = it->due_us;
	}
	stream_arm(e);
}

static bool chance(struct world *w, uint32_t permille)
{
	return permille != 0 && rng_below(&w->rng, 1000) < permille;
}

/* Handshakes have timers of their own: how late their flight comes. */
static uint64_t flight_us(struct world *w)
{
	uint64_t us = 0, wait_us = HANDSHAKE_AGAIN_US;

	while (chance(w, w->net.opt.record_loss_permille)) {
		us += wait_us;
		if (wait_us < HANDSHAKE_AGAIN_MAX_US)
			wait_us *= 2;
	}
	return us;
}

/* UDP: in any order, some lost, some twice. */
static void push_datagram(struct end *e, enum item_type type, enum err err,
			  struct slice bytes)
{
	struct world *w = e->conn->world;
	const struct net_options *o = &w->net.opt;
	bool handshake = type != ITEM_BYTES && type != ITEM_FIN;
	struct item *it;

	if (handshake) {
		it = item_new(e, type, err, bytes);
		it->due_us += flight_us(w);
		insert(e, it);
	} else if (!chance(w, o->record_loss_permille)) {
		insert(e, item_new(e, type, err, bytes));
	}
	if (!handshake && chance(w, o->record_twice_permille))
		insert(e, item_new(e, type, err, bytes));
}

void stream_push(struct end *e, enum item_type type, enum err err,
		 struct slice bytes)
{
	struct item *it;

	if (e->conn->datagram) {
		push_datagram(e, type, err, bytes);
		return;
	}
	it = item_new(e, type, err, bytes);
	if (it->due_us < e->last_due_us)
		it->due_us = e->last_due_us; /* streams keep their order */
	e->last_due_us = it->due_us;
	insert(e, it);
}

/* A whole frame that others may overtake. */
static void push_late(struct end *e, struct slice bytes)
{
	struct item *it = item_new(e, ITEM_BYTES, OK, bytes);
	struct world *w = e->conn->world;

	if (it->due_us < e->last_due_us)
		it->due_us = e->last_due_us;
	it->due_us += rng_below(&w->rng, w->net.opt.late_us + 1);
	insert(e, it);
}

enum verdict stream_push_message(struct end *e, struct slice bytes)
{
	struct world *w = e->conn->world;
	const struct net_options *o = &w->net.opt;

	if (chance(w, o->lose_permille))
		return NET_SWALLOW;
	if (chance(w, o->twice_permille))
		push_late(e, bytes);
	if (chance(w, o->late_permille))
		push_late(e, bytes);
	else
		stream_push(e, ITEM_BYTES, OK, bytes);
	return NET_PASS;
}
