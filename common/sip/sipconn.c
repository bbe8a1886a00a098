/* SPDX-License-Identifier: ISC */
/*
 * Owns: connections that phones made, those to servers, their limits and their
 * ends: RFC 3261 s18, RFC 5626 s3.5.1.  Does not own: where messages end in a
 * stream (sipstream.c), TLS (tls_wrap.c), who listens (sipnet.c).
 */
#include "sip/sipconn.h"

#include <stdlib.h>

#include "conf/address.h"
#include "core/table.h"
#include "net/sockaddr.h"
#include "net/tls_wrap.h"
#include "sip/servername.h"
#include "sip/sipstream.h"

enum { SWEEP_US = 2500000, PAUSE_US = 200000, SERVER_KEY_LEN = 23 };

struct conn {
	struct sipconn_table *t;
	uv_tcp_t uv;
	struct flow flow;
	struct sipstream stream;
	struct tls_wrap *tls; /* NULL: none */
	uint64_t since_us;
	bool up; /* connected, and the handshake of TLS is done */
	bool held, closing;
	bool spoken;       /* a message has come from there */
	bool paused;       /* not read: too much has come from there */
	UT_hash_handle hh; /* the oldest first */
	uv_connect_t connect;
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
	bool freed;
	uint8_t chunk[SIPSTREAM_CHUNK_MAX]; /* on its way from the system */
};

struct write {
	uv_write_t uv;
	uint8_t bytes[];
};

static void release(struct sipconn_table *t)
{
	if (t->freed && t->n_handles == 0)
		free(t);
}

static struct conn *find(const struct sipconn_table *t, uint32_t number)
{
	struct conn *c;

	HASH_FIND(hh, t->conns, &number, sizeof(number), c);
	return c;
}

static struct conn *find_server(const struct sipconn_table *t,
				const uint8_t key[static SERVER_KEY_LEN])
{
	struct conn *c;

	HASH_FIND(hh_server, t->servers, key, SERVER_KEY_LEN, c);
	return c;
}

/* ---- the end ---- */

static void on_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct sipconn_table *t = c->t;

	if (!t->freed &&
	    (c->flow.is_server ? find_server(t, c->server) == NULL : c->spoken))
		t->cfg.unreachable(t->cfg.ctx, &c->flow);
	sipstream_clear(&c->stream);
	buf_clear(&c->waits);
	tls_wrap_free(c->tls);
	free(c);
	t->n_handles--;
	release(t);
}

/* Says so to the other side, if there is room for it. */
static void say_goodbye(struct conn *c)
{
	struct buf b = BUF_INIT(SIPCONN_UNSENT_MAX);
	uv_buf_t v;

	tls_wrap_end(c->tls);
	if (tls_wrap_output(c->tls, &b) == OK && b.len > 0) {
		v = uv_buf_init((char *)b.p, (unsigned)b.len);
		(void)uv_try_write((uv_stream_t *)&c->uv, &v, 1);
	}
	buf_clear(&b);
}

static void conn_close(struct conn *c)
{
	struct sipconn_table *t = c->t;

	if (c->closing)
		return;
	c->closing = true;
	HASH_DEL(t->conns, c);
	if (c->flow.is_server)
		HASH_DELETE(hh_server, t->servers, c);
	if (c->tls != NULL)
		say_goodbye(c);
	uv_close((uv_handle_t *)&c->uv, on_closed);
	if (c->held && !t->freed)
		t->cfg.gone(t->cfg.ctx, c->flow.conn);
}

/* ---- out ---- */

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->handle->data;

	free(w->data);
	if (status != 0 && status != UV_ECANCELED)
		conn_close(c);
}

static void write_bytes(struct conn *c, struct slice bytes)
{
	size_t waits = uv_stream_get_write_queue_size((uv_stream_t *)&c->uv);
	struct write *w = NULL;
	uv_buf_t b;

	if (bytes.len == 0)
		return;
	if (waits + bytes.len <= SIPCONN_UNSENT_MAX)
		w = malloc(sizeof(*w) + bytes.len);
	if (w == NULL) {
		conn_close(c); /* it cannot have what it waits for */
		return;
	}
	memcpy(w->bytes, bytes.p, bytes.len);
	w->uv.data = w;
	b = uv_buf_init((char *)w->bytes, (unsigned)bytes.len);
	if (uv_write(&w->uv, (uv_stream_t *)&c->uv, &b, 1, on_written) != 0) {
		free(w);
		conn_close(c);
	}
}

