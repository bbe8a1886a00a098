/* SPDX-License-Identifier: ISC */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include "world.h"

/*
 * Reads every frame of a world and reports each that breaks a rule of the form
 * "always" or "never", by the number of the requirement.  What rogues say, and
 * what they signed, is not judged.
 */
struct check {
	struct world *world;
	bool other_via; /* nodes with opaque IDs or state instead of Via Lists
			 */
	bool quiet;     /* do not print */
	bool rogues;    /* judge them as well: a test of this test */
	uint64_t n_messages; /* judged */
	uint64_t n_broken;   /* rules, in all */
	char first[160];     /* the first broken one */
	struct check_maps *maps;
};

/* Watches from now on; before the world's end. */
void check_init(struct check *c, struct world *w);
void check_clear(struct check *c);

#endif
