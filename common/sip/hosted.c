/* SPDX-License-Identifier: ISC */
/*
 * Owns: reading the identities that a peer hosts.  Does not own: what is in a
 * home (conf/home.c), when they are used (front.c).
 */
#include "sip/hosted.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conf/file.h"

static enum err open_signer(struct hosted_user *u, const struct home *h,
			    const struct overlay *o, const struct crypto *c,
			    uint64_t now_ms, struct why *why)
{
	struct home_identity id;
	struct signer_args args = { 0 };
	enum err r;

	if ((r = home_load_identity(h, NULL, &id, why)) != OK)
		return r;
	args.key = buf_slice(&id.key);
	args.cert = buf_slice(&id.cert);
	if ((r = signer_open(&u->signer, c, &args, why)) == OK &&
	    (r = signer_check_time(u->signer, now_ms, why)) == OK &&
	    !overlay_admits_aor(o, slice_str(u->signer->cert->user)))
		r = why_err(why, ERR_FORBIDDEN,
			    "the overlay takes no registration of %.100s",
			    u->signer->cert->user);
	home_identity_clear(&id);
	return r;
}

static enum err find_resource(struct hosted_user *u, const struct crypto *c)
{
	struct slice name = slice_str(u->signer->cert->user);
	uint8_t hash[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = c->hash(c->ctx, HASH_SHA1, &name, 1, hash, &len)) != OK)
		return r;
	return id_from_slice(&u->resource, slice_of(hash, RING_ID_LEN));
}

static enum err load_one(struct hosted_user **out, const char *folder,
			 const struct overlay *o, const struct crypto *c,
			 uint64_t now_ms, struct why *why)
{
	struct hosted_user *u = calloc(1, sizeof(*u));
	struct home h = { 0 };
	enum err r;

	if (u == NULL)
		return ERR_NOMEM;
	u->refs = 1;
	u->crypto = c;
	r = (u->folder = strdup(folder)) == NULL ? ERR_NOMEM : OK;
	if (r == OK && (r = home_open(&h, folder, o->name, why)) == OK &&
	    (r = open_signer(u, &h, o, c, now_ms, why)) == OK &&
	    (r = find_resource(u, c)) == OK)
		r = phone_load(&u->secret, &h, u->signer->cert->user, why);
	if (r == ERR_NOT_FOUND)
		r = why_err(why, ERR_NOT_JOINED,
			    "the phone has no password: p2psip-join "
			    "--sip-password-file");
	home_close(&h);
	if (r == OK)
		*out = u;
	else
		hosted_user_unref(u);
	return r;
}

/* Names the folder, in front of what there is to say. */
static enum err named(enum err r, const char *folder, struct why *why)
{
	struct why inner = *why;

	return why_err(why, r, "%.100s%s%.140s", folder,
		       inner.text[0] == '\0' ? "" : ": ", inner.text);
}

static enum err add_take(struct hosted *h, struct hosted_user *u)
{
	size_t cap = h->cap == 0 ? 16 : 2 * h->cap;
	struct hosted_user **v = h->v;

	if (h->n == HOSTED_MAX) {
		hosted_user_unref(u);
		return ERR_FULL;
	}
	if (h->n == h->cap) {
		v = reallocarray(h->v, cap, sizeof(struct hosted_user *));
		if (v == NULL) {
			hosted_user_unref(u);
			return ERR_NOMEM;
		}
		h->v = v;
		h->cap = cap;
	}
	v[h->n++] = u;
	return OK;
}

/* What a folder is judged by. */
struct reading {
	const struct overlay *overlay;
	const struct crypto *crypto;
	uint64_t now_ms;
	/* Who stays, where the folder cannot be read; NULL: that is a failure.
	 */
	const struct hosted *before;
	const struct log_sink *log;
};

static struct hosted_user *who_stays(const struct reading *g,
				     const char *folder)
{
	for (size_t i = 0; i < g->before->n; i++)
		if (strcmp(g->before->v[i]->folder, folder) == 0)
			return hosted_user_ref(g->before->v[i]);
	return NULL;
}

static enum err read_one(struct hosted *out, const struct reading *g,
			 const char *folder, struct why *why)
{
	struct hosted_user *u = NULL;
	enum err r;

	r = load_one(&u, folder, g->overlay, g->crypto, g->now_ms, why);
	if (r != OK)
		r = named(r, folder, why);
	if (r != OK && r != ERR_NOMEM && g->before != NULL) {
		log_line(g->log, LOG_ERROR, "reload: %s: %s", err_text(r),
			 why->text);
		*why = (struct why){ "" };
		u = who_stays(g, folder);
		r = OK;
	}
	return r != OK || u == NULL ? r : add_take(out, u);
}

static enum err read_all(struct hosted *out, const struct reading *g,
			 const char *dir, struct why *why)
{
	struct dirent *e;
	enum err r = OK;
	char *folder;
	DIR *d = opendir(dir);

	if (d == NULL)
		return why_err(why, ERR_NOINPUT, "--sip-users %.100s: %s", dir,
			       strerror(errno));
	while (r == OK && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.')
			continue;
		if ((folder = file_path(dir, e->d_name)) == NULL)
			r = ERR_NOMEM;
		else
			r = read_one(out, g, folder, why);
		free(folder);
	}
	(void)closedir(d); /* only read from */
	return r;
}

enum err hosted_load(struct hosted *out, const char *dir,
		     const struct overlay *o, const struct crypto *c,
		     uint64_t now_ms, struct why *why)
{
	const struct reading g = { .overlay = o,
				   .crypto = c,
				   .now_ms = now_ms };
	enum err r = read_all(out, &g, dir, why);

	if (r == OK && out->n == 0)
		r = why_err(why, ERR_USAGE, "--sip-users %.100s: is empty",
			    dir);
	return r;
}

enum err hosted_reload(struct hosted *h, const char *dir,
		       const struct overlay *o, const struct crypto *c,
		       uint64_t now_ms, const struct log_sink *log,
		       struct why *why)
{
	const struct reading g = { .overlay = o,
				   .crypto = c,
				   .now_ms = now_ms,
				   .before = h,
				   .log = log };
	struct hosted fresh = { 0 };
	enum err r = read_all(&fresh, &g, dir, why);

	if (r == OK) {
		hosted_clear(h);
		*h = fresh;
	} else {
		hosted_clear(&fresh);
	}
	return r;
}

void hosted_clear(struct hosted *h)
{
	for (size_t i = 0; i < h->n; i++)
		hosted_user_unref(h->v[i]);
	free(h->v);
	*h = (struct hosted){ 0 };
}

struct hosted_user *hosted_user_ref(struct hosted_user *u)
{
	u->refs++;
	return u;
}

void hosted_user_unref(struct hosted_user *u)
{
	if (u == NULL || --u->refs > 0)
		return;
	signer_close(u->signer, u->crypto);
	explicit_bzero(&u->secret, sizeof(u->secret));
	free(u->folder);
	free(u);
}
