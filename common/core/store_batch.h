/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_BATCH_H
#define CORE_STORE_BATCH_H

#include "core/store_put.h"

/* Adds to a batch all that a Store that was judged changes, which may be
 * nothing; sets p->written and the counters that it ends with. */
enum err store_batch_add(struct node *n, struct store_put *p,
			 struct batch *b) MUST_CHECK;

#endif
