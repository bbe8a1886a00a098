/* SPDX-License-Identifier: ISC */
/*
 * Slots as they are on disk, kept in memory.  What is known here is what the
 * engine would answer, always: a slot that a commit is writing is asked of the
 * engine; when the commit has ended, and before anybody hears of it, what it
 * wrote is written here as well; where anything is in doubt, all is forgotten.
 */
#include "storage/recent.h"

#include <pthread.h>
#include <stdlib.h>

#include "storage/shelf.h"

struct recent {
	struct storage engine;
	pthread_mutex_t lock; /* of all that follows */
	struct shelf_store known;
	struct batch *const *writing; /* the commit that is under way */
	size_t n_writing;
	uint64_t n_commits; /* begun */
	size_t victim;      /* makes room next */
};

/* ---- what is known ---- */

static void forget(struct recent *r, const struct node_id *resource,
		   uint32_t kind)
{
	bool found;
	size_t at = shelf_at(&r->known, resource, kind, &found);

	if (found)
		shelf_remove(&r->known, at);
}

static bool too_large(const struct shelf *s)
{
	const struct shelf_value *v;
	size_t bytes = 0;

	for (size_t i = 0; i < s->values.n; i++) {
		v = s->values.v[i];
		bytes += sizeof(*v) + v->key.len;
	}
	return bytes > RECENT_SLOT_BYTES_MAX;
}

/* A value of a slot that is known; without memory the slot is forgotten. */
static void put(struct recent *r, const struct record *rec)
{
	struct shelf *s = shelf_find(&r->known, &rec->resource, rec->kind);
	struct record bare = *rec;
	struct shelf_value *v;

	if (s == NULL)
		return;
	bare.data = (struct slice){ 0 };
	v = shelf_value_new(&bare);
	if (v == NULL ||
	    shelf_prepare(&r->known, &rec->resource, rec->kind, 1) != OK) {
		free(v);
		forget(r, &rec->resource, rec->kind);
		return;
	}
	shelf_put_take(&r->known, rec, v);
	if (too_large(s))
		forget(r, &rec->resource, rec->kind);
}

/* A slot as it was read, whole. */
static void keep(struct recent *r, const struct query *q,
		 const struct query_answer *is)
{
	struct shelf *s;

	if (r->known.shelves.n == RECENT_SLOTS_MAX)
		shelf_remove(&r->known, r->victim++ % RECENT_SLOTS_MAX);
	if (shelf_prepare(&r->known, &q->resource, q->kind, 0) != OK) {
		forget(r, &q->resource, q->kind);
		return;
	}
	s = shelf_find(&r->known, &q->resource, q->kind);
	s->slot.generation = is->generation;
	for (size_t i = 0; i < is->n_records; i++)
		put(r, &is->records[i]);
}

/* ---- reading ---- */

static bool is_slot(const struct query *q, const struct node_id *resource,
		    uint32_t kind)
{
	return q->kind == kind &&
	       memcmp(q->resource.b, resource->b, RING_ID_LEN) == 0;
}

static bool touches(const struct change *ch, const struct query *q)
{
	switch (ch->type) {
	case CHANGE_PUT:
	case CHANGE_DELETE:
		return is_slot(q, &ch->record.resource, ch->record.kind);
	case CHANGE_GENERATION:
	case CHANGE_DROP_SLOT:
		return is_slot(q, &ch->slot.resource, ch->slot.kind);
	case CHANGE_CERT:
		return false;
	case CHANGE_DROP_KIND:
	case CHANGE_DROP_SIGNER:
	case CHANGE_PURGE:
		break;
	}
	return true;
}

static bool being_written(const struct recent *r, const struct query *q)
{
	const struct batch *b;

	for (size_t i = 0; i < r->n_writing; i++) {
		b = r->writing[i];
		for (uint32_t j = 0; j < b->n; j++)
			if (touches(&b->v[j], q))
				return true;
	}
	return false;
}

