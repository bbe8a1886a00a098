/* SPDX-License-Identifier: ISC */
/*
 * Owns: the list of requests of a world, for tests that are about who says what
 * to whom and when.
 */
#include "diary.h"

#include <utlist.h>

enum { DIARY_ARENA_MAX = 256 << 20 };

static bool repeated(const struct diary *r, const struct sight *s)
{
	const struct said *last = r->all == NULL ? NULL : r->all->prev;
	uint64_t id = s->message->header.transaction_id;

	for (uint32_t i = 0; last != NULL && i < 256; i++) {
		if (last->transaction_id == id)
			return true;
		if (last == r->all)
			break;
		last = last->prev;
	}
	return false;
}

static enum verdict see(void *ctx, const struct sight *s, struct buf *message)
{
	const struct message *m = s->message;
	struct diary *r = ctx;
	struct said *a;

	(void)message;
	if (m == NULL || !message_is_request(m->contents.message_code) ||
	    m->header.via_list.n > 0 || repeated(r, s))
		return NET_PASS;
	if ((a = arena_zalloc(&r->arena, 1, sizeof(*a))) == NULL)
		MUST(ERR_NOMEM);
	a->at_us = s->now_us;
	a->from = s->from;
	a->to = s->to;
	a->conn = s->conn;
	a->code = m->contents.message_code;
	a->transaction_id = m->header.transaction_id;
	for (uint32_t i = 0;
	     i < m->header.destination_list.n && i < DIARY_TO_MAX; i++) {
		a->destination[i] = m->header.destination_list.v[i];
		MUST(arena_dup(&r->arena, a->destination[i].id,
			       &a->destination[i].id));
		a->n_destination++;
	}
	MUST(arena_dup(&r->arena, m->contents.message_body, &a->body));
	DL_APPEND(r->all, a);
	return NET_PASS;
}

void diary_init(struct diary *r, struct world *w)
{
	*r = (struct diary){ .world = w, .arena.max = DIARY_ARENA_MAX };
	net_watch_add(w, see, r);
}

void diary_clear(struct diary *r)
{
	arena_free(&r->arena);
	r->all = NULL;
}

const struct said *diary_next(const struct diary *r, const struct said *s,
			      uint16_t code, const struct host *from,
			      const struct host *to)
{
	for (s = s == NULL ? r->all : s->next; s != NULL; s = s->next)
		if (s->code == code && (from == NULL || s->from == from) &&
		    (to == NULL || s->to == to))
			return s;
	return NULL;
}

uint32_t diary_count(const struct diary *r, uint64_t since_us, uint16_t code,
		     const struct host *from, const struct host *to)
{
	const struct said *s = NULL;
	uint32_t k = 0;

	while ((s = diary_next(r, s, code, from, to)) != NULL)
		k += s->at_us >= since_us;
	return k;
}

void diary_body(struct diary *r, const struct said *s,
		const struct wire_type *t, void *body)
{
	MUST(wire_decode(t, body, s->body, &r->arena, &r->world->env));
}

bool said_to_node(const struct said *s, uint32_t i, const struct node_id *id)
{
	return i < s->n_destination &&
	       s->destination[i].type == DESTINATION_NODE &&
	       id_eq(&s->destination[i].node_id, id);
}

bool said_to_resource(const struct said *s, uint32_t i,
		      const struct node_id *id)
{
	return i < s->n_destination &&
	       s->destination[i].type == DESTINATION_RESOURCE &&
	       slice_eq(s->destination[i].id, id_slice(id, RING_ID_LEN));
}
