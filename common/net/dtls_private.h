/* SPDX-License-Identifier: ISC */
#ifndef NET_DTLS_PRIVATE_H
#define NET_DTLS_PRIVATE_H

/* What dtls.c, dtls_socket.c and dtls_link.c share, and nobody else includes.
 */

#include "core/table.h"
#include "net/dtls.h"
#include "net/tls_auth.h"

enum {
	DTLS_READ_SIZE = 18432, /* a datagram with the largest record */
	DTLS_RANDOM_LEN = 32,   /* of a ClientHello */
	/* Of a datagram that was sent, to know it again: random in a
	 * ClientHello, ciphertext later. */
	DTLS_MARK_AT = 27,
	DTLS_MARK_LEN = 16,
	DTLS_MARKS = 4
};

struct dtls_socket {
	struct dtls *dtls;
	uv_poll_t poll;
	int fd;
	struct ip_address_port address; /* that it is bound to */
	bool any;                       /* bound to all addresses */
	bool listening;                 /* ClientHellos are answered */
};

/* One that came. */
struct dtls_datagram {
	struct slice bytes;
	struct ip_address_port from;
	struct ip_address_port to; /* type 0 unless the socket is for all */
	const uint8_t *random;     /* of a ClientHello in clear, or NULL */
};

struct dtls {
	struct dtls_config cfg;
	struct tls_auth auth;
	struct dtls_link *links; /* all that are not gone */
	struct dtls_link *pairs; /* uthash: key; all that have not failed */
	uint32_t n_pairs;
	struct dtls_socket *sockets[DTLS_SOCKETS_MAX];
	uint32_t n_sockets;
	/* For ClientHellos without state: its SSL object, the ClientHello at
	 * hand, and what cookies are made with. */
	struct dtls_link *spare;
	const struct dtls_datagram *hello;
	uint8_t cookie_key[32];
	uint64_t n_cookies; /* sent */
	void *bio_addr;     /* DTLSv1_listen() wants one */
	bool paused;
};

enum dtls_state {
	DTLS_SPARE,
	DTLS_HANDSHAKE,
	DTLS_OPEN,
	DTLS_FAILED /* `down` is on its way */
};

/* One association at most for a pair of addresses. */
struct dtls_key {
	const struct dtls_socket *socket;
	uint16_t port;
	uint8_t type;
	uint8_t addr[16];
	uint8_t zero[5]; /* no byte of it is undefined */
};

struct dtls_link {
	struct dtls *dtls;
	struct dtls_link *prev, *next;
	UT_hash_handle hh;
	struct dtls_key key;
	bool paired; /* in dtls.pairs */
	enum dtls_state state;
	bool server;
	struct dtls_socket *socket;
	struct ip_address_port local; /* of dtls_datagram.to */
	SSL *ssl;
	uv_timer_t timer;
	uint64_t deadline_ms, heard_ms; /* of the loop */
	struct tls_auth_peer peer;
	struct slice in; /* the datagram being read */
	bool peek;       /* reading leaves it there */
	int send_errno;  /* of the last datagram */
	uint8_t marks[DTLS_MARKS][DTLS_MARK_LEN];
	uint32_t n_marks;
	void *data;
};

/* ---- dtls.c ---- */

/* The only cookie for the ClientHello at hand and this time (0) or the last
 * period (1). */
enum { DTLS_COOKIE_LEN = 32 };
bool dtls_cookie(const struct dtls *d, unsigned age,
		 uint8_t out[static DTLS_COOKIE_LEN]);
void dtls_receive(struct dtls_socket *s, struct dtls_datagram *g);

/* ---- dtls_socket.c ---- */

enum err dtls_socket_open(struct dtls *d, struct ip_address_port *address,
			  bool listening, struct why *why) MUST_CHECK;
/* The one to connect from, where this pair of addresses is free; `listening`:
 * one that listens if possible.  ERR_NOMEM, ERR_FULL, ERR_SYS, ERR_UNSUPPORTED.
 */
enum err dtls_socket_choose(struct dtls *d, const struct ip_address_port *to,
			    bool listening,
			    struct dtls_socket **out) MUST_CHECK;
/* 0, or errno. */
int dtls_socket_send(const struct dtls_socket *s,
		     const struct ip_address_port *from,
		     const struct ip_address_port *to, struct slice bytes);
void dtls_socket_close(struct dtls_socket *s);

/* ---- dtls_link.c ---- */

/* The link of this pair of addresses, or NULL. */
struct dtls_link *dtls_link_find(const struct dtls_socket *s,
				 const struct ip_address_port *remote);
/* The spare one: NULL without memory. */
struct dtls_link *dtls_link_spare(struct dtls *d);
/* Has the spare link look at the ClientHello at hand: true when its cookie is
 * good; else a cookie was sent, or nothing. */
bool dtls_link_listen(struct dtls_link *l, struct dtls_socket *s,
		      const struct dtls_datagram *g);
/* Makes the spare link one that goes on with this ClientHello. */
void dtls_link_accept(struct dtls_link *l, const struct dtls_datagram *g);
void dtls_link_receive(struct dtls_link *l, struct slice datagram);
/* Is this the ClientHello of its handshake? */
bool dtls_link_has_random(const struct dtls_link *l, const uint8_t *random);
/* Begins its handshake anew from a socket that does not listen. */
void dtls_link_move(struct dtls_link *l);
/* The system's word about a datagram that was sent, as far as it is quoted. */
void dtls_link_unreachable(struct dtls_link *l, struct slice quoted, int error);
/* Reports the failure from the loop, once. */
void dtls_link_fail(struct dtls_link *l, enum err r, const char *words);
/* Ends a link at once, without a call. */
void dtls_link_drop(struct dtls_link *l);

#endif
