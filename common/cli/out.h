/* SPDX-License-Identifier: ISC */
#ifndef CLI_OUT_H
#define CLI_OUT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/buf.h"

/*
 * What a tool prints on stdout: data, complete or absent.  Everything is
 * gathered in memory and written once, by out_finish().  The first failure
 * sticks.
 */
struct out {
	struct buf buf;
	enum err err;
	bool field; /* the line under way has a field already */
};

enum { OUT_MAX = 1 << 28 /* bytes */ };

void out_init(struct out *o);
/* Bytes as they are. */
void out_bytes(struct out *o, struct slice s);
/* A field of a tab-separated line: printable ASCII as it is, the rest as \xHH.
 */
void out_field(struct out *o, struct slice s);
void out_fieldf(struct out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void out_end_line(struct out *o);
/* One JSON object a line; takes the reference, also of NULL (no memory). */
void out_json_take(struct out *o, json_t *object);
/* Writes it all to stdout.  ERR_CANTCREAT (a full disk, a closed pipe), with
 * the system's words in `why`; ERR_NOMEM.  Nothing is written after an error.
 */
enum err out_finish(struct out *o, struct why *why) MUST_CHECK;
void out_clear(struct out *o);

/* "value" as text where it is UTF-8, else "value_base64". */
int out_json_value(json_t *object, struct slice value);
json_t *out_json_hex(struct slice s);

#endif
