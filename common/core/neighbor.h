/* SPDX-License-Identifier: ISC */
#ifndef CORE_NEIGHBOR_H
#define CORE_NEIGHBOR_H

#include "base/id.h"

struct node;
struct ring;

/* RFC 6940 s10.7, O(log N): how many neighbours a node ought to have on each
 * side when the nearest NEIGHBORS_MIN of them reach from `first` to `last`. */
uint32_t neighbor_count(const struct node_id *first,
			const struct node_id *last);
/* Is this node, or would it be, in the Neighbor Table? */
bool neighbor_near(const struct node *n, const struct node_id *id);
/* Works the Neighbor Table out from the peers in order; has it changed? */
bool neighbor_fill(struct ring *ring);

#endif
