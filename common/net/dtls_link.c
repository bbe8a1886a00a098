/* SPDX-License-Identifier: ISC */
/*
 * One DTLS association: its SSL object over a BIO that keeps datagrams whole,
 * handshake and its timers, records, close.  Owns no socket and knows nothing
 * of RELOAD.  Every call into OpenSSL starts with an empty error queue, for
 * what another connection left there would be taken for ours.
 */
#include "net/dtls_link.h"

#include <assert.h>
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "net/dtls_private.h"

/* RFC 6347 s4.2.4.1 lets the first wait be short where that helps: the
 * candidates of one Attach are tried in turn. */
enum { RETRANSMIT_FIRST_US = 250000, RETRANSMIT_MAX_US = 1000000 };

static void on_timer(uv_timer_t *h);

/* ---- the BIO: one write is one datagram ---- */

static void remember(struct dtls_link *l, const uint8_t *p, size_t len)
{
	if (len < DTLS_MARK_AT + DTLS_MARK_LEN)
		return;
	memcpy(l->marks[l->n_marks++ % DTLS_MARKS], p + DTLS_MARK_AT,
	       DTLS_MARK_LEN);
}

/* What cannot be sent is lost, as on the way: it is sent again from above. */
static int on_write(BIO *b, const char *p, int len)
{
	struct dtls_link *l = BIO_get_data(b);
	const struct slice bytes = slice_of(p, (size_t)len);

	BIO_clear_retry_flags(b);
	remember(l, bytes.p, bytes.len);
	l->send_errno = dtls_socket_send(l->socket, &l->local, &l->peer.remote,
					 bytes);
	return len;
}

static int on_read(BIO *b, char *p, int room)
{
	struct dtls_link *l = BIO_get_data(b);
	size_t n = l->in.len < (size_t)room ? l->in.len : (size_t)room;

	BIO_clear_retry_flags(b);
	if (n == 0) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(p, l->in.p, n);
	if (!l->peek)
		l->in = (struct slice){ NULL, 0 };
	return (int)n;
}

static long on_ctrl(BIO *b, int command, long n, void *p)
{
	struct dtls_link *l = BIO_get_data(b);

	(void)p; /* no command of ours has an argument there */
	switch (command) {
	case BIO_CTRL_DGRAM_SET_PEEK_MODE: /* by DTLSv1_listen() */
		l->peek = n != 0;
		return 1;
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: /* the loop's timer does that */
		return 1;
	default:
		return 0;
	}
}

static int on_create(BIO *b)
{
	BIO_set_init(b, 1);
	return 1;
}

