/* SPDX-License-Identifier: ISC */
/*
 * JSON as the vectors use it.  Numbers stay text: the libraries round or refuse
 * integers of 64 bits.
 */
#ifndef ORACLE_JSON_H
#define ORACLE_JSON_H

#include "base/arena.h"

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT
};

struct json {
	enum json_type type;
	const char *name; /* within an object, else NULL */
	const char *text; /* of a scalar, as written or unescaped */
	const struct json *child, *next;
};

/* The whole of `text`, in the arena; NULL when it is not JSON. */
const struct json *json_parse(struct arena *a, const char *text);
/* The member of an object, or NULL; also for a NULL object. */
const struct json *json_get(const struct json *object, const char *name);
/* As json_get, when it is a string. */
const char *json_string(const struct json *object, const char *name);

#endif
