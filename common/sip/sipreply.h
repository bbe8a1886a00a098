/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPREPLY_H
#define SIP_SIPREPLY_H

#include "sip/flow.h"
#include "sip/sipfield.h"

/* Answers to requests: what they repeat, where they go.  RFC 3261 s8.2.6,
 * s18.2, RFC 3581. */

/* Are the fields there without which nothing can be answered, each once?  RFC
 * 3261 s8.1.1; Max-Forwards may be missing. */
bool sipreply_possible(const struct sipmsg *m);
/* Why a request cannot be handled: 0, 400, 505; `words` then says more. */
unsigned sipreply_check(const struct sipmsg *m, const char **words);
/*
 * Appends the fields that every answer repeats: Via (the topmost with received
 * and rport), From, To with `tag` where it has none, Call-ID, CSeq.
 */
enum err sipreply_head(const struct sipmsg *m, const struct flow *from,
		       const char *tag, struct buf *out) MUST_CHECK;
/* Appends the topmost Via value as it is passed on and repeated: with received
 * and rport, of which those that came are not believed. */
enum err sipreply_via(struct slice item, const struct flow *from,
		      struct buf *out) MUST_CHECK;
/* Where it goes: the connection, else the address that the request came from,
 * at the port that RFC 3581 says. */
void sipreply_to(const struct sipmsg *m, const struct flow *from,
		 struct flow *to);
/* A whole answer: `head` from sipreply_head(), `fields` are more of them or
 * empty; `words` NULL: those of the status. */
enum err sipreply_make(unsigned status, const char *words, struct slice head,
		       struct slice fields, struct buf *out) MUST_CHECK;

#endif
