/* SPDX-License-Identifier: ISC */
/* DTLS links on loopback: who is let in and who is not, what a network may do,
 * and what a stranger may not. */
#include "pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/overlay.h"
#include "crypto/handle.h"
#include "net/dtls_private.h"
#include "net/loop.h"
#include "net/sockaddr.h"

enum { PATIENCE_S = 60, SAVED = 64 };

/* One side and all that has happened to its links. */
struct side {
	struct dtls *dtls;
	struct ip_address_port address; /* listened on */
	struct dtls_link *link;         /* the last that came up */
	int n_up, n_down, n_records;
	struct node_id id; /* of the last that came up */
	struct ip_address_port remote;
	enum err err; /* of the last that went down */
	struct why why;
	struct buf in; /* of all records, and the length of the last */
	size_t last_len;
	bool echo;
	bool pause; /* after the next record */
};

/* A server on loopback, and what a test may vary. */
struct world {
	uv_loop_t loop;
	uv_timer_t tick;
	struct pki pki;
	struct overlay *overlay;
	struct signer *own; /* of the server, Node-ID 0101... */
	struct side server;
};

/* A network between a client and the server: one socket for each. */
struct relay {
	struct world *w;
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

static void on_up(void *ctx, struct dtls_link *l, struct cert *cert,
		  const struct ip_address_port *remote)
{
	struct side *s = ctx;

	assert_int_not_equal(remote->port, 0);
	s->link = l;
	s->id = cert->node_ids[0];
	s->remote = *remote;
	s->n_up++;
}

static void on_record(void *ctx, struct dtls_link *l, struct slice bytes)
{
	struct side *s = ctx;

	assert_ok(buf_append_slice(&s->in, bytes));
	s->last_len = bytes.len;
	s->n_records++;
	if (s->echo)
		dtls_link_send(l, bytes);
	if (s->pause)
		dtls_pause(s->dtls, true);
}

static void on_down(void *ctx, struct dtls_link *l, enum err r,
		    const struct why *why)
{
	struct side *s = ctx;

	(void)l;
	s->n_down++;
	s->err = r;
	s->why = *why;
}

static void side_open(struct side *s, struct world *w,
		      const struct signer *signer, uint32_t handshake_ms)
{
	struct dtls_config cfg = { .loop = &w->loop,
				   .crypto = w->pki.crypto,
				   .overlay = w->overlay,
				   .signer = signer,
				   .calls = { on_up, on_record, on_down, s },
				   .handshake_ms = handshake_ms };

	*s = (struct side){ .in = BUF_INIT(64 << 20) };
	assert_ok(dtls_new(&s->dtls, &cfg, NULL));
}

static void side_close(struct side *s)
{
	dtls_free(s->dtls);
	buf_clear(&s->in);
}

static void on_tick(uv_timer_t *t)
{
	(void)t; /* only wakes the loop */
}

static struct ip_address_port loopback(void)
{
	return (struct ip_address_port){ .type = ADDRESS_IPV4,
					 .addr = { 127, 0, 0, 1 } };
}

static void side_listen(struct side *s)
{
	s->address = loopback();
	assert_ok(dtls_listen(s->dtls, &s->address, NULL));
	assert_int_not_equal(s->address.port, 0);
}

static void world_open(struct world *w, uint32_t handshake_ms)
{
	memset(w, 0, sizeof(*w));
	assert_int_equal(uv_loop_init(&w->loop), 0);
	uv_timer_init(&w->loop, &w->tick);
	uv_timer_start(&w->tick, on_tick, 2, 2);
	pki_init(&w->pki, KEY_P256);
	w->overlay = overlay_new();
	assert_non_null(w->overlay);
	w->own = pki_signer(&w->pki, 1, KEY_P256);
	side_open(&w->server, w, w->own, handshake_ms);
	side_listen(&w->server);
}

static void world_close(struct world *w)
{
	side_close(&w->server);
	uv_close((uv_handle_t *)&w->tick, NULL);
	while (uv_loop_close(&w->loop) == UV_EBUSY)
		uv_run(&w->loop, UV_RUN_ONCE);
	signer_close(w->own, w->pki.crypto);
	overlay_free(w->overlay);
	pki_clear(&w->pki);
}

/* Runs the loop until the condition holds; fails where it never does. */
#define RUN_UNTIL(w, condition)                                                \
	do {                                                                   \
		time_t end_ = time(NULL) + PATIENCE_S;                         \
		while (!(condition)) {                                         \
			uv_run(&(w)->loop, UV_RUN_ONCE);                       \
			if (time(NULL) > end_)                                 \
				fail_msg("never: %s", #condition);             \
		}                                                              \
	} while (0)

/* A client that is linked with the server. */
static void client_open(struct side *c, struct world *w)
{
	struct node_id one = pki_id(1);
	struct dtls_link *l;
	int ups = w->server.n_up;

	side_open(c, w, w->own, 0);
	assert_ok(dtls_link_connect(c->dtls, &w->server.address, &one, &l));
	RUN_UNTIL(w, c->n_up == 1 && w->server.n_up == ups + 1);
	assert_ptr_equal(c->link, l);
}

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

static void relay_open(struct relay *r, struct world *w)
{
	memset(r, 0, sizeof(*r));
	r->w = w;
	r->seed = 7;
	assert_ok(sockaddr_make(&r->to[1], &r->to_len[1], &w->server.address));
	for (int i = 0; i < 2; i++) {
		r->address[i] = loopback();
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
	struct world w;

	(void)state;
	world_open(&w, 0);
	w.server.echo = true;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct signer *s = pki_signer(&w.pki, 2, types[i]);
		struct node_id two = pki_id(2), one = pki_id(1);
		uint8_t bytes[DTLS_DATAGRAM_MAX];
		struct dtls_link *l;
		struct relay r;
		struct side c;
		int downs = w.server.n_down;
		uint32_t mtu;

		relay_open(&r, &w);
		side_open(&c, &w, s, 0);
		assert_ok(dtls_link_connect(c.dtls, &r.address[0], &one, &l));
		RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == (int)i + 1);
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
			RUN_UNTIL(&w, c.n_records == seen + 1);
			assert_int_equal(c.in.len, n);
			assert_memory_equal(c.in.p, bytes, n);
		}
		assert_int_equal(r.largest, DTLS_DATAGRAM_MAX);
		dtls_link_close(l);
		RUN_UNTIL(&w, w.server.n_down == downs + 1);
		assert_err(w.server.err, ERR_LINK_CLOSED);
		assert_int_equal(c.n_down, 0); /* who closes is not told */
		side_close(&c);
		relay_close(&r);
		signer_close(s, w.pki.crypto);
	}
	world_close(&w);
}

