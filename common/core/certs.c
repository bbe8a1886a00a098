/* SPDX-License-Identifier: ISC */
/*
 * Certificates that were checked once, found by what a SignerIdentity says, and
 * the signatures of stored values.  RFC 6940 s6.3.4, s7.1.  Checking a chain is
 * crypto.h's; which certificate may do what is the callers'.
 */
#include "core/certs.h"

#include <stdlib.h>

#include "core/bundle.h"
#include "core/state.h"
#include "core/table.h"

/* A certificate under SHA-256(Node-ID || DER), for each of its Node-IDs. */
struct cert_alias {
	UT_hash_handle hh;
	uint8_t hash[CERT_HASH_LEN];
	struct cert_entry *entry;
	struct node_id node_id;
};

struct cert_entry {
	UT_hash_handle hh; /* by cert->hash */
	struct cert_entry *older, *newer;
	struct cert *cert; /* one reference */
	struct cert_alias alias[];
};

/* ---- the cache ---- */

static void unlink_entry(struct certs *c, struct cert_entry *e)
{
	*(e->older == NULL ? &c->oldest : &e->older->newer) = e->newer;
	*(e->newer == NULL ? &c->newest : &e->newer->older) = e->older;
}

static void link_newest(struct certs *c, struct cert_entry *e)
{
	e->newer = NULL;
	e->older = c->newest;
	*(e->older == NULL ? &c->oldest : &e->older->newer) = e;
	c->newest = e;
}

static void drop(struct node *n, struct cert_entry *e)
{
	struct certs *c = &n->certs;

	for (unsigned i = 0; i < e->cert->n_node_ids; i++) {
		if (e->alias[i].entry != NULL)
			HASH_DEL(c->by_node_id, &e->alias[i]);
	}
	HASH_DEL(c->by_hash, e);
	unlink_entry(c, e);
	c->n--;
	n->cfg.crypto->cert_unref(n->cfg.crypto->ctx, e->cert);
	free(e);
}

static enum err sha256(const struct node *n, const struct slice *in,
		       size_t n_in, uint8_t out[CERT_HASH_LEN])
{
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = n->cfg.crypto->hash(n->cfg.crypto->ctx, HASH_SHA256, in, n_in,
				     digest, &len)) == OK)
		memcpy(out, digest, CERT_HASH_LEN);
	return r;
}

static enum err node_id_hash(const struct node *n, const struct node_id *id,
			     struct slice der, uint8_t out[CERT_HASH_LEN])
{
	const struct slice in[] = { id_slice(id, n->env.node_id_len), der };

	return sha256(n, in, 2, out);
}

static void add_aliases(struct node *n, struct cert_entry *e)
{
	struct cert_alias *a, *other;

	for (unsigned i = 0; i < e->cert->n_node_ids; i++) {
		a = &e->alias[i];
		a->node_id = e->cert->node_ids[i];
		if (node_id_hash(n, &a->node_id, e->cert->der, a->hash) != OK)
			continue;
		/* One that names a Node-ID twice has one alias for it. */
		HASH_FIND(hh, n->certs.by_node_id, a->hash, CERT_HASH_LEN,
			  other);
		if (other != NULL)
			continue;
		a->entry = e;
		HASH_ADD(hh, n->certs.by_node_id, hash, CERT_HASH_LEN, a);
		if (a->hh.tbl == NULL)
			a->entry = NULL;
	}
}

/* Keeps a certificate that was checked; the reference is taken. */
static struct cert *keep_take(struct node *n, struct cert *cert)
{
	struct certs *c = &n->certs;
	struct cert_entry *e;

	e = calloc(1, sizeof(*e) + cert->n_node_ids * sizeof(e->alias[0]));
	if (e == NULL)
		goto fail;
	e->cert = cert;
	HASH_ADD_KEYPTR(hh, c->by_hash, cert->hash, CERT_HASH_LEN, e);
	if (e->hh.tbl == NULL)
		goto fail;
	link_newest(c, e);
	c->n++;
	add_aliases(n, e);
	return cert;
fail:
	free(e);
	n->cfg.crypto->cert_unref(n->cfg.crypto->ctx, cert);
	node_failed(n, ERR_NOMEM);
	return NULL;
}

static struct cert_entry *cached(struct node *n, const uint8_t *hash)
{
	struct cert_entry *e;

	HASH_FIND(hh, n->certs.by_hash, hash, CERT_HASH_LEN, e);
	if (e != NULL && n->certs.newest != e) {
		unlink_entry(&n->certs, e);
		link_newest(&n->certs, e);
	}
	return e;
}

