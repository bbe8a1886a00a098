/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_JUDGE_H
#define CORE_STORE_JUDGE_H

#include "core/store_put.h"

/*
 * May a Store be done on top of what is stored?  Generation counters, storage
 * times, counts, RFC 6940 s7.4.1.1; fills in the stored counters, and the keys
 * and indexes of the values.  `is` has one answer for each Kind, with all
 * records that have not expired.  ERR_GENERATION_COUNTER_TOO_LOW,
 * ERR_DATA_TOO_OLD, ERR_DATA_TOO_LARGE.  A Store may be judged again.
 */
enum err store_judge(struct store_put *p, const struct query_answer *is,
		     struct why *why) MUST_CHECK;
/* Makes `is` what is stored once `p`, which was judged, is: for the next one.
 * Memory is the step's and p's. */
enum err store_judge_apply(struct node *n, const struct store_put *p,
			   struct query_answer *is) MUST_CHECK;
/* Has the value no place of its own yet? */
bool store_judge_appends(const struct store_put_kind *pk,
			 const struct store_put_value *v);

#endif
