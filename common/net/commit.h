/* SPDX-License-Identifier: ISC */
#ifndef NET_COMMIT_H
#define NET_COMMIT_H

#include <uv.h>

#include "core/storage.h"

/*
 * Group commit: batches that come while one transaction is being written share
 * the next.  Writing is done in a worker thread.
 */

struct commit;

/* From the loop, in the order in which batches were added. */
typedef void commit_ended(void *ctx, uint64_t batch_id, enum err r);

/* `s` NULL: every batch fails with ERR_STORAGE.  ERR_NOMEM. */
enum err commit_new(struct commit **out, uv_loop_t *loop,
		    const struct storage *s, commit_ended *ended,
		    void *ctx) MUST_CHECK;
void commit_add_take(struct commit *c, struct batch *b);
/* Waits for the transaction under way; what has not begun is dropped.  No call
 * comes any more. */
void commit_free(struct commit *c);

#endif
