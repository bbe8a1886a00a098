/* SPDX-License-Identifier: ISC */
/*
 * Signatures over pieces of a configuration document: who made one, and whether
 * it may be believed (RFC 6940 s11.1, s6.3.4).  Where the pieces begin and end
 * is xml_span.c's.
 */
#include "conf/blob.h"

#include "base/text.h"
#include "wire/security.h"

enum {
	BLOB_BLOCK_MAX = 1 << 17, /* bytes of a SecurityBlock */
	BLOB_CERTS_MAX = 16       /* certificates in one */
};

static enum err bad(struct why *why, const char *what)
{
	return why_err(why, ERR_CONFIG_SIGNATURE, "%s", what);
}

/* Does the identity name this certificate, with this Node-ID in use? */
static bool names(const struct signer_identity *id, struct slice der,
		  const struct node_id *node_id, const struct blob_judge *j)
{
	const struct crypto *c = j->crypto;
	struct slice in[2] = { id_slice(node_id, j->overlay->node_id_length),
			       der };
	bool with_id = id->identity_type == SIGNER_CERT_HASH_NODE_ID;
	uint8_t hash[HASH_LEN_MAX];
	size_t len;

	if (!with_id && id->identity_type != SIGNER_CERT_HASH)
		return false;
	return c->hash(c->ctx, id->hash_alg, with_id ? in : in + 1,
		       with_id ? 2 : 1, hash, &len) == OK &&
	       slice_eq(slice_of(hash, len), id->hash);
}

/* One of the certificate's Node-IDs that may sign and is the one in use. */
static const struct node_id *signer_of(const struct cert *cert,
				       const struct signer_identity *id,
				       const struct blob_judge *j)
{
	for (size_t i = 0; i < cert->n_node_ids; i++)
		for (size_t k = 0; k < j->n_signers; k++)
			if (id_eq(&cert->node_ids[i], &j->signers[k]) &&
			    names(id, cert->der, &cert->node_ids[i], j))
				return &cert->node_ids[i];
	return NULL;
}

/* Is this certificate the signer's, valid now, and of one who may sign? */
static enum err judge(const struct cert *cert, const struct signature *sig,
		      const struct blob_judge *j, struct node_id *who,
		      struct why *why)
{
	const struct node_id *id = signer_of(cert, &sig->identity, j);

	if (id == NULL)
		return bad(why, "made by a node that is not listed as signer");
	for (size_t i = 0; i < cert->n_node_ids; i++)
		if (overlay_is_bad_node(j->overlay, &cert->node_ids[i]))
			return bad(why, "its signer is listed as bad-node");
	if (j->now_ms < cert->not_before_ms || j->now_ms > cert->not_after_ms)
		return bad(why, "its signer's certificate is not valid now");
	*who = *id;
	return OK;
}

/* The certificate that the identity names, opened: of the block's. */
static enum err open_signer(const struct security_block *b,
			    const struct blob_judge *j, struct cert **out,
			    struct why *why)
{
	const struct generic_certificate *v = b->certificates.v;
	struct slice others[BLOB_CERTS_MAX];
	struct why reason = { "" };
	enum err r;

	if (b->certificates.n > BLOB_CERTS_MAX)
		return bad(why, "it carries too many certificates");
	for (uint32_t i = 0; i < b->certificates.n; i++)
		others[i] = v[i].certificate;
	/* With cert_hash one certificate fits; else all that open are tried,
	 * and signer_of() decides. */
	for (uint32_t i = 0; i < b->certificates.n; i++) {
		bool by_hash = b->signature.identity.identity_type ==
			       SIGNER_CERT_HASH;
		struct node_id none = { { 0 } };

		if (v[i].type != CERTIFICATE_X509 ||
		    (by_hash && !names(&b->signature.identity, v[i].certificate,
				       &none, j)))
			continue;
		r = j->crypto->cert_open(j->crypto->ctx, v[i].certificate,
					 others, b->certificates.n, out,
					 &reason);
		if (r == ERR_NOMEM)
			return r;
		if (r == OK &&
		    (by_hash ||
		     signer_of(*out, &b->signature.identity, j) != NULL))
			return OK;
		if (r == OK)
			j->crypto->cert_unref(j->crypto->ctx, *out);
	}
	if (reason.text[0] != '\0')
		return why_err(why, ERR_CONFIG_SIGNATURE,
			       "its signer's certificate: %.200s", reason.text);
	return bad(why, "it does not carry its signer's certificate");
}

