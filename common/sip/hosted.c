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

static enum err load_one(struct hosted *hosted, const char *folder,
			 const struct overlay *o, const struct crypto *c,
			 uint64_t now_ms, struct why *why)
{
	struct hosted_user *u = calloc(1, sizeof(*u));
	struct home h = { 0 };
	enum err r = u == NULL ? ERR_NOMEM : OK;

	if (r == OK && (r = home_open(&h, folder, o->name, why)) == OK &&
	    (r = open_signer(u, &h, o, c, now_ms, why)) == OK &&
	    (r = find_resource(u, c)) == OK)
		r = phone_load(&u->secret, &h, u->signer->cert->user, why);
	if (r == ERR_NOT_FOUND)
		r = why_err(why, ERR_NOT_JOINED,
			    "the phone has no password: p2psip-join "
			    "--sip-password-file");
	home_close(&h);
	if (r == OK) {
		u->next = hosted->first;
		hosted->first = u;
		hosted->n++;
	} else if (u != NULL) {
		signer_close(u->signer, c);
		free(u);
	}
	return r;
}

/* Names the folder, in front of what there is to say. */
static enum err named(enum err r, const char *folder, struct why *why)
{
	struct why inner = *why;

	return why_err(why, r, "%.100s%s%.140s", folder,
		       inner.text[0] == '\0' ? "" : ": ", inner.text);
}

enum err hosted_load(struct hosted *out, const char *dir,
		     const struct overlay *o, const struct crypto *c,
		     uint64_t now_ms, struct why *why)
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
		if (out->n == HOSTED_MAX) {
			r = ERR_FULL;
		} else if ((folder = file_path(dir, e->d_name)) == NULL) {
			r = ERR_NOMEM;
		} else {
			r = load_one(out, folder, o, c, now_ms, why);
			if (r != OK)
				r = named(r, folder, why);
			free(folder);
		}
	}
	(void)closedir(d); /* only read from */
	if (r == OK && out->n == 0)
		r = why_err(why, ERR_USAGE, "--sip-users %.100s: is empty",
			    dir);
	return r;
}

void hosted_clear(struct hosted *h, const struct crypto *c)
{
	struct hosted_user *u;

	while ((u = h->first) != NULL) {
		h->first = u->next;
		signer_close(u->signer, c);
		explicit_bzero(&u->secret, sizeof(u->secret));
		free(u);
	}
	*h = (struct hosted){ 0 };
}
