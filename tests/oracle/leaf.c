/* SPDX-License-Identifier: ISC */
/* Lays trees out as leaves and compares two; knows nothing of what they mean.
 */
#include "leaf.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

enum { DEPTH_MAX = 64, PATH_MAX_ = 512, LEAVES_MAX = 100000 };

/* The names that vectors use for fields of RFC 6940, and ours. */
static const char *const aliases[][2] = {
	{ "username", "ufrag" },
	{ "node_id", "joining_peer_id" },
	{ "node_id", "leaving_peer_id" },
	{ "node_id", "next_peer" },
	{ "overlay_data", "overlay_specific_data" },
	{ "kind_id", "kind" },
	{ "id", "response_id" },
	{ "code", "error_code" },
	{ "code", "message_code" },
	{ "info", "error_info" },
	{ "body", "message_body" },
	{ "link_type", "overlay_link" },
	{ "generation", "generation_counter" },
	{ "generation_counter", "generation" },
	{ "extension", "extension_contents" },
	{ "hash_algorithm", "hash_alg" },
	{ "certificate_hash", "hash" },
	{ "certificate_node_id_hash", "hash" },
	{ "hash_value", "hash" },
	{ "value", "signature_value" },
	{ "value", "responsible_ppb" },
	{ "value", "num_resources" },
	{ "value", "uptime" },
	{ "value", "unknown" },
	{ "type", "identity_type" },
	{ "identity", "unknown" },
	{ "data", "node_id" },
	{ "data", "resource_id" },
	{ "data", "opaque_id" },
	{ "data", "config_data" },
	{ "data", "kinds" },
	{ "data", "uri" },
	{ "data", "unknown" },
	{ "destination_data", "node_id" },
	{ "destination_data", "resource_id" },
	{ "destination_data", "opaque_id" },
	{ "destination_data", "unknown" },
	{ "addr_port", "unknown" },
	{ "specifier", "keys" },
	{ "specifier", "indices" },
	{ "specifier", "unknown" },
	{ "model_specifier", "keys" },
	{ "values", "unknown" },
	{ "node_list", "successors" },
	{ "node_list", "predecessors" },
	{ "sequence", "ack_sequence" },
};

/* A name as letters and digits, in lower case, without what RFC 6940 puts
 * before. */
static void plain(char *out, size_t size, const char *in, size_t len)
{
	size_t n = 0;

	if (len > 6 && strncasecmp(in, "Error_", 6) == 0) {
		in += 6;
		len -= 6;
	}
	for (size_t i = 0; i < len && n + 1 < size; i++)
		if (isalnum((unsigned char)in[i]))
			out[n++] = (char)tolower((unsigned char)in[i]);
	out[n] = '\0';
}

static bool same_name(const char *theirs, const char *ours)
{
	char a[64], b[64];

	if (ours == NULL)
		return false;
	plain(a, sizeof(a), theirs, strlen(theirs));
	plain(b, sizeof(b), ours, strlen(ours));
	if (strcmp(a, b) == 0)
		return true;
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (strcmp(aliases[i][0], theirs) == 0 &&
		    strcmp(aliases[i][1], ours) == 0)
			return true;
	return false;
}

/* The leaves of a tree under construction. */
struct walk {
	struct arena *a;
	struct leaves *out;
	size_t cap;
	char path[PATH_MAX_], place[PATH_MAX_];
};

static enum err add(struct walk *w, struct leaf leaf)
{
	struct leaf *v;
	size_t cap;

	if (w->out->n == w->cap) {
		cap = w->cap == 0 ? 64 : 2 * w->cap;
		if (cap > LEAVES_MAX ||
		    (v = arena_zalloc(w->a, cap, sizeof(*v))) == NULL)
			return ERR_LIMIT;
		if (w->out->n != 0)
			memcpy(v, w->out->v, w->out->n * sizeof(*v));
		w->out->v = v;
		w->cap = cap;
	}
	leaf.path = arena_str(w->a, slice_str(w->path));
	leaf.place = arena_str(w->a, slice_str(w->place));
	if (leaf.path == NULL || leaf.place == NULL)
		return ERR_NOMEM;
	w->out->v[w->out->n++] = leaf;
	return OK;
}

/* Appends to a path or place, cut off where it is too long. */
static void append(char *to, const char *before, const char *s,
		   const char *after)
{
	size_t n = strlen(to);

	(void)snprintf(to + n, PATH_MAX_ - n, "%s%s%s", before, s, after);
}

