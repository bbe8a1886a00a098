/* SPDX-License-Identifier: ISC */
/*
 * FetchReq and StatReq: which values are asked for, those that are here, the
 * gaps between them, and the certificates that verify them.  RFC 6940 s7.4.2,
 * s7.4.3.
 */
#include "core/store_fetch.h"

#include <assert.h>
#include <stdlib.h>

#include "core/bundle.h"
#include "core/state.h"

enum {
	/* Bytes on the wire of a value that does not exist: what is fixed in a
	 * StoredData of an array. */
	GAP_BYTES = 32
};

/* What is asked of one Kind. */
struct fetch_kind {
	struct kind kind; /* a copy: the document may be replaced */
	const struct stored_data_specifier *spec;
	size_t first, n; /* its queries */
	uint64_t generation;
	struct stored_data_list values;
	uint32_t cap;
};

struct fetch_signer {
	uint8_t hash[CERT_HASH_LEN];
};

struct store_fetch {
	struct store_job job;
	struct fetch_req body;
	bool stat;
	bool by_node; /* asked as a node, not as the one responsible */
	struct fetch_kind *kinds;
	uint32_t n_kinds;
	struct query *queries;
	size_t n_queries;
	size_t left; /* bytes that the answer may still take */
	struct slice answer;
	struct fetch_signer *signers; /* of the values in the answer */
	size_t n_signers, cap_signers;
	struct slice *certs; /* of those, the ones that are known: bundles */
	size_t n_certs;
};

static struct store_fetch *fetch_of(struct store_job *job)
{
	return container_of(job, struct store_fetch, job);
}

/* ---- the question ---- */