/* Made once: OpenSSL has few type numbers. */
static BIO_METHOD *datagrams(void)
{
	static BIO_METHOD *m;

	if (m != NULL)
		return m;
	m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
			 "p2psip datagrams");
	if (m != NULL && BIO_meth_set_create(m, on_create) == 1 &&
	    BIO_meth_set_read(m, on_read) == 1 &&
	    BIO_meth_set_write(m, on_write) == 1 &&
	    BIO_meth_set_ctrl(m, on_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return m = NULL;
}

/* ---- life ---- */

static unsigned wait_longer(SSL *ssl, unsigned us)
{
	(void)ssl; /* all wait alike */
	if (us == 0)
		return RETRANSMIT_FIRST_US;
	return us < RETRANSMIT_MAX_US / 2 ? 2 * us : RETRANSMIT_MAX_US;
}

/* DTLSv1_listen() forgets these. */
static void set_ssl(SSL *ssl)
{
	DTLS_set_link_mtu(ssl, DTLS_DATAGRAM_MAX);
	DTLS_set_timer_cb(ssl, wait_longer);
}

static SSL *new_ssl(struct dtls_link *l)
{
	SSL *ssl = SSL_new(l->dtls->auth.ctx);
	BIO_METHOD *m = datagrams();
	BIO *b = m == NULL ? NULL : BIO_new(m);

	if (ssl == NULL || b == NULL) {
		SSL_free(ssl);
		BIO_free(b);
		return NULL;
	}
	BIO_set_data(b, l);
	SSL_set_bio(ssl, b, b);
	tls_auth_bind(&l->peer, ssl);
	set_ssl(ssl);
	return ssl;
}

static struct dtls_link *link_new(struct dtls *d)
{
	struct dtls_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->dtls = d;
	l->peer = (struct tls_auth_peer){ .auth = &d->auth, .link = l };
	if ((l->ssl = new_ssl(l)) == NULL) {
		free(l);
		return NULL;
	}
	uv_timer_init(d->cfg.loop, &l->timer);
	l->timer.data = l;
	if ((l->next = d->links) != NULL)
		l->next->prev = l;
	d->links = l;
	return l;
}

static void on_closed(uv_handle_t *h)
{
	free(h->data);
}

static void unpair(struct dtls_link *l)
{
	struct dtls *d = l->dtls;

	if (!l->paired)
		return;
	HASH_DEL(d->pairs, l);
	d->n_pairs--;
	l->paired = false;
}

static void say_goodbye(struct dtls_link *l)
{
	if (l->state != DTLS_OPEN)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(l->ssl); /* close_notify; it may be lost */
}

void dtls_link_drop(struct dtls_link *l)
{
	struct dtls *d = l->dtls;

	if (l->prev != NULL)
		l->prev->next = l->next;
	else
		d->links = l->next;
	if (l->next != NULL)
		l->next->prev = l->prev;
	unpair(l);
	say_goodbye(l);
	SSL_free(l->ssl);
	tls_auth_peer_clear(&l->peer);
	uv_close((uv_handle_t *)&l->timer, on_closed);
}

/* ---- pairs of addresses ---- */

static struct dtls_key key_of(const struct dtls_socket *s,
			      const struct ip_address_port *remote)
{
	struct dtls_key k;

	memset(&k, 0, sizeof(k));
	k.socket = s;
	k.port = remote->port;
	k.type = remote->type;
	memcpy(k.addr, remote->addr, sizeof(k.addr));
	return k;
}

struct dtls_link *dtls_link_find(const struct dtls_socket *s,
				 const struct ip_address_port *remote)
{
	struct dtls_key k = key_of(s, remote);
	struct dtls_link *l;

	HASH_FIND(hh, s->dtls->pairs, &k, sizeof(k), l);
	return l;
}

/* False without memory. */
static bool pair(struct dtls_link *l, struct dtls_socket *s)
{
	struct dtls *d = l->dtls;

	l->socket = s;
	l->key = key_of(s, &l->peer.remote);
	HASH_ADD(hh, d->pairs, key, sizeof(l->key), l);
	if (l->hh.tbl == NULL)
		return false;
	l->paired = true;
	d->n_pairs++;
	return true;
}

/* ---- failures ---- */

/* Reports it from the loop, once. */
static void fail(struct dtls_link *l)
{
	if (l->state == DTLS_FAILED)
		return;
	unpair(l);
	tls_auth_settled(&l->peer);
	l->state = DTLS_FAILED;
	uv_timer_start(&l->timer, on_timer, 0, 0);
}

void dtls_link_fail(struct dtls_link *l, enum err r, const char *words)
{
	if (l->state == DTLS_FAILED)
		return;
	say_goodbye(l);
	l->peer.err = why_err(&l->peer.why, r, "%s", words);
	fail(l);
}

/*
 * What comes to a handshake may be another's: of a process that had this port
 * before, or of an attempt that was given up.  Nothing protects it, and it
 * cannot be told apart; from a port of its own a handshake hears only what is
 * meant for it.
 */
static bool may_be_confused(const struct dtls_link *l)
{
	return l->state == DTLS_HANDSHAKE && !l->server &&
	       l->socket->listening && l->peer.err == ERR_TLS;
}

/* Is it only a matter of waiting?  Else the link has failed, or moves. */
static void after_ssl(struct dtls_link *l, int ret)
{
	int e = SSL_get_error(l->ssl, ret);

	if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE)
		return;
	tls_auth_failure(&l->peer, e, l->state == DTLS_OPEN);
	if (may_be_confused(l))
		dtls_link_move(l);
	else
		fail(l);
}

/*
 * What the network quotes must be what was sent: anybody can send an ICMP
 * message, and one that only names the right ports ends no link.  Hard errors
 * end it, RFC 6940 s6.6.3.1; one that is open ends only where nobody has the
 * port any more, for ways come back.
 */
