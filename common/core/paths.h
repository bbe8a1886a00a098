/* SPDX-License-Identifier: ISC */
#ifndef CORE_PATHS_H
#define CORE_PATHS_H

#include "base/heap.h"
#include "base/id.h"
#include "core/limits.h"

struct node;
struct link;
struct return_path;

/*
 * Return paths: which link a request came from, by transaction, RFC 6940
 * s6.1.2. Kept for clients, which may have several links under one Node-ID
 * (CHOICE 30), and for all requests where VIA_STATE is the policy.
 */
struct return_paths {
	struct return_path *by_id;        /* uthash */
	struct return_path *first, *last; /* oldest first */
	uint32_t n;
	struct timer timer;
};

/* Remembers for REQUEST_LIFETIME_US; false when there is no room.  `hidden`:
 * the Via List does not name the node (VIA_STATE). */
bool paths_add(struct node *n, uint64_t transaction_id, const struct link *l,
	       bool hidden);
/* The link for an answer to `node`, or NULL. */
struct link *paths_find(struct node *n, uint64_t transaction_id,
			const struct node_id *node);
/* The node that the Via List does not name: the link of a hidden path. */
struct link *paths_find_hidden(struct node *n, uint64_t transaction_id);
void paths_timer(struct node *n, struct timer *t);
void paths_clear(struct node *n);

/*
 * 16-bit opaque IDs that stand for links: 12 bits of index, 3 of generation,
 * RFC 6940 s6.3.2.2.
 */
struct opaques {
	struct opaque_slot *v; /* OPAQUES_MAX, made at the first use */
	uint32_t next;         /* slots are used in rotation */
};

/* The opaque ID of a link, made when it has none; 0 when there is no room. */
uint16_t opaque_issue(struct node *n, struct link *l);
/* The link that an opaque ID stands for; NULL when it is not this node's, or
 * of another generation. */
struct link *opaque_resolve(struct node *n, struct slice id);
void opaque_forget(struct node *n, struct link *l);
void opaque_clear(struct node *n);

#endif
