/* SPDX-License-Identifier: ISC */
#ifndef CORE_STABILIZE_H
#define CORE_STABILIZE_H

#include <stdbool.h>

struct node;

/* What the clock starts: the search for fingers, RFC 6940 s10.7.4.2, and for
 * another part of a torn ring, s10.7.4.4. */

/* This node has entered the ring, or left it. */
void stabilize_start(struct node *n);
void stabilize_stop(struct node *n);
/* Pings for the fingers that are wanted. */
void stabilize_fingers(struct node *n);
/* The node responsible where finger `i` begins is known without asking. */
bool stabilize_finger_known(const struct node *n, unsigned i);
/* ring.search, ring.partition. */
void stabilize_search(struct node *n);
void stabilize_partition(struct node *n);

#endif