static int range_cmp(const void *a, const void *b)
{
	const struct array_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static int key_cmp(const void *a, const void *b)
{
	return slice_cmp(*(const struct slice *)a, *(const struct slice *)b);
}

/* Ranges do not overlap, RFC 6940 s7.4.2.1; neither do keys repeat, lest a
 * small question make a large answer. */
static enum err check_selectors(struct arena *a,
				const struct stored_data_specifier *s,
				struct why *why)
{
	struct array_range *ranges = arena_zalloc(a, s->indices.n,
						  sizeof(*ranges));
	struct slice *keys = arena_zalloc(a, s->keys.n, sizeof(*keys));

	if (ranges == NULL || keys == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < s->indices.n; i++)
		ranges[i] = s->indices.v[i];
	for (uint32_t i = 0; i < s->keys.n; i++)
		keys[i] = s->keys.v[i];
	qsort(ranges, s->indices.n, sizeof(*ranges), range_cmp);
	qsort(keys, s->keys.n, sizeof(*keys), key_cmp);
	for (uint32_t i = 1; i < s->indices.n; i++)
		if (ranges[i].first <= ranges[i - 1].last)
			return why_err(why, ERR_INVALID_MESSAGE,
				       "ranges of an array overlap");
	for (uint32_t i = 1; i < s->keys.n; i++)
		if (slice_eq(keys[i], keys[i - 1]))
			return why_err(why, ERR_INVALID_MESSAGE,
				       "a key is there twice");
	return OK;
}

/* How many reads it takes.  CHOICE 47: an array without ranges is the whole
 * array, as a dictionary without keys is. */
static size_t queries_of(const struct fetch_kind *fk)
{
	uint32_t n = 1;

	if (fk->kind.model == MODEL_ARRAY)
		n = fk->spec->indices.n;
	if (fk->kind.model == MODEL_DICTIONARY)
		n = fk->spec->keys.n;
	return n == 0 ? 1 : n;
}

static enum err fill(struct node *n, struct store_fetch *f,
		     struct kind_id_list *unknown, struct why *why)
{
	const struct stored_data_specifier *s = f->body.specifiers.v;
	struct arena *a = &f->job.req->arena;
	struct fetch_kind *fk;
	const struct kind *k;
	uint32_t *ids;
	enum err r;

	f->n_kinds = f->body.specifiers.n;
	f->kinds = arena_zalloc(a, f->n_kinds, sizeof(*f->kinds));
	ids = arena_zalloc(a, f->n_kinds, sizeof(*ids));
	unknown->v = arena_zalloc(a, f->n_kinds, sizeof(*unknown->v));
	if (f->kinds == NULL || ids == NULL || unknown->v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->n_kinds; i++, s++) {
		ids[i] = s->kind;
		if ((k = kinds_find(&n->overlay->kinds, s->kind)) == NULL) {
			unknown->v[unknown->n++] = s->kind;
			continue;
		}
		fk = &f->kinds[i];
		fk->kind = *k;
		fk->spec = s;
		fk->first = f->n_queries;
		fk->n = queries_of(fk);
		f->n_queries += fk->n;
	}
	if (unknown->n > 0)
		return ERR_UNKNOWN_KIND;
	/* Each takes its place in the answer: one that cannot fit is not begun,
	 * lest a message of many keys keeps the storage busy for nothing. */
	if (f->n_queries > f->left / GAP_BYTES)
		return why_err(why, ERR_RESPONSE_TOO_LARGE,
			       "%zu keys and ranges", f->n_queries);
	r = store_kinds_differ(n, ids, f->n_kinds, why);
	for (uint32_t i = 0; i < f->n_kinds && r == OK; i++)
		r = check_selectors(a, f->kinds[i].spec, why);
	return r;
}

/* Which values of the Kind the j'th of its queries is for. */
static enum err select_values(struct arena *a, const struct fetch_kind *fk,
			      size_t j, struct query *q)
{
	const struct array_range *range;
	enum err r;

	if (j < fk->spec->keys.n) {
		q->first = q->last = fk->spec->keys.v[j];
		/* An empty key is a bound, too. */
		if (q->first.p == NULL)
			q->first = q->last = SLICE_LIT("");
	}
	if (j >= fk->spec->indices.n)
		return OK;
	range = &fk->spec->indices.v[j];
	if (range->first == ARRAY_END) { /* the final element alone */
		q->backwards = true;
		q->max = 1;
		return OK;
	}
	r = store_index_key(a, range->first, &q->first);
	if (r == OK && range->last != ARRAY_END)
		r = store_index_key(a, range->last, &q->last);
	return r;
}

static enum err make_queries(struct node *n, struct store_fetch *f)
{
	struct arena *a = &f->job.req->arena;
	const struct fetch_kind *fk;
	struct query *q;
	enum err r = OK;

	f->queries = arena_zalloc(a, f->n_queries, sizeof(*q));
	if (f->queries == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->n_kinds; i++) {
		fk = &f->kinds[i];
		for (size_t j = 0; j < fk->n && r == OK; j++) {
			q = &f->queries[fk->first + j];
			q->type = QUERY_KIND;
			q->resource = f->job.resource;
			q->kind = fk->kind.id;
			q->alive_ms = n->now.unix_ms;
			q->bytes_max = f->stat ? STORE_STAT_MAX
					       : STORE_ANSWER_MAX;
			r = select_values(a, fk, j, q);
		}
	}
	return r;
}

static bool asked_as_node(const struct request *req)
{
	const struct destination_list *l =
		&req->message.header.destination_list;

	return l->n > 0 && l->v[l->n - 1].type == DESTINATION_NODE;
}

static void fetch_run(struct node *n, struct store_job *job);

static enum err fetch_start(struct node *n, struct store_fetch *f,
			    struct kind_id_list *unknown, struct why *why)
{
	struct request *req = f->job.req;
	enum err r;

	r = fetch_req_decode(&f->body, req->message.contents.message_body,
			     &req->arena, &n->env);
	if (r != OK ||
	    (r = store_resource(f->body.resource, &f->job.resource, why)) ||
	    (r = fill(n, f, unknown, why)))
		return r;
	/* A copy is there for whoever asks its node for it: s7.4.1.2, Stat. */
	f->by_node = !ring_responsible(n, &f->job.resource);
	if (f->by_node && (n->cfg.role != ROLE_PEER || !asked_as_node(req)))
		return why_err(
			why, ERR_NOT_FOUND,
			"this peer is not responsible for that resource");
	r = make_queries(n, f);
	return r != OK ? r : store_enter(n, &f->job);
}

void store_fetch_start_take(struct node *n, struct request *req, bool stat)
{
	struct kind_id_list unknown = { 0 };
	struct why why = { "" };
	struct store_fetch *f;
	enum err r = ERR_NOMEM;

	f = arena_zalloc(&req->arena, 1, sizeof(*f));
	if (f != NULL) {
		f->job.req = req;
		f->job.run = fetch_run;
		f->job.arrived_ms = n->now.unix_ms;
		f->stat = stat;
		f->left = n->overlay->max_message_size;
		if (f->left > STORE_ANSWER_MAX)
			f->left = STORE_ANSWER_MAX;
		r = fetch_start(n, f, &unknown, &why);
	}
	if (r == ERR_UNKNOWN_KIND)
		store_refuse_kinds_take(n, req, &unknown);
	else if (r != OK)
		store_refuse_take(n, req, r, &why);
}

/* ---- the values ---- */

static struct stored_data *add_value(struct store_fetch *f,
				     struct fetch_kind *fk)
{
	struct stored_data *v;
	uint32_t cap;

	if (fk->values.n == fk->cap) {
		cap = fk->cap == 0 ? 4 : 2 * fk->cap;
		v = arena_zalloc(&f->job.req->arena, cap, sizeof(*v));
		if (v == NULL)
			return NULL;
		if (fk->values.n > 0)
			memcpy(v, fk->values.v, fk->values.n * sizeof(*v));
		fk->values.v = v;
		fk->cap = cap;
	}
	return &fk->values.v[fk->values.n++];
}

static enum err add_signer(struct store_fetch *f, const uint8_t *hash)
{
	struct fetch_signer *v;
	size_t cap;

	for (size_t i = 0; i < f->n_signers; i++)
		if (memcmp(f->signers[i].hash, hash, CERT_HASH_LEN) == 0)
			return OK;
	if (f->n_signers == f->cap_signers) {
		cap = f->cap_signers == 0 ? 4 : 2 * f->cap_signers;
		v = arena_zalloc(&f->job.req->arena, cap, sizeof(*v));
		if (v == NULL)
			return ERR_NOMEM;
		if (f->n_signers > 0)
			memcpy(v, f->signers, f->n_signers * sizeof(*v));
		f->signers = v;
		f->cap_signers = cap;
	}
	memcpy(f->signers[f->n_signers++].hash, hash, CERT_HASH_LEN);
	return OK;
}

/* Takes what a value needs from what the answer may have. */
static enum err reserve(struct store_fetch *f, size_t len)
{
	if (len > f->left)
		return ERR_RESPONSE_TOO_LARGE;
	f->left -= len;
	return OK;
}

static enum err add_record(struct node *n, struct store_fetch *f,
			   struct fetch_kind *fk, const struct record *rec)
{
	struct stored_data *v = add_value(f, fk);
	enum err r;

	if (v == NULL)
		return ERR_NOMEM;
	r = reserve(f, f->stat ? GAP_BYTES + rec->key.len : rec->data.len);
	if (r == OK)
		r = store_value(n, fk->kind.model, rec, &f->job.req->arena, v);
	return r == OK && !f->stat ? add_signer(f, rec->signer) : r;
}

/* A value that is not there, RFC 6940 s7.4.2.2. */
static enum err add_gap(struct store_fetch *f, struct fetch_kind *fk,
			uint32_t index, struct slice key)
{
	enum err r = reserve(f, GAP_BYTES + key.len);
	struct stored_data *v = r == OK ? add_value(f, fk) : NULL;

	if (r != OK)
		return r;
	if (v == NULL)
		return ERR_NOMEM;
	v->value.index = index;
	v->value.key = key;
	signature_set_none(&v->signature);
	return OK;
}

static enum err add_all(struct node *n, struct store_fetch *f,
			struct fetch_kind *fk, const struct query_answer *is)
{
	enum err r = OK;

	for (size_t i = 0; i < is->n_records && r == OK; i++)
		r = add_record(n, f, fk, &is->records[i]);
	return r;
}

/* One range of an array, with its gaps; the last element of all ends an open
 * one.  CHOICE 51: this names no more gaps than its Kind may have values, for
 * one high index would make the array too large to be fetched. */
static enum err add_range(struct node *n, struct store_fetch *f,
			  struct fetch_kind *fk, struct array_range range,
			  const struct query_answer *is)
{
	uint32_t left = range.last == ARRAY_END ? fk->kind.max_count
						: UINT32_MAX;
	uint64_t next = range.first, at;
	enum err r = OK;

	if (range.first == ARRAY_END)
		return add_all(n, f, fk, is);
	for (size_t i = 0; i < is->n_records && r == OK; i++) {
		at = store_key_index(is->records[i].key);
		if (at - next > left)
			next = at;
		for (; next < at && r == OK; next++, left--)
			r = add_gap(f, fk, (uint32_t)next, SLICE_LIT(""));
		if (r == OK)
			r = add_record(n, f, fk, &is->records[i]);
		next++;
	}
	if (range.last == ARRAY_END)
		return r;
	for (; next <= range.last && r == OK; next++)
		r = add_gap(f, fk, (uint32_t)next, SLICE_LIT(""));
	return r;
}

static enum err add_kind(struct node *n, struct store_fetch *f,
			 struct fetch_kind *fk, const struct query_answer *is)
{
	static const struct array_range whole = { 0, ARRAY_END };
	const struct stored_data_specifier *s = fk->spec;
	enum err r = OK;

	fk->generation = is->generation;
	if (s->generation != 0 && s->generation == is->generation)
		return OK; /* not modified, RFC 6940 s7.4.2.2 */
	for (size_t j = 0; j < fk->n && r == OK; j++) {
		if ((r = store_keys_fit(fk->kind.model, &is[j])) != OK)
			break;
		if (fk->kind.model == MODEL_ARRAY)
			r = add_range(n, f, fk,
				      s->indices.n > 0 ? s->indices.v[j]
						       : whole,
				      &is[j]);
		else if (is[j].n_records > 0)
			r = add_all(n, f, fk, &is[j]);
		else if (fk->kind.model == MODEL_SINGLE)
			r = add_gap(f, fk, 0, SLICE_LIT(""));
		else if (s->keys.n > 0)
			r = add_gap(f, fk, 0, s->keys.v[j]);
	}
	return r;
}

/* ---- the answer ---- */

/* Over the value behind its 4 length bytes, RFC 6940 s7.4.3.2.  CHOICE 48: of
 * what does not exist no hash. */
static enum err add_hash(struct node *n, const struct stored_data *d,
			 struct metadata_value *m)
{
	const struct crypto *c = n->cfg.crypto;
	uint32_t len = (uint32_t)d->value.value.len;
	uint8_t head[4] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16),
			    (uint8_t)(len >> 8), (uint8_t)len };
	struct slice in[2] = { slice_of(head, 4), d->value.value };
	uint8_t hash[HASH_LEN_MAX];
	size_t hash_len;
	enum err r;

	if (!d->value.exists) {
		m->hash_algorithm = HASH_NONE;
		return OK;
	}
	m->hash_algorithm = HASH_SHA256;
	r = c->hash(c->ctx, HASH_SHA256, in, 2, hash, &hash_len);
	return r != OK ? r
		       : arena_dup(&n->arena, slice_of(hash, hash_len),
				   &m->hash_value);
}

