/* SPDX-License-Identifier: ISC */
/*
 * Remembers what was fetched, to notice a rollback.  Judging signatures is
 * client_verify.c's, and so is what to say about it.  RFC 6940 s13.5.3.
 */
#include "core/seen.h"

#include <stdlib.h>

#include "core/state.h"
#include "core/table.h"

/* The place of a value: a hash over resource, Kind and index or key. */
struct seen_value {
	UT_hash_handle hh;
	uint8_t place[CERT_HASH_LEN];
	uint64_t storage_time;
};

static void put_u32(uint8_t out[static 4], uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

static enum err place_of(const struct node *n, const struct node_id *resource,
			 const struct kind *k, const struct stored_value *v,
			 uint8_t out[CERT_HASH_LEN])
{
	uint8_t digest[HASH_LEN_MAX], numbers[8];
	struct slice in[] = { id_slice(resource, RING_ID_LEN),
			      slice_of(numbers, sizeof(numbers)), v->key };
	size_t len;
	enum err r;

	put_u32(numbers, k->id);
	put_u32(numbers + 4, k->model == MODEL_ARRAY ? v->index : 0);
	r = n->cfg.crypto->hash(n->cfg.crypto->ctx, HASH_SHA256, in,
				k->model == MODEL_DICTIONARY ? 3 : 2, digest,
				&len);
	if (r == OK)
		memcpy(out, digest, CERT_HASH_LEN);
	return r;
}

static void forget(struct node *n, struct seen_value *s)
{
	HASH_DEL(n->seen.values, s);
	free(s);
}

static void remember(struct node *n, const uint8_t place[CERT_HASH_LEN],
		     uint64_t storage_time)
{
	struct seen_value *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return;
	memcpy(s->place, place, CERT_HASH_LEN);
	s->storage_time = storage_time;
	HASH_ADD(hh, n->seen.values, place, sizeof(s->place), s);
	if (s->hh.tbl == NULL)
		free(s);
	else if (HASH_COUNT(n->seen.values) > SEEN_MAX)
		forget(n, n->seen.values);
}

bool seen_value(struct node *n, const struct node_id *resource,
		const struct kind *k, const struct stored_data *v)
{
	uint8_t place[CERT_HASH_LEN];
	struct seen_value *s;

	if (place_of(n, resource, k, &v->value, place) != OK)
		return true;
	HASH_FIND(hh, n->seen.values, place, sizeof(place), s);
	if (s == NULL) {
		remember(n, place, v->storage_time);
		return true;
	}
	if (v->storage_time < s->storage_time)
		return false;
	s->storage_time = v->storage_time;
	return true;
}

void seen_clear(struct node *n)
{
	struct seen_value *s, *next;

	HASH_ITER (hh, n->seen.values, s, next)
		forget(n, s);
}
