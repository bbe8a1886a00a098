/* SPDX-License-Identifier: ISC */
/*
 * A StoreReq from its arrival to its answer, RFC 6940 s7.4.1: what can be
 * checked at once, what must be compared with what is stored, the batch, its
 * commit, the copies (CHOICE 28).  Who may write is access.c's, where copies go
 * replica.c's.
 */
#include "core/store_put.h"

#include <assert.h>
#include <stdlib.h>

#include "core/access.h"
#include "core/bundle.h"
#include "core/recall.h"
#include "core/state.h"
#include "core/store_batch.h"
#include "core/store_judge.h"

static struct store_put *put_of(struct store_job *job)
{
	return container_of(job, struct store_put, job);
}

static bool is_replica(const struct store_put *p)
{
	return p->body.replica_number != 0;
}

/* ---- what needs no look at the storage ---- */

static enum err check_form(const struct store_put *p,
			   const struct store_put_kind *pk,
			   const struct store_put_value *v, struct why *why)
{
	const struct stored_data *d = &v->data;

	if (d->signature.identity.identity_type == SIGNER_NONE ||
	    (d->signature.algorithm.hash == HASH_NONE &&
	     d->signature.algorithm.signature == SIGNATURE_ANONYMOUS))
		return why_err(why, ERR_FORBIDDEN, "a value without signature");
	if (!d->value.exists && d->value.value.len != 0)
		return why_err(why, ERR_INVALID_MESSAGE,
			       "a nonexistent value with bytes");
	if (d->value.value.len > pk->kind.max_size)
		return why_err(why, ERR_DATA_TOO_LARGE,
			       "a value of %zu bytes, kind 0x%x allows %u",
			       d->value.value.len, (unsigned)pk->kind.id,
			       (unsigned)pk->kind.max_size);
	if (is_replica(p) && store_judge_appends(pk, v))
		return why_err(why, ERR_INVALID_MESSAGE,
			       "a copy has no place in its array");
	return OK;
}

static enum err check_signers(struct node *n, struct store_put *p,
			      const struct store_put_kind *pk,
			      struct store_put_value *v, struct why *why)
{
	const struct request *req = p->job.req;
	struct access_signer by_request = { req->signer, &req->source };
	struct access_signer by_value;
	struct node_id node_id;
	struct cert *cert;
	enum err r;

	r = certs_verify_value(n, p->body.resource, pk->kind.id, &v->data,
			       &cert, &node_id);
	if (r != OK)
		return why_err(why, r, "a value: %s", err_text(r));
	by_value = (struct access_signer){ cert, &node_id };
	r = access_check(n, &pk->kind, &p->job.resource, &v->data.value,
			 by_value, why);
	if (r == OK && !is_replica(p))
		r = access_check(n, &pk->kind, &p->job.resource, &v->data.value,
				 by_request, why);
	if (r != OK)
		return r;
	memcpy(v->signer, cert->hash, CERT_HASH_LEN);
	v->not_after_ms = cert->not_after_ms;
	return bundle_make(&p->job.req->arena, cert, &v->cert);
}

static enum err check_kind(struct node *n, struct store_put *p,
			   struct store_put_kind *pk, struct why *why)
{
	const struct request *req = p->job.req;
	struct access_signer by_request = { req->signer, &req->source };
	enum err r = OK;

	if (is_replica(p) && pk->asked == 0)
		return why_err(why, ERR_INVALID_MESSAGE,
			       "a copy without generation counter");
	if (pk->kind.model == MODEL_SINGLE && pk->n > 1)
		return why_err(why, ERR_INVALID_MESSAGE,
			       "kind 0x%x has a single value",
			       (unsigned)pk->kind.id);
	if (pk->kind.model != MODEL_SINGLE && pk->n > pk->kind.max_count)
		return why_err(why, ERR_DATA_TOO_LARGE,
			       "%u values, kind 0x%x allows %u",
			       (unsigned)pk->n, (unsigned)pk->kind.id,
			       (unsigned)pk->kind.max_count);
	for (uint32_t i = 0; i < pk->n && r == OK; i++) {
		r = check_form(p, pk, &pk->values[i], why);
		if (r == OK)
			r = check_signers(n, p, pk, &pk->values[i], why);
	}
	if (pk->n == 0 && !is_replica(p))
		r = access_check(n, &pk->kind, &p->job.resource, NULL,
				 by_request, why);
	return r;
}