static enum err stat_values(struct node *n, const struct fetch_kind *fk,
			    struct stored_metadata_list *out)
{
	const struct stored_data *d;
	struct stored_metadata *m;
	enum err r = OK;

	out->n = fk->values.n;
	out->v = arena_zalloc(&n->arena, out->n, sizeof(*out->v));
	if (out->v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < out->n && r == OK; i++) {
		d = &fk->values.v[i];
		m = &out->v[i];
		m->storage_time = d->storage_time;
		m->lifetime = d->lifetime;
		m->metadata.index = d->value.index;
		m->metadata.key = d->value.key;
		m->metadata.exists = d->value.exists;
		m->metadata.value_length = (uint32_t)d->value.value.len;
		r = add_hash(n, d, &m->metadata);
	}
	return r;
}

static enum err encode_stat(struct node *n, const struct store_fetch *f,
			    struct slice *out)
{
	struct stat_kind_response *v = arena_zalloc(&n->arena, f->n_kinds,
						    sizeof(*v));
	struct stat_ans ans = { { v, f->n_kinds } };
	enum err r = v == NULL ? ERR_NOMEM : OK;

	for (uint32_t i = 0; i < f->n_kinds && r == OK; i++) {
		v[i].kind = f->kinds[i].kind.id;
		v[i].generation = f->kinds[i].generation;
		r = stat_values(n, &f->kinds[i], &v[i].values);
	}
	return r != OK ? r : node_encode(n, &wire_type_stat_ans, &ans, out);
}

