/* SPDX-License-Identifier: ISC */
/*
 * check-vectors DIR...: decodes the vectors of other implementations, one JSON
 * file each, compares every listed field, encodes again, and verifies the
 * signatures.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "sign.h"
#include "wire/frame.h"

enum { FILE_MAX = 1 << 24 };

/* The vector at hand. */
struct vector {
	const char *name;
	const struct json *json, *fields;
	struct slice bytes;
	struct arena *arena;
	struct kinds *kinds;
	struct wire_where where;
	struct wire_env env;
	struct complaint complaint;
	bool quiet; /* while trying what fits */
	unsigned bad;
};

static void fail(struct vector *v, const char *path, const char *words)
{
	v->bad++;
	if (!v->quiet)
		printf("%s: %s: %s\n", v->name, path, words);
}

static void complain(void *ctx, const char *path, const char *words)
{
	fail(ctx, path, words);
}

/* A vector's struct where our name is another. */
static const struct {
	const char *theirs, *ours;
	enum data_model model;
} structs[] = {
	{ "DataValue", "stored_value", MODEL_SINGLE },
	{ "ArrayEntry", "stored_value", MODEL_ARRAY },
	{ "DictionaryEntry", "stored_value", MODEL_DICTIONARY },
	{ "AttachReq", "attach_req_ans", MODEL_SINGLE },
	{ "AttachAns", "attach_req_ans", MODEL_SINGLE },
	{ "AppAttachReq", "app_attach_req_ans", MODEL_SINGLE },
	{ "AppAttachAns", "app_attach_req_ans", MODEL_SINGLE },
	{ "StatReq", "fetch_req", MODEL_SINGLE },
	{ "UpdateReq", "chord_update", MODEL_SINGLE },
	{ "UpdateAns", "empty", MODEL_SINGLE },
	{ "LeaveAns", "empty", MODEL_SINGLE },
	{ "ConfigUpdateAns", "empty", MODEL_SINGLE },
	{ "RouteQueryAns", "chord_route_query_ans", MODEL_SINGLE },
	{ "DataFrame", "framed_message", MODEL_SINGLE },
	{ "AckFrame", "framed_message", MODEL_SINGLE },
};

/* Equal but for case and underscores? */
static bool same(const char *a, const char *b)
{
	for (;; a++, b++) {
		a += strspn(a, "_");
		b += strspn(b, "_");
		if ((*a | 0x20) != (*b | 0x20))
			return false;
		if (*a == '\0')
			return true;
	}
}

/* "StoreRequest" is StoreReq here, "StoreResponse" StoreAns. */
static void short_name(char *out, size_t size, const char *name)
{
	size_t n = strlen(name);

	if (n > 7 && strcmp(name + n - 7, "Request") == 0)
		(void)snprintf(out, size, "%.*sReq", (int)n - 7, name);
	else if (n > 8 && strcmp(name + n - 8, "Response") == 0)
		(void)snprintf(out, size, "%.*sAns", (int)n - 8, name);
	else
		(void)snprintf(out, size, "%s", name);
}

static const struct wire_type *type_named(const char *name)
{
	for (size_t i = 0; wire_types[i] != NULL; i++)
		if (same(wire_types[i]->name, name))
			return wire_types[i];
	return NULL;
}

/* The codec for a vector's struct, or NULL; sets the model. */
static const struct wire_type *type_of(struct vector *v, const char *name)
{
	const struct wire_type *t;
	char text[64];

	if ((t = type_named(name)) != NULL)
		return t;
	short_name(text, sizeof(text), name);
	for (size_t i = 0; i < sizeof(structs) / sizeof(structs[0]); i++) {
		if (!same(structs[i].theirs, text))
			continue;
		v->env.model = structs[i].model;
		return wire_type_find(structs[i].ours);
	}
	return type_named(text);
}

