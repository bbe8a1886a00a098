/* SPDX-License-Identifier: ISC */
/*
 * The home: which files there are, who may read them, and which overlay and
 * identity are meant when there are several.  What is in a key or a certificate
 * is the crypto's; how files are written is file.c's.  RFC 6940 s11.2 to s11.4.
 */
#include "conf/home.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "conf/address.h"
#include "conf/compiled.h"
#include "conf/file.h"

/* Names found in a folder, for "say which": the first, and how many. */
struct choice {
	char first[2 * NAME_MAX + 1];
	char all[160]; /* cut where there are many */
	size_t n;
};

static char *default_dir(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (state != NULL && state[0] == '/')
		return file_path(state, "p2psip");
	if ((home == NULL || home[0] != '/') && (pw = getpwuid(geteuid())))
		home = pw->pw_dir;
	return home == NULL ? NULL : file_path(home, ".local/state/p2psip");
}

/* A user name as the name of a folder, and back: bytes that are not harmless
 * everywhere stand as %HH. */
static void folder_name(char out[3 * CERT_USER_MAX + 1], const char *user)
{
	for (const char *p = user; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < 0x80 && (isalnum(c) || strchr("@_+-", c) != NULL ||
				 (c == '.' && p != user)))
			*out++ = (char)c;
		else
			out += snprintf(out, 4, "%%%02x", c);
	}
	*out = '\0';
}

static enum err user_name(char out[CERT_USER_MAX + 1], const char *folder)
{
	char again[3 * CERT_USER_MAX + 1];
	size_t n = 0;

	for (const char *p = folder; *p != '\0'; p++) {
		unsigned v = (unsigned char)*p;

		if (n == CERT_USER_MAX ||
		    (*p == '%' && sscanf(p + 1, "%2x", &v) != 1))
			return ERR_DATA;
		if (*p == '%')
			p += p[1] == '\0' || p[2] == '\0' ? 1 : 2;
		out[n++] = (char)v;
	}
	out[n] = '\0';
	/* Only a folder that this would be looked up in. */
	folder_name(again, out);
	return strcmp(again, folder) == 0 ? OK : ERR_DATA;
}

/* The folders in `dir` that hold `file`. */
static enum err choices(struct choice *c, const char *dir, const char *file)
{
	struct dirent *e;
	enum err r = OK;
	size_t used = 0;
	DIR *d;

	*c = (struct choice){ 0 };
	if ((d = opendir(dir)) == NULL)
		return errno == ENOENT ? OK : ERR_SYS;
	while (r == OK && (e = readdir(d)) != NULL) {
		char *path;

		if (e->d_name[0] == '.')
			continue;
		if (asprintf(&path, "%s/%s/%s", dir, e->d_name, file) < 0) {
			r = ERR_NOMEM;
			break;
		}
		if (access(path, F_OK) == 0) {
			if (c->n++ == 0)
				(void)snprintf(c->first, sizeof(c->first), "%s",
					       e->d_name); /* fits */
			used += (size_t)snprintf(
				c->all + used, sizeof(c->all) - used, "%s%s",
				used == 0 ? "" : ", ", e->d_name);
			if (used >= sizeof(c->all))
				used = sizeof(c->all) - 1;
		}
		free(path);
	}
	(void)closedir(d); /* only read from */
	return r;
}

static enum err set_overlay(struct home *h, const char *name, struct why *why)
{
	if (!address_is_dns_name(name))
		return why_err(why, ERR_USAGE, "%.200s is no overlay name",
			       name);
	memcpy(h->name, name, strlen(name) + 1);
	h->overlay_dir = file_path(h->dir, name);
	return h->overlay_dir == NULL ? ERR_NOMEM : OK;
}

static enum err set_dir(struct home *h, const char *dir, struct why *why)
{
	*h = (struct home){ 0 };
	h->dir = dir != NULL ? strdup(dir) : default_dir();
	if (h->dir != NULL)
		return OK;
	return why_err(why, ERR_SYS, "no home directory: say -d DIR");
}

