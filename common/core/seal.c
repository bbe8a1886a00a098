/* SPDX-License-Identifier: ISC */
/*
 * Messages signed and verified: contents and SecurityBlock, RFC 6940 s6.3.4.
 * Headers are not signed and not known here, but for what the signature covers.
 */
#include "core/seal.h"

#include "core/bundle.h"
#include "core/state.h"

static bool in_bucket(const struct generic_certificate_list *l,
		      struct slice der)
{
	for (uint32_t i = 0; i < l->n; i++) {
		if (slice_eq(l->v[i].certificate, der))
			return true;
	}
	return false;
}

static void add(struct generic_certificate_list *l, struct slice der)
{
	if (in_bucket(l, der))
		return;
	l->v[l->n++] = (struct generic_certificate){ CERTIFICATE_X509, der };
}

/* All that verifies the message and what is in it, s6.3.4: there is no other
 * way of distribution. */
static enum err bucket(struct node *n, const struct signer *s,
		       const struct slice *certs, size_t n_certs,
		       struct generic_certificate_list *out)
{
	struct slice one[BUNDLE_MAX];
	size_t n_one;

	out->n = 0;
	if ((out->v = arena_zalloc(&n->arena,
				   1 + s->n_chain + n_certs * BUNDLE_MAX,
				   sizeof(*out->v))) == NULL)
		return ERR_NOMEM;
	add(out, s->cert->der);
	for (size_t i = 0; i < s->n_chain; i++)
		add(out, s->chain[i]);
	for (size_t i = 0; i < n_certs; i++) {
		n_one = bundle_split(certs[i], one);
		for (size_t j = 0; j < n_one; j++)
			add(out, one[j]);
	}
	return OK;
}

static enum err sign(struct node *n, const struct signer *s,
		     struct slice contents, uint64_t transaction_id,
		     struct signature *out)
{
	struct buf value = BUF_INIT(UINT16_MAX);
	enum err r;

	out->algorithm.hash = s->hash;
	out->algorithm.signature = s->sig;
	buf_reset(&n->scratch);
	if ((r = certs_identity(n, s, &out->identity)) != OK ||
	    (r = message_tbs(&n->scratch, n->overlay->hash, transaction_id,
			     contents, &out->identity)) != OK ||
	    (r = n->cfg.crypto->sign(n->cfg.crypto->ctx, s,
				     buf_slice(&n->scratch), &value)) != OK)
		goto out;
	r = arena_dup(&n->arena, buf_slice(&value), &out->signature_value);
out:
	buf_clear(&value);
	return r;
}

enum err seal_message(struct node *n, const struct signer *s, uint16_t code,
		      struct slice body, uint64_t transaction_id,
		      const struct slice *certs, size_t n_certs,
		      struct slice *payload)
{
	const struct message_contents c = { .message_code = code,
					    .message_body = body };
	struct security_block b = { 0 };
	struct slice contents;
	enum err r;

	if ((r = node_encode(n, &wire_type_message_contents, &c, &contents)) !=
		    OK ||
	    (r = bucket(n, s, certs, n_certs, &b.certificates)) != OK ||
	    (r = sign(n, s, contents, transaction_id, &b.signature)) != OK)
		return r;
	buf_reset(&n->scratch);
	if ((r = buf_append_slice(&n->scratch, contents)) != OK ||
	    (r = security_block_encode(&b, &n->scratch, &n->env)) != OK)
		return r;
	return arena_dup(&n->arena, buf_slice(&n->scratch), payload);
}

enum err seal_verify(struct node *n, const struct message *m,
		     struct cert **cert, struct node_id *node_id)
{
	const struct signature *s = &m->security.signature;
	enum err r;

	certs_learn(n, &m->security);
	if ((r = certs_identify(n, &s->identity, cert, node_id)) != OK)
		return r;
	buf_reset(&n->scratch);
	if ((r = message_tbs(&n->scratch, m->header.overlay,
			     m->header.transaction_id, m->contents_bytes,
			     &s->identity)) != OK)
		return r;
	return n->cfg.crypto->verify(n->cfg.crypto->ctx, *cert,
				     s->algorithm.hash, s->algorithm.signature,
				     buf_slice(&n->scratch),
				     s->signature_value);
}
