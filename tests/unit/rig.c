/* SPDX-License-Identifier: ISC */
/*
 * Owns: both sides of links on loopback, and what is true of TLS and DTLS
 * alike: who is let in and who is not, what is said of it.  Does not own: what
 * only one of them does (test_tls.c, test_dtls.c).  RFC 6940 s6.5.1.13, s6.6.5,
 * s6.6.6.
 */
#include "rig.h"

#include <unistd.h>

static void up(struct rig_side *s, const struct cert *cert,
	       const struct ip_address_port *remote)
{
	assert_int_not_equal(remote->port, 0);
	s->id = cert->node_ids[0];
	s->remote = *remote;
	s->n_up++;
}

static void record(struct rig_side *s, struct slice bytes)
{
	assert_ok(buf_append_slice(&s->in, bytes));
	s->n_records++;
}

static void down(struct rig_side *s, enum err r, const struct why *why)
{
	s->n_down++;
	s->err = r;
	s->why = *why;
}

static void side_pause(struct rig_side *s, bool yes)
{
	if (s->tls != NULL)
		tls_pause(s->tls, yes);
	else
		dtls_pause(s->dtls, yes);
}

static void on_tls_up(void *ctx, struct tls_link *l, struct cert *cert,
		      const struct ip_address_port *remote)
{
	struct rig_side *s = ctx;

	s->tls_link = l;
	up(s, cert, remote);
}

static void on_tls_bytes(void *ctx, struct tls_link *l, struct slice bytes)
{
	struct rig_side *s = ctx;

	record(s, bytes);
	if (s->echo)
		tls_link_send(l, bytes);
	if (s->pause)
		tls_pause(s->tls, true);
}

static void on_tls_down(void *ctx, struct tls_link *l, enum err r,
			const struct why *why)
{
	(void)l;
	down(ctx, r, why);
}

static void on_dtls_up(void *ctx, struct dtls_link *l, struct cert *cert,
		       const struct ip_address_port *remote)
{
	struct rig_side *s = ctx;

	s->dtls_link = l;
	up(s, cert, remote);
}

static void on_dtls_record(void *ctx, struct dtls_link *l, struct slice bytes)
{
	struct rig_side *s = ctx;

	record(s, bytes);
	if (s->echo)
		dtls_link_send(l, bytes);
	if (s->pause)
		dtls_pause(s->dtls, true);
}

static void on_dtls_down(void *ctx, struct dtls_link *l, enum err r,
			 const struct why *why)
{
	(void)l;
	down(ctx, r, why);
}

void rig_side_open(struct rig_side *s, struct rig *w,
		   const struct signer *signer, uint32_t handshake_ms)
{
	struct tls_config tls = { .loop = &w->loop,
				  .crypto = w->pki.crypto,
				  .overlay = w->overlay,
				  .signer = signer,
				  .calls = { on_tls_up, on_tls_bytes,
					     on_tls_down, s },
				  .handshake_ms = handshake_ms };
	struct dtls_config dtls = { .loop = &w->loop,
				    .crypto = w->pki.crypto,
				    .overlay = w->overlay,
				    .signer = signer,
				    .calls = { on_dtls_up, on_dtls_record,
					       on_dtls_down, s },
				    .handshake_ms = handshake_ms };

	*s = (struct rig_side){ .in = BUF_INIT(64 << 20) };
	if (w->type == RIG_TLS)
		assert_ok(tls_new(&s->tls, &tls, NULL));
	else
		assert_ok(dtls_new(&s->dtls, &dtls, NULL));
}

void rig_side_close(struct rig_side *s)
{
	if (s->tls != NULL)
		tls_free(s->tls);
	else
		dtls_free(s->dtls);
	buf_clear(&s->in);
}

static void on_tick(uv_timer_t *t)
{
	(void)t; /* only wakes the loop */
}

struct ip_address_port rig_loopback(void)
{
	return (struct ip_address_port){ .type = ADDRESS_IPV4,
					 .addr = { 127, 0, 0, 1 } };
}

static enum err listen_on(struct rig_side *s, struct ip_address_port *address,
			  struct why *why)
{
	return s->tls != NULL ? tls_listen(s->tls, address, why)
			      : dtls_listen(s->dtls, address, why);
}

void rig_listen(struct rig_side *s)
{
	s->address = rig_loopback();
	assert_ok(listen_on(s, &s->address, NULL));
	assert_int_not_equal(s->address.port, 0);
}

