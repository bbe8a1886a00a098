/* SPDX-License-Identifier: ISC */
#ifndef SIM_CHAOS_H
#define SIM_CHAOS_H

#include <stdio.h>

#include "world.h"

/* A world in which everything goes wrong by chance, and then nothing any more.
 */
struct chaos_options {
	uint64_t seed;
	uint32_t nodes;
	uint32_t rounds;
	FILE *trace;   /* gets every node's trace, or NULL */
	uint8_t links; /* LINK_PROTOCOL_*; 0: as the seed says */
	bool brief;    /* some values live for seconds; clocks never jump */
	bool dwindle;  /* in the end peers go for good, a few at a time */
	bool kind;     /* nodes come and go in order: no kills, no partitions */
	/* Of records, so many are lost in the calm as well; 0: as the seed
	 * says, and none in the calm. */
	uint32_t loss_permille;
};

struct chaos_report {
	uint64_t n_wrong; /* 0: all is well */
	char first[160];  /* what was wrong first */
	uint64_t n_events, n_frames, n_messages;
	uint64_t n_stored, n_refused;
	uint64_t n_values;            /* written to disks */
	uint64_t n_fetched, n_strict; /* answers; values by how new they are */
	uint64_t virtual_s;
	uint64_t settled_s; /* from the last fault until the ring was right */
};

void chaos_run(const struct chaos_options *opt, struct chaos_report *out);

#endif
