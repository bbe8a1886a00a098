/* SPDX-License-Identifier: ISC */
/*
 * The sorted arrays behind the memory engine, and one of its queries.  Batches,
 * locks and the other queries are memory.c's.
 */
#include "storage/shelf.h"

#include <assert.h>
#include <stdlib.h>

/* ---- pointers in an order ---- */

typedef int vec_cmp(const void *key, const void *item);

/* The first item that is not less than `key`. */
static size_t vec_at(const struct shelf_vec *vec, vec_cmp *cmp, const void *key,
		     bool *found)
{
	size_t lo = 0, hi = vec->n, mid;
	int d;

	*found = false;
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		d = cmp(key, vec->v[mid]);
		if (d > 0) {
			lo = mid + 1;
		} else {
			hi = mid;
			*found |= d == 0;
		}
	}
	return lo;
}

/* Room for `n` more. */
static enum err vec_reserve(struct shelf_vec *vec, size_t n)
{
	size_t cap = vec->cap == 0 ? 4 : vec->cap;
	void **v;

	while (cap < vec->n + n)
		cap *= 2;
	if (cap == vec->cap)
		return OK;
	v = reallocarray(vec->v, cap, sizeof(*v));
	if (v == NULL)
		return ERR_NOMEM;
	vec->v = v;
	vec->cap = cap;
	return OK;
}

static void vec_insert(struct shelf_vec *vec, size_t at, void *p)
{
	assert(vec->n < vec->cap);
	memmove(vec->v + at + 1, vec->v + at,
		(vec->n - at) * sizeof(vec->v[0]));
	vec->v[at] = p;
	vec->n++;
}

/* ---- finding ---- */

static int shelf_cmp(const void *key, const void *item)
{
	const struct slot *a = key, *b = &((const struct shelf *)item)->slot;
	int d = memcmp(a->resource.b, b->resource.b, RING_ID_LEN);

	return d != 0 ? d : (a->kind > b->kind) - (a->kind < b->kind);
}

static int value_cmp(const void *key, const void *item)
{
	return slice_cmp(*(const struct slice *)key,
			 ((const struct shelf_value *)item)->key);
}

static int cert_cmp(const void *key, const void *item)
{
	return memcmp(key, ((const struct shelf_cert *)item)->hash,
		      CERT_HASH_LEN);
}

size_t shelf_at(const struct shelf_store *st, const struct node_id *resource,
		uint32_t kind, bool *found)
{
	struct slot key = { .resource = *resource, .kind = kind };

	return vec_at(&st->shelves, shelf_cmp, &key, found);
}

struct shelf *shelf_find(const struct shelf_store *st,
			 const struct node_id *resource, uint32_t kind)
{
	bool found;
	size_t at = shelf_at(st, resource, kind, &found);

	return found ? st->shelves.v[at] : NULL;
}

size_t shelf_value_at(const struct shelf *s, struct slice key, bool *found)
{
	return vec_at(&s->values, value_cmp, &key, found);
}

bool shelf_value_alive(const struct shelf_value *v, uint64_t alive_ms)
{
	return alive_ms == 0 || v->expires_ms > alive_ms;
}

bool shelf_alive(const struct shelf *s, uint64_t alive_ms)
{
	for (size_t i = 0; i < s->values.n; i++)
		if (shelf_value_alive(s->values.v[i], alive_ms))
			return true;
	return false;
}

struct shelf_cert *shelf_find_cert(const struct shelf_store *st,
				   const uint8_t hash[CERT_HASH_LEN])
{
	bool found;
	size_t at = vec_at(&st->certs, cert_cmp, hash, &found);

	return found ? st->certs.v[at] : NULL;
}

/* ---- reading ---- */

/* Sets *left to what remains of bytes_max; false when it is not enough. */
static bool fits(const struct query *q, const struct shelf_value *v,
		 size_t *left)
{
	if (q->bytes_max == 0 || q->metadata_only)
		return true;
	if (v->data.len > *left)
		return false;
	*left -= v->data.len;
	return true;
}

enum err shelf_read(const struct shelf_store *st, const struct query *q,
		    struct query_answer *out, struct arena *a)
{
	const struct shelf *s = shelf_find(st, &q->resource, q->kind);
	const struct shelf_value *v;
	struct record *r;
	size_t i, n, end, left = q->bytes_max;
	bool found;

	if (s == NULL)
		return OK;
	out->generation = s->slot.generation;
	i = q->first.p == NULL ? 0 : shelf_value_at(s, q->first, &found);
	end = s->values.n;
	if (q->last.p != NULL)
		end = shelf_value_at(s, q->last, &found) + found;
	if (i >= end)
		return OK;
	out->records = arena_zalloc(a, end - i, sizeof(*r));
	if (out->records == NULL)
		return ERR_NOMEM;
	for (n = end - i; n > 0 && (q->max == 0 || out->n_records < q->max);
	     n--) {
		v = s->values.v[q->backwards ? i + n - 1 : end - n];
		if (!shelf_value_alive(v, q->alive_ms))
			continue;
		if (!fits(q, v, &left))
			return ERR_LIMIT;
		r = &out->records[out->n_records++];
		r->resource = s->slot.resource;
		r->kind = s->slot.kind;
		r->storage_time = v->storage_time;
		r->expires_ms = v->expires_ms;
		memcpy(r->signer, v->signer, CERT_HASH_LEN);
		if (arena_dup(a, v->key, &r->key) ||
		    (!q->metadata_only && arena_dup(a, v->data, &r->data)))
			return ERR_NOMEM;
	}
	return OK;
}

/* ---- adding ---- */

struct shelf_value *shelf_value_new(const struct record *r)
{
	struct shelf_value *v = malloc(sizeof(*v) + r->key.len + r->data.len);
	uint8_t *p;

