/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SQLITE_H
#define STORAGE_SQLITE_H

#include "base/log.h"
#include "core/storage.h"

/*
 * The engine behind `sqlite:PATH`: one file (and SQLite's own beside it), mode
 * 0600, durable at every commit.  One connection reads in the loop's thread,
 * one writes in the worker's.
 */

/*
 * Opens or makes the database of the overlay `name`.  One that is damaged, and
 * that was this overlay's before, is set aside: renamed, never deleted, which
 * `log` tells, and a new one made.  ERR_NOMEM, ERR_CANTCREAT (the file cannot
 * be opened, made or renamed), ERR_BUSY (another process has it), ERR_STORAGE
 * (not ours, another overlay's, a later version's; a full disk); words in `why`
 * (may be NULL).  `log` (may be NULL) is borrowed until close() and told of
 * every failure to read or write.
 */
enum err sqlite_open(struct storage *out, const char *path, const char *name,
		     const struct log_sink *log, struct why *why) MUST_CHECK;
/* Sets aside what read() or commit() found damaged (ERR_DAMAGED), after
 * close(). ERR_CANTCREAT, ERR_BUSY. */
enum err sqlite_set_aside(const char *path, const struct log_sink *log,
			  struct why *why) MUST_CHECK;

#endif
