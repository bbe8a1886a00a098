/* SPDX-License-Identifier: ISC */
/* Owns: one connection of OpenSSL between two buffers.  Does not own: sockets,
 * clocks, certificates (tls_server.c, tls_client.c). */
#include "net/tls_wrap.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>

enum { CHUNK = 16384 };

struct tls_wrap {
	SSL *ssl;
	BIO *in, *out; /* the connection's */
	const char *reason;
	char *domain; /* of a client */
};

static enum err wrap(struct tls_wrap **out, struct ssl_ctx_st *ctx)
{
	struct tls_wrap *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return ERR_NOMEM;
	w->ssl = SSL_new(ctx);
	w->in = BIO_new(BIO_s_mem());
	w->out = BIO_new(BIO_s_mem());
	if (w->ssl == NULL || w->in == NULL || w->out == NULL) {
		BIO_free(w->in);
		BIO_free(w->out);
		SSL_free(w->ssl);
		free(w);
		return ERR_NOMEM;
	}
	SSL_set_bio(w->ssl, w->in, w->out);
	*out = w;
	return OK;
}

enum err tls_wrap_new(struct tls_wrap **out, struct ssl_ctx_st *server)
{
	enum err r = wrap(out, server);

	if (r == OK)
		SSL_set_accept_state((*out)->ssl);
	return r;
}

enum err tls_wrap_new_client(struct tls_wrap **out, struct ssl_ctx_st *client,
			     const char *domain)
{
	struct tls_wrap *w;
	enum err r = wrap(&w, client);

	if (r != OK)
		return r;
	w->domain = strdup(domain);
	r = w->domain == NULL ? ERR_NOMEM : tls_client_aim(w->ssl, w->domain);
	if (r == OK)
		*out = w;
	else
		tls_wrap_free(w);
	return r;
}

void tls_wrap_free(struct tls_wrap *w)
{
	if (w == NULL)
		return;
	SSL_free(w->ssl); /* and its BIOs */
	free(w->domain);
	free(w);
}

/* What a call that did not succeed means: OK, it waits for more. */
static enum err judge(struct tls_wrap *w, int rc)
{
	switch (SSL_get_error(w->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return OK;
	case SSL_ERROR_ZERO_RETURN:
		return ERR_LINK_CLOSED;
	default:
		w->reason = SSL_get_verify_result(w->ssl) != X509_V_OK
				    ? X509_verify_cert_error_string(
					      SSL_get_verify_result(w->ssl))
				    : ERR_reason_error_string(
					      ERR_peek_last_error());
		return ERR_TLS;
	}
}

const char *tls_wrap_reason(const struct tls_wrap *w)
{
	return w->reason != NULL ? w->reason : "the connection has ended";
}

bool tls_wrap_is_up(const struct tls_wrap *w)
{
	return SSL_is_init_finished(w->ssl) == 1;
}

enum err tls_wrap_take(struct tls_wrap *w, struct slice bytes,
		       struct buf *plain)
{
	uint8_t chunk[CHUNK];
	enum err r = OK;
	int n;

	ERR_clear_error();
	if (bytes.len > INT_MAX ||
	    BIO_write(w->in, bytes.p, (int)bytes.len) != (int)bytes.len)
		return ERR_NOMEM;
	if (!tls_wrap_is_up(w) && (n = SSL_do_handshake(w->ssl)) != 1)
		return judge(w, n);
	while (r == OK && (n = SSL_read(w->ssl, chunk, CHUNK)) > 0)
		r = buf_append(plain, chunk, (size_t)n);
	return r == OK ? judge(w, n) : r;
}

enum err tls_wrap_give(struct tls_wrap *w, struct slice plain)
{
	size_t n;

	ERR_clear_error();
	while (plain.len > 0) {
		if (!tls_wrap_is_up(w) ||
		    SSL_write_ex(w->ssl, plain.p, plain.len, &n) != 1)
			return ERR_TLS;
		plain = slice_sub(plain, n, plain.len - n);
	}
	return OK;
}

void tls_wrap_end(struct tls_wrap *w)
{
	ERR_clear_error();
	if (tls_wrap_is_up(w))
		(void)SSL_shutdown(w->ssl); /* the other side may be gone */
}

enum err tls_wrap_output(struct tls_wrap *w, struct buf *out)
{
	size_t n = BIO_ctrl_pending(w->out);
	uint8_t *to;
	enum err r;

	if (n == 0)
		return OK;
	if ((r = buf_extend(out, n, &to)) != OK)
		return r;
	return BIO_read(w->out, to, (int)n) == (int)n ? OK : ERR_NOMEM;
}
