/* SPDX-License-Identifier: ISC */
/*
 * Owns: when values with short lifetimes begin and end.  RFC 6940 s7: a
 * lifetime runs from the arrival of the Store, at each holder by its own clock,
 * and a copy has what is left of it, in whole seconds.  Does not own: what was
 * stored (truth.c).
 */
#include "brief.h"

#include <stdlib.h>

enum { LIFETIME_MAX_S = 120, BRIEF_ARENA_MAX = 1 << 20 };

/* Every copy of a copy has lost a part of a second, and a Fetch takes time. */
#define EARLY_US (15 * SECOND_US)

/* Of each attempt, by its sequence: the end if the Store came at once. */
struct brief {
	uint64_t *ends_us;
};

struct fact *brief_fact(struct truth *t, struct host *writer)
{
	struct fact *f = truth_fact(t, writer, "brief");

	if ((f->brief = calloc(1, sizeof(*f->brief))) == NULL)
		MUST(ERR_NOMEM);
	return f;
}

void brief_free(struct fact *f)
{
	if (f->brief != NULL)
		free(f->brief->ends_us);
	free(f->brief);
}

uint32_t brief_begin(struct truth *t, struct fact *f)
{
	struct brief *b = f->brief;
	uint32_t s = (uint32_t)rng_below(&t->world->rng, LIFETIME_MAX_S) + 1;

	b->ends_us = reallocarray(b->ends_us, f->sequence + 1,
				  sizeof(*b->ends_us));
	if (b->ends_us == NULL)
		MUST(ERR_NOMEM);
	b->ends_us[f->sequence] = t->world->now_us + s * SECOND_US;
	return s;
}

bool brief_lives(const struct truth *t, const struct fact *f, uint64_t n)
{
	for (; f->brief != NULL && n <= f->sequence; n++)
		if (f->brief->ends_us[n] <= t->world->now_us + EARLY_US)
			return false;
	return true;
}

bool brief_over(const struct truth *t, const struct fact *f,
		const struct stored_value *v, uint64_t us)
{
	if (f->brief == NULL || v == NULL || !v->exists)
		return false;
	for (uint64_t n = f->sequence; n > 0; n--)
		if (truth_is(f, v, n))
			return f->brief->ends_us[n] + t->linger_us < us;
	return false;
}

static bool on_disk(const struct host *h, const struct fact *f)
{
	struct arena a = ARENA_INIT(BRIEF_ARENA_MAX);
	struct query q = { .type = QUERY_KIND,
			   .resource = f->resource,
			   .kind = f->kind,
			   .metadata_only = true };
	struct query_answer ans = { 0 };
	bool has = false;

	MUST(h->storage.read(h->storage.ctx, &q, &ans, &a));
	for (size_t i = 0; i < ans.n_records; i++)
		has = has || slice_eq(ans.records[i].key, slice_str(f->key));
	arena_free(&a);
	return has;
}

uint32_t brief_left(struct truth *t)
{
	struct world *w = t->world;
	uint32_t n = 0;

	for (const struct fact *f = t->facts; f != NULL; f = f->next) {
		for (uint32_t i = 0; f->brief != NULL && i < w->n_hosts; i++) {
			if (!host_joined(w->hosts[i]) ||
			    !on_disk(w->hosts[i], f))
				continue;
			truth_say(t, "host %u keeps what has ended, '%s'", i,
				  f->text[0]);
			n++;
		}
	}
	return n;
}
