/* SPDX-License-Identifier: ISC */
/*
 * The table from link numbers to TLS links.  Owns its entries, not the links.
 */
#include "net/numbered.h"

#include <stdlib.h>

struct numbered_link *numbered_find(struct numbered *t, uint32_t number)
{
	struct numbered_link *l;

	HASH_FIND(hh, t->links, &number, sizeof(number), l);
	return l;
}

struct numbered_link *numbered_add(struct numbered *t, uint32_t number,
				   struct tls_link *tls,
				   const struct ip_address_port *address)
{
	struct numbered_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->number = number;
	l->tls = tls;
	l->address = *address;
	HASH_ADD(hh, t->links, number, sizeof(l->number), l);
	if (l->hh.tbl == NULL) {
		free(l);
		return NULL;
	}
	tls_link_set_data(tls, l);
	return l;
}

void numbered_drop(struct numbered *t, struct numbered_link *l)
{
	HASH_DEL(t->links, l);
	free(l);
}

void numbered_clear(struct numbered *t)
{
	struct numbered_link *l, *next;

	HASH_ITER (hh, t->links, l, next)
		numbered_drop(t, l);
}