/* `chain`: intermediates that were kept with it. */
static struct cert *open_cert(struct node *n, struct slice der,
			      const struct slice *chain, size_t n_chain)
{
	struct slice others[CERTS_RECENT_MAX + BUNDLE_MAX];
	struct cert *cert;
	struct why why = { "" };
	size_t n_others = 0;
	enum err r;

	for (size_t i = 0; i < n_chain; i++)
		others[n_others++] = chain[i];
	for (uint32_t i = 0; i < n->certs.n_recent; i++) {
		if (!slice_eq(n->certs.recent[i].der, der))
			others[n_others++] = n->certs.recent[i].der;
	}
	if ((r = n->cfg.crypto->cert_open(n->cfg.crypto->ctx, der, others,
					  n_others, &cert, &why)) != OK) {
		node_trace(n, "certificate refused %s", err_name(r));
		log_line(n->cfg.log, LOG_DEBUG, "certificate refused: %s",
			 why.text);
		return NULL;
	}
	return keep_take(n, cert);
}

struct cert *certs_keep(struct node *n, struct cert *cert)
{
	struct cert_entry *e = cached(n, cert->hash);

	if (e == NULL)
		(void)keep_take(n, cert_ref(cert)); /* its failure is noted */
	return cert_ref(e == NULL ? cert : e->cert);
}

static struct cert *open_recent(struct node *n, struct cert_recent *c)
{
	if (c->tried)
		return NULL;
	c->tried = true;
	return open_cert(n, c->der, NULL, 0);
}

void certs_learn(struct node *n, const struct security_block *b)
{
	const struct generic_certificate_list *l = &b->certificates;
	struct certs *c = &n->certs;
	struct cert_recent *one;

	c->n_recent = 0;
	c->recent = arena_zalloc(
		&n->arena, l->n < CERTS_RECENT_MAX ? l->n : CERTS_RECENT_MAX,
		sizeof(*c->recent));
	if (c->recent == NULL)
		return;
	for (uint32_t i = 0; i < l->n && c->n_recent < CERTS_RECENT_MAX; i++) {
		one = &c->recent[c->n_recent];
		if (l->v[i].type != CERTIFICATE_X509)
			continue;
		if (arena_dup(&n->arena, l->v[i].certificate, &one->der) !=
			    OK ||
		    sha256(n, &one->der, 1, one->hash) != OK)
			return;
		one->tried = cached(n, one->hash) != NULL;
		c->n_recent++;
	}
}

struct cert *certs_find(struct node *n, const uint8_t hash[CERT_HASH_LEN])
{
	struct cert_entry *e = cached(n, hash);

	if (e != NULL)
		return e->cert;
	for (uint32_t i = 0; i < n->certs.n_recent; i++) {
		if (memcmp(n->certs.recent[i].hash, hash, CERT_HASH_LEN) == 0)
			return open_recent(n, &n->certs.recent[i]);
	}
	return NULL;
}

struct cert *certs_add(struct node *n, struct slice bundle)
{
	struct slice one[BUNDLE_MAX];
	size_t n_one = bundle_split(bundle, one);
	uint8_t hash[CERT_HASH_LEN];
	struct cert *cert;

	if (sha256(n, &one[0], 1, hash) != OK)
		return NULL;
	if ((cert = certs_find(n, hash)) != NULL)
		return cert;
	return open_cert(n, one[0], one + 1, n_one - 1);
}

void certs_flush(struct node *n)
{
	n->certs.flush = true;
}

void certs_trim(struct node *n)
{
	struct certs *c = &n->certs;

	c->n_recent = 0;
	while (c->n > (c->flush ? 0 : CERTS_MAX))
		drop(n, c->oldest);
	c->flush = false;
}

void certs_clear(struct node *n)
{
	certs_flush(n);
	certs_trim(n);
}

/* ---- who signed ---- */

enum err certs_current(const struct node *n, const struct cert *c)
{
	if (n->now.unix_ms < c->not_before_ms ||
	    n->now.unix_ms > c->not_after_ms)
		return ERR_CERT_EXPIRED;
	return overlay_is_bad_cert(n->overlay, c) ? ERR_BAD_NODE : OK;
}

bool certs_has_node_id(const struct cert *c, const struct node_id *id)
{
	for (unsigned i = 0; i < c->n_node_ids; i++) {
		if (id_eq(&c->node_ids[i], id))
			return true;
	}
	return false;
}

static bool hash_is(const struct node *n, const struct signer_identity *who,
		    const struct slice *in, size_t n_in)
{
	uint8_t digest[HASH_LEN_MAX];
	size_t len;

	return n->cfg.crypto->hash(n->cfg.crypto->ctx, who->hash_alg, in, n_in,
				   digest, &len) == OK &&
	       slice_eq(slice_of(digest, len), who->hash);
}

/* One of the certificates at hand, by a hash that the cache does not have. */
static struct cert *search(struct node *n, const struct signer_identity *who,
			   struct node_id *node_id)
{
	struct slice in[2];
	struct cert *cert;