/* The client's certificate is judged as the server's is; what is said names the
 * cause.  6940-6.5.1.13-R1, 6940-13.2-R1, 6940-13.3-R1 */
static void refused(void **state)
{
	struct world w;
	struct pki foreign;
	struct node_id id = pki_id(2), bad = pki_id(9);
	struct issue_node node;
	struct {
		struct signer *signer;
		enum err err;
		const char *words;
	} cases[3];

	(void)state;
	world_open(&w, 0);
	pki_init(&foreign, KEY_P256);
	node = pki_node(&w.pki, &id, 1);
	cases[0].signer = pki_signer_of(&w.pki, &foreign, &node, KEY_P256);
	cases[0].err = ERR_CERT;
	cases[0].words = "not issued by a root";
	node.now_ms -= 10 * PKI_DAY_MS;
	node.not_after_ms -= 2 * PKI_DAY_MS;
	cases[1].signer = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	cases[1].err = ERR_CERT_EXPIRED;
	cases[1].words = "certificate";
	node = pki_node(&w.pki, &bad, 1);
	cases[2].signer = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	cases[2].err = ERR_BAD_NODE;
	cases[2].words = "listed as bad";
	w.overlay->bad_nodes = &bad;
	w.overlay->n_bad_nodes = 1;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct side c, other;
		struct dtls_link *l;

		/* As client of a good server: that server says no. */
		side_open(&c, &w, cases[i].signer, 0);
		assert_ok(
			dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
		RUN_UNTIL(&w, w.server.n_down == (int)i + 1 && c.n_down == 1);
		assert_err(w.server.err, cases[i].err);
		assert_non_null(strstr(w.server.why.text, cases[i].words));
		assert_int_equal(w.server.n_up, 0);
		assert_err(c.err, ERR_AUTH);
		assert_non_null(strstr(c.why.text, "the other side refuses"));
		side_close(&c);
		/* As server of a good client: that client says no. */
		side_open(&other, &w, cases[i].signer, 0);
		side_listen(&other);
		side_open(&c, &w, w.own, 0);
		assert_ok(dtls_link_connect(c.dtls, &other.address, NULL, &l));
		RUN_UNTIL(&w, c.n_down == 1 && other.n_down == 1);
		assert_err(c.err, cases[i].err);
		assert_int_equal(c.n_up, 0);
		assert_int_equal(other.n_up, 0);
		side_close(&c);
		side_close(&other);
		signer_close(cases[i].signer, w.pki.crypto);
	}
	w.overlay->bad_nodes = NULL;
	w.overlay->n_bad_nodes = 0;
	pki_clear(&foreign);
	world_close(&w);
}

