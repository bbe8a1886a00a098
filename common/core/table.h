/* SPDX-License-Identifier: ISC */
#ifndef CORE_TABLE_H
#define CORE_TABLE_H

/*
 * uthash for core/ and net/: an addition that lacks memory does not exit; the
 * element's hh.tbl is NULL after it.  Iteration is in the order of addition.
 */
#define HASH_NONFATAL_OOM 1

#include <uthash.h>

#endif
