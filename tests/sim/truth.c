/* SPDX-License-Identifier: ISC */
/*
 * Owns: the model of what was stored, and the comparison of rings and values
 * with it.  RFC 6940 s10.1 (order), s10.4 (copies), s10.7 (neighbours).
 */
#include "truth.h"

#include <stdlib.h>

#include "brief.h"

enum { READ_ARENA_MAX = 64 << 20, NEIGHBOURS = 3, COPIES = 3 };

static void say(struct truth *t, const char *fmt, va_list ap)
{
	char words[sizeof(t->first)];

	vsnprintf(words, sizeof(words), fmt, ap);
	fprintf(stderr, "truth: %s [%llu us]\n", words,
		(unsigned long long)t->world->now_us);
	if (t->first[0] == '\0')
		memcpy(t->first, words, sizeof(words));
}

void truth_say(struct truth *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(t, fmt, ap);
	va_end(ap);
}

static void wrong(struct truth *t, uint32_t *n, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void wrong(struct truth *t, uint32_t *n, const char *fmt, ...)
{
	va_list ap;

	if (++*n > 20 || t->quiet)
		return;
	va_start(ap, fmt);
	say(t, fmt, ap);
	va_end(ap);
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
		free(f->removed);
		brief_free(f);
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

/* What a fact says at its n'th attempt. */
static void says(const struct fact *f, uint64_t n, char *out)
{
	snprintf(out, TRUTH_TEXT_MAX, "host %u%s%s says %llu", f->writer->index,
		 f->key[0] == '\0' ? "" : " ", f->key, (unsigned long long)n);
}

static bool same_slot(const struct fact *a, const struct fact *b)
{
	return a->kind == b->kind && id_eq(&a->resource, &b->resource);
}

static uint64_t counter_on_disk(const struct host *h, const struct fact *f)
{
	struct arena a = ARENA_INIT(READ_ARENA_MAX);
	struct query q = { .type = QUERY_KIND,
			   .resource = f->resource,
			   .kind = f->kind,
			   .metadata_only = true };
	struct query_answer ans = { 0 };

	MUST(h->storage.read(h->storage.ctx, &q, &ans, &a));
	arena_free(&a);
	return ans.generation;
}

/* The owner, if it has all that was acknowledged, and the counter.  That may
 * come some time after the values when a partition ends. */
static struct host *owner_with_all(struct truth *t, const struct fact *f)
{
	struct host *owner = truth_owner(t, &f->resource);
	uint64_t counter = owner == NULL ? 0 : counter_on_disk(owner, f);

	for (const struct fact *g = t->facts; g != NULL; g = g->next)
		if (owner != NULL && g->known && same_slot(f, g) &&
		    (!truth_on_disk(t, owner, g, g->acknowledged) ||
		     (!t->mild && counter < g->generation)))
			return NULL;
	return owner;
}

void truth_store(struct truth *t, struct fact *f, bool exists)
{
	truth_store_if(t, f, exists, 0);
}

void truth_store_if(struct truth *t, struct fact *f, bool exists,
		    uint64_t generation)
{
	struct store_item item = { .kind = f->kind,
				   .generation = generation,
				   .key = slice_str(f->key),
				   .exists = exists,
				   .lifetime_s = 86400 };
	struct command c = { .type = CMD_STORE,
			     .resource = f->resource,
			     .items = &item,
			     .n_items = 1 };
	uint64_t now_ms = host_now(f->writer).unix_ms;
	char *text = f->text[f->n_text];

	if (f->command != 0 || !host_ready(f->writer) ||
	    f->n_text == TRUTH_ATTEMPTS_MAX)
		return;
	f->removed = reallocarray(f->removed, f->sequence + 2, sizeof(bool));
	if (f->removed == NULL)
		MUST(ERR_NOMEM);
	f->removed[++f->sequence] = !exists;
	text[0] = '\0';
	if (exists)
		says(f, f->sequence, text);
	item.value = slice_str(text);
	if (f->brief != NULL)
		item.lifetime_s = brief_begin(t, f);
	f->n_text++;
	f->asked = generation;
	f->asked_us = t->world->now_us;
	f->owner = owner_with_all(t, f);
	if (f->owner != NULL)
		f->owner_incarnation = f->owner->incarnation;
	f->behind = now_ms <= f->clock_ms;
	if (!f->behind)
		f->clock_ms = now_ms;
	f->incarnation = f->writer->incarnation;
	f->command = host_command(f->writer, &c);
}

bool truth_is(const struct fact *f, const struct stored_value *v, uint64_t n)
{
	char text[TRUTH_TEXT_MAX];

	says(f, n, text);
	return !f->removed[n] && slice_eq(v->value, slice_str(text));
}

bool truth_allows(const struct fact *f, const struct stored_value *v,
		  uint64_t since)
{
	if (v == NULL || !v->exists) {
		for (uint64_t n = since; n <= f->sequence; n++)
			if (n == 0 || f->removed[n])
				return true;
		return false;
	}
	for (uint64_t n = f->sequence; n >= since && n > 0; n--)
		if (truth_is(f, v, n))
			return true;
	return false;
}

static bool in_replica_set(struct world *w, const struct host *h,
			   const struct node_id *resource)
{
	const struct host *at = world_owner(w, resource);

	for (uint32_t i = 0; i < COPIES && at != NULL; i++) {
		if (at == h)
			return true;
		at = world_successor(w, at, 1);
	}
	return false;
}

/* Whoever is said to have it has it, but where a disk was lost meanwhile or the
 * value became another's and was given up. */
static void check_holder(struct truth *t, const struct fact *f,
			 const struct node_id *id)
{
	struct host *h = world_host_by_id(t->world, id);
	uint32_t n = 0;

	if (h != NULL && h->wiped_us < f->asked_us &&
	    brief_lives(t, f, f->sequence) &&
	    (!host_joined(h) || in_replica_set(t->world, h, &f->resource)) &&
	    !truth_on_disk(t, h, f, f->behind ? f->acknowledged : f->sequence))
		wrong(t, &n, "'%s' was acknowledged, host %u lacks it",
		      f->text[f->n_text - 1], h->index);
	t->n_wrong += n;
}

/* Every Store that changes something makes the counter grow, and one whose
 * condition does not hold any more is refused, by the owner that had it all
 * when it was asked for. */
static void check_counter(struct truth *t, const struct fact *f,
			  const struct fact *before, uint64_t generation)
{
	uint32_t n = 0;

	if (f->asked != 0 && generation <= f->asked)
		wrong(t, &n, "'%s' if the counter is %llu: now it is %llu",
		      f->text[0], (unsigned long long)f->asked,
		      (unsigned long long)generation);
	if (f->owner != NULL && t->torn_us < f->asked_us &&
	    truth_owner(t, &f->resource) == f->owner &&
	    f->owner->incarnation == f->owner_incarnation &&
	    before->acknowledged_us < f->asked_us) {
		if (generation <= before->generation)
			wrong(t, &n, "'%s': the counter was %llu and is %llu",
			      f->text[0],
			      (unsigned long long)before->generation,
			      (unsigned long long)generation);
		if (f->asked != 0 && f->asked < before->generation)
			wrong(t, &n, "'%s' if the counter is %llu: it was %llu",
			      f->text[0], (unsigned long long)f->asked,
			      (unsigned long long)before->generation);
	}
	t->n_wrong += n;
}

/*
 * The last content was acknowledged: what came before it is history.  Not so
 * where the writer's clock was behind: its storage time may be before that of
 * one that was out of reach then, which wins, s7.4.1.1.
 */
static void acknowledged(struct truth *t, struct fact *f,
			 const struct result *res)
{
	const struct store_kind_response *k;

	MUST(res->store != NULL && res->store->kind_responses.n == 1
		     ? OK
		     : ERR_SOFTWARE);
	k = &res->store->kind_responses.v[0];
	for (struct fact *g = t->facts; g != NULL; g = g->next)
		if (g->known && same_slot(f, g))
			check_counter(t, f, g, k->generation_counter);
	check_holder(t, f, &res->responder);
	for (uint32_t i = 0; i < k->replicas.n; i++)
		check_holder(t, f, &k->replicas.v[i]);
	if (f->behind)
		return;
	f->acknowledged_us = t->world->now_us;
	f->generation = k->generation_counter;
	if (f->n_text > 1)
		memcpy(f->text[0], f->text[f->n_text - 1], TRUTH_TEXT_MAX);
	f->n_text = 1;
	f->known = brief_lives(t, f, f->sequence);
	f->acknowledged = f->known ? f->sequence : 0;
	f->copies = 1 + k->replicas.n;
}

/* It need not be anywhere any more. */
static void forgive(struct fact *f)
{
	f->known = false;
	f->acknowledged = 0;
}

void truth_settle(struct truth *t)
{
	const struct outcome *o;

	for (struct fact *f = t->facts; f != NULL; f = f->next) {
		if (f->known && !brief_lives(t, f, f->acknowledged))
			forgive(f);
		if (f->command == 0)
			continue;
		o = world_outcome(t->world, f->command);
		if (o == NULL && host_runs(f->writer) &&
		    f->incarnation == f->writer->incarnation)
			continue;
		if (o != NULL && o->result.err == OK) {
			acknowledged(t, f, &o->result);
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
	if (v->n != 1 || !truth_allows(f, &v->v[0].value, f->acknowledged))
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

bool truth_on_disk(const struct truth *t, struct host *h, const struct fact *f,
		   uint64_t since)
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
		has = truth_allows(f, &d.value, since);
	}
	arena_free(&a);
	return has;
}

static bool has_copy(const struct truth *t, struct host *h,
		     const struct fact *f)
{
	return truth_on_disk(t, h, f, f->acknowledged);
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

uint32_t truth_counters(struct truth *t)
{
	const struct host *h;
	uint64_t counter;
	uint32_t n = 0;

	for (const struct fact *f = t->facts; f != NULL; f = f->next) {
		h = world_owner(t->world, &f->resource);
		if (!f->known || h == NULL)
			continue;
		counter = counter_on_disk(h, f);
		if (counter < f->generation)
			wrong(t, &n,
			      "host %u forgot a counter of '%s': "
			      "%llu, not %llu",
			      h->index, f->text[0], (unsigned long long)counter,
			      (unsigned long long)f->generation);
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

void truth_bereaved(struct truth *t)
{
	struct world *w = t->world;
	uint32_t n = 0;

	for (struct fact *f = t->facts; f != NULL; f = f->next) {
		bool there = !f->known;

		for (uint32_t i = 0; !there && i < w->n_hosts; i++)
			there = has_copy(t, w->hosts[i], f);
		if (there)
			continue;
		if (f->copies >= COPIES)
			wrong(t, &n, "'%s' is lost, with %u copies", f->text[0],
			      f->copies);
		forgive(f);
	}
	t->n_wrong += n;
}

void truth_repaired(struct truth *t)
{
	for (struct fact *f = t->facts; f != NULL; f = f->next)
		if (f->known && f->copies < COPIES)
			f->copies = COPIES;
}

struct host *truth_owner(struct truth *t, const struct node_id *resource)
{
	if (t->torn_us == t->world->now_us || !truth_connected(t))
		return NULL;
	return world_owner(t->world, resource);
}

bool truth_connected(struct truth *t)
{
	struct world *w = t->world;

	for (uint32_t i = 0; i < w->n_hosts; i++) {
		const struct host *after, *h = w->hosts[i];

		if (!host_joined(h))
			continue;
		after = world_successor(w, h, 1);
		if (after != h &&
		    (!inside_follows(h, after) || !inside_precedes(after, h)))
			return false;
	}
	return true;
}
