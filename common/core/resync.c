/* SPDX-License-Identifier: ISC */
/*
 * Newer values from another node, RFC 6940 s7.4.1.1: fetched from the very node
 * that refused the older ones, verified as any Store, and written where they
 * are still newer than what is here.  So two halves of a torn ring come to
 * agree, on the counters too: one that ends higher here than at the other node
 * is sent there, with the very values that came from it.
 */
#include "core/resync.h"

#include <stdlib.h>

#include "core/access.h"
#include "core/bundle.h"
#include "core/state.h"

enum { RESYNC_ARENA_MAX = 64 << 20 };

/* A fetched value that is newer than ours was. */
struct resync_value {
	uint32_t kind;
	enum data_model model;
	struct slice key;
	struct stored_data data;
	uint64_t generation;
	uint64_t least;    /* the counter that was to be sent there */
	struct cert *cert; /* one reference */
	bool taken;
	bool ahead; /* this node's counter is above `generation` */
};

struct resync {
	struct resync *prev, *next;
	struct arena arena;
	struct node_id from;
	struct node_id resource;
	struct copy_value *v;
	size_t n_v;
	struct resync_value *newer;
	size_t n_newer;
	struct store_job job; /* its turn at the resource */
	struct txn *txn;      /* the FetchReq */
	resync_done *done;
	void *ctx;
};

static void resync_free(struct node *n, struct resync *s)
{
	struct replicas *rs = &n->replicas;

	*(s->prev == NULL ? &rs->resyncs : &s->prev->next) = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	for (size_t i = 0; i < s->n_newer; i++)
		n->cfg.crypto->cert_unref(n->cfg.crypto->ctx, s->newer[i].cert);
	arena_free(&s->arena);
	free(s);
}

static void finish(struct node *n, struct resync *s, enum err r)
{
	resync_done *done = s->done;
	void *ctx = s->ctx;

	resync_free(n, s);
	if (done != NULL)
		done(n, ctx, r);
}

/* ---- the question ---- */

static enum err specify(struct node *n, const struct replica_value *v,
			size_t n_v, struct stored_data_specifier *s)
{
	const struct kind *kind = kinds_find(&n->overlay->kinds, v[0].kind);

	s->kind = v[0].kind;
	if (kind == NULL || kind->model == MODEL_SINGLE)
		return kind == NULL ? ERR_UNKNOWN_KIND : OK;
	s->indices.v = arena_zalloc(&n->arena, n_v, sizeof(*s->indices.v));
	s->keys.v = arena_zalloc(&n->arena, n_v, sizeof(*s->keys.v));
	if (s->indices.v == NULL || s->keys.v == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n_v; i++) {
		if (kind->model == MODEL_DICTIONARY) {
			s->keys.v[s->keys.n++] = v[i].key;
			continue;
		}
		s->indices.v[s->indices.n].first = store_key_index(v[i].key);
		s->indices.v[s->indices.n++].last = store_key_index(v[i].key);
	}
	return OK;
}

enum err resync_question(struct node *n, const struct node_id *resource,
			 const struct replica_value *v, size_t n_v,
			 struct slice *body)
{
	struct stored_data_specifier *s = arena_zalloc(&n->arena, n_v,
						       sizeof(*s));
	struct fetch_req req = { id_slice(resource, RING_ID_LEN), { s, 0 } };
	size_t k;
	enum err r;

	if (s == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n_v; i += k) {
		for (k = 1; i + k < n_v && v[i + k].kind == v[i].kind; k++)
			;
		if ((r = specify(n, v + i, k, s++)) != OK)
			return r;
		req.specifiers.n++;
	}
	return node_encode(n, &wire_type_fetch_req, &req, body);
}

/* ---- writing ---- */

static void ended(struct node *n, struct resync *s, enum err r)
{
	store_leave(n, &s->job.resource);
	finish(n, s, r);
}

/* The owner passes on what it has got; any other node tells the one that it has
 * it from where that one's counter is too low. */
static void pass_on(struct node *n, struct resync *s)
{
	struct replica_value *v = arena_zalloc(&n->arena, s->n_newer,
					       sizeof(*v));
	bool owner = ring_responsible(n, &s->resource);
	size_t k = 0;

	if (v == NULL)
		return;
	for (size_t i = 0; i < s->n_newer; i++) {
		if (owner ? !s->newer[i].taken : !s->newer[i].ahead)
			continue;
		v[k].resource = s->resource;
		v[k].kind = s->newer[i].kind;
		v[k].key = s->newer[i].key;
		v[k++].generation = s->newer[i].least;
	}
	if (k > 0 && owner)
		node_failed(n, replica_store(n, v, k, NULL, NULL));
	else if (k > 0)
		replica_remind(n, &s->from, v, k);
}

static void committed(struct node *n, void *ctx, enum err r)
{
	struct resync *s = ctx;

	node_trace(n, "resync from %s %s", id_short(&s->from).s, err_name(r));
	if (r == OK)
		pass_on(n, s);
	ended(n, s, r);
}

