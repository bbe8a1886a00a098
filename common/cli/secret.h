/* SPDX-License-Identifier: ISC */
#ifndef CLI_SECRET_H
#define CLI_SECRET_H

#include "base/buf.h"

enum { SECRET_MAX = 1024 /* bytes of a password */ };

/*
 * A password: the first line of `file`; without one, what a person types at the
 * terminal after `prompt` (twice, where it is a new one), or the first line of
 * standard input where that is no terminal.  UTF-8, never from the command
 * line. ERR_NOINPUT, ERR_DATA; the caller wipes `out`.
 */
enum err secret_read(struct buf *out, const char *file, const char *prompt,
		     bool is_new, struct why *why) MUST_CHECK;

#endif