static enum err check(struct slice blob, const struct security_block *b,
		      const struct blob_judge *j, const struct wire_env *env,
		      struct node_id *who, struct why *why)
{
	const struct signature *sig = &b->signature;
	struct buf input = BUF_INIT(2 * OVERLAY_DOCUMENT_MAX);
	struct cert *cert;
	enum err r;

	if ((r = open_signer(b, j, &cert, why)) != OK)
		return r;
	if ((r = judge(cert, sig, j, who, why)) == OK &&
	    (r = buf_append_slice(&input, blob)) == OK &&
	    (r = signer_identity_encode(&sig->identity, &input, env)) == OK) {
		r = j->crypto->verify(j->crypto->ctx, cert, sig->algorithm.hash,
				      sig->algorithm.signature,
				      buf_slice(&input), sig->signature_value);
		if (r == ERR_ALGORITHM)
			r = bad(why, "made with an unknown algorithm");
		else if (r == ERR_SIGNATURE)
			r = bad(why, "what is signed has been changed since");
	}
	j->crypto->cert_unref(j->crypto->ctx, cert);
	buf_clear(&input);
	return r;
}

enum err blob_verify(struct slice blob, struct slice base64,
		     const struct blob_judge *j, struct node_id *who,
		     struct why *why)
{
	struct wire_env env = { .node_id_len = j->overlay->node_id_length };
	struct arena a = ARENA_INIT(BLOB_BLOCK_MAX);
	struct buf bytes = BUF_INIT(BLOB_BLOCK_MAX);
	struct security_block b;
	enum err r;

	if (text_unbase64(&bytes, base64) != OK)
		r = bad(why, "not in base64");
	else if (security_block_decode(&b, buf_slice(&bytes), &a, &env) != OK)
		r = bad(why, "not a SecurityBlock");
	else
		r = check(blob, &b, j, &env, who, why);
	arena_free(&a);
	buf_clear(&bytes);
	return r;
}

/* A block of the signer's certificates with the identity filled in; `hash`
 * holds what the identity points to. */
static enum err prepare(struct security_block *b, const struct crypto *c,
			const struct signer *s, uint8_t node_id_len,
			struct arena *a, uint8_t hash[HASH_LEN_MAX])
{
	struct slice in[2] = { id_slice(&s->node_id, node_id_len),
			       s->cert->der };
	bool several = s->cert->n_node_ids > 1;
	struct generic_certificate *v;
	size_t n = 1 + s->n_chain, len;
	enum err r;

	if ((v = arena_zalloc(a, n, sizeof(*v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		v[i].type = CERTIFICATE_X509;
		v[i].certificate = i == 0 ? s->cert->der : s->chain[i - 1];
	}
	r = c->hash(c->ctx, HASH_SHA256, several ? in : in + 1, several ? 2 : 1,
		    hash, &len);
	if (r != OK)
		return r;
	*b = (struct security_block){
		.certificates = { v, (uint32_t)n },
		.signature = {
			.algorithm = { s->hash, s->sig },
			.identity = {
				.identity_type = several
						 ? SIGNER_CERT_HASH_NODE_ID
						 : SIGNER_CERT_HASH,
				.hash_alg = HASH_SHA256,
				.hash = slice_of(hash, len),
			},
		},
	};
	return OK;
}

enum err blob_sign(struct buf *base64, struct slice blob,
		   const struct crypto *c, const struct signer *s,
		   uint8_t node_id_len)
{
	struct wire_env env = { .node_id_len = node_id_len };
	struct arena a = ARENA_INIT(BLOB_BLOCK_MAX);
	struct buf input = BUF_INIT(2 * OVERLAY_DOCUMENT_MAX);
	struct buf value = BUF_INIT(BLOB_BLOCK_MAX);
	struct buf bytes = BUF_INIT(BLOB_BLOCK_MAX);
	uint8_t hash[HASH_LEN_MAX];
	struct security_block b;
	enum err r;

	if ((r = prepare(&b, c, s, node_id_len, &a, hash)) != OK ||
	    (r = buf_append_slice(&input, blob)) != OK ||
	    (r = signer_identity_encode(&b.signature.identity, &input, &env)) !=
		    OK ||
	    (r = c->sign(c->ctx, s, buf_slice(&input), &value)) != OK)
		goto out;
	b.signature.signature_value = buf_slice(&value);
	if ((r = security_block_encode(&b, &bytes, &env)) == OK)
		r = text_base64(base64, buf_slice(&bytes));
out:
	arena_free(&a);
	buf_clear(&input);
	buf_clear(&value);
	buf_clear(&bytes);
	return r;
}
