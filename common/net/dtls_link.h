/* SPDX-License-Identifier: ISC */
#ifndef NET_DTLS_LINK_H
#define NET_DTLS_LINK_H

#include "crypto/crypto.h"
#include "wire/attach.h"

struct dtls;
struct dtls_link;

/* One DTLS association over UDP: records in, records out, each whole or lost;
 * what is lost is the core's to send again. */

enum {
	DTLS_HANDSHAKE_MS = 10000, /* from the first ClientHello on */
	/*
	 * CHOICE: bytes of UDP payload, at most.  What IPv6 promises to carry
	 * (1280) less its headers, and a margin for tunnels; nothing probes for
	 * more.
	 */
	DTLS_DATAGRAM_MAX = 1200
};

/* What happens to links.  None is called from inside dtls_link_connect(),
 * _send() or _close(): what fails there is reported from the loop. */
struct dtls_calls {
	/* The handshake is through.  `cert` is borrowed for the call. */
	void (*up)(void *ctx, struct dtls_link *l, struct cert *cert,
		   const struct ip_address_port *remote);
	void (*record)(void *ctx, struct dtls_link *l, struct slice plaintext);
	/* The link is gone after the call; it may never have been up. */
	void (*down)(void *ctx, struct dtls_link *l, enum err r,
		     const struct why *why);
	void *ctx;
};

/* Opens a link as DTLS client.  `node_id`: the certificate must have it, or
 * NULL. ERR_NOMEM, ERR_FULL, ERR_UNSUPPORTED; what the network says comes as
 * `down`. */
enum err dtls_link_connect(struct dtls *d,
			   const struct ip_address_port *address,
			   const struct node_id *node_id,
			   struct dtls_link **out) MUST_CHECK;
/* Bytes that fit in one record; the link is up. */
uint32_t dtls_link_mtu(const struct dtls_link *l);
/* Sends one record of at most dtls_link_mtu() bytes; the link is up. */
void dtls_link_send(struct dtls_link *l, struct slice plaintext);
/* Ends a link (close_notify); no call comes for it any more. */
void dtls_link_close(struct dtls_link *l);
/* For the owner of the callbacks. */
void dtls_link_set_data(struct dtls_link *l, void *data);
void *dtls_link_data(const struct dtls_link *l);

#endif
