/* SPDX-License-Identifier: ISC */
/* Owns: the certificate, key and protocol versions of TLS servers that are not
 * RELOAD's: HTTPS and SIP. */
#include "net/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "net/tls_context.h"

static X509 *read_cert(BIO *b)
{
	return PEM_read_bio_X509(b, NULL, NULL, NULL);
}

static bool use_chain(SSL_CTX *ctx, struct slice pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	X509 *own = b == NULL ? NULL : read_cert(b);
	bool ok = own != NULL && SSL_CTX_use_certificate(ctx, own) == 1;
	X509 *x;

	while (ok && (x = read_cert(b)) != NULL)
		if (SSL_CTX_add0_chain_cert(ctx, x) != 1) {
			X509_free(x);
			ok = false;
		}
	if (ok)
		ERR_clear_error(); /* the end of the PEM text is none */
	X509_free(own);
	BIO_free(b);
	return ok;
}

/* A key that needs a passphrase is refused: nobody is there to be asked. */
static int no_passphrase(char *out, int len, int writing, void *ctx)
{
	(void)out;
	(void)len;
	(void)writing;
	(void)ctx;
	return -1;
}

static bool use_key(SSL_CTX *ctx, struct slice pem)
{
	BIO *b = BIO_new_mem_buf(pem.p, (int)pem.len);
	EVP_PKEY *k = b == NULL ? NULL
				: PEM_read_bio_PrivateKey(b, NULL,
							  no_passphrase, NULL);
	bool ok = k != NULL && SSL_CTX_use_PrivateKey(ctx, k) == 1 &&
		  SSL_CTX_check_private_key(ctx) == 1;

	EVP_PKEY_free(k);
	BIO_free(b);
	return ok;
}

static enum err fail(const char *name, const char *what, struct why *why)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	return why_err(why, ERR_TLS, "%.180s: %s (%s)", name, what,
		       reason == NULL ? "nothing is there" : reason);
}

enum err tls_server_show(struct ssl_ctx_st *ctx, struct slice cert,
			 struct slice key, const char *name, struct why *why)
{
	ERR_clear_error();
	if (!use_chain(ctx, cert))
		return fail(name, "no certificate in PEM that can be used",
			    why);
	if (!use_key(ctx, key))
		return fail(name, "no private key in PEM of that certificate",
			    why);
	if (X509_cmp_current_time(
		    X509_get0_notAfter(SSL_CTX_get0_certificate(ctx))) < 0)
		return why_err(why, ERR_CERT_EXPIRED,
			       "%.200s: the certificate has expired", name);
	return OK;
}

enum err tls_server_new(struct ssl_ctx_st **out, struct slice cert,
			struct slice key, const char *name, struct why *why)
{
	SSL_CTX *ctx = NULL;
	enum err r;

	if ((r = tls_context_new(&ctx, TLS_server_method(), TLS1_2_VERSION)) !=
		    OK ||
	    (r = tls_server_show(ctx, cert, key, name, why)) != OK) {
		SSL_CTX_free(ctx);
		return r;
	}
	*out = ctx;
	return OK;
}

void tls_server_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}
