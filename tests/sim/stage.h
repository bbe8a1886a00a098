/* SPDX-License-Identifier: ISC */
#ifndef SIM_STAGE_H
#define SIM_STAGE_H

#include "check.h"
#include "truth.h"

/* What the traces begin with: a ring with values in it, watched by the checker.
 */
struct stage {
	struct world *w;
	struct check check;
	struct truth truth;
};

/* `update_s`: chord-update-interval; long ones show what needs no timer. */
void stage_init(struct stage *s, uint64_t seed, uint32_t n_peers,
		uint32_t update_s);
/* The same in an overlay of these links, LINK_PROTOCOL_*. */
void stage_init_links(struct stage *s, uint64_t seed, uint32_t n_peers,
		      uint32_t update_s, uint8_t links);
/* How many rules were broken; frees all. */
uint64_t stage_end(struct stage *s);
/* Every host stores a value and two dictionary entries; how many of them were
 * not acknowledged. */
uint32_t stage_fill(struct stage *s);
/* How many fetches fail, of everything by every peer. */
uint32_t stage_missing(struct stage *s);

#endif
