/* SPDX-License-Identifier: ISC */
/*
 * Owns: the model of what was stored, and the comparison of rings and values
 * with it.  RFC 6940 s10.1 (order), s10.4 (copies), s10.7 (neighbours).
 */
#include "truth.h"

#include <stdlib.h>

enum { READ_ARENA_MAX = 64 << 20, NEIGHBOURS = 3, COPIES = 3 };

static void wrong(struct truth *t, uint32_t *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void wrong(struct truth *t, uint32_t *n, const char *fmt, ...)
{
	char words[sizeof(t->first)];
	va_list ap;

	if (++*n > 20 || t->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	fprintf(stderr, "truth: %s\n", words);
	if (t->first[0] == '\0')
		memcpy(t->first, words, sizeof(words));
}

void truth_init(struct truth *t, struct world *w)
{
	*t = (struct truth){ .world = w };
}

void truth_clear(struct truth *t)
{
	struct fact *f;

	while ((f = t->facts) != NULL) {
		t->facts = f->next;
		free(f);
	}
}

struct fact *truth_fact(struct truth *t, struct host *writer, const char *key)
{
	struct fact *f = calloc(1, sizeof(*f));

	if (f == NULL)
		MUST(ERR_NOMEM);
	f->writer = writer;
	f->kind = key == NULL ? USER_VALUE : USER_DICT;
	if (key != NULL)
		snprintf(f->key, sizeof(f->key), "%s", key);
	world_resource(t->world, writer->user, &f->resource);
	f->next = t->facts;
	t->facts = f;
	return f;
}

/* ---- storing ---- */

void truth_store(struct truth *t, struct fact *f, bool exists)
{
	struct store_item item = { .kind = f->kind,
				   .key = slice_str(f->key),
				   .exists = exists,
				   .lifetime_s = 86400 };
	struct command c = { .type = CMD_STORE,
			     .resource = f->resource,
			     .items = &item,
			     .n_items = 1 };
	char *text = f->text[f->n_text];

	if (f->command != 0 || !host_ready(f->writer) ||
	    f->n_text == TRUTH_ATTEMPTS_MAX)
		return;
	(void)t;
	text[0] = '\0';
	if (exists)
		snprintf(text, TRUTH_TEXT_MAX, "host %u says %llu",
			 f->writer->index, (unsigned long long)++f->sequence);
	item.value = slice_str(text);
	f->n_text++;
	f->incarnation = f->writer->incarnation;
	f->command = host_command(f->writer, &c);
}

/* The last content was acknowledged: what came before it is history. */
static void acknowledged(struct fact *f, const struct store_ans *a)
{
	if (f->n_text > 1)
		memcpy(f->text[0], f->text[f->n_text - 1], TRUTH_TEXT_MAX);
	f->n_text = 1;
	f->known = true;
	f->copies = 1;
	if (a != NULL && a->kind_responses.n == 1)
		f->copies += a->kind_responses.v[0].replicas.n;
}

void truth_settle(struct truth *t)
{
	const struct outcome *o;

	for (struct fact *f = t->facts; f != NULL; f = f->next) {
		if (f->command == 0)
			continue;
		o = world_outcome(t->world, f->command);
		if (o == NULL && host_runs(f->writer) &&
		    f->incarnation == f->writer->incarnation)
			continue;
		if (o != NULL && o->result.err == OK) {
			acknowledged(f, o->result.store);
			t->n_stored++;
		} else {
			t->n_refused++;
		}
		world_forget(t->world, f->command);
		f->command = 0;
	}
}

/* ---- the ring ---- */

static void compare(struct truth *t, uint32_t *n, const struct host *h,
		    const struct node_id_list *have, bool after, uint32_t want)
{
	struct world *w = t->world;
	const struct host *expected;
	uint32_t n_joined = 0;

	for (uint32_t i = 0; i < w->n_hosts; i++)
		n_joined += host_joined(w->hosts[i]);
	if (have->n < want) {
		wrong(t, n, "host %u has %u %s, not %u", h->index, have->n,
		      after ? "successors" : "predecessors", want);
		return;
	}
	for (uint32_t i = 0; i < want; i++) {
		/* The i'th before is the (n - i)'th after. */
		expected = world_successor(w, h,
					   after ? i + 1 : n_joined - 1 - i);
		if (id_eq(&have->v[i], &expected->signer.node_id))
			continue;
		expected = world_host_by_id(w, &have->v[i]);
		wrong(t, n, "host %u: %s %u is host %d", h->index,
		      after ? "successor" : "predecessor", i + 1,
		      expected == NULL ? -1 : (int)expected->index);
	}
}

uint32_t truth_ring(struct truth *t)
{
	struct world *w = t->world;
	uint32_t n = 0, n_joined = 0, want;

	for (uint32_t i = 0; i < w->n_hosts; i++)
		n_joined += host_joined(w->hosts[i]);
	want = n_joined == 0               ? 0
	       : n_joined - 1 < NEIGHBOURS ? n_joined - 1
					   : NEIGHBOURS;
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		struct command c = { .type = CMD_TABLE };
		const struct outcome *o;

		if (w->hosts[i]->node != NULL &&
		    w->hosts[i]->cfg.role == ROLE_PEER &&
		    !host_joined(w->hosts[i]))
			wrong(t, &n, "host %u runs and has not joined", i);
		if (!host_joined(w->hosts[i]))
			continue;
		o = host_do(w->hosts[i], &c);
		if (o->result.err != OK || o->result.table == NULL) {
			wrong(t, &n, "host %u shows no table: %s", i,
			      err_name(o->result.err));
			continue;
		}
		compare(t, &n, w->hosts[i], &o->result.table->successors, true,
			want);
		compare(t, &n, w->hosts[i], &o->result.table->predecessors,
			false, want);
		world_forget(w, c.id);
	}
	return n;
}

/* ---- values ---- */

/* Is this content the acknowledged one or one tried after it? */
static bool allowed(const struct fact *f, const struct stored_value *v)
{
	for (uint32_t i = 0; i < f->n_text; i++) {
		if (!v->exists && f->text[i][0] == '\0')
			return true;
		if (v->exists && f->text[i][0] != '\0' &&
		    slice_eq(v->value, slice_str(f->text[i])))
			return true;
	}
	return false;
}

static const struct host *any_joined(struct world *w)
{
	uint32_t i, n = 0;

	for (i = 0; i < w->n_hosts; i++)
		n += host_joined(w->hosts[i]);
	if (n == 0)
		return NULL;
	n = (uint32_t)rng_below(&w->rng, n);
	for (i = 0; !host_joined(w->hosts[i]) || n-- > 0; i++)
		;
	return w->hosts[i];
}

static void check_fetched(struct truth *t, uint32_t *n, const struct fact *f,
			  const struct outcome *o)
{
	const struct fetch_ans *a = o->result.fetch;
	const struct stored_data_list *v;
	const char *want = f->text[0][0] == '\0' ? "nothing" : f->text[0];

	if (o->result.err != OK || a == NULL || a->kind_responses.n != 1) {
		/* Nothing there at all is what a removal leaves in the end. */
		if (o->result.err != ERR_NOT_FOUND || f->text[0][0] != '\0')
			wrong(t, n, "host %u fetches '%s' of host %u: %s",
			      o->host->index, want, f->writer->index,
			      err_name(o->result.err));
		return;
	}
	v = &a->kind_responses.v[0].values;
	if (v->n == 0 && f->text[0][0] == '\0')
		return;
	if (v->n != 1 || !allowed(f, &v->v[0].value))
		wrong(t, n, "host %u fetches '%.*s' (%u values) for '%s'",
		      o->host->index,
		      v->n == 0 ? 0 : (int)v->v[0].value.value.len,
		      v->n == 0 ? "" : (const char *)v->v[0].value.value.p,
		      v->n, want);
}

uint32_t truth_values(struct truth *t, struct host *from)
{
	struct world *w = t->world;
	uint32_t n = 0;

	for (const struct fact *f = t->facts; f != NULL; f = f->next) {
		struct slice key = slice_str(f->key);
		struct stored_data_specifier s = { .kind = f->kind };
		struct command c = { .type = CMD_FETCH,
				     .resource = f->resource,
				     .specifiers = &s,
				     .n_specifiers = 1 };
		const struct host *h = from != NULL ? from : any_joined(w);

		if (!f->known || h == NULL)
			continue;
		if (f->kind == USER_DICT)
			s.keys = (struct slice_list){ &key, 1 };
		check_fetched(t, &n, f, host_do(w->hosts[h->index], &c));
		world_forget(w, c.id);
	}
	return n;
}

/* Does this host's disk have the fact, as it is now? */
static bool has_copy(const struct truth *t, struct host *h,
		     const struct fact *f)
{
	struct arena a = ARENA_INIT(READ_ARENA_MAX);
	struct slice key = slice_str(f->key);
	struct query q = { .type = QUERY_KIND,
			   .resource = f->resource,
			   .kind = f->kind,
			   .alive_ms = host_now(h).unix_ms };
	struct wire_env env = t->world->env;
	struct query_answer ans = { 0 };
	struct stored_data d;
	bool has = false;

	env.model = f->kind == USER_DICT ? MODEL_DICTIONARY : MODEL_SINGLE;
	MUST(h->storage.read(h->storage.ctx, &q, &ans, &a));
	for (size_t i = 0; i < ans.n_records; i++) {
		if (!slice_eq(ans.records[i].key, key))
			continue;
		MUST(stored_data_decode(&d, ans.records[i].data, &a, &env));
		has = allowed(f, &d.value);
	}
	arena_free(&a);
	return has;
}

uint32_t truth_copies(struct truth *t, bool exact)
{
	struct world *w = t->world;
	uint32_t n = 0;

	for (const struct fact *f = t->facts; f != NULL; f = f->next) {
		const struct host *set[COPIES];
		uint32_t n_set = 0;

		if (!f->known)
			continue;
		set[0] = world_owner(w, &f->resource);
		for (uint32_t k = 0; k < COPIES && set[0] != NULL; k++) {
			set[k] = k == 0 ? set[0]
					: world_successor(w, set[0], k);
			if (k > 0 && set[k] == set[0])
				break;
			n_set++;
			if (!has_copy(t, w->hosts[set[k]->index], f))
				wrong(t, &n, "host %u lacks '%s' (copy %u)",
				      set[k]->index, f->text[0], k);
		}
		for (uint32_t i = 0; exact && i < w->n_hosts; i++) {
			bool in = !host_joined(w->hosts[i]);

			for (uint32_t k = 0; k < n_set; k++)
				in = in || set[k] == w->hosts[i];
			if (!in && has_copy(t, w->hosts[i], f))
				wrong(t, &n, "host %u still has '%s'", i,
				      f->text[0]);
		}
	}
	return n;
}

uint32_t truth_lacks(struct truth *t, struct host *h)
{
	uint32_t n = 0;

	for (const struct fact *f = t->facts; f != NULL; f = f->next)
		if (f->known && world_owner(t->world, &f->resource) == h &&
		    !has_copy(t, h, f))
			wrong(t, &n, "host %u lacks '%s'", h->index,
			      f->text[0]);
	return n;
}

uint32_t truth_documents(struct truth *t)
{
	struct world *w = t->world;
	const struct overlay *newest = w->n_versions == 0
					       ? w->overlay
					       : w->versions[w->n_versions - 1];
	uint32_t n = 0;

	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (host_joined(w->hosts[i]) && w->hosts[i]->overlay != newest)
			wrong(t, &n, "host %u has document %u, not %u", i,
			      (unsigned)w->hosts[i]->overlay->sequence,
			      (unsigned)newest->sequence);
	return n;
}

bool truth_spare(struct truth *t, const struct host *h)
{
	struct world *w = t->world;

	for (const struct fact *f = t->facts; f != NULL; f = f->next) {
		bool spare = !f->known;

		for (uint32_t i = 0; !spare && i < w->n_hosts; i++)
			spare = w->hosts[i] != h && has_copy(t, w->hosts[i], f);
		if (!spare)
			return false;
	}
	return true;
}
