/* SPDX-License-Identifier: ISC */
/* Contexts of OpenSSL.  What is shown and trusted is their owners'. */
#include "net/tls_context.h"

enum err tls_context_new(SSL_CTX **out, const SSL_METHOD *method, int min)
{
	SSL_CTX *ctx = SSL_CTX_new(method);

	if (ctx == NULL)
		return ERR_NOMEM;
	if (SSL_CTX_set_min_proto_version(ctx, min) != 1) {
		SSL_CTX_free(ctx);
		return ERR_TLS;
	}
	SSL_CTX_set_options(ctx,
			    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	*out = ctx;
	return OK;
}
