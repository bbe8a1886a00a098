/* SPDX-License-Identifier: ISC */
/*
 * The TLS context of a node: own certificate and key, the judging of the other
 * side's certificate, listening sockets.  RFC 6940 s6.5.1.13, s6.6.5, s13.6.
 * Chains are checked by struct crypto; time, bad nodes and the pin here.
 */
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conf/address.h"
#include "crypto/handle.h"
#include "net/loop.h"
#include "net/sockaddr.h"
#include "net/tls_private.h"

enum { BACKLOG = 128, ACCEPTS_A_TURN = 64 };

/* ---- the other side's certificate ---- */

static enum err judge_cert(const struct tls_link *l, const struct cert *c,
			   struct why *why)
{
	const struct overlay *o = l->tls->cfg.overlay;
	uint64_t now_ms = loop_now().unix_ms;
	bool pin_found = !l->pinned;

	if (now_ms < c->not_before_ms || now_ms > c->not_after_ms)
		return why_err(why, ERR_CERT_EXPIRED,
			       "the other side's certificate");
	if (overlay_is_bad_cert(o, c))
		return why_err(why, ERR_BAD_NODE,
			       "the other side is listed as bad");
	for (uint8_t i = 0; i < c->n_node_ids; i++) {
		if (l->pinned && id_eq(&c->node_ids[i], &l->pin))
			pin_found = true;
	}
	if (!pin_found)
		return why_err(why, ERR_WRONG_PEER,
			       "another node answered at this address");
	return OK;
}

