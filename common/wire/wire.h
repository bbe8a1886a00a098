/* SPDX-License-Identifier: ISC */
#ifndef WIRE_WIRE_H
#define WIRE_WIRE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "wire/code.h"
#include "wire/kind.h"

/*
 * The cursor: one function describes one struct of RFC 6940, and decodes,
 * encodes or prints it as the cursor says.  The first error sticks; later calls
 * do nothing.
 */
enum wire_op { WIRE_DECODE, WIRE_ENCODE, WIRE_PRINT };

enum {
	WIRE_DEPTH_MAX = 12, /* open structures, lists and windows */
	WIRE_WHERE_MAX = 160 /* chars of a field's path, with the final zero */
};

/* The path of the field that failed: "kind_data[0].values[1].lifetime". */
struct wire_where {
	char text[WIRE_WHERE_MAX];
};

/* What the bytes do not say.  Borrowed for the call. */
struct wire_env {
	uint8_t node_id_len;       /* bytes, 16 to 20; RFC 6940 s11.1 */
	const struct kinds *kinds; /* data models; NULL: no Kind is known */
	enum data_model model;     /* for a StoredData that stands alone */
	struct wire_where *where;  /* filled on an error; may be NULL */
};

/* An open structure, list or window. */
struct wire_scope {
	const char *name;
	const uint8_t *end; /* decoding: where the outer window ends */
	size_t at;          /* encoding: where the length stands in out */
	size_t start;       /* encoding: where what it counts begins */
	uint32_t index;     /* of a list's element, plus one */
	uint8_t width;      /* bytes of the length, 0: not a window */
};

struct wire {
	enum wire_op op;
	enum err err;
	enum data_model model; /* of the values at hand */
	const struct wire_env *env;
	const uint8_t *p, *end; /* decoding: the rest of the window */
	struct arena *arena;    /* decoding: lists */
	struct buf *out;        /* encoding, printing */
	unsigned indent;        /* printing */
	unsigned depth;
	struct wire_scope scope[WIRE_DEPTH_MAX];
};

/* The first error sticks; `name` ends its path. */
void wire_fail(struct wire *w, enum err r, const char *name);

/* Integers, big endian. */
void wire_u8(struct wire *w, const char *name, uint8_t *v);
void wire_u16(struct wire *w, const char *name, uint16_t *v);
void wire_u32(struct wire *w, const char *name, uint32_t *v);
void wire_u64(struct wire *w, const char *name, uint64_t *v);
/* One of a registry's codes, or another that is carried; printed by name.  Zero
 * is ERR_RANGE where the registry has no zero. */
void wire_code8(struct wire *w, const char *name, enum code_set set,
		uint8_t *v);
void wire_code16(struct wire *w, const char *name, enum code_set set,
		 uint16_t *v);
/* A value that never varies; ERR_RANGE for any other.  Not printed. */
void wire_const32(struct wire *w, const char *name, uint32_t v);
/* 0 or 1; ERR_RANGE for any other. */
void wire_bool(struct wire *w, const char *name, bool *v);
/* `len` bytes without a length before them. */
void wire_fixed(struct wire *w, const char *name, uint8_t *v, size_t len);
/* As many bytes as the overlay's Node-IDs have. */
void wire_node_id(struct wire *w, const char *name, struct node_id *v);
/* Bytes with a length of `width` bytes before them; borrowed from the input. */
void wire_opaque(struct wire *w, const char *name, unsigned width,
		 struct slice *v);
/* `len` bytes without a length before them; borrowed.  Encoding any other
 * number is ERR_RANGE. */
void wire_bytes(struct wire *w, const char *name, size_t len, struct slice *v);
/* Whatever the window still holds; borrowed from the input. */
void wire_rest(struct wire *w, const char *name, struct slice *v);
/* Decoding: the next byte, 0 when there is none. */
uint8_t wire_peek(const struct wire *w);

/* A structure inside another, without a length: only its fields' paths differ.
 */
void wire_enter(struct wire *w, const char *name);
void wire_leave(struct wire *w);

/*
 * A window: what is inside has a length of `width` bytes before it.  Decoding
 * cannot read past it nor leave bytes in it; encoding fills in the length.
 */
void wire_open(struct wire *w, const char *name, unsigned width);
void wire_close(struct wire *w);

/* A length that stands apart from what it counts, RFC 6940 s6.3.2. */
struct wire_len {
	size_t at;
	uint64_t n;
	unsigned width;
};

void wire_len(struct wire *w, const char *name, unsigned width,
	      struct wire_len *len);
void wire_open_len(struct wire *w, const char *name,
		   const struct wire_len *len);