void dtls_link_unreachable(struct dtls_link *l, struct slice quoted, int error)
{
	bool ours = false;

	for (uint32_t i = 0; i < DTLS_MARKS && i < l->n_marks; i++)
		ours |= quoted.len >= DTLS_MARK_AT + DTLS_MARK_LEN &&
			memcmp(quoted.p + DTLS_MARK_AT, l->marks[i],
			       DTLS_MARK_LEN) == 0;
	if (ours && l->state == DTLS_HANDSHAKE)
		dtls_link_fail(l, ERR_NO_LINK, strerror(error));
	else if (ours && error == ECONNREFUSED)
		dtls_link_fail(l, ERR_LINK_CLOSED, strerror(error));
}

/* ---- handshake ---- */

/* The next timer: OpenSSL's for the flight, or the end of patience. */
static void set_timer(struct dtls_link *l)
{
	uint64_t now_ms = uv_now(l->dtls->cfg.loop), wait_ms = 0, left_ms;
	struct timeval left;

	if (l->deadline_ms > now_ms)
		wait_ms = l->deadline_ms - now_ms;
	if (DTLSv1_get_timeout(l->ssl, &left) == 1) {
		left_ms = (uint64_t)left.tv_sec * 1000 +
			  (uint64_t)(left.tv_usec + 999) / 1000;
		if (left_ms < wait_ms)
			wait_ms = left_ms;
	}
	uv_timer_start(&l->timer, on_timer, wait_ms, 0);
}

/* No way there at all: the system says so at once. */
static bool no_way(int e)
{
	return e == ENETUNREACH || e == EHOSTUNREACH || e == EADDRNOTAVAIL ||
	       e == EACCES || e == EPERM || e == EINVAL;
}

static void handshake(struct dtls_link *l)
{
	struct dtls *d = l->dtls;
	int ret;

	ERR_clear_error();
	errno = 0;
	if ((ret = SSL_do_handshake(l->ssl)) != 1) {
		after_ssl(l, ret);
		if (l->state == DTLS_HANDSHAKE && no_way(l->send_errno))
			dtls_link_fail(l, ERR_NO_LINK, strerror(l->send_errno));
		if (l->state == DTLS_HANDSHAKE)
			set_timer(l);
		return;
	}
	l->state = DTLS_OPEN;
	tls_auth_settled(&l->peer);
	uv_timer_stop(&l->timer);
	l->heard_ms = uv_now(d->cfg.loop);
	d->cfg.calls.up(d->cfg.calls.ctx, l, l->peer.cert, &l->peer.remote);
}

static void start(struct dtls_link *l)
{
	l->state = DTLS_HANDSHAKE;
	l->deadline_ms = uv_now(l->dtls->cfg.loop) + l->dtls->cfg.handshake_ms;
}

enum err dtls_link_connect(struct dtls *d,
			   const struct ip_address_port *address,
			   const struct node_id *node_id,
			   struct dtls_link **out)
{
	struct dtls_socket *s;
	struct dtls_link *l;
	enum err r;

	if (d->n_pairs >= DTLS_LINKS_MAX)
		return ERR_FULL;
	if ((r = dtls_socket_choose(d, address, true, &s)) != OK)
		return r;
	if ((l = link_new(d)) == NULL)
		return ERR_NOMEM;
	l->peer.remote = *address;
	if (!pair(l, s)) {
		dtls_link_drop(l);
		return ERR_NOMEM;
	}
	if (node_id != NULL) {
		l->peer.pinned = true;
		l->peer.pin = *node_id;
	}
	SSL_set_connect_state(l->ssl);
	start(l);
	handshake(l);
	*out = l;
	return OK;
}

void dtls_link_move(struct dtls_link *l)
{
	struct dtls_socket *s;
	SSL *ssl;

	unpair(l);
	if (dtls_socket_choose(l->dtls, &l->peer.remote, false, &s) != OK ||
	    !pair(l, s) || (ssl = new_ssl(l)) == NULL) {
		dtls_link_fail(l, ERR_FULL, "no socket for it");
		return;
	}
	SSL_free(l->ssl);
	l->ssl = ssl;
	tls_auth_peer_clear(&l->peer);
	l->peer.err = OK;
	l->in = (struct slice){ NULL, 0 };
	SSL_set_connect_state(l->ssl);
	handshake(l);
}

