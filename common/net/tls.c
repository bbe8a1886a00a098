/* SPDX-License-Identifier: ISC */
/*
 * The TLS context of a node: listening sockets, and what its links share.  RFC
 * 6940 s6.6.5.  Who may be at the other end is tls_auth.c's.
 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/address.h"
#include "net/sockaddr.h"
#include "net/tls_private.h"

enum { BACKLOG = 128, ACCEPTS_A_TURN = 64 };

enum err tls_new(struct tls **out, const struct tls_config *cfg,
		 struct why *why)
{
	struct tls *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	turn_init(&t->turn, t->cfg.loop, tls_link_turn, t);
	if (t->cfg.handshake_ms == 0)
		t->cfg.handshake_ms = TLS_HANDSHAKE_MS;
	t->spare_fd = -1;
	t->auth = (struct tls_auth){ .crypto = cfg->crypto,
				     .overlay = cfg->overlay,
				     .signer = cfg->signer };
	if ((r = tls_auth_init(&t->auth, TLS_method(), TLS1_2_VERSION, why)) !=
	    OK) {
		tls_free(t);
		return r;
	}
	/* A record is read with one call of the system, not with two. */
	SSL_CTX_set_read_ahead(t->auth.ctx, 1);
	*out = t;
	return OK;
}

void tls_set_overlay(struct tls *t, const struct overlay *o)
{
	t->auth.overlay = o;
}

void tls_pause(struct tls *t, bool paused)
{
	t->paused = paused;
	for (struct tls_link *l = t->links; l != NULL && !paused; l = l->next)
		tls_link_resume(l);
}

/* ---- accepting ---- */

/* No descriptor left: the spare one makes room to take the connection and drop
 * it, lest the loop spins on it. */
static void refuse_one(struct tls *t, int fd)
{
	close(t->spare_fd);
	fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_acceptable(uv_poll_t *h, int status, int events)
{
	struct tls_listener *s = h->data;
	struct tls *t = s->tls;
	struct sockaddr_storage from;
	struct ip_address_port remote;
	socklen_t len;
	int fd;

	(void)events; /* only readable was asked for */
	for (int i = 0; status == 0 && !t->paused && i < ACCEPTS_A_TURN; i++) {
		len = sizeof(from);
		fd = accept4(s->fd, (struct sockaddr *)&from, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			refuse_one(t, s->fd);
		if (fd < 0)
			return;
		/* What cannot be taken is closed: a failure of theirs. */
		if (t->n_links >= TLS_LINKS_MAX ||
		    sockaddr_read(&remote, &from) != OK)
			close(fd);
		else if (tls_link_accept_take(t, fd, &remote) != OK)
			return;
	}
}

static enum err bind_socket(struct ip_address_port *address, int *out,
			    struct why *why)
{
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t len;
	const int on = 1;
	enum err r;
	int fd;

	address_format(address, text);
	if ((r = sockaddr_make(&sa, &len, address)) != OK)
		return r;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return why_err(why, ERR_SYS, "socket: %s", strerror(errno));
	/* An address is what it says: "::" leaves 0.0.0.0 to another. */
	if (sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) {
		close(fd);
		return why_err(why, ERR_SYS, "%s: %s", text, strerror(errno));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		r = why_err(why, errno == EADDRINUSE ? ERR_BUSY : ERR_SYS,
			    "%s: %s; choose another with -l", text,
			    strerror(errno));
		close(fd);
		return r;
	}
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		r = sockaddr_read(address, &sa);
	*out = fd;
	return r;
}

enum err tls_listen(struct tls *t, struct ip_address_port *address,
		    struct why *why)
{
	struct tls_listener *s;
	enum err r;

	if (t->n_listeners == TLS_LISTENERS_MAX)
		return why_err(why, ERR_FULL, "more than %d addresses",
			       TLS_LISTENERS_MAX);
	if (t->spare_fd < 0)
		t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ERR_NOMEM;
	if ((r = bind_socket(address, &s->fd, why)) != OK) {
		free(s);
		return r;
	}
	s->tls = t;
	if (uv_poll_init(t->cfg.loop, &s->poll, s->fd) != 0) {
		close(s->fd);
		free(s);
		return ERR_SYS;
	}
	s->poll.data = s;
	t->listeners[t->n_listeners++] = s;
	return uv_poll_start(&s->poll, UV_READABLE, on_acceptable) == 0
		       ? OK
		       : ERR_SYS;
}

static void on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

static void on_turn_closed(void *ctx)
{
	free(ctx);
}

void tls_release(struct tls *t)
{
	if (!t->freed || t->links != NULL)
		return;
	tls_auth_clear(&t->auth);
	if (t->spare_fd >= 0)
		close(t->spare_fd);
	turn_close(&t->turn, on_turn_closed);
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->n_listeners; i++) {
		uv_close((uv_handle_t *)&t->listeners[i]->poll,
			 on_listener_closed);
		close(t->listeners[i]->fd); /* the port is free at once */
	}
	while (t->links != NULL)
		tls_link_drop(t->links);
	t->freed = true;
	tls_release(t);
}