/* Decoding: how many bytes the window still holds. */
size_t wire_left(const struct wire *w);
/* Decoding: where the cursor is, and what it has passed since.  Borrowed. */
const uint8_t *wire_mark(const struct wire *w);
struct slice wire_since(const struct wire *w, const uint8_t *mark);
/* Encoding: how many bytes the output has. */
size_t wire_offset(const struct wire *w);
/* Encoding: writes a uint32 over the four bytes at an offset of the output. */
void wire_patch32(struct wire *w, size_t at, uint32_t v);

/* A list of structures in a window; see WIRE_LIST. */
struct wire_list {
	uint32_t i, cap;
	void *grown;
};

struct wire_list wire_list_open(struct wire *w, const char *name,
				unsigned width);
struct wire_list wire_list_open_len(struct wire *w, const char *name,
				    const struct wire_len *len);
bool wire_list_next(struct wire *w, struct wire_list *l, uint32_t *n,
		    const void *v, size_t size);

#define WIRE_LIST_LOOP(w, open, vec, it)                                       \
	for (struct wire_list l_ = open;                                       \
	     wire_list_next((w), &l_, &(vec).n, (vec).v, sizeof(*(vec).v)) &&  \
	     (l_.grown == NULL || ((vec).v = l_.grown) != NULL) &&             \
	     ((it) = &(vec).v[l_.i++]) != NULL;)

/* For each element of vec.v, vec.n, behind a length of `width` bytes. */
#define WIRE_LIST(w, name, width, vec, it)                                     \
	WIRE_LIST_LOOP(w, wire_list_open((w), (name), (width)), vec, it)
/* As WIRE_LIST, behind a length that wire_len() handled before. */
#define WIRE_LIST_LEN(w, name, len, vec, it)                                   \
	WIRE_LIST_LOOP(w, wire_list_open_len((w), (name), (len)), vec, it)

/* One codec of tbl/types.def. */
struct wire_type {
	const char *name;
	size_t size; /* of the struct */
	void (*codec)(struct wire *w, void *v);
};

/*
 * All of `in` into `*v`, which need not be initialised.  Slices borrow from
 * `in`, lists live in `a`.  ERR_SHORT, ERR_TRAILING, ERR_RANGE, ERR_DEPTH,
 * ERR_UNKNOWN_TYPE;
 * ERR_LIMIT when the arena is too small for it; `*v` is valid only on OK.
 */
enum err wire_decode(const struct wire_type *t, void *v, struct slice in,
		     struct arena *a, const struct wire_env *env) MUST_CHECK;
/* Appended to `out`, which is as it was on an error. */
enum err wire_encode(const struct wire_type *t, const void *v, struct buf *out,
		     const struct wire_env *env) MUST_CHECK;
/* One line a field, structures indented. */
enum err wire_print(const struct wire_type *t, const void *v, struct buf *out,
		    const struct wire_env *env) MUST_CHECK;

/* The typed forms of the three; WIRE_CODEC in the header, _DEFINE in the
 * source. */
#define WIRE_CODEC(type)                                                       \
	void wire_##type(struct wire *w, struct type *v);                      \
	extern const struct wire_type wire_type_##type;                        \
	enum err type##_decode(struct type *v, struct slice in,                \
			       struct arena *a, const struct wire_env *env)    \
		MUST_CHECK;                                                    \
	enum err type##_encode(const struct type *v, struct buf *out,          \
			       const struct wire_env *env) MUST_CHECK;         \
	enum err type##_print(const struct type *v, struct buf *out,           \
			      const struct wire_env *env) MUST_CHECK

#define WIRE_CODEC_DEFINE(type)                                                \
	static void type##_codec(struct wire *w, void *v)                      \
	{                                                                      \
		wire_##type(w, v);                                             \
	}                                                                      \
	const struct wire_type wire_type_##type = { #type,                     \
						    sizeof(struct type),       \
						    type##_codec };            \
	enum err type##_decode(struct type *v, struct slice in,                \
			       struct arena *a, const struct wire_env *env)    \
	{                                                                      \
		return wire_decode(&wire_type_##type, v, in, a, env);          \
	}                                                                      \
	enum err type##_encode(const struct type *v, struct buf *out,          \
			       const struct wire_env *env)                     \
	{                                                                      \
		return wire_encode(&wire_type_##type, v, out, env);            \
	}                                                                      \
	enum err type##_print(const struct type *v, struct buf *out,           \
			      const struct wire_env *env)                      \
	{                                                                      \
		return wire_print(&wire_type_##type, v, out, env);             \
	}                                                                      \
	_Static_assert(sizeof(struct type) > 0, #type)

/* Every codec there is, ended by a NULL. */
extern const struct wire_type *const wire_types[];
/* By the struct's name; NULL when there is none. */
const struct wire_type *wire_type_find(const char *name);

#endif
