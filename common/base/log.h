/* SPDX-License-Identifier: ISC */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_MESSAGES };

/* Where lines go: `line` has no newline and is borrowed for the call. */
struct log_sink {
	void (*write)(void *ctx, enum log_level level, const char *line);
	void *ctx;
	enum log_level max; /* more verbose lines are not made */
};

/* Formats one line (1000 chars at most) and hands it on; `s` may be NULL. */
void log_line(const struct log_sink *s, enum log_level level, const char *fmt,
	      ...) __attribute__((format(printf, 3, 4)));

#endif
