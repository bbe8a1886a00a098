/* SPDX-License-Identifier: ISC */
#ifndef CORE_READ_H
#define CORE_READ_H

#include "core/storage.h"

struct node;
struct event;
struct read;

/* Storage reads and commits under way: FX_READ .. EV_READ, FX_COMMIT ..
 * EV_COMMITTED. */

typedef void read_done(struct node *n, void *ctx, enum err r,
		       const struct query_answer *answers, size_t n_answers);
typedef void commit_done(struct node *n, void *ctx, enum err r);

struct reads {
	struct read *first, *last; /* reads and commits, by age */
	uint64_t last_id;
};

/* The queries (copied) are answered together; `done` is called in a later step,
 * also with an error.  ERR_NOMEM. */
enum err read_start(struct node *n, const struct query *q, size_t n_queries,
		    read_done *done, void *ctx) MUST_CHECK;
/* Hands the batch over (also on failure) and gives it its id.  `done` may be
 * NULL. */
enum err read_commit_take(struct node *n, struct batch *b, commit_done *done,
			  void *ctx) MUST_CHECK;
/* EV_READ, EV_COMMITTED. */
void read_ended(struct node *n, const struct event *ev);
void read_clear(struct node *n);

#endif
