/* SPDX-License-Identifier: ISC */
/*
 * Owns: counting what was refused, so that whoever looks at a peer sees that it
 * is being harmed, and how: in its log (-v), once in a while.  Does not own:
 * the trace, which has each case.
 */
#include "core/tally.h"

#include <stdio.h>

#include "core/state.h"

static bool listens(const struct node *n)
{
	return n->cfg.log != NULL && n->cfg.log->max >= LOG_DEBUG;
}

void tally_count(struct node *n, enum err r)
{
	struct tally *t = &n->tally;

	if (r == OK)
		return;
	t->n[r]++;
	if (t->timer.pos == 0 && listens(n))
		node_timer(n, &t->timer, TIMER_TALLY,
			   n->now.mono_us + TALLY_US);
}

void tally_timer(struct node *n)
{
	const struct tally *t = &n->tally;
	char line[1000] = "";
	size_t len = 0;

	for (unsigned r = OK + 1; r < ERR_N && len < sizeof(line); r++)
		if (t->n[r] > 0)
			len += (size_t)snprintf(
				line + len, sizeof(line) - len, "%s%s %llu",
				len == 0 ? "" : ", ", err_name((enum err)r),
				(unsigned long long)t->n[r]);
	log_line(n->cfg.log, LOG_DEBUG, "refused so far: %s", line);
}

void tally_clear(struct node *n)
{
	heap_cancel(&n->timers, &n->tally.timer);
}
