/* SPDX-License-Identifier: ISC */
/*
 * Owns: who is trusted to speak for a SIP domain: RFC 3261 s26.3.1, RFC 5922
 * s7.  Does not own: connections (tls_wrap.c), what is shown to servers that
 * ask for a certificate (tls_server.c).
 */
#include "net/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <strings.h>

#include "net/tls_context.h"

/* ---- whose certificate it is ---- */

static bool is_address(const char *domain)
{
	uint8_t a[16];

	return inet_pton(AF_INET, domain, a) == 1 ||
	       inet_pton(AF_INET6, domain, a) == 1;
}

/* Whole, and no wildcards: RFC 5922 s7.2. */
static bool is_domain(const char *p, size_t len, const char *domain)
{
	return len == strlen(domain) && strncasecmp(p, domain, len) == 0;
}

/* The host of "sip:host", as far as a SIP domain's identity goes; NULL when it
 * is none: s7.1. */
static const char *host_of(const char *p, size_t len, size_t *host_len)
{
	if (len < 4 || strncasecmp(p, "sip:", 4) != 0 ||
	    memchr(p, '@', len) != NULL)
		return NULL;
	*host_len = 0;
	while (4 + *host_len < len &&
	       memchr(":;?", p[4 + *host_len], 3) == NULL)
		++*host_len;
	return p + 4;
}

/* Where a URI of a domain stands no DNS name counts, s7.1. CHOICE: the
 * subject's common name, which may count where there is no subjectAltName, does
 * not. */
static bool names_domain(X509 *cert, const char *domain)
{
	GENERAL_NAMES *v = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL,
					    NULL);
	bool uris = false, by_uri = false, by_dns = false;
	const char *p, *host;
	size_t len, host_len;

	for (int i = 0; i < sk_GENERAL_NAME_num(v); i++) {
		const GENERAL_NAME *g = sk_GENERAL_NAME_value(v, i);

		if (g->type != GEN_URI && g->type != GEN_DNS)
			continue;
		p = (const char *)ASN1_STRING_get0_data(g->d.ia5);
		len = (size_t)ASN1_STRING_length(g->d.ia5);
		if (g->type == GEN_DNS) {
			by_dns = by_dns || is_domain(p, len, domain);
		} else if ((host = host_of(p, len, &host_len)) != NULL) {
			uris = true;
			by_uri = by_uri || is_domain(host, host_len, domain);
		}
	}
	GENERAL_NAMES_free(v);
	return uris ? by_uri : by_dns;
}

static int verify(X509_STORE_CTX *x, void *ctx)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		x, SSL_get_ex_data_X509_STORE_CTX_idx());
	const char *domain = SSL_get_app_data(ssl);
	X509 *cert = X509_STORE_CTX_get0_cert(x);

	(void)ctx;
	if (X509_verify_cert(x) != 1)
		return 0;
	if (is_address(domain) ? X509_check_ip_asc(cert, domain, 0) == 1
			       : names_domain(cert, domain))
		return 1;
	X509_STORE_CTX_set_error(x, X509_V_ERR_HOSTNAME_MISMATCH);
	return 0;
}

enum err tls_client_aim(SSL *ssl, char *domain)
{
	SSL_set_connect_state(ssl);
	if (SSL_set_app_data(ssl, domain) != 1 ||
	    (!is_address(domain) && SSL_set_tlsext_host_name(ssl, domain) != 1))
		return ERR_NOMEM;
	return OK;
}

/* ---- whom we trust ---- */

static bool trust(SSL_CTX *ctx, struct slice roots)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	BIO *b = BIO_new_mem_buf(roots.p, (int)roots.len);
	bool ok = b != NULL;
	size_t n = 0;
	X509 *x;

	while (ok && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		ok = X509_STORE_add_cert(store, x) == 1;
		X509_free(x);
		n++;
	}
	BIO_free(b);
	/* A server's own certificate will do. */
	return ok && n > 0 &&
	       X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1;
}

enum err tls_client_new(struct ssl_ctx_st **out, struct slice roots,
			const char *name, struct why *why)
{
	SSL_CTX *ctx = NULL;
	enum err r;

	if ((r = tls_context_new(&ctx, TLS_client_method(), TLS1_2_VERSION)) !=
	    OK)
		return r;
	if (roots.len > 0 ? !trust(ctx, roots)
			  : SSL_CTX_set_default_verify_paths(ctx) != 1) {
		SSL_CTX_free(ctx);
		return why_err(why, ERR_TLS, "%.180s: no certificates in PEM",
			       name);
	}
	ERR_clear_error(); /* the end of the PEM text is none */
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	*out = ctx;
	return OK;
}

void tls_client_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}
