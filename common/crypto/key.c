/* SPDX-License-Identifier: ISC */
/*
 * Key pairs: making, loading and saving them, and the bare signature
 * operations. Which key signs what is not decided here.  RFC 6940 s6.3.4, RFC
 * 5958 (PKCS #8), RFC 5915 (EC private keys).
 */
#include "crypto/key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "crypto/handle.h"
#include "crypto/pem.h"

enum {
	RSA_BITS_MIN = 1024,
	RSA_BITS_MAX = 8192,
	SIGNATURE_MAX = RSA_BITS_MAX / 8, /* bytes, of any signature */
	KEY_DER_MAX = 16 << 10            /* bytes */
};

enum err key_type_parse(enum key_type *out, const char *name)
{
	static const char *const names[] = { [KEY_P256] = "p256",
					     [KEY_RSA2048] = "rsa2048",
					     [KEY_ED25519] = "ed25519" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(name, names[i]) == 0) {
			*out = (enum key_type)i;
			return OK;
		}
	}
	return ERR_USAGE;
}

enum err key_wrap_take(EVP_PKEY *pkey, struct key **out)
{
	struct key *k;
	uint8_t sig = SIGNATURE_ANONYMOUS;
	int bits = EVP_PKEY_get_bits(pkey);

	switch (EVP_PKEY_get_base_id(pkey)) {
	case EVP_PKEY_RSA:
		if (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX)
			sig = SIGNATURE_RSA;
		break;
	case EVP_PKEY_EC:
		if (bits >= 256)
			sig = SIGNATURE_ECDSA;
		break;
	case EVP_PKEY_ED25519:
		sig = SIGNATURE_ED25519;
		break;
	default:
		break;
	}
	if (sig == SIGNATURE_ANONYMOUS) {
		EVP_PKEY_free(pkey);
		return ERR_ALGORITHM;
	}
	if ((k = calloc(1, sizeof(*k))) == NULL) {
		EVP_PKEY_free(pkey);
		return ERR_NOMEM;
	}
	k->pkey = pkey;
	k->sig = sig;
	*out = k;
	return OK;
}

void key_free(struct key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_CTX_free(k->verify);
	EVP_PKEY_CTX_free(k->sign);
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum err key_generate(enum key_type type, struct key **out)
{
	EVP_PKEY *pkey = NULL;

	switch (type) {
	case KEY_P256:
		pkey = EVP_EC_gen("P-256");
		break;
	case KEY_RSA2048:
		pkey = EVP_RSA_gen(2048);
		break;
	case KEY_ED25519:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	return pkey == NULL ? ERR_SYS : key_wrap_take(pkey, out);
}

/* One element of DER; `in` goes on behind it.  False when it is not `tag` or
 * does not end inside. */
static bool der_take(struct slice *in, int tag, struct slice *content)
{
	const unsigned char *p = in->p;
	long len;
	int got_tag, class;

	if (in->len > KEY_DER_MAX ||
	    (ASN1_get_object(&p, &len, &got_tag, &class, (long)in->len) &
	     0x81) != 0 ||
	    got_tag != tag)
		return false;
	*content = slice_of(p, (size_t)len);
	p += len;
	*in = slice_of(p, in->len - (size_t)(p - in->p));
	return true;
}

/* ECPrivateKey (RFC 5915 s3) on P-256 with its public key, or NULL. */
static EVP_PKEY *p256_from_der(struct slice in)
{
	struct slice seq, version, private_key, params, tagged, point;
	OSSL_PARAM_BLD *bld = NULL;
	OSSL_PARAM *p = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	EVP_PKEY *pkey = NULL;
	BIGNUM *bn = NULL;

	if (!der_take(&in, V_ASN1_SEQUENCE, &seq) ||
	    !der_take(&seq, V_ASN1_INTEGER, &version) ||
	    !der_take(&seq, V_ASN1_OCTET_STRING, &private_key))
		return NULL;
	if (seq.len > 0 && seq.p[0] == 0xa0 && !der_take(&seq, 0, &params))
		return NULL;
	if (!der_take(&seq, 1, &tagged) ||
	    !der_take(&tagged, V_ASN1_BIT_STRING, &point) ||
	    private_key.len != 32 || point.len != 66)
		return NULL;
	bn = BN_secure_new();
	bld = OSSL_PARAM_BLD_new();
	ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	if (bn == NULL || bld == NULL || ctx == NULL ||
	    BN_bin2bn(private_key.p, 32, bn) == NULL ||
	    OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
					    "P-256", 0) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
					     point.p + 1, 65) != 1 ||
	    (p = OSSL_PARAM_BLD_to_param(bld)) == NULL ||
	    EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, p) != 1)
		pkey = NULL;
	BN_clear_free(bn);
	OSSL_PARAM_free(p);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/*
 * The commonest kinds are built directly: OpenSSL's own loader starts all its
 * decoders, which costs a one-shot tool half a millisecond.
 */
static EVP_PKEY *pkcs8_fast(const PKCS8_PRIV_KEY_INFO *p8)
{
	const ASN1_OBJECT *oid, *curve;
	const X509_ALGOR *alg;
	const unsigned char *p;
	const void *value;
	int len, value_type;
	struct slice in, seed;

	if (PKCS8_pkey_get0(&oid, &p, &len, &alg, p8) != 1 || len < 0)
		return NULL;
	in = slice_of(p, (size_t)len);
	X509_ALGOR_get0(NULL, &value_type, &value, alg);
	switch (OBJ_obj2nid(oid)) {
	case NID_X9_62_id_ecPublicKey:
		curve = value;
		if (value_type != V_ASN1_OBJECT ||
		    OBJ_obj2nid(curve) != NID_X9_62_prime256v1)
			return NULL;
		return p256_from_der(in);
	case NID_ED25519:
		if (!der_take(&in, V_ASN1_OCTET_STRING, &seed))
			return NULL;
		return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
						    seed.p, seed.len);
	default:
		return NULL;
	}
}

