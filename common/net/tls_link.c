/* SPDX-License-Identifier: ISC */
/*
 * One TLS connection over TCP: connect, handshake, read, write, close.  Owns
 * the socket and its SSL object; knows nothing of RELOAD.  Every call into
 * OpenSSL starts with an empty error queue, for what another connection left
 * there would be taken for ours.
 */
#include "net/tls_link.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/address.h"
#include "net/sockaddr.h"
#include "net/tls_private.h"

enum {
	READS_A_TURN = 16,
	READ_SIZE = 16384,
	RECORD_SIZE = 16384 /* so much to send does not wait for more */
};

static void on_poll(uv_poll_t *h, int status, int events);
static void on_timer(uv_timer_t *h);

/* ---- what is sent in one turn ---- */

static void unsent_add(struct tls_link *l)
{
	struct tls *t = l->tls;

	turn_want(&t->turn);
	if (l->unsent)
		return;
	l->unsent = true;
	l->prev_unsent = NULL;
	if ((l->next_unsent = t->unsent) != NULL)
		t->unsent->prev_unsent = l;
	t->unsent = l;
}

static void unsent_drop(struct tls_link *l)
{
	if (!l->unsent)
		return;
	l->unsent = false;
	*(l->prev_unsent == NULL
		  ? &l->tls->unsent
		  : &l->prev_unsent->next_unsent) = l->next_unsent;
	if (l->next_unsent != NULL)
		l->next_unsent->prev_unsent = l->prev_unsent;
}

/* Gives TLS what it takes; what SSL_write_ex() said last. */
static int give(struct tls_link *l)
{
	size_t n = 0;
	int ret = 1;

	unsent_drop(l);
	while (l->out.len > 0 && ret == 1) {
		ERR_clear_error();
		errno = 0;
		ret = SSL_write_ex(l->ssl, l->out.p, l->out.len, &n);
		if (ret == 1) {
			buf_consume(&l->out, n);
			l->tls->queued -= n;
		}
	}
	l->stuck = ret != 1;
	return ret;
}

/* ---- life ---- */

static void on_closed(uv_handle_t *h)
{
	struct tls_link *l = h->data;

	if (--l->handles > 0)
		return;
	close(l->fd);
	free(l);
}

void tls_link_drop(struct tls_link *l)
{
	struct tls *t = l->tls;

	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		t->links = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	t->n_links--;
	if (l->state == TLS_OPEN || l->state == TLS_CLOSING) {
		if (l->unsent)
			(void)give(l);
		ERR_clear_error();
		(void)SSL_shutdown(l->ssl); /* close_notify, if there is room */
	}
	unsent_drop(l);
	SSL_free(l->ssl);
	tls_auth_peer_clear(&l->peer);
	t->queued -= l->out.len;
	buf_clear(&l->out);
	uv_close((uv_handle_t *)&l->poll, on_closed);
	uv_close((uv_handle_t *)&l->timer, on_closed);
	tls_release(t);
}

static void set_state(struct tls_link *l, enum tls_state s)
{
	if (s != TLS_HANDSHAKE)
		tls_auth_settled(&l->peer);
	l->state = s;
}

/* Reports the failure from the loop, once.  The first words stay. */
static void fail(struct tls_link *l, enum err r)
{
	if (l->state == TLS_FAILED)
		return;
	l->peer.err = r;
	if (l->state == TLS_CLOSING) {
		tls_link_drop(l);
		return;
	}
	set_state(l, TLS_FAILED);
	uv_poll_stop(&l->poll);
	uv_timer_start(&l->timer, on_timer, 0, 0);
}

static void watch(struct tls_link *l)
{
	int events = UV_READABLE;

	if (l->state == TLS_CONNECTING || l->state == TLS_CLOSING)
		events = UV_WRITABLE;
	else if (SSL_want_write(l->ssl) || l->stuck)
		events |= UV_WRITABLE;
	/* To start again what has started costs two system calls. */
	if (l->state == TLS_FAILED || events == l->watched)
		return;
	l->watched = events;
	if (uv_poll_start(&l->poll, events, on_poll) != 0)
		fail(l, ERR_SYS);
}

/* A host that vanished without a word must not keep its links for ever.  Where
 * that cannot be set it may. */
