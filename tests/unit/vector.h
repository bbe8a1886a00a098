/* SPDX-License-Identifier: ISC */
/*
 * The vectors of tests/vectors: TYPE-WHAT.hex with TYPE-WHAT.txt, its print,
 * and bad-TYPE-WHAT.hex with bad-TYPE-WHAT.err, the error's name and the
 * field's path. TYPE is a line of tbl/types.def; "-id20" in the name means
 * Node-IDs of 20 bytes,
 * "-array" and "-dictionary" the model of a value that stands alone.  In the
 * hex, white space and what follows a # do not count.
 */
#ifndef VECTOR_H
#define VECTOR_H

#include "wire/wire.h"

/* The Kinds that the vectors use, besides the registered ones. */
enum { VECTOR_KINDS = 3 };
#define VECTOR_SINGLE     UINT32_C(0xf0000101)
#define VECTOR_ARRAY      UINT32_C(0xf0000102)
#define VECTOR_DICTIONARY UINT32_C(0xf0000103)

enum err vector_kinds(struct kinds *ks) MUST_CHECK;

/* The codec and environment that a vector's name asks for; NULL for a wrong
 * name. */
const struct wire_type *vector_type(const char *name, struct wire_env *env);

/* Folder of the vectors, or the path of one of its files. */
const char *vector_path(char *out, size_t size, const char *name,
			const char *suffix);
/* A whole file; ERR_NOINPUT. */
enum err vector_load(struct buf *out, const char *path) MUST_CHECK;
/* As vector_load, from the hex. */
enum err vector_load_hex(struct buf *out, const char *path) MUST_CHECK;

#endif
