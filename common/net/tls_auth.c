/* SPDX-License-Identifier: ISC */
/*
 * Who may be at the other end of a link, and what is said of who may not: the
 * same for TLS and DTLS.  RFC 6940 s6.5.1.13, s13.6.  Chains are checked by
 * struct crypto; time, bad nodes and the pin here.  Knows no socket.
 */
#include "net/tls_auth.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crypto/handle.h"
#include "net/loop.h"
#include "net/sockaddr.h"
#include "net/tls_context.h"

/* ---- the other side's certificate ---- */

static enum err judge_cert(const struct tls_auth_peer *p, const struct cert *c,
			   struct why *why)
{
	const struct overlay *o = p->auth->overlay;
	uint64_t now_ms = loop_now().unix_ms;
	bool pin_found = !p->pinned;

	if (now_ms < c->not_before_ms || now_ms > c->not_after_ms)
		return why_err(why, ERR_CERT_EXPIRED,
			       "the other side's certificate");
	if (overlay_is_bad_cert(o, c))
		return why_err(why, ERR_BAD_NODE,
			       "the other side is listed as bad");
	for (uint8_t i = 0; i < c->n_node_ids; i++) {
		if (p->pinned && id_eq(&c->node_ids[i], &p->pin))
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
	struct tls_auth_peer *p = SSL_get_app_data(ssl);

	(void)arg; /* the link knows its context */
	if ((p->err = openssl_cert_check(p->auth->crypto,
					 X509_STORE_CTX_get0_cert(x),
					 X509_STORE_CTX_get0_untrusted(x),
					 &p->cert, &p->why)) != OK ||
	    (p->err = judge_cert(p, p->cert, &p->why)) != OK) {
		X509_STORE_CTX_set_error(
			x, p->err == ERR_CERT_EXPIRED
				   ? X509_V_ERR_CERT_HAS_EXPIRED
			   : p->err == ERR_BAD_NODE ? X509_V_ERR_CERT_REVOKED
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
	const struct tls_auth_peer *p = SSL_get_app_data(ssl);
	char text[512];
	int n = snprintf(text, sizeof(text), "%s\n", line);

	ssize_t written;

	if (n <= 0 || (size_t)n >= sizeof(text))
		return;
	written = write(p->auth->keylog_fd, text, (size_t)n);
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

static enum err make_ctx(struct tls_auth *a, const SSL_METHOD *method, int min)
{
	const char *keylog = secure_getenv("SSLKEYLOGFILE");
	enum err r = tls_context_new(&a->ctx, method, min);

	if (r != OK)
		return r;
	SSL_CTX_set_options(a->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(a->ctx, 0);
	SSL_CTX_set_mode(a->ctx, SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_verify(a->ctx,
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   NULL);
	SSL_CTX_set_cert_verify_callback(a->ctx, on_verify, NULL);
	if (keylog != NULL && *keylog != '\0')
		a->keylog_fd = open(keylog,
				    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
				    0600);
	if (a->keylog_fd >= 0)
		SSL_CTX_set_keylog_callback(a->ctx, on_keylog);
	return use_signer(a->ctx, a->signer);
}

enum err tls_auth_init(struct tls_auth *a, const SSL_METHOD *method, int min,
		       struct why *why)
{
	enum err r;

	a->keylog_fd = -1;
	ERR_clear_error();
	if ((r = make_ctx(a, method, min)) != OK)
		r = why_err(why, r, "own certificate and key: %s",
			    ERR_reason_error_string(ERR_peek_error()));
	return r;
}

void tls_auth_clear(struct tls_auth *a)
{
	SSL_CTX_free(a->ctx);
	if (a->keylog_fd >= 0)
		close(a->keylog_fd);
}

void tls_auth_bind(struct tls_auth_peer *p, SSL *ssl)
{
	SSL_set_app_data(ssl, p);
}

void tls_auth_peer_clear(struct tls_auth_peer *p)
{
	const struct crypto *c = p->auth->crypto;

	tls_auth_settled(p);
	c->cert_unref(c->ctx, p->cert);
	p->cert = NULL;
}

/* ---- the crowd ---- */

void tls_auth_half_open(struct tls_auth_peer *p)
{
	struct tls_auth *a = p->auth;

	p->half_open = true;
	p->prev = NULL;
	if ((p->next = a->half_open) != NULL)
		p->next->prev = p;
	a->half_open = p;
	a->n_half_open++;
}

void tls_auth_settled(struct tls_auth_peer *p)
{
	if (!p->half_open)
		return;
	p->half_open = false;
	if (p->prev != NULL)
		p->prev->next = p->next;
	else
		p->auth->half_open = p->next;
	if (p->next != NULL)
		p->next->prev = p->prev;
	p->auth->n_half_open--;
}

struct tls_auth_peer *tls_auth_victim(const struct tls_auth *a)
{
	struct tls_auth_peer *victim = NULL;
	uint32_t most = 0, own;

	for (struct tls_auth_peer *p = a->half_open; p != NULL; p = p->next) {
		own = 0;
		for (struct tls_auth_peer *k = a->half_open; k != NULL;
		     k = k->next)
			own += sockaddr_same_network(&k->remote, &p->remote);
		if (own >= most) {
			most = own;
			victim = p;
		}
	}
	return victim;
}

/* ---- failures in words ---- */

/* Alerts that are about the certificate of who gets them. */
static const char *refusal(int alert)
{
	switch (alert) {
	case SSL_AD_CERTIFICATE_REVOKED:
		return "it is listed as bad";
	case SSL_AD_CERTIFICATE_EXPIRED:
		return "it has expired, or a clock is wrong";
	case SSL_AD_UNKNOWN_CA:
		return "it is another overlay's";
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_UNKNOWN:
		return "it does not verify there";
	default:
		return NULL;
	}
}

void tls_auth_failure(struct tls_auth_peer *p, int ssl_error, bool open)
{
	unsigned long code = ERR_peek_error();
	bool alert = ERR_GET_LIB(code) == ERR_LIB_SSL &&
		     ERR_GET_REASON(code) >= SSL_AD_REASON_OFFSET;
	const char *refused =
		alert ? refusal(ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET)
		      : NULL;
	enum err r = open ? ERR_LINK_CLOSED : ERR_TLS;

	if (p->err != OK) /* the certificate was judged: words are there */
		return;
	if (refused != NULL)
		r = why_err(&p->why, ERR_AUTH,
			    "the other side refuses the own certificate: %s",
			    refused);
	else if (alert)
		r = why_err(&p->why, ERR_TLS, "the other side refused: %s",
			    ERR_reason_error_string(code));
	else if (code != 0)
		r = why_err(&p->why, r, "%s", ERR_reason_error_string(code));
	else if (ssl_error == SSL_ERROR_SYSCALL && errno != 0)
		r = why_err(&p->why, r, "%s", strerror(errno));
	else
		r = why_err(&p->why, r, "closed by the other side");
	p->err = r;
}
