/* SPDX-License-Identifier: ISC */
/*
 * Owns: the rules for what a host may write to its disk.  Does not own: what is
 * said on the way there (check.c), where values must be in the end (truth.c).
 */
#include "audit.h"

#include <stdlib.h>

#include "uthash.h"

enum { AUDIT_ARENA_MAX = 64 << 20, TBS_MAX = 1 << 24 };

/* Whose certificate has this hash. */
struct audit_signer {
	uint8_t hash[CERT_HASH_LEN];
	const struct host *host;
	UT_hash_handle hh;
};

void audit_broken(struct audit *a, const struct host *h, const char *fmt, ...)
{
	char words[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (a->n_broken++ == 0)
		snprintf(a->first, sizeof(a->first), "host %u: %s", h->index,
			 words);
	if (a->quiet || a->n_broken > 50)
		return;
	fprintf(stderr, "audit: host %u: %s [%llu us]\n", h->index, words,
		(unsigned long long)a->world->now_us);
}

/* ---- may it be stored? ---- */

static void signers_scan(struct audit *a)
{
	struct audit_signer *s;

	for (uint32_t i = 0; i < a->world->n_hosts; i++) {
		const struct host *h = a->world->hosts[i];
		const uint8_t *hash = h->signer.cert->hash;

		HASH_FIND(hh, a->signers, hash, CERT_HASH_LEN, s);
		if (s != NULL)
			continue;
		if ((s = calloc(1, sizeof(*s))) == NULL)
			MUST(ERR_NOMEM);
		memcpy(s->hash, hash, CERT_HASH_LEN);
		s->host = h;
		HASH_ADD(hh, a->signers, hash, CERT_HASH_LEN, s);
	}
}

static const struct host *signer_of(struct audit *a, const uint8_t *hash)
{
	struct audit_signer *s;

	HASH_FIND(hh, a->signers, hash, CERT_HASH_LEN, s);
	if (s == NULL) {
		signers_scan(a);
		HASH_FIND(hh, a->signers, hash, CERT_HASH_LEN, s);
	}
	return s == NULL ? NULL : s->host;
}

/* USER-MATCH and NODE-MATCH are all that the private Kinds of a world have. */
static bool may_write(struct audit *a, const struct host *signer,
		      const struct record *r)
{
	const struct crypto *c = &a->world->toy.crypto;
	struct slice id = id_slice(&signer->signer.node_id, RING_ID_LEN);
	uint8_t hash[HASH_LEN_MAX];
	struct node_id at;
	size_t len;

	if (r->kind != NODE_VALUE) {
		world_resource(a->world, signer->signer.cert->user, &at);
		return id_eq(&at, &r->resource);
	}
	MUST(c->hash(c->ctx, HASH_SHA1, &id, 1, hash, &len));
	return memcmp(hash, r->resource.b, RING_ID_LEN) == 0;
}

static void check_authorised(struct audit *a, const struct host *h,
			     const struct record *r, struct arena *arena)
{
	const struct crypto *c = &a->world->toy.crypto;
	const struct kind *k = kinds_find(a->world->env.kinds, r->kind);
	const struct host *signer = signer_of(a, r->signer);
	struct wire_env env = a->world->env;
	struct buf tbs = BUF_INIT(TBS_MAX);
	struct stored_data d;

	if (k == NULL || signer == NULL) {
		audit_broken(a, h, "stores what nobody known has signed");
		return;
	}
	env.model = k->model;
	if (stored_data_decode(&d, r->data, arena, &env) != OK) {
		audit_broken(a, h, "stores what does not decode");
		return;
	}
	MUST(stored_data_tbs(&tbs, id_slice(&r->resource, RING_ID_LEN), r->kind,
			     k->model, &d, &d.signature.identity));
	if (c->verify(c->ctx, signer->signer.cert, d.signature.algorithm.hash,
		      d.signature.algorithm.signature, buf_slice(&tbs),
		      d.signature.signature_value) != OK)
		audit_broken(a, h, "stores a value that host %u did not sign",
			     signer->index);
	else if (!may_write(a, signer, r))
		audit_broken(a, h, "stores a value of host %u in a wrong place",
			     signer->index);
	if (d.storage_time != r->storage_time)
		audit_broken(a, h, "stores a value under another time");
	buf_clear(&tbs);
}

/* ---- does it go on? ---- */

static void check_newer(struct audit *a, struct host *h, const struct record *r,
			struct arena *arena)
{
	struct query q = { .type = QUERY_KIND,
			   .resource = r->resource,
			   .kind = r->kind,
			   .first = r->key,
			   .last = r->key,
			   .metadata_only = true,
			   .alive_ms = host_now(h).unix_ms };
	struct query_answer old = { 0 };

	if (r->key.p == NULL)
		q.first = q.last = SLICE_LIT("");
	MUST(h->storage.read(h->storage.ctx, &q, &old, arena));
	if (old.n_records == 1 &&
	    old.records[0].storage_time >= r->storage_time)
		audit_broken(a, h, "stores time %llu over time %llu",
			     (unsigned long long)r->storage_time,
			     (unsigned long long)old.records[0].storage_time);
}

/* RFC 6940 s7.4.1.1 has a copy take over its sender's counter, whatever it is;
 * who owns the resource only counts up. */
static void check_counter(struct audit *a, struct host *h, const struct slot *s,
			  struct arena *arena)
{
	struct query q = { .type = QUERY_KIND,
			   .resource = s->resource,
			   .kind = s->kind,
			   .metadata_only = true };
	struct query_answer old = { 0 };

	if (world_owner(a->world, &s->resource) != h)
		return;
	MUST(h->storage.read(h->storage.ctx, &q, &old, arena));
	if (old.generation > s->generation)
		audit_broken(a, h, "sets its counter %llu to %llu",
			     (unsigned long long)old.generation,
			     (unsigned long long)s->generation);
}

static void on_commit(void *ctx, struct host *h, const struct batch *b)
{
	struct arena arena = ARENA_INIT(AUDIT_ARENA_MAX);
	struct audit *a = ctx;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct change *ch = &b->v[i];

		if (ch->type == CHANGE_PUT) {
			a->n_values++;
			check_authorised(a, h, &ch->record, &arena);
			check_newer(a, h, &ch->record, &arena);
		} else if (ch->type == CHANGE_GENERATION) {
			check_counter(a, h, &ch->slot, &arena);
		}
	}
	arena_free(&arena);
}

static void on_step(void *ctx, struct host *h)
{
	inside_bounds(ctx, h);
}

void audit_init(struct audit *a, struct world *w)
{
	*a = (struct audit){ .world = w };
	w->hooks = (struct world_hooks){ on_commit, on_step, a };
}

void audit_clear(struct audit *a)
{
	struct audit_signer *s, *tmp;

	HASH_ITER (hh, a->signers, s, tmp) {
		HASH_DEL(a->signers, s);
		free(s);
	}
}
