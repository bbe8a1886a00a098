/* SPDX-License-Identifier: ISC */
/*
 * The cursor: integers, bytes, windows and lists, in both directions and as
 * text. Knows no structure of RFC 6940; only here are pointers into a message
 * moved. RFC 6940 s6.3.1.
 */
#include "wire/wire.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

static bool ok(const struct wire *w)
{
	return w->err == OK;
}

/* The path of the open structures, then the field. */
static void where(const struct wire *w, const char *name)
{
	struct wire_where *to = w->env->where;
	char *p = to->text;
	size_t left = sizeof(to->text);
	int n;

	for (unsigned i = 0; i <= w->depth; i++) {
		const struct wire_scope *s = i < w->depth ? &w->scope[i] : NULL;

		if (s != NULL && s->index != 0)
			n = snprintf(p, left, "%s%s[%" PRIu32 "]",
				     i == 0 ? "" : ".", s->name, s->index - 1);
		else
			n = snprintf(p, left, "%s%s", i == 0 ? "" : ".",
				     s != NULL ? s->name : name);
		if (n < 0 || (size_t)n >= left)
			return; /* cut off, but ended */
		p += n;
		left -= (size_t)n;
	}
}

void wire_fail(struct wire *w, enum err r, const char *name)
{
	if (!ok(w))
		return;
	w->err = r;
	if (w->env->where != NULL)
		where(w, name);
}

static void start(struct wire *w, enum wire_op op, const struct wire_env *env)
{
	w->op = op;
	w->err = OK;
	w->model = env->model;
	w->env = env;
	w->p = w->end = NULL;
	w->arena = NULL;
	w->out = NULL;
	w->indent = 0;
	w->depth = 0;
}

static void check(struct wire *w, enum err r, const char *name)
{
	if (r != OK)
		wire_fail(w, r, name);
}

/* A line of text: name and value. */
#define LINE(w, fmt, ...)                                                      \
	do {                                                                   \
		if (ok(w))                                                     \
			check((w),                                             \
			      buf_printf((w)->out, "%*s" fmt,                  \
					 (int)(2 * (w)->indent), "",           \
					 __VA_ARGS__),                         \
			      "print");                                        \
	} while (0)

static bool is_text(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e || s.p[i] == '"' ||
		    s.p[i] == '\\')
			return false;
	return true;
}

static void print_hex(struct wire *w, const char *name, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t *to;
	enum err r;

	LINE(w, "%s ", name);
	if (!ok(w))
		return;
	if ((r = buf_extend(w->out, 2 * s.len + 1, &to)) != OK) {
		wire_fail(w, r, name);
		return;
	}
	for (size_t i = 0; i < s.len; i++) {
		*to++ = (uint8_t)hex[s.p[i] >> 4];
		*to++ = (uint8_t)hex[s.p[i] & 15];
	}
	*to = '\n';
}

/* Bytes as text in quotes where they are text, else in hex. */
static void print_bytes(struct wire *w, const char *name, struct slice s)
{
	if (is_text(s))
		LINE(w, "%s \"%.*s\"\n", name, (int)s.len, (const char *)s.p);
	else
		print_hex(w, name, s);
}

/* The next n bytes of the input, or NULL. */
static const uint8_t *take(struct wire *w, uint64_t n, const char *name)
{
	const uint8_t *p = w->p;

	if (!ok(w))
		return NULL;
	if (n > (size_t)(w->end - w->p)) {
		wire_fail(w, ERR_SHORT, name);
		return NULL;
	}
	w->p += n;
	return p;
}

static uint64_t get(struct wire *w, const char *name, unsigned width)
{
	const uint8_t *p = take(w, width, name);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (unsigned i = 0; i < width; i++)
		v = v << 8 | p[i];
	return v;
}

static void put(struct wire *w, const char *name, unsigned width, uint64_t v)
{
	if (ok(w) && width < 8 && v >> (8 * width) != 0)
		wire_fail(w, ERR_RANGE, name);
	if (ok(w))
		check(w, buf_append_uint(w->out, v, width), name);
}

