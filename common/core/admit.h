/* SPDX-License-Identifier: ISC */
#ifndef CORE_ADMIT_H
#define CORE_ADMIT_H

#include "core/link.h"
#include "core/request.h"

struct node;

/* The Admitting Peer's side of a join, RFC 6940 s6.4.2.1 and s10.5 steps 5
 * to 8. */

request_handler admit_on_join;
/* An Update has come straight from a node. */
void admit_updated(struct node *n, const struct node_id *source);
void admit_timer(struct node *n);
void admit_link_down(struct node *n, const struct link *l);
/* This node is not in the ring any more: nobody can join here. */
void admit_stop(struct node *n);
void admit_clear(struct node *n);

#endif
