/* SPDX-License-Identifier: ISC */
/* Reads JSON into a tree over borrowed text; knows nothing of vectors. */
#include "json.h"

enum { DEPTH_MAX = 64 };

struct parser {
	struct arena *a;
	const char *p;
	unsigned depth;
};

static struct json *value(struct parser *ps);

static void space(struct parser *ps)
{
	ps->p += strspn(ps->p, " \t\r\n");
}

static bool eat(struct parser *ps, char c)
{
	space(ps);
	if (*ps->p != c)
		return false;
	ps->p++;
	return true;
}

/* The character after a backslash, one byte for all that the vectors hold. */
static bool escape(struct parser *ps, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned v = 0;

	if (*ps->p == 'u') {
		for (int i = 1; i <= 4; i++) {
			static const char hex[] = "0123456789abcdef";

			at = ps->p[i] == '\0' ? NULL
					      : strchr(hex, ps->p[i] | 0x20);
			if (at == NULL)
				return false;
			v = v << 4 | (unsigned)(at - hex);
		}
		ps->p += 5;
		*out = (char)v;
		return v > 0 && v < 0x80;
	}
	if (*ps->p == '\0' || (at = strchr(from, *ps->p)) == NULL)
		return false;
	ps->p++;
	*out = to[at - from];
	return true;
}

static const char *string(struct parser *ps)
{
	const char *end;
	char *out, *to;

	if (!eat(ps, '"'))
		return NULL;
	for (end = ps->p; *end != '"'; end++) {
		if (*end == '\0' || (*end == '\\' && *++end == '\0'))
			return NULL;
	}
	out = to = arena_zalloc(ps->a, (size_t)(end - ps->p) + 1, 1);
	if (out == NULL)
		return NULL;
	while (ps->p < end) {
		*to = *ps->p++;
		if (*to == '\\' && !escape(ps, to))
			return NULL;
		to++;
	}
	ps->p++;
	return out;
}

static bool members(struct parser *ps, struct json *v, char close)
{
	const struct json **tail = &v->child;
	const char *name = NULL;
	struct json *it;

	if (eat(ps, close))
		return true;
	do {
		if (v->type == JSON_OBJECT &&
		    ((name = string(ps)) == NULL || !eat(ps, ':')))
			return false;
		if ((it = value(ps)) == NULL)
			return false;
		it->name = name;
		*tail = it;
		tail = &it->next;
	} while (eat(ps, ','));
	return eat(ps, close);
}

static bool word(struct parser *ps, struct json *v)
{
	size_t n = strspn(ps->p, "+-.0123456789abcdefghijklmnopqrstuvwxyzE");

	v->text = arena_str(ps->a, slice_of(ps->p, n));
	if (n == 0 || v->text == NULL)
		return false;
	ps->p += n;
	v->type = JSON_NUMBER;
	if (strcmp(v->text, "null") == 0)
		v->type = JSON_NULL;
	else if (strcmp(v->text, "true") == 0 || strcmp(v->text, "false") == 0)
		v->type = JSON_BOOL;
	else
		return strspn(v->text, "+-.0123456789eE") == n;
	return true;
}

static struct json *value(struct parser *ps)
{
	struct json *v = arena_zalloc(ps->a, 1, sizeof(*v));
	bool good;

	if (v == NULL || ps->depth == DEPTH_MAX)
		return NULL;
	ps->depth++;
	space(ps);
	if (*ps->p == '{' || *ps->p == '[') {
		v->type = *ps->p == '{' ? JSON_OBJECT : JSON_ARRAY;
		good = members(ps, v, *ps->p++ == '{' ? '}' : ']');
	} else if (*ps->p == '"') {
		v->type = JSON_STRING;
		good = (v->text = string(ps)) != NULL;
	} else {
		good = word(ps, v);
	}
	ps->depth--;
	return good ? v : NULL;
}

const struct json *json_parse(struct arena *a, const char *text)
{
	struct parser ps = { a, text, 0 };
	const struct json *v = value(&ps);

	space(&ps);
	return *ps.p == '\0' ? v : NULL;
}

const struct json *json_get(const struct json *object, const char *name)
{
	const struct json *it;

	if (object == NULL || object->type != JSON_OBJECT)
		return NULL;
	for (it = object->child; it != NULL; it = it->next)
		if (strcmp(it->name, name) == 0)
			return it;
	return NULL;
}

const char *json_string(const struct json *object, const char *name)
{
	const struct json *v = json_get(object, name);

	return v != NULL && v->type == JSON_STRING ? v->text : NULL;
}
