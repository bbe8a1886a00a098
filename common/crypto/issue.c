/* SPDX-License-Identifier: ISC */
/*
 * Makes certificates: roots, nodes' (issued and self-signed) and web servers'.
 * Who may have which name is the enrollment server's matter.  RFC 6940 s11.3,
 * s11.3.1, s14.15.
 */
#include "crypto/issue.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "crypto/handle.h"
#include "crypto/openssl.h"

enum {
	SERIAL_LEN = 16,        /* bytes; RFC 5280 s4.1.2.2 allows 20 */
	BACKDATED_S = 3600,     /* clocks differ */
	ISSUE_OVERLAY_MAX = 253 /* chars: a DNS name */
};

static const EVP_MD *digest_for(const struct key *k)
{
	return k->sig == SIGNATURE_ED25519 ? NULL : EVP_sha256();
}

static enum err set_serial(X509 *x)
{
	uint8_t serial[SERIAL_LEN];
	BIGNUM *bn;
	bool ok;
	enum err r;

	if ((r = openssl_random(serial, sizeof(serial))) != OK)
		return r;
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
	bn = BN_bin2bn(serial, sizeof(serial), NULL);
	ok = bn != NULL &&
	     BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x)) != NULL;
	BN_free(bn);
	return ok ? OK : ERR_NOMEM;
}

/* Version 3, serial, dates and key; no names, no extensions. */
static enum err start(X509 **out, const struct key *k, uint64_t now_ms,
		      uint64_t not_after_ms)
{
	X509 *x = X509_new();
	time_t from = (time_t)(now_ms / 1000) - BACKDATED_S;
	time_t to = (time_t)(not_after_ms / 1000);
	enum err r;

	if (x == NULL || X509_set_version(x, X509_VERSION_3) != 1 ||
	    ASN1_TIME_set(X509_getm_notBefore(x), from) == NULL ||
	    ASN1_TIME_set(X509_getm_notAfter(x), to) == NULL ||
	    X509_set_pubkey(x, k->pkey) != 1)
		r = ERR_NOMEM;
	else
		r = set_serial(x);
	if (r != OK) {
		X509_free(x);
		return r;
	}
	*out = x;
	return OK;
}

/* An extension from OpenSSL's own notation: constants of ours only. */
static enum err add_fixed(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *e;
	bool ok;

	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e != NULL && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok ? OK : ERR_NOMEM;
}

/* Takes `n`. */
static enum err push(GENERAL_NAMES *names, GENERAL_NAME *n)
{
	if (sk_GENERAL_NAME_push(names, n) != 0)
		return OK;
	GENERAL_NAME_free(n);
	return ERR_NOMEM;
}

/* A name of type GEN_URI, GEN_EMAIL or GEN_DNS. */
static enum err add_name(GENERAL_NAMES *names, int type, const char *text)
{
	GENERAL_NAME *n = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();

	if (n == NULL || s == NULL || ASN1_STRING_set(s, text, -1) != 1) {
		GENERAL_NAME_free(n);
		ASN1_IA5STRING_free(s);
		return ERR_NOMEM;
	}
	GENERAL_NAME_set0_value(n, type, s);
	return push(names, n);
}

static enum err add_address(GENERAL_NAMES *names, ASN1_OCTET_STRING *ip)
{
	GENERAL_NAME *n = GENERAL_NAME_new();

	if (n == NULL) {
		ASN1_OCTET_STRING_free(ip);
		return ERR_NOMEM;
	}
	GENERAL_NAME_set0_value(n, GEN_IPADD, ip);
	return push(names, n);
}

/* Signs and appends the DER. */
static enum err finish(X509 *x, const struct key *signer, struct buf *der)
{
	unsigned char *p = NULL;
	int len;
	enum err r;

	if (X509_sign(x, signer->pkey, digest_for(signer)) <= 0) {
		ERR_clear_error();
		return ERR_ALGORITHM;
	}
	if ((len = i2d_X509(x, &p)) <= 0)
		return ERR_NOMEM;
	r = buf_append(der, p, (size_t)len);
	OPENSSL_free(p);
	return r;
}

