/* SPDX-License-Identifier: ISC */
/*
 * The memory engine: queries and batches over shelves, behind a lock.  A batch
 * is prepared first, with all the memory that it needs, and then applied, which
 * cannot fail.
 */
#include "storage/memory.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "storage/shelf.h"

struct memory {
	pthread_mutex_t lock;
	struct shelf_store store;
};

/* ---- reading ---- */

/* How far clockwise `x` lies from the first ID after `from`. */
static void ring_position(struct node_id *out, const struct node_id *from,
			  const struct node_id *x)
{
	struct node_id first;

	id_next(&first, from);
	id_distance(out, &first, x);
}

/* Walks slots with values in ring order, through (from, to]. */
struct walk {
	const struct shelf_store *st;
	const struct query *q;
	size_t i, left; /* index of the next shelf, shelves not yet seen */
	struct node_id limit; /* position of `to` */
	bool has_last;        /* what comes must lie after (last, last_kind) */
	struct node_id last;  /* position */
	uint32_t last_kind;
};

/* From (resource, kind) on. */
static void walk_start(struct walk *w, const struct shelf_store *st,
		       const struct query *q, const struct node_id *resource,
		       uint32_t kind)
{
	bool found;

	*w = (struct walk){ .st = st, .q = q, .left = st->shelves.n };
	w->i = shelf_at(st, resource, kind, &found);
	ring_position(&w->limit, &q->from, &q->to);
	ring_position(&w->last, &q->from, resource);
}

static const struct shelf *walk_next(struct walk *w)
{
	const struct shelf *s;
	struct node_id at;
	int d;

	for (; w->left > 0; w->left--) {
		s = w->st->shelves.v[w->i % w->st->shelves.n];
		ring_position(&at, &w->q->from, &s->slot.resource);
		d = id_cmp(&at, &w->last);
		if (id_cmp(&at, &w->limit) > 0 || d < 0 ||
		    (d == 0 && w->has_last && s->slot.kind <= w->last_kind))
			break;
		w->i++;
		w->last = at;
		w->last_kind = s->slot.kind;
		w->has_last = true;
		if (shelf_alive(s, w->q->alive_ms)) {
			w->left--;
			return s;
		}
	}
	w->left = 0;
	return NULL;
}

static void walk_range(struct walk *w, const struct shelf_store *st,
		       const struct query *q)
{
	const struct slot *c = &q->cursor;
	struct node_id start;

	if (!q->has_cursor) {
		id_next(&start, &q->from);
		walk_start(w, st, q, &start, 0);
		return;
	}
	walk_start(w, st, q, &c->resource, c->kind);
	w->has_last = true;
	w->last_kind = c->kind;
	if (shelf_find(st, &c->resource, c->kind) != NULL) {
		w->i++;
		w->left--;
	}
}

static enum err read_range(const struct shelf_store *st, const struct query *q,
			   struct query_answer *out, struct arena *a)
{
	const struct shelf *s;
	struct walk w;
	size_t room;

	walk_range(&w, st, q);
	room = q->max != 0 && q->max < w.left ? q->max : w.left;
	out->slots = arena_zalloc(a, room, sizeof(*out->slots));
	if (out->slots == NULL)
		return ERR_NOMEM;
	while (out->n_slots < room && (s = walk_next(&w)) != NULL)
		out->slots[out->n_slots++] = s->slot;
	return OK;
}

static enum err read_nearest(const struct shelf_store *st,
			     const struct query *q, struct query_answer *out,
			     struct arena *a)
{
	const struct shelf *s;
	struct walk w;

	walk_start(&w, st, q, &q->resource, 0);
	while ((s = walk_next(&w)) != NULL) {
		if (s->slot.kind != q->kind)
			continue;
		out->slots = arena_zalloc(a, 1, sizeof(*out->slots));
		if (out->slots == NULL)
			return ERR_NOMEM;
		out->slots[0] = s->slot;
		out->n_slots = 1;
		break;
	}
	return OK;
}

