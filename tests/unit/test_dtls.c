/* SPDX-License-Identifier: ISC */
/* DTLS links on loopback: who is let in and who is not, what a network may do,
 * and what a stranger may not. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/handle.h"
#include "net/dtls_private.h"
#include "net/loop.h"
#include "net/sockaddr.h"

enum { SAVED = 64 };

/* A network between a client and the server: one socket for each. */
struct relay {
	struct rig *w;
	uv_poll_t poll[2];
	int fd[2];                         /* facing client, server */
	struct ip_address_port address[2]; /* of these sockets */
	struct sockaddr_storage to[2];     /* who is at the other end */
	socklen_t to_len[2];
	unsigned drop, seed; /* percent */
	bool twice;          /* everything comes twice */
	bool reorder;        /* in pairs */
	size_t largest;
	int n;
	struct buf saved[2][SAVED]; /* the last that went to client, server */
	unsigned n_saved[2];
	struct buf held[2];
};

/* ---- the network ---- */

static int plain_socket(struct ip_address_port *address)
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_ok(sockaddr_make(&sa, &len, address));
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	len = sizeof(sa);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_ok(sockaddr_read(address, &sa));
	return fd;
}

static void pass(struct relay *r, int side, struct slice b)
{
	ssize_t n = sendto(r->fd[side], b.p, b.len, 0,
			   (struct sockaddr *)&r->to[side], r->to_len[side]);

	(void)n; /* a network may lose it */
}

static void forward(struct relay *r, int side, struct slice b)
{
	struct buf *copy = &r->saved[side][r->n_saved[side]++ % SAVED];
	struct buf *held = &r->held[side];

	r->n++;
	r->largest = b.len > r->largest ? b.len : r->largest;
	buf_reset(copy);
	assert_ok(buf_append_slice(copy, b));
	r->seed = r->seed * 1103515245 + 12345;
	if ((r->seed >> 16) % 100 < r->drop)
		return;
	if (r->reorder && held->len == 0) {
		assert_ok(buf_append_slice(held, b));
		return;
	}
	pass(r, side, b);
	if (r->twice)
		pass(r, side, b);
	if (held->len > 0)
		pass(r, side, buf_slice(held));
	buf_reset(held);
}

static void on_relay(uv_poll_t *h, int status, int events)
{
	struct relay *r = h->data;
	int side = h == &r->poll[1]; /* that it came from */
	uint8_t bytes[65536];
	ssize_t n;

	(void)status;
	(void)events;
	for (;;) {
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);

		n = recvfrom(r->fd[side], bytes, sizeof(bytes), 0,
			     (struct sockaddr *)&from, &len);
		if (n < 0)
			return;
		if (side == 0) {
			r->to[0] = from;
			r->to_len[0] = len;
		}
		forward(r, 1 - side, slice_of(bytes, (size_t)n));
	}
}

static void relay_open(struct relay *r, struct rig *w)
{
	memset(r, 0, sizeof(*r));
	r->w = w;
	r->seed = 7;
	assert_ok(sockaddr_make(&r->to[1], &r->to_len[1], &w->server.address));
	for (int i = 0; i < 2; i++) {
		r->address[i] = rig_loopback();
		r->fd[i] = plain_socket(&r->address[i]);
		uv_poll_init(&w->loop, &r->poll[i], r->fd[i]);
		r->poll[i].data = r;
		uv_poll_start(&r->poll[i], UV_READABLE, on_relay);
		r->held[i] = (struct buf)BUF_INIT(1 << 16);
		for (int k = 0; k < SAVED; k++)
			r->saved[i][k] = (struct buf)BUF_INIT(1 << 16);
	}
}

static void relay_close(struct relay *r)
{
	for (int i = 0; i < 2; i++) {
		uv_close((uv_handle_t *)&r->poll[i], NULL);
		close(r->fd[i]);
		buf_clear(&r->held[i]);
		for (int k = 0; k < SAVED; k++)
			buf_clear(&r->saved[i][k]);
	}
	uv_run(&r->w->loop, UV_RUN_NOWAIT); /* the handles are ours */
}

