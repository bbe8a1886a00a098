/* SPDX-License-Identifier: ISC */
/*
 * Finding a document and deciding which is in use.  What a document says is
 * checked by conf/overlay_xml.c, fetched by net/enroll.c.  RFC 6940 s11.2.
 */
#include "cli/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/opt.h"
#include "conf/file.h"
#include "conf/overlay_xml.h"
#include "crypto/openssl.h"
#include "net/anchor.h"
#include "net/enroll.h"
#include "net/loop.h"

#define DAY_MS UINT64_C(86400000)
enum { REFRESH_DAYS = 30, SOURCE_MAX = 4096 };

static struct overlay_xml_judge judge(const char *name,
				      const struct overlay *previous)
{
	return (struct overlay_xml_judge){ .name = name,
					   .previous = previous,
					   .now_ms = loop_now().unix_ms,
					   .crypto_open = anchor_open,
					   .crypto_close = openssl_free };
}

static uint64_t end_us; /* of the whole run, mono_us */

uint64_t document_time_left_us(void)
{
	uint64_t now_us = loop_now().mono_us;

	if (end_us == 0)
		end_us = now_us + opt_common.timeout_us;
	return now_us < end_us ? end_us - now_us : 0;
}

static bool is_url(const char *source)
{
	return strstr(source, "://") != NULL;
}

const char *document_cacert(const struct home *h, char path[static 4096])
{
	if (opt_common.cacert != NULL)
		return opt_common.cacert;
	if (h->overlay_dir == NULL)
		return NULL;
	(void)snprintf(path, 4096, "%s/cacert.pem", h->overlay_dir);
	return access(path, R_OK) == 0 ? path : NULL;
}

enum err document_fetch(struct buf *out, const struct home *h,
			const char *source, const char *name, struct why *why)
{
	char path[4096];
	struct enroll_access access = { document_cacert(h, path),
					document_time_left_us() };

	if (source != NULL && !is_url(source))
		return file_read(out, source, why);
	/* RFC 6940 s11.2: the name comes from the user. */
	if (source == NULL && name == NULL)
		return why_err(why, ERR_USAGE,
			       "say which overlay, or where its document is "
			       "with -c");
	return enroll_document(out, source, name, &access, why);
}

/* For the next time: where it came from, and whom to believe there. */
static enum err remember(const struct home *h, const char *source,
			 struct why *why)
{
	struct buf pem = BUF_INIT(HOME_FILE_MAX);
	char *path = NULL;
	enum err r = OK;

	if (source != NULL && !is_url(source) &&
	    (path = realpath(source, NULL)) != NULL)
		source = path;
	if (source != NULL)
		r = home_write(h, "source", slice_str(source), why);
	free(path);
	if (r == OK && opt_common.cacert != NULL &&
	    (r = file_read(&pem, opt_common.cacert, why)) == OK)
		r = home_write(h, "cacert.pem", buf_slice(&pem), why);
	buf_clear(&pem);
	return r;
}

/* A file proves nothing about where it comes from: a person compares. */
static void tell_fingerprint(const struct overlay *o)
{
	struct buf hex = BUF_INIT(2 * HASH_LEN_MAX + 1);
	uint8_t hash[HASH_LEN_MAX];
	struct crypto *c = NULL;
	size_t len;

	if (anchor_open(o, &c) == OK &&
	    c->hash(c->ctx, HASH_SHA256, &o->document, 1, hash, &len) == OK &&
	    text_hex(&hex, slice_of(hash, len)) == OK)
		opt_info(0, "%s: the document's fingerprint is sha256:%.*s",
			 o->name, (int)hex.len, (const char *)hex.p);
	openssl_free(c);
	buf_clear(&hex);
}

/* Replaces `*o` when these bytes are a newer document; ERR_CONFIG_OLD when they
 * are the same, without words, or an older one, with them. */
static enum err take(const struct home *h, struct slice raw, struct overlay **o,
		     struct why *why)
{
	struct overlay_xml_judge j = judge(h->name, *o);
	struct overlay *next;
	enum err r;

