/* SPDX-License-Identifier: ISC */
/*
 * Owns: deep copies of results, which the core lends for one step.  They are
 * made by encoding and decoding, which is what the codecs are for.
 */
#include <stdlib.h>

#include <utlist.h>

#include "world.h"

enum { OUTCOME_BYTES_MAX = 16 << 20 };

/* A copy of `v`, or NULL for NULL. */
static const void *copy(struct outcome *o, const struct wire_type *t,
			const void *v)
{
	struct buf b = BUF_INIT(OUTCOME_BYTES_MAX);
	struct slice bytes;
	void *out;

	if (v == NULL)
		return NULL;
	MUST(wire_encode(t, v, &b, &o->host->world->env));
	MUST(arena_dup(&o->arena, buf_slice(&b), &bytes));
	buf_clear(&b);
	if ((out = arena_zalloc(&o->arena, 1, t->size)) == NULL)
		MUST(ERR_NOMEM);
	MUST(wire_decode(t, out, bytes, &o->arena, &o->host->world->env));
	return out;
}

static void *zalloc(struct outcome *o, size_t n, size_t size)
{
	void *p = arena_zalloc(&o->arena, n, size);

	if (p == NULL)
		MUST(ERR_NOMEM);
	return p;
}

/* [kind][value], with the strings. */
static const struct value_signer *const *copy_signers(
	struct outcome *o, const struct fetch_ans *f,
	const struct value_signer *const *in)
{
	const struct value_signer **out;
	struct value_signer *v;

	if (in == NULL || f == NULL)
		return NULL;
	out = zalloc(o, f->kind_responses.n, sizeof(struct value_signer *));
	for (uint32_t i = 0; i < f->kind_responses.n; i++) {
		uint32_t n = f->kind_responses.v[i].values.n;

		v = zalloc(o, n, sizeof(*v));
		for (uint32_t k = 0; k < n; k++) {
			v[k].node_id = in[i][k].node_id;
			v[k].user = arena_str(&o->arena,
					      slice_str(in[i][k].user));
		}
		out[i] = v;
	}
	return out;
}

void outcome_keep(struct host *h, const struct result *r)
{
	struct outcome *o = calloc(1, sizeof(*o));
	struct result *c;

	if (o == NULL)
		MUST(ERR_NOMEM);
	o->id = r->id;
	o->host = h;
	o->at_us = h->world->now_us;
	o->arena.max = OUTCOME_BYTES_MAX;
	o->result = *r;
	c = &o->result;
	MUST(arena_dup(&o->arena, r->info, &c->info));
	MUST(arena_dup(&o->arena, r->body, &c->body));
	c->store = copy(o, &wire_type_store_ans, r->store);
	c->fetch = copy(o, &wire_type_fetch_ans, r->fetch);
	c->signers = copy_signers(o, c->fetch, r->signers);
	c->stat = copy(o, &wire_type_stat_ans, r->stat);
	c->find = copy(o, &wire_type_find_ans, r->find);
	c->ping = copy(o, &wire_type_ping_ans, r->ping);
	c->probe = copy(o, &wire_type_probe_ans, r->probe);
	c->table = copy(o, &wire_type_chord_update, r->table);
	DL_APPEND(h->world->outcomes, o);
}

const struct outcome *world_outcome(const struct world *w, uint64_t id)
{
	const struct outcome *o;

	DL_FOREACH(w->outcomes, o)
	if (o->id == id)
		return o;
	return NULL;
}

void world_forget(struct world *w, uint64_t id)
{
	struct outcome *o, *tmp;

	DL_FOREACH_SAFE(w->outcomes, o, tmp)
	{
		if (o->id != id)
			continue;
		DL_DELETE(w->outcomes, o);
		arena_free(&o->arena);
		free(o);
	}
}
