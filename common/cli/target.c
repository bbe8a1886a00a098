/* SPDX-License-Identifier: ISC */
/*
 * Which value of which Kind at which resource a command line names.  Owns the
 * text forms of names and selectors, not what is done with them.
 */
#include "cli/target.h"

#include <string.h>

#include "base/text.h"

enum { KEY_MAX = 65535 }; /* bytes: DictionaryKey, RFC 6940 s7.2.3 */

#define FIRST_PRIVATE UINT32_C(0xf0000001)

enum err target_hash(const struct crypto *crypto, struct slice name,
		     struct node_id *out)
{
	uint8_t digest[HASH_LEN_MAX];
	size_t len;
	enum err r;

	if ((r = crypto->hash(crypto->ctx, HASH_SHA1, &name, 1, digest,
			      &len)) != OK)
		return r;
	return id_from_slice(out, slice_of(digest, RING_ID_LEN));
}

static bool fits(const struct kind *k, const struct target_opts *o)
{
	bool of_nodes = k->access == ACCESS_NODE_MATCH ||
			k->access == ACCESS_NODE_MULTIPLE;

	if (k->id < FIRST_PRIVATE || of_nodes != o->node)
		return false;
	if (o->index != NULL)
		return k->model == MODEL_ARRAY;
	if (o->key != NULL)
		return k->model == MODEL_DICTIONARY;
	return k->model == MODEL_SINGLE;
}

static enum err find_kind(struct target *t, const struct target_opts *o,
			  const struct kinds *ks, struct why *why)
{
	uint64_t id;

	if (o->kind == NULL) {
		for (uint32_t i = 0; i < ks->n; i++)
			if (fits(&ks->v[i], o)) {
				t->kind = &ks->v[i];
				return OK;
			}
		return why_err(why, ERR_UNKNOWN_KIND,
			       "the overlay has no private kind that fits; "
			       "name one with -k");
	}
	if ((t->kind = kinds_find_name(ks, o->kind)) == NULL &&
	    text_u64(&id, o->kind, 0, UINT32_MAX) == OK)
		t->kind = kinds_find(ks, (uint32_t)id);
	if (t->kind == NULL)
		return why_err(
			why, ERR_UNKNOWN_KIND,
			"'%s' is none of the kinds of the document here; "
			"p2psip-join --update looks for a newer one",
			o->kind);
	return OK;
}

/* "INDEX", "FIRST-LAST", "end". */
static enum err parse_index(struct target *t, const char *text, struct why *why)
{
	const char *dash = strchr(text, '-');
	char first[16];
	uint64_t a, b;

	if (strcmp(text, "end") == 0) {
		t->first = t->last = ARRAY_END;
		return OK;
	}
	if (dash == NULL) {
		if (text_u64(&a, text, 0, ARRAY_END - 1) != OK)
			goto bad;
		t->first = t->last = (uint32_t)a;
		return OK;
	}
	if ((size_t)(dash - text) >= sizeof(first))
		goto bad;
	memcpy(first, text, (size_t)(dash - text));
	first[dash - text] = '\0';
	b = ARRAY_END;
	if (text_u64(&a, first, 0, ARRAY_END - 1) != OK ||
	    (strcmp(dash + 1, "end") != 0 &&
	     text_u64(&b, dash + 1, 0, ARRAY_END - 1) != OK) ||
	    b < a)
		goto bad;
	t->first = (uint32_t)a;
	t->last = (uint32_t)b;
	return OK;
bad:
	return why_err(why, ERR_USAGE,
		       "-i: '%s' is no index, FIRST-LAST or 'end'", text);
}

static enum err parse_key(struct target *t, const char *text, struct why *why)
{
	enum err r;

	if (strncmp(text, "0x", 2) == 0)
		r = text_unhex(&t->key, text + 2);
	else
		r = buf_append_slice(&t->key, slice_str(text));
	if (r == ERR_DATA || r == ERR_LIMIT)
		return why_err(why, ERR_USAGE, "-K: '%s' is no key", text);
	return r;
}