/* What TLS has to say. */
static void flush(struct conn *c)
{
	struct buf b = BUF_INIT(2 * SIPCONN_UNSENT_MAX);

	if (tls_wrap_output(c->tls, &b) == OK)
		write_bytes(c, buf_slice(&b));
	else
		conn_close(c);
	buf_clear(&b);
}

static void conn_send(struct conn *c, struct slice bytes)
{
	enum err r = OK;

	if (c->tls == NULL)
		write_bytes(c, bytes);
	else if (c->up)
		r = tls_wrap_give(c->tls, bytes);
	else
		r = buf_append_slice(&c->waits, bytes);
	if (r != OK)
		conn_close(c);
	else if (c->tls != NULL && c->up)
		flush(c);
}

/* ---- in ---- */

static bool on_message(void *ctx, struct slice bytes)
{
	struct conn *c = ctx;

	c->spoken = true;
	c->t->cfg.message(c->t->cfg.ctx, &c->flow, bytes);
	return !c->closing;
}

static bool on_pong(void *ctx)
{
	struct conn *c = ctx;

	conn_send(c, SLICE_LIT("\r\n"));
	return !c->closing;
}

static void take(struct conn *c, struct slice bytes)
{
	const struct sipstream_taker to = { .message = on_message,
					    .pong = on_pong,
					    .ctx = c };

	while (bytes.len > 0 && !c->closing) {
		size_t n = bytes.len < SIPSTREAM_CHUNK_MAX
				   ? bytes.len
				   : SIPSTREAM_CHUNK_MAX;

		if (sipstream_take(&c->stream, slice_sub(bytes, 0, n), &to,
				   loop_now().mono_us) != OK)
			conn_close(c);
		bytes = slice_sub(bytes, n, bytes.len - n);
	}
}

/* The handshake is done: what has waited for it can go. */
static void begin_tls(struct conn *c)
{
	c->up = true;
	c->stream.used_us = loop_now().mono_us;
	if (c->waits.len > 0)
		conn_send(c, buf_slice(&c->waits));
	buf_clear(&c->waits);
}

/* Nothing is sent to who does not prove the name, RFC 5922 s7.3. */
static void tell_refused(const struct conn *c)
{
	const struct sipconn_config *cfg = &c->t->cfg;
	const char *name = servername_find(cfg->names, c->flow.name);
	char text[ADDRESS_TEXT_MAX];

	log_line(cfg->log, LOG_WARN,
		 "sip: tls:%s for %s: %s; nothing was sent (whom to trust: "
		 "--sip-ca)",
		 address_format(&c->flow.peer, text), name != NULL ? name : "?",
		 tls_wrap_reason(c->tls));
}

static void take_tls(struct conn *c, struct slice bytes)
{
	struct buf plain = BUF_INIT(4 * SIPSTREAM_CHUNK_MAX);
	enum err r = tls_wrap_take(c->tls, bytes, &plain);

	if (!c->up && tls_wrap_is_up(c->tls))
		begin_tls(c);
	flush(c);
	if (r != OK && !c->up && c->flow.is_server)
		tell_refused(c);
	take(c, buf_slice(&plain));
	if (r != OK)
		conn_close(c);
	buf_clear(&plain);
}

static void on_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct conn *c = h->data;

	(void)hint;
	*out = uv_buf_init((char *)c->t->chunk, sizeof(c->t->chunk));
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b);

/* Reads on, or waits for a while. */
static void read_on(struct conn *c)
{
	bool may = sipflood_admits(c->t->cfg.flood, &c->flow.peer,
				   loop_now().mono_us);

	if (c->closing || may != c->paused)
		return;
	c->paused = !may;
	if (c->paused) {
		(void)uv_read_stop((uv_stream_t *)&c->uv); /* cannot fail */
		loop_deadline_set(c->t->sweep, loop_now().mono_us + PAUSE_US);
	} else if (uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) !=
		   0) {
		conn_close(c);
	}
}

static void on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = h->data;

	if (n == 0 || c->closing)
		return;
	if (n < 0)
		conn_close(c);
	else if (c->tls != NULL)
		take_tls(c, slice_of(b->base, (size_t)n));
	else
		take(c, slice_of(b->base, (size_t)n));
	read_on(c);
}

/* ---- the beginning ---- */