/* A folder that exists is ours alone. */
static enum err check_dir(const char *path, struct why *why)
{
	if (access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return why_err(why, ERR_NOT_JOINED, "there is no %s", path);
	return file_check_private(path, why);
}

enum err home_open(struct home *h, const char *dir, const char *name,
		   struct why *why)
{
	struct choice c;
	enum err r;

	if ((r = set_dir(h, dir, why)) != OK ||
	    (r = check_dir(h->dir, why)) != OK)
		goto out;
	if (name == NULL) {
		if ((r = choices(&c, h->dir, "overlay.bin")) != OK)
			goto out;
		if (c.n == 0)
			r = why_err(why, ERR_NOT_JOINED, "%s holds no overlay",
				    h->dir);
		else if (c.n > 1)
			r = why_err(why, ERR_USAGE,
				    "%s holds several overlays, say -o: %s",
				    h->dir, c.all);
		if (r != OK)
			goto out;
		name = c.first;
	}
	if ((r = set_overlay(h, name, why)) == OK)
		r = check_dir(h->overlay_dir, why);
out:
	if (r != OK)
		home_close(h);
	return r;
}

enum err home_create(struct home *h, const char *dir, const char *name,
		     struct why *why)
{
	enum err r;

	if ((r = set_dir(h, dir, why)) != OK ||
	    (r = set_overlay(h, name, why)) != OK ||
	    (r = file_make_dir(h->overlay_dir, why)) != OK ||
	    (r = file_check_private(h->dir, why)) != OK ||
	    (r = file_check_private(h->overlay_dir, why)) != OK)
		home_close(h);
	return r;
}

void home_close(struct home *h)
{
	free(h->dir);
	free(h->overlay_dir);
	*h = (struct home){ 0 };
}

enum err home_read(const struct home *h, const char *name, struct buf *out,
		   struct why *why)
{
	char *path = file_path(h->overlay_dir, name);
	enum err r;

	if (path == NULL)
		return ERR_NOMEM;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		r = ERR_NOT_FOUND;
	else
		r = file_read(out, path, why);
	free(path);
	return r;
}

enum err home_write(const struct home *h, const char *name,
		    struct slice content, struct why *why)
{
	char *path = file_path(h->overlay_dir, name);
	enum err r;

	if (path == NULL)
		return ERR_NOMEM;
	r = file_write(path, content, 0600, why);
	free(path);
	return r;
}

enum err home_load_overlay(const struct home *h, uint64_t now_ms,
			   struct overlay **out, struct why *why)
{
	struct buf bytes = BUF_INIT(HOME_FILE_MAX);
	struct overlay *o = NULL;
	enum err r;

	r = home_read(h, "overlay.bin", &bytes, why);
	if (r == ERR_NOT_FOUND)
		r = why_err(why, ERR_NOT_JOINED, "there is no document in %s",
			    h->overlay_dir);
	else if (r == OK)
		r = compiled_decode(&o, buf_slice(&bytes));
	if (r == ERR_CONFIG)
		r = why_err(why, r,
			    "%s/overlay.bin is of another version: run "
			    "p2psip-join --update",
			    h->overlay_dir);
	if (r == OK && o->expiration_ms <= now_ms) {
		char at[32];

		r = why_err(why, ERR_CONFIG_EXPIRED,
			    "at %s: run p2psip-join --update",
			    text_format_time(o->expiration_ms, at));
	}
	buf_clear(&bytes);
	if (r == OK)
		*out = o;
	else
		overlay_free(o);
	return r;
}

enum err home_save_overlay(const struct home *h, const struct overlay *o,
			   struct why *why)
{
	struct buf bytes = BUF_INIT(HOME_FILE_MAX);
	enum err r;

