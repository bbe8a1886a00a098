/* SPDX-License-Identifier: ISC */
/*
 * struct crypto on OpenSSL: puts together digests, keys (key.c), names (cert.c)
 * and chains (chain.c).  Knows no message and no clock.  RFC 6940 s6.3.4,
 * s11.3.
 */
#include "crypto/openssl.h"

#include <assert.h>
#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>

#include "crypto/cert.h"
#include "crypto/chain.h"
#include "crypto/handle.h"

/* Digests fetched once: looking one up by name costs more than a short hash. */
enum { HASHES = HASH_SHA512 + 1, OVERLAY_MAX = 253 };

struct openssl {
	struct crypto crypto; /* whose ctx is this */
	EVP_MD *md[HASHES];
	EVP_MD_CTX *md_ctx;
	struct chain chain;
	char overlay[OVERLAY_MAX + 1];
	uint8_t node_id_length;
	bool self_signed_permitted;
	uint8_t self_signed_digest;
};

static const EVP_MD *digest_of(struct openssl *o, uint8_t alg)
{
	static const char *const names[HASHES] = {
		[HASH_SHA1] = "SHA1",
		[HASH_SHA256] = "SHA256",
		[HASH_SHA384] = "SHA384",
		[HASH_SHA512] = "SHA512",
	};

	if (alg >= HASHES || names[alg] == NULL)
		return NULL;
	if (o->md[alg] == NULL)
		o->md[alg] = EVP_MD_fetch(NULL, names[alg], NULL);
	return o->md[alg];
}

static enum err openssl_hash(void *ctx, uint8_t alg, const struct slice *in,
			     size_t n, uint8_t out[HASH_LEN_MAX], size_t *len)
{
	struct openssl *o = ctx;
	const EVP_MD *md = digest_of(o, alg);
	unsigned int got;

	if (md == NULL)
		return ERR_ALGORITHM;
	if (EVP_DigestInit_ex2(o->md_ctx, md, NULL) != 1)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		if (EVP_DigestUpdate(o->md_ctx, in[i].p, in[i].len) != 1)
			return ERR_NOMEM;
	}
	if (EVP_DigestFinal_ex(o->md_ctx, out, &got) != 1)
		return ERR_NOMEM;
	*len = got;
	return OK;
}

/* Does a pair of codes fit a key?  SHA-1 and MD5 are refused: who can make two
 * values with one digest can swap what was signed. */
static bool fits(const struct key *k, uint8_t hash, uint8_t sig)
{
	if (sig != k->sig)
		return false;
	return sig == SIGNATURE_ED25519
		       ? hash == HASH_INTRINSIC
		       : hash == HASH_SHA256 || hash == HASH_SHA384 ||
				 hash == HASH_SHA512;
}

static enum err openssl_verify(void *ctx, const struct cert *c, uint8_t hash,
			       uint8_t sig, struct slice input,
			       struct slice value)
{
	struct openssl *o = ctx;
	struct key *k = c->key;
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if (!fits(k, hash, sig))
		return ERR_ALGORITHM;
	if (sig == SIGNATURE_ED25519)
		return key_verify_whole(k, input, value);
	if ((r = openssl_hash(o, hash, &input, 1, digest, &len)) != OK)
		return r;
	return key_verify_digest(k, hash, digest_of(o, hash),
				 slice_of(digest, len), value);
}

static enum err openssl_sign(void *ctx, const struct signer *s,
			     struct slice input, struct buf *value)
{
	struct openssl *o = ctx;
	struct key *k = s->key;
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if (!fits(k, s->hash, s->sig))
		return ERR_ALGORITHM;
	if (s->sig == SIGNATURE_ED25519)
		return key_sign_whole(k, input, value);
	if ((r = openssl_hash(o, s->hash, &input, 1, digest, &len)) != OK)
		return r;
	return key_sign_digest(k, s->hash, digest_of(o, s->hash),
			       slice_of(digest, len), value);
}

/* RFC 6940 s11.3.1: the Node-IDs come from the key, so that none can be stolen.
 * CHOICE: of several the index is their place in the certificate. */
static enum err check_self_signed(struct openssl *o, X509 *x, struct cert *cert,
				  struct why *why)
{
	unsigned char *spki = NULL;
	uint8_t digest[HASH_LEN_MAX], index[4] = { 0 };
	int spki_len;
	size_t len;
	enum err r;

	if ((r = chain_check_alone(x, why)) != OK)
		return r;
	spki_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
	if (spki_len <= 0)
		return ERR_NOMEM;
	for (uint8_t i = 0; r == OK && i < cert->n_node_ids; i++) {
		struct slice in[2] = { slice_of(index, sizeof(index)),
				       slice_of(spki, (size_t)spki_len) };
		size_t first = cert->n_node_ids == 1 ? 1 : 0;

		index[3] = (uint8_t)(i + 1);
		r = openssl_hash(o, o->self_signed_digest, in + first,
				 2 - first, digest, &len);
		if (r == OK &&
		    memcmp(digest, cert->node_ids[i].b, o->node_id_length) != 0)
			r = why_err(why, ERR_CERT,
				    "the self-signed certificate's Node-ID is "
				    "not its key's");
	}
	OPENSSL_free(spki);
	cert->self_signed = true;
	return r;
}

