/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "base/heap.h"
#include "core/request.h"
#include "core/storage.h"

struct node;

/*
 * The Storing Peer, RFC 6940 s7.4: Store, Fetch, Stat, Find; values as they
 * were signed, generation counters, lifetimes, limits.  Behind storage.h.
 */

struct store {
	struct timer timer;
};

/* A document was replaced: Kinds may be gone, nodes bad; what they stored goes.
 */
void store_config_changed(struct node *n);
/* A resource is changing (a batch is under way): others wait. */
request_handler store_on_store;
request_handler store_on_fetch;
request_handler store_on_stat;
request_handler store_on_find;
void store_timer(struct node *n, struct timer *t);
void store_clear(struct node *n);

#endif
