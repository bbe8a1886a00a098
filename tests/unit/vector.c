/* SPDX-License-Identifier: ISC */
/* Finds and reads the vectors of tests/vectors. */
#include "vector.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum err vector_kinds(struct kinds *ks)
{
	enum err r = kinds_add_registered(ks);

	for (uint32_t i = 0; r == OK && i < VECTOR_KINDS; i++) {
		struct kind k = { .id = VECTOR_SINGLE + i,
				  .model = (enum data_model)i };

		r = kinds_add(ks, &k);
	}
	return r;
}

const struct wire_type *vector_type(const char *name, struct wire_env *env)
{
	char type[64];

	if (strncmp(name, "bad-", 4) == 0)
		name += 4;
	(void)snprintf(type, sizeof(type), "%.*s", (int)strcspn(name, "-"),
		       name); /* a cut name is not found */
	env->node_id_len = strstr(name, "-id20") != NULL ? 20 : 16;
	env->model = MODEL_SINGLE;
	if (strstr(name, "-array") != NULL)
		env->model = MODEL_ARRAY;
	else if (strstr(name, "-dictionary") != NULL)
		env->model = MODEL_DICTIONARY;
	return wire_type_find(type);
}

const char *vector_path(char *out, size_t size, const char *name,
			const char *suffix)
{
	const char *top = getenv("top_srcdir");

	(void)snprintf(out, size, "%s/tests/vectors%s%s%s",
		       top != NULL ? top : ".", name[0] != '\0' ? "/" : "",
		       name, suffix); /* a cut path is not found */
	return out;
}

enum err vector_load(struct buf *out, const char *path)
{
	FILE *f = fopen(path, "r");
	char block[4096];
	enum err r = OK;
	size_t n;

	if (f == NULL)
		return ERR_NOINPUT;
	while (r == OK && (n = fread(block, 1, sizeof(block), f)) > 0)
		r = buf_append(out, block, n);
	(void)fclose(f); /* only read */
	return r;
}

enum err vector_load_hex(struct buf *out, const char *path)
{
	struct buf text = BUF_INIT(1 << 20), digits = BUF_INIT(1 << 20);
	bool comment = false;
	enum err r;

	r = vector_load(&text, path);
	for (size_t i = 0; r == OK && i < text.len; i++) {
		uint8_t c = text.p[i];

		comment = c == '#' || (comment && c != '\n');
		if (!comment && c != ' ' && c != '\n')
			r = buf_append_u8(&digits, c);
	}
	if (r == OK)
		r = buf_append_u8(&digits, '\0');
	if (r == OK)
		r = text_unhex(out, (const char *)digits.p);
	buf_clear(&text);
	buf_clear(&digits);
	return r;
}