/* Is this peer the one to store it?  RFC 6940 s7.4.1.1, s10.4. */
static enum err check_place(struct node *n, const struct store_put *p,
			    struct why *why)
{
	const struct node_id *id = &p->job.resource;

	if (!is_replica(p) && !ring_responsible(n, id))
		return why_err(
			why, ERR_NOT_FOUND,
			"this peer is not responsible for that resource");
	if (is_replica(p) &&
	    !ring_accepts_replica(n, id, &p->job.req->source)) {
		recall_start(n, p);
		return why_err(why, ERR_FORBIDDEN,
			       "copies of that resource come from others");
	}
	return OK;
}

/* Takes the decoded body apart; Kinds that are unknown go to `unknown`, one
 * that is there twice is refused, RFC 6940 s7.4.1.1. */
static enum err fill(struct node *n, struct store_put *p,
		     struct kind_id_list *unknown, struct why *why)
{
	struct arena *a = &p->job.req->arena;
	const struct store_kind_data *d = p->body.kind_data.v;
	const struct kind *k;
	struct store_put_kind *pk;
	uint32_t *ids;

	p->n_kinds = p->body.kind_data.n;
	p->kinds = arena_zalloc(a, p->n_kinds, sizeof(*p->kinds));
	ids = arena_zalloc(a, p->n_kinds, sizeof(*ids));
	unknown->v = arena_zalloc(a, p->n_kinds, sizeof(*unknown->v));
	if (p->kinds == NULL || ids == NULL || unknown->v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n_kinds; i++, d++) {
		pk = &p->kinds[i];
		ids[i] = d->kind;
		if ((k = kinds_find(&n->overlay->kinds, d->kind)) == NULL) {
			unknown->v[unknown->n++] = d->kind;
			continue;
		}
		pk->kind = *k;
		pk->asked = d->generation_counter;
		pk->n = d->values.n;
		pk->values = arena_zalloc(a, pk->n, sizeof(*pk->values));
		if (pk->values == NULL)
			return ERR_NOMEM;
		for (uint32_t j = 0; j < pk->n; j++)
			pk->values[j].data = d->values.v[j];
	}
	if (unknown->n > 0)
		return ERR_UNKNOWN_KIND;
	return store_kinds_differ(n, ids, p->n_kinds, why);
}

static void put_run(struct node *n, struct store_job *job);

static enum err put_start(struct node *n, struct store_put *p,
			  struct kind_id_list *unknown, struct why *why)
{
	struct request *req = p->job.req;
	enum err r;

	r = store_req_decode(&p->body, req->message.contents.message_body,
			     &req->arena, &n->env);
	if (r != OK ||
	    (r = store_resource(p->body.resource, &p->job.resource, why)) ||
	    (r = fill(n, p, unknown, why)) || (r = check_place(n, p, why)))
		return r;
	for (uint32_t i = 0; i < p->n_kinds; i++)
		if ((r = check_kind(n, p, &p->kinds[i], why)) != OK)
			return r;
	return store_enter(n, &p->job);
}

void store_put_start_take(struct node *n, struct request *req)
{
	struct kind_id_list unknown = { 0 };
	struct why why = { "" };
	struct store_put *p;
	enum err r = ERR_NOMEM;

	p = arena_zalloc(&req->arena, 1, sizeof(*p));
	if (p != NULL) {
		p->job.req = req;
		p->job.run = put_run;
		p->job.arrived_ms = n->now.unix_ms;
		p->sequence = n->overlay->sequence;
		r = put_start(n, p, &unknown, &why);
	}
	if (r == ERR_UNKNOWN_KIND)
		store_refuse_kinds_take(n, req, &unknown);
	else if (r != OK)
		store_refuse_take(n, req, r, &why);
}

/* All that the request changes; `*b` is empty where it changes nothing. */
static enum err make_batch(struct node *n, struct store_put *p,
			   struct batch **out)
{
	struct batch *b = batch_new(0);
	enum err r = b == NULL ? ERR_NOMEM : store_batch_add(n, p, b);

	if (r != OK) {
		batch_free(b);
		return r;
	}
	*out = b;
	return OK;
}

/* ---- answering ---- */

