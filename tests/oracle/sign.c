/* SPDX-License-Identifier: ISC */
/* Makes what a vector signed again and verifies it; the keys are the vector's.
 */
#include "sign.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/text.h"

bool sign_sha1(const char *text, uint8_t out[static 20])
{
	return EVP_Digest(text, strlen(text), out, NULL, EVP_sha1(), NULL) == 1;
}

static const EVP_MD *md(uint8_t hash)
{
	switch (hash) {
	case HASH_SHA1:
		return EVP_sha1();
	case HASH_SHA256:
		return EVP_sha256();
	case HASH_SHA384:
		return EVP_sha384();
	case HASH_SHA512:
		return EVP_sha512();
	default:
		return NULL;
	}
}

static bool key_fits(const EVP_PKEY *key, uint8_t algorithm)
{
	switch (algorithm) {
	case SIGNATURE_RSA:
		return EVP_PKEY_base_id(key) == EVP_PKEY_RSA;
	case SIGNATURE_ECDSA:
		return EVP_PKEY_base_id(key) == EVP_PKEY_EC;
	case SIGNATURE_ED25519:
		return EVP_PKEY_base_id(key) == EVP_PKEY_ED25519;
	default:
		return false;
	}
}

static bool verify(X509 *cert, const struct signature *s, struct slice input)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY *key = X509_get0_pubkey(cert);
	bool good;

	good = ctx != NULL && key != NULL &&
	       key_fits(key, s->algorithm.signature) &&
	       EVP_DigestVerifyInit(ctx, NULL, md(s->algorithm.hash), NULL,
				    key) == 1 &&
	       EVP_DigestVerify(ctx, s->signature_value.p,
				s->signature_value.len, input.p,
				input.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good;
}

/* Appends the Node-ID of a reload URI, after the two type and length bytes. */
static bool node_id(const GENERAL_NAME *name, size_t len, struct buf *out)
{
	static const char scheme[] = "reload://";
	const char *uri;
	char hex[2 * (NODE_ID_MAX + 2) + 1] = "";

	if (name->type != GEN_URI)
		return false;
	uri = (const char *)ASN1_STRING_get0_data(
		name->d.uniformResourceIdentifier);
	if (strncmp(uri, scheme, sizeof(scheme) - 1) != 0)
		return false;
	uri += sizeof(scheme) - 1;
	if (strcspn(uri, "@") == 2 * len + 4)
		uri += 4;
	if (strcspn(uri, "@") != 2 * len)
		return false;
	memcpy(hex, uri, 2 * len);
	return text_unhex(out, hex) == OK;
}

/* Is it the hash of this certificate, with one of its Node-IDs before or
 * without? */
static bool identifies(X509 *cert, const struct signer_identity *who,
		       size_t id_len)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name,
						NULL, NULL);
	struct buf b = BUF_INIT(1 << 20);
	uint8_t hash[EVP_MAX_MD_SIZE], *der = NULL;
	int der_len = i2d_X509(cert, &der), n = sk_GENERAL_NAME_num(names);
	unsigned hash_len;
	bool found = false;

	if (who->identity_type == SIGNER_CERT_HASH)
		n = 1;
	for (int i = 0; der_len > 0 && !found && i < n; i++) {
		b.len = 0;
		if (who->identity_type != SIGNER_CERT_HASH &&
		    !node_id(sk_GENERAL_NAME_value(names, i), id_len, &b))
			continue;
		found = buf_append(&b, der, (size_t)der_len) == OK &&
			md(who->hash_alg) != NULL &&
			EVP_Digest(b.p, b.len, hash, &hash_len,
				   md(who->hash_alg), NULL) == 1 &&
			slice_eq(slice_of(hash, hash_len), who->hash);
	}
	GENERAL_NAMES_free(names);
	OPENSSL_free(der);
	buf_clear(&b);
	return found;
}

struct check {
	const struct complaint *c;
	const struct wire_env *env;
	STACK_OF(X509) * certs; /* of certificate_pem, then of the message */
	unsigned bad;
};

static void say(struct check *k, const char *path, const char *words)
{
	k->c->say(k->c->ctx, path, words);
	k->bad++;
}

static X509 *signer(const struct check *k, const struct signer_identity *who)
{
	for (int i = 0; i < sk_X509_num(k->certs); i++)
		if (identifies(sk_X509_value(k->certs, i), who,
			       k->env->node_id_len))
			return sk_X509_value(k->certs, i);
	return NULL;
}

