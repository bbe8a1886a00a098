/* SPDX-License-Identifier: ISC */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include "net/loop.h"

/*
 * A small HTTPS server: libmicrohttpd for HTTP behind tls_pipe.h, joined by
 * socket pairs, all on one loop.  Forms come as multipart/form-data (RFC 2388).
 */

struct httpd;
struct httpd_request;

enum {
	HTTPD_FIELDS_MAX = 16,    /* fields of a form */
	HTTPD_FORM_MAX = 1 << 16, /* bytes of a form's values; more: 413 */
	HTTPD_IDLE_S = 15         /* then a connection is closed */
};

/* Called for each request, its form complete.  It is answered by
 * httpd_answer_take(), now or later. */
typedef void httpd_handler(void *ctx, struct httpd_request *q);

struct httpd_config {
	struct loop *loop;
	const struct ip_address_port *listen;
	struct slice cert, key; /* PEM */
	httpd_handler *handler;
	void *ctx;
};

/* ERR_BUSY when the address is taken, ERR_SYS, ERR_TLS, with words. */
enum err httpd_new(struct httpd **out, const struct httpd_config *cfg,
		   struct why *why) MUST_CHECK;
/* Answers what is pending with 503.  Its memory goes when the loop has run.
 * NULL is fine. */
void httpd_free(struct httpd *h);
/* Where it listens, with the port filled in. */
const struct ip_address_port *httpd_listening(const struct httpd *h);

/* Borrowed until the answer. */
const char *httpd_method(const struct httpd_request *q);
const char *httpd_path(const struct httpd_request *q);
/* A field of the form; false when there is none.  `type` (may be NULL) is its
 * content type, "" when it has none. */
bool httpd_field(const struct httpd_request *q, const char *name,
		 struct slice *value, const char **type);
/* `body` is copied. */
void httpd_answer_take(struct httpd_request *q, unsigned status,
		       const char *type, struct slice body);

#endif
