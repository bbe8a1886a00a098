/* SPDX-License-Identifier: ISC */
/*
 * Owns: connections that phones made, those to servers, their limits and their
 * ends: RFC 3261 s18, RFC 5626 s3.5.1.  Does not own: where messages end in a
 * stream (sipstream.c), bytes (sipconn_io.c), who listens (sipnet.c).
 */
#include "sip/sipconn_private.h"

#include <stdlib.h>

#include "net/sockaddr.h"
#include "sip/servername.h"

enum { SWEEP_US = 2500000 };

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

void sipconn_count(struct conn *c, size_t partial)
{
	c->t->partial += partial - c->partial;
	c->partial = partial;
}

/* Nobody is to wait for it any more. */
static void let_go(struct conn *c)
{
	struct sipconn_table *t = c->t;

	sipconn_count(c, 0);
	if (c->held && !t->freed)
		t->cfg.gone(t->cfg.ctx, c->flow.conn);
	c->held = false;
}

void sipconn_close(struct conn *c)
{
	struct sipconn_table *t = c->t;

	if (c->closing)
		return;
	c->closing = true;
	HASH_DEL(t->conns, c);
	if (c->flow.is_server)
		HASH_DELETE(hh_server, t->servers, c);
	if (c->tls != NULL && !c->ending)
		sipconn_io_goodbye(c);
	uv_close((uv_handle_t *)&c->uv, on_closed);
	let_go(c);
}

static void on_shutdown(uv_shutdown_t *q, int status)
{
	(void)q;
	(void)status; /* it is closed anyway */
}

/* Closed at once, with bytes unread, it would take its last answer along. */
void sipconn_end(struct conn *c)
{
	if (c->closing || c->ending)
		return;
	if (c->tls != NULL)
		sipconn_io_goodbye(c);
	c->ending = true;
	c->since_us = loop_now().mono_us;
	let_go(c);
	sipstream_clear(&c->stream);
	if (c->flow.is_server ||
	    uv_shutdown(&c->shutdown, (uv_stream_t *)&c->uv, on_shutdown) != 0)
		sipconn_close(c);
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
	if (n_like < SIPCONN_HALF_OPEN_PER_NETWORK) {
		if (n < SIPCONN_HALF_OPEN_MAX)
			return;
		like = oldest;
	}
	t->counts.limit++;
	sipconn_close(like);
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
	    sockaddr_read(&c->flow.peer, &a) != OK)
		return ERR_SYS;
	if (!may_accept(t, &c->flow.peer)) {
		t->counts.limit++;
		return ERR_FULL;
	}
	(void)uv_tcp_nodelay(&c->uv, 1); /* slower without, no worse */
	(void)uv_tcp_keepalive(&c->uv, 1, 60);
	if (server != NULL) {
		make_room(t, &c->flow.peer);
		if ((r = tls_wrap_new(&c->tls, server)) != OK)
			return r;
	}
	if ((r = list(c)) != OK)
		return r;
	if (sipconn_io_begin(c))
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
	c->stream.used_us = loop_now().mono_us;
	c->up = c->tls == NULL && status == 0;
	if (status != 0 || !sipconn_io_begin(c))
		sipconn_close(c);
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
	sipconn_io_send(c, bytes);
}

/* ---- all of them ---- */

static bool is_longer(const struct conn *c, uint64_t now_us, unsigned s)
{
	return now_us - c->since_us > UINT64_C(1000000) * s;
}

/* Its time is over; which is counted. */
static bool is_over(const struct conn *c, struct sipconn_counts *n,
		    uint64_t now_us)
{
	uint64_t *why = NULL;
	bool over;

	if (c->ending) {
		over = is_longer(c, now_us, SIPCONN_END_S);
	} else if (!c->up) {
		over = is_longer(c, now_us, SIPCONN_HANDSHAKE_S);
		why = &n->handshake;
	} else if (sipstream_is_slow(&c->stream, now_us)) {
		over = true;
		why = &n->slow;
	} else {
		over = !c->held && sipstream_is_idle(&c->stream, now_us);
	}
	if (over && why != NULL && !c->flow.is_server)
		++*why;
	return over;
}

/* Whoever sends slowly, or holds a connection for nothing, loses it. */
static void on_sweep(void *ctx)
{
	struct sipconn_table *t = ctx;
	uint64_t now_us = loop_now().mono_us;
	uint64_t next_us = SWEEP_US;
	struct conn *c, *tmp;

	HASH_ITER (hh, t->conns, c, tmp) {
		if (is_over(c, &t->counts, now_us))
			sipconn_close(c);
		else if (c->paused)
			sipconn_io_resume(c);
		if (!c->closing && c->paused)
			next_us = SIPCONN_PAUSE_US;
	}
	loop_deadline_set(t->sweep,
			  t->conns == NULL ? NEVER : now_us + next_us);
}

const struct sipconn_counts *sipconn_counts(const struct sipconn_table *t)
{
	return &t->counts;
}

bool sipconn_is_open(const struct sipconn_table *t, uint32_t conn)
{
	const struct conn *c = find(t, conn);

	return c != NULL && !c->ending;
}

void sipconn_send(struct sipconn_table *t, uint32_t conn, struct slice bytes)
{
	struct conn *c = find(t, conn);

	if (c != NULL)
		sipconn_io_send(c, bytes);
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
		sipconn_close(c);
	release(t);
}