static void collect(struct check *k, const char *pem, const struct message *m)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *cert;

	while ((cert = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(k->certs, cert);
	BIO_free(bio);
	if (sk_X509_num(k->certs) == 0)
		say(k, "certificate_pem", "is not a certificate");
	for (uint32_t i = 0; i < m->security.certificates.n; i++) {
		struct slice der = m->security.certificates.v[i].certificate;
		const uint8_t *p = der.p;

		if ((cert = d2i_X509(NULL, &p, (long)der.len)) != NULL)
			sk_X509_push(k->certs, cert);
	}
}

/* One signature over `input`, which must be the listed one, where one is
 * listed. */
static void check_one(struct check *k, const char *path, const char *listed,
		      struct slice input, const struct signature *s)
{
	struct buf want = BUF_INIT(1 << 24);
	X509 *cert;

	if (listed != NULL && (text_unhex(&want, listed) != OK ||
			       !slice_eq(buf_slice(&want), input)))
		say(k, path, "the signature input differs");
	buf_clear(&want);
	if ((cert = signer(k, &s->identity)) == NULL)
		say(k, path, "the identity is not that of a certificate");
	else if (!verify(cert, s, input))
		say(k, path, "the signature does not verify");
}

/* The listed inputs of values: one string, or a list of them. */
static const char *listed_value(const struct json *inputs, unsigned i)
{
	const struct json *v = json_get(inputs, "stored_data");

	if (v == NULL || v->type == JSON_STRING)
		return v != NULL && i == 0 ? v->text : NULL;
	for (v = v->child; v != NULL && i > 0; i--)
		v = v->next;
	return v != NULL ? v->text : NULL;
}

static void check_values(struct check *k, const struct json *inputs,
			 struct slice resource, uint32_t kind,
			 const struct stored_data_list *values, unsigned *n)
{
	const struct kind *model = kinds_find(k->env->kinds, kind);
	struct buf b = BUF_INIT(1 << 24);

	for (uint32_t i = 0; model != NULL && i < values->n; i++) {
		const struct stored_data *d = &values->v[i];

		if (signature_is_none(&d->signature))
			continue;
		b.len = 0;
		if (stored_data_tbs(&b, resource, kind, model->model, d,
				    &d->signature.identity) != OK)
			say(k, "signature_inputs.stored_data", "not made");
		else
			check_one(k, "signature_inputs.stored_data",
				  listed_value(inputs, *n), buf_slice(&b),
				  &d->signature);
		++*n;
	}
	buf_clear(&b);
}

static void check_body(struct check *k, const struct json *inputs,
		       const struct message *m, const void *body)
{
	const struct store_req *store = body;
	const struct fetch_ans *fetch = body;
	struct buf resource = BUF_INIT(1 << 24);
	const char *first = listed_value(inputs, 0);
	unsigned n = 0;

	if (m->contents.message_code == MSG_STORE_REQ)
		for (uint32_t i = 0; i < store->kind_data.n; i++)
			check_values(k, inputs, store->resource,
				     store->kind_data.v[i].kind,
				     &store->kind_data.v[i].values, &n);
	/* A FetchAns does not say where its values are: the listed input does.
	 */
	if (m->contents.message_code == MSG_FETCH_ANS && first != NULL &&
	    text_unhex(&resource, first) == OK && resource.len > 0 &&
	    resource.p[0] < resource.len)
		for (uint32_t i = 0; i < fetch->kind_responses.n; i++)
			check_values(k, inputs,
				     slice_of(resource.p + 1, resource.p[0]),
				     fetch->kind_responses.v[i].kind,
				     &fetch->kind_responses.v[i].values, &n);
	buf_clear(&resource);
	if (first != NULL && n == 0)
		say(k, "signature_inputs.stored_data", "no value is signed");
}

unsigned sign_check(const struct json *vector, const struct message *m,
		    const void *body, const struct wire_env *env,
		    const struct complaint *c)
{
	const struct json *inputs = json_get(vector, "signature_inputs");
	const char *pem = json_string(vector, "certificate_pem");
	struct check k = { .c = c, .env = env };
	struct buf b = BUF_INIT(1 << 24);

	if (inputs == NULL || pem == NULL)
		return 0;
	k.certs = sk_X509_new_null();
	collect(&k, pem, m);
	if (message_tbs(&b, m->header.overlay, m->header.transaction_id,
			m->contents_bytes,
			&m->security.signature.identity) != OK)
		say(&k, "signature_inputs.message", "not made");
	else
		check_one(&k, "signature_inputs.message",
			  json_string(inputs, "message"), buf_slice(&b),
			  &m->security.signature);
	buf_clear(&b);
	check_body(&k, inputs, m, body);
	sk_X509_pop_free(k.certs, X509_free);
	return k.bad;
}