	if (v == NULL)
		return NULL;
	p = (uint8_t *)(v + 1);
	if (r->key.len != 0)
		memcpy(p, r->key.p, r->key.len);
	if (r->data.len != 0)
		memcpy(p + r->key.len, r->data.p, r->data.len);
	v->key = slice_of(p, r->key.len);
	v->data = slice_of(p + r->key.len, r->data.len);
	v->storage_time = r->storage_time;
	v->expires_ms = r->expires_ms;
	memcpy(v->signer, r->signer, CERT_HASH_LEN);
	return v;
}

enum err shelf_prepare(struct shelf_store *st, const struct node_id *resource,
		       uint32_t kind, size_t n)
{
	struct shelf *s;
	bool found;
	size_t at;

	if (vec_reserve(&st->shelves, 1))
		return ERR_NOMEM;
	at = shelf_at(st, resource, kind, &found);
	if (!found) {
		s = calloc(1, sizeof(*s));
		if (s == NULL)
			return ERR_NOMEM;
		memcpy(s->slot.resource.b, resource->b, RING_ID_LEN);
		s->slot.kind = kind;
		vec_insert(&st->shelves, at, s);
	}
	s = st->shelves.v[at];
	return vec_reserve(&s->values, n);
}

struct shelf_cert *shelf_cert_new(const struct change *ch)
{
	struct shelf_cert *c = malloc(sizeof(*c) + ch->cert.len);

	if (c == NULL)
		return NULL;
	memcpy(c->hash, ch->hash, CERT_HASH_LEN);
	c->needed = false;
	c->len = ch->cert.len;
	if (c->len != 0)
		memcpy(c->der, ch->cert.p, c->len);
	return c;
}

enum err shelf_prepare_certs(struct shelf_store *st, size_t n)
{
	return vec_reserve(&st->certs, n);
}

void shelf_put_cert_take(struct shelf_store *st, struct shelf_cert *c)
{
	bool found;
	size_t at = vec_at(&st->certs, cert_cmp, c->hash, &found);

	if (found)
		free(c);
	else
		vec_insert(&st->certs, at, c);
}

void shelf_put_take(struct shelf_store *st, const struct record *r,
		    struct shelf_value *v)
{
	struct shelf *s = shelf_find(st, &r->resource, r->kind);
	bool found;
	size_t at;

	assert(s != NULL);
	at = shelf_value_at(s, v->key, &found);
	if (found) {
		free(s->values.v[at]);
		s->values.v[at] = v;
	} else {
		vec_insert(&s->values, at, v);
	}
}

/* ---- dropping ---- */

bool shelf_key_is(const struct shelf_value *v, const struct record *r)
{
	return slice_eq(v->key, r->key);
}

bool shelf_signer_is(const struct shelf_value *v, const struct record *r)
{
	return memcmp(v->signer, r->signer, CERT_HASH_LEN) == 0;
}

bool shelf_has_expired(const struct shelf_value *v, const struct record *r)
{
	return v->expires_ms <= r->expires_ms;
}

bool shelf_any(const struct shelf_value *v, const struct record *r)
{
	(void)v;
	(void)r;
	return true;
}

void shelf_drop(struct shelf *s, shelf_filter *which, const struct record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < s->values.n; i++) {
		if (which(s->values.v[i], r))
			free(s->values.v[i]);
		else
			s->values.v[n++] = s->values.v[i];
	}
	s->values.n = n;
}

size_t shelf_mark_certs(struct shelf_store *st)
{
	const struct shelf_value *v;
	const struct shelf *s;
	struct shelf_cert *c;
	size_t n = 0;

	for (size_t i = 0; i < st->certs.n; i++)
		((struct shelf_cert *)st->certs.v[i])->needed = false;
	for (size_t i = 0; i < st->shelves.n; i++) {
		s = st->shelves.v[i];
		for (size_t j = 0; j < s->values.n; j++) {
			v = s->values.v[j];
			c = shelf_find_cert(st, v->signer);
			if (c == NULL || c->needed)
				continue;
			c->needed = true;
			n++;
		}
	}
	return n;
}

void shelf_sweep_certs(struct shelf_store *st)
{
	struct shelf_cert *c;
	size_t n = 0;

	for (size_t i = 0; i < st->certs.n; i++) {
		c = st->certs.v[i];
		if (c->needed)
			st->certs.v[n++] = c;
		else
			free(c);
	}
	st->certs.n = n;
}

static void shelf_free(struct shelf *s)
{
	shelf_drop(s, shelf_any, NULL);
	free(s->values.v);
	free(s);
}

void shelf_remove(struct shelf_store *st, size_t at)
{
	struct shelf_vec *vec = &st->shelves;

	assert(at < vec->n);
	shelf_free(vec->v[at]);
	vec->n--;
	memmove(vec->v + at, vec->v + at + 1,
		(vec->n - at) * sizeof(vec->v[0]));
}

void shelf_sweep(struct shelf_store *st)
{
	struct shelf *s;
	size_t n = 0;

	for (size_t i = 0; i < st->shelves.n; i++) {
		s = st->shelves.v[i];
		if (s->values.n == 0 && s->slot.generation == 0)
			shelf_free(s);
		else
			st->shelves.v[n++] = s;
	}
	st->shelves.n = n;
}

void shelf_clear(struct shelf_store *st)
{
	for (size_t i = 0; i < st->shelves.n; i++)
		shelf_free(st->shelves.v[i]);
	for (size_t i = 0; i < st->certs.n; i++)
		free(st->certs.v[i]);
	free(st->shelves.v);
	free(st->certs.v);
	*st = (struct shelf_store){ 0 };
}