/* ---- who is let in ---- */

/* Both sides see the other's Node-ID; records come whole, of every size; a
 * close is seen.  Every type of key.  6940-6.5.1.13-R2 */
static void links(void **state)
{
	static const enum key_type types[] = { KEY_P256, KEY_RSA2048,
					       KEY_ED25519 };
	struct rig w;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	w.server.echo = true;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct signer *s = pki_signer(&w.pki, 2, types[i]);
		struct node_id two = pki_id(2), one = pki_id(1);
		uint8_t bytes[DTLS_DATAGRAM_MAX];
		struct dtls_link *l;
		struct relay r;
		struct rig_side c;
		int downs = w.server.n_down;
		uint32_t mtu;

		relay_open(&r, &w);
		rig_side_open(&c, &w, s, 0);
		assert_ok(dtls_link_connect(c.dtls, &r.address[0], &one, &l));
		RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == (int)i + 1);
		assert_true(id_eq(&c.id, &one));
		assert_true(id_eq(&w.server.id, &two));
		mtu = dtls_link_mtu(l);
		assert_in_range(mtu, 1100, DTLS_DATAGRAM_MAX - 1);
		for (size_t k = 0; k < sizeof(bytes); k++)
			bytes[k] = (uint8_t)(k * 7);
		for (uint32_t n = 1; n <= mtu; n += n < 1024 ? n : 1) {
			int seen = c.n_records;

			buf_reset(&c.in);
			dtls_link_send(l, slice_of(bytes, n));
			RIG_UNTIL(&w, c.n_records == seen + 1);
			assert_int_equal(c.in.len, n);
			assert_memory_equal(c.in.p, bytes, n);
		}
		assert_int_equal(r.largest, DTLS_DATAGRAM_MAX);
		dtls_link_close(l);
		RIG_UNTIL(&w, w.server.n_down == downs + 1);
		assert_err(w.server.err, ERR_LINK_CLOSED);
		assert_int_equal(c.n_down, 0); /* who closes is not told */
		rig_side_close(&c);
		relay_close(&r);
		signer_close(s, w.pki.crypto);
	}
	rig_close(&w);
}

/* ---- sockets ---- */

/* A node connects from where it listens; a second link to the same address goes
 * from another port; and who listens nowhere has one socket for all. */
static void one_socket(void **state)
{
	struct rig w;
	struct rig_side c, other;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_side_open(&other, &w, w.own, 0);
	rig_listen(&other);
	rig_side_open(&c, &w, w.own, 0);
	rig_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	assert_int_equal(w.server.remote.port, c.address.port);
	assert_ok(dtls_link_connect(c.dtls, &other.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 2 && other.n_up == 1);
	assert_int_equal(other.remote.port, c.address.port);
	assert_int_equal(c.dtls->n_sockets, 1);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 3 && w.server.n_up == 2);
	assert_int_not_equal(w.server.remote.port, c.address.port);
	assert_int_equal(c.dtls->n_sockets, 2);
	assert_int_equal(c.n_down + w.server.n_down + other.n_down, 0);
	rig_side_close(&c);
	rig_side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_ok(dtls_link_connect(c.dtls, &other.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 2);
	assert_int_equal(c.dtls->n_sockets, 1);
	rig_side_close(&c);
	rig_side_close(&other);
	rig_close(&w);
}

/* Two that connect to each other at the same moment are linked twice, as with
 * TLS: neither handshake is lost. */
static void at_once(void **state)
{
	struct rig w;
	struct rig_side c;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_side_open(&c, &w, w.own, 0);
	rig_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_ok(dtls_link_connect(w.server.dtls, &c.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 2 && w.server.n_up == 2);
	assert_int_equal(c.n_down + w.server.n_down, 0);
	rig_side_close(&c);
	rig_close(&w);
}

/* What comes to a handshake is another's, of one that had the port before: it
 * goes on from a port of its own. */
static void confused(void **state)
{
	/* A record with a ServerHelloDone, where a ServerHello is due. */
	static const uint8_t another[13 + 12] = {
		22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, 14
	};
	struct ip_address_port trap_address = rig_loopback(), from;
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct rig w;
	struct rig_side c;
	struct dtls_link *l;
	uint8_t bytes[2048];
	int trap;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	trap = plain_socket(&trap_address);
	rig_side_open(&c, &w, w.own, 0);
	rig_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &trap_address, NULL, &l));
	RIG_UNTIL(&w, recvfrom(trap, bytes, sizeof(bytes), 0,
			       (struct sockaddr *)&sa, &len) > 0);
	assert_ok(sockaddr_read(&from, &sa));
	assert_int_equal(from.port, c.address.port);
	assert_int_equal(sendto(trap, another, sizeof(another), 0,
				(struct sockaddr *)&sa, len),
			 sizeof(another));
	RIG_UNTIL(&w, recvfrom(trap, bytes, sizeof(bytes), 0,
			       (struct sockaddr *)&sa, &len) > 0 &&
			      sockaddr_read(&from, &sa) == OK &&
			      from.port != c.address.port);
	assert_int_equal(c.n_down, 0);
	/* There it is all the same: what is wrong there is wrong. */
	assert_int_equal(sendto(trap, another, sizeof(another), 0,
				(struct sockaddr *)&sa, len),
			 sizeof(another));
	RIG_UNTIL(&w, c.n_down == 1);
	close(trap);
	rig_side_close(&c);
	rig_close(&w);
}

