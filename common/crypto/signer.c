/* SPDX-License-Identifier: ISC */
/*
 * Opens an identity: certificate, chain and private key.  Where they come from
 * is the home's matter.  RFC 6940 s6.3.4.
 */
#include "crypto/signer.h"

#include <openssl/err.h>
#include <stdlib.h>

#include "base/text.h"
#include "crypto/handle.h"
#include "crypto/key.h"
#include "crypto/pem.h"

enum { CHAIN_MAX = 5, CHAIN_BYTES_MAX = 256 << 10 };

/* struct signer with what it points to. */
struct signer_holder {
	struct signer signer;
	struct slice chain[CHAIN_MAX];
	struct buf der; /* own certificate and chain, one after the other */
};

/* Splits PEM (or one DER certificate) into h->chain; `*own` is the first. */
static enum err split(struct signer_holder *h, struct slice text,
		      struct slice *own, struct why *why)
{
	size_t starts[CHAIN_MAX + 2] = { 0 }, n = 0;
	enum err r;

	if (text.len == 0) /* memmem() takes no NULL */
		return why_err(why, ERR_DATA, "there is no certificate");
	if (memmem(text.p, text.len, "-----BEGIN ", 11) == NULL) {
		if ((r = buf_append_slice(&h->der, text)) != OK)
			return r;
		starts[n = 1] = h->der.len;
	} else {
		while ((r = pem_next(&text, PEM_CERTIFICATE, &h->der)) == OK) {
			if (n == CHAIN_MAX + 1)
				return why_err(why, ERR_DATA,
					       "more than %d certificates",
					       CHAIN_MAX + 1);
			starts[++n] = h->der.len;
		}
		if (r != ERR_NOT_FOUND)
			return why_err(why, r, "a certificate is malformed");
	}
	if (n == 0 || starts[1] == 0)
		return why_err(why, ERR_DATA, "there is no certificate");
	*own = slice_of(h->der.p, starts[1]);
	for (size_t i = 1; i < n; i++)
		h->chain[i - 1] = slice_of(h->der.p + starts[i],
					   starts[i + 1] - starts[i]);
	h->signer.chain = h->chain;
	h->signer.n_chain = n - 1;
	return OK;
}

static enum err pick_node_id(struct signer *s, const struct node_id *wanted,
			     struct why *why)
{
	if (wanted == NULL) {
		s->node_id = s->cert->node_ids[0];
		return OK;
	}
	for (size_t i = 0; i < s->cert->n_node_ids; i++) {
		if (id_eq(wanted, &s->cert->node_ids[i])) {
			s->node_id = *wanted;
			return OK;
		}
	}
	return why_err(why, ERR_CERT,
		       "the certificate does not have this Node-ID");
}

enum err signer_open(struct signer **out, const struct crypto *c,
		     const struct signer_args *args, struct why *why)
{
	struct signer_holder *h = calloc(1, sizeof(*h));
	struct key *key = NULL;
	struct slice own;
	enum err r;

	if (h == NULL)
		return ERR_NOMEM;
	h->der.max = CHAIN_BYTES_MAX;
	if ((r = key_load(args->key, &key, why)) != OK)
		goto out;
	h->signer.key = key;
	h->signer.sig = key->sig;
	h->signer.hash = key->sig == SIGNATURE_ED25519 ? HASH_INTRINSIC
						       : HASH_SHA256;
	if ((r = split(h, args->cert, &own, why)) != OK)
		goto out;
	r = args->checked
		    ? openssl_cert_own(c, own, &h->signer.cert, why)
		    : c->cert_open(c->ctx, own, h->chain, h->signer.n_chain,
				   &h->signer.cert, why);
	if (r != OK)
		goto out;
	if (EVP_PKEY_eq(key->pkey, ((struct key *)h->signer.cert->key)->pkey) !=
	    1) {
		ERR_clear_error();
		r = why_err(why, ERR_CERT,
			    "the private key is not the certificate's");
		goto out;
	}
	if ((r = pick_node_id(&h->signer, args->node_id, why)) != OK)
		goto out;
	*out = &h->signer;
	h = NULL;
out:
	if (h != NULL)
		signer_close(&h->signer, c);
	return r;
}

void signer_close(struct signer *s, const struct crypto *c)
{
	struct signer_holder *h = (struct signer_holder *)(void *)s;

	if (s == NULL)
		return;
	c->cert_unref(c->ctx, s->cert);
	key_free(s->key);
	buf_clear(&h->der);
	free(h);
}

enum err signer_check_time(const struct signer *s, uint64_t now_ms,
			   struct why *why)
{
	char when[32];

	if (now_ms < s->cert->not_before_ms)
		return why_err(why, ERR_CERT_EXPIRED,
			       "the certificate is valid from %s on: is this "
			       "computer's clock right?",
			       text_format_time(s->cert->not_before_ms, when));
	if (now_ms > s->cert->not_after_ms)
		return why_err(why, ERR_CERT_EXPIRED,
			       "the certificate expired at %s: run p2psip-join "
			       "--renew",
			       text_format_time(s->cert->not_after_ms, when));
	return OK;
}
