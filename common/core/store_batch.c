/* SPDX-License-Identifier: ISC */
/*
 * What a Store that was judged changes on disk: values, their signers'
 * certificates, counters.  RFC 6940 s7.4.1.1.
 */
#include "core/store_batch.h"

#include "core/state.h"

static enum err add_cert(struct batch *b, const struct store_put_value *v)
{
	struct change *ch;

	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].type == CHANGE_CERT &&
		    memcmp(b->v[i].hash, v->signer, CERT_HASH_LEN) == 0)
			return OK;
	ch = batch_add(b, CHANGE_CERT);
	if (ch == NULL)
		return ERR_NOMEM;
	memcpy(ch->hash, v->signer, CERT_HASH_LEN);
	return arena_dup(&b->arena, v->cert, &ch->cert);
}

/* CHOICE 46: a value is kept no longer than its signer's certificate is valid,
 * as s7.1 proposes. */
static uint64_t expiry(const struct store_put *p,
		       const struct store_put_value *v)
{
	uint64_t at = p->job.arrived_ms + UINT64_C(1000) * v->data.lifetime;

	return at < v->not_after_ms ? at : v->not_after_ms;
}

/* Others need it, or its counter; `rec`: as it is written, or NULL. */
static enum err note_value(struct store_put *p, const struct store_put_kind *pk,
			   const struct store_put_value *v,
			   const struct record *rec)
{
	struct replica_value *w = &p->written[p->n_written++];
	struct arena *a = &p->job.req->arena;
	struct record *copy;

	w->resource = p->job.resource;
	w->kind = pk->kind.id;
	w->key = v->key;
	if (rec == NULL)
		return OK;
	if ((copy = arena_zalloc(a, 1, sizeof(*copy))) == NULL)
		return ERR_NOMEM;
	*copy = *rec;
	copy->key = v->key;
	w->record = copy;
	return arena_dup(a, rec->data, &copy->data);
}

static enum err add_value(struct node *n, struct store_put *p,
			  const struct store_put_kind *pk,
			  const struct store_put_value *v, struct batch *b)
{
	struct wire_env env = n->env;
	struct buf buf = BUF_INIT(FRAME_MAX);
	struct record *rec;
	struct change *ch;
	enum err r;

	if ((r = add_cert(b, v)) != OK)
		return r;
	if ((ch = batch_add(b, CHANGE_PUT)) == NULL)
		return ERR_NOMEM;
	rec = &ch->record;
	rec->resource = p->job.resource;
	rec->kind = pk->kind.id;
	rec->storage_time = v->data.storage_time;
	rec->expires_ms = expiry(p, v);
	memcpy(rec->signer, v->signer, CERT_HASH_LEN);
	env.model = pk->kind.model;
	r = stored_data_encode(&v->data, &buf, &env);
	if (r == OK)
		r = arena_dup(&b->arena, buf_slice(&buf), &rec->data);
	if (r == OK)
		r = arena_dup(&b->arena, v->key, &rec->key);
	buf_clear(&buf);
	return r != OK ? r : note_value(p, pk, v, rec);
}

/*
 * CHOICE 50: RFC 6940 s7.4.1.1 has a copy take over its sender's counter.  One
 * that comes back to the owner, s6.4.2.3, is merged as the same section says:
 * as if it were stored now.  There, and at a node that is about to be the
 * owner, the counter only rises, for conditional Stores rely on it: above the
 * sender's too where both had values, for those of the sender may be others.
 * CHOICE 53: who only keeps a copy takes over the owner's counter, as it must,
 * and sends the values back with one above its own if that was higher: it may
 * have been acknowledged while the owner was out of reach.
 */
static void next_generation(const struct node *n, const struct store_put *p,
			    struct store_put_kind *pk)
{
	bool copy = p->body.replica_number != 0;
	uint64_t other = copy ? pk->asked : 0;

	pk->put_down = 0;
	if (copy &&
	    (!ring_is_in_range(n, &p->job.resource) || pk->generation == 0)) {
		if (pk->generation > other)
			pk->put_down = pk->generation;
		pk->generation = other;
	} else if (pk->changed)
		pk->generation = store_generation_merge(pk->generation, other);
	else if (other > pk->generation)
		pk->generation = other;
}

/* The last of several Stores in a batch has its say. */
static enum err add_counter(const struct store_put *p,
			    const struct store_put_kind *pk, struct batch *b)
{
	struct change *ch = NULL;

	for (uint32_t i = 0; i < b->n && ch == NULL; i++)
		if (b->v[i].type == CHANGE_GENERATION &&
		    b->v[i].slot.kind == pk->kind.id)
			ch = &b->v[i];
	if (ch == NULL && (ch = batch_add(b, CHANGE_GENERATION)) == NULL)
		return ERR_NOMEM;
	ch->slot.resource = p->job.resource;
	ch->slot.kind = pk->kind.id;
	ch->slot.generation = pk->generation;
	return OK;
}

static enum err add_kind(struct node *n, struct store_put *p,
			 struct store_put_kind *pk, struct batch *b)
{
	uint64_t before = pk->generation;
	enum err r = OK;

	next_generation(n, p, pk);
	for (uint32_t i = 0; i < pk->n && r == OK; i++)
		if (!pk->values[i].same)
			r = add_value(n, p, pk, &pk->values[i], b);
		else if (pk->generation != before)
			r = note_value(p, pk, &pk->values[i], NULL);
	return r != OK || pk->generation == before ? r : add_counter(p, pk, b);
}

enum err store_batch_add(struct node *n, struct store_put *p, struct batch *b)
{
	uint32_t n_values = 0;
	enum err r = OK;

	for (uint32_t i = 0; i < p->n_kinds; i++)
		n_values += p->kinds[i].n;
	p->written = arena_zalloc(&p->job.req->arena, n_values,
				  sizeof(*p->written));
	if (p->written == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n_kinds && r == OK; i++)
		r = add_kind(n, p, &p->kinds[i], b);
	return r;
}
