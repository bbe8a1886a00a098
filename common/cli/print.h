/* SPDX-License-Identifier: ISC */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

#include "cli/out.h"
#include "core/node.h"

/* Fetched values and metadata as people and scripts read them: p2psip-get(1).
 */

struct print {
	const char *resource; /* as the user wrote it, for JSON and messages */
	bool label;           /* a first column with it: several were asked */
	bool single; /* one value by name: its bytes as they are, no line */
	bool raw;
	bool json;
	const struct overlay *overlay;
	const struct wire_env *wire;
};

/* Prints the values that exist and counts them into `*n`. */
enum err print_fetch(struct out *o, const struct print *p,
		     const struct result *res, size_t *n) MUST_CHECK;
/* KEY, length, storage time, lifetime, hash for each value that exists. */
enum err print_stat(struct out *o, const struct print *p,
		    const struct result *res, size_t *n) MUST_CHECK;
/* A dictionary key as -K takes it: text, or 0xHEX where it is not printable.
 * Appended. */
enum err print_key(struct buf *out, struct slice key) MUST_CHECK;
/* As a JSON integer where it fits, else as a string of digits. */
json_t *print_json_u64(uint64_t v);
json_t *print_json_node_id(const struct node_id *id, size_t len);

#endif