static void read_count(const struct shelf_store *st, const struct query *q,
		       struct query_answer *out)
{
	const struct shelf *s;

	for (size_t i = 0; i < st->shelves.n; i++) {
		s = st->shelves.v[i];
		for (size_t k = 0; k < s->values.n; k++)
			out->count += shelf_value_alive(s->values.v[k],
							q->alive_ms);
	}
}

static enum err read_signers(struct shelf_store *st, const struct query *q,
			     struct query_answer *out, struct arena *a)
{
	const struct shelf_cert *c;
	size_t room = shelf_mark_certs(st);

	if (q->max != 0 && q->max < room)
		room = q->max;
	out->signers = arena_zalloc(a, room, CERT_HASH_LEN);
	if (out->signers == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < st->certs.n && out->n_signers < room; i++) {
		c = st->certs.v[i];
		if (c->needed && memcmp(c->hash, q->hash, CERT_HASH_LEN) > 0)
			memcpy(out->signers[out->n_signers++], c->hash,
			       CERT_HASH_LEN);
	}
	return OK;
}

static enum err read_kinds(const struct shelf_store *st,
			   struct query_answer *out, struct arena *a)
{
	const struct shelf *s;
	size_t at;

	out->slots = arena_zalloc(a, st->shelves.n, sizeof(*out->slots));
	if (out->slots == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < st->shelves.n; i++) {
		s = st->shelves.v[i];
		if (s->slot.generation == 0 && s->values.n == 0)
			continue;
		for (at = 0; at < out->n_slots; at++)
			if (out->slots[at].kind >= s->slot.kind)
				break;
		if (at < out->n_slots && out->slots[at].kind == s->slot.kind)
			continue;
		memmove(&out->slots[at + 1], &out->slots[at],
			(out->n_slots - at) * sizeof(*out->slots));
		out->slots[at] = (struct slot){ .kind = s->slot.kind };
		out->n_slots++;
	}
	return OK;
}

static enum err read_cert(const struct shelf_store *st, const struct query *q,
			  struct query_answer *out, struct arena *a)
{
	const struct shelf_cert *c = shelf_find_cert(st, q->hash);

	return c == NULL ? OK
			 : arena_dup(a, slice_of(c->der, c->len), &out->der);
}

static enum err memory_read(void *ctx, const struct query *q,
			    struct query_answer *out, struct arena *a)
{
	struct memory *m = ctx;
	enum err r = OK;

