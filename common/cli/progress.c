/* SPDX-License-Identifier: ISC */
/*
 * The progress line: one, redrawn in place, erased at the end.
 */
#include "cli/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/opt.h"

#define FIRST_US UINT64_C(1000000)
#define EVERY_US UINT64_C(250000)

struct progress {
	struct loop_deadline *timer;
	const char *what;
	uint64_t start_us;
	bool shown;
};

static void draw(void *ctx)
{
	struct progress *p = ctx;
	uint64_t now_us = loop_now().mono_us;

	fprintf(stderr, "\r%s: %s, %.0f s\033[K", opt_tool(), p->what,
		(double)(now_us - p->start_us) / 1e6);
	p->shown = true;
	loop_deadline_set(p->timer, now_us + EVERY_US);
}

struct progress *progress_start(struct loop *l, const char *what)
{
	struct progress *p;

	if (opt_common.quiet || opt_common.verbose > 0 ||
	    !isatty(STDERR_FILENO) || (p = calloc(1, sizeof(*p))) == NULL)
		return NULL;
	p->what = what;
	p->start_us = loop_now().mono_us;
	if (loop_deadline_new(l, draw, p, &p->timer) != OK) {
		free(p);
		return NULL;
	}
	loop_deadline_set(p->timer, p->start_us + FIRST_US);
	return p;
}

void progress_end(struct progress *p)
{
	if (p == NULL)
		return;
	if (p->shown)
		fputs("\r\033[K", stderr);
	loop_deadline_free(p->timer);
	free(p);
}
