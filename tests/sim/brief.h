/* SPDX-License-Identifier: ISC */
#ifndef SIM_BRIEF_H
#define SIM_BRIEF_H

#include "truth.h"

/*
 * Facts whose values live for one to 120 seconds, RFC 6940 s7: how long they
 * are there for sure, and from when on nobody may have them.
 */

/* As truth_fact(): in the dictionary that others of the writer are in. */
struct fact *brief_fact(struct truth *t, struct host *writer);
void brief_free(struct fact *f);
/* The attempt at hand begins: how many seconds what it stores will live. */
uint32_t brief_begin(struct truth *t, struct fact *f);
/* Is what this attempt stored, or a later one in its place, still there for
 * sure? */
bool brief_lives(const struct truth *t, const struct fact *f, uint64_t n);
/* Must this value have ended before a reader asked for it at `us`? */
bool brief_over(const struct truth *t, const struct fact *f,
		const struct stored_value *v, uint64_t us);
/* What joined peers have of all that has ended; prints it. */
uint32_t brief_left(struct truth *t);

#endif
