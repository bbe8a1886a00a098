/* SPDX-License-Identifier: ISC */
/*
 * Text, raw and JSON forms of fetched values (RFC 6940 s7.4.2.2) and metadata
 * (s7.4.3.2).  Owns the forms, not where the values come from.
 */
#include "cli/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/sip_text.h"

/* What a line is about; the value or the metadata follow. */
struct head {
	const struct kind *kind;
	uint64_t generation;
	uint32_t index;
	struct slice key;
	uint64_t storage_time;
	uint32_t lifetime;
};

json_t *print_json_u64(uint64_t v)
{
	char text[24];

	if (v <= INT64_MAX)
		return json_integer((json_int_t)v);
	snprintf(text, sizeof(text), "%" PRIu64, v);
	return json_string(text);
}

json_t *print_json_node_id(const struct node_id *id, size_t len)
{
	char text[ID_TEXT_MAX];

	return json_string(id_format(id, len, text));
}

static bool printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return s.len < 2 || memcmp(s.p, "0x", 2) != 0;
}

enum err print_key(struct buf *out, struct slice key)
{
	enum err r;

	if (printable(key))
		return buf_append_slice(out, key);
	r = buf_append_slice(out, SLICE_LIT("0x"));
	return r != OK ? r : text_hex(out, key);
}

/* The value in the text form of its Kind, or as it is. */
static enum err value_text(struct buf *out, const struct print *p,
			   uint32_t kind, struct slice value, bool *text)
{
	*text = kind == KIND_SIP_REGISTRATION && !p->raw &&
		sip_text_format(out, value, p->wire) == OK;
	return *text ? OK : buf_append_slice(out, value);
}

static json_t *head_json(const struct print *p, const struct head *h)
{
	struct buf key = BUF_INIT(1 << 18);
	json_t *j = json_pack("{s:s, s:s, s:I, s:s}", "resource", p->resource,
			      "kind", h->kind->name, "kind_id",
			      (json_int_t)h->kind->id, "model",
			      kind_model_name(h->kind->model));

	if (h->kind->model == MODEL_ARRAY)
		json_object_set_new(j, "index", json_integer(h->index));
	if (h->kind->model == MODEL_DICTIONARY && print_key(&key, h->key) == OK)
		json_object_set_new(
			j, "key",
			json_stringn(key.len ? (char *)key.p : "", key.len));
	json_object_set_new(j, "storage_time", print_json_u64(h->storage_time));
	json_object_set_new(j, "lifetime", json_integer(h->lifetime));
	json_object_set_new(j, "generation", print_json_u64(h->generation));
	buf_clear(&key);
	return j;
}

/* The columns before the value. */
static enum err head_fields(struct out *o, const struct print *p,
			    const struct head *h)
{
	struct buf key = BUF_INIT(1 << 18);
	enum err r = OK;

	if (p->label)
		out_field(o, slice_str(p->resource));
	if (h->kind->model == MODEL_ARRAY)
		out_fieldf(o, "%" PRIu32, h->index);
	if (h->kind->model == MODEL_DICTIONARY) {
		if ((r = print_key(&key, h->key)) == OK)
			out_field(o, buf_slice(&key));
		buf_clear(&key);
	}
	return r;
}

static enum err value(struct out *o, const struct print *p,
		      const struct head *h, struct slice bytes,
		      const struct value_signer *signer)
{
	struct buf b = BUF_INIT(OUT_MAX);
	bool text;
	json_t *j;
	enum err r;

	if ((r = value_text(&b, p, h->kind->id, bytes, &text)) != OK)
		goto out;
	if (p->json) {
		j = head_json(p, h);
		out_json_value(j, buf_slice(&b));
		json_object_set_new(
			j, "signer",
			json_pack("{s:s, s:o}", "user", signer->user, "node_id",
				  print_json_node_id(
					  &signer->node_id,
					  p->overlay->node_id_length)));
		out_json_take(o, j);
	} else if (p->raw || (p->single && !text)) {
		out_bytes(o, buf_slice(&b));
	} else {
		if (!p->single)
			r = head_fields(o, p, h);
		out_field(o, buf_slice(&b));
		out_end_line(o);
	}
out:
	buf_clear(&b);
	return r;
}

enum err print_fetch(struct out *o, const struct print *p,
		     const struct result *res, size_t *n)
{
	const struct fetch_ans *ans = res->fetch;
	enum err r = OK;

	for (uint32_t i = 0; i < ans->kind_responses.n; i++) {
		const struct fetch_kind_response *k = &ans->kind_responses.v[i];
		struct head h = { .kind = kinds_find(&p->overlay->kinds,
						     k->kind),
				  .generation = k->generation };

		for (uint32_t v = 0; h.kind != NULL && v < k->values.n; v++) {
			const struct stored_data *d = &k->values.v[v];

			if (!d->value.exists)
				continue;
			h.index = d->value.index;
			h.key = d->value.key;
			h.storage_time = d->storage_time;
			h.lifetime = d->lifetime;
			++*n;
			if ((r = value(o, p, &h, d->value.value,
				       &res->signers[i][v])) != OK)
				return r;
		}
	}
	return r;
}

static enum err metadata(struct out *o, const struct print *p,
			 const struct head *h, const struct metadata_value *m)
{
	struct buf hash = BUF_INIT(256);
	const char *alg = code_name(CODE_HASH, m->hash_algorithm);
	json_t *j;
	enum err r;

	if ((r = text_hex(&hash, m->hash_value)) != OK)
		goto out;
	if (p->json) {
		j = head_json(p, h);
		json_object_set_new(j, "value_length",
				    json_integer(m->value_length));
		json_object_set_new(j, "hash_algorithm",
				    json_string(alg != NULL ? alg : "unknown"));
		json_object_set_new(j, "hash", out_json_hex(m->hash_value));
		out_json_take(o, j);
		goto out;
	}
	r = head_fields(o, p, h);
	out_fieldf(o, "%" PRIu32, m->value_length);
	out_fieldf(o, "%" PRIu64, h->storage_time);
	out_fieldf(o, "%" PRIu32, h->lifetime);
	out_fieldf(o, "%" PRIu64, h->generation);
	out_fieldf(o, "%s:%.*s", alg != NULL ? alg : "unknown", (int)hash.len,
		   hash.len != 0 ? (const char *)hash.p : "");
	out_end_line(o);
out:
	buf_clear(&hash);
	return r;
}

enum err print_stat(struct out *o, const struct print *p,
		    const struct result *res, size_t *n)
{
	const struct stat_ans *ans = res->stat;
	enum err r = OK;

	for (uint32_t i = 0; i < ans->kind_responses.n; i++) {
		const struct stat_kind_response *k = &ans->kind_responses.v[i];
		struct head h = { .kind = kinds_find(&p->overlay->kinds,
						     k->kind),
				  .generation = k->generation };

		for (uint32_t v = 0; h.kind != NULL && v < k->values.n; v++) {
			const struct stored_metadata *d = &k->values.v[v];

			if (!d->metadata.exists)
				continue;
			h.index = d->metadata.index;
			h.key = d->metadata.key;
			h.storage_time = d->storage_time;
			h.lifetime = d->lifetime;
			++*n;
			if ((r = metadata(o, p, &h, &d->metadata)) != OK)
				return r;
		}
	}
	return r;
}
