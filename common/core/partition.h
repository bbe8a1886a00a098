/* SPDX-License-Identifier: ISC */
#ifndef CORE_PARTITION_H
#define CORE_PARTITION_H

struct node;

/* The search for another part of a torn ring, RFC 6940 s10.7.4.4. */

/* This node has entered the ring, left it; ring.partition is due. */
void partition_start(struct node *n);
void partition_stop(struct node *n);
void partition_check(struct node *n);
/* Nodes were lost: the next question may be due sooner. */
void partition_ring_changed(struct node *n);

#endif