static void put_bytes(struct wire *w, const char *name, struct slice s)
{
	if (ok(w))
		check(w, buf_append_slice(w->out, s), name);
}

#define UINT(bits)                                                             \
	void wire_u##bits(struct wire *w, const char *name, uint##bits##_t *v) \
	{                                                                      \
		switch (w->op) {                                               \
		case WIRE_DECODE:                                              \
			*v = (uint##bits##_t)get(w, name, bits / 8);           \
			break;                                                 \
		case WIRE_ENCODE:                                              \
			put(w, name, bits / 8, *v);                            \
			break;                                                 \
		case WIRE_PRINT:                                               \
			LINE(w, "%s %" PRIu64 "\n", name, (uint64_t)*v);       \
			break;                                                 \
		}                                                              \
	}
UINT(8)
UINT(16)
UINT(32)
UINT(64)

static void code(struct wire *w, const char *name, enum code_set set,
		 uint32_t v)
{
	const char *text;

	if (w->op != WIRE_PRINT) {
		if (v == 0 && code_name(set, v) == NULL)
			wire_fail(w, ERR_RANGE, name);
		return;
	}
	text = code_name(set, v);
	if (text != NULL)
		LINE(w, "%s %s(%" PRIu32 ")\n", name, text, v);
	else
		LINE(w, "%s %" PRIu32 "\n", name, v);
}

void wire_code8(struct wire *w, const char *name, enum code_set set, uint8_t *v)
{
	if (w->op != WIRE_PRINT)
		wire_u8(w, name, v);
	code(w, name, set, *v);
}

void wire_code16(struct wire *w, const char *name, enum code_set set,
		 uint16_t *v)
{
	if (w->op != WIRE_PRINT)
		wire_u16(w, name, v);
	code(w, name, set, *v);
}

void wire_const32(struct wire *w, const char *name, uint32_t v)
{
	uint32_t x = v;

	if (w->op == WIRE_PRINT)
		return;
	wire_u32(w, name, &x);
	if (x != v)
		wire_fail(w, ERR_RANGE, name);
}

void wire_bool(struct wire *w, const char *name, bool *v)
{
	uint8_t x = w->op == WIRE_DECODE ? 0 : *v;

	wire_u8(w, name, &x);
	if (w->op != WIRE_DECODE)
		return;
	if (x > 1)
		wire_fail(w, ERR_RANGE, name);
	*v = x == 1;
}

void wire_fixed(struct wire *w, const char *name, uint8_t *v, size_t len)
{
	const uint8_t *p;

	switch (w->op) {
	case WIRE_DECODE:
		if ((p = take(w, len, name)) != NULL)
			memcpy(v, p, len);
		break;
	case WIRE_ENCODE:
		put_bytes(w, name, slice_of(v, len));
		break;
	case WIRE_PRINT:
		print_hex(w, name, slice_of(v, len));
		break;
	}
}

void wire_node_id(struct wire *w, const char *name, struct node_id *v)
{
	char text[ID_TEXT_MAX];

	if (w->op != WIRE_PRINT)
		wire_fixed(w, name, v->b, w->env->node_id_len);
	else
		LINE(w, "%s %s\n", name,
		     id_format(v, w->env->node_id_len, text));
}

/* The next n bytes, borrowed. */
static void borrow(struct wire *w, const char *name, uint64_t n,
		   struct slice *v)
{
	const uint8_t *p = take(w, n, name);

	*v = slice_of(p, p != NULL ? (size_t)n : 0);
}

void wire_opaque(struct wire *w, const char *name, unsigned width,
		 struct slice *v)
{
	switch (w->op) {
	case WIRE_DECODE:
		borrow(w, name, get(w, name, width), v);
		break;
	case WIRE_ENCODE:
		put(w, name, width, v->len);
		put_bytes(w, name, *v);
		break;
	case WIRE_PRINT:
		print_bytes(w, name, *v);
		break;
	}
}

void wire_rest(struct wire *w, const char *name, struct slice *v)
{
	switch (w->op) {
	case WIRE_DECODE:
		borrow(w, name, ok(w) ? (size_t)(w->end - w->p) : 0, v);
		break;
	case WIRE_ENCODE:
		put_bytes(w, name, *v);
		break;
	case WIRE_PRINT:
		print_bytes(w, name, *v);
		break;
	}
}

void wire_bytes(struct wire *w, const char *name, size_t len, struct slice *v)
{
	switch (w->op) {
	case WIRE_DECODE:
		borrow(w, name, len, v);
		break;
	case WIRE_ENCODE:
		if (v->len != len)
			wire_fail(w, ERR_RANGE, name);
		put_bytes(w, name, *v);
		break;
	case WIRE_PRINT:
		print_hex(w, name, *v);
		break;
	}
}

uint8_t wire_peek(const struct wire *w)
{
	return ok(w) && w->op == WIRE_DECODE && w->p < w->end ? *w->p : 0;
}

size_t wire_left(const struct wire *w)
{
	return w->op == WIRE_DECODE ? (size_t)(w->end - w->p) : 0;
}

const uint8_t *wire_mark(const struct wire *w)
{
	return w->p;
}

struct slice wire_since(const struct wire *w, const uint8_t *mark)
{
	if (w->op != WIRE_DECODE)
		return slice_of(NULL, 0);
	return slice_of(mark, (size_t)(w->p - mark));
}

size_t wire_offset(const struct wire *w)
{
	return w->op == WIRE_ENCODE ? w->out->len : 0;
}

void wire_patch32(struct wire *w, size_t at, uint32_t v)
{
	if (!ok(w) || w->op != WIRE_ENCODE)
		return;
	for (unsigned i = 0; i < 4; i++)
		w->out->p[at + i] = (uint8_t)(v >> (8 * (3 - i)));
}

/* A new scope, or NULL after an error. */
static struct wire_scope *push(struct wire *w, const char *name)
{
	struct wire_scope *s;

	if (!ok(w))
		return NULL;
	if (w->depth == WIRE_DEPTH_MAX) {
		wire_fail(w, ERR_DEPTH, name);
		return NULL;
	}
	if (w->op == WIRE_PRINT) {
		LINE(w, "%s {\n", name);
		w->indent++;
	}
	s = &w->scope[w->depth++];
	s->name = name;
	s->index = 0;
	s->width = 0;
	return s;
}

/* The scope that ends, or NULL after an error. */
static struct wire_scope *pop(struct wire *w)
{
	if (!ok(w))
		return NULL;
	assert(w->depth > 0);
	w->depth--;
	if (w->op == WIRE_PRINT) {
		w->indent--;
		LINE(w, "%s\n", "}");
	}
	return &w->scope[w->depth];
}

void wire_enter(struct wire *w, const char *name)
{
	(void)push(w, name); /* NULL only after an error, which sticks */
}

void wire_leave(struct wire *w)
{
	(void)pop(w); /* as above */
}

void wire_len(struct wire *w, const char *name, unsigned width,
	      struct wire_len *len)
{
	*len = (struct wire_len){ .at = wire_offset(w), .width = width };
	if (w->op == WIRE_DECODE)
		len->n = get(w, name, width);
	else if (w->op == WIRE_ENCODE)
		put(w, name, width, 0);
}

void wire_open_len(struct wire *w, const char *name, const struct wire_len *len)
{
	struct wire_scope *s;

	if (ok(w) && w->op == WIRE_DECODE && len->n > (size_t)(w->end - w->p))
		wire_fail(w, ERR_SHORT, name);
	if ((s = push(w, name)) == NULL)
		return;
	s->width = (uint8_t)len->width;
	if (w->op == WIRE_DECODE) {
		s->end = w->end;
		w->end = w->p + len->n;
	} else {
		s->at = len->at;
		s->start = wire_offset(w);
	}
}

void wire_open(struct wire *w, const char *name, unsigned width)
{
	struct wire_len len;

	wire_len(w, name, width, &len);
	wire_open_len(w, name, &len);
}

void wire_close(struct wire *w)
{
	struct wire_scope *s;
	size_t n;

	if (ok(w) && w->op == WIRE_DECODE && w->p != w->end)
		wire_fail(w, ERR_TRAILING, "length");
	if ((s = pop(w)) == NULL)
		return;
	if (w->op == WIRE_DECODE)
		w->end = s->end;
	if (w->op != WIRE_ENCODE)
		return;
	n = w->out->len - s->start;
	if (s->width < sizeof(n) && n >> (8 * s->width) != 0) {
		wire_fail(w, ERR_RANGE, s->name);
		return;
	}
	for (unsigned i = s->width; i-- > 0; n >>= 8)
		w->out->p[s->at + i] = (uint8_t)n;
}

struct wire_list wire_list_open(struct wire *w, const char *name,
				unsigned width)
{
	wire_open(w, name, width);
	return (struct wire_list){ 0 };
}

struct wire_list wire_list_open_len(struct wire *w, const char *name,
				    const struct wire_len *len)
{
	wire_open_len(w, name, len);
	return (struct wire_list){ 0 };
}

/* Decoding: room for one more element. */
static void *grow(struct wire *w, struct wire_list *l, const void *v,
		  size_t size)
{
	/* A few small elements or one large: most lists are short. */
	uint32_t cap = l->cap != 0 ? 2 * l->cap : size > 64 ? 1 : 8;
	size_t left = w->arena->max - w->arena->used;
	void *p;

	if (cap < l->cap || cap > left / size) {
		wire_fail(w, ERR_LIMIT, "element");
		return NULL;
	}
	if ((p = arena_zalloc(w->arena, cap, size)) == NULL) {
		wire_fail(w, ERR_NOMEM, "element");
		return NULL;
	}
	if (l->cap != 0)
		memcpy(p, v, l->cap * size);
	l->cap = cap;
	return p;
}

static void print_element(struct wire *w, const struct wire_list *l, bool more)
{
	if (l->i > 0) {
		w->indent--;
		LINE(w, "%s\n", "}");
	}
	if (more) {
		LINE(w, "%" PRIu32 " {\n", l->i);
		w->indent++;
	}
}

bool wire_list_next(struct wire *w, struct wire_list *l, uint32_t *n,
		    const void *v, size_t size)
{
	bool more;

	l->grown = NULL;
	if (!ok(w))
		return false;
	more = w->op == WIRE_DECODE ? w->p < w->end : l->i < *n;
	if (w->op == WIRE_PRINT)
		print_element(w, l, more);
	w->scope[w->depth - 1].index = more ? l->i + 1 : 0;
	if (!more) {
		wire_close(w);
		return false;
	}
	if (w->op == WIRE_DECODE) {
		if (l->i == l->cap && (l->grown = grow(w, l, v, size)) == NULL)
			return false;
		*n = l->i + 1;
	}
	return true;
}

enum err wire_decode(const struct wire_type *t, void *v, struct slice in,
		     struct arena *a, const struct wire_env *env)
{
	struct wire w;

	start(&w, WIRE_DECODE, env);
	w.p = in.len != 0 ? in.p : (const uint8_t *)"";
	w.end = w.p + in.len;
	w.arena = a;
	memset(v, 0, t->size);
	t->codec(&w, v);
	if (ok(&w) && w.p != w.end)
		wire_fail(&w, ERR_TRAILING, t->name);
	return w.err;
}

/* The codec takes a pointer to change through, but encoding and printing never
 * do. */
static void run(struct wire *w, const struct wire_type *t, const void *v)
{
	t->codec(w, (void *)(uintptr_t)v);
}

static enum err append(enum wire_op op, const struct wire_type *t,
		       const void *v, struct buf *out,
		       const struct wire_env *env)
{
	size_t len = out->len;
	struct wire w;

	start(&w, op, env);
	w.out = out;
	run(&w, t, v);
	if (w.err != OK)
		out->len = len;
	return w.err;
}

enum err wire_encode(const struct wire_type *t, const void *v, struct buf *out,
		     const struct wire_env *env)
{
	return append(WIRE_ENCODE, t, v, out, env);
}

enum err wire_print(const struct wire_type *t, const void *v, struct buf *out,
		    const struct wire_env *env)
{
	return append(WIRE_PRINT, t, v, out, env);
}
