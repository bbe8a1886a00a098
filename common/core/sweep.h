/* SPDX-License-Identifier: ISC */
#ifndef CORE_SWEEP_H
#define CORE_SWEEP_H

#include <stdbool.h>

struct node;

/*
 * What lies here and is not owned: values that belong to others by now are
 * offered to their owner, RFC 6940 s6.4.2.3, and those out of whose replica set
 * this node has dropped are deleted, s10.7.3.
 */

/* A sweep soon, of all that is not owned (`all`) or of what may be deleted. */
void sweep_soon(struct node *n, bool all);
void sweep_timer(struct node *n);
/* This node is not in the ring any more. */
void sweep_stop(struct node *n);
void sweep_clear(struct node *n);

#endif
