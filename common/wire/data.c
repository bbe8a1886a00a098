/* SPDX-License-Identifier: ISC */
/*
 * Stored data and the messages that carry it: Store, Fetch, Stat, Find, and the
 * bytes under a value's signature.  Who may store what is core's.  RFC 6940 s7.
 */
#include "wire/data.h"

/* Sets the model of the values that follow; false when the Kind is not known.
 */
static bool model(struct wire *w, uint32_t kind)
{
	const struct kind *k = kinds_find(w->env->kinds, kind);

	if (k == NULL)
		return false;
	w->model = k->model;
	return true;
}

/* What stands before the DataValue or MetaData of an array's or dictionary's
 * entry. RFC 6940 s7.2. */
static void place(struct wire *w, uint32_t *index, struct slice *key)
{
	switch (w->model) {
	case MODEL_SINGLE:
		break;
	case MODEL_ARRAY:
		wire_u32(w, "index", index);
		break;
	case MODEL_DICTIONARY:
		wire_opaque(w, "key", 2, key);
		break;
	}
}

/* RFC 6940 s7.2. */
void wire_stored_value(struct wire *w, struct stored_value *v)
{
	place(w, &v->index, &v->key);
	wire_bool(w, "exists", &v->exists);
	wire_opaque(w, "value", 4, &v->value);
}
WIRE_CODEC_DEFINE(stored_value);

/* RFC 6940 s7. */
void wire_stored_data(struct wire *w, struct stored_data *v)
{
	wire_open(w, "StoredData", 4);
	wire_u64(w, "storage_time", &v->storage_time);
	wire_u32(w, "lifetime", &v->lifetime);
	wire_stored_value(w, &v->value);
	wire_enter(w, "signature");
	wire_signature(w, &v->signature);
	wire_leave(w);
	wire_close(w);
}
WIRE_CODEC_DEFINE(stored_data);

/* RFC 6940 s7.4.1.1. */
void wire_store_kind_data(struct wire *w, struct store_kind_data *v)
{
	struct stored_data *it;

	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "generation_counter", &v->generation_counter);
	if (!model(w, v->kind)) {
		wire_opaque(w, "values", 4, &v->unknown);
		return; /* carried; the core answers Error_Unknown_Kind */
	}
	WIRE_LIST (w, "values", 4, v->values, it)
		wire_stored_data(w, it);
}
WIRE_CODEC_DEFINE(store_kind_data);

/* RFC 6940 s7.4.1.1. */
void wire_store_req(struct wire *w, struct store_req *v)
{
	struct store_kind_data *it;

	wire_opaque(w, "resource", 1, &v->resource);
	wire_u8(w, "replica_number", &v->replica_number);
	WIRE_LIST (w, "kind_data", 4, v->kind_data, it)
		wire_store_kind_data(w, it);
}
WIRE_CODEC_DEFINE(store_req);

/* RFC 6940 s7.4.1.2. */
void wire_store_kind_response(struct wire *w, struct store_kind_response *v)
{
	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "generation_counter", &v->generation_counter);
	wire_node_id_list(w, "replicas", &v->replicas);
}
WIRE_CODEC_DEFINE(store_kind_response);

/* RFC 6940 s7.4.1.2. */
void wire_store_ans(struct wire *w, struct store_ans *v)
{
	struct store_kind_response *it;

	WIRE_LIST (w, "kind_responses", 2, v->kind_responses, it)
		wire_store_kind_response(w, it);
}
WIRE_CODEC_DEFINE(store_ans);

/* RFC 6940 s7.4.2.1. */
void wire_array_range(struct wire *w, struct array_range *v)
{
	wire_u32(w, "first", &v->first);
	wire_u32(w, "last", &v->last);
	if (v->first > v->last)
		wire_fail(w, ERR_RANGE, "last");
}
WIRE_CODEC_DEFINE(array_range);

/* RFC 6940 s7.4.2.1.  CHOICE: both lengths, that of the specifier and that of
 * the list inside. */
void wire_stored_data_specifier(struct wire *w, struct stored_data_specifier *v)
{
	struct array_range *range;
	struct slice *key;

	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "generation", &v->generation);
	wire_open(w, "model_specifier", 2);
	if (!model(w, v->kind))
		wire_rest(w, "unknown", &v->unknown);
	else if (w->model == MODEL_ARRAY)
		WIRE_LIST (w, "indices", 2, v->indices, range)
			wire_array_range(w, range);
	else if (w->model == MODEL_DICTIONARY)
		WIRE_LIST (w, "keys", 2, v->keys, key)
			wire_opaque(w, "key", 2, key);
	wire_close(w);
}
WIRE_CODEC_DEFINE(stored_data_specifier);

/* RFC 6940 s7.4.2.1, s7.4.3.1. */
void wire_fetch_req(struct wire *w, struct fetch_req *v)
{
	struct stored_data_specifier *it;

	wire_opaque(w, "resource", 1, &v->resource);
	WIRE_LIST (w, "specifiers", 2, v->specifiers, it)
		wire_stored_data_specifier(w, it);
}
WIRE_CODEC_DEFINE(fetch_req);