void *rig_connect(struct rig_side *s, const struct ip_address_port *to,
		  const struct node_id *pin)
{
	struct tls_link *tls;
	struct dtls_link *dtls;

	if (s->tls != NULL) {
		assert_ok(tls_link_connect(s->tls, to, pin, &tls));
		return tls;
	}
	assert_ok(dtls_link_connect(s->dtls, to, pin, &dtls));
	return dtls;
}

void rig_open(struct rig *w, enum rig_type type, uint32_t handshake_ms)
{
	memset(w, 0, sizeof(*w));
	w->type = type;
	assert_int_equal(uv_loop_init(&w->loop), 0);
	uv_timer_init(&w->loop, &w->tick);
	uv_timer_start(&w->tick, on_tick, 2, 2);
	pki_init(&w->pki, KEY_P256);
	w->overlay = overlay_new();
	assert_non_null(w->overlay);
	w->own = pki_signer(&w->pki, 1, KEY_P256);
	rig_side_open(&w->server, w, w->own, handshake_ms);
	rig_listen(&w->server);
}

void rig_close(struct rig *w)
{
	rig_side_close(&w->server);
	uv_close((uv_handle_t *)&w->tick, NULL);
	while (uv_loop_close(&w->loop) == UV_EBUSY)
		uv_run(&w->loop, UV_RUN_ONCE);
	signer_close(w->own, w->pki.crypto);
	overlay_free(w->overlay);
	pki_clear(&w->pki);
}

void rig_client(struct rig_side *c, struct rig *w, const struct signer *signer)
{
	struct node_id one = pki_id(1);
	int ups = w->server.n_up;
	void *l;

	rig_side_open(c, w, signer, 0);
	l = rig_connect(c, &w->server.address, &one);
	RIG_UNTIL(w, c->n_up == 1 && w->server.n_up == ups + 1);
	if (c->tls != NULL)
		assert_ptr_equal(c->tls_link, l);
	else
		assert_ptr_equal(c->dtls_link, l);
}

/* ---- tests ---- */

struct refusal {
	struct signer *signer;
	enum err err;
	const char *words;
};

/* Tries one signer in both roles, after `n` others. */
static void refuse(struct rig *w, const struct refusal *f, int n)
{
	struct rig_side c, other;

	/* As client of a good server: that server says no. */
	rig_side_open(&c, w, f->signer, 0);
	rig_connect(&c, &w->server.address, NULL);
	RIG_UNTIL(w, w->server.n_down == n + 1 && c.n_down == 1);
	assert_err(w->server.err, f->err);
	assert_non_null(strstr(w->server.why.text, f->words));
	assert_int_equal(w->server.n_up, 0);
	assert_err(c.err, ERR_AUTH);
	assert_non_null(strstr(c.why.text, "the other side refuses"));
	rig_side_close(&c);
	/* As server of a good client: that client says no. */
	rig_side_open(&other, w, f->signer, 0);
	rig_listen(&other);
	rig_side_open(&c, w, w->own, 0);
	rig_connect(&c, &other.address, NULL);
	RIG_UNTIL(w, c.n_down == 1 && other.n_down == 1);
	assert_err(c.err, f->err);
	assert_int_equal(c.n_up, 0);
	assert_int_equal(other.n_up, 0);
	rig_side_close(&c);
	rig_side_close(&other);
}

/* The client's certificate is judged as the server's is; what is said names the
 * cause.  6940-6.5.1.13-R1, 6940-13.2-R1, 6940-13.3-R1 */
void rig_refused(void **state)
{
	const enum rig_type *type = *state;
	struct rig w;
	struct pki foreign;
	struct node_id id = pki_id(2), bad = pki_id(9);
	struct issue_node node;
	struct refusal cases[4];

	rig_open(&w, *type, 0);
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
		refuse(&w, &cases[i], (int)i);
		signer_close(cases[i].signer, w.pki.crypto);
	}
	w.overlay->bad_nodes = NULL;
	w.overlay->n_bad_nodes = 0;
	pki_clear(&foreign);
	rig_close(&w);
}

/* A member at the right address that is not the one meant is closed; one of
 * several Node-IDs is enough.  6940-6.5.1.11-R1, 6940-6.5.1.13-R2 */
