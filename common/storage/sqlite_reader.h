/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SQLITE_READER_H
#define STORAGE_SQLITE_READER_H

#include "storage/sqlite_db.h"

/* Prepares the statements on an open connection with the schema in place. */
enum err sqlite_reader_init(struct sqlite_db *d, struct why *why) MUST_CHECK;
/* As struct storage's read(). */
enum err sqlite_reader_read(struct sqlite_db *d, const struct query *q,
			    struct query_answer *out,
			    struct arena *a) MUST_CHECK;

#endif