static enum err encode_fetch(struct node *n, const struct store_fetch *f,
			     struct slice *out)
{
	struct fetch_kind_response *v = arena_zalloc(&n->arena, f->n_kinds,
						     sizeof(*v));
	struct fetch_ans ans = { { v, f->n_kinds } };

	if (v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->n_kinds; i++) {
		v[i].kind = f->kinds[i].kind.id;
		v[i].generation = f->kinds[i].generation;
		v[i].values = f->kinds[i].values;
	}
	return node_encode(n, &wire_type_fetch_ans, &ans, out);
}

static void fetch_end(struct node *n, struct store_fetch *f, enum err r,
		      const struct why *why)
{
	store_leave(n, &f->job.resource);
	if (r == ERR_LIMIT)
		r = ERR_RESPONSE_TOO_LARGE;
	if (r != OK) {
		store_refuse_take(n, f->job.req, r, why);
		return;
	}
	f->job.req->certs = f->certs;
	f->job.req->n_certs = f->n_certs;
	request_answer_take(n, f->job.req, f->answer);
}

static void certs_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers)
{
	struct store_fetch *f = ctx;
	struct why why = { "" };

	for (size_t i = 0; i < n_answers && r == OK; i++)
		if (answers[i].der.len > 0)
			r = arena_dup(&f->job.req->arena, answers[i].der,
				      &f->certs[f->n_certs++]);
	fetch_end(n, f, r, &why);
}

