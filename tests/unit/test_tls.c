/* SPDX-License-Identifier: ISC */
/* TLS links on loopback: who is let in, who is not, and what is said of it. */
#include "pki.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/overlay.h"
#include "crypto/handle.h"
#include "net/loop.h"
#include "net/tls.h"

enum { PATIENCE_S = 30, ANY = -1 };

/* One side and all that has happened to its links. */
struct side {
	struct tls *tls;
	struct tls_link *link; /* the last that came up */
	int n_up, n_down;
	struct node_id id; /* of the last that came up */
	enum err err;      /* of the last that went down */
	struct why why;
	struct buf in;
	bool echo;
	bool pause; /* after the next bytes */
};

/* A server on loopback, and what a test may vary. */
struct world {
	uv_loop_t loop;
	uv_timer_t tick;
	struct pki pki;
	struct overlay *overlay;
	struct signer *own; /* of the server, Node-ID 0101... */
	struct side server;
	struct ip_address_port address;
};

static void on_up(void *ctx, struct tls_link *l, struct cert *cert,
		  const struct ip_address_port *remote)
{
	struct side *s = ctx;

	assert_int_not_equal(remote->port, 0);
	s->link = l;
	s->id = cert->node_ids[0];
	s->n_up++;
}

static void on_bytes(void *ctx, struct tls_link *l, struct slice bytes)
{
	struct side *s = ctx;

	assert_ok(buf_append_slice(&s->in, bytes));
	if (s->echo)
		tls_link_send(l, bytes);
	if (s->pause)
		tls_pause(s->tls, true);
}

static void on_down(void *ctx, struct tls_link *l, enum err r,
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
	struct tls_config cfg = { .loop = &w->loop,
				  .crypto = w->pki.crypto,
				  .overlay = w->overlay,
				  .signer = signer,
				  .calls = { on_up, on_bytes, on_down, s },
				  .handshake_ms = handshake_ms };

	*s = (struct side){ .in = BUF_INIT(64 << 20) };
	assert_ok(tls_new(&s->tls, &cfg, NULL));
}

