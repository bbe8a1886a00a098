/* SPDX-License-Identifier: ISC */
/*
 * Is a certificate issued by one of the overlay's roots?  RFC 6940 s11.3, with
 * the checks of RFC 5280 s6 but for time, which changes and is judged at every
 * use by the core.  Names are cert.c's matter.
 */
#include "crypto/chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "crypto/cert.h"

/*
 * OpenSSL's level of security for chains.  At 1 a root of the RFC's own example
 * (RSA-1024, itself signed with SHA-1) is still a root, but nothing may be
 * signed with SHA-1 or MD5.
 */
enum { CHAIN_LEVEL = 1 };

static enum err add_root(struct chain *c, struct slice der)
{
	X509_STORE *store;
	X509 *x;
	enum err r;

	if ((r = cert_parse(der, &x, NULL)) != OK)
		return r;
	store = X509_STORE_new();
	if (store == NULL || X509_STORE_add_cert(store, x) != 1) {
		X509_STORE_free(store);
		r = ERR_NOMEM;
	} else {
		c->roots[c->n_roots++] = store;
	}
	X509_free(x);
	return r;
}

enum err chain_init(struct chain *c, const struct slice *roots, size_t n_roots,
		    struct why *why)
{
	enum err r = OK;

	*c = (struct chain){ .roots = calloc(n_roots + 1, sizeof(*c->roots)),
			     .known = sk_X509_new_null() };
	if (c->roots == NULL || c->known == NULL)
		r = ERR_NOMEM;
	for (size_t i = 0; r == OK && i < n_roots; i++) {
		if ((r = add_root(c, roots[i])) == ERR_CERT)
			r = why_err(why, r,
				    "root certificate %zu of the document is "
				    "malformed",
				    i + 1);
	}
	if (r != OK)
		chain_clear(c);
	return r;
}

void chain_clear(struct chain *c)
{
	for (size_t i = 0; i < c->n_roots; i++)
		X509_STORE_free(c->roots[i]);
	free(c->roots);
	sk_X509_pop_free(c->known, X509_free);
	*c = (struct chain){ 0 };
}

/* An intermediate says in so many words that it may issue: OpenSSL alone would
 * also take one without BasicConstraints.  RFC 5280 s6.1.4 (k), (n). */
static bool may_issue(X509 *x)
{
	return (X509_get_extension_flags(x) & EXFLAG_CA) != 0 &&
	       (X509_get_key_usage(x) & KU_KEY_CERT_SIGN) != 0;
}

/* Remembers a checked intermediate, so that a message of many certificates does
 * not check it again for each. */
static void remember(struct chain *c, X509 *x)
{
	for (int i = 0; i < sk_X509_num(c->known); i++) {
		if (X509_cmp(sk_X509_value(c->known, i), x) == 0)
			return;
	}
	if (sk_X509_num(c->known) >= CHAIN_KNOWN_MAX || X509_up_ref(x) != 1)
		return;
	if (sk_X509_push(c->known, x) == 0)
		X509_free(x);
}

/* Takes in what OpenSSL has built: leaf first, root last. */
static enum err judge_path(struct chain *c, STACK_OF(X509) * path,
			   struct cert *cert, struct why *why)
{
	int n = sk_X509_num(path);

	for (int i = 1; i < n - 1; i++) {
		X509 *x = sk_X509_value(path, i);
		uint64_t from, to;

		if (!may_issue(x))
			return why_err(why, ERR_CERT,
				       "the certificate's issuer may not issue "
				       "certificates");
		if (!cert_time_ms(X509_get0_notBefore(x), &from) ||
		    !cert_time_ms(X509_get0_notAfter(x), &to))
			return why_err(why, ERR_CERT,
				       "the issuer's dates are malformed");
		if (from > cert->not_before_ms)
			cert->not_before_ms = from;
		if (to < cert->not_after_ms)
			cert->not_after_ms = to;
	}
	for (int i = 1; i < n - 1; i++)
		remember(c, sk_X509_value(path, i));
	return cert_keep_chain(cert, path);
}

static enum err check_root(struct chain *c, X509_STORE *root, X509 *x,
			   STACK_OF(X509) * others, struct cert *cert,
			   struct why *why)
{
	X509_STORE_CTX *s = X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;
	enum err r = ERR_NOMEM;

	ERR_clear_error();
	if (s == NULL || X509_STORE_CTX_init(s, root, x, others) != 1)
		goto out;
	param = X509_STORE_CTX_get0_param(s);
	/* PARTIAL_CHAIN: what the document lists is an anchor, self-signed or
	 * not. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_NO_CHECK_TIME |
						   X509_V_FLAG_PARTIAL_CHAIN);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_LENGTH_MAX - 2);
	X509_VERIFY_PARAM_set_auth_level(param, CHAIN_LEVEL);
	if (X509_verify_cert(s) == 1)
		r = judge_path(c, X509_STORE_CTX_get0_chain(s), cert, why);
	else
		r = why_err(why, ERR_CERT,
			    "not issued by a root of this overlay (%s)",
			    X509_verify_cert_error_string(
				    X509_STORE_CTX_get_error(s)));
out:
	X509_STORE_CTX_free(s);
	ERR_clear_error();
	return r;
}

enum err chain_check(struct chain *c, X509 *x, STACK_OF(X509) * others,
		     struct cert *cert, struct why *why)
{
	enum err r;

	if (c->n_roots == 0)
		return why_err(why, ERR_CERT,
			       "not issued by a root of this overlay (the "
			       "document has none)");
	r = ERR_CERT;
	for (size_t i = 0; r == ERR_CERT && i < c->n_roots; i++)
		r = check_root(c, c->roots[i], x, others, cert, why);
	return r;
}

enum err chain_check_der(struct chain *c, X509 *x, const struct slice *others,
			 size_t n_others, struct cert *cert, struct why *why)
{
	STACK_OF(X509) *parsed = NULL;
	enum err r;

	r = chain_check(c, x, c->known, cert, why);
	if (r != ERR_CERT || n_others == 0)
		return r;
	if ((parsed = sk_X509_new_null()) == NULL)
		return ERR_NOMEM;
	/* A bucket may hold the certificates of many signers before an issuer.
	 */
	for (size_t i = 0;
	     i < n_others && sk_X509_num(parsed) < CHAIN_OTHERS_MAX; i++) {
		X509 *o;

		/* What does not parse cannot help; it is no fault either. */
		if (cert_parse(others[i], &o, NULL) != OK)
			continue;
		if (!may_issue(o) || sk_X509_push(parsed, o) == 0)
			X509_free(o);
	}
	if (sk_X509_num(parsed) > 0)
		r = chain_check(c, x, parsed, cert, why);
	sk_X509_pop_free(parsed, X509_free);
	return r;
}

bool chain_is_self_signed(X509 *x)
{
	bool self = X509_NAME_cmp(X509_get_subject_name(x),
				  X509_get_issuer_name(x)) == 0 &&
		    X509_verify(x, X509_get0_pubkey(x)) == 1;

	ERR_clear_error();
	return self;
}

enum err chain_check_alone(X509 *x, struct why *why)
{
	int bits;

	if ((X509_get_extension_flags(x) & EXFLAG_CRITICAL) != 0)
		return why_err(why, ERR_CERT,
			       "the certificate has an unknown critical "
			       "extension");
	if (X509_get_signature_info(x, NULL, NULL, &bits, NULL) != 1 ||
	    bits < 80)
		return why_err(why, ERR_CERT,
			       "the certificate is signed with a broken "
			       "digest");
	return OK;
}
