/* SPDX-License-Identifier: ISC */
/*
 * Replica Stores to one node, RFC 6940 s10.4: values as they are on disk, read
 * there unless they were at hand, their lifetimes lowered by the time they were
 * held, s7.4.1.1, and sent with their signers' certificates in messages below
 * the overlay's size.  What the other node has newer is fetched by resync.c.
 * Which values, and to whom, is for replica.c and repair.c to say.
 */
#include "core/copy.h"

#include <stdlib.h>

#include "core/bundle.h"
#include "core/resync.h"
#include "core/state.h"

enum {
	COPY_ARENA_MAX = 64 << 20,
	/* Bytes of a StoreReq besides values and certificates of others. */
	OVERHEAD = 768,
	CERT_OVERHEAD = 4
};

struct copy {
	struct copy *prev, *next;
	struct arena arena;
	struct copy_args args;
	struct copy_value *v;
	size_t n, at, end; /* [at, end) is under way */
	size_t room;       /* bytes of values and certificates in a message */
	bool resynced; /* the message under way was refused as too old before */
	bool taught;   /* the other node was sent the Kinds that it lacked */
	bool reading;  /* cannot be freed yet */
	struct txn *txn;
	struct resync *resync;
	enum err result;
};

static void send_next(struct node *n, struct copy *c);

static void copy_free(struct node *n, struct copy *c)
{
	struct replicas *rs = &n->replicas;

	*(c->prev == NULL ? &rs->copies : &c->prev->next) = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	rs->n_copies--;
	arena_free(&c->arena);
	free(c);
}

static void finish(struct node *n, struct copy *c, enum err r)
{
	copy_done *done = c->args.done;
	void *ctx = c->args.ctx;

	copy_free(n, c);
	if (done != NULL)
		done(n, ctx, r);
}

bool copy_unreachable(enum err r)
{
	return r == ERR_TIMEOUT || r == ERR_LINK_CLOSED || r == ERR_NO_LINK;
}

/* ---- sending ---- */

static void refused(struct node *n, struct copy *c, enum err r)
{
	node_trace(n, "copy to %s refused %s", id_short(&c->args.to).s,
		   err_name(r));
	if (c->result == OK)
		c->result = r;
	c->at = c->end;
	c->resynced = false;
	send_next(n, c);
}

static void resynced(struct node *n, void *ctx, enum err r)
{
	struct copy *c = ctx;

	c->resync = NULL;
	if (copy_unreachable(r))
		finish(n, c, r);
	else if (r != OK)
		refused(n, c, r);
	else
		send_next(n, c); /* what is left of the same values */
}

/* Whatever came of it, the message goes once more. */
static void taught(struct node *n, void *ctx, const struct txn_end *end)
{
	struct copy *c = ctx;

	node_trace(n, "kinds sent to %s %s", id_short(&end->responder).s,
		   err_name(end->err));
	c->txn = NULL;
	send_next(n, c);
}

static bool teach(struct node *n, struct copy *c, const struct txn_end *end)
{
	if (c->taught || end->err != ERR_UNKNOWN_KIND)
		return false;
	c->taught = true;
	return config_update_teach(n, end, taught, c, &c->txn) == OK;
}

static void sent(struct node *n, void *ctx, const struct txn_end *end)
{
	struct copy *c = ctx;
	bool newer = end->err == ERR_DATA_TOO_OLD ||
		     end->err == ERR_GENERATION_COUNTER_TOO_LOW;
	enum err r;

	c->txn = NULL;
	if (end->err == OK) {
		c->at = c->end;
		c->resynced = false;
		send_next(n, c);
	} else if (newer && !c->resynced) {
		c->resynced = true;
		r = resync_start(n, &c->args.to, &c->args.values[0].resource,
				 c->v + c->at, c->end - c->at, resynced, c,
				 &c->resync);
		if (r != OK)
			refused(n, c, r);
	} else if (copy_unreachable(end->err)) {
		finish(n, c, end->err);
	} else if (!teach(n, c, end)) {
		refused(n, c, end->err);
	}
}

/* A certificate goes into a message once. */
static bool has_cert(const struct copy *c, size_t i)
{
	for (size_t j = c->at; j < i; j++)
		if (!c->v[j].there &&
		    memcmp(c->v[j].signer, c->v[i].signer, CERT_HASH_LEN) == 0)
			return true;
	return c->v[i].cert.len == 0;
}

/* As many as a message holds, at least one. */
static void choose(struct copy *c)
{
	size_t used = 0, len;

	for (c->end = c->at; c->end < c->n; c->end++) {
		if (c->v[c->end].there)
			continue;
		len = c->v[c->end].len;
		if (!has_cert(c, c->end))
			len += c->v[c->end].cert.len + CERT_OVERHEAD;
		if (used > 0 && used + len > c->room)
			return;
		used += len;
	}
}

