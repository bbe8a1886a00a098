/* SPDX-License-Identifier: ISC */
/*
 * What the methods of the Storing Peer share: turns at a resource, refusals,
 * stored values on their way out, the purge of what has expired.  RFC 6940 s7.
 */
#include "core/store.h"

#include <assert.h>
#include <stdlib.h>

#include "core/state.h"
#include "core/store_audit.h"
#include "core/store_fetch.h"
#include "core/store_find.h"
#include "core/store_put.h"
#include "core/table.h"

/* A resource being worked at, and who waits for it. */
struct store_place {
	struct node_id resource;
	struct store_job *first, *last;
	uint32_t n;
	bool busy; /* somebody has a turn */
	bool serving;
	UT_hash_handle hh;
};

/* ---- turns ---- */

static struct store_place *place_find(struct node *n, const struct node_id *id)
{
	struct store_place *p;

	HASH_FIND(hh, n->store.places, id, sizeof(*id), p);
	return p;
}

static struct store_job *take_first(struct store_place *p)
{
	struct store_job *job = p->first;

	p->first = job->next;
	if (p->first == NULL)
		p->last = NULL;
	p->n--;
	return job;
}

/* Gives turns until one does not end at once. */
static void serve(struct node *n, struct store_place *p)
{
	struct store_job *job;

	p->serving = true;
	while (!p->busy && p->first != NULL) {
		job = take_first(p);
		p->busy = true;
		job->run(n, job);
	}
	p->serving = false;
	if (p->busy)
		return;
	HASH_DEL(n->store.places, p);
	free(p);
}

enum err store_enter(struct node *n, struct store_job *job)
{
	struct store_place *p = place_find(n, &job->resource);

	if (p == NULL) {
		p = calloc(1, sizeof(*p));
		if (p == NULL)
			return ERR_NOMEM;
		p->resource = job->resource;
		HASH_ADD(hh, n->store.places, resource, sizeof(p->resource), p);
		if (p->hh.tbl == NULL) {
			free(p);
			return ERR_NOMEM;
		}
	}
	if (p->n >= STORE_WAITING_MAX)
		return ERR_FULL;
	job->next = NULL;
	if (p->last != NULL)
		p->last->next = job;
	else
		p->first = job;
	p->last = job;
	p->n++;
	if (!p->busy && !p->serving)
		serve(n, p);
	return OK;
}

struct store_job *store_waits(struct node *n, const struct node_id *resource)
{
	struct store_place *p = place_find(n, resource);

	assert(p != NULL);
	assert(p->busy);
	return p->first;
}

void store_share(struct node *n, const struct node_id *resource)
{
	struct store_place *p = place_find(n, resource);

	assert(p != NULL);
	assert(p->busy);
	assert(p->first != NULL);
	(void)take_first(p);
}

void store_leave(struct node *n, const struct node_id *resource)
{
	struct store_place *p = place_find(n, resource);

	assert(p != NULL);
	assert(p->busy);
	p->busy = false;
	if (!p->serving)
		serve(n, p);
}

/* ---- refusals ---- */

void store_refuse_take(struct node *n, struct request *req, enum err r,
		       const struct why *why)
{
	const char *words = why->text[0] != '\0' ? why->text : err_text(r);

	node_trace(n, "refuse %s from %s: %s",
		   message_name(req->message.contents.message_code),
		   id_short(&req->source).s, err_name(r));
	request_refuse_take(n, req, r, "%s", words);
}

void store_refuse_kinds_take(struct node *n, struct request *req,
			     const struct kind_id_list *unknown)
{
	struct unknown_kinds info = { *unknown };
	struct why why = { "" };
	struct slice bytes;
	enum err r;

	if (info.unknown_kinds.n > UNKNOWN_KINDS_MAX)
		info.unknown_kinds.n = UNKNOWN_KINDS_MAX;
	r = node_encode(n, &wire_type_unknown_kinds, &info, &bytes);
	if (r != OK) {
		store_refuse_take(n, req, r, &why);
		return;
	}
	node_trace(n, "refuse %s from %s: %s",
		   message_name(req->message.contents.message_code),
		   id_short(&req->source).s, err_name(ERR_UNKNOWN_KIND));
	request_error_take(n, req, ERR_UNKNOWN_KIND, bytes);
}

enum err store_resource(struct slice in, struct node_id *out, struct why *why)
{
	if (in.len != RING_ID_LEN)
		return why_err(why, ERR_INVALID_MESSAGE,
			       "a Resource-ID has %d bytes here", RING_ID_LEN);
	return id_from_slice(out, in);
}

