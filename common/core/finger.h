/* SPDX-License-Identifier: ISC */
#ifndef CORE_FINGER_H
#define CORE_FINGER_H

#include "base/id.h"

struct node;

/* The Finger Table and the search for what is missing in it, RFC 6940
 * s10.7.4.2. */

struct finger {
	struct node_id id; /* all zero: none */
	bool valid;        /* of the finger's own range; if not, the closest
			      preceding peer */
	bool wanted;       /* its node has failed: a search is due */
};

/* The finger in whose range a distance from this node lies, from 1. */
unsigned finger_of(const struct node_id *distance);
/* Works the table out from the peers; `failure`: one of them was lost. */
void finger_fill(struct node *n, bool failure);
/* Is it known without asking who is responsible where finger `i` begins? */
bool finger_known(const struct node *n, unsigned i);
/* Searches for the fingers whose nodes have failed. */
void finger_seek_wanted(struct node *n);
/* This node has entered the ring, left it; ring.search is due. */
void finger_start(struct node *n);
void finger_stop(struct node *n);
void finger_search(struct node *n);

#endif
