/* SPDX-License-Identifier: ISC */
/* When a turn of the loop ends.  What is done then is its owner's. */
#include "net/turn.h"

#include "net/loop.h"

static void on_again(uv_idle_t *h)
{
	(void)h;
}

static void on_round(uv_prepare_t *h)
{
	struct turn *t = h->data;

	if (t->more && loop_now().mono_us < t->until_us) {
		t->more = false;
		uv_idle_start(&t->again, on_again);
		return;
	}
	uv_idle_stop(&t->again);
	uv_prepare_stop(&t->end);
	t->until_us = 0;
	t->ended(t->ctx);
}

void turn_init(struct turn *t, uv_loop_t *loop, void (*ended)(void *ctx),
	       void *ctx)
{
	*t = (struct turn){ .ended = ended, .ctx = ctx };
	uv_prepare_init(loop, &t->end);
	uv_idle_init(loop, &t->again);
	t->end.data = t;
	t->again.data = t;
}

void turn_want(struct turn *t)
{
	t->more = true;
	if (t->until_us != 0)
		return;
	t->until_us = loop_now().mono_us + TURN_US;
	uv_prepare_start(&t->end, on_round);
}

static void on_idle_closed(uv_handle_t *h)
{
	struct turn *t = h->data;

	t->closed(t->ctx);
}

static void on_prepare_closed(uv_handle_t *h)
{
	struct turn *t = h->data;

	uv_close((uv_handle_t *)&t->again, on_idle_closed);
}

void turn_close(struct turn *t, void (*closed)(void *ctx))
{
	t->closed = closed;
	uv_close((uv_handle_t *)&t->end, on_prepare_closed);
}
