/* SPDX-License-Identifier: ISC */
/*
 * Two trees of fields, that of a vector and that of our print, laid out as
 * their leaves, and compared.
 */
#ifndef ORACLE_LEAF_H
#define ORACLE_LEAF_H

#include "json.h"

struct leaf {
	const char *path;  /* "body.kind_data[0].kind_id" */
	const char *name;  /* the last name of the path */
	const char *list;  /* the list whose element it is in, or NULL */
	const char *place; /* the indices of the path, "0." */
	const char *value; /* as written; NULL where `json` is */
	const struct json *json;
	bool used;
};

struct leaves {
	struct leaf *v;
	size_t n;
};

/* The leaves of a vector's fields; `_struct`, null and {} are none. */
enum err leaves_json(struct arena *a, const struct json *fields,
		     struct leaves *out) MUST_CHECK;
/* The leaves of what wire_print() wrote. */
enum err leaves_print(struct arena *a, struct slice text,
		      struct leaves *out) MUST_CHECK;

/* How the caller hears of a difference: the path in the vector and words. */
struct complaint {
	void (*say)(void *ctx, const char *path, const char *words);
	void *ctx;
};

/* Looks for each leaf of `want` in `got`; with `whole`, each of `got` must have
 * been asked for.  Returns how many differ. */
unsigned leaves_compare(const struct leaves *want, struct leaves *got,
			bool whole, const struct complaint *c);

#endif
