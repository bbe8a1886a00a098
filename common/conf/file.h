/* SPDX-License-Identifier: ISC */
#ifndef CONF_FILE_H
#define CONF_FILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"

/* Whole files, read with a limit and replaced at once. */

/* Appends the content of `path` ("-": the standard input).  ERR_NOINPUT, with
 * the path and the system's reason; ERR_LIMIT past out->max. */
enum err file_read(struct buf *out, const char *path,
		   struct why *why) MUST_CHECK;
/* Writes beside it, syncs and renames, and syncs the folder: a reader sees the
 * old or the new.  ERR_CANTCREAT. */
enum err file_write(const char *path, struct slice content, mode_t mode,
		    struct why *why) MUST_CHECK;
/* Makes `path` and its missing parents, each 0700.  ERR_CANTCREAT. */
enum err file_make_dir(const char *path, struct why *why) MUST_CHECK;
/* Is `path` (a folder or a key) ours and closed to others?  ERR_HOME_MODE,
 * ERR_NOINPUT. */
enum err file_check_private(const char *path, struct why *why) MUST_CHECK;
/* "DIR/NAME" as a new string; NULL without memory. */
char *file_path(const char *dir, const char *name);

#endif
