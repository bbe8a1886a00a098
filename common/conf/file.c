/* SPDX-License-Identifier: ISC */
/*
 * Whole files: read up to a limit, and replaced so that a reader, or a machine
 * that loses power, sees the old or the new one.  Which files there are is
 * home.c's.
 */
#include "conf/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_CHUNK = 65536 };

char *file_path(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static enum err read_fd(struct buf *out, int fd, const char *path,
			struct why *why)
{
	for (;;) {
		size_t room = out->max - out->len;
		size_t n = room < FILE_CHUNK ? room : FILE_CHUNK;
		uint8_t one, *to = &one;
		ssize_t got;
		enum err r;

		if (n > 0 && (r = buf_extend(out, n, &to)) != OK)
			return r;
		got = read(fd, to, n > 0 ? n : 1);
		out->len -= got > 0 && n > 0 ? n - (size_t)got : n;
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return why_err(why, ERR_NOINPUT, "%s: %s", path,
				       strerror(errno));
		if (got == 0)
			return OK;
		if (n == 0)
			return why_err(why, ERR_LIMIT,
				       "%s: more than %zu bytes", path,
				       out->max);
	}
}

enum err file_read(struct buf *out, const char *path, struct why *why)
{
	size_t before = out->len;
	enum err r;
	int fd;

	if (strcmp(path, "-") == 0) {
		r = read_fd(out, STDIN_FILENO, "standard input", why);
	} else {
		if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			return why_err(why, ERR_NOINPUT, "%s: %s", path,
				       strerror(errno));
		r = read_fd(out, fd, path, why);
		(void)close(fd); /* only read from */
	}
	if (r != OK)
		out->len = before;
	return r;
}

static enum err cannot(struct why *why, const char *path)
{
	return why_err(why, ERR_CANTCREAT, "%s: %s", path, strerror(errno));
}

static bool write_all(int fd, struct slice s)
{
	while (s.len > 0) {
		ssize_t n = write(fd, s.p, s.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		s = slice_sub(s, (size_t)n, s.len - (size_t)n);
	}
	return true;
}

/* Makes the new name of a file in this folder last. */
static bool sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash == NULL   ? strdup(".")
		    : slash == path ? strdup("/")
				    : strndup(path, (size_t)(slash - path));
	int fd = dir == NULL ? -1
			     : open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	free(dir);
	if (fd >= 0)
		(void)close(fd); /* nothing was written to it */
	return ok;
}

enum err file_write(const char *path, struct slice content, mode_t mode,
		    struct why *why)
{
	enum err r = OK;
	char *temp;
	int fd;

	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return ERR_NOMEM;
	if ((fd = mkostemp(temp, O_CLOEXEC)) < 0) {
		r = cannot(why, path);
		goto out;
	}
	if (fchmod(fd, mode) != 0 || !write_all(fd, content) || fsync(fd) != 0)
		r = cannot(why, path);
	if (close(fd) != 0 && r == OK)
		r = cannot(why, path);
	if (r == OK && rename(temp, path) != 0)
		r = cannot(why, path);
	if (r != OK)
		(void)unlink(temp); /* the first failure is the one to tell */
	else if (!sync_dir(path))
		r = cannot(why, path);
out:
	free(temp);
	return r;
}

enum err file_make_dir(const char *path, struct why *why)
{
	char *p = strdup(path);
	enum err r = OK;

	if (p == NULL)
		return ERR_NOMEM;
	for (char *at = p + 1; r == OK && *p != '\0'; at++) {
		char c = *at;

		if (c != '/' && c != '\0')
			continue;
		*at = '\0';
		if (mkdir(p, 0700) != 0 && errno != EEXIST)
			r = cannot(why, p);
		*at = c;
		if (c == '\0')
			break;
	}
	free(p);
	return r;
}

enum err file_check_private(const char *path, struct why *why)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return why_err(why, ERR_NOINPUT, "%s: %s", path,
			       strerror(errno));
	if (st.st_uid != geteuid() && geteuid() != 0)
		return why_err(why, ERR_HOME_MODE, "%s belongs to another user",
			       path);
	if ((st.st_mode & 077) != 0)
		return why_err(why, ERR_HOME_MODE,
			       "%s has mode %04o: chmod %s it", path,
			       (unsigned)(st.st_mode & 07777),
			       S_ISDIR(st.st_mode) ? "700" : "600");
	return OK;
}
