/* SPDX-License-Identifier: ISC */
/*
 * Fetching more than one answer can hold, RFC 6940 s7.4.2: Kind by Kind, and of
 * a Kind what Stat lists.  What comes between two answers is seen or not, as
 * between two runs.
 */
#include "cli/portions.h"

enum { VALUE_OVERHEAD = 640 /* bytes: times, signature, lengths */ };

struct portions {
	struct session *session;
	struct arena *a;
	portion_fn *each;
	void *ctx;
};

/* The places of what exists, and the bytes of each in an answer. */
struct places {
	struct array_range *indices;
	struct slice *keys;
	size_t *sizes;
	uint32_t n;
};

static enum err run(struct portions *p, const struct command *c,
		    struct why *why)
{
	const struct result *res;
	enum err r = session_run(p->session, c, &res, why);

	return r != OK ? r : p->each(p->ctx, res, why);
}

static enum err keep(struct portions *p, const struct stored_metadata_list *l,
		     struct places *out)
{
	const struct metadata_value *m;
	uint32_t n = 0;
	enum err r = OK;

	out->indices = arena_zalloc(p->a, l->n, sizeof(*out->indices));
	out->keys = arena_zalloc(p->a, l->n, sizeof(*out->keys));
	out->sizes = arena_zalloc(p->a, l->n, sizeof(*out->sizes));
	if (out->indices == NULL || out->keys == NULL || out->sizes == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < l->n && r == OK; i++) {
		m = &l->v[i].metadata;
		if (!m->exists)
			continue;
		out->indices[n] = (struct array_range){ m->index, m->index };
		out->sizes[n] = VALUE_OVERHEAD + m->key.len + m->value_length;
		r = arena_dup(p->a, m->key, &out->keys[n++]);
	}
	out->n = n;
	return r;
}

/* One Kind, which is too large for one answer. */
static enum err split(struct portions *p, struct command c, struct why *why)
{
	struct stored_data_specifier s = *c.specifiers;
	const struct overlay *o = session_env(p->session)->overlay;
	const struct kind *k = kinds_find(&o->kinds, s.kind);
	size_t room = o->max_message_size / 2, size;
	struct places all = { 0 };
	const struct result *res;
	uint32_t first, next;
	enum err r;

	if (k == NULL || k->model == MODEL_SINGLE)
		return ERR_RESPONSE_TOO_LARGE;
	c.type = CMD_STAT;
	if ((r = session_run(p->session, &c, &res, why)) != OK)
		return r;
	if (res->stat->kind_responses.n > 0)
		r = keep(p, &res->stat->kind_responses.v[0].values, &all);
	c.type = CMD_FETCH;
	c.specifiers = &s;
	for (first = 0; first < all.n && r == OK; first = next) {
		size = all.sizes[first];
		for (next = first + 1;
		     next < all.n && size + all.sizes[next] <= room; next++)
			size += all.sizes[next];
		if (k->model == MODEL_ARRAY) {
			s.indices.v = &all.indices[first];
			s.indices.n = next - first;
		} else {
			s.keys.v = &all.keys[first];
			s.keys.n = next - first;
		}
		r = run(p, &c, why);
	}
	return r;
}

enum err portions_fetch(struct session *s, const struct command *fetch,
			struct arena *a, portion_fn *each, void *ctx,
			struct why *why)
{
	struct portions p = { s, a, each, ctx };
	struct command c = *fetch;
	enum err r = run(&p, &c, why);

	if (r != ERR_RESPONSE_TOO_LARGE)
		return r;
	c.n_specifiers = 1;
	*why = (struct why){ "" };
	for (size_t i = 0; i < fetch->n_specifiers; i++) {
		c.specifiers = &fetch->specifiers[i];
		if ((r = run(&p, &c, why)) == ERR_RESPONSE_TOO_LARGE &&
		    (r = split(&p, c, why)) == OK)
			*why = (struct why){ "" };
		if (r != OK)
			return r;
	}
	return OK;
}
