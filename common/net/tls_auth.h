/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_AUTH_H
#define NET_TLS_AUTH_H

/*
 * What TLS and DTLS links share: the own certificate and key, the judging of
 * the other side's certificate (RFC 6940 s6.5.1.13), the key log, the crowd of
 * those that have not ended their handshake.  Included by tls_private.h and
 * dtls_private.h only.
 */

#include <openssl/ssl.h>

#include "core/overlay.h"
#include "crypto/crypto.h"
#include "wire/attach.h"

struct tls_auth_peer;

/* Of a context. */
struct tls_auth {
	const struct crypto *crypto;
	const struct overlay *overlay; /* bad nodes */
	const struct signer *signer;   /* its key is an EVP_PKEY */
	SSL_CTX *ctx;
	int keylog_fd;
	struct tls_auth_peer *half_open; /* newest first */
	uint32_t n_half_open;
};

/* Of a link: the other side. */
struct tls_auth_peer {
	struct tls_auth *auth;
	struct tls_auth_peer *prev, *next; /* while half open */
	bool half_open;
	struct ip_address_port remote;
	bool pinned; /* the certificate must have this Node-ID */
	struct node_id pin;
	struct cert *cert; /* one reference, from the handshake */
	enum err err;      /* of the judgement */
	struct why why;
	void *link; /* whose this is */
};

/*
 * The context, with the node's own certificate and key, for versions from `min`
 * up.  Whatever comes of it, tls_auth_clear() frees it.  ERR_NOMEM; ERR_TLS and
 * ERR_CERT with words.
 */
enum err tls_auth_init(struct tls_auth *a, const SSL_METHOD *method, int min,
		       struct why *why) MUST_CHECK;
void tls_auth_clear(struct tls_auth *a);

/* Has `ssl` judge the other side as `p` says; `p` outlives it. */
void tls_auth_bind(struct tls_auth_peer *p, SSL *ssl);
void tls_auth_peer_clear(struct tls_auth_peer *p);

/* Accepted, its handshake under way; and no longer. */
void tls_auth_half_open(struct tls_auth_peer *p);
void tls_auth_settled(struct tls_auth_peer *p);
/*
 * Those that never end their handshake keep nobody out: the oldest makes room,
 * of the address that has most of them.  So a crowd from one address throws out
 * its own.  There is one.
 */
struct tls_auth_peer *tls_auth_victim(const struct tls_auth *a);

/* What OpenSSL or the system says of a call that failed, in words, in
 * p->err and p->why.  `open`: the handshake was through. */
void tls_auth_failure(struct tls_auth_peer *p, int ssl_error, bool open);

#endif
