/* SPDX-License-Identifier: ISC */
#ifndef NET_PUBLISH_H
#define NET_PUBLISH_H

#include "net/driver.h"

/*
 * The Certificate Store usage, RFC 6940 s8: a node keeps its certificate in the
 * overlay, under its Node-ID (CERTIFICATE_BY_NODE) and its user name
 * (CERTIFICATE_BY_USER), until it expires.
 */

struct publish;

/* `r` is the first failure, with the overlay's words in `info`.  May call
 * publish_free(). */
typedef void publish_done(void *ctx, enum err r, struct slice info);

/*
 * Begins: for each of the two, fetches what is there, and stores the
 * certificate at the index that it has already, or at the end.  All that is
 * pointed to is borrowed until publish_free().  ERR_NOMEM, ERR_CERT_EXPIRED.
 */
enum err publish_start(struct publish **out, struct driver *d,
		       const struct crypto *c, const struct signer *s,
		       publish_done *done, void *ctx) MUST_CHECK;
/* Nothing is called any more; the command under way goes on.  NULL is fine. */
void publish_free(struct publish *p);

#endif
