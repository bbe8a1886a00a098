/* SPDX-License-Identifier: ISC */
/* Digest secrets of phones, made of passwords and kept in the home: RFC 3261
 * s22.4, RFC 7616 s3.4.2, RFC 8760. */
#include "sip/phone.h"

#include <string.h>

enum { TEXT_MAX = 8192 };

/* The local part of a user name, or ERR_DATA where it has none or where the
 * form of the file could not hold it. */
static enum err local_part(const char *user, struct slice *out, struct why *why)
{
	const char *at = strrchr(user, '@');

	if (at == NULL || at == user || strchr(user, ':') != NULL)
		return why_err(why, ERR_DATA, "%.100s is no address of a phone",
			       user);
	*out = slice_of(user, (size_t)(at - user));
	return OK;
}

enum err phone_save(const struct home *h, const char *user,
		    struct slice password, struct why *why)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	char ha1[HEXHASH_MAX];
	struct slice names[2] = { { 0 }, slice_str(user) };
	enum err r = local_part(user, &names[0], why);

	for (unsigned i = 0; i < 2 * HEXHASH_N && r == OK; i++) {
		struct slice name = names[i / HEXHASH_N];

		r = digest_make_ha1((enum hexhash_alg)(i % HEXHASH_N), name,
				    h->name, password, ha1);
		if (r == OK)
			r = buf_printf(&text, "%.*s:%s:%s\n", (int)name.len,
				       (const char *)name.p, h->name, ha1);
	}
	if (r == OK)
		r = home_save_phone(h, user, buf_slice(&text), why);
	explicit_bzero(ha1, sizeof(ha1));
	buf_wipe(&text);
	return r;
}

/* One line; others' are passed over. */
static void take_line(struct registrar_secret *out, const struct home *h,
		      const char *user, struct slice local, char *line)
{
	char *name = strsep(&line, ":"), *realm = strsep(&line, ":");
	struct digest_ha1 *to = NULL;

	if (line == NULL || strcmp(realm, h->name) != 0)
		return;
	if (slice_eq(slice_str(name), local))
		to = &out->local;
	else if (strcmp(name, user) == 0)
		to = &out->whole;
	for (unsigned i = 0; i < HEXHASH_N && to != NULL; i++)
		if (strlen(line) == hexhash_len((enum hexhash_alg)i))
			memcpy(to->v[i], line, strlen(line) + 1);
}

enum err phone_load(struct registrar_secret *out, const struct home *h,
		    const char *user, struct why *why)
{
	struct buf text = BUF_INIT(TEXT_MAX);
	struct slice local;
	char *line, *rest;
	enum err r;

	*out = (struct registrar_secret){ 0 };
	if ((r = local_part(user, &local, why)) != OK ||
	    (r = home_load_phone(h, user, &text, why)) != OK ||
	    (r = buf_append_u8(&text, '\0')) != OK)
		goto out;
	rest = (char *)text.p;
	while ((line = strsep(&rest, "\n")) != NULL)
		take_line(out, h, user, local, line);
	if (out->local.v[HEXHASH_MD5][0] == '\0' &&
	    out->local.v[HEXHASH_SHA256][0] == '\0')
		r = why_err(why, ERR_DATA,
			    "the SIP password of %.100s is of another user or "
			    "overlay",
			    user);
out:
	buf_wipe(&text);
	return r;
}
