/* SPDX-License-Identifier: ISC */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stdint.h>

/* Every fallible function returns one of these and nothing else; OK is 0. */
enum err {
	OK = 0,
#define E(name, exit, code, text) ERR_##name,
#include "base/err.def"
#undef E
	ERR_N
};

#define MUST_CHECK __attribute__((warn_unused_result))

/* The exit status of a tool that ends with `r`; 0 for OK. */
int err_exit(enum err r);
/* The RELOAD error code for `r` (RFC 6940 s14.9), 0 where it has none. */
uint16_t err_code(enum err r);
/* The error for a RELOAD code from the wire; ERR_REMOTE for unknown ones. */
enum err err_from_code(uint16_t code);
/* A lower-case phrase without a full stop; never NULL. */
const char *err_text(enum err r);
/* The name in the table, "NOT_FOUND"; for traces and logs. */
const char *err_name(enum err r);

/*
 * What went wrong in words of the case, for the person who has to mend it: an
 * optional companion of an `enum err`.  Functions that take a `struct why *`
 * accept NULL and fill it only when they fail.
 */
struct why {
	char text[256];
};

/* Writes the words (truncated to fit) and returns `r`, so that one can say
 * `return why_err(why, ERR_CONFIG, "sequence %u is older", seq);`. */
enum err why_err(struct why *why, enum err r, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
enum err why_verr(struct why *why, enum err r, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

#endif
