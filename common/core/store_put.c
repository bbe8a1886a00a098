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

/* Bytes of the request. */
static size_t size(const struct store_put *p)
{
	return p->job.req->message.contents.message_body.len;
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

/* ---- several in one batch ---- */

/* May it share a turn, of which so many bytes are taken? */
static bool fits(const struct store_put *first, const struct store_put *p,
		 size_t bytes)
{
	bool same = p->n_kinds == first->n_kinds &&
		    is_replica(p) == is_replica(first);

	for (uint32_t i = 0; i < p->n_kinds && same; i++)
		same = p->kinds[i].kind.id == first->kinds[i].kind.id;
	return same && bytes + size(p) <= STORE_MATES_BYTES;
}

/*
 * Stores that wait behind `first` go into its batch, each judged on top of
 * those before it.  One that would be refused has a turn of its own, for it
 * must not hear of what is not committed.
 */
static enum err add_mates(struct node *n, struct store_put *first,
			  struct query_answer *is, struct batch *b)
{
	size_t bytes = size(first), n_mates = 1;
	struct store_put *last = first, *p;
	struct store_job *job;
	struct why why;
	enum err r;

	while (n_mates++ < STORE_MATES_MAX &&
	       (job = store_waits(n, &first->job.resource)) != NULL &&
	       job->run == put_run && fits(first, p = put_of(job), bytes) &&
	       store_judge_apply(n, last, is) == OK &&
	       store_judge(p, is, &why) == OK) {
		store_share(n, &first->job.resource);
		bytes += size(p);
		last->mate = p;
		last = p;
		if ((r = store_batch_add(n, p, b)) != OK)
			return r;
	}
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

/* The Stores of a turn, in order; each is gone when it is answered. */
static void replicated(struct node *n, void *ctx, const struct node_id *nodes,
		       size_t n_nodes)
{
	struct store_put *p = ctx, *next;
	struct why why = { "" };
	struct slice body;
	enum err r;

	for (; p != NULL; p = next) {
		next = p->mate;
		r = encode_ans(n, p, nodes, n_nodes, &body);
		if (r == OK)
			request_answer_take(n, p->job.req, body);
		else
			refuse(n, p, r, &why);
	}
}

static void refuse_all(struct node *n, struct store_put *p, enum err r)
{
	struct store_put *next;
	struct why why = { "" };

	for (; p != NULL; p = next) {
		next = p->mate;
		refuse(n, p, r, &why);
	}
}

static int by_kind(const void *a, const void *b)
{
	const struct replica_value *x = a, *y = b;

	return x->kind != y->kind ? (x->kind > y->kind) - (x->kind < y->kind)
				  : slice_cmp(x->key, y->key);
}

/* The same, and of several in one place the one that is there now last. */
static int by_age(const void *a, const void *b)
{
	const struct replica_value *x = a, *y = b;
	uint64_t tx = x->record == NULL ? 0 : x->record->storage_time;
	uint64_t ty = y->record == NULL ? 0 : y->record->storage_time;
	int c = by_kind(a, b);

	return c != 0 ? c : (tx > ty) - (tx < ty);
}

static uint64_t counter(const struct store_put *p, uint32_t kind)
{
	for (uint32_t i = 0; i < p->n_kinds; i++)
		if (p->kinds[i].kind.id == kind)
			return p->kinds[i].generation;
	return 0;
}

/* What a turn has written, each value once, by Kind. */
static enum err all_written(struct node *n, const struct store_put *first,
			    struct replica_value **out, size_t *n_out)
{
	const struct store_put *last = first;
	struct replica_value *v;
	size_t k = 0, m = 0;

	for (const struct store_put *p = first; p != NULL; p = p->mate)
		k += p->n_written;
	if ((v = arena_zalloc(&n->arena, k, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	k = 0;
	for (const struct store_put *p = first; p != NULL; p = p->mate) {
		for (size_t i = 0; i < p->n_written; i++)
			v[k++] = p->written[i];
		last = p;
	}
	qsort(v, k, sizeof(*v), by_age);
	for (size_t i = 0; i < k; i++) {
		if (i + 1 < k && by_kind(&v[i], &v[i + 1]) == 0)
			continue;
		v[m] = v[i];
		v[m].generation = counter(last, v[m].kind);
		m++;
	}
	*out = v;
	*n_out = m;
	return OK;
}

/* The owner hears of the counters that its copy has put down (CHOICE 53). */
static void remind(struct node *n, const struct store_put *p)
{
	struct replica_value *v = arena_zalloc(&n->arena, p->n_written,
					       sizeof(*v));
	size_t k = 0, at = 0;

	for (uint32_t i = 0; v != NULL && i < p->n_kinds; i++)
		for (; at < p->n_written &&
		       p->written[at].kind == p->kinds[i].kind.id;
		     at++) {
			if (p->kinds[i].put_down == 0)
				continue;
			v[k] = p->written[at];
			v[k++].generation =
				store_generation_merge(p->kinds[i].put_down, 0);
		}
	if (v == NULL)
		node_failed(n, ERR_NOMEM);
	else if (k > 0)
		replica_remind(n, &p->job.req->source, v, k);
}

static void replicate(struct node *n, struct store_put *first)
{
	struct replica_value *v;
	size_t k;
	enum err r = all_written(n, first, &v, &k);

	if (is_replica(first)) {
		/* A value that has come back to its owner, s6.4.2.3, needs
		 * copies; who only keeps a copy stores no further, s10.4. */
		if (r == OK && ring_responsible(n, &first->job.resource))
			r = replica_store(n, v, k, NULL, NULL);
		node_failed(n, r);
		for (const struct store_put *p = first; p != NULL; p = p->mate)
			remind(n, p);
		replicated(n, first, NULL, 0);
		return;
	}
	if (r == OK)
		r = replica_store(n, v, k, replicated, first);
	if (r != OK)
		replicated(n, first, NULL, 0);
}

/* It is on disk: others may go on, and so may the copies. */
static void committed(struct node *n, void *ctx, enum err r)
{
	struct store_put *first = ctx;
	bool by_another = false; /* were they judged by another document? */

	store_leave(n, &first->job.resource);
	if (r != OK) {
		/* CHOICE 29: a full disk has no code of its own. */
		refuse_all(n, first, r);
		return;
	}
	for (const struct store_put *p = first; p != NULL; p = p->mate) {
		node_trace(n, "stored %zu at %s", p->n_written,
			   id_short(&p->job.resource).s);
		by_another |= p->sequence != n->overlay->sequence;
	}
	if (by_another)
		store_config_changed(n);
	replicate(n, first);
}

/* OK: the batch is on its way, or there is nothing to write. */
static enum err write_all(struct node *n, struct store_put *first,
			  struct query_answer *is, bool *nothing)
{
	struct batch *b = batch_new(0);
	enum err r;

	if (b == NULL)
		return ERR_NOMEM;
	if ((r = store_batch_add(n, first, b)) == OK)
		r = add_mates(n, first, is, b);
	*nothing = r == OK && b->n == 0;
	if (r == OK && !*nothing)
		return read_commit_take(n, b, committed, first);
	batch_free(b);
	return r;
}

static void were_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct store_put *p = ctx;
	struct query_answer *is = arena_zalloc(&n->arena, p->n_kinds,
					       sizeof(*is));
	struct why why = { "" };
	bool nothing = false;

	if (r == OK) {
		assert(n_answers == p->n_kinds);
		r = store_judge(p, answers, &why);
	}
	if (r != OK || is == NULL) {
		store_leave(n, &p->job.resource);
		refuse(n, p, r != OK ? r : ERR_NOMEM, &why);
		return;
	}
	for (size_t i = 0; i < n_answers; i++)
		is[i] = answers[i];
	r = write_all(n, p, is, &nothing);
	if (r == OK && !nothing)
		return;
	store_leave(n, &p->job.resource);
	if (r == OK)
		replicated(n, p, NULL, 0);
	else
		refuse_all(n, p, r);
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
	store_leave(n, &job->resource);
	refuse(n, p, r, &why);
}
