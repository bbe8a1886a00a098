/* SPDX-License-Identifier: ISC */
/*
 * Owns: sockets of SIP and datagrams: RFC 3261 s18, RFC 5626 s3.5.2.  Does not
 * own: connections (sipconn.c), what messages say.
 */
#include "sip/sipnet.h"

#include <errno.h>
#include <stdlib.h>

#include "conf/address.h"
#include "net/icmp.h"
#include "net/sockaddr.h"
#include "sip/servername.h"
#include "sip/stunping.h"

enum { BACKLOG = 128, RECEIVE_BUFFER = 4 << 20, WARN_EVERY_US = 60000000 };

struct socket {
	struct sipnet *t;
	enum sipnet_type type;
	uint32_t number;
	struct ip_address_port address;
	bool failed; /* there may be something in its queue of errors */
	union {
		uv_handle_t handle;
		uv_udp_t udp;
		uv_tcp_t tcp;
	} uv;
};

struct sipnet {
	struct sipnet_config cfg;
	struct socket *sockets[SIPNET_SOCKETS_MAX];
	size_t n_sockets;
	struct sipconn_table *conns;
	struct sipflood *flood;
	struct servername_table *names;
	uint64_t warned_us; /* when it was told last that somebody floods */
	size_t n_handles;   /* not yet closed */
	bool freed;
	uint8_t datagram[SIPMSG_MAX + 1];
};

const char *sipnet_name(enum sipnet_type type)
{
	return type == SIPNET_UDP ? "udp" : type == SIPNET_TCP ? "tcp" : "tls";
}

static void release(struct sipnet *t)
{
	if (!t->freed || t->n_handles > 0)
		return;
	sipflood_free(t->flood);
	servername_table_free(t->names);
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
	int e;

	if (sockaddr_make(&a, &len, to) != OK)
		return;
	memcpy(&b.base, &bytes.p, sizeof(b.base)); /* libuv only reads it */
	b.len = bytes.len;
	/* What does not go at once is lost, and sent again by who waits.  But
	 * ICMP may have told of another that was sent before. */
	e = uv_udp_try_send(&s->uv.udp, &b, 1, (struct sockaddr *)&a);
	if (e < 0 && e != UV_EAGAIN) {
		s->failed = true;
		(void)uv_udp_try_send(&s->uv.udp, &b, 1, (struct sockaddr *)&a);
	}
}

static void answer_stun(struct socket *s, const struct flow *from,
			struct slice bytes)
{
	struct buf b = BUF_INIT(64);

	sipnet_charge(s->t, from, SIPFLOOD_MESSAGE);
	if (stunping_answer(bytes, &from->peer, &b) == OK)
		udp_send(s, &from->peer, buf_slice(&b));
	buf_clear(&b);
}

/* RFC 3261 s18.4. */
static void hear_icmp(struct socket *s)
{
	struct flow to = { .socket = s->number };
	uv_os_fd_t fd;

	s->failed = false;
	if (uv_fileno(&s->uv.handle, &fd) != 0)
		return;
	while (icmp_next(fd, &to.peer))
		if (to.peer.type != 0)
			s->t->cfg.unreachable(s->t->cfg.ctx, &to);
}

static void on_udp(uv_udp_t *h, ssize_t n, const uv_buf_t *b,
		   const struct sockaddr *from, unsigned flags)
{
	struct socket *s = h->data;
	struct sockaddr_storage a = { 0 };
	struct flow flow = { .socket = s->number };
	struct slice bytes;

	if (n < 0 || s->failed)
		hear_icmp(s);
	if (n <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0)
		return;
	memcpy(&a, from,
	       from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in));
	bytes = slice_of(b->base, (size_t)n);
	if (sockaddr_read(&flow.peer, &a) != OK || flow.peer.port == 0 ||
	    !sipflood_admits(s->t->flood, &flow.peer, loop_now().mono_us))
		return;
	if (stunping_is(bytes))
		answer_stun(s, &flow, bytes);
	else if (bytes.p[0] != '\r' && bytes.p[0] != '\n') /* keep-alive */
		s->t->cfg.message(s->t->cfg.ctx, &flow, bytes);
}

/* ---- connections ---- */

static void on_connection(uv_stream_t *h, int status)
{
	struct socket *s = h->data;

	if (status == 0)
		sipconn_accept(s->t->conns, h, s->number,
			       s->type == SIPNET_TLS ? s->t->cfg.tls.server
						     : NULL);
}

/* ---- beginning and end ---- */

