/* SPDX-License-Identifier: ISC */
#ifndef NET_ENROLL_H
#define NET_ENROLL_H

#include "base/buf.h"
#include "core/overlay.h"

/*
 * The client's side of the configuration and enrollment server, RFC 6940 s11.2,
 * s11.3: HTTPS by libcurl.  These block until the answer or the timeout.
 */

struct enroll_access {
	const char *cacert;  /* PEM file of roots; NULL: the system's */
	uint64_t timeout_us; /* of one request */
};

/*
 * The document at an https: URL, whose host the server's certificate names; or
 * without `url`, at the server that DNS SRV gives for the overlay `name`, which
 * its certificate names then.  ERR_USAGE for another scheme, ERR_DNS, ERR_HTTP,
 * ERR_TLS, ERR_TIMEOUT, ERR_LIMIT, with words.
 */
enum err enroll_document(struct buf *out, const char *url, const char *name,
			 const struct enroll_access *access,
			 struct why *why) MUST_CHECK;

struct enroll_request {
	const char *overlay; /* what the server's certificate names */
	const char *user;
	struct slice password;
	unsigned n_node_ids; /* 1 or more */
	struct slice csr;    /* PKCS #10, DER */
};

/*
 * Appends the certificate (DER) from the first of `urls` that can be reached.
 * ERR_AUTH (failed_authentication, username_not_available), ERR_FORBIDDEN
 * (Node-IDs_not_available), ERR_ENROLL for any other refusal, and the above.
 */
enum err enroll_certificate(struct buf *der, char *const *urls, size_t n_urls,
			    const struct enroll_request *q,
			    const struct enroll_access *access,
			    struct why *why) MUST_CHECK;

#endif