static enum err hash_cert(struct openssl *o, struct cert *c)
{
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r = openssl_hash(o, HASH_SHA256, &c->der, 1, digest, &len);

	if (r == OK)
		memcpy(c->hash, digest, CERT_HASH_LEN);
	return r;
}

static enum err open_cert(struct openssl *o, X509 *x, STACK_OF(X509) * stack,
			  const struct slice *others, size_t n_others,
			  struct cert **out, struct why *why)
{
	struct cert *c = NULL;
	enum err r;

	if ((r = cert_new(&c, x, o->overlay, o->node_id_length, why)) != OK ||
	    (r = hash_cert(o, c)) != OK)
		goto out;
	if (o->self_signed_permitted && chain_is_self_signed(x))
		r = check_self_signed(o, x, c, why);
	else if (stack != NULL)
		r = chain_check(&o->chain, x, stack, c, why);
	else
		r = chain_check_der(&o->chain, x, others, n_others, c, why);
	if (r != OK)
		goto out;
	*out = c;
	c = NULL;
out:
	cert_free(c);
	return r;
}

static enum err openssl_cert_open(void *ctx, struct slice der,
				  const struct slice *others, size_t n_others,
				  struct cert **out, struct why *why)
{
	X509 *x;
	enum err r;

	if ((r = cert_parse(der, &x, why)) != OK)
		return r;
	r = open_cert(ctx, x, NULL, others, n_others, out, why);
	X509_free(x);
	return r;
}

enum err openssl_cert_check(const struct crypto *c, X509 *x,
			    STACK_OF(X509) * others, struct cert **out,
			    struct why *why)
{
	return open_cert(c->ctx, x, others, NULL, 0, out, why);
}

enum err openssl_cert_own(const struct crypto *crypto, struct slice der,
			  struct cert **out, struct why *why)
{
	struct openssl *o = crypto->ctx;
	struct cert *c = NULL;
	X509 *x;
	enum err r;

	if ((r = cert_parse(der, &x, why)) != OK)
		return r;
	if ((r = cert_new(&c, x, o->overlay, o->node_id_length, why)) != OK ||
	    (r = hash_cert(o, c)) != OK) {
		cert_free(c);
	} else {
		c->self_signed = o->self_signed_permitted &&
				 X509_NAME_cmp(X509_get_subject_name(x),
					       X509_get_issuer_name(x)) == 0;
		*out = c;
	}
	X509_free(x);
	return r;
}

static void openssl_cert_unref(void *ctx, struct cert *c)
{
	(void)ctx;
	cert_free(c);
}

enum err openssl_set_trust(struct crypto *c, const struct openssl_trust *t,
			   struct why *why)
{
	struct openssl *o = c->ctx;
	struct chain chain;
	enum err r;

	assert(t->node_id_length <= NODE_ID_MAX);
	if (strlen(t->overlay) > OVERLAY_MAX)
		return why_err(why, ERR_CONFIG,
			       "the overlay's name is longer "
			       "than a DNS name");
	if ((r = chain_init(&chain, t->root_certs, t->n_root_certs, why)) != OK)
		return r;
	chain_clear(&o->chain);
	o->chain = chain;
	strlcpy(o->overlay, t->overlay, sizeof(o->overlay));
	o->node_id_length = t->node_id_length;
	o->self_signed_permitted = t->self_signed_permitted;
	o->self_signed_digest = t->self_signed_digest;
	return OK;
}

enum err openssl_new(struct crypto **out, const struct openssl_trust *t,
		     struct why *why)
{
	struct openssl *o;
	enum err r;

	/* No openssl.cnf and no clearing up at exit: a one-shot tool starts
	 * half a millisecond sooner. */
	if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG |
					OPENSSL_INIT_NO_ATEXIT,
				NULL) != 1)
		return ERR_SYS;
	if ((o = calloc(1, sizeof(*o))) == NULL)
		return ERR_NOMEM;
	o->crypto = (struct crypto){
		.ctx = o,
		.hash = openssl_hash,
		.cert_open = openssl_cert_open,
		.cert_unref = openssl_cert_unref,
		.verify = openssl_verify,
		.sign = openssl_sign,
	};
	r = (o->md_ctx = EVP_MD_CTX_new()) == NULL
		    ? ERR_NOMEM
		    : openssl_set_trust(&o->crypto, t, why);
	if (r != OK) {
		openssl_free(&o->crypto);
		return r;
	}
	*out = &o->crypto;
	return OK;
}

void openssl_free(struct crypto *c)
{
	struct openssl *o;

	if (c == NULL)
		return;
	o = c->ctx;
	chain_clear(&o->chain);
	for (size_t i = 0; i < HASHES; i++)
		EVP_MD_free(o->md[i]);
	EVP_MD_CTX_free(o->md_ctx);
	free(o);
}

enum err openssl_random(void *out, size_t len)
{
	return len <= INT_MAX && RAND_bytes(out, (int)len) == 1 ? OK : ERR_SYS;
}