static int listen_udp(struct sipnet *t, struct socket *s,
		      const struct sockaddr *a)
{
	int e, size = RECEIVE_BUFFER;
	uv_os_fd_t fd;

	if ((e = uv_udp_init(loop_uv(t->cfg.loop), &s->uv.udp)) != 0)
		return e;
	t->sockets[t->n_sockets++] = s;
	t->n_handles++;
	if ((e = uv_udp_bind(&s->uv.udp, a,
			     a->sa_family == AF_INET6 ? UV_UDP_IPV6ONLY : 0)) !=
	    0)
		return e;
	(void)uv_recv_buffer_size(&s->uv.handle, &size); /* as much as we may */
	if (uv_fileno(&s->uv.handle, &fd) == 0)
		icmp_hear(fd, a->sa_family == AF_INET6);
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
	if (f->socket >= t->n_sockets)
		return false;
	*type = t->sockets[f->socket]->type;
	*address = t->sockets[f->socket]->address;
	return f->conn == 0 || sipconn_is_open(t->conns, f->conn);
}

bool sipnet_find(const struct sipnet *t, enum sipnet_type type,
		 const struct ip_address_port *a, uint32_t *socket)
{
	for (size_t i = 0; i < t->n_sockets; i++)
		if (t->sockets[i]->type == type &&
		    address_eq(&t->sockets[i]->address, a)) {
			*socket = t->sockets[i]->number;
			return true;
		}
	return false;
}

bool sipnet_listens(const struct sipnet *t, const struct ip_address_port *a)
{
	for (size_t i = 0; i < t->n_sockets; i++)
		if (address_eq(&t->sockets[i]->address, a))
			return true;
	return false;
}

bool sipnet_has(const struct sipnet *t, enum sipnet_type type)
{
	for (size_t i = 0; i < t->n_sockets; i++)
		if (t->sockets[i]->type == type)
			return true;
	return false;
}

bool sipnet_to(struct sipnet *t, enum sipnet_type type,
	       const struct ip_address_port *a, const char *domain,
	       struct flow *out)
{
	bool tls = type == SIPNET_TLS;

	for (size_t i = 0; i < t->n_sockets; i++) {
		const struct socket *s = t->sockets[i];

		if (s->type != type || s->address.type != a->type)
			continue;
		*out = (struct flow){ .socket = s->number,
				      .peer = *a,
				      .is_server = type != SIPNET_UDP,
				      .may_grow = type == SIPNET_UDP };
		if (tls)
			out->name = servername_add(t->names, domain);
		return !tls || out->name != 0;
	}
	return false;
}

enum err sipnet_new(struct sipnet **out, const struct sipnet_config *cfg,
		    struct why *why)
{
	struct sipconn_config c = { .loop = cfg->loop,
				    .message = cfg->message,
				    .refused = cfg->refused,
				    .gone = cfg->gone,
				    .unreachable = cfg->unreachable,
				    .ctx = cfg->ctx,
				    .log = cfg->log };
	struct sipnet *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	if ((r = sipflood_new(&t->flood)) == OK &&
	    (r = servername_table_new(&t->names)) == OK) {
		c.flood = t->flood;
		c.names = t->names;
		r = sipconn_table_new(&t->conns, &c);
	}
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
	if (to->is_server)
		sipconn_send_server(t->conns, to, t->cfg.tls.client, bytes);
	else if (to->conn == 0)
		udp_send(t->sockets[to->socket], &to->peer, bytes);
	else
		sipconn_send(t->conns, to->conn, bytes);
}

void sipnet_hold(struct sipnet *t, uint32_t conn)
{
	sipconn_hold(t->conns, conn);
}

void sipnet_charge(struct sipnet *t, const struct flow *from, uint32_t units)
{
	uint64_t now_us = loop_now().mono_us;
	char text[ADDRESS_TEXT_MAX];

	sipflood_charge(t->flood, &from->peer, units, now_us);
	if (sipflood_is_over(t->flood, &from->peer, now_us) &&
	    (t->warned_us == 0 || now_us - t->warned_us > WARN_EVERY_US)) {
		t->warned_us = now_us;
		log_line(t->cfg.log, LOG_WARN,
			 "sip: too much comes from %s: it is not heard for a "
			 "while",
			 address_format_host(&from->peer, text));
	}
}

uint64_t sipnet_dropped(const struct sipnet *t)
{
	return sipflood_count(t->flood);
}

const struct sipconn_counts *sipnet_ended(const struct sipnet *t)
{
	return sipconn_counts(t->conns);
}

void sipnet_set_tls(struct sipnet *t, const struct sipnet_tls *tls)
{
	t->cfg.tls = *tls;
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
	if (t == NULL)
		return;
	t->freed = true;
	sipconn_table_free(t->conns);
	for (size_t i = 0; i < t->n_sockets; i++)
		uv_close(&t->sockets[i]->uv.handle, on_socket_closed);
	release(t);
}
