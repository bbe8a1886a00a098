/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: every codec of tbl/types.def.  The first byte of the input picks
 * the codec, the second the length of Node-IDs and the model of a value that
 * stands alone, the rest is decoded.  What is accepted must encode to the same
 * bytes and must print.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../unit/vector.h"
#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LIMIT = 1 << 24 }; /* bytes of arena and output */

static size_t n_types(void)
{
	size_t n = 0;

	while (wire_types[n] != NULL)
		n++;
	return n;
}

/* Ends the program, so that the fuzzer keeps the input. */
static void must(bool good, const char *what, const struct wire_type *t)
{
	if (good)
		return;
	fprintf(stderr, "%s: %s\n", t->name, what);
	abort();
}

static void accepted(const struct wire_type *t, const void *v, struct slice in,
		     struct arena *a, const struct wire_env *env)
{
	struct buf out = BUF_INIT(LIMIT);

	must(wire_encode(t, v, &out, env) == OK, "does not encode", t);
	must(slice_eq(buf_slice(&out), in), "encodes to other bytes", t);
	buf_reset(&out);
	must(wire_print(t, v, &out, env) == OK, "does not print", t);
	if (t == &wire_type_message)
		must(message_print_deep(v, &out, a, env) == OK,
		     "does not print with its body", t);
	buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kinds kinds;
	struct arena a = ARENA_INIT(LIMIT);
	struct wire_where where = { "" };
	struct wire_env env = { .kinds = &kinds, .where = &where };
	const struct wire_type *t;
	struct slice in;
	void *v;

	if (kinds.n == 0 && vector_kinds(&kinds) != OK)
		abort();
	if (size < 2)
		return 0;
	t = wire_types[data[0] % n_types()];
	env.node_id_len = (uint8_t)(NODE_ID_MIN +
				    data[1] % (NODE_ID_MAX - NODE_ID_MIN + 1));
	env.model = (enum data_model)(data[1] / 16 % 3);
	in = slice_of(data + 2, size - 2);
	if ((v = malloc(t->size)) == NULL)
		abort();
	if (wire_decode(t, v, in, &a, &env) == OK)
		accepted(t, v, in, &a, &env);
	else
		must(where.text[0] != '\0', "fails without a path", t);
	free(v);
	arena_free(&a);
	return 0;
}