static enum err walk_json(struct walk *w, const struct json *v,
			  const char *name, const char *list)
{
	size_t path = strlen(w->path), place = strlen(w->place);
	const struct json *it;
	char index[16];
	unsigned i = 0;
	enum err r = OK;

	if (v->type == JSON_NULL)
		return OK;
	if (v->type != JSON_OBJECT && v->type != JSON_ARRAY)
		return add(w, (struct leaf){
				      .name = name, .list = list, .json = v });
	for (it = v->child; r == OK && it != NULL; it = it->next, i++) {
		if (v->type == JSON_OBJECT && it->name[0] == '_')
			continue;
		if (v->type == JSON_OBJECT) {
			append(w->path, path == 0 ? "" : ".", it->name, "");
			r = walk_json(w, it, it->name, NULL);
		} else {
			(void)snprintf(index, sizeof(index), "%u", i);
			append(w->path, "[", index, "]");
			append(w->place, "", index, ".");
			r = walk_json(w, it, name, name);
		}
		w->path[path] = '\0';
		w->place[place] = '\0';
	}
	return r;
}

enum err leaves_json(struct arena *a, const struct json *fields,
		     struct leaves *out)
{
	struct walk w = { .a = a, .out = out };

	*out = (struct leaves){ 0 };
	return walk_json(&w, fields, "", NULL);
}

/* requested_info is one string of bytes with us, a list of codes with them. */
static enum err add_codes(struct walk *w, struct leaf leaf)
{
	size_t path = strlen(w->path), place = strlen(w->place);
	struct buf b = BUF_INIT(256);
	char text[24];
	enum err r;

	if (leaf.value[0] == '"')
		r = buf_append(&b, leaf.value + 1, strlen(leaf.value) - 2);
	else
		r = text_unhex(&b, leaf.value);
	leaf.list = leaf.name;
	for (size_t i = 0; r == OK && i < b.len; i++) {
		(void)snprintf(text, sizeof(text), "%zu", i);
		append(w->path, "[", text, "]");
		append(w->place, "", text, ".");
		(void)snprintf(text, sizeof(text), "%u", b.p[i]);
		leaf.value = arena_str(w->a, slice_str(text));
		r = leaf.value == NULL ? ERR_NOMEM : add(w, leaf);
		w->path[path] = '\0';
		w->place[place] = '\0';
	}
	buf_clear(&b);
	return r;
}

struct scope {
	const char *name;
	bool element; /* of a list: its name is an index */
	size_t path, place;
};

static enum err add_line(struct walk *w, const struct scope *s, unsigned depth,
			 const char *name, const char *value)
{
	struct leaf leaf = { .name = name, .value = value };
	size_t path = strlen(w->path);
	enum err r;

	if (depth >= 2 && s[depth - 1].element)
		leaf.list = s[depth - 2].name;
	append(w->path, path == 0 ? "" : ".", name, "");
	if (strcmp(name, "requested_info") == 0)
		r = add_codes(w, leaf);
	else
		r = add(w, leaf);
	w->path[path] = '\0';
	return r;
}

static enum err line(struct walk *w, struct scope *s, unsigned *depth,
		     char *text)
{
	char *value;

	text += strspn(text, " ");
	if (strcmp(text, "}") == 0) {
		if (*depth == 0)
			return ERR_DATA;
		--*depth;
		w->path[s[*depth].path] = '\0';
		w->place[s[*depth].place] = '\0';
		return OK;
	}
	if ((value = strchr(text, ' ')) == NULL)
		return ERR_DATA;
	*value++ = '\0';
	if (strcmp(value, "{") != 0)
		return add_line(w, s, *depth, text, value);
	if (*depth == DEPTH_MAX)
		return ERR_DEPTH;
	s[*depth] = (struct scope){ text, isdigit((unsigned char)text[0]) != 0,
				    strlen(w->path), strlen(w->place) };
	if (s[*depth].element) {
		append(w->path, "[", text, "]");
		append(w->place, "", text, ".");
	} else {
		append(w->path, w->path[0] == '\0' ? "" : ".", text, "");
	}
	++*depth;
	return OK;
}

enum err leaves_print(struct arena *a, struct slice text, struct leaves *out)
{
	struct walk w = { .a = a, .out = out };
	char *copy = arena_str(a, text), *next;
	struct scope s[DEPTH_MAX];
	unsigned depth = 0;
	enum err r = OK;

	*out = (struct leaves){ 0 };
	if (copy == NULL)
		return ERR_NOMEM;
	while (r == OK && (next = strsep(&copy, "\n")) != NULL && *next != '\0')
		r = line(&w, s, &depth, next);
	return r == OK && depth != 0 ? ERR_DATA : r;
}

