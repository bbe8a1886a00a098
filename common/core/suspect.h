/* SPDX-License-Identifier: ISC */
#ifndef CORE_SUSPECT_H
#define CORE_SUSPECT_H

#include <stdbool.h>

struct link;
struct node;
struct node_id;
struct ring_link;

/* Links without ACKs: out of the tables, or back, RFC 6940 s6.6.3.1, s6.6.5. */

/* A link has become suspect, or has answered again. */
void suspect_link(struct node *n, const struct link *l);
/* A message was sent as often as it may be and nothing came back: its node
 * leaves the tables, while the link is held. */
void suspect_given_up(struct node *n, const struct link *l);
/* A neighbour of this node, which ought to name `r`, does not. */
void suspect_doubted(struct node *n, struct ring_link *r);
/* Is `id`, which is in the tables, left out of Updates? */
bool suspect_unnamed(const struct node *n, const struct node_id *id);
void suspect_timer(struct node *n);

#endif
