/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_PUT_H
#define CORE_STORE_PUT_H

#include "core/replica.h"
#include "core/store.h"

/* A value on its way in. */
struct store_put_value {
	struct stored_data data; /* an append has its real index once known */
	struct slice key;        /* as in struct record, once known */
	struct slice cert;       /* the signer's, a bundle */
	uint8_t signer[CERT_HASH_LEN];
	uint64_t not_after_ms; /* of that certificate */
	bool appends;          /* its index is the array's end */
	bool same;             /* a copy of what is here already */
};

struct store_put_kind {
	struct kind kind; /* a copy: the document may be replaced */
	uint64_t asked;   /* generation_counter of the request */
	uint64_t generation;
	uint64_t put_down; /* a higher one that a copy replaced, or 0 */
	struct store_put_value *values;
	uint32_t n;
	bool changed;
};

/* A StoreReq under way. */
struct store_put {
	struct store_job job;
	struct store_req body;
	uint16_t sequence; /* of the document that judged it */
	struct store_put_kind *kinds;
	uint32_t n_kinds;
	struct replica_value *written;
	size_t n_written;
	struct store_put *mate; /* behind it in the same turn, or NULL */
};

/* A StoreReq from its arrival to its answer, RFC 6940 s7.4.1. */
void store_put_start_take(struct node *n, struct request *req);

#endif
