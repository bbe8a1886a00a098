/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPREPLY_H
#define SIP_SIPREPLY_H

#include "crypto/hexhash.h"
#include "sip/flow.h"
#include "sip/sipfield.h"

/* Answers to requests: what they repeat, where they go.  RFC 3261 s8.2.6,
 * s18.2, RFC 3581. */

/* Is there a way back for an answer: a Via that can be read? */
bool sipreply_possible(const struct sipmsg *m);
/*
 * Why a request cannot be handled: 0, 400, 505; `words` then says more.  When
 * it can, the fields of RFC 3261 s8.1.1 are there, each once (Max-Forwards may
 * be missing), and they, the Vias and the Contacts are what s25.1 says.
 */
unsigned sipreply_check(const struct sipmsg *m, const char **words);
/* Extensions that must be understood and are not among `known`, which NULL
 * ends: `*status` becomes 420, with `fields` appended.  RFC 3261 s8.2.2.3. */
enum err sipreply_require(const struct sipmsg *m, const char *const *known,
			  unsigned *status, struct buf *fields) MUST_CHECK;
/* The tag that all answers to one request have, by its key: nobody without the
 * secret can tell it.  RFC 3261 s8.2.7, s19.3.  ERR_ALGORITHM. */
enum err sipreply_tag(struct slice secret, struct slice key,
		      char out[static HEXHASH_MAX]) MUST_CHECK;
/*
 * Appends the fields that every answer repeats: Via (the topmost with received
 * and rport), From, To with `tag` where it has none, Call-ID, CSeq; of those
 * that came more than once the first, of those that did not, none.  `tag` NULL:
 * of a 100, which has none, s17.2.1.
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