/* A member at the right address that is not the one meant is closed.
 * 6940-6.5.1.11-R1, 6940-6.5.1.13-R2 */
static void pins(void **state)
{
	struct world w;
	struct node_id other = pki_id(7);
	struct side c;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	client_open(&c, &w);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, &other, &l));
	RUN_UNTIL(&w, c.n_down == 1 && w.server.n_down == 1);
	assert_err(c.err, ERR_WRONG_PEER);
	assert_int_equal(c.n_up, 1);
	assert_int_equal(w.server.n_up, 1);
	side_close(&c);
	world_close(&w);
}

/* ---- sockets ---- */

/* A node connects from where it listens; a second link to the same address goes
 * from another port; and who listens nowhere has one socket for all. */
static void one_socket(void **state)
{
	struct world w;
	struct side c, other;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	side_open(&other, &w, w.own, 0);
	side_listen(&other);
	side_open(&c, &w, w.own, 0);
	side_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	assert_int_equal(w.server.remote.port, c.address.port);
	assert_ok(dtls_link_connect(c.dtls, &other.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 2 && other.n_up == 1);
	assert_int_equal(other.remote.port, c.address.port);
	assert_int_equal(c.dtls->n_sockets, 1);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 3 && w.server.n_up == 2);
	assert_int_not_equal(w.server.remote.port, c.address.port);
	assert_int_equal(c.dtls->n_sockets, 2);
	assert_int_equal(c.n_down + w.server.n_down + other.n_down, 0);
	side_close(&c);
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_ok(dtls_link_connect(c.dtls, &other.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 2);
	assert_int_equal(c.dtls->n_sockets, 1);
	side_close(&c);
	side_close(&other);
	world_close(&w);
}

/* Two that connect to each other at the same moment are linked twice, as with
 * TLS: neither handshake is lost. */
static void at_once(void **state)
{
	struct world w;
	struct side c;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	side_open(&c, &w, w.own, 0);
	side_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_ok(dtls_link_connect(w.server.dtls, &c.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 2 && w.server.n_up == 2);
	assert_int_equal(c.n_down + w.server.n_down, 0);
	side_close(&c);
	world_close(&w);
}

/* Answers come from the address that was asked, also where the socket is for
 * all. */
static void any_address(void **state)
{
	struct ip_address_port any = { .type = ADDRESS_IPV4 }, two;
	struct world w;
	struct side s, c;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	side_open(&s, &w, w.own, 0);
	assert_ok(dtls_listen(s.dtls, &any, NULL));
	two = loopback();
	two.addr[3] = 77;
	two.port = any.port;
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &two, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && s.n_up == 1);
	s.echo = true;
	dtls_link_send(l, SLICE_LIT("x"));
	RUN_UNTIL(&w, c.n_records == 1);
	side_close(&c);
	side_close(&s);
	world_close(&w);
}

/* Nobody there; a port that is taken; both with words.  IPv6. */
static void addresses(void **state)
{
	struct world w;
	struct side c;
	struct dtls_link *l;
	struct ip_address_port dead = loopback(), v6 = { .type = ADDRESS_IPV6 };
	struct why why;

	(void)state;
	world_open(&w, 0);
	side_open(&c, &w, w.own, 0);
	assert_err(dtls_listen(c.dtls, &w.server.address, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "127.0.0.1:"));
	assert_ok(dtls_listen(c.dtls, &dead, &why));
	side_close(&c); /* whose port is free now */
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &dead, NULL, &l));
	RUN_UNTIL(&w, c.n_down == 1);
	assert_err(c.err, ERR_NO_LINK);
	assert_non_null(strstr(c.why.text, "refused"));
	v6.addr[15] = 1;
	if (dtls_listen(w.server.dtls, &v6, &why) == OK) {
		assert_ok(dtls_link_connect(c.dtls, &v6, NULL, &l));
		RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	} else {
		print_message("no IPv6 here: %s\n", why.text);
	}
	side_close(&c);
	world_close(&w);
}