static void side_close(struct side *s)
{
	tls_free(s->tls);
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
	w->address = loopback();
	assert_ok(tls_listen(w->server.tls, &w->address, NULL));
	assert_int_not_equal(w->address.port, 0);
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

/* ---- a client of its own, to do what ours never does ---- */

struct raw {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int done; /* 1: handshake through, -1: failed */
};

static void raw_connect_from(struct raw *r, const struct world *w,
			     uint32_t address)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(address) };
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(w->address.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*r = (struct raw){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
	assert_true(r->fd >= 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(r->fd, F_SETFL, O_NONBLOCK), 0);
}

static void raw_connect(struct raw *r, const struct world *w)
{
	raw_connect_from(r, w, INADDR_LOOPBACK);
}

/* `s` NULL: without a certificate. */
static void raw_tls(struct raw *r, const struct signer *s, int version)
{
	r->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_security_level(r->ctx, 0);
	if (version != ANY) {
		SSL_CTX_set_min_proto_version(r->ctx, version);
		SSL_CTX_set_max_proto_version(r->ctx, version);
	}
	if (s != NULL) {
		struct key *k = s->key;

		assert_int_equal(
			SSL_CTX_use_certificate(r->ctx, cert_x509(s->cert)), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey(r->ctx, k->pkey), 1);
	}
	r->ssl = SSL_new(r->ctx);
	SSL_set_fd(r->ssl, r->fd);
	SSL_set_connect_state(r->ssl);
}

static int raw_handshake(struct raw *r)
{
	int ret = SSL_do_handshake(r->ssl);

	if (ret == 1)
		r->done = 1;
	else if (SSL_get_error(r->ssl, ret) != SSL_ERROR_WANT_READ)
		r->done = -1;
	return r->done;
}

/* Has the other side closed?  What it sent before is thrown away. */
static bool raw_closed(struct raw *r)
{
	char b[4096];
	ssize_t n = read(r->fd, b, sizeof(b));

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static void raw_close(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	close(r->fd);
}

/* ---- tests ---- */

/* Both sides see the other's Node-ID, bytes go both ways in order, a close is
 * seen.  Every type of key.  6940-6.5.1.13-R2 */
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
		struct buf big = BUF_INIT(8 << 20);
		struct side c;
		struct tls_link *l;
		uint8_t *p;
		int downs = w.server.n_down;

		side_open(&c, &w, s, 0);
		assert_ok(tls_link_connect(c.tls, &w.address, &one, &l));
		RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == (int)i + 1);
		assert_true(id_eq(&c.id, &one));
		assert_true(id_eq(&w.server.id, &two));
		assert_ok(buf_extend(&big, 3000000, &p));
		for (size_t j = 0; j < big.len; j++)
			p[j] = (uint8_t)(j * 7 + j / 1000);
		tls_link_send(l, SLICE_LIT("ab"));
		tls_link_send(l, buf_slice(&big));
		RUN_UNTIL(&w, c.in.len == big.len + 2);
		assert_memory_equal(c.in.p, "ab", 2);
		assert_memory_equal(c.in.p + 2, big.p, big.len);
		tls_link_close(l);
		RUN_UNTIL(&w, w.server.n_down == downs + 1);
		assert_err(w.server.err, ERR_LINK_CLOSED);
		assert_int_equal(c.n_down, 0); /* who closes is not told */
		side_close(&c);
		buf_clear(&big);
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
	} cases[4];

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
	node.now_ms += 20 * PKI_DAY_MS;
	node.not_after_ms += 20 * PKI_DAY_MS;
	cases[2].signer = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	cases[2].err = ERR_CERT_EXPIRED;
	cases[2].words = "certificate";
	node = pki_node(&w.pki, &bad, 1);
	cases[3].signer = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	cases[3].err = ERR_BAD_NODE;
	cases[3].words = "listed as bad";
	w.overlay->bad_nodes = &bad;
	w.overlay->n_bad_nodes = 1;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct world other;
		struct side c;
		struct tls_link *l;

		/* As client of a good server: that server says no. */
		side_open(&c, &w, cases[i].signer, 0);
		assert_ok(tls_link_connect(c.tls, &w.address, NULL, &l));
		RUN_UNTIL(&w, w.server.n_down == (int)i + 1 && c.n_down == 1);
		assert_err(w.server.err, cases[i].err);
		assert_non_null(strstr(w.server.why.text, cases[i].words));
		assert_int_equal(w.server.n_up, 0);
		assert_err(c.err, ERR_AUTH);
		assert_non_null(strstr(c.why.text, "the other side refuses"));
		side_close(&c);
		/* As server of a good client: that client says no. */
		memset(&other, 0, sizeof(other));
		side_open(&other.server, &w, cases[i].signer, 0);
		other.address = loopback();
		assert_ok(tls_listen(other.server.tls, &other.address, NULL));
		side_open(&c, &w, w.own, 0);
		assert_ok(tls_link_connect(c.tls, &other.address, NULL, &l));
		RUN_UNTIL(&w, c.n_down == 1 && other.server.n_down == 1);
		assert_err(c.err, cases[i].err);
		assert_int_equal(c.n_up, 0);
		assert_int_equal(other.server.n_up, 0);
		side_close(&c);
		side_close(&other.server);
		signer_close(cases[i].signer, w.pki.crypto);
	}
	w.overlay->bad_nodes = NULL;
	w.overlay->n_bad_nodes = 0;
	pki_clear(&foreign);
	world_close(&w);
}

/* A member at the right address that is not the one meant is closed; one of
 * several Node-IDs is enough.  6940-6.5.1.11-R1, 6940-6.5.1.13-R2 */
static void pins(void **state)
{
	struct world w;
	struct node_id ids[2] = { pki_id(5), pki_id(6) }, other = pki_id(7);
	struct issue_node node;
	struct signer *s;
	struct side two, c;
	struct ip_address_port address = loopback();
	struct tls_link *l;

	(void)state;
	world_open(&w, 0);
	node = pki_node(&w.pki, ids, 2);
	s = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	side_open(&two, &w, s, 0);
	assert_ok(tls_listen(two.tls, &address, NULL));
	side_open(&c, &w, w.own, 0);
	for (int i = 0; i < 2; i++) {
		assert_ok(tls_link_connect(c.tls, &address, &ids[i], &l));
		RUN_UNTIL(&w, c.n_up == i + 1 && two.n_up == i + 1);
	}
	assert_ok(tls_link_connect(c.tls, &address, &other, &l));
	RUN_UNTIL(&w, c.n_down == 1 && two.n_down == 1);
	assert_err(c.err, ERR_WRONG_PEER);
	assert_int_equal(c.n_up, 2);
	assert_int_equal(two.n_up, 2);
	side_close(&c);
	side_close(&two);
	signer_close(s, w.pki.crypto);
	world_close(&w);
}

/* TLS 1.2 and 1.3 come in, with nothing to resume later; older ones and those
 * without a certificate do not.  6940-6.5.1.13-R1, 6940-13.2-R1 */