static int on_verify(X509_STORE_CTX *x, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(
		x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_link *l = SSL_get_app_data(ssl);

	(void)arg; /* the link knows its context */
	if ((l->err = openssl_cert_check(l->tls->cfg.crypto,
					 X509_STORE_CTX_get0_cert(x),
					 X509_STORE_CTX_get0_untrusted(x),
					 &l->cert, &l->why)) != OK ||
	    (l->err = judge_cert(l, l->cert, &l->why)) != OK) {
		X509_STORE_CTX_set_error(
			x, l->err == ERR_CERT_EXPIRED
				   ? X509_V_ERR_CERT_HAS_EXPIRED
			   : l->err == ERR_BAD_NODE ? X509_V_ERR_CERT_REVOKED
						    : X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	X509_STORE_CTX_set_error(x, X509_V_OK);
	return 1;
}

/* ---- the context ---- */

/* SSLKEYLOGFILE: for Wireshark.  A line is one write, so that several processes
 * may share the file. */
static void on_keylog(const SSL *ssl, const char *line)
{
	const struct tls_link *l = SSL_get_app_data(ssl);
	char text[512];
	int n = snprintf(text, sizeof(text), "%s\n", line);

	ssize_t written;

	if (n <= 0 || (size_t)n >= sizeof(text))
		return;
	written = write(l->tls->keylog_fd, text, (size_t)n);
	(void)written; /* a lost line only hides traffic from a debugger */
}

static enum err use_signer(SSL_CTX *ctx, const struct signer *s)
{
	const struct key *key = s->key;
	enum err r = OK;

	if (SSL_CTX_use_certificate(ctx, cert_x509(s->cert)) != 1 ||
	    SSL_CTX_use_PrivateKey(ctx, key->pkey) != 1)
		r = ERR_CERT;
	for (size_t i = 0; i < s->n_chain && r == OK; i++) {
		const uint8_t *p = s->chain[i].p;
		X509 *x = d2i_X509(NULL, &p, (long)s->chain[i].len);

		if (x == NULL || SSL_CTX_add1_chain_cert(ctx, x) != 1)
			r = ERR_CERT;
		X509_free(x);
	}
	return r;
}

static enum err make_ctx(struct tls *t)
{
	const char *keylog = secure_getenv("SSLKEYLOGFILE");

	if ((t->ctx = SSL_CTX_new(TLS_method())) == NULL)
		return ERR_NOMEM;
	if (SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
		return ERR_TLS;
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					    SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_num_tickets(t->ctx, 0);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
					 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					 SSL_MODE_RELEASE_BUFFERS |
					 SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(t->ctx,
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	SSL_CTX_set_cert_verify_callback(t->ctx, on_verify, NULL);
	if (keylog != NULL && *keylog != '\0')
		t->keylog_fd = open(keylog,
				    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
				    0600);
	if (t->keylog_fd >= 0)
		SSL_CTX_set_keylog_callback(t->ctx, on_keylog);
	return use_signer(t->ctx, t->cfg.signer);
}

enum err tls_new(struct tls **out, const struct tls_config *cfg,
		 struct why *why)
{
	struct tls *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	if (t->cfg.handshake_ms == 0)
		t->cfg.handshake_ms = TLS_HANDSHAKE_MS;
	t->keylog_fd = t->spare_fd = -1;
	ERR_clear_error();
	if ((r = make_ctx(t)) != OK) {
		r = why_err(why, r, "own certificate and key: %s",
			    ERR_reason_error_string(ERR_peek_error()));
		tls_free(t);
		return r;
	}
	*out = t;
	return OK;
}

void tls_set_overlay(struct tls *t, const struct overlay *o)
{
	t->cfg.overlay = o;
}

void tls_pause(struct tls *t, bool paused)
{
	t->paused = paused;
}

/* ---- accepting ---- */

/* No descriptor left: the spare one makes room to take the connection and drop
 * it, lest the loop spins on it. */
static void refuse_one(struct tls *t, int fd)
{
	close(t->spare_fd);
	fd = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void on_acceptable(uv_poll_t *h, int status, int events)
{
	struct tls_listener *s = h->data;
	struct tls *t = s->tls;
	struct sockaddr_storage from;
	struct ip_address_port remote;
	socklen_t len;
	int fd;

	(void)events; /* only readable was asked for */
	for (int i = 0; status == 0 && !t->paused && i < ACCEPTS_A_TURN; i++) {
		len = sizeof(from);
		fd = accept4(s->fd, (struct sockaddr *)&from, &len,
			     SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			refuse_one(t, s->fd);
		if (fd < 0)
			return;
		/* What cannot be taken is closed: a failure of theirs. */
		if (t->n_links >= TLS_LINKS_MAX ||
		    sockaddr_read(&remote, &from) != OK)
			close(fd);
		else if (tls_link_accept_take(t, fd, &remote) != OK)
			return;
	}
}

static enum err bind_socket(struct ip_address_port *address, int *out,
			    struct why *why)
{
	char text[ADDRESS_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t len;
	const int on = 1;
	enum err r;
	int fd;

	address_format(address, text);
	if ((r = sockaddr_make(&sa, &len, address)) != OK)
		return r;
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    0);
	if (fd < 0)
		return why_err(why, ERR_SYS, "socket: %s", strerror(errno));
	/* An address is what it says: "::" leaves 0.0.0.0 to another. */
	if (sa.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) {
		close(fd);
		return why_err(why, ERR_SYS, "%s: %s", text, strerror(errno));
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&sa, len) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		r = why_err(why, errno == EADDRINUSE ? ERR_BUSY : ERR_SYS,
			    "%s: %s; choose another with -l", text,
			    strerror(errno));
		close(fd);
		return r;
	}
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) == 0)
		r = sockaddr_read(address, &sa);
	*out = fd;
	return r;
}

enum err tls_listen(struct tls *t, struct ip_address_port *address,
		    struct why *why)
{
	struct tls_listener *s;
	enum err r;

	if (t->n_listeners == TLS_LISTENERS_MAX)
		return why_err(why, ERR_FULL, "more than %d addresses",
			       TLS_LISTENERS_MAX);
	if (t->spare_fd < 0)
		t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ERR_NOMEM;
	if ((r = bind_socket(address, &s->fd, why)) != OK) {
		free(s);
		return r;
	}
	s->tls = t;
	if (uv_poll_init(t->cfg.loop, &s->poll, s->fd) != 0) {
		close(s->fd);
		free(s);
		return ERR_SYS;
	}
	s->poll.data = s;
	t->listeners[t->n_listeners++] = s;
	return uv_poll_start(&s->poll, UV_READABLE, on_acceptable) == 0
		       ? OK
		       : ERR_SYS;
}

static void on_listener_closed(uv_handle_t *h)
{
	free(h->data);
}

void tls_release(struct tls *t)
{
	if (!t->freed || t->links != NULL)
		return;
	SSL_CTX_free(t->ctx);
	if (t->keylog_fd >= 0)
		close(t->keylog_fd);
	if (t->spare_fd >= 0)
		close(t->spare_fd);
	free(t);
}

void tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	for (uint32_t i = 0; i < t->n_listeners; i++) {
		uv_close((uv_handle_t *)&t->listeners[i]->poll,
			 on_listener_closed);
		close(t->listeners[i]->fd); /* the port is free at once */
	}
	while (t->links != NULL)
		tls_link_drop(t->links);
	t->freed = true;
	tls_release(t);
}
