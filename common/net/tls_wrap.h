/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_WRAP_H
#define NET_TLS_WRAP_H

#include "base/buf.h"
#include "net/tls_client.h"
#include "net/tls_server.h"

/*
 * One end of a TLS connection, as bytes: what came from the network
 * in, what is to be sent to it out.  Whose socket that is, and how long it may
 * take, is the caller's.
 */

struct tls_wrap;

/* Goes on when `server` is freed.  ERR_NOMEM. */
enum err tls_wrap_new(struct tls_wrap **out,
		      struct ssl_ctx_st *server) MUST_CHECK;
/* The client's end, to the server of a domain, or of an IP address, as
 * tls_client.h says; it begins with tls_wrap_take() of nothing. */
enum err tls_wrap_new_client(struct tls_wrap **out, struct ssl_ctx_st *client,
			     const char *domain) MUST_CHECK;
void tls_wrap_free(struct tls_wrap *w); /* NULL is fine */

/* All four may leave something for tls_wrap_output(), also when they fail. */

/* Bytes from the network; what they were is appended to `plain`.
 * ERR_LINK_CLOSED after the last of them; ERR_TLS; ERR_NOMEM, ERR_LIMIT. */
enum err tls_wrap_take(struct tls_wrap *w, struct slice bytes,
		       struct buf *plain) MUST_CHECK;
/* Why that was ERR_TLS, in OpenSSL's words. */
const char *tls_wrap_reason(const struct tls_wrap *w);
/* Is the handshake done? */
bool tls_wrap_is_up(const struct tls_wrap *w);
/* Sends plain bytes, once it is up.  ERR_TLS. */
enum err tls_wrap_give(struct tls_wrap *w, struct slice plain) MUST_CHECK;
/* Says goodbye; nothing can be given any more. */
void tls_wrap_end(struct tls_wrap *w);

/* Appends what is to be sent, once.  ERR_NOMEM, ERR_LIMIT. */
enum err tls_wrap_output(struct tls_wrap *w, struct buf *out) MUST_CHECK;

#endif
