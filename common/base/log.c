/* SPDX-License-Identifier: ISC */
/*
 * One formatted line to whoever listens.  Where it goes (stderr, syslog, a
 * file) and the time before it are the sink's.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"

void log_line(const struct log_sink *s, enum log_level level, const char *fmt,
	      ...)
{
	char line[1001];
	va_list ap;
	int n;

	if (s == NULL || s->write == NULL || level > s->max)
		return;
	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_tame(line);
	s->write(s->ctx, level, line);
}
