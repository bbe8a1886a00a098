/* SPDX-License-Identifier: ISC */
/*
 * Owns: Fetches under way and the judgement of what comes back: RFC 6940
 * s7.4.2, and that a reader sees what was acknowledged.  Does not own: what was
 * stored (truth.c).
 */
#include "reads.h"

#include <stdlib.h>

#include <utlist.h>

#include "brief.h"

enum { READ_FACTS_MAX = 4 };

/* One fact that a Fetch asks for, as it stood then. */
struct expected {
	const struct fact *fact;
	uint64_t acknowledged;
	bool strict; /* the owner had it */
};

struct read {
	struct read *prev, *next;
	uint64_t id;
	struct host *host;
	uint32_t incarnation;
	uint64_t started_us;
	struct host *owner; /* NULL: the ring was not in order */
	uint32_t owner_incarnation;
	bool all;
	uint32_t tries; /* so far */
	struct expected expected[READ_FACTS_MAX];
	uint32_t n_expected;
};

void reads_init(struct reads *r, struct truth *t)
{
	*r = (struct reads){ .truth = t };
}

static void forget(struct reads *r, struct read *rd)
{
	world_forget(r->truth->world, rd->id);
	DL_DELETE(r->all, rd);
	free(rd);
}

void reads_clear(struct reads *r)
{
	struct read *rd, *tmp;

	DL_FOREACH_SAFE(r->all, rd, tmp)
	{
		DL_DELETE(r->all, rd);
		free(rd);
	}
}

static void expect(struct reads *r, struct read *rd, const struct fact *f)
{
	struct expected *e = &rd->expected[rd->n_expected++];

	MUST(rd->n_expected <= READ_FACTS_MAX ? OK : ERR_FULL);
	e->fact = f;
	e->acknowledged = f->acknowledged;
	e->strict = f->known &&
		    (r->all_is_well ||
		     (rd->owner != NULL &&
		      truth_on_disk(r->truth, rd->owner, f, f->acknowledged)));
}

static void start(struct reads *r, struct host *h, const struct fact *f,
		  bool all, uint32_t tries)
{
	struct stored_data_specifier s[] = { { .kind = f->kind },
					     { .kind = USER_DICT } };
	struct command c = { .type = CMD_FETCH,
			     .resource = f->resource,
			     .specifiers = s,
			     .n_specifiers = all ? 2 : 1 };
	struct read *rd;

	if (!host_ready(h))
		return;
	if ((rd = calloc(1, sizeof(*rd))) == NULL)
		MUST(ERR_NOMEM);
	if (all)
		s[0].kind = USER_VALUE;
	rd->host = h;
	rd->all = all;
	rd->tries = tries;
	rd->incarnation = h->incarnation;
	rd->started_us = r->truth->world->now_us;
	rd->owner = truth_owner(r->truth, &f->resource);
	if (rd->owner != NULL)
		rd->owner_incarnation = rd->owner->incarnation;
	for (const struct fact *g = r->truth->facts; g != NULL; g = g->next)
		if ((all || g->kind == f->kind) &&
		    id_eq(&g->resource, &f->resource))
			expect(r, rd, g);
	DL_APPEND(r->all, rd);
	rd->id = host_command(h, &c);
}

void reads_start(struct reads *r, struct host *h, const struct fact *f,
		 bool all)
{
	start(r, h, f, all, 1);
}

static void wrong(struct reads *r, const struct read *rd, const struct fact *f,
		  const struct stored_data *d, const char *what)
{
	truth_say(r->truth, "host %u reads '%.*s', %s, for '%s' of host %u",
		  rd->host->index, d == NULL ? 4 : (int)d->value.value.len,
		  d == NULL ? "none" : (const char *)d->value.value.p, what,
		  f == NULL ? "?" : f->text[0],
		  f == NULL ? 0 : f->writer->index);
	r->n_wrong++;
}

/* The value of a fact in an answer, or NULL. */
static const struct stored_data *value_of(const struct fetch_ans *a,
					  const struct fact *f)
{
	const struct fetch_kind_response *k;

	for (uint32_t i = 0; a != NULL && i < a->kind_responses.n; i++) {
		k = &a->kind_responses.v[i];
		for (uint32_t j = 0; k->kind == f->kind && j < k->values.n; j++)
			if (f->kind != USER_DICT ||
			    slice_eq(k->values.v[j].value.key,
				     slice_str(f->key)))
				return &k->values.v[j];
	}
	return NULL;
}

static uint32_t n_values(const struct fetch_ans *a)
{
	uint32_t n = 0;

	for (uint32_t i = 0; a != NULL && i < a->kind_responses.n; i++)
		n += a->kind_responses.v[i].values.n;
	return n;
}

/* From its question to its answer the same owner, in a ring in order? */
static bool in_order(struct reads *r, const struct read *rd)
{
	const struct node_id *id = &rd->expected[0].fact->resource;

	return r->all_is_well ||
	       (rd->owner != NULL && r->truth->torn_us < rd->started_us &&
		truth_owner(r->truth, id) == rd->owner &&
		rd->owner->incarnation == rd->owner_incarnation);
}

static void judge(struct reads *r, const struct read *rd,
		  const struct fetch_ans *a)
{
	bool strict = in_order(r, rd);

	r->n_judged++;
	for (uint32_t i = 0; i < rd->n_expected; i++) {
		const struct expected *e = &rd->expected[i];
		const struct stored_data *d = value_of(a, e->fact);
		const struct stored_value *v = d == NULL ? NULL : &d->value;

		if (!truth_allows(e->fact, v, 0))
			wrong(r, rd, e->fact, d, "never stored");
		if (brief_over(r->truth, e->fact, v, rd->started_us))
			wrong(r, rd, e->fact, d, "which has ended");
		if (!strict || !e->strict ||
		    !brief_lives(r->truth, e->fact, e->acknowledged))
			continue;
		r->n_strict++;
		if (!truth_allows(e->fact, v, e->acknowledged))
			wrong(r, rd, e->fact, d, "too old");
	}
	if (n_values(a) > rd->n_expected)
		wrong(r, rd, rd->expected[0].fact, NULL, "one of too many");
}

void reads_settle(struct reads *r)
{
	const struct outcome *o;
	struct read *rd, *tmp;

	DL_FOREACH_SAFE(r->all, rd, tmp)
	{
		o = world_outcome(r->truth->world, rd->id);
		if (o == NULL && rd->host->node != NULL &&
		    rd->incarnation == rd->host->incarnation)
			continue;
		if (o != NULL &&
		    (o->result.err == OK || o->result.err == ERR_NOT_FOUND))
			judge(r, rd, o->result.fetch);
		else if (r->all_is_well && rd->tries < r->tries_max)
			start(r, rd->host, rd->expected[0].fact, rd->all,
			      rd->tries + 1);
		else if (r->all_is_well)
			wrong(r, rd, rd->expected[0].fact, NULL,
			      o == NULL ? "ended" : err_name(o->result.err));
		forget(r, rd);
	}
}

bool reads_ended(const struct reads *r)
{
	const struct read *rd;

	DL_FOREACH(r->all, rd)
	if (world_outcome(r->truth->world, rd->id) == NULL)
		return false;
	return true;
}