/* A member of this name anywhere in the tree? */
static const struct json *anywhere(const struct json *v, const char *name)
{
	const struct json *it, *found;

	if ((found = json_get(v, name)) != NULL || v->text != NULL)
		return found;
	for (it = v->child; it != NULL; it = it->next)
		if ((found = anywhere(it, name)) != NULL)
			return found;
	return NULL;
}

static bool decode(struct vector *v, const struct wire_type *t, struct slice in,
		   void **out)
{
	char words[300];
	enum err r;

	if ((*out = arena_zalloc(v->arena, 1, t->size)) == NULL) {
		fail(v, t->name, "too large");
		return false;
	}
	r = wire_decode(t, *out, in, v->arena, &v->env);
	if (r == OK)
		return true;
	(void)snprintf(words, sizeof(words), "does not decode as %s: %s",
		       t->name, err_text(r));
	fail(v, v->where.text, words);
	return false;
}

static void encode(struct vector *v, const struct wire_type *t, const void *in,
		   struct slice want)
{
	struct buf b = BUF_INIT(FILE_MAX);
	char words[300];
	size_t i = 0;
	enum err r;

	if ((r = wire_encode(t, in, &b, &v->env)) != OK) {
		(void)snprintf(words, sizeof(words), "does not encode: %s",
			       err_text(r));
		fail(v, v->where.text, words);
	} else if (!slice_eq(buf_slice(&b), want)) {
		while (i < b.len && i < want.len && b.p[i] == want.p[i])
			i++;
		(void)snprintf(words, sizeof(words),
			       "encodes to %zu bytes instead of %zu, "
			       "different from byte %zu on",
			       b.len, want.len, i);
		fail(v, t->name, words);
	}
	buf_clear(&b);
}

/* Against the listed fields: what print wrote. */
static void compare(struct vector *v, const struct json *fields,
		    struct slice print, bool whole)
{
	struct leaves want, got;

	if (leaves_json(v->arena, fields, &want) != OK ||
	    leaves_print(v->arena, print, &got) != OK)
		fail(v, "fields", "cannot be laid out");
	else
		leaves_compare(&want, &got, whole, &v->complaint);
}

static void check_type(struct vector *v, const struct wire_type *t, bool whole)
{
	struct buf b = BUF_INIT(FILE_MAX);
	void *p;

	if (!decode(v, t, v->bytes, &p))
		return;
	encode(v, t, p, v->bytes);
	if (wire_print(t, p, &b, &v->env) != OK)
		fail(v, t->name, "does not print");
	else
		compare(v, v->fields, buf_slice(&b), whole);
	buf_clear(&b);
}

static void check_message(struct vector *v)
{
	struct buf b = BUF_INIT(FILE_MAX);
	const struct wire_type *t;
	struct message *m;
	void *p, *body = NULL;

	if (!decode(v, &wire_type_message, v->bytes, &p))
		return;
	m = p;
	encode(v, &wire_type_message, m, v->bytes);
	encode(v, &wire_type_message_contents, &m->contents, m->contents_bytes);
	if ((t = message_body_type(m->contents.message_code)) != NULL) {
		if (!decode(v, t, m->contents.message_body, &body))
			return;
		encode(v, t, body, m->contents.message_body);
	}
	if (message_print_deep(m, &b, v->arena, &v->env) != OK)
		fail(v, "message", "does not print");
	else
		compare(v, v->fields, buf_slice(&b), true);
	buf_clear(&b);
	if (body != NULL)
		sign_check(v->json, m, body, &v->env, &v->complaint);
}

/* Offset and last are bits of `fragment`; the rest are fields of the header. */
static void check_fragment(struct vector *v)
{
	struct buf b = BUF_INIT(FILE_MAX);
	struct packet *packet;
	void *p;

	if (!decode(v, &wire_type_packet, v->bytes, &p))
		return;
	packet = p;
	encode(v, &wire_type_packet, packet, v->bytes);
	if (buf_printf(&b, "offset %u\nlast %u\n",
		       packet->header.fragment & FRAGMENT_OFFSET,
		       (packet->header.fragment & FRAGMENT_LAST) != 0) != OK ||
	    packet_print(packet, &b, &v->env) != OK)
		fail(v, "fragment", "does not print");
	else
		compare(v, v->fields, buf_slice(&b), false);
	buf_clear(&b);
}