enum err target_init(struct target *t, const struct target_opts *o,
		     const struct target_env *env, struct why *why)
{
	enum err r;

	*t = (struct target){ .key = BUF_INIT(KEY_MAX), .last = ARRAY_END };
	if ((r = find_kind(t, o, &env->overlay->kinds, why)) != OK)
		return r;
	if (o->index != NULL && t->kind->model != MODEL_ARRAY)
		return why_err(why, ERR_USAGE, "-i: %s is no array",
			       t->kind->name);
	if (o->key != NULL && t->kind->model != MODEL_DICTIONARY)
		return why_err(why, ERR_USAGE, "-K: %s is no dictionary",
			       t->kind->name);
	t->has_index = o->index != NULL;
	t->has_key = o->key != NULL;
	if (t->has_index && (r = parse_index(t, o->index, why)) != OK)
		return r;
	return t->has_key ? parse_key(t, o->key, why) : OK;
}

static enum err own_resource(struct target *t, const struct target_env *env,
			     struct why *why)
{
	const struct signer *s = env->signer;
	uint8_t id[NODE_ID_MAX + 1];
	size_t len = env->overlay->node_id_length;

	switch (t->kind->access) {
	case ACCESS_USER_MATCH:
	case ACCESS_USER_NODE_MATCH:
		if (*s->cert->user == '\0')
			return why_err(why, ERR_USAGE,
				       "RESOURCE missing: this identity has "
				       "no user name");
		return target_hash(env->crypto, slice_str(s->cert->user),
				   &t->resource);
	case ACCESS_NODE_MULTIPLE:
		/* CHOICE: i is one byte wide; the first is 1. */
		memcpy(id, s->node_id.b, len);
		id[len++] = 1;
		return target_hash(env->crypto, slice_of(id, len),
				   &t->resource);
	case ACCESS_NODE_MATCH:
		break;
	}
	return target_hash(env->crypto, id_slice(&s->node_id, len),
			   &t->resource);
}

enum err target_resource(struct target *t, const struct target_opts *o,
			 const char *name, const struct target_env *env,
			 struct why *why)
{
	size_t len = env->overlay->node_id_length;
	struct node_id id;

	if (o->resource_id && o->node)
		return why_err(why, ERR_USAGE, "-x and -N exclude each other");
	if (name == NULL)
		return own_resource(t, env, why);
	if (o->resource_id) {
		if (id_parse(&t->resource, RING_ID_LEN, name) != OK)
			return why_err(
				why, ERR_USAGE,
				"'%s' is no Resource-ID of %d hex digits", name,
				2 * RING_ID_LEN);
		return OK;
	}
	if (!o->node)
		return target_hash(env->crypto, slice_str(name), &t->resource);
	if (strcmp(name, "self") == 0)
		id = env->signer->node_id;
	else if (id_parse(&id, len, name) != OK)
		return why_err(why, ERR_USAGE,
			       "'%s' is no Node-ID of %zu hex digits, nor "
			       "'self'",
			       name, 2 * len);
	return target_hash(env->crypto, id_slice(&id, len), &t->resource);
}

enum err target_writable(struct target *t, const struct target_env *env,
			 struct why *why)
{
	switch (t->kind->model) {
	case MODEL_ARRAY:
		if (!t->has_index || t->first != t->last)
			return why_err(why, ERR_USAGE,
				       "%s is an array: name one index with "
				       "-i, or -i end",
				       t->kind->name);
		return OK;
	case MODEL_DICTIONARY:
		if (t->has_key)
			return OK;
		if (t->kind->access != ACCESS_USER_NODE_MATCH)
			return why_err(why, ERR_USAGE,
				       "%s is a dictionary: name a key with -K",
				       t->kind->name);
		t->has_key = true;
		return buf_append_slice(&t->key,
					id_slice(&env->signer->node_id,
						 env->overlay->node_id_length));
	case MODEL_SINGLE:
		break;
	}
	return OK;
}

enum err target_specifier(const struct target *t,
			  struct stored_data_specifier *out, struct arena *a)
{
	*out = (struct stored_data_specifier){ .kind = t->kind->id };
	if (t->kind->model == MODEL_ARRAY) {
		out->indices.v = arena_zalloc(a, 1, sizeof(*out->indices.v));
		if (out->indices.v == NULL)
			return ERR_NOMEM;
		out->indices.v[0] = (struct array_range){ t->first, t->last };
		out->indices.n = 1;
	}
	if (t->kind->model == MODEL_DICTIONARY && t->has_key) {
		out->keys.v = arena_zalloc(a, 1, sizeof(*out->keys.v));
		if (out->keys.v == NULL)
			return ERR_NOMEM;
		out->keys.v[0] = buf_slice(&t->key);
		out->keys.n = 1;
	}
	return OK;
}

void target_clear(struct target *t)
{
	buf_clear(&t->key);
}
