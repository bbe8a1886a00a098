/* SPDX-License-Identifier: ISC */
/*
 * Owns: sockets of SIP, connections and their limits: RFC 3261 s18, RFC 5626
 * s3.5.  Does not own: where messages end in a stream (sipstream.c), what they
 * say.
 */
#include "sip/sipnet.h"

#include <errno.h>
#include <stdlib.h>

#include "conf/address.h"
#include "core/table.h"
#include "net/sockaddr.h"
#include "sip/sipstream.h"
#include "sip/stunping.h"

enum { BACKLOG = 128, RECEIVE_BUFFER = 4 << 20, SWEEP_US = 5000000 };

struct socket {
	struct sipnet *t;
	enum sipnet_type type;
	uint32_t number;
	struct ip_address_port address;
	union {
		uv_handle_t handle;
		uv_udp_t udp;
		uv_tcp_t tcp;
	} uv;
};

struct conn {
	struct sipnet *t;
	uv_tcp_t uv;
	struct flow flow;
	struct sipstream stream;
	bool held, closing;
	UT_hash_handle hh;
};

struct sipnet {
	struct sipnet_config cfg;
	struct socket *sockets[SIPNET_SOCKETS_MAX];
	size_t n_sockets;
	struct conn *conns;
	uint32_t last_conn;
	struct loop_deadline *sweep;
	size_t n_handles; /* not yet closed */
	bool freed;
	uint8_t datagram[SIPMSG_MAX + 1];
};

struct write {
	uv_write_t uv;
	uint8_t bytes[];
};

const char *sipnet_name(enum sipnet_type type)
{
	return type == SIPNET_UDP ? "udp" : "tcp";
}

static void release(struct sipnet *t)
{
	if (t->freed && t->n_handles == 0)
		free(t);
}

/* ---- datagrams ---- */

static void on_udp_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct socket *s = h->data;

	(void)hint;
	*out = uv_buf_init((char *)s->t->datagram, sizeof(s->t->datagram));
}

static void udp_send(struct socket *s, const struct ip_address_port *to,
		     struct slice bytes)
{
	struct sockaddr_storage a;
	socklen_t len;
	uv_buf_t b;

	if (sockaddr_make(&a, &len, to) != OK)
		return;
	memcpy(&b.base, &bytes.p, sizeof(b.base)); /* libuv only reads it */
	b.len = bytes.len;
	/* What does not go at once is lost, and sent again by who waits. */
	(void)uv_udp_try_send(&s->uv.udp, &b, 1, (struct sockaddr *)&a);
}

static void answer_stun(struct socket *s, const struct flow *from,
			struct slice bytes)
{
	struct buf b = BUF_INIT(64);

	if (stunping_answer(bytes, &from->peer, &b) == OK)
		udp_send(s, &from->peer, buf_slice(&b));
	buf_clear(&b);
}

static void on_udp(uv_udp_t *h, ssize_t n, const uv_buf_t *b,
		   const struct sockaddr *from, unsigned flags)
{
	struct socket *s = h->data;
	struct sockaddr_storage a = { 0 };
	struct flow flow = { .socket = s->number };
	struct slice bytes;

	if (n <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0)
		return;
	memcpy(&a, from,
	       from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in));
	bytes = slice_of(b->base, (size_t)n);
	if (sockaddr_read(&flow.peer, &a) != OK || flow.peer.port == 0)
		return;
	if (stunping_is(bytes))
		answer_stun(s, &flow, bytes);
	else if (bytes.p[0] != '\r' && bytes.p[0] != '\n') /* keep-alive */
		s->t->cfg.message(s->t->cfg.ctx, &flow, bytes);
}

/* ---- connections ---- */

static void on_conn_closed(uv_handle_t *h)
{
	struct conn *c = h->data;
	struct sipnet *t = c->t;

	sipstream_clear(&c->stream);
	free(c);
	t->n_handles--;
	release(t);
}

static void conn_close(struct conn *c)
{
	struct sipnet *t = c->t;

	if (c->closing)
		return;
	c->closing = true;
	HASH_DEL(t->conns, c);
	uv_close((uv_handle_t *)&c->uv, on_conn_closed);
	if (c->held && !t->freed)
		t->cfg.gone(t->cfg.ctx, c->flow.conn);
}

static void on_written(uv_write_t *w, int status)
{
	struct conn *c = w->handle->data;

	free(w->data);
	if (status != 0 && status != UV_ECANCELED)
		conn_close(c);
}