static bool asks_for_whole_slot(const struct query *q)
{
	return q->type == QUERY_KIND && q->metadata_only &&
	       q->first.p == NULL && q->last.p == NULL && !q->backwards &&
	       q->max == 0;
}

static void drop_expired(struct query_answer *out, uint64_t alive_ms)
{
	size_t n = 0;

	for (size_t i = 0; i < out->n_records; i++)
		if (alive_ms == 0 || out->records[i].expires_ms > alive_ms)
			out->records[n++] = out->records[i];
	out->n_records = n;
}

static enum err recent_read(void *ctx, const struct query *q,
			    struct query_answer *out, struct arena *a)
{
	struct recent *r = ctx;
	struct query whole = *q;
	bool written, known;
	uint64_t n_commits;
	enum err e = OK;

	if (!asks_for_whole_slot(q))
		return r->engine.read(r->engine.ctx, q, out, a);
	*out = (struct query_answer){ 0 };
	pthread_mutex_lock(&r->lock);
	n_commits = r->n_commits;
	written = being_written(r, q);
	known = !written &&
		shelf_find(&r->known, &q->resource, q->kind) != NULL;
	if (known)
		e = shelf_read(&r->known, q, out, a);
	pthread_mutex_unlock(&r->lock);
	if (known)
		return e;
	whole.alive_ms = 0;
	if ((e = r->engine.read(r->engine.ctx, &whole, out, a)) != OK)
		return e;
	pthread_mutex_lock(&r->lock);
	if (!written && r->n_commits == n_commits)
		keep(r, q, out);
	pthread_mutex_unlock(&r->lock);
	drop_expired(out, q->alive_ms);
	return OK;
}

/* ---- writing ---- */

static void change_apply(struct recent *r, const struct change *ch)
{
	const struct record *rec = &ch->record;
	struct shelf *s;

	switch (ch->type) {
	case CHANGE_PUT:
		put(r, rec);
		break;
	case CHANGE_GENERATION:
		s = shelf_find(&r->known, &ch->slot.resource, ch->slot.kind);
		if (s != NULL)
			s->slot.generation = ch->slot.generation;
		break;
	case CHANGE_DELETE:
		s = shelf_find(&r->known, &rec->resource, rec->kind);
		if (s != NULL)
			shelf_drop(s, shelf_key_is, rec);
		break;
	case CHANGE_CERT:
		break;
	case CHANGE_DROP_SLOT:
		forget(r, &ch->slot.resource, ch->slot.kind);
		break;
	case CHANGE_DROP_KIND:
	case CHANGE_DROP_SIGNER:
	case CHANGE_PURGE:
		shelf_clear(&r->known);
		break;
	}
}

static void recent_commit(void *ctx, struct batch *const *v, size_t n,
			  enum err *status)
{
	struct recent *r = ctx;

	pthread_mutex_lock(&r->lock);
	r->writing = v;
	r->n_writing = n;
	r->n_commits++;
	pthread_mutex_unlock(&r->lock);
	r->engine.commit(r->engine.ctx, v, n, status);
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < n; i++) {
		if (status[i] != OK)
			shelf_clear(&r->known);
		for (uint32_t j = 0; status[i] == OK && j < v[i]->n; j++)
			change_apply(r, &v[i]->v[j]);
	}
	r->n_writing = 0;
	pthread_mutex_unlock(&r->lock);
}

static void recent_close(void *ctx)
{
	struct recent *r = ctx;

	r->engine.close(r->engine.ctx);
	shelf_clear(&r->known);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

enum err recent_add(struct storage *s)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (r == NULL || pthread_mutex_init(&r->lock, NULL) != 0) {
		free(r);
		return ERR_NOMEM;
	}
	r->engine = *s;
	*s = (struct storage){ r, recent_read, recent_commit, recent_close };
	return OK;
}