/* RFC 6940 s7.4.2.2. */
void wire_fetch_kind_response(struct wire *w, struct fetch_kind_response *v)
{
	struct stored_data *it;

	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "generation", &v->generation);
	if (!model(w, v->kind)) {
		wire_opaque(w, "values", 4, &v->unknown);
		return;
	}
	WIRE_LIST (w, "values", 4, v->values, it)
		wire_stored_data(w, it);
}
WIRE_CODEC_DEFINE(fetch_kind_response);

/* RFC 6940 s7.4.2.2. */
void wire_fetch_ans(struct wire *w, struct fetch_ans *v)
{
	struct fetch_kind_response *it;

	WIRE_LIST (w, "kind_responses", 4, v->kind_responses, it)
		wire_fetch_kind_response(w, it);
}
WIRE_CODEC_DEFINE(fetch_ans);

/* RFC 6940 s7.4.3.2.  The value_length of StoredMetaData is that of the rest.
 */
void wire_stored_metadata(struct wire *w, struct stored_metadata *v)
{
	struct metadata_value *m = &v->metadata;

	wire_open(w, "StoredMetaData", 4);
	wire_u64(w, "storage_time", &v->storage_time);
	wire_u32(w, "lifetime", &v->lifetime);
	place(w, &m->index, &m->key);
	wire_bool(w, "exists", &m->exists);
	wire_u32(w, "value_length", &m->value_length);
	wire_code8(w, "hash_algorithm", CODE_HASH, &m->hash_algorithm);
	wire_opaque(w, "hash_value", 1, &m->hash_value);
	wire_close(w);
}
WIRE_CODEC_DEFINE(stored_metadata);

/* RFC 6940 s7.4.3.2. */
void wire_stat_kind_response(struct wire *w, struct stat_kind_response *v)
{
	struct stored_metadata *it;

	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "generation", &v->generation);
	if (!model(w, v->kind)) {
		wire_opaque(w, "values", 4, &v->unknown);
		return;
	}
	WIRE_LIST (w, "values", 4, v->values, it)
		wire_stored_metadata(w, it);
}
WIRE_CODEC_DEFINE(stat_kind_response);

/* RFC 6940 s7.4.3.2. */
void wire_stat_ans(struct wire *w, struct stat_ans *v)
{
	struct stat_kind_response *it;

	WIRE_LIST (w, "kind_responses", 4, v->kind_responses, it)
		wire_stat_kind_response(w, it);
}
WIRE_CODEC_DEFINE(stat_ans);

/* RFC 6940 s7.4.4.1. */
void wire_find_req(struct wire *w, struct find_req *v)
{
	wire_opaque(w, "resource", 1, &v->resource);
	wire_kind_id_list(w, "kinds", &v->kinds);
}
WIRE_CODEC_DEFINE(find_req);

/* RFC 6940 s7.4.4.2. */
void wire_find_kind_data(struct wire *w, struct find_kind_data *v)
{
	wire_u32(w, "kind", &v->kind);
	wire_opaque(w, "closest", 1, &v->closest);
}
WIRE_CODEC_DEFINE(find_kind_data);

/* RFC 6940 s7.4.4.2. */
void wire_find_ans(struct wire *w, struct find_ans *v)
{
	struct find_kind_data *it;

	WIRE_LIST (w, "results", 2, v->results, it)
		wire_find_kind_data(w, it);
}
WIRE_CODEC_DEFINE(find_ans);

/* What a value's signature is over.  RFC 6940 s7.1. */
struct signed_value {
	struct slice resource_id;
	uint32_t kind;
	uint64_t storage_time;
	struct stored_value value;
	struct signer_identity who;
};

/* CHOICE: the Resource-ID with its length byte and the Kind-ID of 32 bits, as
 * they are encoded elsewhere. */
static void signed_value(struct wire *w, void *p)
{
	struct signed_value *v = p;

	wire_opaque(w, "resource_id", 1, &v->resource_id);
	wire_u32(w, "kind", &v->kind);
	wire_u64(w, "storage_time", &v->storage_time);
	wire_stored_value(w, &v->value);
	wire_signer_identity(w, &v->who);
}

enum err stored_data_tbs(struct buf *out, struct slice resource_id,
			 uint32_t kind, enum data_model of,
			 const struct stored_data *d,
			 const struct signer_identity *who)
{
	static const struct wire_type type = { "signed_value",
					       sizeof(struct signed_value),
					       signed_value };
	const struct wire_env env = { .model = of };
	struct signed_value v = { resource_id, kind, d->storage_time, d->value,
				  *who };

	/* CHOICE: every value of an array is signed with index 0, not only one
	 * that was appended, RFC 6940 s7.4.2.2: the reader cannot tell them
	 * apart. */
	v.value.index = 0;
	return wire_encode(&type, &v, out, &env);
}
