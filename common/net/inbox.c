/* SPDX-License-Identifier: ISC */
/*
 * The queue in front of a node: what happens while a step is under way waits
 * here, so that steps never nest.
 */
#include "net/inbox.h"

#include <stdlib.h>

enum { READ_ARENA_MAX = 256 << 20 };

struct inbox_event *inbox_add(struct inbox *in, enum event_type type)
{
	struct inbox_event *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->event.type = type;
	e->arena.max = READ_ARENA_MAX;
	if (in->last != NULL)
		in->last->next = e;
	else
		in->head = e;
	in->last = e;
	return e;
}

void inbox_document(struct inbox_event *e, const struct effect *fx)
{
	e->event.id = fx->id;
	e->config_type = fx->config_type;
	e->event.err = arena_dup(&e->arena, fx->bytes, &e->document);
}

void inbox_judge(struct inbox_event *e, const struct driver_config *cfg)
{
	struct event *ev = &e->event;

	if (e->config_type == 0 || ev->err != OK)
		return;
	ev->err = cfg->config == NULL
			  ? ERR_UNSUPPORTED
			  : cfg->config(cfg->ctx, e->config_type, e->document,
					cfg->overlay, &e->owned, &e->why);
	ev->overlay = e->owned;
	ev->info = slice_str(e->why.text);
}

struct inbox_event *inbox_take(struct inbox *in)
{
	struct inbox_event *e = in->head;

	if (e == NULL)
		return NULL;
	if ((in->head = e->next) == NULL)
		in->last = NULL;
	return e;
}

void inbox_event_free(struct inbox_event *e, const struct crypto *c)
{
	c->cert_unref(c->ctx, e->cert);
	arena_free(&e->arena);
	free(e);
}

void inbox_clear(struct inbox *in, const struct crypto *c)
{
	struct inbox_event *e;

	while ((e = inbox_take(in)) != NULL) {
		overlay_free(e->owned);
		inbox_event_free(e, c);
	}
}