/* ---- the network's ways ---- */

static bool up_or_again(struct side *c, const struct relay *r)
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
	struct side c[CLIENTS];
	struct relay r[CLIENTS];
	struct dtls_link *l;
	struct world w;

	(void)state;
	world_open(&w, 0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		relay_open(&r[i], &w);
		r[i].seed = i;
		r[i].drop = 20;
		r[i].twice = i % 2 == 0;
		r[i].reorder = i % 3 == 0;
		side_open(&c[i], &w, w.own, 0);
		assert_ok(dtls_link_connect(c[i].dtls, &r[i].address[0], NULL,
					    &l));
	}
	for (unsigned i = 0; i < CLIENTS; i++)
		RUN_UNTIL(&w, up_or_again(&c[i], &r[i]));
	for (unsigned i = 0; i < CLIENTS; i++) {
		side_close(&c[i]);
		relay_close(&r[i]);
	}
	world_close(&w);
}

/* What comes again is not taken again.  6940-6.4.2.1-R3 */
static void replay(void **state)
{
	struct world w;
	struct side c;
	struct relay r;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	relay_open(&r, &w);
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &r.address[0], NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	r.twice = true;
	for (int i = 1; i <= 20; i++) {
		dtls_link_send(l, SLICE_LIT("once"));
		RUN_UNTIL(&w, w.server.n_records == i);
	}
	/* All of it again, from the handshake on. */
	for (unsigned i = 0; i < r.n_saved[1]; i++)
		pass(&r, 1, buf_slice(&r.saved[1][i]));
	r.twice = false;
	dtls_link_send(l, SLICE_LIT("last"));
	RUN_UNTIL(&w, w.server.in.len >= 4 &&
			      memcmp(w.server.in.p + w.server.in.len - 4,
				     "last", 4) == 0);
	assert_int_equal(w.server.n_records, 21);
	assert_int_equal(w.server.n_down, 0);
	side_close(&c);
	relay_close(&r);
	world_close(&w);
}

/* What a stranger sends in the other side's name ends no link: noise, alerts in
 * clear, a ClientHello without a cookie, one with that of another time. */
static void strangers(void **state)
{
	static const uint8_t alert[] = { 21, 0xfe, 0xfd, 0, 0, 0, 0, 0,
					 0,  0,    99,   0, 2, 2, 40 };
	struct world w;
	struct side c, old;
	struct relay r;
	struct dtls_link *l;
	uint8_t noise[400];
	struct buf hello = BUF_INIT(1 << 16);

	(void)state;
	world_open(&w, 0);
	relay_open(&r, &w);
	/* The ClientHellos of an association that is over, and of one to a
	 * server with another key. */
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &r.address[0], NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	assert_ok(buf_append_slice(&hello, buf_slice(&r.saved[1][1])));
	side_open(&old, &w, w.own, 0);
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
	RUN_UNTIL(&w, c.n_records == 1);
	assert_int_equal(c.n_down + w.server.n_down, 0);
	assert_int_equal(w.server.n_up, 1);
	assert_int_equal(w.server.dtls->n_pairs, 1);
	side_close(&old);
	side_close(&c);
	relay_close(&r);
	buf_clear(&hello);
	world_close(&w);
}

/* The same port, a new process: the link that was there goes, the new one is
 * there at once. */
