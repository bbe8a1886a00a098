/* SPDX-License-Identifier: ISC */
#ifndef CORE_RESYNC_H
#define CORE_RESYNC_H

#include "core/copy.h"

struct node;
struct resync;

/*
 * A replica Store was refused because the other node has newer values: they are
 * fetched from it and replace this node's, RFC 6940 s7.4.1.1.
 */

/* OK: v[i].there says what need not be sent.  Called in a later step. */
typedef void resync_done(struct node *n, void *ctx, enum err r);

/* `v` is borrowed until `done` or resync_cancel(). */
enum err resync_start(struct node *n, const struct node_id *from,
		      const struct node_id *resource, struct copy_value *v,
		      size_t n_v, resync_done *done, void *ctx,
		      struct resync **out) MUST_CHECK;
void resync_cancel(struct node *n, struct resync *s); /* NULL is fine */
void resync_clear(struct node *n);

/* The body of a FetchReq or StatReq for the values with just these keys; they
 * are of one resource and sorted by Kind.  In n->arena. */
enum err resync_question(struct node *n, const struct node_id *resource,
			 const struct replica_value *v, size_t n_v,
			 struct slice *body) MUST_CHECK;

#endif