/* Is it a hash of the text: the last bytes of its SHA-1, or the first? */
static void check_hash(struct vector *v, const char *field, bool last)
{
	const char *text = json_string(v->fields, field);
	size_t n = v->bytes.len;
	uint8_t hash[20];

	if (n > sizeof(hash) || !sign_sha1(text, hash) ||
	    memcmp(last ? hash + sizeof(hash) - n : hash, v->bytes.p, n) != 0)
		fail(v, field, "its hash differs");
}

/* A NodeId or ResourceId alone: its bytes, the latter behind their length. */
static bool check_typedef(const struct vector *v)
{
	const struct json *only = v->fields->child;
	struct buf b = BUF_INIT(FILE_MAX);
	bool good = false;

	if (only != NULL && only->next == NULL && only->type == JSON_STRING &&
	    text_unhex(&b, only->text) == OK)
		good = slice_eq(buf_slice(&b), v->bytes) ||
		       (b.len < 256 && v->bytes.len == b.len + 1 &&
			v->bytes.p[0] == b.len &&
			memcmp(v->bytes.p + 1, b.p, b.len) == 0);
	buf_clear(&b);
	return good;
}

/* No struct is named: any codec whose fields are the listed ones. */
static void check_guess(struct vector *v)
{
	unsigned bad = v->bad;
	bool quiet = v->quiet, found = check_typedef(v);

	v->quiet = true;
	for (size_t i = 0; !found && wire_types[i] != NULL; i++) {
		v->bad = 0;
		check_type(v, wire_types[i], false);
		found = v->bad == 0;
	}
	v->quiet = quiet;
	v->bad = bad;
	if (!found)
		fail(v, "fields", "no structure has these fields");
}

static void check_element(struct vector *v)
{
	const char *name = json_string(v->fields, "_struct");
	const struct wire_type *t;

	if (name == NULL && json_string(v->fields, "overlay") != NULL) {
		check_hash(v, "overlay", true);
	} else if (name == NULL && json_string(v->fields, "name") != NULL) {
		check_hash(v, "name", false);
	} else if (name == NULL) {
		check_guess(v);
	} else if ((t = type_of(v, name)) != NULL) {
		check_type(v, t, true);
	} else {
		fail(v, "_struct", "no structure of this name");
	}
}

/* How long Node-IDs are: as in a destination, if one is listed. */
static uint8_t id_len(const struct json *v)
{
	const char *type = json_string(v, "type"),
		   *data = json_string(v, "data");
	uint8_t n = 0;

	if (type != NULL && data != NULL && strncmp(type, "node", 4) == 0)
		return (uint8_t)(strlen(data) / 2);
	if (v->type != JSON_OBJECT && v->type != JSON_ARRAY)
		return 0;
	for (const struct json *it = v->child; n == 0 && it != NULL;
	     it = it->next)
		n = id_len(it);
	return n;
}

static void check_as(struct vector *v, const char *what, uint8_t len)
{
	v->env = (struct wire_env){ .node_id_len = len,
				    .kinds = v->kinds,
				    .where = &v->where };
	v->where.text[0] = '\0';
	if (anywhere(v->fields, "index") != NULL)
		v->env.model = MODEL_ARRAY;
	else if (anywhere(v->fields, "key") != NULL)
		v->env.model = MODEL_DICTIONARY;
	if (strcmp(what, "message") == 0)
		check_message(v);
	else if (strcmp(what, "fragment") == 0)
		check_fragment(v);
	else if (strcmp(what, "frame") == 0)
		check_type(v, &wire_type_framed_message, false);
	else
		check_element(v);
}