/* A StoreAns with the counters at hand, in n->arena.  RFC 6940 s7.4.1.2. */
static enum err encode_ans(struct node *n, const struct store_put *p,
			   const struct node_id *nodes, size_t n_nodes,
			   struct slice *out)
{
	struct node_id *replicas = arena_zalloc(&n->arena, n_nodes,
						sizeof(*replicas));
	struct store_kind_response *v = arena_zalloc(&n->arena, p->n_kinds,
						     sizeof(*v));
	struct store_ans ans = { { v, p->n_kinds } };

	if (replicas == NULL || v == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n_nodes; i++)
		replicas[i] = nodes[i];
	for (uint32_t i = 0; i < p->n_kinds; i++) {
		v[i].kind = p->kinds[i].kind.id;
		v[i].generation_counter = p->kinds[i].generation;
		v[i].replicas.v = replicas;
		v[i].replicas.n = (uint32_t)n_nodes;
	}
	return node_encode(n, &wire_type_store_ans, &ans, out);
}

static void refuse(struct node *n, struct store_put *p, enum err r,
		   const struct why *why)
{
	struct request *req = p->job.req;
	struct slice info;

	if (r == ERR_GENERATION_COUNTER_TOO_LOW &&
	    encode_ans(n, p, NULL, 0, &info) == OK) {
		node_trace(n, "refuse store_req from %s: %s",
			   id_short(&req->source).s, err_name(r));
		request_error_take(n, req, r, info);
		return;
	}
	store_refuse_take(n, req, r, why);
}

static void replicated(struct node *n, void *ctx, const struct node_id *nodes,
		       size_t n_nodes)
{
	struct store_put *p = ctx;
	struct why why = { "" };
	struct slice body;
	enum err r = encode_ans(n, p, nodes, n_nodes, &body);

	if (r == OK)
		request_answer_take(n, p->job.req, body);
	else
		refuse(n, p, r, &why);
}

static int by_kind(const void *a, const void *b)
{
	const struct replica_value *x = a, *y = b;

	return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
				  : slice_cmp(x->key, y->key);
}

/* It is on disk: others may go on, and so may the copies. */
static void committed(struct node *n, void *ctx, enum err r)
{
	struct store_put *p = ctx;
	struct why why = { "" };

	store_leave(n, &p->job);
	if (r != OK) {
		/* CHOICE 29: a full disk has no code of its own. */
		refuse(n, p, r, &why);
		return;
	}
	node_trace(n, "stored %zu at %s", p->n_written,
		   id_short(&p->job.resource).s);
	/* It was judged by another document. */
	if (p->sequence != n->overlay->sequence)
		store_config_changed(n);
	qsort(p->written, p->n_written, sizeof(*p->written), by_kind);
	if (is_replica(p)) {
		/* A value that has come back to its owner, s6.4.2.3, needs
		 * copies; who only keeps a copy stores no further, s10.4. */
		if (ring_responsible(n, &p->job.resource))
			node_failed(n, replica_store(n, p->written,
						     p->n_written, NULL, NULL));
		replicated(n, p, NULL, 0);
		return;
	}
	r = replica_store(n, p->written, p->n_written, replicated, p);
	if (r != OK)
		replicated(n, p, NULL, 0);
}

static void were_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct store_put *p = ctx;
	struct batch *b = NULL;
	struct why why = { "" };

	if (r == OK) {
		assert(n_answers == p->n_kinds);
		r = store_judge(p, answers, &why);
	}
	if (r == OK)
		r = make_batch(n, p, &b);
	if (r == OK && b->n > 0) {
		r = read_commit_take(n, b, committed, p);
		if (r == OK)
			return;
		b = NULL;
	}
	batch_free(b);
	store_leave(n, &p->job);
	if (r == OK)
		replicated(n, p, NULL, 0);
	else
		refuse(n, p, r, &why);
}

static void put_run(struct node *n, struct store_job *job)
{
	struct store_put *p = put_of(job);
	struct why why = { "" };
	struct query *q = arena_zalloc(&n->arena, p->n_kinds, sizeof(*q));
	enum err r = q == NULL ? ERR_NOMEM : OK;

	for (uint32_t i = 0; i < p->n_kinds && r == OK; i++) {
		q[i].type = QUERY_KIND;
		q[i].resource = job->resource;
		q[i].kind = p->kinds[i].kind.id;
		q[i].metadata_only = true;
		q[i].alive_ms = n->now.unix_ms;
	}
	if (r == OK)
		r = read_start(n, q, p->n_kinds, were_read, p);
	if (r == OK)
		return;
	store_leave(n, job);
	refuse(n, p, r, &why);
}