/* Answers come from the address that was asked, also where the socket is for
 * all. */
static void any_address(void **state)
{
	struct ip_address_port any = { .type = ADDRESS_IPV4 }, two;
	struct rig w;
	struct rig_side s, c;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_side_open(&s, &w, w.own, 0);
	assert_ok(dtls_listen(s.dtls, &any, NULL));
	two = rig_loopback();
	two.addr[3] = 77;
	two.port = any.port;
	rig_side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &two, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && s.n_up == 1);
	s.echo = true;
	dtls_link_send(l, SLICE_LIT("x"));
	RIG_UNTIL(&w, c.n_records == 1);
	rig_side_close(&c);
	rig_side_close(&s);
	rig_close(&w);
}

/* ---- the network's ways ---- */

static bool up_or_again(struct rig_side *c, const struct relay *r)
{
	struct dtls_link *l;

	if (c->n_down > 0) { /* as whoever needs the link would do */
		c->n_down = 0;
		assert_ok(dtls_link_connect(c->dtls, &r->address[0], NULL, &l));
	}
	return c->n_up == 1;
}

/* A handshake survives loss, copies and disorder. */
static void bad_network(void **state)
{
	enum { CLIENTS = 10 };
	struct rig_side c[CLIENTS];
	struct relay r[CLIENTS];
	struct dtls_link *l;
	struct rig w;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		relay_open(&r[i], &w);
		r[i].seed = i;
		r[i].drop = 20;
		r[i].twice = i % 2 == 0;
		r[i].reorder = i % 3 == 0;
		rig_side_open(&c[i], &w, w.own, 0);
		assert_ok(dtls_link_connect(c[i].dtls, &r[i].address[0], NULL,
					    &l));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		RIG_UNTIL(&w, up_or_again(&c[i], &r[i]));
	for (unsigned i = 0; i < CLIENTS; i++) {
		rig_side_close(&c[i]);
		relay_close(&r[i]);
	}
	rig_close(&w);
}