static enum err make(struct node *n, struct copy *c, struct txn_args *args)
{
	size_t k = c->end - c->at;
	struct store_kind_data *d = arena_zalloc(&n->arena, k, sizeof(*d));
	struct stored_data *v = arena_zalloc(&n->arena, k, sizeof(*v));
	struct slice *certs = arena_zalloc(&n->arena, k, sizeof(*certs));
	struct store_req req = {
		.resource = id_slice(&c->args.values[0].resource, RING_ID_LEN),
		.replica_number = c->args.replica_number,
		.kind_data = { d, 0 },
	};

	if (d == NULL || v == NULL || certs == NULL)
		return ERR_NOMEM;
	args->certs = certs;
	for (size_t i = c->at; i < c->end; i++) {
		if (c->v[i].there)
			continue;
		if (req.kind_data.n == 0 || d[-1].kind != c->v[i].kind) {
			d->kind = c->v[i].kind;
			d->generation_counter = c->v[i].generation;
			d->values.v = v;
			d++;
			req.kind_data.n++;
		}
		d[-1].values.n++;
		*v++ = c->v[i].data;
		if (!has_cert(c, i))
			certs[args->n_certs++] = c->v[i].cert;
	}
	return node_encode(n, &wire_type_store_req, &req, &args->body);
}

static enum err transmit(struct node *n, struct copy *c)
{
	struct txn_args args = { .code = MSG_STORE_REQ,
				 .done = sent,
				 .ctx = c };
	enum err r;

	if ((r = txn_to_node(n, &c->args.to, &args.destination)) != OK ||
	    (r = make(n, c, &args)) != OK)
		return r;
	return txn_send(n, &args, &c->txn);
}

static void send_next(struct node *n, struct copy *c)
{
	enum err r;

	while (c->at < c->n && c->v[c->at].there)
		c->at++;
	if (c->at == c->n) {
		finish(n, c, c->result);
		return;
	}
	choose(c);
	while ((r = transmit(n, c)) == ERR_MESSAGE_TOO_LARGE &&
	       c->end - c->at > 1) {
		c->room /= 2;
		choose(c);
	}
	if (r == ERR_NOMEM || r == ERR_FULL || copy_unreachable(r))
		finish(n, c, ERR_TIMEOUT); /* tried again later */
	else if (r != OK)
		refused(n, c, r);
}

/* ---- reading ---- */

static void certs_read(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers)
{
	struct copy *c = ctx;
	size_t k = 0;

	c->reading = false;
	if (c->args.done == NULL || r != OK) {
		finish(n, c, r);
		return;
	}
	/* One query for each value without, in order. */
	for (size_t i = 0; i < c->n && k < n_answers; i++)
		if (c->v[i].cert.len == 0 &&
		    arena_dup(&c->arena, answers[k++].der, &c->v[i].cert) != OK)
			r = ERR_NOMEM;
	if (r != OK) /* of a slot larger than its memory: no fault of ours */
		finish(n, c, r);
	else
		send_next(n, c);
}

static enum err find_certs(struct node *n, struct copy *c)
{
	struct query *q = arena_zalloc(&n->arena, c->n, sizeof(*q));
	const struct cert *cert;
	size_t k = 0;
	enum err r = q == NULL ? ERR_NOMEM : OK;

	for (size_t i = 0; i < c->n && r == OK; i++) {
		cert = certs_find(n, c->v[i].signer);
		if (cert != NULL) {
			r = bundle_make(&c->arena, cert, &c->v[i].cert);
			continue;
		}
		q[k].type = QUERY_CERT;
		memcpy(q[k++].hash, c->v[i].signer, CERT_HASH_LEN);
	}
	if (r != OK || k == 0)
		return r;
	c->reading = true;
	r = read_start(n, q, k, certs_read, c);
	c->reading = r == OK;
	return r;
}

static enum err take(struct node *n, struct copy *c, const struct kind *kind,
		     uint64_t least, const struct query_answer *is)
{
	uint64_t generation = is->generation > least ? is->generation : least;
	struct copy_value *v;
	enum err r;

	for (size_t i = 0; i < is->n_records; i++) {
		v = &c->v[c->n];
		v->kind = kind->id;
		v->model = kind->model;
		v->generation = generation == 0 ? 1 : generation;
		v->len = is->records[i].data.len;
		memcpy(v->signer, is->records[i].signer, CERT_HASH_LEN);
		r = arena_dup(&c->arena, is->records[i].key, &v->key);
		if (r == OK)
			r = store_value(n, kind->model, &is->records[i],
					&c->arena, &v->data);
		if (r == ERR_STORAGE)
			continue; /* a damaged record harms no other */
		if (r != OK)
			return r;
		c->n++;
	}
	return OK;
}

