/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_SERVER_H
#define NET_TLS_SERVER_H

#include "base/err.h"
#include "base/slice.h"

/* What a TLS server shows to those who connect, and where its connections
 * begin: TLS 1.2 and later.  Nobody's certificate is asked for. */

struct ssl_ctx_st; /* OpenSSL's */

/* `cert`: PEM, the own first, then its chain; `key`: PEM, of it.  ERR_TLS,
 * ERR_CERT_EXPIRED, with `name` and the reason. */
enum err tls_server_new(struct ssl_ctx_st **out, struct slice cert,
			struct slice key, const char *name,
			struct why *why) MUST_CHECK;
/* Gives a context that certificate and key, for tls_client.c too. */
enum err tls_server_show(struct ssl_ctx_st *ctx, struct slice cert,
			 struct slice key, const char *name,
			 struct why *why) MUST_CHECK;
/* Connections that began with it go on.  NULL is fine. */
void tls_server_free(struct ssl_ctx_st *ctx);

#endif
