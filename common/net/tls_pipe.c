/* SPDX-License-Identifier: ISC */
/*
 * A TLS server end between a TCP socket and a plain descriptor.  OpenSSL does
 * the TLS, so that one library does it everywhere; HTTP is httpd.c's.
 */
#include "net/tls_pipe.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/sockaddr.h"
#include "net/tls_server.h"

enum { PIPE_CHUNK = 16384 };

/* Bytes on their way from one end to the other. */
struct pipe_buf {
	uint8_t p[PIPE_CHUNK];
	size_t at, len;
	bool ended; /* nothing more will come */
};

struct tls_pipe {
	struct tls_pipe_server *server;
	struct tls_pipe *prev, *next;
	SSL *ssl;
	struct ip_address_port from;
	int socket, plain;
	uv_poll_t on_socket, on_plain;
	uv_timer_t timer; /* of the handshake, then of all */
	int handles;      /* not yet closed */
	bool up, closing;
	struct pipe_buf in, out;
};

struct tls_pipe_server {
	uv_loop_t *loop;
	SSL_CTX *ctx;
	tls_pipe_moved *moved;
	void *moved_ctx;
	struct tls_pipe *pipes;
	size_t n_pipes;
	bool freed;
};

/* ---- the end ---- */

static void release(struct tls_pipe_server *s)
{
	if (!s->freed || s->n_pipes > 0)
		return;
	tls_server_free(s->ctx);
	free(s);
}

static void on_closed(uv_handle_t *h)
{
	struct tls_pipe *p = h->data;
	struct tls_pipe_server *s = p->server;

	if (--p->handles > 0)
		return;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		s->pipes = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	SSL_free(p->ssl);
	close(p->socket);
	close(p->plain);
	free(p);
	s->n_pipes--;
	if (!s->freed)
		s->moved(s->moved_ctx);
	release(s);
}

static void end(struct tls_pipe *p)
{
	if (p->closing)
		return;
	p->closing = true;
	uv_close((uv_handle_t *)&p->on_socket, on_closed);
	uv_close((uv_handle_t *)&p->on_plain, on_closed);
	uv_close((uv_handle_t *)&p->timer, on_closed);
}

/* ---- moving bytes ---- */

enum moved { MOVED, BLOCKED_READ, BLOCKED_WRITE, BROKEN };

/* What an SSL call that gave no bytes is waiting for. */
static enum moved blocked(struct tls_pipe *p, int rc)
{
	switch (SSL_get_error(p->ssl, rc)) {
	case SSL_ERROR_WANT_READ:
		return BLOCKED_READ;
	case SSL_ERROR_WANT_WRITE:
		return BLOCKED_WRITE;
	default:
		return BROKEN;
	}
}

static void on_timeout(uv_timer_t *h)
{
	end(h->data);
}

static enum moved shake_hands(struct tls_pipe *p)
{
	int rc;

	ERR_clear_error();
	if ((rc = SSL_do_handshake(p->ssl)) != 1)
		return blocked(p, rc);
	p->up = true;
	(void)uv_timer_start(&p->timer, on_timeout, TLS_PIPE_LIFE_MS, 0);
	return MOVED;
}

static enum moved read_tls(struct tls_pipe *p)
{
	enum moved m;
	int n;

	if (p->in.len > p->in.at || p->in.ended)
		return BLOCKED_READ;
	ERR_clear_error();
	n = SSL_read(p->ssl, p->in.p, PIPE_CHUNK);
	if (n > 0) {
		p->in.at = 0;
		p->in.len = (size_t)n;
		return MOVED;
	}
	if ((SSL_get_shutdown(p->ssl) & SSL_RECEIVED_SHUTDOWN) == 0)
		return blocked(p, n);
	p->in.ended = true;
	m = shutdown(p->plain, SHUT_WR) == 0 ? MOVED : BROKEN;
	return m;
}

static enum moved write_plain(struct tls_pipe *p)
{
	struct pipe_buf *b = &p->in;
	ssize_t n;

	if (b->at == b->len)
		return BLOCKED_WRITE;
	n = send(p->plain, b->p + b->at, b->len - b->at, MSG_NOSIGNAL);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? BLOCKED_WRITE
							 : BROKEN;
	b->at += (size_t)n;
	return MOVED;
}

static enum moved read_plain(struct tls_pipe *p)
{
	struct pipe_buf *b = &p->out;
	ssize_t n;

	if (b->len > b->at || b->ended)
		return BLOCKED_READ;
	n = recv(p->plain, b->p, PIPE_CHUNK, 0);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? BLOCKED_READ
							 : BROKEN;
	b->at = 0;
	b->len = (size_t)n;
	b->ended = n == 0;
	return MOVED;
}

static enum moved write_tls(struct tls_pipe *p)
{
	struct pipe_buf *b = &p->out;
	int n;

	if (b->at == b->len)
		return BLOCKED_READ;
	ERR_clear_error();
	n = SSL_write(p->ssl, b->p + b->at, (int)(b->len - b->at));
	if (n <= 0)
		return blocked(p, n);
	b->at += (size_t)n;
	return MOVED;
}

static void on_ready(uv_poll_t *h, int status, int events);