static enum err take_all(struct node *n, struct copy *c,
			 const struct query_answer *answers, size_t n_answers)
{
	const struct kind *kind;
	size_t max = 0;
	enum err r = OK;

	for (size_t i = 0; i < n_answers; i++)
		max += answers[i].n_records;
	if ((c->v = arena_zalloc(&c->arena, max, sizeof(*c->v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n_answers && r == OK; i++) {
		kind = kinds_find(&n->overlay->kinds, c->args.values[i].kind);
		if (kind != NULL)
			r = take(n, c, kind, c->args.values[i].generation,
				 &answers[i]);
	}
	return r;
}

static void values_read(struct node *n, void *ctx, enum err r,
			const struct query_answer *answers, size_t n_answers)
{
	struct copy *c = ctx;

	c->reading = false;
	if (c->args.done == NULL) {
		finish(n, c, OK);
		return;
	}
	if (r == OK && c->v == NULL)
		r = take_all(n, c, answers, n_answers);
	if (r == OK)
		r = find_certs(n, c);
	if (r != OK)
		finish(n, c, r);
	else if (!c->reading)
		send_next(n, c);
}

static bool at_hand(const struct copy_args *args)
{
	for (size_t i = 0; i < args->n_values; i++)
		if (args->values[i].record == NULL)
			return false;
	return args->n_values > 0 && !args->whole;
}

/* Nothing is read, but a turn goes by all the same. */
static enum err take_at_hand(struct node *n, struct copy *c,
			     const struct replica_value *v)
{
	struct query_answer *is = arena_zalloc(&n->arena, c->args.n_values,
					       sizeof(*is));
	struct record *rec = arena_zalloc(&n->arena, c->args.n_values,
					  sizeof(*rec));
	enum err r;

	if (is == NULL || rec == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->args.n_values; i++) {
		rec[i] = *v[i].record;
		is[i].generation = v[i].generation;
		is[i].records = &rec[i];
		is[i].n_records = 1;
	}
	if ((r = take_all(n, c, is, c->args.n_values)) != OK)
		return r;
	c->reading = true;
	return read_start(n, NULL, 0, values_read, c);
}

static enum err read_values(struct node *n, struct copy *c)
{
	const struct replica_value *v = c->args.values;
	struct query *q = arena_zalloc(&n->arena, c->args.n_values, sizeof(*q));

	if (q == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->args.n_values; i++) {
		q[i].type = QUERY_KIND;
		q[i].resource = v[i].resource;
		q[i].kind = v[i].kind;
		q[i].alive_ms = n->now.unix_ms;
		if (c->args.whole)
			continue;
		q[i].first = q[i].last = v[i].key;
		if (v[i].key.p == NULL) /* an empty key is a bound, too */
			q[i].first = q[i].last = SLICE_LIT("");
	}
	c->reading = true;
	return read_start(n, q, c->args.n_values, values_read, c);
}

/* ---- from outside ---- */

static enum err keep_values(struct copy *c, const struct copy_args *args)
{
	struct replica_value *v = arena_zalloc(&c->arena, args->n_values,
					       sizeof(*v));
	enum err r = v == NULL ? ERR_NOMEM : OK;

	for (size_t i = 0; i < args->n_values && r == OK; i++) {
		v[i] = args->values[i];
		v[i].record = NULL;
		r = arena_dup(&c->arena, args->values[i].key, &v[i].key);
	}
	c->args.values = v;
	return r;
}

static size_t room(const struct node *n)
{
	const struct signer *s = n->cfg.signer;
	size_t used = OVERHEAD + s->cert->der.len;

	for (size_t i = 0; i < s->n_chain; i++)
		used += s->chain[i].len + CERT_OVERHEAD;
	return used < n->overlay->max_message_size
		       ? n->overlay->max_message_size - used
		       : 1;
}

enum err copy_start(struct node *n, const struct copy_args *args,
		    struct copy **out)
{
	struct replicas *rs = &n->replicas;
	struct copy *c;
	enum err r;

	if (rs->n_copies >= COPIES_MAX)
		return ERR_FULL;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return ERR_NOMEM;
	c->arena.max = COPY_ARENA_MAX;
	c->args = *args;
	c->room = room(n);
	c->next = rs->copies;
	if (c->next != NULL)
		c->next->prev = c;
	rs->copies = c;
	rs->n_copies++;
	if ((r = keep_values(c, args)) != OK ||
	    (r = at_hand(args) ? take_at_hand(n, c, args->values)
			       : read_values(n, c)) != OK) {
		copy_free(n, c);
		return r;
	}
	*out = c;
	return OK;
}

void copy_cancel(struct node *n, struct copy *c)
{
	if (c == NULL)
		return;
	c->args.done = NULL;
	txn_cancel(n, c->txn);
	c->txn = NULL;
	resync_cancel(n, c->resync);
	c->resync = NULL;
	if (!c->reading)
		copy_free(n, c);
}

void copy_clear(struct node *n)
{
	while (n->replicas.copies != NULL)
		copy_free(n, n->replicas.copies);
}