enum err key_load(struct slice in, struct key **out, struct why *why)
{
	struct buf der = BUF_INIT(KEY_DER_MAX);
	PKCS8_PRIV_KEY_INFO *p8 = NULL;
	EVP_PKEY *pkey = NULL;
	const unsigned char *p;
	enum err r;

	if (in.len == 0 || memmem(in.p, in.len, "-----BEGIN ", 11) == NULL)
		r = buf_append_slice(&der, in);
	else
		r = pem_next(&in, PEM_PRIVATE_KEY, &der);
	if (r != OK) {
		r = r == ERR_NOMEM ? r
				   : why_err(why, ERR_DATA,
					     "no private key in PKCS #8 form");
		goto out;
	}
	ERR_clear_error();
	p = der.p;
	p8 = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long)der.len);
	if (p8 != NULL && (pkey = pkcs8_fast(p8)) == NULL)
		pkey = EVP_PKCS82PKEY(p8);
	if (pkey == NULL) {
		r = why_err(why, ERR_DATA, "the private key is malformed");
		goto out;
	}
	if ((r = key_wrap_take(pkey, out)) != OK)
		r = why_err(why, r, "not an RSA, ECDSA or Ed25519 key");
out:
	ERR_clear_error();
	PKCS8_PRIV_KEY_INFO_free(p8);
	buf_wipe(&der);
	return r;
}

enum err key_save(const struct key *k, struct buf *pem)
{
	PKCS8_PRIV_KEY_INFO *p8 = EVP_PKEY2PKCS8(k->pkey);
	unsigned char *der = NULL;
	int len = p8 == NULL ? -1 : i2d_PKCS8_PRIV_KEY_INFO(p8, &der);
	enum err r;

	r = len <= 0 ? ERR_NOMEM
		     : pem_append(pem, PEM_PRIVATE_KEY,
				  slice_of(der, (size_t)len));
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	PKCS8_PRIV_KEY_INFO_free(p8);
	return r;
}

enum err key_hash(const struct key *k, uint8_t out[HASH_LEN_MAX])
{
	unsigned char *der = NULL;
	int len = i2d_PUBKEY(k->pkey, &der);
	bool ok = len > 0 && EVP_Q_digest(NULL, "SHA256", NULL, der,
					  (size_t)len, out, NULL) == 1;

	OPENSSL_free(der);
	return ok ? OK : ERR_NOMEM;
}

/* A context for `md`, started by `start`, in `*slot`. */
static enum err context(const struct key *k, EVP_PKEY_CTX **slot,
			uint8_t *slot_hash, uint8_t hash, const EVP_MD *md,
			int (*start)(EVP_PKEY_CTX *))
{
	EVP_PKEY_CTX *c;

	if (*slot != NULL && *slot_hash == hash)
		return OK;
	EVP_PKEY_CTX_free(*slot);
	*slot = NULL;
	if ((c = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL)) == NULL ||
	    start(c) != 1 ||
	    (k->sig == SIGNATURE_RSA &&
	     EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PADDING) != 1) ||
	    EVP_PKEY_CTX_set_signature_md(c, md) != 1) {
		EVP_PKEY_CTX_free(c);
		return ERR_NOMEM;
	}
	*slot = c;
	*slot_hash = hash;
	return OK;
}

enum err key_verify_digest(struct key *k, uint8_t hash, const EVP_MD *md,
			   struct slice digest, struct slice value)
{
	enum err r;

	if ((r = context(k, &k->verify, &k->verify_hash, hash, md,
			 EVP_PKEY_verify_init)) != OK)
		return r;
	if (EVP_PKEY_verify(k->verify, value.p, value.len, digest.p,
			    digest.len) == 1)
		return OK;
	ERR_clear_error();
	return ERR_SIGNATURE;
}

enum err key_sign_digest(struct key *k, uint8_t hash, const EVP_MD *md,
			 struct slice digest, struct buf *value)
{
	uint8_t sig[SIGNATURE_MAX];
	size_t len = sizeof(sig);
	enum err r;

	if ((r = context(k, &k->sign, &k->sign_hash, hash, md,
			 EVP_PKEY_sign_init)) != OK)
		return r;
	if (EVP_PKEY_sign(k->sign, sig, &len, digest.p, digest.len) != 1) {
		ERR_clear_error();
		return ERR_ALGORITHM;
	}
	return buf_append(value, sig, len);
}

enum err key_verify_whole(const struct key *k, struct slice input,
			  struct slice value)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	enum err r = OK;

	if (c == NULL ||
	    EVP_DigestVerifyInit(c, NULL, NULL, NULL, k->pkey) != 1)
		r = ERR_NOMEM;
	else if (EVP_DigestVerify(c, value.p, value.len, input.p, input.len) !=
		 1)
		r = ERR_SIGNATURE;
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return r;
}

enum err key_sign_whole(const struct key *k, struct slice input,
			struct buf *value)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[SIGNATURE_MAX];
	size_t len = sizeof(sig);
	enum err r;

	if (c == NULL || EVP_DigestSignInit(c, NULL, NULL, NULL, k->pkey) != 1)
		r = ERR_NOMEM;
	else if (EVP_DigestSign(c, sig, &len, input.p, input.len) != 1)
		r = ERR_ALGORITHM;
	else
		r = buf_append(value, sig, len);
	EVP_MD_CTX_free(c);
	ERR_clear_error();
	return r;
}
