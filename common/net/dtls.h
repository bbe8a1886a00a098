/* SPDX-License-Identifier: ISC */
#ifndef NET_DTLS_H
#define NET_DTLS_H

#include <uv.h>

#include "core/limits.h"
#include "core/overlay.h"
#include "crypto/crypto.h"
#include "net/dtls_link.h"

/*
 * DTLS 1.2 over UDP without ICE (RFC 6940 s6.6.6): sockets, each shared by all
 * links that fit on it, of both roles; who is let in.  A link is dtls_link.h's,
 * certificates are judged as TLS does.
 */

struct dtls;

enum {
	DTLS_LINKS_MAX = LINKS_MAX + 128, /* as TLS_LINKS_MAX */
	DTLS_HALF_OPEN_MAX =
		128, /* accepted, in the handshake; then the oldest goes */
	DTLS_SOCKETS_MAX = 32, /* of addresses listened on, and others */
	DTLS_COOKIE_S = 30,    /* seconds; a cookie holds for one to two */
	/* Without free links, one that was silent for so long makes room: UDP
	 * does not tell of a host that is gone. */
	DTLS_SILENT_MS = 300000
};

struct dtls_config {
	uv_loop_t *loop;
	const struct crypto *crypto;   /* judges certificates */
	const struct overlay *overlay; /* bad nodes; see dtls_set_overlay() */
	const struct signer *signer;   /* its key is an EVP_PKEY */
	struct dtls_calls calls;
	uint32_t handshake_ms; /* 0: DTLS_HANDSHAKE_MS */
};

/* All that `cfg` points to is borrowed until dtls_free().  ERR_NOMEM, ERR_TLS
 * and ERR_CERT with words. */
enum err dtls_new(struct dtls **out, const struct dtls_config *cfg,
		  struct why *why) MUST_CHECK;
/* A new document is in use: later handshakes are judged by it. */
void dtls_set_overlay(struct dtls *d, const struct overlay *o);
/* Accepts links on an address; port 0 picks one and fills it in.  ERR_BUSY,
 * ERR_SYS, with words. */
enum err dtls_listen(struct dtls *d, struct ip_address_port *address,
		     struct why *why) MUST_CHECK;
/* While paused nothing is read, and nothing is called. */
void dtls_pause(struct dtls *d, bool paused);
/* ClientHellos that were answered with a cookie. */
uint64_t dtls_cookies(const struct dtls *d);
/* Closes all at once; the memory goes when the loop has run. */
void dtls_free(struct dtls *d);

#endif
