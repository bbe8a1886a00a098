/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_PRIVATE_H
#define NET_TLS_PRIVATE_H

/* What tls.c and tls_link.c share, and nobody else includes. */

#include "net/tls.h"
#include "net/tls_auth.h"
#include "net/turn.h"

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
	size_t queued;           /* bytes not yet taken by TLS, of all links */
	struct tls_link *unsent; /* with something to send at the turn's end */
	struct turn turn;
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
	struct tls_link *prev_unsent, *next_unsent;
	enum tls_state state;
	bool server;
	int fd;
	SSL *ssl;
	uv_poll_t poll;
	uv_timer_t timer;
	int handles; /* not yet closed */
	struct tls_auth_peer peer;
	struct buf out; /* not yet taken by TLS */
	bool unsent;    /* among those of tls->unsent */
	bool stuck;     /* `out` waits for the socket */
	int watched;    /* what the poll waits for; 0: nothing */
	void *data;
};

/* Takes over an accepted socket.  ERR_NOMEM closes it. */
enum err tls_link_accept_take(struct tls *t, int fd,
			      const struct ip_address_port *remote) MUST_CHECK;
/* Ends a link at once, without a call. */
void tls_link_drop(struct tls_link *l);
/* Reads on, after a pause, what had come before it. */
void tls_link_resume(struct tls_link *l);
/* Of a struct tls: its turn ends, what is unsent is sent. */
void tls_link_turn(void *ctx);
/* The last memory of a context whose links are all gone. */
void tls_release(struct tls *t);

#endif
