/* SPDX-License-Identifier: ISC */
#ifndef WIRE_DATA_H
#define WIRE_DATA_H

#include "wire/contents.h"
#include "wire/security.h"
#include "wire/topology.h"

#define ARRAY_END UINT32_C(0xffffffff) /* append; the last element */

/* StoredDataValue: which fields are on the wire is the Kind's model.  RFC 6940
 * s7.2. */
struct stored_value {
	uint32_t index;   /* MODEL_ARRAY; ARRAY_END appends */
	struct slice key; /* MODEL_DICTIONARY */
	bool exists;
	struct slice value;
};

/* A stored value and its signature.  RFC 6940 s7. */
struct stored_data {
	uint64_t storage_time; /* ms since 1970 UTC, set by the storer */
	uint32_t lifetime;     /* s, counted from the arrival of the StoreReq */
	struct stored_value value;
	struct signature signature; /* over stored_data_tbs() */
};
struct stored_data_list {
	struct stored_data *v;
	uint32_t n;
};

/* The values of one Kind in a StoreReq.  RFC 6940 s7.4.1.1. */
struct store_kind_data {
	uint32_t kind;
	uint64_t generation_counter;
	struct stored_data_list values;
	struct slice unknown; /* the values of a Kind that is not known */
};
struct store_kind_data_list {
	struct store_kind_data *v;
	uint32_t n;
};
struct store_req {
	struct slice resource;
	uint8_t replica_number; /* 0: the original */
	struct store_kind_data_list kind_data;
};

/* RFC 6940 s7.4.1.2. */
struct store_kind_response {
	uint32_t kind;
	uint64_t generation_counter;
	struct node_id_list replicas;
};
struct store_kind_response_list {
	struct store_kind_response *v;
	uint32_t n;
};
struct store_ans {
	struct store_kind_response_list kind_responses;
};

/* Both ends belong to it; first <= last, anything else is ERR_RANGE.  CHOICE:
 * the int32 of RFC 6940 s7.4.2.1 is unsigned, for 0xffffffff is the last
 * element. */
struct array_range {
	uint32_t first;
	uint32_t last; /* ARRAY_END: whatever is last */
};
struct array_range_list {
	struct array_range *v;
	uint32_t n;
};

/* Some values of one Kind.  RFC 6940 s7.4.2.1. */
struct stored_data_specifier {
	uint32_t kind;
	uint64_t generation;
	struct array_range_list indices; /* MODEL_ARRAY */
	struct slice_list keys;          /* MODEL_DICTIONARY; none: all */
	struct slice unknown; /* the specifier of a Kind that is not known */
};
struct stored_data_specifier_list {
	struct stored_data_specifier *v;
	uint32_t n;
};

/* The body of both FetchReq and StatReq.  RFC 6940 s7.4.2.1, s7.4.3.1. */
struct fetch_req {
	struct slice resource;
	struct stored_data_specifier_list specifiers;
};

/* RFC 6940 s7.4.2.2. */
struct fetch_kind_response {
	uint32_t kind;
	uint64_t generation;
	struct stored_data_list values;
	struct slice unknown; /* the values of a Kind that is not known */
};
struct fetch_kind_response_list {
	struct fetch_kind_response *v;
	uint32_t n;
};
struct fetch_ans {
	struct fetch_kind_response_list kind_responses;
};

/* MetaDataValue.  RFC 6940 s7.4.3.2. */
struct metadata_value {
	uint32_t index;   /* MODEL_ARRAY */
	struct slice key; /* MODEL_DICTIONARY */
	bool exists;
	uint32_t value_length;   /* bytes */
	uint8_t hash_algorithm;  /* HASH_* */
	struct slice hash_value; /* over the value behind its 4 length bytes */
};
struct stored_metadata {
	uint64_t storage_time; /* ms since 1970 UTC */
	uint32_t lifetime;     /* s */
	struct metadata_value metadata;
};
struct stored_metadata_list {
	struct stored_metadata *v;
	uint32_t n;
};
struct stat_kind_response {
	uint32_t kind;
	uint64_t generation;
	struct stored_metadata_list values;
	struct slice unknown; /* the values of a Kind that is not known */
};
struct stat_kind_response_list {
	struct stat_kind_response *v;
	uint32_t n;
};
struct stat_ans {
	struct stat_kind_response_list kind_responses;
};

/* RFC 6940 s7.4.4. */
struct find_req {
	struct slice resource;
	struct kind_id_list kinds;
};
struct find_kind_data {
	uint32_t kind;
	struct slice closest; /* CHOICE: zeros where none is known; empty too */
};
struct find_kind_data_list {
	struct find_kind_data *v;
	uint32_t n;
};
struct find_ans {
	struct find_kind_data_list results;
};

WIRE_CODEC(stored_value);
WIRE_CODEC(stored_data);
WIRE_CODEC(store_kind_data);
WIRE_CODEC(store_req);
WIRE_CODEC(store_kind_response);
WIRE_CODEC(store_ans);
WIRE_CODEC(array_range);
WIRE_CODEC(stored_data_specifier);
WIRE_CODEC(fetch_req);
WIRE_CODEC(fetch_kind_response);
WIRE_CODEC(fetch_ans);
WIRE_CODEC(stored_metadata);
WIRE_CODEC(stat_kind_response);
WIRE_CODEC(stat_ans);
WIRE_CODEC(find_req);
WIRE_CODEC(find_kind_data);
WIRE_CODEC(find_ans);

/*
 * Appends the bytes that the signature of a value is over, RFC 6940 s7.1. `who`
 * is the signer: &d->signature.identity when checking.
 */
enum err stored_data_tbs(struct buf *out, struct slice resource_id,
			 uint32_t kind, enum data_model model,
			 const struct stored_data *d,
			 const struct signer_identity *who) MUST_CHECK;

#endif
