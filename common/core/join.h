/* SPDX-License-Identifier: ISC */
#ifndef CORE_JOIN_H
#define CORE_JOIN_H

#include "base/heap.h"
#include "core/node.h"
#include "core/request.h"

struct node;

/* Entering and leaving: bootstrap (RFC 6940 s11.4), join (s10.5), Leave
 * (s10.9). */

struct join {
	struct timer timer;
};

/* CMD_START and CMD_LEAVE. */
enum err join_start(struct node *n, const struct command *c) MUST_CHECK;
enum err join_leave(struct node *n, const struct command *c) MUST_CHECK;
/* The ring has lost all its successors: enter again, s10.7.1. */
void join_again(struct node *n);
request_handler join_on_join;
request_handler join_on_leave;
void join_timer(struct node *n, struct timer *t);
void join_clear(struct node *n);

#endif