	for (uint32_t i = 0; i < n->certs.n_recent; i++) {
		in[1] = n->certs.recent[i].der;
		if (who->identity_type == SIGNER_CERT_HASH) {
			if (!hash_is(n, who, &in[1], 1) ||
			    (cert = certs_find(n, n->certs.recent[i].hash)) ==
				    NULL)
				continue;
			*node_id = cert->node_ids[0];
			return cert;
		}
		cert = certs_find(n, n->certs.recent[i].hash);
		for (unsigned k = 0; cert != NULL && k < cert->n_node_ids;
		     k++) {
			in[0] = id_slice(&cert->node_ids[k],
					 n->env.node_id_len);
			if (!hash_is(n, who, in, 2))
				continue;
			*node_id = cert->node_ids[k];
			return cert;
		}
	}
	return NULL;
}

/* CHOICE: both forms are accepted, whatever the number of Node-IDs. */
enum err certs_identify(struct node *n, const struct signer_identity *identity,
			struct cert **cert, struct node_id *node_id)
{
	struct cert_alias *a = NULL;
	struct cert *c = NULL;
	enum err r;

	if (identity->identity_type != SIGNER_CERT_HASH &&
	    identity->identity_type != SIGNER_CERT_HASH_NODE_ID)
		return ERR_CERT_UNKNOWN;
	if (identity->hash_alg == HASH_SHA256 &&
	    identity->hash.len == CERT_HASH_LEN) {
		if (identity->identity_type == SIGNER_CERT_HASH) {
			if ((c = certs_find(n, identity->hash.p)) != NULL)
				*node_id = c->node_ids[0];
		} else {
			HASH_FIND(hh, n->certs.by_node_id, identity->hash.p,
				  CERT_HASH_LEN, a);
			if (a != NULL) {
				c = a->entry->cert;
				*node_id = a->node_id;
			}
		}
	}
	if (c == NULL && (c = search(n, identity, node_id)) == NULL)
		return ERR_CERT_UNKNOWN;
	if ((r = certs_current(n, c)) == OK)
		*cert = c;
	return r;
}

enum err certs_identity(struct node *n, const struct signer *s,
			struct signer_identity *out)
{
	uint8_t *hash;
	enum err r = OK;

	if ((hash = arena_zalloc(&n->arena, 1, CERT_HASH_LEN)) == NULL)
		return ERR_NOMEM;
	*out = (struct signer_identity){
		.hash_alg = HASH_SHA256, .hash = slice_of(hash, CERT_HASH_LEN)
	};
	if (s->cert->n_node_ids == 1) {
		out->identity_type = SIGNER_CERT_HASH;
		memcpy(hash, s->cert->hash, CERT_HASH_LEN);
	} else {
		out->identity_type = SIGNER_CERT_HASH_NODE_ID;
		r = node_id_hash(n, &s->node_id, s->cert->der, hash);
	}
	return r;
}

/* ---- values ---- */

/* What a value's signature is over, in n->scratch. */
static enum err value_tbs(struct node *n, struct slice resource_id,
			  uint32_t kind, const struct stored_data *v,
			  const struct signer_identity *who)
{
	const struct kind *k = kinds_find(&n->overlay->kinds, kind);

	if (k == NULL)
		return ERR_UNKNOWN_KIND;
	buf_reset(&n->scratch);
	return stored_data_tbs(&n->scratch, resource_id, kind, k->model, v,
			       who);
}

enum err certs_verify_value(struct node *n, struct slice resource_id,
			    uint32_t kind, const struct stored_data *v,
			    struct cert **cert, struct node_id *node_id)
{
	const struct signature *s = &v->signature;
	enum err r;

	if ((r = certs_identify(n, &s->identity, cert, node_id)) != OK ||
	    (r = value_tbs(n, resource_id, kind, v, &s->identity)) != OK)
		return r;
	return n->cfg.crypto->verify(n->cfg.crypto->ctx, *cert,
				     s->algorithm.hash, s->algorithm.signature,
				     buf_slice(&n->scratch),
				     s->signature_value);
}

enum err certs_sign_value(struct node *n, const struct signer *s,
			  struct slice resource_id, uint32_t kind,
			  struct stored_data *v)
{
	struct buf value = BUF_INIT(UINT16_MAX);
	enum err r;

	v->signature.algorithm.hash = s->hash;
	v->signature.algorithm.signature = s->sig;
	if ((r = certs_identity(n, s, &v->signature.identity)) != OK ||
	    (r = value_tbs(n, resource_id, kind, v, &v->signature.identity)) !=
		    OK ||
	    (r = n->cfg.crypto->sign(n->cfg.crypto->ctx, s,
				     buf_slice(&n->scratch), &value)) != OK)
		goto out;
	r = arena_dup(&n->arena, buf_slice(&value),
		      &v->signature.signature_value);
out:
	buf_clear(&value);
	return r;
}