/* The number in "text(4)" or in "4"; the text, if any, is [s, *end). */
static bool number(const char *s, uint64_t *out, const char **end)
{
	const char *open = strrchr(s, '('), *digits = s;
	char *rest;

	if (open != NULL)
		digits = open + 1;
	*end = open != NULL ? open : s;
	if (!isdigit((unsigned char)*digits))
		return false;
	*out = strtoull(digits, &rest, 10);
	return strcmp(rest, open != NULL ? ")" : "") == 0;
}

static bool is_code(const char *s)
{
	const char *end;
	uint64_t v;

	return strchr(s, '(') != NULL && number(s, &v, &end);
}

/* Our bytes, printed as text in quotes or as hex. */
static bool bytes(const char *value, struct buf *out)
{
	size_t n = strlen(value);

	if (n >= 2 && value[0] == '"')
		return buf_append(out, value + 1, n - 2) == OK;
	return text_unhex(out, value) == OK;
}

static bool same_bytes(const char *theirs, struct slice ours)
{
	struct buf b = BUF_INIT(1 << 24);
	uint8_t addr[16];
	bool same;

	if (slice_eq(slice_str(theirs), ours))
		return true;
	if ((ours.len == 4 && inet_pton(AF_INET, theirs, addr) == 1) ||
	    (ours.len == 16 && inet_pton(AF_INET6, theirs, addr) == 1))
		return memcmp(addr, ours.p, ours.len) == 0;
	same = text_unhex(&b, theirs) == OK && slice_eq(buf_slice(&b), ours);
	buf_clear(&b);
	return same;
}

/* A code with its name, "sha256(4)": the number, and the name where we know it.
 */
static bool same_code(const char *theirs, const char *ours)
{
	const char *their_end, *our_end;
	uint64_t a, b;
	char x[64], y[64];

	if (!number(ours, &b, &our_end))
		return false;
	plain(y, sizeof(y), ours, (size_t)(our_end - ours));
	if (!number(theirs, &a, &their_end)) { /* a name alone */
		plain(x, sizeof(x), theirs, strlen(theirs));
		return y[0] != '\0' && strcmp(x, y) == 0;
	}
	if (a != b)
		return false;
	plain(x, sizeof(x), theirs, (size_t)(their_end - theirs));
	return x[0] == '\0' || y[0] == '\0' || strcmp(x, y) == 0;
}

static bool same_value(const struct json *theirs, const char *ours)
{
	struct buf b = BUF_INIT(1 << 24);
	bool same;

	switch (theirs->type) {
	case JSON_BOOL:
		return strcmp(ours, theirs->text[0] == 't' ? "1" : "0") == 0;
	case JSON_NUMBER:
		return same_code(theirs->text, ours);
	default:
		if ((is_code(theirs->text) || is_code(ours)) &&
		    same_code(theirs->text, ours))
			return true;
		same = bytes(ours, &b) &&
		       same_bytes(theirs->text, buf_slice(&b));
		buf_clear(&b);
		return same;
	}
}

/* Both are in the order of the wire, so the next one is looked at first. */
static struct leaf *find(const struct leaf *want, struct leaves *got,
			 size_t next)
{
	for (size_t i = 0; i < got->n; i++) {
		struct leaf *g = &got->v[(next + i) % got->n];

		if (g->used || strcmp(g->place, want->place) != 0)
			continue;
		if (same_name(want->name, g->name) ||
		    (want->list != NULL && same_name(want->name, g->list)))
			return g;
	}
	return NULL;
}

unsigned leaves_compare(const struct leaves *want, struct leaves *got,
			bool whole, const struct complaint *c)
{
	char words[300];
	unsigned bad = 0;
	size_t next = 0;

	for (size_t i = 0; i < want->n; i++) {
		const struct leaf *w = &want->v[i];
		struct leaf *g = find(w, got, next);

		if (g != NULL) {
			g->used = true;
			next = (size_t)(g - got->v) + 1;
		}
		if (g != NULL && same_value(w->json, g->value))
			continue;
		if (g == NULL)
			(void)snprintf(words, sizeof(words),
				       "%.100s is listed, not decoded",
				       w->json->text);
		else
			(void)snprintf(words, sizeof(words),
				       "%.100s is listed, %.100s decoded as %s",
				       w->json->text, g->value, g->path);
		c->say(c->ctx, w->path, words);
		bad++;
	}
	for (size_t i = 0; whole && i < got->n; i++) {
		if (got->v[i].used)
			continue;
		(void)snprintf(words, sizeof(words),
			       "%.100s is decoded, not listed",
			       got->v[i].value);
		c->say(c->ctx, got->v[i].path, words);
		bad++;
	}
	return bad;
}
