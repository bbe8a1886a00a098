/* SPDX-License-Identifier: ISC */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>

#include "base/err.h"

#define NEVER UINT64_MAX /* a deadline that never comes */

/*
 * A timer: embedded in what it wakes; `{ 0 }` is a timer that is not set.  The
 * heap borrows it until it fires or heap_cancel().
 */
struct timer {
	uint64_t at_us; /* monotonic clock, when it is due */
	uint32_t pos;   /* index in the heap plus one; 0: not set */
	uint32_t type;  /* what to do: the owner's enum */
};

struct heap_entry {
	uint64_t at_us, seq; /* the timer's */
	struct timer *t;
};

/* Pending timers, earliest first, ties in the order in which they were set. */
struct heap {
	struct heap_entry *v;
	uint32_t n, cap;
	uint64_t seq;
};

/* Sets or moves `t`.  ERR_NOMEM leaves it as it was. */
enum err heap_set(struct heap *h, struct timer *t, uint64_t at_us) MUST_CHECK;
/* No effect when it is not set. */
void heap_cancel(struct heap *h, struct timer *t);
/* When the earliest is due, or NEVER. */
uint64_t heap_next(const struct heap *h);
/* Takes out the earliest timer that is due at `now_us`, or NULL. */
struct timer *heap_pop(struct heap *h, uint64_t now_us);
void heap_clear(struct heap *h);

/* The struct in which member `m` is embedded at address `p`. */
#define container_of(p, type, m)                                               \
	((type *)(void *)((char *)(p)-offsetof(type, m)))

#endif
