/* SPDX-License-Identifier: ISC */
/* TLS links on loopback: who is let in, who is not, and what is said of it. */
#include "rig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crypto/handle.h"
#include "net/loop.h"
#include "net/tls.h"

enum { ANY = -1 };

/* ---- a client of its own, to do what ours never does ---- */

struct raw {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
	int done; /* 1: handshake through, -1: failed */
};

static void raw_connect_from(struct raw *r, const struct rig *w,
			     uint32_t address)
{
	struct sockaddr_in own = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(address) };
	struct sockaddr_in sa = { .sin_family = AF_INET,
				  .sin_port = htons(w->server.address.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	*r = (struct raw){ .fd = socket(AF_INET, SOCK_STREAM, 0) };
	assert_true(r->fd >= 0);
	assert_int_equal(bind(r->fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(connect(r->fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(fcntl(r->fd, F_SETFL, O_NONBLOCK), 0);
}

static void raw_connect(struct raw *r, const struct rig *w)
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
	struct rig w;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	w.server.echo = true;
	for (size_t i = 0; i < N_OF(types); i++) {
		struct signer *s = pki_signer(&w.pki, 2, types[i]);
		struct node_id two = pki_id(2), one = pki_id(1);
		struct buf big = BUF_INIT(8 << 20);
		struct rig_side c;
		struct tls_link *l;
		uint8_t *p;
		int downs = w.server.n_down;

		rig_side_open(&c, &w, s, 0);
		assert_ok(tls_link_connect(c.tls, &w.server.address, &one, &l));
		RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == (int)i + 1);
		assert_true(id_eq(&c.id, &one));
		assert_true(id_eq(&w.server.id, &two));
		assert_ok(buf_extend(&big, 3000000, &p));
		for (size_t j = 0; j < big.len; j++)
			p[j] = (uint8_t)(j * 7 + j / 1000);
		tls_link_send(l, SLICE_LIT("ab"));
		tls_link_send(l, buf_slice(&big));
		RIG_UNTIL(&w, c.in.len == big.len + 2);
		assert_memory_equal(c.in.p, "ab", 2);
		assert_memory_equal(c.in.p + 2, big.p, big.len);
		tls_link_close(l);
		RIG_UNTIL(&w, w.server.n_down == downs + 1);
		assert_err(w.server.err, ERR_LINK_CLOSED);
		assert_int_equal(c.n_down, 0); /* who closes is not told */
		rig_side_close(&c);
		buf_clear(&big);
		signer_close(s, w.pki.crypto);
	}
	rig_close(&w);
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
	struct rig w;
	struct signer *s;
	int ups = 0, downs = 0;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	w.server.echo = true;
	s = pki_signer(&w.pki, 2, KEY_P256);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct raw r;
		char b[16];
		int n = -1;

		raw_connect(&r, &w);
		raw_tls(&r, cases[i].cert ? s : NULL, cases[i].version);
		RIG_UNTIL(&w, raw_handshake(&r) != 0);
		if (cases[i].in) {
			ups++;
			RIG_UNTIL(&w, w.server.n_up == ups);
			assert_int_equal(SSL_version(r.ssl), cases[i].version);
			assert_int_equal(SSL_write(r.ssl, "hello", 5), 5);
			RIG_UNTIL(&w, (n = SSL_read(r.ssl, b, 16)) > 0);
			assert_int_equal(n, 5);
			assert_memory_equal(b, "hello", 5);
			assert_false(
				SSL_SESSION_has_ticket(SSL_get_session(r.ssl)));
			raw_close(&r);
			downs++;
			RIG_UNTIL(&w, w.server.n_down == downs);
		} else {
			downs++;
			RIG_UNTIL(&w, w.server.n_down == downs);
			assert_err(w.server.err, ERR_TLS);
			RIG_UNTIL(&w, raw_closed(&r));
			raw_close(&r);
		}
		assert_int_equal(w.server.n_up, ups);
	}
	signer_close(s, w.pki.crypto);
	rig_close(&w);
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
	struct rig w;
	struct signer *s;
	struct rig_side c;
	struct tls_link *l;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	rig_client(&c, &w, s);
	l = c.tls_link;
	w.server.echo = true;
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct raw r;

		raw_connect(&r, &w);
		assert_int_equal(write(r.fd, cases[i].p, cases[i].len),
				 cases[i].len);
		RIG_UNTIL(&w, raw_closed(&r));
		raw_close(&r);
		/* The link beside it lives, whatever is in OpenSSL's queue. */
		tls_link_send(l, SLICE_LIT("x"));
		RIG_UNTIL(&w, c.in.len == i + 1);
	}
	assert_int_equal(w.server.n_up, 1);
	rig_side_close(&c);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
}

/* A connection that never ends its handshake is dropped, and a crowd of them
 * keeps nobody out. */
static void stalled(void **state)
{
	struct rig w;
	struct raw *r = calloc(TLS_HALF_OPEN_MAX + 1, sizeof(*r));
	struct signer *s;
	struct rig_side c;

	(void)state;
	assert_non_null(r);
	rig_open(&w, RIG_TLS, 100);
	raw_connect(&r[0], &w);
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_NO_LINK);
	RIG_UNTIL(&w, raw_closed(&r[0]));
	raw_close(&r[0]);
	/* Part of a ClientHello is no better. */
	raw_connect(&r[0], &w);
	assert_int_equal(write(r[0].fd, "\x16\x03\x01\2\0\1", 6), 6);
	RIG_UNTIL(&w, raw_closed(&r[0]));
	raw_close(&r[0]);
	rig_close(&w);

	rig_open(&w, RIG_TLS, 0);
	for (size_t i = 0; i <= TLS_HALF_OPEN_MAX; i++)
		raw_connect(&r[i], &w);
	s = pki_signer(&w.pki, 2, KEY_P256);
	rig_client(&c, &w, s);
	RIG_UNTIL(&w, raw_closed(&r[0])); /* the oldest made room */
	assert_false(raw_closed(&r[TLS_HALF_OPEN_MAX]));
	for (size_t i = 0; i <= TLS_HALF_OPEN_MAX; i++)
		raw_close(&r[i]);
	rig_side_close(&c);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
	free(r);
}

