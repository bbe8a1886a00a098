/* SPDX-License-Identifier: ISC */
#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "core/store_put.h"

struct node;
struct recall;

/*
 * Values that came back to their owner from a node that may not store copies
 * here, RFC 6940 s7.4.1.1: the owner refuses them, as it must, and fetches them
 * itself, from that node.
 */

/* A copy with its Kinds taken apart was refused for its sender's sake.  Nothing
 * where this node does not own the resource or does enough of it already. */
void recall_start(struct node *n, const struct store_put *p);
/* After resync_clear(). */
void recall_clear(struct node *n);

#endif
