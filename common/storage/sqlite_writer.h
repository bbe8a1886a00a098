/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SQLITE_WRITER_H
#define STORAGE_SQLITE_WRITER_H

#include "storage/sqlite_db.h"

/* Prepares the statements on an open connection with the schema in place. */
enum err sqlite_writer_init(struct sqlite_db *d, struct why *why) MUST_CHECK;
/* As struct storage's commit(). */
void sqlite_writer_commit(struct sqlite_db *d, struct batch *const *v, size_t n,
			  enum err *status);

#endif
