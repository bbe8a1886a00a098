/* SPDX-License-Identifier: ISC */
/*
 * Requests for certificates, RFC 2986 and RFC 6940 s11.3: the one side makes
 * them, the enrollment server reads them.  What is granted is not decided here.
 */
#include "crypto/csr.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "crypto/handle.h"

enum { CSR_MAX = 64 << 10 }; /* bytes */

/* The wish for a user name: a subjectAltName among the requested extensions. */
static enum err add_user(X509_REQ *q, const char *user)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	GENERAL_NAME *n = GENERAL_NAME_new();
	ASN1_IA5STRING *s = ASN1_IA5STRING_new();
	STACK_OF(X509_EXTENSION) *ext = NULL;
	bool ok = names != NULL && n != NULL && s != NULL &&
		  ASN1_STRING_set(s, user, -1) == 1;

	if (!ok) {
		ASN1_IA5STRING_free(s);
	} else {
		GENERAL_NAME_set0_value(n, GEN_EMAIL, s);
		ok = sk_GENERAL_NAME_push(names, n) != 0;
		if (ok)
			n = NULL;
	}
	ok = ok &&
	     X509V3_add1_i2d(&ext, NID_subject_alt_name, names, 0,
			     X509V3_ADD_DEFAULT) == 1 &&
	     X509_REQ_add_extensions(q, ext) == 1;
	sk_X509_EXTENSION_pop_free(ext, X509_EXTENSION_free);
	GENERAL_NAME_free(n);
	GENERAL_NAMES_free(names);
	return ok ? OK : ERR_NOMEM;
}

enum err csr_new(const struct key *k, const char *user, struct buf *der)
{
	X509_REQ *q = X509_REQ_new();
	unsigned char *p = NULL;
	int len;
	enum err r = OK;

	if (q == NULL || X509_REQ_set_version(q, X509_REQ_VERSION_1) != 1 ||
	    X509_REQ_set_pubkey(q, k->pkey) != 1) {
		r = ERR_NOMEM;
		goto out;
	}
	if (user[0] != '\0' && (r = add_user(q, user)) != OK)
		goto out;
	if (X509_REQ_sign(q, k->pkey,
			  k->sig == SIGNATURE_ED25519 ? NULL : EVP_sha256()) <=
	    0) {
		r = ERR_ALGORITHM;
		goto out;
	}
	len = i2d_X509_REQ(q, &p);
	r = len <= 0 ? ERR_NOMEM : buf_append(der, p, (size_t)len);
out:
	OPENSSL_free(p);
	X509_REQ_free(q);
	ERR_clear_error();
	return r;
}

static enum err copy_user(const ASN1_STRING *s, char user[CERT_USER_MAX + 1],
			  struct why *why)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	size_t len = (size_t)ASN1_STRING_length(s);

	if (user[0] != '\0')
		return why_err(why, ERR_DATA, "asks for two user names");
	if (len == 0 || len > CERT_USER_MAX || memchr(p, 0, len) != NULL)
		return why_err(why, ERR_DATA,
			       "asks for an impossible user name");
	memcpy(user, p, len);
	user[len] = '\0';
	return OK;
}

/* An rfc822Name among the requested extensions, or else the subject's e-mail
 * address or common name.  Everything else that is asked for is passed over. */
static enum err read_user(X509_REQ *q, char user[CERT_USER_MAX + 1],
			  struct why *why)
{
	static const int nids[] = { NID_pkcs9_emailAddress, NID_commonName };
	STACK_OF(X509_EXTENSION) *ext = X509_REQ_get_extensions(q);
	GENERAL_NAMES *names = X509V3_get_d2i(ext, NID_subject_alt_name, NULL,
					      NULL);
	const X509_NAME *subject = X509_REQ_get_subject_name(q);
	enum err r = OK;

	user[0] = '\0';
	for (int i = 0; r == OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_EMAIL)
			r = copy_user(n->d.rfc822Name, user, why);
	}
	for (size_t i = 0; r == OK && user[0] == '\0' && i < 2; i++) {
		int at = X509_NAME_get_index_by_NID(subject, nids[i], -1);

		if (at >= 0)
			r = copy_user(X509_NAME_ENTRY_get_data(
					      X509_NAME_get_entry(subject, at)),
				      user, why);
	}
	GENERAL_NAMES_free(names);
	sk_X509_EXTENSION_pop_free(ext, X509_EXTENSION_free);
	return r;
}

enum err csr_open(struct slice der, struct key **key,
		  char user[CERT_USER_MAX + 1], struct why *why)
{
	const unsigned char *p = der.p;
	X509_REQ *q = NULL;
	EVP_PKEY *pkey;
	enum err r;

	ERR_clear_error();
	if (der.len > 0 && der.len <= CSR_MAX)
		q = d2i_X509_REQ(NULL, &p, (long)der.len);
	if (q == NULL || p != der.p + der.len ||
	    (pkey = X509_REQ_get0_pubkey(q)) == NULL) {
		r = why_err(why, ERR_DATA, "not a PKCS #10 request");
		goto out;
	}
	if (X509_REQ_verify(q, pkey) != 1) {
		r = why_err(why, ERR_DATA,
			    "the request is not signed by its own key");
		goto out;
	}
	if ((r = read_user(q, user, why)) != OK)
		goto out;
	if (EVP_PKEY_up_ref(pkey) != 1)
		r = ERR_NOMEM;
	else if ((r = key_wrap_take(pkey, key)) == ERR_ALGORITHM)
		r = why_err(why, r, "not an RSA, ECDSA or Ed25519 key");
out:
	X509_REQ_free(q);
	ERR_clear_error();
	return r;
}