/* A crowd from one address throws out its own, not who comes from another and
 * is slow. */
static void crowd(void **state)
{
	enum { CROWD = TLS_HALF_OPEN_MAX + 64 };
	struct raw *r = calloc(CROWD, sizeof(*r)), slow;
	struct signer *s;
	struct rig w;

	(void)state;
	assert_non_null(r);
	rig_open(&w, RIG_TLS, 0);
	raw_connect_from(&slow, &w, INADDR_LOOPBACK + 1);
	for (size_t i = 0; i < CROWD; i++) {
		raw_connect(&r[i], &w);
		uv_run(&w.loop, UV_RUN_NOWAIT);
	}
	RIG_UNTIL(&w, raw_closed(&r[CROWD - TLS_HALF_OPEN_MAX]));
	assert_false(raw_closed(&r[CROWD - 1]));
	s = pki_signer(&w.pki, 2, KEY_P256);
	raw_tls(&slow, s, ANY);
	RIG_UNTIL(&w, raw_handshake(&slow) != 0 && w.server.n_up == 1);
	for (size_t i = 0; i < CROWD; i++)
		raw_close(&r[i]);
	raw_close(&slow);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
	free(r);
}

/* Who does not read is closed when the queue is full. */
static void slow_reader(void **state)
{
	struct rig w;
	struct raw r;
	struct signer *s;
	static uint8_t chunk[1 << 20];

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	raw_connect(&r, &w);
	raw_tls(&r, s, ANY);
	RIG_UNTIL(&w, raw_handshake(&r) != 0 && w.server.n_up == 1);
	for (int i = 0; i < 64 && w.server.n_down == 0; i++) {
		tls_link_send(w.server.tls_link,
			      slice_of(chunk, sizeof(chunk)));
		uv_run(&w.loop, UV_RUN_ONCE);
	}
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_FULL);
	assert_non_null(strstr(w.server.why.text, "slowly"));
	raw_close(&r);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
}

