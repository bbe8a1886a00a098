/* SPDX-License-Identifier: ISC */
/*
 * Node certificates: their Node-IDs and user name.  Whether a certificate may
 * be believed is chain.c's matter.  RFC 6940 s11.3, s14.15.
 */
#include "crypto/cert.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "base/heap.h"
#include "base/text.h"
#include "crypto/handle.h"
#include "crypto/key.h"

/* struct cert with what is behind it. */
struct cert_holder {
	struct cert cert;
	X509 *x509;
	unsigned char *der;
	struct key *key;
	struct slice chain[CERT_CHAIN_MAX]; /* OpenSSL's memory */
};

X509 *cert_x509(const struct cert *c)
{
	const struct cert_holder *h =
		(const struct cert_holder *)(const void *)c;

	return h->x509;
}

void cert_free(struct cert *c)
{
	struct cert_holder *h;

	if (c == NULL || --c->refs > 0)
		return;
	h = container_of(c, struct cert_holder, cert);
	X509_free(h->x509);
	OPENSSL_free(h->der);
	for (size_t i = 0; i < h->cert.n_chain; i++)
		OPENSSL_free((void *)(uintptr_t)h->chain[i].p);
	key_free(h->key);
	free(h);
}

enum err cert_keep_chain(struct cert *c, STACK_OF(X509) * path)
{
	struct cert_holder *h = container_of(c, struct cert_holder, cert);

	assert(c->n_chain == 0);
	assert(sk_X509_num(path) <= CERT_CHAIN_MAX + 2);
	c->chain = h->chain;
	for (int i = 1; i < sk_X509_num(path) - 1; i++) {
		unsigned char *der = NULL;
		int len = i2d_X509(sk_X509_value(path, i), &der);

		if (len <= 0)
			return ERR_NOMEM;
		h->chain[c->n_chain++] = slice_of(der, (size_t)len);
	}
	return OK;
}

enum err cert_parse(struct slice der, X509 **out, struct why *why)
{
	const unsigned char *p = der.p;
	unsigned char *again = NULL;
	X509 *x = NULL;
	int len;

	ERR_clear_error();
	if (der.len > 0 && der.len <= UINT16_MAX)
		x = d2i_X509(NULL, &p, (long)der.len);
	ERR_clear_error();
	if (x == NULL)
		return why_err(why, ERR_CERT, "not an X.509 certificate");
	/* One certificate has one encoding, or it would have several hashes. */
	len = i2d_X509(x, &again);
	if (len < 0 || !slice_eq(der, slice_of(again, (size_t)len))) {
		OPENSSL_free(again);
		X509_free(x);
		return why_err(why, ERR_CERT, "the certificate is not DER");
	}
	OPENSSL_free(again);
	*out = x;
	return OK;
}

bool cert_time_ms(const ASN1_TIME *t, uint64_t *out)
{
	struct tm tm;
	time_t s;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	s = timegm(&tm);
	*out = s < 0 ? 0 : (uint64_t)s * 1000;
	return true;
}

/* Takes `prefix` off the front, letters in either case. */
static bool skip(struct slice *in, const char *prefix)
{
	size_t n = strlen(prefix);

	if (in->len < n || strncasecmp((const char *)in->p, prefix, n) != 0)
		return false;
	*in = slice_sub(*in, n, in->len - n);
	return true;
}

/*
 * A reload URI with a single Node-ID, RFC 6940 s14.15.  CHOICE: the final slash
 * may be missing, and the Node-ID may stand without the two bytes of the
 * Destination around it, as another implementation writes it.
 */
static enum err parse_uri(struct slice uri, const char *overlay,
			  uint8_t node_id_length, struct node_id *out,
			  struct why *why)
{
	const uint8_t *at;
	char prefix[5];
	struct slice hex;