/* The certificates that the values need: from memory, or else from where the
 * values are. */
static enum err add_certs(struct node *n, struct store_fetch *f, bool *wait)
{
	struct arena *a = &f->job.req->arena;
	struct query *q = arena_zalloc(a, f->n_signers, sizeof(*q));
	const struct cert *c;
	size_t n_q = 0;
	enum err r = OK;

	f->certs = arena_zalloc(a, f->n_signers, sizeof(*f->certs));
	if (q == NULL || f->certs == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < f->n_signers && r == OK; i++) {
		c = certs_find(n, f->signers[i].hash);
		if (c != NULL) {
			r = bundle_make(a, c, &f->certs[f->n_certs++]);
			continue;
		}
		q[n_q].type = QUERY_CERT;
		memcpy(q[n_q++].hash, f->signers[i].hash, CERT_HASH_LEN);
	}
	*wait = n_q > 0;
	return r == OK && n_q > 0 ? read_start(n, q, n_q, certs_read, f) : r;
}

static void were_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct store_fetch *f = ctx;
	struct why why = { "" };
	struct slice body;
	bool held = false, wait = false;

	assert(r != OK || n_answers == f->n_queries);
	for (uint32_t i = 0; i < f->n_kinds && r == OK; i++) {
		r = add_kind(n, f, &f->kinds[i], &answers[f->kinds[i].first]);
		held |= f->kinds[i].generation != 0;
	}
	if (r == OK && f->by_node && !held)
		r = why_err(&why, ERR_NOT_FOUND,
			    "this peer keeps nothing of that resource");
	if (r == OK)
		r = f->stat ? encode_stat(n, f, &body)
			    : encode_fetch(n, f, &body);
	if (r == OK)
		r = arena_dup(&f->job.req->arena, body, &f->answer);
	if (r == OK)
		r = add_certs(n, f, &wait);
	if (r != OK || !wait)
		fetch_end(n, f, r, &why);
}

static void fetch_run(struct node *n, struct store_job *job)
{
	struct store_fetch *f = fetch_of(job);
	struct why why = { "" };
	enum err r;

	r = read_start(n, f->queries, f->n_queries, were_read, f);
	if (r != OK)
		fetch_end(n, f, r, &why);
}
