/* SPDX-License-Identifier: ISC */
#ifndef CORE_SUSPECT_H
#define CORE_SUSPECT_H

struct node;
struct link;

/* Links without ACKs: out of the tables, or back, RFC 6940 s6.6.3.1, s6.6.5. */

/* A link has become suspect, or has answered again. */
void suspect_link(struct node *n, const struct link *l);
/* A message was sent as often as it may be and nothing came back: its node
 * leaves the tables, while the link is held. */
void suspect_given_up(struct node *n, const struct link *l);
void suspect_timer(struct node *n);

#endif
