/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPCONN_H
#define SIP_SIPCONN_H

#include "base/log.h"
#include "net/loop.h"
#include "net/tls_server.h"
#include "sip/flow.h"
#include "sip/sipflood.h"

/* Connections: of phones, and to servers, over TCP and TLS.  RFC 3261 s18,
 * s26.2, s26.3, RFC 5626. */

enum {
	SIPCONN_MAX = 16384,
	SIPCONN_PER_NETWORK =
		512, /* that nothing holds; one user's, probably */
	SIPCONN_HALF_OPEN_MAX = 256, /* in the handshake of TLS */
	SIPCONN_HALF_OPEN_PER_NETWORK = 64,
	SIPCONN_HANDSHAKE_S = 10,
	SIPCONN_END_S = 2, /* to read the last answer */
	SIPCONN_PARTIAL_MAX =
		64 << 20, /* bytes of messages not yet whole, of all */
	SIPCONN_UNSENT_MAX = 256 << 10 /* bytes to a slow reader */
};

struct servername_table;
struct sipconn_table;

/* That were ended, by why. */
struct sipconn_counts {
	uint64_t slow;      /* a message did not come to its end */
	uint64_t handshake; /* nor that of TLS */
	uint64_t malformed; /* no message can begin so */
	uint64_t limit;     /* too many of them, or too much in them */
};

struct sipconn_config {
	struct loop *loop;
	struct sipflood *flood; /* whom it does not admit is not read */
	/* One message; borrowed for the call. */
	void (*message)(void *ctx, const struct flow *from, struct slice bytes);
	/* What no message can begin with, ERR_MALFORMED or ERR_LIMIT: it may be
	 * answered, and then the connection ends. */
	void (*refused)(void *ctx, const struct flow *from, struct slice bytes,
			enum err r);
	/* A connection that was held is gone. */
	void (*gone)(void *ctx, uint32_t conn);
	/* No connection to a server, or from a phone, or none any more: what
	 * was to be sent there is lost.  After that, and from the loop. */
	void (*unreachable)(void *ctx, const struct flow *to);
	void *ctx;
	const struct servername_table *names; /* of servers by TLS */
	const struct log_sink *log;           /* may be NULL */
};

enum err sipconn_table_new(struct sipconn_table **out,
			   const struct sipconn_config *cfg) MUST_CHECK;
/* Takes over what waits at a listening stream, which is number `socket`; with
 * TLS when there is a `server`.  Nobody is told when it is refused. */
void sipconn_accept(struct sipconn_table *t, uv_stream_t *from, uint32_t socket,
		    struct ssl_ctx_st *server);
const struct sipconn_counts *sipconn_counts(const struct sipconn_table *t);
bool sipconn_is_open(const struct sipconn_table *t, uint32_t conn);
/* What cannot be sent ends the connection. */
void sipconn_send(struct sipconn_table *t, uint32_t conn, struct slice bytes);
/* Over a connection to that address, and by TLS (of `client`) to that name,
 * which is made where there is none; that it cannot be is told later. */
void sipconn_send_server(struct sipconn_table *t, const struct flow *to,
			 struct ssl_ctx_st *client, struct slice bytes);
/* It stays open while it is idle, and its end is told. */
void sipconn_hold(struct sipconn_table *t, uint32_t conn);
/* Closes all; nothing is called any more.  Memory goes when the loop has run.
 * NULL is fine. */
void sipconn_table_free(struct sipconn_table *t);

#endif
