/* SPDX-License-Identifier: ISC */
/*
 * The event loop: libuv's, with clocks that are read and not cached, deadlines
 * in microseconds, and signals.
 */
#include "net/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/heap.h"

struct loop_signal {
	uv_signal_t uv;
	void (*cb)(void *ctx, int signum);
	void *ctx;
	struct loop_signal *next;
};

struct loop {
	uv_loop_t uv;
	struct loop_signal *signals;
};

struct loop_deadline {
	uv_timer_t uv;
	uint64_t at_us;
	loop_deadline_cb *cb;
	void *ctx;
};

enum err loop_new(struct loop **out)
{
	struct loop *l = calloc(1, sizeof(*l));

	if (l == NULL || uv_loop_init(&l->uv) != 0) {
		free(l);
		return ERR_SYS;
	}
	/* A peer that closes its end, or a closed pipe, must not end us. */
	signal(SIGPIPE, SIG_IGN);
	*out = l;
	return OK;
}

static void on_signal_closed(uv_handle_t *h)
{
	free(h->data);
}

void loop_free(struct loop *l)
{
	struct loop_signal *s;

	if (l == NULL)
		return;
	while ((s = l->signals) != NULL) {
		l->signals = s->next;
		uv_close((uv_handle_t *)&s->uv, on_signal_closed);
	}
	while (uv_loop_close(&l->uv) == UV_EBUSY)
		(void)uv_run(&l->uv, UV_RUN_ONCE);
	free(l);
}

uv_loop_t *loop_uv(struct loop *l)
{
	return &l->uv;
}

void loop_run(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_DEFAULT);
}

void loop_run_once(struct loop *l)
{
	(void)uv_run(&l->uv, UV_RUN_ONCE);
}

void loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static uint64_t read_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct now loop_now(void)
{
	return (struct now){ read_us(CLOCK_MONOTONIC),
			     read_us(CLOCK_REALTIME) / 1000 };
}

enum err loop_seed(uint8_t seed[static 32])
{
	return getentropy(seed, 32) == 0 ? OK : ERR_SYS;
}

enum err loop_deadline_new(struct loop *l, loop_deadline_cb *cb, void *ctx,
			   struct loop_deadline **out)
{
	struct loop_deadline *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return ERR_NOMEM;
	uv_timer_init(&l->uv, &d->uv);
	d->uv.data = d;
	d->at_us = NEVER;
	d->cb = cb;
	d->ctx = ctx;
	*out = d;
	return OK;
}

static void on_timer(uv_timer_t *h)
{
	struct loop_deadline *d = h->data;

	/* libuv counts in its own rounded milliseconds. */
	if (loop_now().mono_us < d->at_us)
		loop_deadline_set(d, d->at_us);
	else
		d->cb(d->ctx);
}

void loop_deadline_set(struct loop_deadline *d, uint64_t at_us)
{
	uint64_t now_us = loop_now().mono_us;
	uint64_t wait_us = at_us > now_us ? at_us - now_us : 0;

	d->at_us = at_us;
	uv_timer_stop(&d->uv);
	if (at_us == NEVER)
		return;
	uv_update_time(d->uv.loop);
	uv_timer_start(&d->uv, on_timer, (wait_us + 999) / 1000, 0);
}

static void on_deadline_closed(uv_handle_t *h)
{
	free(h->data);
}

void loop_deadline_free(struct loop_deadline *d)
{
	if (d != NULL)
		uv_close((uv_handle_t *)&d->uv, on_deadline_closed);
}

static void on_signal(uv_signal_t *h, int signum)
{
	struct loop_signal *s = h->data;

	s->cb(s->ctx, signum);
}

enum err loop_on_signal(struct loop *l, int signum,
			void (*cb)(void *ctx, int signum), void *ctx)
{
	struct loop_signal *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	s->cb = cb;
	s->ctx = ctx;
	uv_signal_init(&l->uv, &s->uv);
	s->uv.data = s;
	s->next = l->signals;
	l->signals = s;
	if (uv_signal_start(&s->uv, on_signal, signum) != 0)
		return ERR_SYS;
	uv_unref((uv_handle_t *)&s->uv); /* it alone keeps no loop running */
	return OK;
}
