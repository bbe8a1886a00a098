/* SPDX-License-Identifier: ISC */
#ifndef NET_TURN_H
#define NET_TURN_H

#include <stdbool.h>
#include <uv.h>

/*
 * What is done once for all that came at about the same time: records on links,
 * batches in a transaction.  A turn ends when a round of the loop has brought
 * nothing more for it, which is at once where nothing waits to be read, and
 * after TURN_US at the latest.
 */

enum { TURN_US = 5000 };

/* Embedded in its owner, which lives until `closed` is called. */
struct turn {
	uv_prepare_t end;
	uv_idle_t again; /* lets the loop go round without waiting */
	void (*ended)(void *ctx);
	void (*closed)(void *ctx);
	void *ctx;
	uint64_t until_us; /* monotonic; 0: nobody wants an end */
	bool more;         /* wanted since the last round */
};

void turn_init(struct turn *t, uv_loop_t *loop, void (*ended)(void *ctx),
	       void *ctx);
/* `ended` will be called once, however often this is. */
void turn_want(struct turn *t);
/* `ended` is not called any more. */
void turn_close(struct turn *t, void (*closed)(void *ctx));

#endif
