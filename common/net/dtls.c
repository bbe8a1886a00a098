/* SPDX-License-Identifier: ISC */
/*
 * The DTLS side of a node: who may begin an association, and to which link a
 * datagram belongs.  RFC 6940 s6.6.6, RFC 6347 s4.2.1, s4.2.8.  Nothing is kept
 * for an address that has not returned a cookie, and what stands is only
 * replaced by who has.
 */
#include "net/dtls.h"

#include <assert.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>

#include "net/dtls_private.h"
#include "net/loop.h"

/* First bytes of what is DTLS on a socket that STUN may share, RFC 5764 s5.1.2.
 */
enum { DTLS_FIRST = 20, DTLS_LAST = 63 };

/* ---- cookies ---- */

/*
 * A cookie is for one address, one ClientHello (its random) and a short time:
 * one that was seen on the wire replaces no link later.
 */
bool dtls_cookie(const struct dtls *d, unsigned age,
		 uint8_t out[static DTLS_COOKIE_LEN])
{
	const struct ip_address_port *from = &d->hello->from;
	uint64_t period = loop_now().mono_us / 1000000 / DTLS_COOKIE_S - age;
	uint8_t text[8 + 3 + 16 + DTLS_RANDOM_LEN];
	unsigned len = DTLS_COOKIE_LEN;

	memcpy(text, &period, 8);
	text[8] = from->type;
	memcpy(text + 9, &from->port, 2);
	memcpy(text + 11, from->addr, 16);
	memcpy(text + 27, d->hello->random, DTLS_RANDOM_LEN);
	return HMAC(EVP_sha256(), d->cookie_key, sizeof(d->cookie_key), text,
		    sizeof(text), out, &len) != NULL;
}

static struct dtls *of(SSL *ssl)
{
	const struct tls_auth_peer *p = SSL_get_app_data(ssl);
	const struct dtls_link *l = p->link;

	return l->dtls;
}

static int make_cookie(SSL *ssl, unsigned char *cookie, unsigned *len)
{
	struct dtls *d = of(ssl);

	*len = DTLS_COOKIE_LEN;
	d->n_cookies++;
	return dtls_cookie(d, 0, cookie);
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, unsigned len)
{
	uint8_t right[DTLS_COOKIE_LEN];

	for (unsigned age = 0; len == sizeof(right) && age < 2; age++)
		if (dtls_cookie(of(ssl), age, right) &&
		    CRYPTO_memcmp(cookie, right, sizeof(right)) == 0)
			return 1;
	return 0;
}

/* ---- datagrams ---- */

/* Where the random of a ClientHello in clear is: record header, handshake
 * header, version; RFC 6347 s4.1, s4.2.2. */
static const uint8_t *hello_random(struct slice b)
{
	enum { HANDSHAKE = 22, EPOCH_AT = 3, TYPE_AT = 13, CLIENT_HELLO = 1 };

	if (b.len < DTLS_MARK_AT + DTLS_RANDOM_LEN || b.p[0] != HANDSHAKE ||
	    b.p[EPOCH_AT] != 0 || b.p[EPOCH_AT + 1] != 0 ||
	    b.p[TYPE_AT] != CLIENT_HELLO)
		return NULL;
	return b.p + DTLS_MARK_AT;
}

/* One more link: the one that has been silent longest goes when there is no
 * other way. */
static bool have_room(struct dtls *d)
{
	struct dtls_link *silent = NULL;

	if (d->n_pairs < DTLS_LINKS_MAX)
		return true;
	for (struct dtls_link *l = d->pairs; l != NULL; l = l->hh.next)
		if (l->server && l->state == DTLS_OPEN &&
		    (silent == NULL || l->heard_ms < silent->heard_ms))
			silent = l;
	if (silent == NULL ||
	    silent->heard_ms + DTLS_SILENT_MS > uv_now(d->cfg.loop))
		return false;
	dtls_link_fail(silent, ERR_LINK_CLOSED, "silent for too long");
	return true;
}

/* A ClientHello that no link waits for.  `old` has its pair of addresses: the
 * other side has been started again. */