static void restart(void **state)
{
	struct world w;
	struct side c, again;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	side_open(&c, &w, w.own, 0);
	side_listen(&c);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	l->state = DTLS_FAILED; /* it is killed: no close_notify */
	side_open(&again, &w, w.own, 0);
	again.address = c.address;
	side_close(&c);
	assert_ok(dtls_listen(again.dtls, &again.address, NULL));
	assert_ok(dtls_link_connect(again.dtls, &w.server.address, NULL, &l));
	RUN_UNTIL(&w, again.n_up == 1 && w.server.n_up == 2);
	assert_int_equal(w.server.remote.port, again.address.port);
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_LINK_CLOSED);
	w.server.echo = true;
	dtls_link_send(l, SLICE_LIT("x"));
	RUN_UNTIL(&w, again.n_records == 1);
	/* The server connects to it again in its turn, from the same port. */
	side_close(&again);
	RUN_UNTIL(&w, w.server.n_down == 2);
	side_open(&again, &w, w.own, 0);
	assert_ok(dtls_listen(again.dtls, &c.address, NULL));
	assert_ok(dtls_link_connect(w.server.dtls, &c.address, NULL, &l));
	RUN_UNTIL(&w, again.n_up == 1 && w.server.n_up == 3);
	assert_int_equal(again.remote.port, w.server.address.port);
	side_close(&again);
	world_close(&w);
}

/* Nobody has the port any more: told by ICMP, and only by one that quotes what
 * was sent.  6940-6.6.3.1-R5 */
static void unreachable(void **state)
{
	uint8_t quoted[100] = { 0 };
	struct world w;
	struct side c;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	client_open(&c, &w);
	l = w.server.link;
	dtls_link_unreachable(l, slice_of(quoted, sizeof(quoted)),
			      ECONNREFUSED);
	dtls_link_unreachable(l, slice_of(quoted, 8), ECONNREFUSED);
	memcpy(quoted + DTLS_MARK_AT, l->marks[0], DTLS_MARK_LEN);
	dtls_link_unreachable(l, slice_of(quoted, sizeof(quoted)),
			      EHOSTUNREACH); /* for now */
	assert_int_equal(l->state, DTLS_OPEN);
	c.link->state = DTLS_FAILED; /* it is killed: no close_notify */
	side_close(&c);
	dtls_link_send(l, SLICE_LIT("is anybody there? I have more to say"));
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_LINK_CLOSED);
	assert_non_null(strstr(w.server.why.text, "refused"));
	world_close(&w);
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
	struct ip_address_port trap_address = loopback();
	struct sockaddr_storage sa;
	uint8_t hello[2048];
	struct world w;
	struct side c;
	struct dtls_link *l;
	socklen_t sa_len;
	ssize_t len = 0;
	size_t before = 0;
	int trap;

	(void)state;
	world_open(&w, 0);
	trap = plain_socket(&trap_address);
	side_open(&c, &w, w.own, 0);
	assert_ok(dtls_link_connect(c.dtls, &trap_address, NULL, &l));
	RUN_UNTIL(&w, (len = recv(trap, hello, sizeof(hello), 0)) > 0);
	side_close(&c);
	uv_run(&w.loop, UV_RUN_NOWAIT);
	assert_ok(sockaddr_make(&sa, &sa_len, &w.server.address));
	for (unsigned i = 0; i < N; i++) {
		struct ip_address_port from = loopback();
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
	client_open(&c, &w);
	side_close(&c);
	close(trap);
	world_close(&w);
}

/* A client of its own that gets as far as its cookie. */
struct raw {
	SSL_CTX *ctx;
	SSL *ssl;
	int fd;
};