static void versions(void **state)
{
	static const struct {
		int version;
		bool cert, in;
	} cases[] = {
		{ TLS1_3_VERSION, true, true },
		{ TLS1_2_VERSION, true, true },
		{ TLS1_1_VERSION, true, false },
		{ TLS1_3_VERSION, false, false },
		{ TLS1_2_VERSION, false, false },
	};
	struct world w;
	struct signer *s;
	int ups = 0, downs = 0;

	(void)state;
	world_open(&w, 0);
	w.server.echo = true;
	s = pki_signer(&w.pki, 2, KEY_P256);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct raw r;
		char b[16];
		int n = -1;

		raw_connect(&r, &w);
		raw_tls(&r, cases[i].cert ? s : NULL, cases[i].version);
		RUN_UNTIL(&w, raw_handshake(&r) != 0);
		if (cases[i].in) {
			ups++;
			RUN_UNTIL(&w, w.server.n_up == ups);
			assert_int_equal(SSL_version(r.ssl), cases[i].version);
			assert_int_equal(SSL_write(r.ssl, "hello", 5), 5);
			RUN_UNTIL(&w, (n = SSL_read(r.ssl, b, 16)) > 0);
			assert_int_equal(n, 5);
			assert_memory_equal(b, "hello", 5);
			assert_false(
				SSL_SESSION_has_ticket(SSL_get_session(r.ssl)));
			raw_close(&r);
			downs++;
			RUN_UNTIL(&w, w.server.n_down == downs);
		} else {
			downs++;
			RUN_UNTIL(&w, w.server.n_down == downs);
			assert_err(w.server.err, ERR_TLS);
			RUN_UNTIL(&w, raw_closed(&r));
			raw_close(&r);
		}
		assert_int_equal(w.server.n_up, ups);
	}
	signer_close(s, w.pki.crypto);
	world_close(&w);
}