static bool may_accept(const struct sipconn_table *t,
		       const struct ip_address_port *peer)
{
	uint64_t now_us = loop_now().mono_us;
	const struct conn *c, *tmp;
	size_t n = 0;

	if (HASH_COUNT(t->conns) >= SIPCONN_MAX ||
	    !sipflood_admits(t->cfg.flood, peer, now_us))
		return false;
	sipflood_charge(t->cfg.flood, peer, SIPFLOOD_CONNECTION, now_us);
	HASH_ITER (hh, t->conns, c, tmp)
		n += !c->held && sockaddr_same_network(&c->flow.peer, peer);
	return n < SIPCONN_PER_NETWORK;
}

/* Those that begin TLS and say no more: one of the same network makes room, or
 * the oldest of all. */
static void make_room(struct sipconn_table *t,
		      const struct ip_address_port *peer)
{
	struct conn *c, *tmp, *oldest = NULL, *like = NULL;
	size_t n = 0, n_like = 0;

	HASH_ITER (hh, t->conns, c, tmp) {
		if (c->up || c->flow.is_server)
			continue;
		if (n++ == 0)
			oldest = c;
		if (sockaddr_same_network(&c->flow.peer, peer) && n_like++ == 0)
			like = c;
	}
	if (n_like >= SIPCONN_HALF_OPEN_PER_NETWORK)
		conn_close(like);
	else if (n >= SIPCONN_HALF_OPEN_MAX)
		conn_close(oldest);
}

static enum err list(struct conn *c)
{
	struct sipconn_table *t = c->t;

	do
		c->flow.conn = ++t->last_conn;
	while (c->flow.conn == 0 || find(t, c->flow.conn) != NULL);
	HASH_ADD(hh, t->conns, flow.conn, sizeof(c->flow.conn), c);
	if (c->hh.tbl == NULL)
		return ERR_NOMEM;
	if (HASH_COUNT(t->conns) == 1)
		loop_deadline_set(t->sweep, c->since_us + SWEEP_US);
	return OK;
}

static struct conn *conn_new(struct sipconn_table *t)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->t = t;
	c->waits.max = SIPCONN_UNSENT_MAX;
	c->since_us = loop_now().mono_us;
	sipstream_init(&c->stream, c->since_us);
	c->uv.data = c;
	if (uv_tcp_init(loop_uv(t->cfg.loop), &c->uv) != 0) {
		free(c);
		return NULL;
	}
	t->n_handles++;
	return c;
}

static enum err begin(struct conn *c, uv_stream_t *from,
		      struct ssl_ctx_st *server)
{
	struct sipconn_table *t = c->t;
	struct sockaddr_storage a = { 0 };
	int len = sizeof(a);
	enum err r;

	if (uv_accept(from, (uv_stream_t *)&c->uv) != 0 ||
	    uv_tcp_getpeername(&c->uv, (struct sockaddr *)&a, &len) != 0 ||
	    sockaddr_read(&c->flow.peer, &a) != OK ||
	    !may_accept(t, &c->flow.peer))
		return ERR_FULL;
	(void)uv_tcp_nodelay(&c->uv, 1); /* slower without, no worse */
	(void)uv_tcp_keepalive(&c->uv, 1, 60);
	if (server != NULL) {
		make_room(t, &c->flow.peer);
		if ((r = tls_wrap_new(&c->tls, server)) != OK)
			return r;
	}
	if ((r = list(c)) != OK)
		return r;
	if (uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) == 0)
		return OK;
	HASH_DEL(t->conns, c);
	return ERR_SYS;
}

void sipconn_accept(struct sipconn_table *t, uv_stream_t *from, uint32_t socket,
		    struct ssl_ctx_st *server)
{
	struct conn *c = conn_new(t);

	if (c == NULL)
		return;
	c->up = server == NULL;
	c->flow.socket = socket;
	if (begin(c, from, server) != OK) {
		c->closing = true;
		uv_close((uv_handle_t *)&c->uv, on_closed);
	}
}

/* ---- servers ---- */

static void server_key(const struct flow *to,
		       uint8_t out[static SERVER_KEY_LEN])
{
	const struct ip_address_port *a = &to->peer;
	size_t len = a->type == ADDRESS_IPV4 ? 4 : sizeof(a->addr);

	memset(out, 0, SERVER_KEY_LEN);
	out[0] = a->type;
	memcpy(out + 1, a->addr, len);
	out[17] = (uint8_t)(a->port >> 8);
	out[18] = (uint8_t)a->port;
	memcpy(out + 19, &to->name, sizeof(to->name));
}