bool dtls_link_has_random(const struct dtls_link *l, const uint8_t *random)
{
	uint8_t own[DTLS_RANDOM_LEN];

	return SSL_get_client_random(l->ssl, own, sizeof(own)) == sizeof(own) &&
	       memcmp(own, random, sizeof(own)) == 0;
}

/* ---- accepting ---- */

struct dtls_link *dtls_link_spare(struct dtls *d)
{
	if (d->spare == NULL && (d->spare = link_new(d)) != NULL)
		SSL_set_accept_state(d->spare->ssl);
	return d->spare;
}

bool dtls_link_listen(struct dtls_link *l, struct dtls_socket *s,
		      const struct dtls_datagram *g)
{
	int ret;

	l->socket = s;
	l->local = g->to;
	l->peer.remote = g->from;
	l->in = g->bytes;
	ERR_clear_error();
	ret = DTLSv1_listen(l->ssl, l->dtls->bio_addr);
	l->in = (struct slice){ NULL, 0 };
	l->peek = false;
	return ret == 1;
}

void dtls_link_accept(struct dtls_link *l, const struct dtls_datagram *g)
{
	if (!pair(l, l->socket)) {
		dtls_link_drop(l);
		return;
	}
	set_ssl(l->ssl);
	l->server = true;
	tls_auth_half_open(&l->peer);
	start(l);
	dtls_link_receive(l, g->bytes);
}

/* ---- records ---- */

static void read_records(struct dtls_link *l)
{
	struct dtls *d = l->dtls;
	uint8_t record[DTLS_READ_SIZE];
	size_t n;

	/* Several records in one datagram are rare: what a pause leaves is read
	 * with the next. */
	while (l->state == DTLS_OPEN &&
	       !uv_is_closing((uv_handle_t *)&l->timer) && !d->paused) {
		ERR_clear_error();
		errno = 0;
		if (SSL_read_ex(l->ssl, record, sizeof(record), &n) != 1) {
			after_ssl(l, 0);
			return;
		}
		l->heard_ms = uv_now(d->cfg.loop);
		d->cfg.calls.record(d->cfg.calls.ctx, l, slice_of(record, n));
	}
}

void dtls_link_receive(struct dtls_link *l, struct slice datagram)
{
	l->in = datagram;
	if (l->state == DTLS_HANDSHAKE)
		handshake(l);
	if (l->state == DTLS_OPEN)
		read_records(l);
	/* It is ours until the loop has run, whatever a call did. */
	l->in = (struct slice){ NULL, 0 };
}

uint32_t dtls_link_mtu(const struct dtls_link *l)
{
	return (uint32_t)DTLS_get_data_mtu(l->ssl);
}

void dtls_link_send(struct dtls_link *l, struct slice plaintext)
{
	size_t n;

	if (l->state != DTLS_OPEN)
		return; /* failed: `down` is on its way */
	assert(plaintext.len <= dtls_link_mtu(l));
	ERR_clear_error();
	errno = 0;
	if (SSL_write_ex(l->ssl, plaintext.p, plaintext.len, &n) != 1)
		after_ssl(l, 0);
}

void dtls_link_close(struct dtls_link *l)
{
	dtls_link_drop(l);
}

static void on_timer(uv_timer_t *h)
{
	struct dtls_link *l = h->data;
	struct dtls *d = l->dtls;

	if (d->paused) {
		uv_timer_start(h, on_timer, 1, 0);
		return;
	}
	if (l->state == DTLS_FAILED) {
		d->cfg.calls.down(d->cfg.calls.ctx, l, l->peer.err,
				  &l->peer.why);
		dtls_link_drop(l);
		return;
	}
	if (uv_now(d->cfg.loop) >= l->deadline_ms) {
		(void)why_err(&l->peer.why, ERR_NO_LINK, "no answer in %u s",
			      d->cfg.handshake_ms / 1000);
		l->peer.err = ERR_NO_LINK;
		fail(l);
		return;
	}
	ERR_clear_error();
	if (DTLSv1_handle_timeout(l->ssl) < 0)
		after_ssl(l, -1);
	if (l->state == DTLS_HANDSHAKE)
		set_timer(l);
}

void dtls_link_set_data(struct dtls_link *l, void *data)
{
	l->data = data;
}

void *dtls_link_data(const struct dtls_link *l)
{
	return l->data;
}