	if ((r = compiled_encode(&bytes, o)) == OK &&
	    (r = home_write(h, "overlay.xml", o->document, why)) == OK)
		r = home_write(h, "overlay.bin", buf_slice(&bytes), why);
	buf_clear(&bytes);
	return r;
}

enum err home_save_update(const struct home *h, struct slice document,
			  struct why *why)
{
	return home_write(h, "update.xml", document, why);
}

void home_drop_update(const struct home *h)
{
	char *path = file_path(h->overlay_dir, "update.xml");

	if (path != NULL)
		(void)unlink(path); /* judged again next time, no harm */
	free(path);
}

/* ---- identities ---- */

/* The path of a user's file, or with "" of the folder. */
static enum err user_file(char **out, const struct home *h, const char *user,
			  const char *file, struct why *why)
{
	char folder[3 * CERT_USER_MAX + 1];

	if (*user == '\0')
		return why_err(why, ERR_USAGE, "the user name is empty");
	if (strlen(user) > CERT_USER_MAX)
		return why_err(why, ERR_USAGE, "the user name is too long");
	folder_name(folder, user);
	if (asprintf(out, "%s/users/%s%s%s", h->overlay_dir, folder,
		     *file == '\0' ? "" : "/", file) >= 0)
		return OK;
	*out = NULL;
	return ERR_NOMEM;
}

static enum err pick_user(const struct home *h, char user[CERT_USER_MAX + 1],
			  struct why *why)
{
	char *users = file_path(h->overlay_dir, "users");
	struct choice c;
	enum err r;

	if (users == NULL)
		return ERR_NOMEM;
	r = choices(&c, users, "cert.pem");
	free(users);
	if (r != OK)
		return r;
	if (c.n == 0)
		return why_err(why, ERR_NOT_JOINED, "no identity in %s",
			       h->overlay_dir);
	if (c.n > 1)
		return why_err(why, ERR_USAGE,
			       "%s holds several users, say -u: %s",
			       h->overlay_dir, c.all);
	if (user_name(user, c.first) != OK)
		return why_err(why, ERR_NOT_JOINED, "%s/users/%s is no user",
			       h->overlay_dir, c.first);
	return OK;
}

static enum err load_identity(struct home_identity *id, const char *key,
			      const char *cert, struct why *why)
{
	enum err r;

	if (access(key, F_OK) != 0 || access(cert, F_OK) != 0)
		return why_err(why, ERR_NOT_JOINED,
			       "the home has no identity of %s", id->user);
	if ((r = file_check_private(key, why)) != OK ||
	    (r = file_read(&id->key, key, why)) != OK)
		return r;
	return file_read(&id->cert, cert, why);
}

enum err home_load_identity(const struct home *h, const char *user,
			    struct home_identity *id, struct why *why)
{
	char *key = NULL, *cert = NULL;
	char only[CERT_USER_MAX + 1];
	enum err r;

	*id = (struct home_identity){ .key = BUF_INIT(HOME_FILE_MAX),
				      .cert = BUF_INIT(HOME_FILE_MAX) };
	if (user == NULL) {
		if ((r = pick_user(h, only, why)) != OK)
			return r;
		user = only;
	}
	if ((r = user_file(&key, h, user, "key.pem", why)) == OK &&
	    (r = user_file(&cert, h, user, "cert.pem", why)) == OK) {
		memcpy(id->user, user, strlen(user) + 1);
		r = load_identity(id, key, cert, why);
	}
	if (r != OK)
		home_identity_clear(id);
	free(key);
	free(cert);
	return r;
}

enum err home_load_key(const struct home *h, const char *user, struct buf *key,
		       struct why *why)
{
	char *path;
	enum err r;

