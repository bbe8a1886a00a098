/* SPDX-License-Identifier: ISC */
#ifndef CORE_ROOM_H
#define CORE_ROOM_H

#include "base/id.h"

struct node;

/*
 * Who gets a link where there are many.  One member that has all of them would
 * leave none to others; and a node that has as many as it may makes room: for
 * whoever comes where a link is idle, and for those that are its neighbours, or
 * would be, where it is not, or nobody could join there.
 */

/* Would a link to this node be let in? */
bool room_for(const struct node *n, const struct node_id *id);
/* There is room, now that the link of least use was closed where there was
 * none.  False: there is none. */
bool room_make(struct node *n, const struct node_id *id);

#endif