/* What is no TLS is closed, and harms nobody else.  6940-13.2-R1 */
static void garbage(void **state)
{
	const struct slice cases[] = {
		SLICE_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
		SLICE_LIT("\x80\0\0\0\0\0\0\1\0"), /* a clear-text frame */
		SLICE_LIT("\x16\x03\x01\xff\xff\x01\0\0\0garbage garbage"),
		SLICE_LIT("\0\0\0\0\0\0\0\0\0\0\0\0"),
	};
	struct world w;
	struct signer *s;
	struct side c;
	struct tls_link *l;

	(void)state;
	world_open(&w, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	side_open(&c, &w, s, 0);
	assert_ok(tls_link_connect(c.tls, &w.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	w.server.echo = true;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct raw r;

		raw_connect(&r, &w);
		assert_int_equal(write(r.fd, cases[i].p, cases[i].len),
				 cases[i].len);
		RUN_UNTIL(&w, raw_closed(&r));
		raw_close(&r);
		/* The link beside it lives, whatever is in OpenSSL's queue. */
		tls_link_send(l, SLICE_LIT("x"));
		RUN_UNTIL(&w, c.in.len == i + 1);
	}
	assert_int_equal(w.server.n_up, 1);
	side_close(&c);
	signer_close(s, w.pki.crypto);
	world_close(&w);
}

/* A connection that never ends its handshake is dropped, and a crowd of them
 * keeps nobody out. */
static void stalled(void **state)
{
	struct world w;
	struct raw *r = calloc(TLS_HALF_OPEN_MAX + 1, sizeof(*r));
	struct signer *s;
	struct side c;
	struct tls_link *l;

	(void)state;
	assert_non_null(r);
	world_open(&w, 100);
	raw_connect(&r[0], &w);
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_NO_LINK);
	RUN_UNTIL(&w, raw_closed(&r[0]));
	raw_close(&r[0]);
	/* Part of a ClientHello is no better. */
	raw_connect(&r[0], &w);
	assert_int_equal(write(r[0].fd, "\x16\x03\x01\2\0\1", 6), 6);
	RUN_UNTIL(&w, raw_closed(&r[0]));
	raw_close(&r[0]);
	world_close(&w);

	world_open(&w, 0);
	for (size_t i = 0; i <= TLS_HALF_OPEN_MAX; i++)
		raw_connect(&r[i], &w);
	s = pki_signer(&w.pki, 2, KEY_P256);
	side_open(&c, &w, s, 0);
	assert_ok(tls_link_connect(c.tls, &w.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	RUN_UNTIL(&w, raw_closed(&r[0])); /* the oldest made room */
	assert_false(raw_closed(&r[TLS_HALF_OPEN_MAX]));
	for (size_t i = 0; i <= TLS_HALF_OPEN_MAX; i++)
		raw_close(&r[i]);
	side_close(&c);
	signer_close(s, w.pki.crypto);
	world_close(&w);
	free(r);
}

/* A crowd from one address throws out its own, not who comes from another and
 * is slow. */
static void crowd(void **state)
{
	enum { CROWD = TLS_HALF_OPEN_MAX + 64 };
	struct raw *r = calloc(CROWD, sizeof(*r)), slow;
	struct signer *s;
	struct world w;

	(void)state;
	assert_non_null(r);
	world_open(&w, 0);
	raw_connect_from(&slow, &w, INADDR_LOOPBACK + 1);
	for (size_t i = 0; i < CROWD; i++) {
		raw_connect(&r[i], &w);
		uv_run(&w.loop, UV_RUN_NOWAIT);
	}
	RUN_UNTIL(&w, raw_closed(&r[CROWD - TLS_HALF_OPEN_MAX]));
	assert_false(raw_closed(&r[CROWD - 1]));
	s = pki_signer(&w.pki, 2, KEY_P256);
	raw_tls(&slow, s, ANY);
	RUN_UNTIL(&w, raw_handshake(&slow) != 0 && w.server.n_up == 1);
	for (size_t i = 0; i < CROWD; i++)
		raw_close(&r[i]);
	raw_close(&slow);
	signer_close(s, w.pki.crypto);
	world_close(&w);
	free(r);
}

/* Who does not read is closed when the queue is full. */
static void slow_reader(void **state)
{
	struct world w;
	struct raw r;
	struct signer *s;
	static uint8_t chunk[1 << 20];

	(void)state;
	world_open(&w, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	raw_connect(&r, &w);
	raw_tls(&r, s, ANY);
	RUN_UNTIL(&w, raw_handshake(&r) != 0 && w.server.n_up == 1);
	for (int i = 0; i < 64 && w.server.n_down == 0; i++) {
		tls_link_send(w.server.link, slice_of(chunk, sizeof(chunk)));
		uv_run(&w.loop, UV_RUN_ONCE);
	}
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_FULL);
	assert_non_null(strstr(w.server.why.text, "slowly"));
	raw_close(&r);
	signer_close(s, w.pki.crypto);
	world_close(&w);
}

/* None of them is too slow by itself, but all together are. */
static void slow_readers(void **state)
{
	enum { READERS = 10, CHUNKS = 12 };
	static uint8_t chunk[1 << 20];
	struct tls_link *l[READERS];
	struct raw r[READERS];
	struct signer *s;
	struct world w;

	(void)state;
	world_open(&w, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	for (int i = 0; i < READERS; i++) {
		raw_connect(&r[i], &w);
		raw_tls(&r[i], s, ANY);
		RUN_UNTIL(&w,
			  raw_handshake(&r[i]) != 0 && w.server.n_up == i + 1);
		l[i] = w.server.link;
	}
	for (int k = 0; k < CHUNKS && w.server.n_down == 0; k++)
		for (int i = 0; i < READERS && w.server.n_down == 0; i++) {
			tls_link_send(l[i], slice_of(chunk, sizeof(chunk)));
			uv_run(&w.loop, UV_RUN_NOWAIT);
		}
	RUN_UNTIL(&w, w.server.n_down > 0);
	assert_err(w.server.err, ERR_FULL);
	for (int i = 0; i < READERS; i++)
		raw_close(&r[i]);
	signer_close(s, w.pki.crypto);
	world_close(&w);
}

/* Nobody there; a port that is taken; both with words. */
static void addresses(void **state)
{
	struct world w;
	struct side c;
	struct tls_link *l;
	struct ip_address_port dead = loopback(), v6 = { .type = ADDRESS_IPV6 };
	struct why why;
	enum err r;

	(void)state;
	world_open(&w, 0);
	side_open(&c, &w, w.own, 0);
	assert_err(tls_listen(c.tls, &w.address, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "127.0.0.1:"));
	assert_ok(tls_listen(c.tls, &dead, &why));
	side_close(&c); /* whose port is free now */
	side_open(&c, &w, w.own, 0);
	assert_ok(tls_link_connect(c.tls, &dead, NULL, &l));
	RUN_UNTIL(&w, c.n_down == 1);
	assert_err(c.err, ERR_NO_LINK);
	assert_non_null(strstr(c.why.text, "refused"));
	v6.addr[15] = 1;
	if ((r = tls_listen(w.server.tls, &v6, &why)) == OK) {
		assert_ok(tls_link_connect(c.tls, &v6, NULL, &l));
		RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	} else {
		print_message("no IPv6 here: %s\n", why.text);
	}
	side_close(&c);
	world_close(&w);
}

/* Without descriptors a connection is closed, not left to spin on; afterwards
 * all is as before. */
static void no_descriptors(void **state)
{
	struct world w;
	struct raw a, b;
	struct rlimit was, none;
	int fill[64], n = 0;

	(void)state;
	world_open(&w, 0);
	a.fd = dup(0); /* the lowest free number bounds what is left */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = (rlim_t)a.fd + 2;
	close(a.fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	raw_connect(&a, &w);
	while (n < 64 && (fill[n] = dup(a.fd)) >= 0)
		n++;
	RUN_UNTIL(&w, raw_closed(&a));
	while (n > 0)
		close(fill[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	raw_close(&a);
	raw_connect(&b, &w);
	raw_tls(&b, w.own, ANY);
	RUN_UNTIL(&w, raw_handshake(&b) != 0 && w.server.n_up == 1);
	raw_close(&b);
	world_close(&w);
}

/* SSLKEYLOGFILE: what Wireshark needs. */
static void keylog(void **state)
{
	char path[] = "/tmp/p2psip-keylog-XXXXXX", text[4096] = "";
	int fd = mkstemp(path);
	struct world w;
	struct side c;
	struct tls_link *l;

	(void)state;
	assert_true(fd >= 0);
	setenv("SSLKEYLOGFILE", path, 1);
	world_open(&w, 0);
	unsetenv("SSLKEYLOGFILE");
	side_open(&c, &w, w.own, 0);
	assert_ok(tls_link_connect(c.tls, &w.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, "CLIENT_TRAFFIC_SECRET_0 "));
	assert_non_null(strstr(text, "SERVER_TRAFFIC_SECRET_0 "));
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
	struct tls_link *l;

	(void)state;
	world_open(&w, 0);
	side_open(&c, &w, w.own, 0);
	assert_ok(tls_link_connect(c.tls, &w.address, NULL, &l));
	RUN_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	tls_pause(w.server.tls, true);
	tls_link_send(l, SLICE_LIT("one"));
	tls_link_send(l, SLICE_LIT("two"));
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.in.len, 0);
	/* From inside the call for the first record: no call for the second. */
	w.server.pause = true;
	tls_pause(w.server.tls, false);
	RUN_UNTIL(&w, w.server.in.len > 0);
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.in.len, 3);
	w.server.pause = false;
	tls_pause(w.server.tls, false);
	RUN_UNTIL(&w, w.server.in.len == 6);
	assert_memory_equal(w.server.in.p, "onetwo", 6);
	side_close(&c);
	world_close(&w);
}

/* A certificate that names no Node-ID is refused in the handshake.
 * 6940-4.1-D2 */
static void no_node_id(void **state)
{
	struct world w;
	struct raw r;
	struct signer fake;
	struct buf der = BUF_INIT(1 << 16);
	const char *const names[] = { "example.org" };
	struct issue_ca ca;
	const unsigned char *p;
	X509 *x;

	(void)state;
	world_open(&w, 0);
	ca = pki_ca(&w.pki);
	fake = *w.own;
	assert_ok(issue_server(&ca, fake.key, names, 1, w.pki.now_ms,
			       w.pki.now_ms + PKI_DAY_MS, &der));
	p = der.p;
	x = d2i_X509(NULL, &p, (long)der.len);
	assert_non_null(x);
	raw_connect(&r, &w);
	raw_tls(&r, w.own, ANY);
	assert_int_equal(SSL_use_certificate(r.ssl, x), 1);
	RUN_UNTIL(&w, raw_handshake(&r) != 0);
	RUN_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_CERT);
	assert_non_null(strstr(w.server.why.text, "names other"));
	assert_int_equal(w.server.n_up, 0);
	raw_close(&r);
	X509_free(x);
	buf_clear(&der);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(links),          cmocka_unit_test(refused),
		cmocka_unit_test(pins),           cmocka_unit_test(versions),
		cmocka_unit_test(garbage),        cmocka_unit_test(stalled),
		cmocka_unit_test(crowd),          cmocka_unit_test(slow_reader),
		cmocka_unit_test(slow_readers),   cmocka_unit_test(addresses),
		cmocka_unit_test(no_descriptors), cmocka_unit_test(keylog),
		cmocka_unit_test(paused),         cmocka_unit_test(no_node_id),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