	if ((r = user_file(&path, h, user, "key.pem", why)) != OK)
		return r;
	if (access(path, F_OK) == 0 &&
	    (r = file_check_private(path, why)) == OK)
		r = file_read(key, path, why);
	free(path);
	return r;
}

enum err home_save_identity(const struct home *h,
			    const struct home_identity *id, struct why *why)
{
	char *dir = NULL, *key = NULL, *cert = NULL;
	enum err r;

	if ((r = user_file(&dir, h, id->user, "", why)) == OK &&
	    (r = user_file(&key, h, id->user, "key.pem", why)) == OK &&
	    (r = user_file(&cert, h, id->user, "cert.pem", why)) == OK)
		r = file_make_dir(dir, why);
	if (r == OK && id->key.len > 0)
		r = file_write(key, buf_slice(&id->key), 0600, why);
	if (r == OK && id->cert.len > 0)
		r = file_write(cert, buf_slice(&id->cert), 0600, why);
	free(dir);
	free(key);
	free(cert);
	return r;
}

enum err home_load_phone(const struct home *h, const char *user,
			 struct buf *text, struct why *why)
{
	char *path;
	enum err r;

	if ((r = user_file(&path, h, user, "sip.htdigest", why)) != OK)
		return r;
	if (access(path, F_OK) != 0 && errno == ENOENT)
		r = ERR_NOT_FOUND;
	else if ((r = file_check_private(path, why)) == OK)
		r = file_read(text, path, why);
	free(path);
	return r;
}

enum err home_save_phone(const struct home *h, const char *user,
			 struct slice text, struct why *why)
{
	char *path;
	enum err r;

	if ((r = user_file(&path, h, user, "sip.htdigest", why)) != OK)
		return r;
	r = file_write(path, text, 0600, why);
	free(path);
	return r;
}

void home_identity_clear(struct home_identity *id)
{
	buf_wipe(&id->key);
	buf_clear(&id->cert);
}

/* ---- peers ---- */

enum err home_load_peers(const struct home *h,
			 struct ip_address_port peers[HOME_PEERS_MAX],
			 size_t *n)
{
	struct buf text = BUF_INIT(HOME_FILE_MAX);
	char *line, *rest;
	enum err r;

	*n = 0;
	if ((r = home_read(h, "peers", &text, NULL)) != OK ||
	    (r = buf_append_u8(&text, '\0')) != OK)
		goto out;
	rest = (char *)text.p;
	while (*n < HOME_PEERS_MAX && (line = strsep(&rest, "\n")) != NULL)
		if (address_parse(&peers[*n], line, 0) == OK)
			++*n; /* a line that is none is left out */
out:
	buf_clear(&text);
	return r == ERR_NOMEM ? r : OK; /* it only saves a try or two */
}

enum err home_save_peers(const struct home *h,
			 const struct ip_address_port *peers, size_t n,
			 struct why *why)
{
	struct buf text = BUF_INIT(HOME_FILE_MAX);
	enum err r = OK;

	if (n > HOME_PEERS_MAX)
		n = HOME_PEERS_MAX;
	for (size_t i = 0; r == OK && i < n; i++) {
		char line[ADDRESS_TEXT_MAX];

		r = buf_printf(&text, "%s\n", address_format(&peers[i], line));
	}
	if (r == OK)
		r = home_write(h, "peers", buf_slice(&text), why);
	buf_clear(&text);
	return r;
}

/* ---- the lock ---- */

enum err home_lock(const struct home *h, int *fd, struct why *why)
{
	char *path = file_path(h->overlay_dir, ".lock");
	enum err r = OK;

	if (path == NULL)
		return ERR_NOMEM;
	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (*fd < 0) {
		r = why_err(why, ERR_CANTCREAT, "%s: %s", path,
			    strerror(errno));
	} else {
		while (flock(*fd, LOCK_EX) != 0 && r == OK)
			if (errno != EINTR)
				r = why_err(why, ERR_SYS, "%s: %s", path,
					    strerror(errno));
		if (r != OK)
			home_unlock(*fd);
	}
	free(path);
	return r;
}

void home_unlock(int fd)
{
	(void)close(fd); /* and with it the lock */
}
