/* SPDX-License-Identifier: ISC */
#ifndef SIM_LAY_H
#define SIM_LAY_H

#include "world.h"

/*
 * A ring whose tables are laid by rule instead of by joins: every node gets the
 * links that a join would have given it, to its neighbours and to the owners of
 * n + 2^(128-i) (RFC 6940 s10.5).  What passes over these links is real.
 */

/* Makes `n` hosts in a new world and lays their ring; all are JOINED at its
 * end. */
void lay_ring(struct world *w, uint32_t n);

/* The world's peers in ring order: who is responsible for what. */
struct order {
	struct host **v;
	uint32_t n;
};

void order_make(struct order *o, struct world *w);
void order_clear(struct order *o);
/* The first at or after a point, as an index. */
uint32_t order_owner(const struct order *o, const struct node_id *id);

#endif
