/* SPDX-License-Identifier: ISC */
/*
 * Owns: modes, lock and names of a database's files.  Does not own: what is in
 * them, but for the lock's.
 */
#include "storage/sqlite_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ASIDE_MAX = 99, NAME_LEN_MAX = 1024 };

enum err sqlite_file_private(const char *path, int *fd, struct why *why)
{
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return why_err(why, ERR_CANTCREAT, "%s: %s", path,
			       strerror(errno));
	if (fchmod(*fd, 0600) != 0)
		return why_err(why, ERR_CANTCREAT, "%s: chmod: %s", path,
			       strerror(errno));
	return OK;
}

static enum err name_of(char out[PATH_MAX], const char *path,
			const char *suffix, struct why *why)
{
	if (snprintf(out, PATH_MAX, "%s%s", path, suffix) >= PATH_MAX)
		return why_err(why, ERR_CANTCREAT, "%s: the path is too long",
			       path);
	return OK;
}

/* SQLite lets two processes share a file; two peers must not.  Its own locks go
 * when any descriptor of the file is closed, so the lock is a file of its own.
 */
enum err sqlite_file_lock(const char *path, int *fd, struct why *why)
{
	char name[PATH_MAX];
	enum err r;

	if ((r = name_of(name, path, "-lock", why)) != OK)
		return r;
	r = sqlite_file_private(name, fd, why);
	if (r == OK && flock(*fd, LOCK_EX | LOCK_NB) != 0)
		r = why_err(why, ERR_BUSY, "%s has another process's lock",
			    path);
	return r;
}

bool sqlite_file_is_of(int lock_fd, const char *name)
{
	char is[NAME_LEN_MAX];
	size_t len = strlen(name);

	return len < sizeof(is) &&
	       pread(lock_fd, is, sizeof(is), 0) == (ssize_t)len &&
	       memcmp(is, name, len) == 0;
}

void sqlite_file_remember(int lock_fd, const char *name)
{
	size_t len = strlen(name);

	if (sqlite_file_is_of(lock_fd, name))
		return;
	/* On a full disk it stays empty: what is damaged is then not known for
	 * ours, and an error. */
	if (ftruncate(lock_fd, 0) == 0 &&
	    pwrite(lock_fd, name, len, 0) != (ssize_t)len)
		(void)ftruncate(lock_fd, 0);
}

static bool is_free(const char *path)
{
	struct stat st;

	return lstat(path, &st) != 0 && errno == ENOENT;
}

static enum err move(const char *from, const char *to, struct why *why)
{
	if (rename(from, to) == 0 || errno == ENOENT)
		return OK;
	return why_err(why, ERR_CANTCREAT,
		       "%s is damaged and cannot be renamed to %s: %s", from,
		       to, strerror(errno));
}

/* The log goes first: without it the file is an older one and found damaged
 * again, but a log without its file would be deleted by SQLite. */
enum err sqlite_file_set_aside(const char *path, const char *damage,
			       const struct log_sink *log, struct why *why)
{
	char from_log[PATH_MAX], to[PATH_MAX], to_log[PATH_MAX], suffix[32];
	enum err r;

	if ((r = name_of(from_log, path, "-wal", why)) != OK)
		return r;
	for (int i = 1; i <= ASIDE_MAX; i++) {
		(void)snprintf(suffix, sizeof(suffix), ".damaged-%d", i);
		if ((r = name_of(to, path, suffix, why)) != OK ||
		    (r = name_of(to_log, to, "-wal", why)) != OK)
			return r;
		if (!is_free(to) || !is_free(to_log))
			continue;
		if ((r = move(from_log, to_log, why)) != OK ||
		    (r = move(path, to, why)) != OK)
			return r;
		log_line(log, LOG_ERROR,
			 "storage: %s is damaged: %s: set aside as %s; values "
			 "come back from other peers",
			 path, damage, to);
		return OK;
	}
	return why_err(why, ERR_CANTCREAT,
		       "%s is damaged, and %d others have been set aside", path,
		       ASIDE_MAX);
}
