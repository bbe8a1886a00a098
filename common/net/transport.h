/* SPDX-License-Identifier: ISC */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include <uv.h>

#include "core/node.h"
#include "core/table.h"
#include "net/dtls_link.h"
#include "net/tls_link.h"

/*
 * A node's links of both kinds, TLS over TCP and DTLS over UDP, by the numbers
 * that the core knows them under: its own for those it asks for, from
 * LINK_INCOMING up for those that are accepted.
 */

enum { TRANSPORT_LISTENING_MAX = 32 };

struct transport;

struct transport_link {
	uint32_t number;
	struct tls_link *tls; /* whose data is this; or */
	struct dtls_link *dtls;
	struct ip_address_port address; /* of the other side */
	UT_hash_handle hh;
};

/* None is called from inside a function of the transport. */
struct transport_calls {
	/* `cert` is borrowed for the call; overlay_link and mtu are those of
	 * EV_LINK_UP. */
	void (*up)(void *ctx, const struct transport_link *l, struct cert *cert,
		   uint8_t overlay_link, uint32_t mtu);
	void (*bytes)(void *ctx, uint32_t number, struct slice bytes);
	/* The link is gone after the call; NULL: accepted, and never up. */
	void (*down)(void *ctx, const struct transport_link *l, enum err r,
		     const struct why *why);
	/* No memory for a link that has come up. */
	void (*failed)(void *ctx, enum err r);
	void *ctx;
};

struct transport_config {
	uv_loop_t *loop;
	const struct crypto *crypto;
	const struct overlay *overlay; /* see transport_set_overlay() */
	const struct signer *signer;
	uint8_t protocols; /* LINK_PROTOCOL_*, one at least */
	struct transport_calls calls;
};

/* All that `cfg` points to is borrowed until transport_free().  ERR_NOMEM,
 * ERR_TLS and ERR_CERT with words. */
enum err transport_new(struct transport **out,
		       const struct transport_config *cfg,
		       struct why *why) MUST_CHECK;
/* A new document is in use: later handshakes are judged by it. */
void transport_set_overlay(struct transport *t, const struct overlay *o);
/* Accepts links on an address, by every protocol; port 0 picks one.  ERR_BUSY,
 * ERR_SYS, ERR_FULL, with words. */
enum err transport_listen(struct transport *t,
			  const struct ip_address_port *address,
			  struct why *why) MUST_CHECK;
/* What is listened on, ports filled in. */
size_t transport_listening(const struct transport *t,
			   const struct link_address **out);
/* FX_CONNECT.  An error is that of a link that never came up; ERR_NOMEM. */
enum err transport_connect(struct transport *t,
			   const struct effect *fx) MUST_CHECK;
/* A number that is not there any more is none of these two's business: its end
 * has been told. */
void transport_send(struct transport *t, uint32_t number, struct slice bytes);
void transport_close(struct transport *t, uint32_t number);
/* While paused nothing is read, and nothing is called. */
void transport_pause(struct transport *t, bool paused);
/* Addresses of those that were asked for, `max` at most. */
size_t transport_connected(const struct transport *t,
			   struct ip_address_port *out, size_t max);
/* ClientHellos over UDP that were answered with a cookie. */
uint64_t transport_cookies(const struct transport *t);
/* Closes all at once; NULL is fine. */
void transport_free(struct transport *t);

#endif