	if (!skip(&uri, "reload://") ||
	    (at = memchr(uri.p, '@', uri.len)) == NULL)
		return why_err(why, ERR_CERT,
			       "the certificate has a URI that is no reload "
			       "URI");
	hex = slice_of(uri.p, (size_t)(at - uri.p));
	uri = slice_sub(uri, hex.len + 1, uri.len - hex.len - 1);
	if (uri.len > 0 && uri.p[uri.len - 1] == '/')
		uri.len--;
	if (uri.len != strlen(overlay) || !skip(&uri, overlay))
		return why_err(why, ERR_CERT,
			       "the certificate is for overlay %.*s, not %s",
			       (int)(uri.len < 100 ? uri.len : 100),
			       (const char *)uri.p, overlay);
	snprintf(prefix, sizeof(prefix), "01%02x", node_id_length);
	if (hex.len == 2u * node_id_length + 4 && !skip(&hex, prefix))
		hex.len = 0;
	if (hex.len != 2u * node_id_length)
		goto bad;
	*out = (struct node_id){ 0 };
	for (size_t i = 0; i < node_id_length; i++) {
		int hi = text_hex_digit(hex.p[2 * i]);
		int lo = text_hex_digit(hex.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			goto bad;
		out->b[i] = (uint8_t)(hi << 4 | lo);
	}
	if (!id_is_zero(out) && !id_is_wildcard(out, node_id_length))
		return OK;
bad:
	return why_err(
		why, ERR_CERT,
		"the certificate's reload URI has no Node-ID of %u bytes",
		node_id_length);
}

static enum err add_uri(struct cert *c, struct slice uri, const char *overlay,
			uint8_t node_id_length, struct why *why)
{
	struct node_id id;
	enum err r;

	if ((r = parse_uri(uri, overlay, node_id_length, &id, why)) != OK)
		return r;
	for (size_t i = 0; i < c->n_node_ids; i++) {
		if (id_eq(&id, &c->node_ids[i]))
			return why_err(why, ERR_CERT,
				       "the certificate has a Node-ID twice");
	}
	if (c->n_node_ids == CERT_NODE_IDS_MAX)
		return why_err(why, ERR_CERT,
			       "the certificate has more than %d Node-IDs",
			       CERT_NODE_IDS_MAX);
	c->node_ids[c->n_node_ids++] = id;
	return OK;
}

static enum err add_user(struct cert *c, struct slice name, struct why *why)
{
	if (c->user[0] != '\0')
		return why_err(why, ERR_CERT,
			       "the certificate has two user names");
	if (name.len == 0 || name.len > CERT_USER_MAX)
		goto bad;
	/* No NUL above all: what comes before it would be another's name. */
	for (size_t i = 0; i < name.len; i++) {
		if (name.p[i] < 0x20 || name.p[i] > 0x7e)
			goto bad;
	}
	memcpy(c->user, name.p, name.len);
	c->user[name.len] = '\0';
	return OK;
bad:
	return why_err(why, ERR_CERT,
		       "the certificate's user name has bytes that no user "
		       "name may have");
}

static struct slice string_slice(const ASN1_STRING *s)
{
	return slice_of(ASN1_STRING_get0_data(s),
			(size_t)ASN1_STRING_length(s));
}

/* RFC 6940 s11.3: Node-IDs, at most one user name, no other identity. */
static enum err read_names(struct cert *c, const X509 *x, const char *overlay,
			   uint8_t node_id_length, struct why *why)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
						NULL);
	enum err r = OK;

	for (int i = 0; r == OK && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		switch (n->type) {
		case GEN_URI:
			r = add_uri(
				c, string_slice(n->d.uniformResourceIdentifier),
				overlay, node_id_length, why);
			break;
		case GEN_EMAIL:
			r = add_user(c, string_slice(n->d.rfc822Name), why);
			break;
		default:
			r = why_err(why, ERR_CERT,
				    "the certificate has names other than "
				    "Node-IDs and a user name");
			break;
		}
	}
	GENERAL_NAMES_free(names);
	if (r == OK && c->n_node_ids == 0)
		r = why_err(why, ERR_CERT, "the certificate has no Node-ID");
	return r;
}

enum err cert_new(struct cert **out, X509 *x, const char *overlay,
		  uint8_t node_id_length, struct why *why)
{
	struct cert_holder *h = calloc(1, sizeof(*h));
	EVP_PKEY *pkey;
	int len;
	enum err r;

	if (h == NULL)
		return ERR_NOMEM;
	h->cert.refs = 1;
	if (X509_up_ref(x) != 1) {
		r = ERR_NOMEM;
		goto out;
	}
	h->x509 = x;
	if ((pkey = X509_get0_pubkey(x)) == NULL) {
		r = why_err(why, ERR_CERT,
			    "the certificate's key is malformed");
		goto out;
	}
	if (EVP_PKEY_up_ref(pkey) != 1 || (len = i2d_X509(x, &h->der)) <= 0) {
		r = ERR_NOMEM;
		goto out;
	}
	if ((r = key_wrap_take(pkey, &h->key)) != OK) {
		r = why_err(why, r == ERR_ALGORITHM ? ERR_CERT : r,
			    "the certificate's key is of no kind that RELOAD "
			    "uses");
		goto out;
	}
	h->cert.key = h->key;
	h->cert.der = slice_of(h->der, (size_t)len);
	if (!cert_time_ms(X509_get0_notBefore(x), &h->cert.not_before_ms) ||
	    !cert_time_ms(X509_get0_notAfter(x), &h->cert.not_after_ms)) {
		r = why_err(why, ERR_CERT,
			    "the certificate's dates are malformed");
		goto out;
	}
	if ((r = read_names(&h->cert, x, overlay, node_id_length, why)) != OK)
		goto out;
	*out = &h->cert;
	h = NULL;
out:
	ERR_clear_error();
	if (h != NULL)
		cert_free(&h->cert);
	return r;
}