enum err store_kinds_differ(const struct node *n, const uint32_t *kinds,
			    uint32_t n_kinds, struct why *why)
{
	bool more = n_kinds > n->overlay->kinds.n;

	for (uint32_t i = 0; i < n_kinds && !more; i++)
		for (uint32_t j = 0; j < i && !more; j++)
			more = kinds[i] == kinds[j];
	return !more ? OK
		     : why_err(why, ERR_INVALID_MESSAGE,
			       "a kind is there twice");
}

/* ---- records ---- */

uint64_t store_generation_merge(uint64_t mine, uint64_t other)
{
	uint64_t higher = mine > other ? mine : other;

	return higher == UINT64_MAX ? higher : higher + 1;
}

enum err store_index_key(struct arena *a, uint32_t index, struct slice *out)
{
	uint8_t key[4];

	for (unsigned b = 0; b < 4; b++)
		key[b] = (uint8_t)(index >> (24 - 8 * b));
	return arena_dup(a, slice_of(key, sizeof(key)), out);
}

uint32_t store_key_index(struct slice key)
{
	uint32_t v = 0;

	assert(key.len == 4);
	for (size_t i = 0; i < key.len; i++)
		v = v << 8 | key.p[i];
	return v;
}

enum err store_keys_fit(enum data_model model, const struct query_answer *is)
{
	size_t len = model == MODEL_ARRAY ? 4 : 0;

	if (model == MODEL_DICTIONARY)
		return OK;
	for (size_t i = 0; i < is->n_records; i++)
		if (is->records[i].key.len != len)
			return ERR_STORAGE;
	return OK;
}

enum err store_value(const struct node *n, enum data_model model,
		     const struct record *r, struct arena *a,
		     struct stored_data *out)
{
	struct wire_env env = n->env;
	uint64_t left_ms = 0;
	struct slice data;
	enum err e;

	env.model = model;
	if ((e = arena_dup(a, r->data, &data)) != OK)
		return e;
	e = stored_data_decode(out, data, a, &env);
	if (e == ERR_NOMEM || e == ERR_LIMIT)
		return e;
	if (e != OK)
		return ERR_STORAGE;
	if (r->expires_ms > n->now.unix_ms)
		left_ms = r->expires_ms - n->now.unix_ms;
	if (left_ms / 1000 < out->lifetime)
		out->lifetime = (uint32_t)(left_ms / 1000);
	return OK;
}

/* ---- by the clock ---- */

/* Peers alone keep values. */
void store_init(struct node *n)
{
	if (n->cfg.role == ROLE_PEER)
		node_timer(n, &n->store.timer, TIMER_STORE, 0);
}

static enum err purge(struct node *n)
{
	struct batch *b = batch_new(0);
	struct change *ch;

	if (b == NULL)
		return ERR_NOMEM;
	ch = batch_add(b, CHANGE_PURGE);
	if (ch == NULL) {
		batch_free(b);
		return ERR_NOMEM;
	}
	ch->record.expires_ms = n->now.unix_ms;
	return read_commit_take(n, b, NULL, NULL);
}

/* The first time, values of a run before this one may need more than a purge.
 */
void store_timer(struct node *n, struct timer *t)
{
	if (t != &n->store.timer) {
		store_audit_timer(n);
		return;
	}
	if (t->at_us == 0)
		store_audit_start(n);
	node_failed(n, purge(n));
	node_timer(n, t, TIMER_STORE, n->now.mono_us + STORE_PURGE_US);
}

void store_config_changed(struct node *n)
{
	if (n->cfg.role == ROLE_PEER)
		store_audit_start(n);
}

/* Jobs are in the memory of their requests, which are request.c's. */
void store_clear(struct node *n)
{
	struct store_place *p, *next;

	HASH_ITER (hh, n->store.places, p, next) {
		HASH_DEL(n->store.places, p);
		free(p);
	}
	store_audit_clear(n);
	heap_cancel(&n->timers, &n->store.timer);
}

/* ---- methods ---- */

void store_on_store(struct node *n, struct request *req)
{
	store_put_start_take(n, req);
}

void store_on_fetch(struct node *n, struct request *req)
{
	store_fetch_start_take(n, req, false);
}

void store_on_stat(struct node *n, struct request *req)
{
	store_fetch_start_take(n, req, true);
}

void store_on_find(struct node *n, struct request *req)
{
	store_find_start_take(n, req);
}