static bool check(struct vector *v)
{
	const char *what = json_string(v->json, "what"),
		   *hex = json_string(v->json, "hex");
	struct buf b = BUF_INIT(FILE_MAX);
	uint8_t len, n;

	v->fields = json_get(v->json, "fields");
	if (what == NULL || hex == NULL || v->fields == NULL ||
	    text_unhex(&b, hex) != OK) {
		fail(v, "vector", "has no fields, no bytes, or says not what");
		buf_clear(&b);
		return false;
	}
	v->bytes = buf_slice(&b);
	n = len = id_len(v->fields);
	if (len < NODE_ID_MIN || len > NODE_ID_MAX) {
		/* Not said: whichever fits, but the complaints are for 16. */
		v->quiet = true;
		for (n = NODE_ID_MIN; n <= NODE_ID_MAX; n++) {
			v->bad = 0;
			check_as(v, what, n);
			if (v->bad == 0)
				break;
		}
		v->quiet = false;
		n = n <= NODE_ID_MAX ? n : NODE_ID_MIN;
	}
	v->bad = 0;
	check_as(v, what, n);
	buf_clear(&b);
	return v->bad == 0;
}

static char *load(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = NULL;
	size_t n;

	if (f == NULL)
		return NULL;
	if ((text = calloc(1, FILE_MAX)) != NULL) {
		n = fread(text, 1, FILE_MAX - 1, f);
		text[n] = '\0';
	}
	(void)fclose(f); /* only read */
	return text;
}

static bool check_file(const char *dir, const char *file, struct kinds *kinds)
{
	struct arena a = ARENA_INIT((size_t)64 << 20);
	char path[4096], name[256];
	struct vector v = { .name = name, .arena = &a, .kinds = kinds };
	char *text;
	bool good = false;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, file);
	(void)snprintf(name, sizeof(name), "%.*s", (int)strlen(file) - 5, file);
	v.complaint = (struct complaint){ complain, &v };
	if ((text = load(path)) == NULL)
		perror(path);
	else if ((v.json = json_parse(&a, text)) == NULL)
		fail(&v, "vector", "is not JSON");
	else
		good = check(&v);
	free(text);
	arena_free(&a);
	return good;
}

static int is_json(const struct dirent *d)
{
	size_t n = strlen(d->d_name);

	return n > 5 && strcmp(d->d_name + n - 5, ".json") == 0;
}

/* Counts into passed and failed; false when the folder cannot be read. */
static bool check_dir(const char *dir, struct kinds *kinds, unsigned *passed,
		      unsigned *failed)
{
	struct dirent **v;
	int n = scandir(dir, &v, is_json, alphasort);

	if (n < 0) {
		perror(dir);
		return false;
	}
	for (int i = 0; i < n; i++) {
		++*(check_file(dir, v[i]->d_name, kinds) ? passed : failed);
		free(v[i]);
	}
	free(v);
	return true;
}

int main(int argc, char *argv[])
{
	unsigned passed = 0, failed = 0;
	struct kinds kinds = { 0 };
	bool good = true;

	if (argc < 2) {
		fprintf(stderr, "usage: %s DIR...\n", argv[0]);
		return 64;
	}
	if (kinds_add_registered(&kinds) != OK)
		return 71;
	for (uint32_t i = 0; i < 3; i++) {
		struct kind k = { .id = UINT32_C(0xf0000001) + i,
				  .model = (enum data_model)i };

		if (kinds_add(&kinds, &k) != OK)
			return 71;
	}
	for (int i = 1; i < argc; i++)
		good &= check_dir(argv[i], &kinds, &passed, &failed);
	kinds_clear(&kinds);
	printf("%u passed, %u failed\n", passed, failed);
	return good && failed == 0 && passed > 0 ? 0 : 1;
}
