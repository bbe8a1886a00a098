/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SQLITE_FILE_H
#define STORAGE_SQLITE_FILE_H

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"

/*
 * The files of one database: PATH, SQLite's PATH-wal and PATH-shm beside it,
 * and PATH-lock, which keeps other processes out and remembers which overlay's
 * values are at PATH.
 */

/* Opens or makes a file of mode 0600, not through a symbolic link;
 * ERR_CANTCREAT. */
enum err sqlite_file_private(const char *path, int *fd,
			     struct why *why) MUST_CHECK;
/* Opens PATH-lock and takes the lock, which goes when `*fd` is closed.
 * ERR_CANTCREAT, ERR_BUSY: another process has it. */
enum err sqlite_file_lock(const char *path, int *fd,
			  struct why *why) MUST_CHECK;
/* Was there a good database of the overlay `name` before? */
bool sqlite_file_is_of(int lock_fd, const char *name);
/* There is one now. */
void sqlite_file_remember(int lock_fd, const char *name);
/* Renames a damaged database, and its log with it, to PATH.damaged-N, the first
 * that is free, and says so in `log`; ERR_CANTCREAT.  Nobody has it open. */
enum err sqlite_file_set_aside(const char *path, const char *damage,
			       const struct log_sink *log,
			       struct why *why) MUST_CHECK;

#endif
