/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <uv.h>

#include "core/limits.h"
#include "core/overlay.h"
#include "crypto/crypto.h"
#include "net/tls_link.h"

/*
 * TLS 1.2 and 1.3 over TCP (RFC 6940 s6.6.5): own certificate and key, the
 * judging of others' certificates (s6.5.1.13), accepting sockets.  A link is
 * tls_link.h's.
 */

struct tls;

enum {
	/* Accepted and connected; the core closes those that it has no room
	 * for, core/room.h, and must have seen them. */
	TLS_LINKS_MAX = LINKS_MAX + 128,
	TLS_HALF_OPEN_MAX =
		128, /* accepted, in the handshake; then the oldest goes */
	TLS_LISTENERS_MAX = 16
};

struct tls_config {
	uv_loop_t *loop;
	const struct crypto *crypto;   /* judges certificates */
	const struct overlay *overlay; /* bad nodes; see tls_set_overlay() */
	const struct signer *signer;   /* its key is an EVP_PKEY */
	struct tls_calls calls;
	uint32_t handshake_ms; /* 0: TLS_HANDSHAKE_MS */
};

/* All that `cfg` points to is borrowed until tls_free().  ERR_NOMEM, ERR_TLS
 * and ERR_CERT with words. */
enum err tls_new(struct tls **out, const struct tls_config *cfg,
		 struct why *why) MUST_CHECK;
/* A new document is in use: later handshakes are judged by it. */
void tls_set_overlay(struct tls *t, const struct overlay *o);
/* Accepts links on an address; port 0 picks one and fills it in.  ERR_BUSY,
 * ERR_SYS, with words. */
enum err tls_listen(struct tls *t, struct ip_address_port *address,
		    struct why *why) MUST_CHECK;
/* While paused nothing is read, and nothing is called. */
void tls_pause(struct tls *t, bool paused);
/* Closes all at once; the memory goes when the loop has run. */
void tls_free(struct tls *t);

#endif
