/* SPDX-License-Identifier: ISC */
#ifndef CORE_SEEN_H
#define CORE_SEEN_H

#include "core/node.h"

/* The storage times of values that were fetched and believed: who sees a value
 * older than it was before knows of a rollback.  RFC 6940 s13.5.3. */

enum { SEEN_MAX = 1024 /* values remembered, the newest */ };

struct seen_value;

struct seen {
	struct seen_value *values; /* uthash, the oldest first */
};

/*
 * A verified value has come.  False: a newer one in its place was seen before.
 * What there is no memory for is not remembered.
 */
bool seen_value(struct node *n, const struct node_id *resource,
		const struct kind *k, const struct stored_data *v);
void seen_clear(struct node *n);

#endif
