/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "base/err.h"
#include "base/slice.h"

/*
 * What SIP servers of other domains have to show, RFC 5922 s7: a certificate
 * that is issued by somebody we trust and names the domain that was asked for,
 * whatever DNS made of it.
 */

struct ssl_st; /* OpenSSL's, both */
struct ssl_ctx_st;

/* `roots`: PEM, whom to trust; empty: whom this system trusts.  ERR_TLS, with
 * `name` and the reason. */
enum err tls_client_new(struct ssl_ctx_st **out, struct slice roots,
			const char *name, struct why *why) MUST_CHECK;
/* Connections that began with it go on.  NULL is fine. */
void tls_client_free(struct ssl_ctx_st *ctx);
/* This connection is to the server of a domain, or of an IP address; borrowed
 * as long as there is the connection.  ERR_NOMEM. */
enum err tls_client_aim(struct ssl_st *ssl, char *domain) MUST_CHECK;

#endif