/* Waits for what can go on; a side whose bytes nobody takes is not read. */
static void wait(struct tls_pipe *p, bool tls_write)
{
	bool in_full = p->in.len > p->in.at, out_full = p->out.len > p->out.at;
	int socket = (in_full || p->in.ended ? 0 : UV_READABLE) |
		     (tls_write || out_full ? UV_WRITABLE : 0);
	int plain = (!p->up || out_full || p->out.ended ? 0 : UV_READABLE) |
		    (in_full ? UV_WRITABLE : 0);

	if (uv_poll_start(&p->on_socket, socket, on_ready) != 0 ||
	    uv_poll_start(&p->on_plain, plain, on_ready) != 0)
		end(p);
}

static void move(struct tls_pipe *p)
{
	bool any = true, to_plain = false, tls_write = false;

	while (any) {
		enum moved m[4] = { BLOCKED_READ, BLOCKED_READ, BLOCKED_READ,
				    BLOCKED_READ };

		if (!p->up && (m[0] = shake_hands(p)) != MOVED) {
			tls_write = m[0] == BLOCKED_WRITE;
		} else {
			m[0] = read_tls(p);
			m[1] = write_plain(p);
			m[2] = read_plain(p);
			m[3] = write_tls(p);
			tls_write = m[0] == BLOCKED_WRITE ||
				    m[3] == BLOCKED_WRITE;
		}
		any = false;
		for (int i = 0; i < 4; i++) {
			if (m[i] == BROKEN) {
				end(p);
				return;
			}
			any |= m[i] == MOVED;
		}
		to_plain |= m[1] == MOVED;
		if (p->out.ended && p->out.at == p->out.len) {
			(void)SSL_shutdown(p->ssl); /* close_notify, once */
			end(p);
			break;
		}
	}
	if (!p->closing)
		wait(p, tls_write);
	if (to_plain)
		p->server->moved(p->server->moved_ctx);
}

static void on_ready(uv_poll_t *h, int status, int events)
{
	struct tls_pipe *p = h->data;

	(void)events; /* every end is tried */
	if (p->closing)
		return;
	if (status < 0)
		end(p);
	else
		move(p);
}

/* ---- the beginning ---- */

static enum err start(struct tls_pipe *p)
{
	uv_loop_t *loop = p->server->loop;

	if ((p->ssl = SSL_new(p->server->ctx)) == NULL ||
	    SSL_set_fd(p->ssl, p->socket) != 1)
		return ERR_NOMEM;
	SSL_set_accept_state(p->ssl);
	if (uv_poll_init(loop, &p->on_socket, p->socket) != 0)
		return ERR_SYS;
	p->handles++;
	if (uv_poll_init(loop, &p->on_plain, p->plain) != 0) {
		uv_close((uv_handle_t *)&p->on_socket, on_closed);
		return ERR_SYS;
	}
	p->handles++;
	(void)uv_timer_init(loop, &p->timer); /* cannot fail */
	p->handles++;
	p->on_socket.data = p->on_plain.data = p->timer.data = p;
	return OK;
}

/* Those that come and say nothing keep nobody out but their like. */
static void make_room(struct tls_pipe_server *s)
{
	struct tls_pipe *victim = NULL;
	size_t n = 0, most = 0, own;

	for (struct tls_pipe *p = s->pipes; p != NULL; p = p->next) {
		if (p->closing)
			continue;
		n++;
		own = 0;
		for (struct tls_pipe *k = s->pipes; k != NULL; k = k->next)
			own += !k->closing &&
			       sockaddr_same_network(&k->from, &p->from);
		if (own >= most) {
			most = own;
			victim = p;
		}
	}
	if (n >= TLS_PIPES_MAX)
		end(victim);
}

enum err tls_pipe_start_take(struct tls_pipe_server *s, int socket, int plain,
			     const struct ip_address_port *from)
{
	struct tls_pipe *p;
	enum err r = ERR_NOMEM;

	if (s->n_pipes >= TLS_PIPES_MAX)
		make_room(s);
	if ((p = calloc(1, sizeof(*p))) != NULL) {
		p->server = s;
		p->from = *from;
		p->socket = socket;
		p->plain = plain;
		p->on_socket.data = p;
		r = start(p);
	}
	if (r != OK && (p == NULL || p->handles == 0)) {
		if (p != NULL)
			SSL_free(p->ssl);
		close(socket);
		close(plain);
		free(p);
		return r;
	}
	if ((p->next = s->pipes) != NULL)
		s->pipes->prev = p;
	s->pipes = p;
	s->n_pipes++;
	if (r != OK)
		return r; /* goes when its handle is closed */
	(void)uv_timer_start(&p->timer, on_timeout, TLS_PIPE_HANDSHAKE_MS, 0);
	move(p);
	return OK;
}

/* ---- the server ---- */

enum err tls_pipe_new(struct tls_pipe_server **out, uv_loop_t *loop,
		      struct slice cert, struct slice key,
		      tls_pipe_moved *moved, void *ctx, struct why *why)
{
	struct tls_pipe_server *s = calloc(1, sizeof(*s));
	enum err r;

	if (s == NULL)
		return ERR_NOMEM;
	s->loop = loop;
	s->moved = moved;
	s->moved_ctx = ctx;
	r = tls_server_new(&s->ctx, cert, key,
			   "the web server's certificate and key", why);
	if (r == OK)
		*out = s;
	else
		free(s);
	return r;
}

void tls_pipe_free(struct tls_pipe_server *s)
{
	if (s == NULL)
		return;
	s->freed = true;
	for (struct tls_pipe *p = s->pipes; p != NULL; p = p->next)
		end(p);
	release(s);
}
