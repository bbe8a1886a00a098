/* SPDX-License-Identifier: ISC */
#ifndef CLI_WALK_H
#define CLI_WALK_H

#include "cli/out.h"
#include "cli/session.h"

/*
 * Walks the ring with Find, RFC 6940 s7.4.4: prints the Resource-IDs that hold
 * something of `kind` (a name or number), a line each, from the first at or
 * after `near` (hex) on, once around; with `one` only that first. ERR_NOT_FOUND
 * when there is none; ERR_USAGE, ERR_UNKNOWN_KIND with words.
 */
enum err walk_print(struct session *s, struct out *o, const char *kind,
		    const char *near, bool one, struct why *why) MUST_CHECK;

#endif
