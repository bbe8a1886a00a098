/* SPDX-License-Identifier: ISC */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <uv.h>

#include "core/node.h"

/* The event loop, a thin cover over libuv: clocks, deadlines, signals. */

struct loop;

/* SIGPIPE is ignored from here on.  ERR_SYS. */
enum err loop_new(struct loop **out) MUST_CHECK;
/* Closes its signals and runs until every handle is closed.  All timers, links
 * and drivers must be stopped.  NULL is fine. */
void loop_free(struct loop *l);
uv_loop_t *loop_uv(struct loop *l);

/* Runs until loop_stop() or until nothing is waited for. */
void loop_run(struct loop *l);
/* One round, waiting for something to happen. */
void loop_run_once(struct loop *l);
void loop_stop(struct loop *l);

/* Both clocks, read now. */
struct now loop_now(void);
/* 32 bytes of the system's randomness.  ERR_SYS. */
enum err loop_seed(uint8_t seed[static 32]) MUST_CHECK;

/*
 * A deadline.  Owned by the loop from loop_deadline_new() to
 * loop_deadline_free(), which may be called from its own callback.
 */
struct loop_deadline;
typedef void loop_deadline_cb(void *ctx);
enum err loop_deadline_new(struct loop *l, loop_deadline_cb *cb, void *ctx,
			   struct loop_deadline **out) MUST_CHECK;
/* Sets or moves it: mono_us, or NEVER.  Never fires early. */
void loop_deadline_set(struct loop_deadline *d, uint64_t at_us);
void loop_deadline_free(struct loop_deadline *d); /* NULL is fine */

/* Calls back in the loop for each `signum`.  ERR_SYS, ERR_NOMEM. */
enum err loop_on_signal(struct loop *l, int signum,
			void (*cb)(void *ctx, int signum),
			void *ctx) MUST_CHECK;

#endif
