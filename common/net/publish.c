/* SPDX-License-Identifier: ISC */
/*
 * Owns: keeping the own certificate in the overlay, RFC 6940 s8.  The two
 * arrays are read first, so that a node that joins a hundred times has one
 * entry in each. Does not own: when to do it.
 */
#include "net/publish.h"

#include <stdlib.h>

/* Under what name, as what Kind. */
struct place {
	uint32_t kind;
	struct slice name;
};

struct publish {
	struct driver *driver;
	const struct crypto *crypto;
	const struct signer *signer;
	publish_done *done; /* NULL: publish_free() came first */
	void *ctx;
	struct place places[2];
	size_t n_places, at; /* the one under way */
	bool busy;           /* a command is out */
	/* What commands point to: they may wait for the loop. */
	struct array_range all;
	struct stored_data_specifier specifier;
	struct store_item item;
};

static void fetched(void *ctx, const struct result *res);

/* H(name), RFC 6940 s10.2. */
static enum err resource_of(const struct publish *p, struct slice name,
			    struct node_id *out)
{
	uint8_t hash[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = p->crypto->hash(p->crypto->ctx, HASH_SHA1, &name, 1, hash,
				 &len)) != OK)
		return r;
	return id_from_slice(out, slice_of(hash, RING_ID_LEN));
}

static enum err command(struct publish *p, struct command *c, driver_done *done)
{
	enum err r;

	c->signer = p->signer;
	if ((r = resource_of(p, p->places[p->at].name, &c->resource)) != OK ||
	    (r = driver_command(p->driver, c, done, p)) != OK)
		return r;
	p->busy = true;
	return OK;
}

static enum err fetch(struct publish *p)
{
	struct command c = { .type = CMD_FETCH,
			     .specifiers = &p->specifier,
			     .n_specifiers = 1 };

	p->all = (struct array_range){ 0, ARRAY_END };
	p->specifier = (struct stored_data_specifier){
		.kind = p->places[p->at].kind, .indices = { &p->all, 1 }
	};
	return command(p, &c, fetched);
}

static void finish(struct publish *p, enum err r, struct slice info)
{
	if (p->done != NULL)
		p->done(p->ctx, r, info);
}

/* A command has come back: true when it was for nobody any more. */
static bool abandoned(struct publish *p)
{
	p->busy = false;
	if (p->done != NULL)
		return false;
	free(p);
	return true;
}

static void stored(void *ctx, const struct result *res)
{
	struct publish *p = ctx;
	enum err r = res->err;

	if (abandoned(p))
		return;
	if (r == OK && ++p->at < p->n_places)
		r = fetch(p);
	if (r != OK || p->at == p->n_places)
		finish(p, r, res->info);
}

/* The index at which our certificate is, or ARRAY_END. */
static uint32_t index_of(const struct publish *p, const struct fetch_ans *a)
{
	for (uint32_t i = 0; a != NULL && i < a->kind_responses.n; i++) {
		const struct stored_data_list *v =
			&a->kind_responses.v[i].values;

		for (uint32_t k = 0; k < v->n; k++)
			if (v->v[k].value.exists &&
			    slice_eq(v->v[k].value.value, p->signer->cert->der))
				return v->v[k].value.index;
	}
	return ARRAY_END;
}

/* The certificate at its old index or the end, for as long as it is valid. */
static enum err store(struct publish *p, uint32_t index)
{
	const struct cert *cert = p->signer->cert;
	uint64_t now_ms = loop_now().unix_ms, left_s = 1;
	struct command c = { .type = CMD_STORE,
			     .items = &p->item,
			     .n_items = 1 };

	if (cert->not_after_ms > now_ms + 1000)
		left_s = (cert->not_after_ms - now_ms) / 1000;
	p->item =
		(struct store_item){ .kind = p->places[p->at].kind,
				     .index = index,
				     .exists = true,
				     .value = cert->der,
				     .lifetime_s = left_s > UINT32_MAX
							   ? UINT32_MAX
							   : (uint32_t)left_s };
	return command(p, &c, stored);
}

static void fetched(void *ctx, const struct result *res)
{
	struct publish *p = ctx;
	enum err r = res->err;

	if (abandoned(p))
		return;
	if (r == OK || r == ERR_NOT_FOUND || r == ERR_PARTIAL)
		r = store(p, index_of(p, res->fetch));
	if (r != OK)
		finish(p, r, res->info);
}

enum err publish_start(struct publish **out, struct driver *d,
		       const struct crypto *c, const struct signer *s,
		       publish_done *done, void *ctx)
{
	struct publish *p;
	enum err r;

	if (s->cert->not_after_ms <= loop_now().unix_ms)
		return ERR_CERT_EXPIRED;
	if ((p = calloc(1, sizeof(*p))) == NULL)
		return ERR_NOMEM;
	*p = (struct publish){
		.driver = d, .crypto = c, .signer = s, .done = done, .ctx = ctx
	};
	p->places[p->n_places++] = (struct place){
		KIND_CERTIFICATE_BY_NODE,
		id_slice(&s->node_id, driver_overlay(d)->node_id_length)
	};
	if (s->cert->user[0] != '\0')
		p->places[p->n_places++] = (struct place){
			KIND_CERTIFICATE_BY_USER, slice_str(s->cert->user)
		};
	if ((r = fetch(p)) != OK)
		free(p);
	else
		*out = p;
	return r;
}

void publish_free(struct publish *p)
{
	if (p == NULL)
		return;
	p->done = NULL;
	if (!p->busy)
		free(p); /* else when its command comes back */
}
