/* SPDX-License-Identifier: ISC */
#ifndef NET_DNS_H
#define NET_DNS_H

#include "net/dnsrecord.h"
#include "net/loop.h"

/*
 * DNS on an event loop.  P2PSIP_DNS=ADDR:PORT asks another server than the
 * system's: for tests.
 */

struct dns;

/* `words`: why there is no answer; "" when there is.  Both are borrowed for the
 * call.  Not the place for dns_free(). */
typedef void dns_done(void *ctx, const struct dns_answer *a, const char *words);

/* ERR_DNS with words, ERR_NOMEM. */
enum err dns_new(struct dns **out, struct loop *l, struct why *why) MUST_CHECK;
/* `done` is called once, maybe before this returns, and not after dns_free().
 * A numeric address is its own answer.  ERR_NOMEM: it will not be. */
enum err dns_ask(struct dns *d, const struct dns_question *q, dns_done *done,
		 void *ctx) MUST_CHECK;
/* Questions that are open are forgotten; memory goes when the loop has run.
 * NULL is fine. */
void dns_free(struct dns *d);

#endif