static void keep_alive(int fd)
{
	const int on = 1, idle_s = 60, interval_s = 15, probes = 4;

	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s,
			 sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s,
			 sizeof(interval_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

/* `fd` is the link's from here on, also on failure. */
static enum err link_new_take(struct tls *t, int fd, bool server,
			      const struct ip_address_port *remote,
			      struct tls_link **out)
{
	struct tls_link *l = calloc(1, sizeof(*l));
	const int on = 1;

	if (l == NULL || (l->ssl = SSL_new(t->auth.ctx)) == NULL ||
	    SSL_set_fd(l->ssl, fd) != 1 ||
	    uv_poll_init(t->cfg.loop, &l->poll, fd) != 0) {
		if (l != NULL)
			SSL_free(l->ssl);
		free(l);
		close(fd);
		return ERR_NOMEM;
	}
	/* Without it small messages wait for ACKs; a failure costs only time.
	 */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	keep_alive(fd);
	uv_timer_init(t->cfg.loop, &l->timer);
	l->tls = t;
	l->fd = fd;
	l->server = server;
	l->peer = (struct tls_auth_peer){ .auth = &t->auth,
					  .remote = *remote,
					  .link = l };
	l->out.max = TLS_QUEUE_MAX;
	l->handles = 2;
	l->poll.data = l->timer.data = l;
	tls_auth_bind(&l->peer, l->ssl);
	if ((l->next = t->links) != NULL)
		l->next->prev = l;
	t->links = l;
	t->n_links++;
	if (server)
		SSL_set_accept_state(l->ssl);
	else
		SSL_set_connect_state(l->ssl);
	uv_timer_start(&l->timer, on_timer, t->cfg.handshake_ms, 0);
	*out = l;
	return OK;
}

enum err tls_link_accept_take(struct tls *t, int fd,
			      const struct ip_address_port *remote)
{
	struct tls_link *l;
	enum err r;

	if (t->auth.n_half_open >= TLS_HALF_OPEN_MAX)
		tls_link_drop(tls_auth_victim(&t->auth)->link);
	if ((r = link_new_take(t, fd, true, remote, &l)) != OK)
		return r;
	l->state = TLS_HANDSHAKE;
	tls_auth_half_open(&l->peer);
	watch(l);
	return OK;
}

enum err tls_link_connect(struct tls *t, const struct ip_address_port *address,
			  const struct node_id *node_id, struct tls_link **out)
{
	struct sockaddr_storage sa;
	struct tls_link *l;
	socklen_t len;
	enum err r;
	int fd;

	if (t->n_links >= TLS_LINKS_MAX)
		return ERR_FULL;
	if ((r = sockaddr_make(&sa, &len, address)) != OK)
		return r;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return ERR_FULL;
	if ((r = link_new_take(t, fd, false, address, &l)) != OK)
		return r;
	l->state = TLS_CONNECTING;
	if (node_id != NULL) {
		l->peer.pinned = true;
		l->peer.pin = *node_id;
	}
	*out = l;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0 &&
	    errno != EINPROGRESS) {
		(void)why_err(&l->peer.why, ERR_NO_LINK, "%s", strerror(errno));
		fail(l, ERR_NO_LINK);
	}
	watch(l);
	return OK;
}

/* Is it only a matter of waiting?  Else the link has failed. */
static void after_ssl(struct tls_link *l, int ret)
{
	int e = SSL_get_error(l->ssl, ret);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) {
		watch(l);
	} else {
		tls_auth_failure(&l->peer, e, l->state == TLS_OPEN);
		fail(l, l->peer.err);
	}
}

/* ---- sending ---- */

/* A link that is closing ends when all is gone. */
static void flush(struct tls_link *l)
{
	int ret = give(l);

	if (ret != 1) {
		after_ssl(l, ret);
	} else if (l->state == TLS_CLOSING) {
		tls_link_drop(l);
	} else {
		watch(l);
	}
}

void tls_link_turn(void *ctx)
{
	struct tls *t = ctx;
	struct tls_link *l;

	while ((l = t->unsent) != NULL) {
		unsent_drop(l);
		if (l->state == TLS_OPEN)
			flush(l);
	}
}

static void too_slow(struct tls_link *l)
{
	(void)why_err(&l->peer.why, ERR_FULL,
		      "the other side reads too slowly");
	l->tls->queued -= l->out.len;
	buf_clear(&l->out);
	fail(l, ERR_FULL);
}

/* All queues together have a limit as well: the longest goes, which is that of
 * whoever reads least. */
static void drop_longest_queue(struct tls *t)
{
	struct tls_link *longest = NULL;

	for (struct tls_link *l = t->links; l != NULL; l = l->next)
		if ((l->state == TLS_OPEN || l->state == TLS_CLOSING) &&
		    (longest == NULL || l->out.len > longest->out.len))
			longest = l;
	if (longest != NULL)
		too_slow(longest);
}

void tls_link_send(struct tls_link *l, struct slice bytes)
{
	if (l->state != TLS_OPEN)
		return; /* failed: `down` is on its way */
	if (buf_append_slice(&l->out, bytes) != OK) {
		too_slow(l);
		return;
	}
	l->tls->queued += bytes.len;
	if (!l->stuck && l->out.len >= RECORD_SIZE)
		flush(l);
	else if (!l->stuck)
		unsent_add(l);
	if (l->tls->queued > TLS_QUEUES_MAX)
		drop_longest_queue(l->tls);
}

/* Closing a socket with unread bytes resets the connection, and the other side
 * would not learn from the alert why: so it is read to its end. */
static void refuse(struct tls_link *l)
{
	l->state = TLS_REFUSED;
	(void)shutdown(l->fd, SHUT_WR); /* if it is gone, poll says so */
	uv_timer_start(&l->timer, on_timer, TLS_LINGER_MS, 0);
	if (uv_poll_start(&l->poll, UV_READABLE, on_poll) != 0)
		tls_link_drop(l);
}

