/* SPDX-License-Identifier: ISC */
#ifndef CORE_TALLY_H
#define CORE_TALLY_H

#include "base/err.h"
#include "base/heap.h"

struct node;

/* How often what others sent was refused, dropped or ended their link, by
 * error.  `{ 0 }` is none. */
struct tally {
	uint64_t n[ERR_N];
	struct timer timer; /* set: there is something new to be logged */
};

/* One more; OK counts nothing. */
void tally_count(struct node *n, enum err r);
/* Logs the sums, for TIMER_TALLY. */
void tally_timer(struct node *n);
void tally_clear(struct node *n);

#endif
