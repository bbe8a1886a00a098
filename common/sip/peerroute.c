/* SPDX-License-Identifier: ISC */
/* Which way, and for which application, a peer is asked: RFC 7904 s5.1. */
#include "sip/peerroute.h"

#include <string.h>

enum { ARENA_MAX = 1 << 14 };

static bool copy(struct peerroute *r, const struct destination_list *list)
{
	struct slice own;

	arena_reset(&r->arena);
	r->arena.max = ARENA_MAX;
	if (arena_dup(&r->arena,
		      slice_of(list->v, list->n * sizeof(list->v[0])),
		      &own) != OK)
		return false;
	memcpy(&r->list.v, &own.p, sizeof(own.p));
	for (uint32_t i = 0; i < list->n; i++)
		if (arena_dup(&r->arena, list->v[i].id, &r->list.v[i].id) != OK)
			return false;
	r->list.n = list->n;
	return true;
}

void peerroute_set(struct peerroute *r, const struct destination_list *list,
		   enum peerroute_scheme scheme)
{
	r->scheme = scheme;
	if (!copy(r, list))
		r->list = (struct destination_list){ 0 };
}

enum err peerroute_begin(struct peerroute *r, const struct node_id *node)
{
	struct destination to = destination_node(node);
	const struct destination_list alone = { &to, 1 };

	if (r->list.n == 0 && !copy(r, &alone))
		return ERR_NOMEM;
	r->asked_both = false;
	r->application = r->scheme == PEERROUTE_SIP_FIRST ? APPLICATION_SIP
							  : APPLICATION_SIPS;
	return OK;
}

bool peerroute_other(struct peerroute *r)
{
	if (r->asked_both || r->scheme == PEERROUTE_SIPS_ONLY)
		return false;
	r->asked_both = true;
	r->application = r->application == APPLICATION_SIP ? APPLICATION_SIPS
							   : APPLICATION_SIP;
	return true;
}

void peerroute_clear(struct peerroute *r)
{
	arena_free(&r->arena);
	*r = (struct peerroute){ 0 };
}