static void tcp_send(struct conn *c, struct slice bytes)
{
	size_t waits = uv_stream_get_write_queue_size((uv_stream_t *)&c->uv);
	struct write *w = NULL;
	uv_buf_t b;

	if (waits + bytes.len <= SIPNET_UNSENT_MAX)
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

static bool on_stream_message(void *ctx, struct slice bytes)
{
	struct conn *c = ctx;

	c->t->cfg.message(c->t->cfg.ctx, &c->flow, bytes);
	return !c->closing;
}

static bool on_stream_pong(void *ctx)
{
	struct conn *c = ctx;

	tcp_send(c, SLICE_LIT("\r\n"));
	return !c->closing;
}

static void on_tcp_alloc(uv_handle_t *h, size_t hint, uv_buf_t *out)
{
	struct conn *c = h->data;

	(void)hint;
	/* The stream's bytes are appended from here. */
	*out = uv_buf_init((char *)c->t->datagram, SIPSTREAM_CHUNK_MAX);
}

static void on_tcp(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct conn *c = h->data;
	const struct sipstream_taker to = { .message = on_stream_message,
					    .pong = on_stream_pong,
					    .ctx = c };

	if (n == 0 || c->closing)
		return;
	if (n < 0 || sipstream_take(&c->stream, slice_of(b->base, (size_t)n),
				    &to, loop_now().mono_us) != OK)
		conn_close(c);
}

static bool may_accept(const struct sipnet *t,
		       const struct ip_address_port *peer)
{
	const struct conn *c, *tmp;
	size_t n = 0;

	if (HASH_COUNT(t->conns) >= SIPNET_CONNS_MAX)
		return false;
	HASH_ITER (hh, t->conns, c, tmp)
		n += sockaddr_same_network(&c->flow.peer, peer);
	return n < SIPNET_CONNS_PER_NETWORK;
}

static enum err accept_one(struct conn *c, uv_stream_t *from)
{
	struct sipnet *t = c->t;
	struct sockaddr_storage a = { 0 };
	int len = sizeof(a);

	if (uv_accept(from, (uv_stream_t *)&c->uv) != 0 ||
	    uv_tcp_getpeername(&c->uv, (struct sockaddr *)&a, &len) != 0 ||
	    sockaddr_read(&c->flow.peer, &a) != OK ||
	    !may_accept(t, &c->flow.peer))
		return ERR_FULL;
	(void)uv_tcp_nodelay(&c->uv, 1); /* slower without, no worse */
	(void)uv_tcp_keepalive(&c->uv, 1, 60);
	do
		c->flow.conn = ++t->last_conn;
	while (c->flow.conn == 0);
	HASH_ADD(hh, t->conns, flow.conn, sizeof(c->flow.conn), c);
	if (c->hh.tbl == NULL)
		return ERR_NOMEM;
	if (uv_read_start((uv_stream_t *)&c->uv, on_tcp_alloc, on_tcp) == 0)
		return OK;
	HASH_DEL(t->conns, c);
	return ERR_SYS;
}

static void on_connection(uv_stream_t *h, int status)
{
	struct socket *s = h->data;
	struct sipnet *t = s->t;
	struct conn *c;

	if (status != 0 || (c = calloc(1, sizeof(*c))) == NULL)
		return;
	c->t = t;
	sipstream_init(&c->stream, loop_now().mono_us);
	c->flow.socket = s->number;
	c->uv.data = c;
	if (uv_tcp_init(loop_uv(t->cfg.loop), &c->uv) != 0) {
		free(c);
		return;
	}
	t->n_handles++;
	if (accept_one(c, h) != OK) {
		c->closing = true;
		uv_close((uv_handle_t *)&c->uv, on_conn_closed);
		return;
	}
	if (HASH_COUNT(t->conns) == 1)
		loop_deadline_set(t->sweep, c->stream.used_us + SWEEP_US);
}

/* Whoever sends slowly, or holds a connection for nothing, loses it. */
static void on_sweep(void *ctx)
{
	struct sipnet *t = ctx;
	uint64_t now_us = loop_now().mono_us;
	struct conn *c, *tmp;

	HASH_ITER (hh, t->conns, c, tmp) {
		if (sipstream_is_slow(&c->stream, now_us) ||
		    (!c->held && sipstream_is_idle(&c->stream, now_us)))
			conn_close(c);
	}
	loop_deadline_set(t->sweep,
			  t->conns == NULL ? NEVER : now_us + SWEEP_US);
}

/* ---- beginning and end ---- */

static int listen_udp(struct sipnet *t, struct socket *s,
		      const struct sockaddr *a)
{
	int e, size = RECEIVE_BUFFER;

	if ((e = uv_udp_init(loop_uv(t->cfg.loop), &s->uv.udp)) != 0)
		return e;
	t->sockets[t->n_sockets++] = s;
	t->n_handles++;
	if ((e = uv_udp_bind(&s->uv.udp, a,
			     a->sa_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0)) !=
	    0)
		return e;
	(void)uv_recv_buffer_size(&s->uv.handle, &size); /* as much as we may */
	return uv_udp_recv_start(&s->uv.udp, on_udp_alloc, on_udp);
}

static int listen_tcp(struct sipnet *t, struct socket *s,
		      const struct sockaddr *a)
{
	int e;

	if ((e = uv_tcp_init(loop_uv(t->cfg.loop), &s->uv.tcp)) != 0)
		return e;
	t->sockets[t->n_sockets++] = s;
	t->n_handles++;
	if ((e = uv_tcp_bind(&s->uv.tcp, a,
			     a->sa_family == AF_INET6 ? UV_TCP_IPV6ONLY : 0)) !=
	    0)
		return e;
	return uv_listen((uv_stream_t *)&s->uv.tcp, BACKLOG, on_connection);
}

static enum err open_socket(struct sipnet *t, const struct sipnet_listen *l,
			    struct why *why)
{
	struct sockaddr_storage a;
	char text[ADDRESS_TEXT_MAX];
	struct socket *s;
	socklen_t len;
	enum err r;
	int e;

	if (t->n_sockets == SIPNET_SOCKETS_MAX)
		return ERR_FULL;
	if ((r = sockaddr_make(&a, &len, &l->address)) != OK)
		return r;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ERR_NOMEM;
	s->t = t;
	s->type = l->type;
	s->address = l->address;
	s->number = (uint32_t)t->n_sockets;
	e = l->type == SIPNET_UDP ? listen_udp(t, s, (struct sockaddr *)&a)
				  : listen_tcp(t, s, (struct sockaddr *)&a);
	if (t->n_sockets == s->number) { /* not even begun */
		free(s);
		return ERR_SYS;
	}
	s->uv.handle.data = s;
	if (e == 0)
		return OK;
	return why_err(why, e == UV_EADDRINUSE ? ERR_BUSY : ERR_SYS,
		       "--sip %s:%s: %s", sipnet_name(l->type),
		       address_format(&l->address, text), uv_strerror(e));
}

/* One for each address that it stands for. */
static enum err open_sockets(struct sipnet *t, const struct sipnet_listen *l,
			     struct why *why)
{
	struct ip_address_port v[SIPNET_SOCKETS_MAX];
	size_t n = 0;
	enum err r = sockaddr_expand(&l->address, 1, v, &n, SIPNET_SOCKETS_MAX);

	for (size_t i = 0; i < n && r == OK; i++)
		r = open_socket(t, &(struct sipnet_listen){ l->type, v[i] },
				why);
	return r;
}

bool sipnet_local(const struct sipnet *t, const struct flow *f,
		  enum sipnet_type *type, struct ip_address_port *address)
{
	const struct conn *c;

	if (f->socket >= t->n_sockets)
		return false;
	*type = t->sockets[f->socket]->type;
	*address = t->sockets[f->socket]->address;
	if (f->conn == 0)
		return true;
	HASH_FIND(hh, t->conns, &f->conn, sizeof(f->conn), c);
	return c != NULL;
}

bool sipnet_listens(const struct sipnet *t, const struct ip_address_port *a)
{
	for (size_t i = 0; i < t->n_sockets; i++)
		if (address_eq(&t->sockets[i]->address, a))
			return true;
	return false;
}

enum err sipnet_new(struct sipnet **out, const struct sipnet_config *cfg,
		    struct why *why)
{
	struct sipnet *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	r = loop_deadline_new(cfg->loop, on_sweep, t, &t->sweep);
	for (size_t i = 0; i < cfg->n_listen && r == OK; i++)
		r = open_sockets(t, &cfg->listen[i], why);
	if (r == OK)
		*out = t;
	else
		sipnet_free(t);
	return r;
}

void sipnet_send(struct sipnet *t, const struct flow *to, struct slice bytes)
{
	struct conn *c;

	if (to->conn == 0) {
		udp_send(t->sockets[to->socket], &to->peer, bytes);
		return;
	}
	HASH_FIND(hh, t->conns, &to->conn, sizeof(to->conn), c);
	if (c != NULL)
		tcp_send(c, bytes);
}

void sipnet_hold(struct sipnet *t, uint32_t conn)
{
	struct conn *c;

	HASH_FIND(hh, t->conns, &conn, sizeof(conn), c);
	if (c != NULL)
		c->held = true;
}

static void on_socket_closed(uv_handle_t *h)
{
	struct socket *s = h->data;
	struct sipnet *t = s->t;

	free(s);
	t->n_handles--;
	release(t);
}

void sipnet_free(struct sipnet *t)
{
	struct conn *c, *tmp;

	if (t == NULL)
		return;
	t->freed = true;
	loop_deadline_free(t->sweep);
	HASH_ITER (hh, t->conns, c, tmp)
		conn_close(c);
	for (size_t i = 0; i < t->n_sockets; i++)
		uv_close(&t->sockets[i]->uv.handle, on_socket_closed);
	release(t);
}