	why->text[0] = '\0';
	if (slice_eq(raw, (*o)->document))
		return ERR_CONFIG_OLD;
	if ((r = overlay_xml_load(&next, raw, &j, why)) != OK)
		return r;
	if ((r = home_save_overlay(h, next, why)) != OK) {
		overlay_free(next);
		return r;
	}
	opt_info(1, "%s: document %u is in use now", h->name, next->sequence);
	overlay_free(*o);
	*o = next;
	return OK;
}

/* The document in use, even when it has expired: a newer one is judged by it.
 */
static enum err in_use(const struct home *h, struct overlay **out,
		       struct why *why)
{
	struct overlay_xml_judge j = judge(h->name, NULL);
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	enum err r = home_load_overlay(h, 0, out, why);

	/* A compiled form of another version: made anew from what was checked
	 * when it came. */
	if (r == ERR_CONFIG && home_read(h, "overlay.xml", &raw, NULL) == OK &&
	    (r = overlay_xml_load(out, buf_slice(&raw), &j, why)) == OK)
		r = home_save_overlay(h, *out, why);
	buf_clear(&raw);
	return r;
}

/* A home for an overlay that had none: the document is believed because of the
 * way it came. */
static enum err settle(struct home *h, const struct overlay *o, struct why *why)
{
	const char *source = opt_common.config;
	enum err r;

	if ((r = home_create(h, opt_common.home, o->name, why)) != OK)
		return r;
	if ((r = remember(h, source, why)) != OK ||
	    (r = home_save_overlay(h, o, why)) != OK)
		home_close(h);
	else if (source != NULL && !is_url(source))
		tell_fingerprint(o);
	return r;
}

/* Without a home that is known to be the one: the document says whose it is. */
static enum err first(struct home *h, const char *name, struct overlay **out,
		      struct why *why)
{
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct overlay_xml_judge j = judge(name, NULL);
	struct overlay *o = NULL, *before = NULL;
	struct home near = { 0 };
	enum err r;

	/* Whom to believe there: what the only overlay here was told. */
	r = home_open(&near, opt_common.home, NULL, NULL);
	if (r == ERR_HOME_MODE)
		return home_open(&near, opt_common.home, NULL, why);
	if ((r = document_fetch(&raw, &near, opt_common.config, name, why)) !=
		    OK ||
	    (r = overlay_xml_load(&o, buf_slice(&raw), &j, why)) != OK)
		goto out;
	r = home_open(h, opt_common.home, o->name, why);
	if (r == OK && (r = in_use(h, &before, why)) != OK)
		home_close(h);
	if (r == ERR_NOT_JOINED) {
		r = settle(h, o, why);
	} else if (r == OK) {
		/* It is one of several overlays here, and not the first time.
		 */
		r = take(h, buf_slice(&raw), &before, why);
		overlay_free(o);
		o = before;
		if (r == ERR_CONFIG_OLD && why->text[0] == '\0')
			r = OK;
		if (r != OK)
			home_close(h);
	}
	if (r == OK) {
		*out = o;
		o = NULL;
	}
out:
	home_close(&near);
	overlay_free(o);
	buf_clear(&raw);
	return r;
}

static enum err source_of(const struct home *h, struct buf *out,
			  struct why *why)
{
	enum err r;

	if (opt_common.config != NULL)
		r = buf_append(out, opt_common.config,
			       strlen(opt_common.config));
	else
		r = home_read(h, "source", out, why);
	if (r == OK)
		r = buf_append_u8(out, '\0');
	return r;
}

/* What is there where the first came from. */
static enum err update_from_source(struct home *h, struct overlay **o,
				   struct why *why)
{
	struct buf source = BUF_INIT(SOURCE_MAX);
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	enum err r = source_of(h, &source, why);