/* None of them is too slow by itself, but all together are. */
static void slow_readers(void **state)
{
	enum { READERS = 10, CHUNKS = 12 };
	static uint8_t chunk[1 << 20];
	struct tls_link *l[READERS];
	struct raw r[READERS];
	struct signer *s;
	struct rig w;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	s = pki_signer(&w.pki, 2, KEY_P256);
	for (int i = 0; i < READERS; i++) {
		raw_connect(&r[i], &w);
		raw_tls(&r[i], s, ANY);
		RIG_UNTIL(&w,
			  raw_handshake(&r[i]) != 0 && w.server.n_up == i + 1);
		l[i] = w.server.tls_link;
	}
	for (int k = 0; k < CHUNKS && w.server.n_down == 0; k++)
		for (int i = 0; i < READERS && w.server.n_down == 0; i++) {
			tls_link_send(l[i], slice_of(chunk, sizeof(chunk)));
			uv_run(&w.loop, UV_RUN_NOWAIT);
		}
	RIG_UNTIL(&w, w.server.n_down > 0);
	assert_err(w.server.err, ERR_FULL);
	for (int i = 0; i < READERS; i++)
		raw_close(&r[i]);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
}

/* Without descriptors a connection is closed, not left to spin on; afterwards
 * all is as before. */
static void no_descriptors(void **state)
{
	struct rig w;
	struct raw a, b;
	struct rlimit was, none;
	int fill[64], n = 0;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
	a.fd = dup(0); /* the lowest free number bounds what is left */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = (rlim_t)a.fd + 2;
	close(a.fd);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	raw_connect(&a, &w);
	while (n < 64 && (fill[n] = dup(a.fd)) >= 0)
		n++;
	RIG_UNTIL(&w, raw_closed(&a));
	while (n > 0)
		close(fill[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	raw_close(&a);
	raw_connect(&b, &w);
	raw_tls(&b, w.own, ANY);
	RIG_UNTIL(&w, raw_handshake(&b) != 0 && w.server.n_up == 1);
	raw_close(&b);
	rig_close(&w);
}

/* A certificate that names no Node-ID is refused in the handshake.
 * 6940-4.1-D2 */
static void no_node_id(void **state)
{
	struct rig w;
	struct raw r;
	struct signer fake;
	struct buf der = BUF_INIT(1 << 16);
	const char *const names[] = { "example.org" };
	struct issue_ca ca;
	const unsigned char *p;
	X509 *x;

	(void)state;
	rig_open(&w, RIG_TLS, 0);
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
	RIG_UNTIL(&w, raw_handshake(&r) != 0);
	RIG_UNTIL(&w, w.server.n_down == 1);
	assert_err(w.server.err, ERR_CERT);
	assert_non_null(strstr(w.server.why.text, "names other"));
	assert_int_equal(w.server.n_up, 0);
	raw_close(&r);
	X509_free(x);
	buf_clear(&der);
	rig_close(&w);
}

int main(void)
{
	enum rig_type type = RIG_TLS;
	const struct CMUnitTest tests[] = {
		RIG_TESTS(&type),
		cmocka_unit_test(links),
		cmocka_unit_test(versions),
		cmocka_unit_test(garbage),
		cmocka_unit_test(stalled),
		cmocka_unit_test(crowd),
		cmocka_unit_test(slow_reader),
		cmocka_unit_test(slow_readers),
		cmocka_unit_test(no_descriptors),
		cmocka_unit_test(no_node_id),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
