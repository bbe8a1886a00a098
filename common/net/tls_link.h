/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_LINK_H
#define NET_TLS_LINK_H

#include "crypto/crypto.h"
#include "wire/attach.h"

struct tls;
struct tls_link;

/* One TLS connection: bytes in, bytes out; framing is the core's. */

enum {
	TLS_HANDSHAKE_MS = 10000, /* from the TCP connect on */
	TLS_LINGER_MS = 2000,     /* to send what is queued, at a close */
	TLS_QUEUE_MAX = 16 << 20, /* bytes queued; more: the link fails */
	TLS_QUEUES_MAX = 64 << 20 /* of all links; more: the longest fails */
};

/* What happens to links.  None is called from inside tls_link_connect(),
 * _send() or _close(): what fails there is reported from the loop. */
struct tls_calls {
	/* The handshake is through.  `cert` is borrowed for the call. */
	void (*up)(void *ctx, struct tls_link *l, struct cert *cert,
		   const struct ip_address_port *remote);
	void (*bytes)(void *ctx, struct tls_link *l, struct slice bytes);
	/* The link is gone after the call; it may never have been up. */
	void (*down)(void *ctx, struct tls_link *l, enum err r,
		     const struct why *why);
	void *ctx;
};

/* Opens a link as TLS client.  `node_id`: the certificate must have it, or
 * NULL. ERR_NOMEM, ERR_FULL, ERR_UNSUPPORTED; what the network says comes as
 * `down`. */
enum err tls_link_connect(struct tls *t, const struct ip_address_port *address,
			  const struct node_id *node_id,
			  struct tls_link **out) MUST_CHECK;
/* Queues bytes, which go to the socket at the end of this turn (net/turn.h), or
 * when there are enough for a record; the link is up. */
void tls_link_send(struct tls_link *l, struct slice bytes);
/* Ends a link once what is queued has been sent; no call comes for it any more.
 */
void tls_link_close(struct tls_link *l);
/* For the owner of the callbacks. */
void tls_link_set_data(struct tls_link *l, void *data);
void *tls_link_data(const struct tls_link *l);

#endif
