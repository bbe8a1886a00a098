/* SPDX-License-Identifier: ISC */
/*
 * The table of errors, asked from every side: exit status, RELOAD code, name
 * and text.  Who meets an error decides what to do about it; nothing is printed
 * here. RFC 6940 s14.9.
 */
#include "base/err.h"

#include <assert.h>
#include <stdio.h>

#include "base/text.h"

struct entry {
	const char *name, *text;
	uint16_t code;
	uint8_t exit;
};

static const struct entry table[ERR_N] = {
	[OK] = { "OK", "no error", 0, 0 },
#define E(name_, exit_, code_, text_)                                          \
	[ERR_##name_] = { #name_, text_, code_, exit_ },
#include "base/err.def"
#undef E
};

static const struct entry *entry(enum err r)
{
	assert((unsigned)r < ERR_N);
	return &table[r];
}

int err_exit(enum err r)
{
	return entry(r)->exit;
}

uint16_t err_code(enum err r)
{
	return entry(r)->code;
}

const char *err_text(enum err r)
{
	return entry(r)->text;
}

const char *err_name(enum err r)
{
	return entry(r)->name;
}

enum err err_from_code(uint16_t code)
{
	/* Only RELOAD's own: others borrow the code that describes them best.
	 */
	for (unsigned i = ERR_FORBIDDEN; i <= ERR_INVALID_MESSAGE; i++)
		if (table[i].code == code)
			return (enum err)i;
	return ERR_REMOTE;
}

enum err why_verr(struct why *why, enum err r, const char *fmt, va_list ap)
{
	if (why == NULL)
		return r;
	if (vsnprintf(why->text, sizeof(why->text), fmt, ap) < 0)
		why->text[0] = '\0';
	text_tame(why->text);
	return r;
}

enum err why_err(struct why *why, enum err r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	r = why_verr(why, r, fmt, ap);
	va_end(ap);
	return r;
}
