/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

/* What tls.c and tls_link.c share, and nobody else includes. */

#include "net/tls.h"
#include "net/tls_auth.h"

struct tls_listener {
	struct tls *tls;
	uv_poll_t poll;
	int fd;
};

struct tls {
	struct tls_config cfg;
	struct tls_auth auth;
	struct tls_link *links; /* all that are not gone */
	uint32_t n_links;
	size_t queued; /* bytes not yet taken by TLS, of all links */
	struct tls_listener *listeners[TLS_LISTENERS_MAX];
	uint32_t n_listeners;
	int spare_fd; /* given up to refuse a connection when there are no more
		       */
	bool paused;
	bool freed;
};

enum tls_state {
	TLS_CONNECTING,
	TLS_HANDSHAKE,
	TLS_OPEN,
	TLS_CLOSING, /* sending the rest */
	TLS_FAILED,  /* `down` is on its way */
	TLS_REFUSED  /* only the alert has yet to reach the other side */
};

struct tls_link {
	struct tls *tls;
	struct tls_link *prev, *next;
	enum tls_state state;
	bool server;
	int fd;
	SSL *ssl;
	uv_poll_t poll;
	uv_timer_t timer;
	int handles; /* not yet closed */
	struct tls_auth_peer peer;
	struct buf out; /* not yet taken by TLS */
	int watched;    /* what the poll waits for; 0: nothing */
	void *data;
};

/* Takes over an accepted socket.  ERR_NOMEM closes it. */
enum err tls_link_accept_take(struct tls *t, int fd,
			      const struct ip_address_port *remote) MUST_CHECK;
/* Ends a link at once, without a call. */
void tls_link_drop(struct tls_link *l);
/* The last memory of a context whose links are all gone. */
void tls_release(struct tls *t);

#endif