/* What comes again is not taken again.  6940-6.4.2.1-R3 */
static void replay(void **state)
{
	struct rig w;
	struct rig_side c;
	struct relay r;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	relay_open(&r, &w);
	rig_side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &r.address[0], NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	r.twice = true;
	for (int i = 1; i <= 20; i++) {
		dtls_link_send(l, SLICE_LIT("once"));
		RIG_UNTIL(&w, w.server.n_records == i);
	}
	/* All of it again, from the handshake on. */
	for (unsigned i = 0; i < r.n_saved[1]; i++)
		pass(&r, 1, buf_slice(&r.saved[1][i]));
	r.twice = false;
	dtls_link_send(l, SLICE_LIT("last"));
	RIG_UNTIL(&w, w.server.in.len >= 4 &&
			      memcmp(w.server.in.p + w.server.in.len - 4,
				     "last", 4) == 0);
	assert_int_equal(w.server.n_records, 21);
	assert_int_equal(w.server.n_down, 0);
	rig_side_close(&c);
	relay_close(&r);
	rig_close(&w);
}

/* What a stranger sends in the other side's name ends no link: noise, alerts in
 * clear, a ClientHello without a cookie, one with that of another time. */
static void strangers(void **state)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0,
					 0,  0,    99,   0, 2, 2, 40 };
	struct rig w;
	struct rig_side c, old;
	struct relay r;
	struct dtls_link *l;
	uint8_t noise[400];
	struct buf hello = BUF_INIT(1 << 16);

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	relay_open(&r, &w);
	/* The ClientHellos of an association that is over, and of one to a
	 * server with another key. */
	rig_side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &r.address[0], NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	assert_ok(buf_append_slice(&hello, buf_slice(&r.saved[1][1])));
	rig_side_open(&old, &w, w.own, 0);
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(RAND_bytes(noise, sizeof(noise)), 1);
		noise[0] = (uint8_t)(20 + i % 5);
		noise[1] = 0xfe;
		noise[2] = 0xfd;
		if (i % 2 == 0) { /* looks like a ClientHello */
			memset(noise + 3, 0, 2);
			noise[13] = 1;
		}
		pass(&r, 1, slice_of(noise, sizeof(noise)));
		pass(&r, 0, slice_of(noise, sizeof(noise)));
		if (i % 64 == 0)
			uv_run(&w.loop, UV_RUN_NOWAIT);
	}
	for (int side = 0; side < 2; side++)
		pass(&r, side, slice_of(alert, sizeof(alert)));
	hello.p[DTLS_MARK_AT]++; /* not what its cookie was for */
	pass(&r, 1, buf_slice(&hello));
	w.server.echo = true;
	dtls_link_send(l, SLICE_LIT("alive"));
	RIG_UNTIL(&w, c.n_records == 1);
	assert_int_equal(c.n_down + w.server.n_down, 0);
	assert_int_equal(w.server.n_up, 1);
	assert_int_equal(w.server.dtls->n_pairs, 1);
	rig_side_close(&old);
	rig_side_close(&c);
	relay_close(&r);
	buf_clear(&hello);
	rig_close(&w);
}

/* The same port, a new process: the link that was there goes, the new one is
 * there at once. */
static void restart(void **state)
{
	struct rig w;
	struct rig_side c, again;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_side_open(&c, &w, w.own, 0);
	rig_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	l->state = DTLS_FAILED; /* it is killed: no close_notify */
	rig_side_open(&again, &w, w.own, 0);
	again.address = c.address;
	rig_side_close(&c);
	assert_ok(dtls_listen(again.dtls, &again.address, NULL));
	assert_ok(dtls_link_connect(again.dtls, &w.server.address, NULL, &l));
	RIG_UNTIL(&w, again.n_up == 1 && w.server.n_up == 2);
	assert_int_equal(w.server.remote.port, again.address.port);
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_LINK_CLOSED);
	w.server.echo = true;
	dtls_link_send(l, SLICE_LIT("x"));
	RIG_UNTIL(&w, again.n_records == 1);
	/* The server connects to it again in its turn, from the same port. */
	rig_side_close(&again);
	RIG_UNTIL(&w, w.server.n_down == 2);
	rig_side_open(&again, &w, w.own, 0);
	assert_ok(dtls_listen(again.dtls, &c.address, NULL));
	assert_ok(dtls_link_connect(w.server.dtls, &c.address, NULL, &l));
	RIG_UNTIL(&w, again.n_up == 1 && w.server.n_up == 3);
	assert_int_equal(again.remote.port, w.server.address.port);
	rig_side_close(&again);
	rig_close(&w);
}

