/* SPDX-License-Identifier: ISC */
#ifndef CORE_LEAVE_H
#define CORE_LEAVE_H

#include "core/node.h"
#include "core/request.h"

struct node;

/* Leave, RFC 6940 s6.4.2.2 and s10.9. */

/* CMD_LEAVE: done when the neighbours have answered, LEAVE_WAIT_US at most; the
 * links are closed then. */
enum err leave_start(struct node *n, const struct command *c) MUST_CHECK;
request_handler leave_on_leave;
/* Called by repair.c: all copies are made. */
void leave_copied(struct node *n);
void leave_timer(struct node *n);
void leave_clear(struct node *n);

#endif
