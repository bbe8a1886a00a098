/* SPDX-License-Identifier: ISC */
/*
 * Storage reads and commits under way, matched with their ends.  What is read
 * and written is the callers'.
 */
#include "core/read.h"

#include <stdlib.h>

#include "core/state.h"

struct read {
	struct read *prev, *next;
	uint64_t id;
	read_done *read; /* of a read; NULL: a commit */
	commit_done *commit;
	void *ctx;
};

static struct read *begin(struct node *n, void *ctx)
{
	struct reads *rs = &n->reads;
	struct read *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->id = ++rs->last_id;
	r->ctx = ctx;
	r->prev = rs->last;
	*(r->prev == NULL ? &rs->first : &r->prev->next) = r;
	rs->last = r;
	return r;
}

static void drop(struct reads *rs, struct read *r)
{
	*(r->prev == NULL ? &rs->first : &r->prev->next) = r->next;
	*(r->next == NULL ? &rs->last : &r->next->prev) = r->prev;
	free(r);
}

static enum err copy_queries(struct arena *a, const struct query *q, size_t n,
			     const struct query **out)
{
	struct query *copy = arena_zalloc(a, n, sizeof(*copy));

	if (copy == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++) {
		copy[i] = q[i];
		if ((q[i].first.p != NULL &&
		     arena_dup(a, q[i].first, &copy[i].first) != OK) ||
		    (q[i].last.p != NULL &&
		     arena_dup(a, q[i].last, &copy[i].last) != OK))
			return ERR_NOMEM;
	}
	*out = copy;
	return OK;
}

enum err read_start(struct node *n, const struct query *q, size_t n_queries,
		    read_done *done, void *ctx)
{
	struct effect fx = { .type = FX_READ, .n_queries = n_queries };
	struct read *r;

	if (copy_queries(&n->arena, q, n_queries, &fx.queries) != OK ||
	    (r = begin(n, ctx)) == NULL)
		return ERR_NOMEM;
	r->read = done;
	fx.id = r->id;
	if (node_effect(n, &fx) != OK) {
		drop(&n->reads, r);
		return ERR_NOMEM;
	}
	return OK;
}

enum err read_commit_take(struct node *n, struct batch *b, commit_done *done,
			  void *ctx)
{
	struct effect fx = { .type = FX_COMMIT, .batch = b };
	struct read *r = begin(n, ctx);

	if (r == NULL)
		goto fail;
	r->commit = done;
	b->id = fx.id = r->id;
	if (node_effect(n, &fx) == OK)
		return OK;
	drop(&n->reads, r);
fail:
	batch_free(b);
	return ERR_NOMEM;
}

void read_ended(struct node *n, const struct event *ev)
{
	struct read *r = n->reads.first, ended;

	while (r != NULL &&
	       (r->id != ev->id || (r->read != NULL) != (ev->type == EV_READ)))
		r = r->next;
	if (r == NULL) {
		node_trace(n, "no read or commit %llu",
			   (unsigned long long)ev->id);
		return;
	}
	ended = *r;
	drop(&n->reads, r);
	if (ended.read != NULL)
		ended.read(n, ended.ctx, ev->err, ev->answers, ev->n_answers);
	else if (ended.commit != NULL)
		ended.commit(n, ended.ctx, ev->err);
}

void read_clear(struct node *n)
{
	while (n->reads.first != NULL)
		drop(&n->reads, n->reads.first);
}
