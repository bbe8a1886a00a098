/* SPDX-License-Identifier: ISC */
/*
 * The UDP sockets under DTLS links: opening and choosing one, datagrams in and
 * out, and what the network says of those that did not arrive.
 */
#include <time.h>

#include <assert.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/address.h"
#include "net/dtls_private.h"
#include "net/icmp.h"
#include "net/sockaddr.h"

enum {
	DATAGRAMS_A_TURN = 64,
	BUFFER = 4 << 20, /* bytes, as far as the system lets us */
	TRIES = 3
};

/* Room for one IP_PKTINFO, and for one error with its address. */
union control {
	struct cmsghdr align;
	uint8_t room[CMSG_SPACE(sizeof(struct sock_extended_err) +
				sizeof(struct sockaddr_in6)) +
		     CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

static bool v6(const struct ip_address_port *a)
{
	return a->type == ADDRESS_IPV6;
}

/* ---- sending ---- */

/* The source is what the other side has sent to: a socket for all addresses
 * would take any of them. */
static void set_source(struct msghdr *m, union control *c,
		       const struct ip_address_port *from)
{
	struct in_pktinfo in4 = { 0 };
	struct in6_pktinfo in6 = { 0 };
	const size_t len = v6(from) ? sizeof(in6) : sizeof(in4);
	struct cmsghdr *h;

	memset(c, 0, sizeof(*c));
	memcpy(&in4.ipi_spec_dst, from->addr, sizeof(in4.ipi_spec_dst));
	memcpy(&in6.ipi6_addr, from->addr, sizeof(in6.ipi6_addr));
	m->msg_control = c;
	m->msg_controllen = CMSG_SPACE(len);
	h = CMSG_FIRSTHDR(m);
	h->cmsg_level = v6(from) ? IPPROTO_IPV6 : IPPROTO_IP;
	h->cmsg_type = v6(from) ? IPV6_PKTINFO : IP_PKTINFO;
	h->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(h), v6(from) ? (void *)&in6 : (void *)&in4, len);
}

int dtls_socket_send(const struct dtls_socket *s,
		     const struct ip_address_port *from,
		     const struct ip_address_port *to, struct slice bytes)
{
	uint8_t copy[DTLS_DATAGRAM_MAX];
	struct iovec iov = { copy, bytes.len };
	struct sockaddr_storage sa;
	struct msghdr m = { .msg_name = &sa, .msg_iov = &iov, .msg_iovlen = 1 };
	union control c;

	assert(bytes.len <= sizeof(copy));
	memcpy(copy, bytes.p, bytes.len);
	if (sockaddr_make(&sa, &m.msg_namelen, to) != OK)
		return EAFNOSUPPORT;
	if (from->type != 0)
		set_source(&m, &c, from);
	/* An error may be that of an earlier datagram, to somebody else. */
	for (int i = 0; i < TRIES; i++)
		if (sendmsg(s->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
	return errno;
}

/* ---- receiving ---- */

static void read_destination(struct msghdr *m, struct ip_address_port *to)
{
	const struct in_pktinfo *in4;
	const struct in6_pktinfo *in6;

	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL;
	     h = CMSG_NXTHDR(m, h)) {
		if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
			in4 = (const void *)CMSG_DATA(h);
			to->type = ADDRESS_IPV4;
			memcpy(to->addr, &in4->ipi_addr, 4);
		} else if (h->cmsg_level == IPPROTO_IPV6 &&
			   h->cmsg_type == IPV6_PKTINFO) {
			in6 = (const void *)CMSG_DATA(h);
			to->type = ADDRESS_IPV6;
			memcpy(to->addr, &in6->ipi6_addr, 16);
		}
	}
}

/* One datagram, or one error with what it quotes and to whom that was sent.
 * False when there is none. */
static bool receive(struct dtls_socket *s, int flags)
{
	uint8_t bytes[DTLS_READ_SIZE];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct sockaddr_storage sa = { 0 };
	union control c;
	struct msghdr m = { .msg_name = &sa,
			    .msg_namelen = sizeof(sa),
			    .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &c,
			    .msg_controllen = sizeof(c) };
	struct dtls_datagram g = { 0 };
	struct dtls_link *l;
	ssize_t n = recvmsg(s->fd, &m, flags | MSG_DONTWAIT);
	int e;

	if (n < 0) /* an error that is told here is in the queue as well */
		return errno != EAGAIN && errno != EINTR && flags == 0;
	if (sockaddr_read(&g.from, &sa) != OK)
		return true;
	g.bytes = slice_of(bytes, (size_t)n);
	if (flags == 0 && (m.msg_flags & MSG_TRUNC) == 0) {
		read_destination(&m, &g.to);
		dtls_receive(s, &g);
	} else if (flags != 0 && (e = icmp_error(&m)) != 0 &&
		   (l = dtls_link_find(s, &g.from)) != NULL) {
		dtls_link_unreachable(l, g.bytes, e);
	}
	return true;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct dtls_socket *s = h->data;

	(void)status; /* no error stops us: all are read from the socket */
	for (int i = 0; i < DATAGRAMS_A_TURN; i++)
		if (uv_is_closing((uv_handle_t *)h) || s->dtls->paused ||
		    !receive(s, 0))
			break;
	while ((events & UV_PRIORITIZED) != 0 &&
	       !uv_is_closing((uv_handle_t *)h) && !s->dtls->paused &&
	       receive(s, MSG_ERRQUEUE))
		;
}

/* ---- opening ---- */

/* An option that is missing makes things slower, not wrong. */
static void set(int fd, int level, int option)
{
	const int on = 1;

	(void)setsockopt(fd, level, option, &on, sizeof(on));
}

static void set_options(int fd, bool ipv6)
{
	const int size = BUFFER;

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	/* libuv stops watching a socket with an error that it cannot tell from
	 * a hang-up. */
	set(fd, SOL_SOCKET, SO_SELECT_ERR_QUEUE);
	icmp_hear(fd, ipv6);
	if (ipv6)
		set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	else
		set(fd, IPPROTO_IP, IP_PKTINFO);
}

static enum err bind_socket(int fd, struct ip_address_port *address)
{
	struct sockaddr_storage sa;
	socklen_t len;
	const int on = 1;
	enum err r;

