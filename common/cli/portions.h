/* SPDX-License-Identifier: ISC */
#ifndef CLI_PORTIONS_H
#define CLI_PORTIONS_H

#include "cli/session.h"

/* What is done with each answer; `*res` is borrowed for the call. */
typedef enum err portion_fn(void *ctx, const struct result *res,
			    struct why *why);

/*
 * A CMD_FETCH, or what it asks for in as many of them as the answers need: one
 * answer is no larger than a message of the overlay.  Lists are made in `a`.
 */
enum err portions_fetch(struct session *s, const struct command *fetch,
			struct arena *a, portion_fn *each, void *ctx,
			struct why *why) MUST_CHECK;

#endif
