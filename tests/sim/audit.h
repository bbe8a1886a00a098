/* SPDX-License-Identifier: ISC */
#ifndef SIM_AUDIT_H
#define SIM_AUDIT_H

#include "world.h"

/*
 * Looks at every batch that any host writes, and at every node after every
 * step: nothing is stored without valid authorisation, RFC 6940 s7.3; storage
 * times and an owner's counters never go back, s7.4.1.1, s13.5.3; no table
 * outgrows its limit (core/limits.h).  Judges by the world's own knowledge, not
 * by the core's functions.
 */
struct audit {
	struct world *world;
	bool quiet;        /* do not print */
	uint64_t n_values; /* judged */
	uint64_t n_broken;
	char first[160]; /* the first broken rule */
	struct audit_signer *signers;
};

/* Watches from now on; before the world's end. */
void audit_init(struct audit *a, struct world *w);
void audit_clear(struct audit *a);

/* Something is wrong with a host: counted, and printed but for `quiet`. */
void audit_broken(struct audit *a, const struct host *h, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* inside.c: are all tables of this node within their limits? */
void inside_bounds(struct audit *a, const struct host *h);

#endif
