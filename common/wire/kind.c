/* SPDX-License-Identifier: ISC */
/*
 * The Kinds that IANA registered and the set that an overlay uses.  What a
 * configuration document says about them is read in conf.  RFC 6940 s7.4.5,
 * s14.6.
 */
#include "wire/kind.h"

#include <stdlib.h>
#include <string.h>

static const struct kind registry[] = {
#define KIND(id_, name_, model_, access_, count_, size_, multiple_)            \
	{ .id = (id_),                                                         \
	  .name = name_,                                                       \
	  .model = MODEL_##model_,                                             \
	  .access = ACCESS_##access_,                                          \
	  .max_count = (count_),                                               \
	  .max_size = (size_),                                                 \
	  .max_node_multiple = (multiple_),                                    \
	  .registered = true },
#include "wire/tbl/kind.def"
#undef KIND
};

static const char *const models[] = { "SINGLE", "ARRAY", "DICTIONARY" };
static const char *const policies[] = { "USER-MATCH", "NODE-MATCH",
					"USER-NODE-MATCH", "NODE-MULTIPLE" };

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Where `id` is, or would be put. */
static uint32_t position(const struct kinds *ks, uint32_t id)
{
	uint32_t lo = 0, hi = ks->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (ks->v[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

enum err kinds_add(struct kinds *ks, const struct kind *k)
{
	uint32_t i = position(ks, k->id), cap;
	struct kind *v;

	if (i < ks->n && ks->v[i].id == k->id) {
		ks->v[i] = *k;
		return OK;
	}
	if (ks->n == ks->cap) {
		if (ks->cap > UINT32_MAX / 2)
			return ERR_NOMEM;
		cap = ks->cap == 0 ? 8 : 2 * ks->cap;
		if ((v = reallocarray(ks->v, cap, sizeof(*v))) == NULL)
			return ERR_NOMEM;
		ks->v = v;
		ks->cap = cap;
	}
	memmove(ks->v + i + 1, ks->v + i, (ks->n - i) * sizeof(*ks->v));
	ks->v[i] = *k;
	ks->n++;
	return OK;
}

enum err kinds_add_registered(struct kinds *ks)
{
	enum err r = OK;

	for (size_t i = 0; r == OK && i < N_OF(registry); i++)
		if (kinds_find(ks, registry[i].id) == NULL)
			r = kinds_add(ks, &registry[i]);
	return r;
}

const struct kind *kinds_find(const struct kinds *ks, uint32_t id)
{
	uint32_t i;

	if (ks == NULL)
		return NULL;
	i = position(ks, id);
	return i < ks->n && ks->v[i].id == id ? &ks->v[i] : NULL;
}

const struct kind *kinds_find_name(const struct kinds *ks, const char *name)
{
	for (uint32_t i = 0; i < ks->n; i++)
		if (name[0] != '\0' && strcmp(ks->v[i].name, name) == 0)
			return &ks->v[i];
	return NULL;
}

void kinds_clear(struct kinds *ks)
{
	free(ks->v);
	*ks = (struct kinds){ 0 };
}

const struct kind *kind_registered(uint32_t i)
{
	return i < N_OF(registry) ? &registry[i] : NULL;
}

const struct kind *kind_registered_id(uint32_t id)
{
	for (size_t i = 0; i < N_OF(registry); i++)
		if (registry[i].id == id)
			return &registry[i];
	return NULL;
}

const struct kind *kind_registered_name(const char *name)
{
	for (size_t i = 0; i < N_OF(registry); i++)
		if (strcmp(registry[i].name, name) == 0)
			return &registry[i];
	return NULL;
}

/* The index of `text` in the table, or -1. */
static int find(const char *const *table, size_t n, const char *text)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(table[i], text) == 0)
			return (int)i;
	return -1;
}

const char *kind_model_name(enum data_model model)
{
	return models[model];
}

enum err kind_model_parse(enum data_model *out, const char *text)
{
	int i = find(models, N_OF(models), text);

	if (i < 0)
		return ERR_DATA;
	*out = (enum data_model)i;
	return OK;
}

const char *kind_access_name(enum access_policy access)
{
	return policies[access];
}

enum err kind_access_parse(enum access_policy *out, const char *text)
{
	int i = find(policies, N_OF(policies), text);

	if (i < 0)
		return ERR_DATA;
	*out = (enum access_policy)i;
	return OK;
}
