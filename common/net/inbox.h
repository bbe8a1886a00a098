/* SPDX-License-Identifier: ISC */
#ifndef NET_INBOX_H
#define NET_INBOX_H

#include "core/node.h"
#include "net/driver.h"

/* Events that wait for their step, first come, first served, with what they
 * point to. */

struct inbox_event {
	struct inbox_event *next;
	struct event event;
	struct arena arena;     /* READ: the answers; CONFIG: `document` */
	struct cert *cert;      /* LINK_UP: a reference */
	struct command command; /* COMMAND: what it points to is the caller's */
	uint8_t config_type;    /* CONFIG: 0, or what `document` is */
	struct slice document;  /* CONFIG: not yet judged */
	struct overlay *owned;  /* CONFIG: the new one */
	struct why why;         /* CONFIG: `info` */
};

/* `{ 0 }` is empty. */
struct inbox {
	struct inbox_event *head, *last;
};

/* A new event at the end, zeroed but for its type; NULL without memory. */
struct inbox_event *inbox_add(struct inbox *in, enum event_type type);
/* A document that is to be judged, FX_CONFIG. */
void inbox_document(struct inbox_event *e, const struct effect *fx);
/* Judges it by what is in use now, if it is such an event: more may have
 * changed since it came. */
void inbox_judge(struct inbox_event *e, const struct driver_config *cfg);
/* The first one, the caller's from here on, or NULL. */
struct inbox_event *inbox_take(struct inbox *in);
/* Frees all but `owned`. */
void inbox_event_free(struct inbox_event *e, const struct crypto *c);
/* Frees all, `owned` too. */
void inbox_clear(struct inbox *in, const struct crypto *c);

#endif