static void raw_open(struct raw *r, const struct world *w)
{
	struct sockaddr_storage sa;
	struct ip_address_port own = loopback();
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
	struct world w;
	struct side c;

	(void)state;
	assert_non_null(r);
	world_open(&w, 100);
	raw_open(&r[0], &w);
	SSL_connect(r[0].ssl);
	RUN_UNTIL(&w, w.server.dtls->hello != NULL);
	SSL_connect(r[0].ssl);
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_NO_LINK);
	raw_close(&r[0]);
	world_close(&w);

	world_open(&w, 0);
	for (unsigned i = 0; i < CROWD; i++) {
		char byte;

		raw_open(&r[i], &w);
		SSL_connect(r[i].ssl);
		RUN_UNTIL(&w, recv(r[i].fd, &byte, 1, MSG_PEEK) > 0);
		SSL_connect(r[i].ssl);
		RUN_UNTIL(&w, w.server.dtls->auth.n_half_open ==
				      (i < DTLS_HALF_OPEN_MAX
					       ? i + 1
					       : DTLS_HALF_OPEN_MAX));
	}
	client_open(&c, &w);
	assert_in_range(w.server.dtls->n_pairs, 0, DTLS_HALF_OPEN_MAX + 1);
	for (unsigned i = 0; i < CROWD; i++)
		raw_close(&r[i]);
	side_close(&c);
	world_close(&w);
	free(r);
}

/* With all links in use a new one waits outside, until one has been silent for
 * long. */
static void full(void **state)
{
	struct world w;
	struct side a, b, c;
	struct dtls_link *l;

	(void)state;
	world_open(&w, 0);
	client_open(&a, &w);
	client_open(&b, &w);
	w.server.dtls->n_pairs += DTLS_LINKS_MAX - 2;
	side_open(&c, &w, w.own, 600);
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	assert_err(
		dtls_link_connect(w.server.dtls, &w.server.address, NULL, &l),
		ERR_FULL);
	RUN_UNTIL(&w, c.n_down == 1);
	assert_err(c.err, ERR_NO_LINK);
	assert_int_equal(w.server.n_up, 2);
	/* The first of them, silent for long. */
	assert_true(w.server.link->heard_ms > 0);
	w.server.link->heard_ms -= DTLS_SILENT_MS + 1;
	assert_ok(dtls_link_connect(c.dtls, &w.server.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 3);
	RUN_UNTIL(&w, w.server.n_down == 1 && b.n_down == 1);
	assert_non_null(strstr(w.server.why.text, "silent"));
	assert_int_equal(a.n_down, 0);
	w.server.dtls->n_pairs -= DTLS_LINKS_MAX - 2;
	side_close(&a);
	side_close(&b);
	side_close(&c);
	world_close(&w);
}

/* ---- the rest ---- */

/* SSLKEYLOGFILE: what Wireshark needs. */
static void keylog(void **state)
{
	char path[] = "/tmp/p2psip-keylog-XXXXXX", text[4096] = "";
	int fd = mkstemp(path);
	struct world w;
	struct side c;

	(void)state;
	assert_true(fd >= 0);
	setenv("SSLKEYLOGFILE", path, 1);
	world_open(&w, 0);
	unsetenv("SSLKEYLOGFILE");
	client_open(&c, &w);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "CLIENT_RANDOM "));
	close(fd);
	unlink(path);
	side_close(&c);
	world_close(&w);
}

/* While paused nothing is called, and nothing is lost. */
static void paused(void **state)
{
	struct world w;
	struct side c;

	(void)state;
	world_open(&w, 0);
	client_open(&c, &w);
	dtls_pause(w.server.dtls, true);
	dtls_link_send(c.link, SLICE_LIT("one"));
	dtls_link_send(c.link, SLICE_LIT("two"));
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.n_records, 0);
	/* From inside the call for the first record: no call for the second. */
	w.server.pause = true;
	dtls_pause(w.server.dtls, false);
	RUN_UNTIL(&w, w.server.n_records > 0);
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.n_records, 1);
	w.server.pause = false;
	dtls_pause(w.server.dtls, false);
	RUN_UNTIL(&w, w.server.n_records == 2);
	assert_memory_equal(w.server.in.p, "onetwo", 6);
	side_close(&c);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links),     cmocka_unit_test(refused),
		cmocka_unit_test(pins),      cmocka_unit_test(one_socket),
		cmocka_unit_test(at_once),   cmocka_unit_test(any_address),
		cmocka_unit_test(addresses), cmocka_unit_test(bad_network),
		cmocka_unit_test(replay),    cmocka_unit_test(strangers),
		cmocka_unit_test(restart),   cmocka_unit_test(unreachable),
		cmocka_unit_test(spoofed),   cmocka_unit_test(half_open),
		cmocka_unit_test(full),      cmocka_unit_test(keylog),
		cmocka_unit_test(paused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
