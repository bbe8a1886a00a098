/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SHELF_H
#define STORAGE_SHELF_H

#include "core/storage.h"

/*
 * What the memory engine holds, and recent.c: sorted arrays.  Shelves (one a
 * slot) by resource and Kind, on each its values by key; certificates by hash.
 * What may fail for lack of memory (`prepare`) is apart from what may not.
 * Nothing is locked here.
 */

/* Pointers in an order. */
struct shelf_vec {
	void **v;
	size_t n, cap;
};

struct shelf_value {
	struct slice key, data; /* both behind the struct */
	uint64_t storage_time, expires_ms;
	uint8_t signer[CERT_HASH_LEN];
};

struct shelf {
	struct slot slot;
	struct shelf_vec values; /* struct shelf_value, by key */
};

struct shelf_cert {
	uint8_t hash[CERT_HASH_LEN];
	bool needed; /* as shelf_mark_certs() found it */
	size_t len;
	uint8_t der[];
};

/* `{ 0 }` is empty. */
struct shelf_store {
	struct shelf_vec shelves; /* struct shelf, by resource, then kind */
	struct shelf_vec certs;   /* struct shelf_cert, by hash */
};

/* The first shelf at or after (resource, kind); the number of all when there is
 * none. */
size_t shelf_at(const struct shelf_store *st, const struct node_id *resource,
		uint32_t kind, bool *found);
struct shelf *shelf_find(const struct shelf_store *st,
			 const struct node_id *resource, uint32_t kind);
/* The first value at or after `key`. */
size_t shelf_value_at(const struct shelf *s, struct slice key, bool *found);
/* Does it hold a value that expires after `alive_ms` (0: any value)? */
bool shelf_value_alive(const struct shelf_value *v, uint64_t alive_ms);
bool shelf_alive(const struct shelf *s, uint64_t alive_ms);
struct shelf_cert *shelf_find_cert(const struct shelf_store *st,
				   const uint8_t hash[CERT_HASH_LEN]);

/* Answers a QUERY_KIND into `*out`, which is zero.  ERR_NOMEM, ERR_LIMIT. */
enum err shelf_read(const struct shelf_store *st, const struct query *q,
		    struct query_answer *out, struct arena *a) MUST_CHECK;

/* A copy, to be handed to shelf_put_take() or free(); NULL without memory. */
struct shelf_value *shelf_value_new(const struct record *r);
/* The shelf, made where it is missing, gets room for `n` more values;
 * ERR_NOMEM. */
enum err shelf_prepare(struct shelf_store *st, const struct node_id *resource,
		       uint32_t kind, size_t n) MUST_CHECK;
struct shelf_cert *shelf_cert_new(const struct change *ch);
/* Room for `n` more certificates; ERR_NOMEM. */
enum err shelf_prepare_certs(struct shelf_store *st, size_t n) MUST_CHECK;

/* Inserts or replaces, on a shelf that was prepared. */
void shelf_put_take(struct shelf_store *st, const struct record *r,
		    struct shelf_value *v);
/* Inserts, unless it is there already; room was made. */
void shelf_put_cert_take(struct shelf_store *st, struct shelf_cert *c);
/* Which values go, compared with `r`; r->key, r->signer, r->expires_ms. */
typedef bool shelf_filter(const struct shelf_value *v, const struct record *r);
shelf_filter shelf_key_is, shelf_signer_is, shelf_has_expired, shelf_any;
void shelf_drop(struct shelf *s, shelf_filter *which, const struct record *r);
/* Marks the certificates that values need; how many they are. */
size_t shelf_mark_certs(struct shelf_store *st);
/* Drops certificates that are not marked. */
void shelf_sweep_certs(struct shelf_store *st);
/* Drops the shelf of that index, with what it holds. */
void shelf_remove(struct shelf_store *st, size_t at);
/* Drops shelves that hold nothing, not even a counter. */
void shelf_sweep(struct shelf_store *st);
/* Frees all; the store is empty afterwards. */
void shelf_clear(struct shelf_store *st);

#endif
