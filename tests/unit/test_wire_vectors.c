/* SPDX-License-Identifier: ISC */
/*
 * Every vector of tests/vectors, see vector.h.  To add one, write its hex by
 * hand and read what `test_wire_vectors --print FILE.hex` makes of it before
 * keeping it.
 *
 * The layouts they prove: 6940-6.3.1-D1, 6940-6.3.1.1-D1, 6940-6.3.1.1-D2,
 * 6940-6.3.2-D1, 6940-6.3.2.2-D1, 6940-6.3.2.2-R3, 6940-6.3.2.3-D1,
 * 6940-6.3.3-D1, 6940-6.3.4-D1, 6940-6.5.1.1-D1, 6940-6.5.2-D1, 6940-7-D1,
 * 6940-7.2-D1, 6940-7.4.1.1-D1, 6940-7.4.2.1-D1.
 */
#include "unit.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "vector.h"
#include "wire/message.h"

/* One vector, loaded. */
struct loaded {
	struct kinds kinds;
	struct wire_where where;
	struct wire_env env;
	const struct wire_type *type;
	struct arena arena;
	struct buf bytes, text;
};

static void load(struct loaded *l, const char *name, const char *suffix)
{
	char path[4096];

	*l = (struct loaded){ .arena = ARENA_INIT(1 << 20),
			      .bytes = BUF_INIT(1 << 20),
			      .text = BUF_INIT(1 << 20) };
	assert_ok(vector_kinds(&l->kinds));
	l->env.kinds = &l->kinds;
	l->env.where = &l->where;
	l->type = vector_type(name, &l->env);
	assert_non_null(l->type);
	assert_ok(vector_load_hex(
		&l->bytes, vector_path(path, sizeof(path), name, ".hex")));
	assert_ok(vector_load(&l->text,
			      vector_path(path, sizeof(path), name, suffix)));
	assert_ok(buf_append_u8(&l->text, '\0'));
}

static void unload(struct loaded *l)
{
	kinds_clear(&l->kinds);
	arena_free(&l->arena);
	buf_clear(&l->bytes);
	buf_clear(&l->text);
}

static enum err decode(struct loaded *l, struct slice in, void *out)
{
	l->where.text[0] = '\0';
	return wire_decode(l->type, out, in, &l->arena, &l->env);
}

/* A message is printed with its body. */
static enum err print(struct loaded *l, const void *v, struct buf *out)
{
	if (l->type == &wire_type_message)
		return message_print_deep(v, out, &l->arena, &l->env);
	return wire_print(l->type, v, out, &l->env);
}

/* All prefixes, each in memory of its own length, so that a reader past the end
 * is caught by a sanitizer, and one byte more. */
static void check_lengths(struct loaded *l, void *v)
{
	uint8_t *copy;
	enum err r;

	for (size_t n = 0; n <= l->bytes.len + 1; n++) {
		if (n == l->bytes.len)
			continue;
		assert_non_null(copy = malloc(n + 1));
		memcpy(copy + 1, l->bytes.p, n < l->bytes.len ? n : n - 1);
		if (n > l->bytes.len)
			copy[n] = 0;
		r = decode(l, slice_of(copy + 1, n), v);
		free(copy);
		assert_true(r == ERR_SHORT || r == ERR_TRAILING ||
			    r == ERR_RANGE);
		assert_int_not_equal(l->where.text[0], '\0');
		arena_reset(&l->arena);
	}
}

static void good(void **state)
{
	struct buf out = BUF_INIT(1 << 20);
	struct loaded l;
	void *v;

	load(&l, *state, ".txt");
	assert_non_null(v = calloc(1, l.type->size));
	assert_ok(decode(&l, buf_slice(&l.bytes), v));
	assert_ok(print(&l, v, &out));
	assert_ok(buf_append_u8(&out, '\0'));
	assert_string_equal((char *)out.p, (char *)l.text.p);
	out.len = 0;
	assert_ok(wire_encode(l.type, v, &out, &l.env));
	assert_slice_equal(buf_slice(&out), buf_slice(&l.bytes));
	check_lengths(&l, v);
	free(v);
	buf_clear(&out);
	unload(&l);
}

static void bad(void **state)
{
	char text[300];
	struct loaded l;
	enum err r;
	void *v;

	load(&l, *state, ".err");
	assert_non_null(v = calloc(1, l.type->size));
	r = decode(&l, buf_slice(&l.bytes), v);
	(void)snprintf(text, sizeof(text), "%s %s\n", err_name(r),
		       l.where.text); /* longer is not equal */
	assert_string_equal(text, (char *)l.text.p);
	free(v);
	unload(&l);
}

/* Every type has a vector, so that a new one is not forgotten. */
static void complete(void **state)
{
	struct dirent **names = *state;

	for (size_t i = 0; wire_types[i] != NULL; i++) {
		const char *type = wire_types[i]->name;
		size_t n = strlen(type);
		bool found = wire_types[i]->size == 1; /* empty */

		for (size_t k = 0; !found && names[k] != NULL; k++)
			found = strncmp(names[k]->d_name, type, n) == 0 &&
				names[k]->d_name[n] == '-';
		if (!found)
			fail_msg("no vector for %s", type);
	}
}

static int is_hex(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 4 && strcmp(d->d_name + n - 4, ".hex") == 0;
}

static int print_one(const char *path)
{
	struct loaded l = { .arena = ARENA_INIT(1 << 20),
			    .bytes = BUF_INIT(1 << 20),
			    .text = BUF_INIT(1 << 20) };
	const char *name = strrchr(path, '/');
	enum err r;
	void *v;

	l.env.kinds = &l.kinds;
	l.env.where = &l.where;
	l.type = vector_type(name != NULL ? name + 1 : path, &l.env);
	if (l.type == NULL || (v = calloc(1, l.type->size)) == NULL)
		return 64;
	if ((r = vector_kinds(&l.kinds)) == OK &&
	    (r = vector_load_hex(&l.bytes, path)) == OK &&
	    (r = decode(&l, buf_slice(&l.bytes), v)) == OK &&
	    (r = print(&l, v, &l.text)) == OK)
		(void)fwrite(l.text.p, 1, l.text.len,
			     stdout); /* for a person */
	else
		printf("%s %s\n", err_name(r), l.where.text);
	free(v);
	unload(&l);
	return err_exit(r);
}

int main(int argc, char *argv[])
{
	struct dirent **names;
	struct CMUnitTest *tests;
	char path[4096];
	int n, failed;

	if (argc == 3 && strcmp(argv[1], "--print") == 0)
		return print_one(argv[2]);
	n = scandir(vector_path(path, sizeof(path), "", ""), &names, is_hex,
		    alphasort);
	if (n <= 0) {
		perror(path);
		return 66;
	}
	names = reallocarray(names, (size_t)n + 1, sizeof(*names));
	tests = calloc((size_t)n + 1, sizeof(*tests));
	if (names == NULL || tests == NULL)
		return 71;
	names[n] = NULL;
	for (int i = 0; i < n; i++) {
		char *name = names[i]->d_name;

		name[strlen(name) - 4] = '\0';
		tests[i].name = name;
		tests[i].test_func = strncmp(name, "bad-", 4) == 0 ? bad : good;
		tests[i].initial_state = name;
	}
	tests[n] = (struct CMUnitTest){ "complete", complete, NULL, NULL,
					names };
	failed = _cmocka_run_group_tests("vectors", tests, (size_t)n + 1, NULL,
					 NULL);
	for (int i = 0; i < n; i++)
		free(names[i]);
	free(names);
	free(tests);
	return failed;
}