static enum err put(struct node *n, const struct resync *s,
		    const struct resync_value *v, uint64_t generation,
		    struct batch *b)
{
	struct wire_env env = n->env;
	struct buf data = BUF_INIT(FRAME_MAX);
	struct change *ch = batch_add(b, CHANGE_CERT);
	uint64_t expires = n->now.unix_ms + UINT64_C(1000) * v->data.lifetime;
	enum err r;

	if (ch == NULL)
		return ERR_NOMEM;
	memcpy(ch->hash, v->cert->hash, CERT_HASH_LEN);
	if ((r = bundle_make(&b->arena, v->cert, &ch->cert)) != OK)
		return r;
	if ((ch = batch_add(b, CHANGE_PUT)) == NULL)
		return ERR_NOMEM;
	ch->record.resource = s->resource;
	ch->record.kind = v->kind;
	ch->record.storage_time = v->data.storage_time;
	ch->record.expires_ms = expires < v->cert->not_after_ms
					? expires
					: v->cert->not_after_ms;
	memcpy(ch->record.signer, v->cert->hash, CERT_HASH_LEN);
	env.model = v->model;
	if ((r = stored_data_encode(&v->data, &data, &env)) == OK)
		r = arena_dup(&b->arena, buf_slice(&data), &ch->record.data);
	if (r == OK)
		r = arena_dup(&b->arena, v->key, &ch->record.key);
	buf_clear(&data);
	if (r != OK)
		return r;
	if ((ch = batch_add(b, CHANGE_GENERATION)) == NULL)
		return ERR_NOMEM;
	ch->slot.resource = s->resource;
	ch->slot.kind = v->kind;
	ch->slot.generation = generation;
	return OK;
}

/* The data changes: s7.4.1.1 wants a greater counter.  The owner's is above the
 * other node's too; who keeps a copy may have the owner's. */
static uint64_t merged(const struct node *n, const struct resync *s,
		       uint64_t other, uint64_t mine)
{
	uint64_t least = store_generation_merge(mine, 0);

	if (mine != 0 && ring_is_in_range(n, &s->resource))
		return store_generation_merge(mine, other);
	return other > least ? other : least;
}

static enum err make_batch(struct node *n, struct resync *s,
			   const struct query_answer *answers, struct batch *b)
{
	struct resync_value *v;
	uint64_t generation;
	enum err r = OK;

	for (size_t i = 0; i < s->n_newer && r == OK; i++) {
		v = &s->newer[i];
		generation = answers[i].generation;
		if (answers[i].n_records > 0 &&
		    answers[i].records[0].storage_time >=
			    v->data.storage_time) {
			/* Sent to it meanwhile, with a counter too low. */
			v->ahead = v->least > v->generation &&
				   v->least > generation;
			continue;
		}
		if (generation < v->least)
			generation = v->least;
		generation = merged(n, s, v->generation, generation);
		v->taken = true;
		v->ahead = generation > v->generation;
		v->least = generation;
		r = put(n, s, v, generation, b);
	}
	return r;
}

static void own_read(struct node *n, void *ctx, enum err r,
		     const struct query_answer *answers, size_t n_answers)
{
	struct resync *s = ctx;
	struct batch *b = NULL;

	(void)n_answers;
	if (r == OK && (b = batch_new(0)) == NULL)
		r = ERR_NOMEM;
	if (r == OK)
		r = make_batch(n, s, answers, b);
	if (r != OK || b->n == 0) {
		batch_free(b);
		if (r == OK)
			pass_on(n, s);
		ended(n, s, r);
		return;
	}
	if ((r = read_commit_take(n, b, committed, s)) != OK) {
		ended(n, s, r);
	}
}

static void my_turn(struct node *n, struct store_job *job)
{
	struct resync *s = container_of(job, struct resync, job);
	struct query *q = arena_zalloc(&n->arena, s->n_newer, sizeof(*q));
	enum err r = q == NULL ? ERR_NOMEM : OK;

	for (size_t i = 0; i < s->n_newer && r == OK; i++) {
		q[i].type = QUERY_KIND;
		q[i].resource = s->resource;
		q[i].kind = s->newer[i].kind;
		q[i].first = s->newer[i].key;
		if (q[i].first.p == NULL)
			q[i].first = SLICE_LIT("");
		q[i].last = q[i].first;
		q[i].metadata_only = true;
	}
	if (r == OK)
		r = read_start(n, q, s->n_newer, own_read, s);
	if (r != OK) {
		ended(n, s, r);
	}
}

/* ---- the answer ---- */

static struct copy_value *ours(struct resync *s, uint32_t kind,
			       const struct stored_value *v)
{
	for (size_t i = 0; i < s->n_v; i++) {
		if (s->v[i].kind != kind)
			continue;
		if (s->v[i].model == MODEL_SINGLE ||
		    (s->v[i].model == MODEL_ARRAY &&
		     s->v[i].data.value.index == v->index) ||
		    (s->v[i].model == MODEL_DICTIONARY &&
		     slice_eq(s->v[i].key, v->key)))
			return &s->v[i];
	}
	return NULL;
}

