/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_PIPE_H
#define NET_TLS_PIPE_H

#include <uv.h>

#include "base/err.h"
#include "base/slice.h"
#include "wire/attach.h"

/*
 * TLS as a server for somebody who speaks plain bytes on a descriptor: what
 * httpd.h puts in front of libmicrohttpd.  Nobody's certificate is asked for.
 */

struct tls_pipe_server;

enum {
	TLS_PIPES_MAX = 256, /* connections at once; then one makes room */
	TLS_PIPE_HANDSHAKE_MS = 10000,
	TLS_PIPE_LIFE_MS = 60000 /* of a connection, however busy it seems */
};

/* Called whenever bytes were handed to a plain end, or one was closed. */
typedef void tls_pipe_moved(void *ctx);

/* `cert`: PEM, the own first; `key`: PEM.  ERR_TLS with the reason. */
enum err tls_pipe_new(struct tls_pipe_server **out, uv_loop_t *loop,
		      struct slice cert, struct slice key,
		      tls_pipe_moved *moved, void *ctx,
		      struct why *why) MUST_CHECK;
/* Serves an accepted socket; `plain` gets what comes and is read for what goes.
 * Both must not block, and are closed in the end.  When all places are taken
 * the oldest of the address that has most of them makes room.  ERR_NOMEM,
 * ERR_SYS: closed at once. */
enum err tls_pipe_start_take(struct tls_pipe_server *s, int socket, int plain,
			     const struct ip_address_port *from) MUST_CHECK;
/* Closes all; the memory goes when the loop has run.  NULL is fine. */
void tls_pipe_free(struct tls_pipe_server *s);

#endif
