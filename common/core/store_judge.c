/* SPDX-License-Identifier: ISC */
/*
 * A Store compared with what is stored: counters, storage times, counts, where
 * appends go.  RFC 6940 s7.4.1.1, s13.5.  What needs no look at the storage is
 * store_put.c's.
 */
#include "core/store_judge.h"

#include "core/state.h"

bool store_judge_appends(const struct store_put_kind *pk,
			 const struct store_put_value *v)
{
	return pk->kind.model == MODEL_ARRAY &&
	       v->data.value.index == ARRAY_END;
}

/* The record with this key, or NULL; records are in the order of their keys. */
static const struct record *record_find(const struct query_answer *is,
					struct slice key)
{
	size_t lo = 0, hi = is->n_records, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (slice_cmp(is->records[mid].key, key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == is->n_records || !slice_eq(is->records[lo].key, key))
		return NULL;
	return &is->records[lo];
}

/* Where an append goes: behind all that is there or came before it in the
 * request. ARRAY_END: there is no such place. */
static uint32_t array_end(const struct store_put_kind *pk, uint32_t before,
			  const struct query_answer *is)
{
	uint32_t end = 0, index;

	if (is->n_records > 0)
		end = store_key_index(is->records[is->n_records - 1].key) + 1;
	for (uint32_t i = 0; i < before; i++) {
		index = pk->values[i].data.value.index;
		if (index >= end)
			end = index + 1;
	}
	return end;
}

static enum err find_key(struct store_put *p, struct store_put_kind *pk,
			 uint32_t i, const struct query_answer *is,
			 struct why *why)
{
	struct store_put_value *v = &pk->values[i];

	switch (pk->kind.model) {
	case MODEL_SINGLE:
		return OK;
	case MODEL_DICTIONARY:
		v->key = v->data.value.key;
		return OK;
	case MODEL_ARRAY:
		break;
	}
	v->appends |= store_judge_appends(pk, v);
	if (v->appends)
		v->data.value.index = array_end(pk, i, is);
	if (v->data.value.index == ARRAY_END)
		return why_err(why, ERR_DATA_TOO_LARGE, "the array is full");
	return store_index_key(&p->job.req->arena, v->data.value.index,
			       &v->key);
}

/*
 * Storage times grow, RFC 6940 s13.5.3, also over values that do not exist.
 * CHOICE 45: a copy with the time of the one that is here is that one, and no
 * error.
 */
static enum err check_time(const struct store_put *p, struct store_put_value *v,
			   uint64_t stored, struct why *why)
{
	if (v->data.storage_time > stored)
		return OK;
	if (v->data.storage_time == stored && p->body.replica_number != 0) {
		v->same = true;
		return OK;
	}
	return why_err(why, ERR_DATA_TOO_OLD,
		       "storage_time %llu, stored is %llu",
		       (unsigned long long)v->data.storage_time,
		       (unsigned long long)stored);
}

/*
 * All values of one Kind in turn.  CHOICE 44: nonexistent values count against
 * max-count like any other, for s7.4.1.3 has them treated the same; gaps do
 * not.
 */
static enum err check_values(struct store_put *p, struct store_put_kind *pk,
			     const struct query_answer *is, struct why *why)
{
	const struct store_put_value *earlier;
	const struct record *rec;
	uint64_t count = is->n_records;
	struct store_put_value *v;
	enum err r = store_keys_fit(pk->kind.model, is);

	pk->changed = false;
	for (uint32_t i = 0; i < pk->n && r == OK; i++) {
		v = &pk->values[i];
		v->same = false;
		if ((r = find_key(p, pk, i, is, why)) != OK)
			return r;
		rec = record_find(is, v->key);
		earlier = NULL;
		for (uint32_t j = 0; j < i; j++)
			if (slice_eq(pk->values[j].key, v->key))
				earlier = &pk->values[j];
		if (earlier != NULL)
			r = check_time(p, v, earlier->data.storage_time, why);
		else if (rec != NULL)
			r = check_time(p, v, rec->storage_time, why);
		else
			count++;
		if (r != OK)
			return r;
		pk->changed |= !v->same;
	}
	if (r == OK && pk->kind.model != MODEL_SINGLE &&
	    count > pk->kind.max_count && pk->changed)
		return why_err(why, ERR_DATA_TOO_LARGE,
			       "%llu values, kind 0x%x allows %u",
			       (unsigned long long)count, (unsigned)pk->kind.id,
			       (unsigned)pk->kind.max_count);
	return r;
}

/* RFC 6940 s7.4.1.1: a nonzero counter of an original is the stored one
 * (CHOICE 34: higher is refused as lower is); a copy's is taken over. */
static enum err check_generation(const struct store_put *p,
				 struct store_put_kind *pk,
				 const struct query_answer *is)
{
	pk->generation = is->generation;
	if (p->body.replica_number == 0 && pk->asked != 0 &&
	    pk->asked != is->generation)
		return ERR_GENERATION_COUNTER_TOO_LOW;
	return OK;
}

enum err store_judge(struct store_put *p, const struct query_answer *is,
		     struct why *why)
{
	enum err r = OK;

	for (uint32_t i = 0; i < p->n_kinds; i++)
		if (check_generation(p, &p->kinds[i], &is[i]) != OK)
			r = ERR_GENERATION_COUNTER_TOO_LOW;
	for (uint32_t i = 0; i < p->n_kinds && r == OK; i++)
		r = check_values(p, &p->kinds[i], &is[i], why);
	return r;
}

/* ---- what the next one is compared with ---- */

static enum err add_record(struct node *n, const struct store_put_value *v,
			   struct query_answer *is)
{
	struct record *new = arena_zalloc(&n->arena, is->n_records + 1,
					  sizeof(*new));
	size_t at = 0;
	bool replaces;

	if (new == NULL)
		return ERR_NOMEM;
	while (at < is->n_records && slice_cmp(is->records[at].key, v->key) < 0)
		at++;
	replaces = at < is->n_records && slice_eq(is->records[at].key, v->key);
	for (size_t i = 0; i < at; i++)
		new[i] = is->records[i];
	new[at].key = v->key;
	new[at].storage_time = v->data.storage_time;
	for (size_t i = at + replaces; i < is->n_records; i++)
		new[i + 1 - replaces] = is->records[i];
	is->records = new;
	is->n_records += !replaces;
	return OK;
}

enum err store_judge_apply(struct node *n, const struct store_put *p,
			   struct query_answer *is)
{
	const struct store_put_kind *pk;
	enum err r = OK;

	for (uint32_t i = 0; i < p->n_kinds && r == OK; i++) {
		pk = &p->kinds[i];
		is[i].generation = pk->generation;
		for (uint32_t j = 0; j < pk->n && r == OK; j++)
			if (!pk->values[j].same)
				r = add_record(n, &pk->values[j], &is[i]);
	}
	return r;
}