	if (r == OK || r == ERR_NOT_FOUND)
		r = document_fetch(&raw, h,
				   r == OK ? (const char *)source.p : NULL,
				   h->name, why);
	if (r == OK)
		r = take(h, buf_slice(&raw), o, why);
	buf_clear(&source);
	buf_clear(&raw);
	return r;
}

enum err document_update(struct home *h, struct overlay **o, struct why *why)
{
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	enum err r = home_read(h, "update.xml", &raw, why);

	if (r == OK) {
		r = take(h, buf_slice(&raw), o, why);
		if (r != OK && r != ERR_CONFIG_OLD)
			opt_info(1, "%s: what came from the overlay: %s: %s",
				 h->name, err_text(r), why->text);
		home_drop_update(h); /* taken, or not to be believed */
	}
	buf_clear(&raw);
	if (r != OK)
		r = update_from_source(h, o, why);
	return r == ERR_CONFIG_OLD ? OK : r;
}

void document_refresh(struct home *h, struct overlay **o)
{
	uint64_t now_ms = loop_now().unix_ms;
	uint64_t margin_ms = arc4random_uniform(REFRESH_DAYS) * DAY_MS;
	struct why why = { "" };
	enum err r;

	if ((*o)->expiration_ms > now_ms + margin_ms)
		return;
	if ((r = document_update(h, o, &why)) != OK)
		opt_warn(h->name, r, why.text);
}

enum err document_judge(const struct home *h, uint8_t config_type,
			struct slice bytes, const struct overlay *previous,
			struct overlay **out, struct why *why)
{
	struct overlay_xml_judge j = judge(h->name, previous);

	if (config_type == CONFIG_UPDATE_KIND)
		return overlay_xml_add_kind(out, bytes, &j, why);
	return overlay_xml_load(out, bytes, &j, why);
}

/* -c, where there is a document already: one that is newer replaces it. */
static enum err given(struct home *h, struct overlay **o, struct why *why)
{
	enum err r;

	if (opt_common.config == NULL)
		return OK;
	r = update_from_source(h, o, why);
	if (r == OK || (r == ERR_CONFIG_OLD && why->text[0] == '\0'))
		r = remember(h, opt_common.config, why);
	return r;
}

/* A daemon starts again though the web server is down or the overlay has moved
 * on from the file; what is forged or another overlay's is a mistake to mend.
 */
static bool is_missing(enum err r)
{
	return r == ERR_HTTP || r == ERR_TLS || r == ERR_DNS ||
	       r == ERR_TIMEOUT || r == ERR_NOINPUT || r == ERR_CONFIG_OLD;
}

static enum err check_expiration(const struct overlay *o, struct why *why)
{
	char at[32];

	if (o->expiration_ms > loop_now().unix_ms)
		return OK;
	return why_err(why, ERR_CONFIG_EXPIRED,
		       "at %s, and there is no newer one",
		       text_format_time(o->expiration_ms, at));
}

enum err document_obtain(struct home *h, const char *name,
			 enum document_need need, struct overlay **out,
			 struct why *why)
{
	struct overlay *o = NULL;
	enum err r;

	end_us = loop_now().mono_us + opt_common.timeout_us;
	/* With a document given, a home of several overlays is no question. */
	if (name == NULL && opt_common.config != NULL && need == DOCUMENT_GIVEN)
		r = ERR_NOT_JOINED;
	else
		r = home_open(h, opt_common.home, name, why);
	if (r == OK && (r = in_use(h, &o, why)) != OK)
		home_close(h);
	if (r == ERR_NOT_JOINED)
		return first(h, name, out, why);
	if (r != OK)
		return r;
	r = given(h, &o, why);
	if (need == DOCUMENT_IN_USE && is_missing(r)) {
		opt_warn(opt_common.config, r, why->text);
		r = OK;
	}
	if (r == OK) {
		document_refresh(h, &o);
		r = check_expiration(o, why);
	}
	if (r == OK) {
		*out = o;
		return OK;
	}
	overlay_free(o);
	home_close(h);
	return r;
}
