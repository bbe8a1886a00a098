/* SPDX-License-Identifier: ISC */
#ifndef NET_NUMBERED_H
#define NET_NUMBERED_H

#include "core/table.h"
#include "net/tls_link.h"

/* The driver's links by the numbers that the core knows them under. */

struct numbered_link {
	uint32_t number;
	struct tls_link *tls; /* whose data is this */
	struct ip_address_port address;
	UT_hash_handle hh;
};

/* `{ 0 }` is empty. */
struct numbered {
	struct numbered_link *links; /* uthash: number */
};

/* NULL when there is none. */
struct numbered_link *numbered_find(struct numbered *t, uint32_t number);
/* NULL without memory. */
struct numbered_link *numbered_add(struct numbered *t, uint32_t number,
				   struct tls_link *tls,
				   const struct ip_address_port *address);
void numbered_drop(struct numbered *t, struct numbered_link *l);
void numbered_clear(struct numbered *t);

#endif
