/* SPDX-License-Identifier: ISC */
/*
 * After a lopsided partition, values lie with nodes that the owner does not
 * know as members of the replica set.  RFC 6940 s7.4.1.1 has their copies
 * refused with Error_Forbidden, s6.4.2.3 has them stored at the owner, and the
 * merging rule of s7.4.1.1 has the newer ones win.  CHOICE 49: the owner
 * refuses, and then fetches from the sender what it offered: values that verify
 * and are newer replace its own.  The fetching and merging is resync.c's.
 */
#include "core/recall.h"

#include <stdlib.h>

#include "core/resync.h"
#include "core/state.h"

enum { RECALL_ARENA_MAX = 1 << 20 };

struct recall {
	struct recall *prev, *next;
	struct arena arena;
	struct copy_value *v; /* what was offered: Kinds and keys */
	size_t n_v;
	struct resync *resync;
};

static void recall_free(struct node *n, struct recall *rc)
{
	struct replicas *rs = &n->replicas;

	*(rc->prev == NULL ? &rs->recalls : &rc->prev->next) = rc->next;
	if (rc->next != NULL)
		rc->next->prev = rc->prev;
	rs->n_recalls--;
	arena_free(&rc->arena);
	free(rc);
}

static void resynced(struct node *n, void *ctx, enum err r)
{
	struct recall *rc = ctx;

	node_trace(n, "recall %s", err_name(r));
	recall_free(n, rc);
}

static enum err keep_key(struct arena *a, const struct store_put_kind *pk,
			 const struct stored_value *v, struct slice *key)
{
	switch (pk->kind.model) {
	case MODEL_ARRAY:
		return store_index_key(a, v->index, key);
	case MODEL_DICTIONARY:
		return arena_dup(a, v->key, key);
	case MODEL_SINGLE:
		break;
	}
	return OK;
}

/* Kinds and keys; of the values themselves nothing is believed. */
static enum err keep(struct recall *rc, const struct store_put *p)
{
	struct copy_value *v;
	size_t k = 0;
	enum err r;

	for (uint32_t i = 0; i < p->n_kinds; i++)
		k += p->kinds[i].n;
	if ((rc->v = arena_zalloc(&rc->arena, k, sizeof(*rc->v))) == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < p->n_kinds; i++) {
		const struct store_put_kind *pk = &p->kinds[i];

		for (uint32_t j = 0; j < pk->n; j++) {
			v = &rc->v[rc->n_v++];
			v->kind = pk->kind.id;
			v->model = pk->kind.model;
			r = keep_key(&rc->arena, pk, &pk->values[j].data.value,
				     &v->key);
			if (r != OK)
				return r;
		}
	}
	return OK;
}

void recall_start(struct node *n, const struct store_put *p)
{
	struct replicas *rs = &n->replicas;
	struct recall *rc;
	enum err r;

	if (!ring_responsible(n, &p->job.resource) ||
	    rs->n_recalls >= RECALLS_MAX ||
	    (rc = calloc(1, sizeof(*rc))) == NULL)
		return;
	rc->arena.max = RECALL_ARENA_MAX;
	rc->next = rs->recalls;
	if (rc->next != NULL)
		rc->next->prev = rc;
	rs->recalls = rc;
	rs->n_recalls++;
	r = keep(rc, p);
	if (r == OK && rc->n_v > 0)
		r = resync_start(n, &p->job.req->source, &p->job.resource,
				 rc->v, rc->n_v, resynced, rc, &rc->resync);
	if (r != OK || rc->n_v == 0)
		recall_free(n, rc);
}

void recall_clear(struct node *n)
{
	while (n->replicas.recalls != NULL)
		recall_free(n, n->replicas.recalls);
}