static void discard(struct tls_link *l)
{
	uint8_t chunk[READ_SIZE];
	ssize_t n = recv(l->fd, chunk, sizeof(chunk), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		tls_link_drop(l);
}

void tls_link_close(struct tls_link *l)
{
	if (l->state != TLS_OPEN) {
		tls_link_drop(l);
		return;
	}
	l->state = TLS_CLOSING;
	uv_timer_start(&l->timer, on_timer, TLS_LINGER_MS, 0);
	flush(l);
}

/* ---- what the loop says ---- */

/* What TLS has taken from the socket, the poll does not tell of. */
void tls_link_resume(struct tls_link *l)
{
	if (l->state == TLS_OPEN && SSL_has_pending(l->ssl))
		uv_timer_start(&l->timer, on_timer, 0, 0);
}

static void read_some(struct tls_link *l)
{
	struct tls *t = l->tls;
	uint8_t chunk[READ_SIZE];
	size_t n;

	for (int i = 0; i < READS_A_TURN; i++) {
		ERR_clear_error();
		errno = 0;
		if (SSL_read_ex(l->ssl, chunk, sizeof(chunk), &n) != 1) {
			after_ssl(l, 0);
			return;
		}
		t->cfg.calls.bytes(t->cfg.calls.ctx, l, slice_of(chunk, n));
		if (uv_is_closing((uv_handle_t *)&l->poll) ||
		    l->state != TLS_OPEN)
			return; /* the callback ended it */
		if (t->paused || !SSL_has_pending(l->ssl))
			return;
	}
	tls_link_resume(l);
}

static void handshake(struct tls_link *l)
{
	struct tls *t = l->tls;
	int ret;

	ERR_clear_error();
	errno = 0;
	if ((ret = SSL_do_handshake(l->ssl)) != 1) {
		after_ssl(l, ret);
		return;
	}
	set_state(l, TLS_OPEN);
	uv_timer_stop(&l->timer);
	watch(l);
	t->cfg.calls.up(t->cfg.calls.ctx, l, l->peer.cert, &l->peer.remote);
	if (!uv_is_closing((uv_handle_t *)&l->poll))
		tls_link_resume(l);
}

/* What the system has to say of the socket; libuv says EBADF for all of it. */
static int socket_error(const struct tls_link *l)
{
	socklen_t len = sizeof(int);
	int e = 0;

	return getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &e, &len) < 0 ? errno
								     : e;
}

static void connected(struct tls_link *l)
{
	int e = socket_error(l);

	if (e != 0) {
		(void)why_err(&l->peer.why, ERR_NO_LINK, "%s", strerror(e));
		fail(l, ERR_NO_LINK);
		return;
	}
	set_state(l, TLS_HANDSHAKE);
	handshake(l);
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct tls_link *l = h->data;
	int e;

	if (l->state == TLS_REFUSED) {
		discard(l);
		return;
	}
	if (l->tls->paused)
		return;
	if (status < 0 && l->state != TLS_CONNECTING) {
		e = socket_error(l);
		(void)why_err(&l->peer.why, ERR_LINK_CLOSED, "%s",
			      e != 0 ? strerror(e)
				     : "closed by the other side");
		fail(l, ERR_LINK_CLOSED);
		return;
	}
	switch (l->state) {
	case TLS_CONNECTING:
		connected(l);
		break;
	case TLS_HANDSHAKE:
		handshake(l);
		break;
	case TLS_OPEN:
	case TLS_CLOSING:
		if ((events & UV_WRITABLE) != 0 && l->out.len > 0)
			flush(l);
		if (!uv_is_closing((uv_handle_t *)h) && l->state == TLS_OPEN &&
		    (events & UV_READABLE) != 0)
			read_some(l);
		break;
	case TLS_FAILED:
	case TLS_REFUSED:
		break;
	}
}

static void on_timer(uv_timer_t *h)
{
	struct tls_link *l = h->data;
	struct tls *t = l->tls;

	if (l->state == TLS_CLOSING || l->state == TLS_REFUSED) {
		tls_link_drop(l);
		return;
	}
	if (t->paused) {
		uv_timer_start(h, on_timer, 1, 0);
		return;
	}
	if (l->state == TLS_OPEN) {
		read_some(l);
		return;
	}
	if (l->state != TLS_FAILED) {
		l->peer.err = why_err(&l->peer.why, ERR_NO_LINK,
				      "no answer in %u s",
				      t->cfg.handshake_ms / 1000);
		set_state(l, TLS_FAILED);
	}
	t->cfg.calls.down(t->cfg.calls.ctx, l, l->peer.err, &l->peer.why);
	if (l->server && SSL_get_verify_result(l->ssl) != X509_V_OK)
		refuse(l);
	else
		tls_link_drop(l);
}

void tls_link_set_data(struct tls_link *l, void *data)
{
	l->data = data;
}

void *tls_link_data(const struct tls_link *l)
{
	return l->data;
}