	if ((r = sockaddr_make(&sa, &len, address)) != OK)
		return r;
	/* An address is what it says: "::" leaves 0.0.0.0 to another. */
	if (v6(address) &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return ERR_SYS;
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		return errno == EADDRINUSE ? ERR_BUSY : ERR_SYS;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return ERR_SYS;
	return sockaddr_read(address, &sa);
}

/* Takes over `fd`, also on failure. */
static enum err add_take(struct dtls *d, int fd, bool listening,
			 const struct ip_address_port *address)
{
	struct dtls_socket *s = calloc(1, sizeof(*s));

	if (s == NULL || uv_poll_init(d->cfg.loop, &s->poll, fd) != 0) {
		free(s);
		close(fd);
		return ERR_NOMEM;
	}
	s->dtls = d;
	s->fd = fd;
	s->address = *address;
	s->any = sockaddr_is_any(address);
	s->listening = listening;
	s->poll.data = s;
	d->sockets[d->n_sockets++] = s;
	return uv_poll_start(&s->poll, UV_READABLE | UV_PRIORITIZED, on_poll) ==
			       0
		       ? OK
		       : ERR_SYS;
}

enum err dtls_socket_open(struct dtls *d, struct ip_address_port *address,
			  bool listening, struct why *why)
{
	char text[ADDRESS_TEXT_MAX];
	enum err r;
	int fd;

	address_format(address, text);
	if (d->n_sockets == DTLS_SOCKETS_MAX)
		return why_err(why, ERR_FULL, "more than %d addresses",
			       DTLS_SOCKETS_MAX);
	fd = socket(v6(address) ? AF_INET6 : AF_INET,
		    SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return why_err(why, ERR_SYS, "socket: %s", strerror(errno));
	if ((r = bind_socket(fd, address)) != OK) {
		r = why_err(why, r, "%s (UDP): %s; choose another with -l",
			    text, strerror(errno));
		close(fd);
		return r;
	}
	set_options(fd, v6(address));
	return add_take(d, fd, listening, address);
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

void dtls_socket_close(struct dtls_socket *s)
{
	uv_close((uv_handle_t *)&s->poll, on_closed);
	close(s->fd); /* the port is free at once */
}

/* ---- choosing ---- */

/* The address of this machine from which it would speak to that one; type 0 if
 * there is none. */
static struct ip_address_port route(const struct ip_address_port *to)
{
	struct ip_address_port from = { 0 };
	struct sockaddr_storage sa;
	socklen_t len;
	int fd;

	if (sockaddr_make(&sa, &len, to) != OK)
		return from;
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return from;
	len = sizeof(sa);
	if (connect(fd, (struct sockaddr *)&sa, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	    sockaddr_read(&from, &sa) != OK)
		from.type = 0;
	close(fd);
	return from;
}

static bool reaches(const struct dtls_socket *s,
		    const struct ip_address_port *to,
		    const struct ip_address_port *from)
{
	const struct ip_address_port *own = &s->address;

	if (own->type != to->type)
		return false;
	return s->any ||
	       (sockaddr_is_loopback(own) && sockaddr_is_loopback(to)) ||
	       (from->type == own->type &&
		memcmp(from->addr, own->addr, sizeof(own->addr)) == 0);
}

enum err dtls_socket_choose(struct dtls *d, const struct ip_address_port *to,
			    bool listening, struct dtls_socket **out)
{
	struct ip_address_port from = route(to), any = { .type = to->type };
	struct dtls_socket *s;
	enum err r;

	if (to->type != ADDRESS_IPV4 && to->type != ADDRESS_IPV6)
		return ERR_UNSUPPORTED;
	/* Those that listen are the first. */
	for (uint32_t i = 0; i < d->n_sockets; i++) {
		s = d->sockets[i];
		if ((listening || !s->listening) && reaches(s, to, &from) &&
		    dtls_link_find(s, to) == NULL) {
			*out = s;
			return OK;
		}
	}
	if ((r = dtls_socket_open(d, &any, false, NULL)) != OK)
		return r;
	*out = d->sockets[d->n_sockets - 1];
	return OK;
}
