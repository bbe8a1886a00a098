/* SPDX-License-Identifier: ISC */
#ifndef SCARCE_H
#define SCARCE_H

/*
 * Memory that comes to an end: malloc(), calloc() and reallocarray() of a test
 * that is linked with --wrap for each of them.
 */

/* Allocations that succeed, then none does; negative: no limit. */
extern long allocations_left;

#endif