static void on_connected(uv_connect_t *q, int status)
{
	struct conn *c = q->data;

	if (status == UV_ECANCELED || c->closing)
		return;
	if (status != 0 ||
	    uv_read_start((uv_stream_t *)&c->uv, on_alloc, on_read) != 0) {
		conn_close(c);
		return;
	}
	c->up = c->tls == NULL;
	c->stream.used_us = loop_now().mono_us;
	if (c->tls != NULL)
		take_tls(c, slice_of(NULL, 0)); /* it begins */
}

static enum err aim(struct conn *c, struct ssl_ctx_st *client)
{
	const char *name = servername_find(c->t->cfg.names, c->flow.name);

	if (c->flow.name == 0)
		return OK;
	return client == NULL || name == NULL
		       ? ERR_NOT_FOUND
		       : tls_wrap_new_client(&c->tls, client, name);
}

static enum err connect_to(struct conn *c, const struct flow *to,
			   struct ssl_ctx_st *client)
{
	struct sipconn_table *t = c->t;
	struct sockaddr_storage a;
	socklen_t len;
	enum err r;

	if (HASH_COUNT(t->conns) >= SIPCONN_MAX)
		return ERR_FULL;
	if ((r = sockaddr_make(&a, &len, &to->peer)) != OK ||
	    (r = aim(c, client)) != OK || (r = list(c)) != OK)
		return r;
	HASH_ADD(hh_server, t->servers, server, SERVER_KEY_LEN, c);
	r = c->hh_server.tbl == NULL ? ERR_NOMEM : ERR_SYS;
	c->connect.data = c;
	if (r == ERR_SYS &&
	    uv_tcp_connect(&c->connect, &c->uv, (const struct sockaddr *)&a,
			   on_connected) == 0)
		return OK;
	HASH_DEL(t->conns, c);
	if (r == ERR_SYS)
		HASH_DELETE(hh_server, t->servers, c);
	return r;
}

void sipconn_send_server(struct sipconn_table *t, const struct flow *to,
			 struct ssl_ctx_st *client, struct slice bytes)
{
	uint8_t key[SERVER_KEY_LEN];
	struct conn *c;

	server_key(to, key);
	if ((c = find_server(t, key)) == NULL) {
		if ((c = conn_new(t)) == NULL)
			return;
		c->flow = *to;
		memcpy(c->server, key, sizeof(key));
		if (connect_to(c, to, client) != OK) {
			c->closing = true;
			uv_close((uv_handle_t *)&c->uv, on_closed);
			return;
		}
	}
	conn_send(c, bytes);
}

/* ---- all of them ---- */

static bool is_over(const struct conn *c, uint64_t now_us)
{
	if (!c->up)
		return now_us - c->since_us >
		       UINT64_C(1000000) * SIPCONN_HANDSHAKE_S;
	return sipstream_is_slow(&c->stream, now_us) ||
	       (!c->held && sipstream_is_idle(&c->stream, now_us));
}

/* Whoever sends slowly, or holds a connection for nothing, loses it. */
static void on_sweep(void *ctx)
{
	struct sipconn_table *t = ctx;
	uint64_t now_us = loop_now().mono_us;
	uint64_t next_us = SWEEP_US;
	struct conn *c, *tmp;

	HASH_ITER (hh, t->conns, c, tmp) {
		if (is_over(c, now_us))
			conn_close(c);
		else if (c->paused)
			read_on(c);
		if (!c->closing && c->paused)
			next_us = PAUSE_US;
	}
	loop_deadline_set(t->sweep,
			  t->conns == NULL ? NEVER : now_us + next_us);
}

bool sipconn_is_open(const struct sipconn_table *t, uint32_t conn)
{
	return find(t, conn) != NULL;
}

void sipconn_send(struct sipconn_table *t, uint32_t conn, struct slice bytes)
{
	struct conn *c = find(t, conn);

	if (c != NULL)
		conn_send(c, bytes);
}

void sipconn_hold(struct sipconn_table *t, uint32_t conn)
{
	struct conn *c = find(t, conn);

	if (c != NULL)
		c->held = true;
}

enum err sipconn_table_new(struct sipconn_table **out,
			   const struct sipconn_config *cfg)
{
	struct sipconn_table *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	if ((r = loop_deadline_new(cfg->loop, on_sweep, t, &t->sweep)) == OK)
		*out = t;
	else
		free(t);
	return r;
}

void sipconn_table_free(struct sipconn_table *t)
{
	struct conn *c, *tmp;

	if (t == NULL)
		return;
	t->freed = true;
	loop_deadline_free(t->sweep);
	HASH_ITER (hh, t->conns, c, tmp)
		conn_close(c);
	release(t);
}
