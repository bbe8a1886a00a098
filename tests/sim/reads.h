/* SPDX-License-Identifier: ISC */
#ifndef SIM_READS_H
#define SIM_READS_H

#include "truth.h"

/*
 * Fetches while everything goes wrong.  None returns what was never stored. One
 * that is asked and answered in a ring that is in order, of an owner that has
 * what was acknowledged before, returns that or newer.
 */
struct reads {
	struct truth *truth;
	struct read *all;
	bool all_is_well; /* every Fetch must succeed, and find all */
	/* And that within so many tries: a network may lose one. */
	uint32_t tries_max;
	uint64_t n_judged; /* answers */
	uint64_t n_strict; /* of those, by how new they were */
	uint64_t n_wrong;
};

void reads_init(struct reads *r, struct truth *t);
void reads_clear(struct reads *r);
/* Has `h` fetch the slot of a fact, or all at its resource; nothing where `h`
 * is not ready. */
void reads_start(struct reads *r, struct host *h, const struct fact *f,
		 bool all);
/* Takes in what has ended; to be called now and then. */
void reads_settle(struct reads *r);
bool reads_ended(const struct reads *r);

#endif
