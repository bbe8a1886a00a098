/* SPDX-License-Identifier: ISC */
/*
 * The queue between the core's batches and a storage engine's transactions, one
 * of which is written at a time.
 */
#include "net/commit.h"

#include <stdlib.h>

#include "net/turn.h"

enum { GROUP_MAX = 100 }; /* batches in one transaction */

struct commit {
	uv_loop_t *loop;
	const struct storage *storage;
	commit_ended *ended;
	void *ctx;
	struct batch **waiting;
	size_t n_waiting, cap;
	struct batch *group[GROUP_MAX]; /* being written */
	enum err status[GROUP_MAX];
	size_t n_group; /* 0: nothing is under way */
	uv_work_t work;
	struct turn turn; /* what has come by its end is written */
};

static void on_work(uv_work_t *w)
{
	struct commit *c = w->data;

	c->storage->commit(c->storage->ctx, c->group, c->n_group, c->status);
}

/* What one turn adds shares a transaction, and its sync. */
static void want(struct commit *c)
{
	if (c->n_group == 0 && c->n_waiting > 0)
		turn_want(&c->turn);
}

static void on_written(uv_work_t *w, int status)
{
	struct commit *c = w->data;
	size_t n = c->n_group;
	enum err r;

	for (size_t i = 0; i < n; i++) {
		r = status == 0 ? c->status[i] : ERR_STORAGE;
		if (c->ended != NULL && r == OK && c->group[i]->unfinished) {
			commit_add_take(c, c->group[i]); /* others go first */
			continue;
		}
		if (c->ended != NULL)
			c->ended(c->ctx, c->group[i]->id, r);
		batch_free(c->group[i]);
	}
	c->n_group = 0;
	want(c);
}

static void on_turn(void *ctx)
{
	struct commit *c = ctx;
	size_t n = c->n_waiting < GROUP_MAX ? c->n_waiting : GROUP_MAX;

	for (size_t i = 0; i < n; i++)
		c->group[i] = c->waiting[i];
	c->n_waiting -= n;
	for (size_t i = 0; i < c->n_waiting; i++)
		c->waiting[i] = c->waiting[i + n];
	c->n_group = n;
	c->work.data = c;
	if (uv_queue_work(c->loop, &c->work, on_work, on_written) != 0)
		abort(); /* it fails only without a callback */
}

enum err commit_new(struct commit **out, uv_loop_t *loop,
		    const struct storage *s, commit_ended *ended, void *ctx)
{
	if ((*out = calloc(1, sizeof(**out))) == NULL)
		return ERR_NOMEM;
	**out = (struct commit){
		.loop = loop, .storage = s, .ended = ended, .ctx = ctx
	};
	turn_init(&(*out)->turn, loop, on_turn, *out);
	return OK;
}

void commit_add_take(struct commit *c, struct batch *b)
{
	struct batch **grown;

	if (c->n_waiting == c->cap) {
		grown = reallocarray(c->waiting, 2 * c->cap + 16,
				     sizeof(*grown));
		if (grown != NULL) {
			c->waiting = grown;
			c->cap = 2 * c->cap + 16;
		}
	}
	if (c->storage == NULL || c->n_waiting == c->cap) {
		c->ended(c->ctx, b->id, ERR_STORAGE);
		batch_free(b);
		return;
	}
	c->waiting[c->n_waiting++] = b;
	want(c);
}

static void on_closed(void *ctx)
{
	free(ctx);
}

void commit_free(struct commit *c)
{
	if (c == NULL)
		return;
	c->ended = NULL;
	for (size_t i = 0; i < c->n_waiting; i++)
		batch_free(c->waiting[i]);
	c->n_waiting = 0;
	while (c->n_group > 0)
		(void)uv_run(c->loop, UV_RUN_ONCE);
	free(c->waiting);
	turn_close(&c->turn, on_closed);
}