enum err issue_root(const struct key *k, const char *name, uint64_t now_ms,
		    uint64_t not_after_ms, struct buf *der)
{
	X509 *x = NULL;
	X509_NAME *subject;
	enum err r;

	if ((r = start(&x, k, now_ms, not_after_ms)) != OK)
		return r;
	subject = X509_get_subject_name(x);
	if (X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
				       (const unsigned char *)name, -1, -1,
				       0) != 1 ||
	    X509_set_issuer_name(x, subject) != 1)
		r = ERR_DATA;
	if (r == OK &&
	    (r = add_fixed(x, NID_basic_constraints, "critical,CA:TRUE")) ==
		    OK &&
	    (r = add_fixed(x, NID_key_usage, "critical,keyCertSign,cRLSign")) ==
		    OK &&
	    (r = add_fixed(x, NID_subject_key_identifier, "hash")) == OK)
		r = finish(x, k, der);
	X509_free(x);
	ERR_clear_error();
	return r;
}

bool issue_user_ok(const char *user)
{
	size_t len = strlen(user);

	for (size_t i = 0; i < len; i++) {
		if (user[i] < 0x20 || user[i] > 0x7e)
			return false;
	}
	return len > 0 && len <= CERT_USER_MAX;
}

enum err issue_node_id(uint8_t len, struct node_id *out)
{
	enum err r;

	assert(len <= NODE_ID_MAX);
	do {
		*out = (struct node_id){ 0 };
		if ((r = openssl_random(out->b, len)) != OK)
			return r;
	} while (id_is_zero(out) || id_is_wildcard(out, len));
	return OK;
}

/* The subjectAltName of RFC 6940 s11.3, critical since the subject is empty. */
static enum err add_identity(X509 *x, const struct issue_node *node,
			     const struct node_id *ids)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	char hex[ID_TEXT_MAX], uri[ISSUE_OVERLAY_MAX + ID_TEXT_MAX + 32];
	enum err r = names == NULL ? ERR_NOMEM : OK;

	for (size_t i = 0; r == OK && i < node->n_node_ids; i++) {
		snprintf(uri, sizeof(uri), "reload://01%02x%s@%s/",
			 node->node_id_length,
			 id_format(&ids[i], node->node_id_length, hex),
			 node->overlay);
		r = add_name(names, GEN_URI, uri);
	}
	if (r == OK && node->user[0] != '\0')
		r = add_name(names, GEN_EMAIL, node->user);
	if (r == OK && X509_add1_ext_i2d(x, NID_subject_alt_name, names, 1,
					 X509V3_ADD_APPEND) != 1)
		r = ERR_NOMEM;
	GENERAL_NAMES_free(names);
	return r;
}

static enum err check_node(const struct issue_node *node)
{
	if (node->n_node_ids < 1 || node->n_node_ids > CERT_NODE_IDS_MAX ||
	    node->node_id_length < NODE_ID_MIN ||
	    node->node_id_length > NODE_ID_MAX)
		return ERR_RANGE;
	if (strlen(node->overlay) > ISSUE_OVERLAY_MAX ||
	    (node->user[0] != '\0' && !issue_user_ok(node->user)))
		return ERR_DATA;
	return OK;
}

enum err issue_node(const struct issue_ca *ca, const struct key *public_key,
		    const struct issue_node *node, struct buf *der)
{
	const unsigned char *p = ca->cert.p;
	X509 *issuer = NULL, *x = NULL;
	enum err r;

	if ((r = check_node(node)) != OK)
		return r;
	if ((issuer = d2i_X509(NULL, &p, (long)ca->cert.len)) == NULL) {
		r = ERR_CERT;
		goto out;
	}
	if ((r = start(&x, public_key, node->now_ms, node->not_after_ms)) != OK)
		goto out;
	if (X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1) {
		r = ERR_NOMEM;
		goto out;
	}
	if ((r = add_fixed(x, NID_basic_constraints, "critical,CA:FALSE")) !=
		    OK ||
	    (r = add_fixed(x, NID_key_usage, "critical,digitalSignature")) !=
		    OK ||
	    (r = add_identity(x, node, node->node_ids)) != OK)
		goto out;
	r = finish(x, ca->key, der);
out:
	X509_free(x);
	X509_free(issuer);
	ERR_clear_error();
	return r;
}

