/* SPDX-License-Identifier: ISC */
#ifndef SIP_TRANSACTION_H
#define SIP_TRANSACTION_H

#include "base/heap.h"
#include "sip/flow.h"
#include "sip/sipfield.h"

/*
 * Server transactions other than INVITE's, RFC 3261 s17.2.2: a request that
 * comes again gets the answer that it has got.  Pure: time is a parameter.  Not
 * libosip2's: one of its transactions takes 15 KB for half a minute and reads
 * the clock; one of these is its answer.
 */

enum {
	TRANSACTION_MAX = 32768,    /* at a time */
	TRANSACTION_KEY_MAX = 2048, /* bytes */
	TRANSACTION_J_MS = 32000    /* Timer J over datagrams, 64 times T1 */
};

struct transaction;
struct transaction_table;

enum err transaction_table_new(struct transaction_table **out) MUST_CHECK;
void transaction_table_free(struct transaction_table *t);
size_t transaction_count(const struct transaction_table *t);

/* What tells requests apart, s17.2.3, appended to `out`; `method` is the
 * request's, but INVITE for an ACK or a CANCEL that looks for its own.
 * ERR_LIMIT.
 */
enum err transaction_key(const struct sipmsg *m, struct slice method,
			 struct buf *out) MUST_CHECK;
/* NULL when it is a new one. */
struct transaction *transaction_find(struct transaction_table *t,
				     struct slice key);
/*
 * A new one, with the head of its answers and where they go.  It stays until
 * it is answered, and then for Timer J.  ERR_FULL, ERR_NOMEM.
 */
enum err transaction_begin(struct transaction_table *t, struct slice key,
			   struct slice head, const struct flow *to,
			   struct transaction **out) MUST_CHECK;
/* By its number, which is none's twice; NULL when it is gone. */
struct transaction *transaction_by_id(struct transaction_table *t, uint64_t id);
uint64_t transaction_id(const struct transaction *t);
const struct flow *transaction_flow(const struct transaction *t);
/* The answer: empty before transaction_answer(), which makes it from the head.
 */
struct slice transaction_answered(const struct transaction *t);
enum err transaction_answer(struct transaction_table *table,
			    struct transaction *t, unsigned status,
			    struct slice fields, uint64_t now_us) MUST_CHECK;
/* When transaction_expire() has something to do, or NEVER. */
uint64_t transaction_deadline(const struct transaction_table *t);
void transaction_expire(struct transaction_table *t, uint64_t now_us);

#endif
