/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPCONN_PRIVATE_H
#define SIP_SIPCONN_PRIVATE_H

/* Connections from the inside, for sipconn*.c alone. */

#include "core/table.h"
#include "net/tls_wrap.h"
#include "sip/sipconn.h"
#include "sip/sipstream.h"

enum { SERVER_KEY_LEN = 23, SIPCONN_PAUSE_US = 200000 };

struct conn {
	struct sipconn_table *t;
	uv_tcp_t uv;
	struct flow flow;
	struct sipstream stream;
	size_t partial;       /* bytes in it, as the table has counted them */
	struct tls_wrap *tls; /* NULL: none */
	uint64_t since_us;
	bool up; /* connected, and the handshake of TLS is done */
	bool held, closing;
	bool spoken;       /* a message has come from there */
	bool ending;       /* what comes is not heard any more */
	bool paused;       /* not read: too much has come from there */
	UT_hash_handle hh; /* the oldest first */
	uv_connect_t connect;
	uv_shutdown_t shutdown;
	uint8_t server[SERVER_KEY_LEN]; /* of one that we made */
	struct buf waits;               /* for the handshake of TLS there */
	UT_hash_handle hh_server;
};

struct sipconn_table {
	struct sipconn_config cfg;
	struct conn *conns;
	struct conn *servers; /* those of them that we made, by address */
	uint32_t last_conn;
	struct loop_deadline *sweep;
	size_t n_handles; /* not yet closed */
	size_t partial;   /* bytes in their streams */
	struct sipconn_counts counts;
	bool freed;
	uint8_t chunk[SIPSTREAM_CHUNK_MAX]; /* on its way from the system */
};

/* At once. */
void sipconn_close(struct conn *c);
/* So many bytes are in its stream. */
void sipconn_count(struct conn *c, size_t partial);
/* When what was written has been sent, and the other side has seen it. */
void sipconn_end(struct conn *c);

/* ---- bytes, sipconn_io.c ---- */

/* Begins to read; and TLS, to a server.  False: it cannot. */
bool sipconn_io_begin(struct conn *c);
/* Reads on, or waits for a while. */
void sipconn_io_resume(struct conn *c);
/* What cannot be sent closes it. */
void sipconn_io_send(struct conn *c, struct slice bytes);
/* The end of TLS, if there is room for it. */
void sipconn_io_goodbye(struct conn *c);

#endif