static void admit(struct dtls_socket *s, const struct dtls_datagram *g,
		  struct dtls_link *old)
{
	struct dtls *d = s->dtls;
	struct dtls_link *l = dtls_link_spare(d);

	d->hello = g;
	if (l == NULL || !dtls_link_listen(l, s, g))
		return;
	if (old != NULL)
		dtls_link_fail(old, ERR_LINK_CLOSED,
			       "the other side begins anew");
	else if (!have_room(d))
		return;
	if (d->auth.n_half_open >= DTLS_HALF_OPEN_MAX)
		dtls_link_drop(tls_auth_victim(&d->auth)->link);
	d->spare = NULL;
	dtls_link_accept(l, g);
}

void dtls_receive(struct dtls_socket *s, struct dtls_datagram *g)
{
	struct dtls_link *l;

	if (g->bytes.len == 0 || g->bytes.p[0] < DTLS_FIRST ||
	    g->bytes.p[0] > DTLS_LAST)
		return;
	l = dtls_link_find(s, &g->from);
	g->random = s->listening ? hello_random(g->bytes) : NULL;
	if (g->random == NULL ||
	    (l != NULL && dtls_link_has_random(l, g->random))) {
		if (l != NULL)
			dtls_link_receive(l, g->bytes);
		return;
	}
	/* Both connect to each other at once.  The other side sees the same and
	 * does the same: each goes on from another socket. */
	if (l != NULL && !l->server && l->state == DTLS_HANDSHAKE) {
		dtls_link_move(l);
		l = NULL;
	}
	admit(s, g, l);
}

/* ---- the context ---- */

static enum err prepare(struct dtls *d, struct why *why)
{
	enum err r;

	if ((r = tls_auth_init(&d->auth, DTLS_method(), DTLS1_2_VERSION,
			       why)) != OK)
		return r;
	/* Replay protection is what DTLS does unless told otherwise. */
	SSL_CTX_set_options(d->auth.ctx,
			    SSL_OP_NO_QUERY_MTU | SSL_OP_COOKIE_EXCHANGE);
	SSL_CTX_set_cookie_generate_cb(d->auth.ctx, make_cookie);
	SSL_CTX_set_cookie_verify_cb(d->auth.ctx, check_cookie);
	d->bio_addr = BIO_ADDR_new();
	if (d->bio_addr == NULL ||
	    SSL_CTX_set_max_send_fragment(d->auth.ctx, DTLS_DATAGRAM_MAX) != 1)
		return ERR_NOMEM;
	return RAND_bytes(d->cookie_key, sizeof(d->cookie_key)) == 1 ? OK
								     : ERR_SYS;
}

enum err dtls_new(struct dtls **out, const struct dtls_config *cfg,
		  struct why *why)
{
	struct dtls *d = calloc(1, sizeof(*d));
	enum err r;

	if (d == NULL)
		return ERR_NOMEM;
	d->cfg = *cfg;
	if (d->cfg.handshake_ms == 0)
		d->cfg.handshake_ms = DTLS_HANDSHAKE_MS;
	d->auth = (struct tls_auth){ .crypto = cfg->crypto,
				     .overlay = cfg->overlay,
				     .signer = cfg->signer };
	if ((r = prepare(d, why)) != OK) {
		dtls_free(d);
		return r;
	}
	*out = d;
	return OK;
}

void dtls_set_overlay(struct dtls *d, const struct overlay *o)
{
	d->auth.overlay = o;
}

enum err dtls_listen(struct dtls *d, struct ip_address_port *address,
		     struct why *why)
{
	return dtls_socket_open(d, address, true, why);
}

void dtls_pause(struct dtls *d, bool paused)
{
	d->paused = paused;
}

uint64_t dtls_cookies(const struct dtls *d)
{
	return d->n_cookies;
}

void dtls_free(struct dtls *d)
{
	if (d == NULL)
		return;
	while (d->links != NULL)
		dtls_link_drop(d->links);
	for (uint32_t i = 0; i < d->n_sockets; i++)
		dtls_socket_close(d->sockets[i]);
	BIO_ADDR_free(d->bio_addr);
	tls_auth_clear(&d->auth);
	free(d);
}