/* One of the other node's values: known, or newer and good. */
static enum err judge(struct node *n, struct resync *s, uint64_t generation,
		      struct copy_value *mine, const struct stored_data *d)
{
	const struct kind *kind = kinds_find(&n->overlay->kinds, mine->kind);
	struct slice id = id_slice(&s->resource, RING_ID_LEN);
	struct resync_value *new;
	struct access_signer by;
	struct node_id node_id;
	struct cert *cert;
	enum err r;

	if (signature_is_none(&d->signature) ||
	    d->storage_time < mine->data.storage_time)
		return OK;
	if (d->storage_time == mine->data.storage_time) {
		mine->there = true;
		return OK;
	}
	if (kind == NULL)
		return ERR_UNKNOWN_KIND;
	if ((r = certs_verify_value(n, id, mine->kind, d, &cert, &node_id)) !=
	    OK)
		return r;
	by = (struct access_signer){ cert, &node_id };
	if ((r = access_check(n, kind, &s->resource, &d->value, by, NULL)) !=
	    OK)
		return r;
	mine->there = true;
	new = &s->newer[s->n_newer];
	new->kind = mine->kind;
	new->model = mine->model;
	new->data = *d;
	new->generation = generation;
	new->least = mine->generation;
	if ((r = arena_dup(&s->arena, mine->key, &new->key)) != OK)
		return r;
	new->cert = cert_ref(cert);
	s->n_newer++;
	return OK;
}

static enum err read_answer(struct node *n, struct resync *s, struct slice body)
{
	const struct fetch_kind_response *k;
	struct copy_value *mine;
	struct fetch_ans ans;
	enum err r;

	if ((r = arena_dup(&s->arena, body, &body)) != OK ||
	    (r = fetch_ans_decode(&ans, body, &s->arena, &n->env)) != OK)
		return r;
	s->newer = arena_zalloc(&s->arena, s->n_v, sizeof(*s->newer));
	if (s->newer == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < ans.kind_responses.n; i++) {
		k = &ans.kind_responses.v[i];
		for (uint32_t j = 0; j < k->values.n && r == OK; j++) {
			mine = ours(s, k->kind, &k->values.v[j].value);
			if (mine != NULL && !mine->there)
				r = judge(n, s, k->generation, mine,
					  &k->values.v[j]);
		}
	}
	return r;
}

static void fetched(struct node *n, void *ctx, const struct txn_end *end)
{
	struct resync *s = ctx;
	enum err r = end->err;

	s->txn = NULL;
	if (r == OK)
		r = read_answer(n, s, end->body);
	if (r != OK || s->n_newer == 0) {
		finish(n, s, r);
		return;
	}
	s->job.resource = s->resource;
	s->job.run = my_turn;
	if ((r = store_enter(n, &s->job)) != OK)
		finish(n, s, r);
}

static enum err fetch(struct node *n, struct resync *s)
{
	struct replica_value *q = arena_zalloc(&n->arena, s->n_v, sizeof(*q));
	struct txn_args args = { .code = MSG_FETCH_REQ,
				 .done = fetched,
				 .ctx = s };
	enum err r;

	if (q == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < s->n_v; i++) {
		q[i].kind = s->v[i].kind;
		q[i].key = s->v[i].key;
	}
	if ((r = resync_question(n, &s->resource, q, s->n_v, &args.body)) !=
		    OK ||
	    (r = txn_to_node(n, &s->from, &args.destination)) != OK)
		return r;
	return txn_send(n, &args, &s->txn);
}

enum err resync_start(struct node *n, const struct node_id *from,
		      const struct node_id *resource, struct copy_value *v,
		      size_t n_v, resync_done *done, void *ctx,
		      struct resync **out)
{
	struct resync *s = calloc(1, sizeof(*s));
	enum err r;

	if (s == NULL)
		return ERR_NOMEM;
	s->arena.max = RESYNC_ARENA_MAX;
	s->from = *from;
	s->resource = *resource;
	s->v = v;
	s->n_v = n_v;
	s->done = done;
	s->ctx = ctx;
	s->next = n->replicas.resyncs;
	if (s->next != NULL)
		s->next->prev = s;
	n->replicas.resyncs = s;
	if ((r = fetch(n, s)) != OK) {
		resync_free(n, s);
		return r;
	}
	*out = s;
	return OK;
}

void resync_cancel(struct node *n, struct resync *s)
{
	if (s == NULL)
		return;
	s->done = NULL;
	if (s->txn == NULL)
		return; /* what was fetched is written all the same */
	txn_cancel(n, s->txn);
	resync_free(n, s);
}

void resync_clear(struct node *n)
{
	while (n->replicas.resyncs != NULL)
		resync_free(n, n->replicas.resyncs);
}