/* Nobody has the port any more: told by ICMP, and only by one that quotes what
 * was sent.  6940-6.6.3.1-R5 */
static void unreachable(void **state)
{
	uint8_t quoted[100] = { 0 };
	struct rig w;
	struct rig_side c;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_client(&c, &w, w.own);
	l = w.server.dtls_link;
	dtls_link_unreachable(l, slice_of(quoted, sizeof(quoted)),
			      ECONNREFUSED);
	dtls_link_unreachable(l, slice_of(quoted, 8), ECONNREFUSED);
	memcpy(quoted + DTLS_MARK_AT, l->marks[0], DTLS_MARK_LEN);
	dtls_link_unreachable(l, slice_of(quoted, sizeof(quoted)),
			      EHOSTUNREACH); /* for now */
	assert_int_equal(l->state, DTLS_OPEN);
	c.dtls_link->state = DTLS_FAILED; /* it is killed: no close_notify */
	rig_side_close(&c);
	dtls_link_send(l, SLICE_LIT("is anybody there? I have more to say"));
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_LINK_CLOSED);
	assert_non_null(strstr(w.server.why.text, "refused"));
	rig_close(&w);
}

/* ---- limits ---- */

static size_t in_use(void)
{
	return mallinfo2().uordblks;
}

/* 20,000 ClientHellos in the names of others cost nothing that stays; who means
 * it is let in meanwhile. */
static void spoofed(void **state)
{
	enum { N = 20000 };
	struct ip_address_port trap_address = rig_loopback();
	struct sockaddr_storage sa;
	uint8_t hello[2048];
	struct rig w;
	struct rig_side c;
	struct dtls_link *l;
	socklen_t sa_len;
	ssize_t len = 0;
	size_t before = 0;
	int trap;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	trap = plain_socket(&trap_address);
	rig_side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &trap_address, NULL, &l));
	RIG_UNTIL(&w, (len = recv(trap, hello, sizeof(hello), 0)) > 0);
	rig_side_close(&c);
	uv_run(&w.loop, UV_RUN_NOWAIT);
	assert_ok(sockaddr_make(&sa, &sa_len, &w.server.address));
	for (unsigned i = 0; i < N; i++) {
		struct ip_address_port from = rig_loopback();
		int fd;

		from.addr[1] = (uint8_t)(1 + i % 200);
		from.addr[2] = (uint8_t)(i / 200);
		hello[DTLS_MARK_AT] = (uint8_t)i;
		fd = plain_socket(&from);
		assert_int_equal(sendto(fd, hello, (size_t)len, 0,
					(struct sockaddr *)&sa, sa_len),
				 len);
		uv_run(&w.loop, UV_RUN_NOWAIT);
		close(fd);
		if (i == 200) /* what is made once is made */
			before = in_use();
	}
	assert_in_range(in_use(), 0, before + 4096);
	assert_int_equal(w.server.dtls->n_pairs, 0);
	assert_int_equal(w.server.dtls->auth.n_half_open, 0);
	assert_int_equal(dtls_cookies(w.server.dtls), N);
	rig_client(&c, &w, w.own);
	rig_side_close(&c);
	close(trap);
	rig_close(&w);
}

/* A client of its own that gets as far as its cookie. */
struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void raw_open(struct raw *r, const struct rig *w)
{
	struct sockaddr_storage sa;
	struct ip_address_port own = rig_loopback();
	socklen_t len;
	BIO *b;

	r->fd = plain_socket(&own);
	assert_ok(sockaddr_make(&sa, &len, &w->server.address));
	assert_int_equal(connect(r->fd, (struct sockaddr *)&sa, len), 0);
	r->ctx = SSL_CTX_new(DTLS_client_method());
	r->ssl = SSL_new(r->ctx);
	b = BIO_new_dgram(r->fd, BIO_NOCLOSE);
	BIO_ctrl_set_connected(b, &sa);
	SSL_set_bio(r->ssl, b, b);
	SSL_set_options(r->ssl, SSL_OP_NO_QUERY_MTU);
	DTLS_set_link_mtu(r->ssl, 1200);
}

