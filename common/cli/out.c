/* SPDX-License-Identifier: ISC */
/*
 * Output of the tools: raw bytes, tab-separated lines, JSON lines.  Owns the
 * forms, not what is said.
 */
#include "cli/out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

void out_init(struct out *o)
{
	*o = (struct out){ .buf = BUF_INIT(OUT_MAX) };
}

static void keep(struct out *o, enum err r)
{
	if (o->err == OK)
		o->err = r;
}

void out_bytes(struct out *o, struct slice s)
{
	keep(o, buf_append_slice(&o->buf, s));
}

static void separate(struct out *o)
{
	if (o->field)
		keep(o, buf_append_u8(&o->buf, '\t'));
	o->field = true;
}

void out_field(struct out *o, struct slice s)
{
	separate(o);
	keep(o, text_escape(&o->buf, s));
}

void out_fieldf(struct out *o, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	separate(o);
	keep(o, buf_append_slice(&o->buf, slice_str(text)));
}

void out_end_line(struct out *o)
{
	keep(o, buf_append_u8(&o->buf, '\n'));
	o->field = false;
}

void out_json_take(struct out *o, json_t *object)
{
	char *text = object != NULL ? json_dumps(object, JSON_COMPACT) : NULL;

	if (text == NULL)
		keep(o, ERR_NOMEM);
	else
		keep(o, buf_append_slice(&o->buf, slice_str(text)));
	out_end_line(o);
	free(text);
	json_decref(object);
}

enum err out_finish(struct out *o, struct why *why)
{
	size_t done = 0;
	ssize_t n;

	while (o->err == OK && done < o->buf.len) {
		n = write(STDOUT_FILENO, o->buf.p + done, o->buf.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			keep(o,
			     why_err(why, ERR_CANTCREAT, "standard output: %s",
				     strerror(errno)));
		else
			done += (size_t)n;
	}
	/* A network file system may tell of a full disk only here. */
	if (o->err == OK && close(STDOUT_FILENO) < 0 && errno != EBADF)
		keep(o, why_err(why, ERR_CANTCREAT, "standard output: %s",
				strerror(errno)));
	return o->err;
}

void out_clear(struct out *o)
{
	buf_clear(&o->buf);
}

int out_json_value(json_t *object, struct slice value)
{
	struct buf text = BUF_INIT(OUT_MAX);
	json_t *v;
	const char *name = "value";
	int r;

	if (text_is_utf8(value)) {
		v = json_stringn(value.len ? (const char *)value.p : "",
				 value.len);
	} else {
		name = "value_base64";
		v = text_base64(&text, value) == OK
			    ? json_stringn((const char *)text.p, text.len)
			    : NULL;
	}
	r = json_object_set_new(object, name, v);
	buf_clear(&text);
	return r;
}

json_t *out_json_hex(struct slice s)
{
	struct buf text = BUF_INIT(OUT_MAX);
	json_t *v = NULL;

	if (text_hex(&text, s) == OK)
		v = json_stringn(text.len ? (const char *)text.p : "",
				 text.len);
	buf_clear(&text);
	return v;
}