	*out = (struct query_answer){ 0 };
	pthread_mutex_lock(&m->lock);
	switch (q->type) {
	case QUERY_KIND:
		r = shelf_read(&m->store, q, out, a);
		break;
	case QUERY_RANGE:
		r = read_range(&m->store, q, out, a);
		break;
	case QUERY_NEAREST:
		r = read_nearest(&m->store, q, out, a);
		break;
	case QUERY_COUNT:
		read_count(&m->store, q, out);
		break;
	case QUERY_CERT:
		r = read_cert(&m->store, q, out, a);
		break;
	case QUERY_SIGNERS:
		r = read_signers(&m->store, q, out, a);
		break;
	case QUERY_KINDS:
		r = read_kinds(&m->store, out, a);
		break;
	}
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* ---- writing ---- */

/* All that can fail; leaves nothing that a reader could see. */
static enum err batch_prepare(struct shelf_store *st, const struct batch *b,
			      void **fresh)
{
	const struct change *ch;
	enum err r = shelf_prepare_certs(st, b->n);

	for (uint32_t i = 0; i < b->n && r == OK; i++) {
		ch = &b->v[i];
		switch (ch->type) {
		case CHANGE_PUT:
			fresh[i] = shelf_value_new(&ch->record);
			if (fresh[i] == NULL)
				return ERR_NOMEM;
			r = shelf_prepare(st, &ch->record.resource,
					  ch->record.kind, b->n);
			break;
		case CHANGE_GENERATION:
			r = shelf_prepare(st, &ch->slot.resource, ch->slot.kind,
					  0);
			break;
		case CHANGE_CERT:
			fresh[i] = shelf_cert_new(ch);
			if (fresh[i] == NULL)
				return ERR_NOMEM;
			break;
		default:
			break;
		}
	}
	return r;
}

static void drop_slot(struct shelf *s)
{
	if (s == NULL)
		return;
	shelf_drop(s, shelf_any, NULL);
	s->slot.generation = 0;
}

static void drop_everywhere(struct shelf_store *st, shelf_filter *which,
			    const struct record *r)
{
	for (size_t i = 0; i < st->shelves.n; i++)
		shelf_drop(st->shelves.v[i], which, r);
}

static void drop_kind(struct shelf_store *st, uint32_t kind)
{
	struct shelf *s;

	for (size_t i = 0; i < st->shelves.n; i++) {
		s = st->shelves.v[i];
		if (s->slot.kind == kind)
			drop_slot(s);
	}
}

static void change_apply(struct shelf_store *st, const struct change *ch,
			 void *fresh)
{
	const struct record *r = &ch->record;
	struct shelf *s;

	switch (ch->type) {
	case CHANGE_PUT:
		shelf_put_take(st, r, fresh);
		break;
	case CHANGE_GENERATION:
		s = shelf_find(st, &ch->slot.resource, ch->slot.kind);
		assert(s != NULL);
		s->slot.generation = ch->slot.generation;
		break;
	case CHANGE_DELETE:
		s = shelf_find(st, &r->resource, r->kind);
		if (s != NULL)
			shelf_drop(s, shelf_key_is, r);
		break;
	case CHANGE_CERT:
		shelf_put_cert_take(st, fresh);
		break;
	case CHANGE_DROP_SLOT:
		drop_slot(shelf_find(st, &ch->slot.resource, ch->slot.kind));
		break;
	case CHANGE_DROP_KIND:
		drop_kind(st, ch->slot.kind);
		break;
	case CHANGE_DROP_SIGNER:
		drop_everywhere(st, shelf_signer_is, r);
		break;
	case CHANGE_PURGE:
		drop_everywhere(st, shelf_has_expired, r);
		(void)shelf_mark_certs(st);
		shelf_sweep_certs(st);
		break;
	}
}

static bool drops(const struct batch *b)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].type == CHANGE_DROP_SLOT ||
		    b->v[i].type == CHANGE_DROP_KIND)
			return true;
	return false;
}

static enum err batch_apply(struct memory *m, const struct batch *b)
{
	void **fresh = calloc(b->n + (size_t)1, sizeof(*fresh));
	enum err r;

	if (fresh == NULL)
		return ERR_NOMEM;
	pthread_mutex_lock(&m->lock);
	r = batch_prepare(&m->store, b, fresh);
	for (uint32_t i = 0; i < b->n; i++) {
		if (r == OK)
			change_apply(&m->store, &b->v[i], fresh[i]);
		else
			free(fresh[i]);
	}
	if (r != OK || drops(b))
		shelf_sweep(&m->store);
	pthread_mutex_unlock(&m->lock);
	free(fresh);
	return r;
}

static void memory_commit(void *ctx, struct batch *const *v, size_t n,
			  enum err *status)
{
	for (size_t i = 0; i < n; i++)
		status[i] = batch_apply(ctx, v[i]);
}

static void memory_close(void *ctx)
{
	struct memory *m = ctx;

	shelf_clear(&m->store);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

enum err memory_open(struct storage *out)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (m == NULL)
		return ERR_NOMEM;
	if (pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		return ERR_NOMEM;
	}
	*out = (struct storage){ m, memory_read, memory_commit, memory_close };
	return OK;
}
