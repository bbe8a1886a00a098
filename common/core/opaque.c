/* SPDX-License-Identifier: ISC */
/*
 * Opaque IDs of two bytes: an index into a table of links and the generation of
 * that slot, so that a late answer does not go to another link.  RFC 6940
 * s6.3.2.2.  CHOICE: strangers get none, no other implementation reads them;
 * the policy VIA_OPAQUE makes them.
 */
#include <stdlib.h>

#include "core/paths.h"
#include "core/state.h"

enum { GENERATION_BITS = 3, GENERATION_MASK = 7, OPAQUE_MARK = 0x8000 };

struct opaque_slot {
	uint32_t link; /* number */
	bool used;
	uint8_t generation;
};

uint16_t opaque_issue(struct node *n, struct link *l)
{
	struct opaques *o = &n->opaques;
	struct opaque_slot *s;
	uint32_t i, tried;

	if (l->opaque != 0)
		return l->opaque;
	if (o->v == NULL) {
		if ((o->v = calloc(OPAQUES_MAX, sizeof(*o->v))) == NULL)
			return 0;
		for (i = 0; i < OPAQUES_MAX; i++)
			o->v[i].generation = (uint8_t)rng_below(
				&n->rng, GENERATION_MASK + 1);
	}
	for (tried = 0; o->v[o->next].used; tried++) {
		if (tried == OPAQUES_MAX)
			return 0;
		o->next = (o->next + 1) % OPAQUES_MAX;
	}
	i = o->next;
	o->next = (o->next + 1) % OPAQUES_MAX;
	s = &o->v[i];
	s->link = l->number;
	s->used = true;
	s->generation = (s->generation + 1) & GENERATION_MASK;
	l->opaque = (uint16_t)(OPAQUE_MARK | i << GENERATION_BITS |
			       s->generation);
	return l->opaque;
}

struct link *opaque_resolve(struct node *n, struct slice id)
{
	const struct opaques *o = &n->opaques;
	struct link *l;
	unsigned v;

	if (o->v == NULL || id.len != 2)
		return NULL;
	v = (unsigned)id.p[0] << 8 | id.p[1];
	if ((v & OPAQUE_MARK) == 0)
		return NULL;
	l = link_by_number(
		n, o->v[(v & ~(unsigned)OPAQUE_MARK) >> GENERATION_BITS].link);
	return l != NULL && l->opaque == v ? l : NULL;
}

void opaque_forget(struct node *n, struct link *l)
{
	if (l->opaque == 0)
		return;
	n->opaques.v[(l->opaque & ~OPAQUE_MARK) >> GENERATION_BITS].used =
		false;
	l->opaque = 0;
}

void opaque_clear(struct node *n)
{
	free(n->opaques.v);
	n->opaques.v = NULL;
}