static void raw_close(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	close(r->fd);
}

/* With a cookie and no more: dropped in time, and a crowd keeps nobody out. */
static void half_open(void **state)
{
	enum { CROWD = DTLS_HALF_OPEN_MAX + 20 };
	struct raw *r = calloc(CROWD, sizeof(*r));
	struct rig w;
	struct rig_side c;

	(void)state;
	assert_non_null(r);
	rig_open(&w, RIG_DTLS, 100);
	raw_open(&r[0], &w);
	SSL_connect(r[0].ssl);
	RIG_UNTIL(&w, w.server.dtls->hello != NULL);
	SSL_connect(r[0].ssl);
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_NO_LINK);
	raw_close(&r[0]);
	rig_close(&w);

	rig_open(&w, RIG_DTLS, 0);
	for (unsigned i = 0; i < CROWD; i++) {
		char byte;

		raw_open(&r[i], &w);
		SSL_connect(r[i].ssl);
		RIG_UNTIL(&w, recv(r[i].fd, &byte, 1, MSG_PEEK) > 0);
		SSL_connect(r[i].ssl);
		RIG_UNTIL(&w, w.server.dtls->auth.n_half_open ==
				      (i < DTLS_HALF_OPEN_MAX
					       ? i + 1
					       : DTLS_HALF_OPEN_MAX));
	}
	rig_client(&c, &w, w.own);
	assert_in_range(w.server.dtls->n_pairs, 0, DTLS_HALF_OPEN_MAX + 1);
	for (unsigned i = 0; i < CROWD; i++)
		raw_close(&r[i]);
	rig_side_close(&c);
	rig_close(&w);
	free(r);
}

/* With all links in use a new one waits outside, until one has been silent for
 * long. */
static void full(void **state)
{
	struct rig w;
	struct rig_side a, b, c;
	struct dtls_link *l;

	(void)state;
	rig_open(&w, RIG_DTLS, 0);
	rig_client(&a, &w, w.own);
	rig_client(&b, &w, w.own);
	w.server.dtls->n_pairs += DTLS_LINKS_MAX - 2;
	rig_side_open(&c, &w, w.own, 600);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_err(
		dtls_link_connect(w.server.dtls, &w.server.address, NULL, &l),
		ERR_FULL);
	RIG_UNTIL(&w, c.n_down == 1);
	assert_err(c.err, ERR_NO_LINK);
	assert_int_equal(w.server.n_up, 2);
	/* The first of them, silent for long. */
	assert_true(w.server.dtls_link->heard_ms > 0);
	w.server.dtls_link->heard_ms -= DTLS_SILENT_MS + 1;
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 3);
	RIG_UNTIL(&w, w.server.n_down == 1 && b.n_down == 1);
	assert_non_null(strstr(w.server.why.text, "silent"));
	assert_int_equal(a.n_down, 0);
	w.server.dtls->n_pairs -= DTLS_LINKS_MAX - 2;
	rig_side_close(&a);
	rig_side_close(&b);
	rig_side_close(&c);
	rig_close(&w);
}

int main(void)
{
	enum rig_type type = RIG_DTLS;
	const struct CMUnitTest tests[] = {
		RIG_TESTS(&type),
		cmocka_unit_test(links),
		cmocka_unit_test(one_socket),
		cmocka_unit_test(at_once),
		cmocka_unit_test(confused),
		cmocka_unit_test(any_address),
		cmocka_unit_test(bad_network),
		cmocka_unit_test(replay),
		cmocka_unit_test(strangers),
		cmocka_unit_test(restart),
		cmocka_unit_test(unreachable),
		cmocka_unit_test(spoofed),
		cmocka_unit_test(half_open),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