void rig_pins(void **state)
{
	const enum rig_type *type = *state;
	struct rig w;
	struct node_id ids[2] = { pki_id(5), pki_id(6) }, other = pki_id(7);
	struct issue_node node;
	struct signer *s;
	struct rig_side two, c;

	rig_open(&w, *type, 0);
	node = pki_node(&w.pki, ids, 2);
	s = pki_signer_of(&w.pki, &w.pki, &node, KEY_P256);
	rig_side_open(&two, &w, s, 0);
	rig_listen(&two);
	rig_side_open(&c, &w, w.own, 0);
	for (int i = 0; i < 2; i++) {
		rig_connect(&c, &two.address, &ids[i]);
		RIG_UNTIL(&w, c.n_up == i + 1 && two.n_up == i + 1);
	}
	rig_connect(&c, &two.address, &other);
	RIG_UNTIL(&w, c.n_down == 1 && two.n_down == 1);
	assert_err(c.err, ERR_WRONG_PEER);
	assert_int_equal(c.n_up, 2);
	assert_int_equal(two.n_up, 2);
	rig_side_close(&c);
	rig_side_close(&two);
	signer_close(s, w.pki.crypto);
	rig_close(&w);
}

/* Nobody there; a port that is taken; both with words.  IPv6. */
void rig_addresses(void **state)
{
	const enum rig_type *type = *state;
	struct rig w;
	struct rig_side c;
	struct ip_address_port dead = rig_loopback();
	struct ip_address_port v6 = { .type = ADDRESS_IPV6 };
	struct why why;

	rig_open(&w, *type, 0);
	rig_side_open(&c, &w, w.own, 0);
	assert_err(listen_on(&c, &w.server.address, &why), ERR_BUSY);
	assert_non_null(strstr(why.text, "127.0.0.1:"));
	assert_ok(listen_on(&c, &dead, &why));
	rig_side_close(&c); /* whose port is free now */
	rig_side_open(&c, &w, w.own, 0);
	rig_connect(&c, &dead, NULL);
	RIG_UNTIL(&w, c.n_down == 1);
	assert_err(c.err, ERR_NO_LINK);
	assert_non_null(strstr(c.why.text, "refused"));
	v6.addr[15] = 1;
	if (listen_on(&w.server, &v6, &why) == OK) {
		rig_connect(&c, &v6, NULL);
		RIG_UNTIL(&w, c.n_up == 1 && w.server.n_up == 1);
	} else {
		print_message("no IPv6 here: %s\n", why.text);
	}
	rig_side_close(&c);
	rig_close(&w);
}

/* SSLKEYLOGFILE: what Wireshark needs. */
void rig_keylog(void **state)
{
	static const char *const words[][2] = {
		[RIG_TLS] = { "CLIENT_TRAFFIC_SECRET_0 ",
			      "SERVER_TRAFFIC_SECRET_0 " },
		[RIG_DTLS] = { "CLIENT_RANDOM ", "CLIENT_RANDOM " },
	};
	const enum rig_type *type = *state;
	char path[] = "/tmp/p2psip-keylog-XXXXXX", text[4096] = "";
	int fd = mkstemp(path);
	struct rig w;
	struct rig_side c;

	assert_true(fd >= 0);
	setenv("SSLKEYLOGFILE", path, 1);
	rig_open(&w, *type, 0);
	unsetenv("SSLKEYLOGFILE");
	rig_client(&c, &w, w.own);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	assert_non_null(strstr(text, words[*type][0]));
	assert_non_null(strstr(text, words[*type][1]));
	close(fd);
	unlink(path);
	rig_side_close(&c);
	rig_close(&w);
}

static void send_to_server(struct rig_side *c, struct slice bytes)
{
	if (c->tls != NULL)
		tls_link_send(c->tls_link, bytes);
	else
		dtls_link_send(c->dtls_link, bytes);
}

/* While paused nothing is called, and nothing is lost. */
void rig_paused(void **state)
{
	const enum rig_type *type = *state;
	struct rig w;
	struct rig_side c;

	rig_open(&w, *type, 0);
	rig_client(&c, &w, w.own);
	side_pause(&w.server, true);
	send_to_server(&c, SLICE_LIT("one"));
	for (int i = 0; i < 10; i++) /* a turn: a record of its own */
		(void)uv_run(&w.loop, UV_RUN_NOWAIT);
	send_to_server(&c, SLICE_LIT("two"));
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.in.len, 0);
	/* From inside the call for the first record: no call for the second. */
	w.server.pause = true;
	side_pause(&w.server, false);
	RIG_UNTIL(&w, w.server.in.len > 0);
	for (int i = 0; i < 10; i++)
		uv_run(&w.loop, UV_RUN_ONCE);
	assert_int_equal(w.server.in.len, 3);
	w.server.pause = false;
	side_pause(&w.server, false);
	RIG_UNTIL(&w, w.server.in.len == 6);
	assert_memory_equal(w.server.in.p, "onetwo", 6);
	rig_side_close(&c);
	rig_close(&w);
}