/* RFC 6940 s11.3.1: high-order bits of the digest over the public key, with the
 * index from 1 in front where there are several. */
static enum err ids_from_key(const struct key *k, uint8_t digest,
			     const struct issue_node *node,
			     struct node_id ids[CERT_NODE_IDS_MAX])
{
	const char *name = digest == HASH_SHA1 ? "SHA1" : "SHA256";
	unsigned char *spki = NULL;
	uint8_t md[HASH_LEN_MAX];
	struct buf in = BUF_INIT(64 << 10);
	int len;
	enum err r = OK;

	if (digest != HASH_SHA1 && digest != HASH_SHA256)
		return ERR_ALGORITHM;
	if ((len = i2d_PUBKEY(k->pkey, &spki)) <= 0)
		return ERR_NOMEM;
	for (size_t i = 0; r == OK && i < node->n_node_ids; i++) {
		buf_reset(&in);
		if (node->n_node_ids > 1)
			r = buf_append_uint(&in, i + 1, 4);
		if (r == OK)
			r = buf_append(&in, spki, (size_t)len);
		if (r == OK &&
		    EVP_Q_digest(NULL, name, NULL, in.p, in.len, md, NULL) != 1)
			r = ERR_NOMEM;
		ids[i] = (struct node_id){ 0 };
		memcpy(ids[i].b, md, node->node_id_length);
	}
	OPENSSL_free(spki);
	buf_clear(&in);
	return r;
}

enum err issue_self_signed(const struct key *k, uint8_t digest,
			   const struct issue_node *node, struct buf *der)
{
	struct node_id ids[CERT_NODE_IDS_MAX] = { 0 };
	X509 *x = NULL;
	enum err r;

	if ((r = check_node(node)) != OK ||
	    (r = ids_from_key(k, digest, node, ids)) != OK ||
	    (r = start(&x, k, node->now_ms, node->not_after_ms)) != OK ||
	    (r = add_fixed(x, NID_key_usage, "critical,digitalSignature")) !=
		    OK ||
	    (r = add_identity(x, node, ids)) != OK)
		goto out;
	r = finish(x, k, der);
out:
	X509_free(x);
	ERR_clear_error();
	return r;
}

enum err issue_server(const struct issue_ca *ca, const struct key *public_key,
		      const char *const *names, size_t n_names, uint64_t now_ms,
		      uint64_t not_after_ms, struct buf *der)
{
	const unsigned char *p = ca->cert.p;
	GENERAL_NAMES *san = GENERAL_NAMES_new();
	X509 *issuer = d2i_X509(NULL, &p, (long)ca->cert.len), *x = NULL;
	enum err r = san == NULL ? ERR_NOMEM : issuer == NULL ? ERR_CERT : OK;

	for (size_t i = 0; r == OK && i < n_names; i++) {
		ASN1_OCTET_STRING *ip = a2i_IPADDRESS(names[i]);

		r = ip == NULL ? add_name(san, GEN_DNS, names[i])
			       : add_address(san, ip);
	}
	if (r != OK || (r = start(&x, public_key, now_ms, not_after_ms)) != OK)
		goto out;
	if (X509_set_issuer_name(x, X509_get_subject_name(issuer)) != 1 ||
	    X509_add1_ext_i2d(x, NID_subject_alt_name, san, 1,
			      X509V3_ADD_APPEND) != 1) {
		r = ERR_NOMEM;
		goto out;
	}
	if ((r = add_fixed(x, NID_basic_constraints, "critical,CA:FALSE")) !=
		    OK ||
	    (r = add_fixed(x, NID_key_usage, "critical,digitalSignature")) !=
		    OK ||
	    (r = add_fixed(x, NID_ext_key_usage, "serverAuth")) != OK)
		goto out;
	r = finish(x, ca->key, der);
out:
	GENERAL_NAMES_free(san);
	X509_free(x);
	X509_free(issuer);
	ERR_clear_error();
	return r;
}
