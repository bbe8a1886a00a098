/* SPDX-License-Identifier: ISC */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include "net/loop.h"

/* A line on stderr about what takes more than a second, for a person at a
 * terminal: never elsewhere, and never under -q. */

struct progress;

/* `what` is borrowed.  NULL where nobody looks, or without memory. */
struct progress *progress_start(struct loop *l, const char *what);
/* Takes the line away.  NULL is fine. */
void progress_end(struct progress *p);

#endif
