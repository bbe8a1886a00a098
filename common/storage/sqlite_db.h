/* SPDX-License-Identifier: ISC */
#ifndef STORAGE_SQLITE_DB_H
#define STORAGE_SQLITE_DB_H

#include <sqlite3.h>

#include "base/log.h"
#include "core/storage.h"

/*
 * One connection of the SQLite engine and its prepared statements: what reading
 * and writing have in common.
 */

enum { SQLITE_DB_STATEMENTS_MAX = 20 };

struct sqlite_db {
	sqlite3 *db;
	sqlite3_stmt *stmt[SQLITE_DB_STATEMENTS_MAX];
	const struct log_sink *log;
	bool damaged; /* the file is, as a statement has found */
};

/* Parameters have the same number in every statement. */
enum {
	P_RESOURCE = 1,
	P_KIND,
	P_KEY, /* KIND: the first */
	P_LAST,
	P_STORAGE_TIME,
	P_TIME, /* of expiry, or alive_ms */
	P_HASH,
	P_BYTES,
	P_GENERATION,
	P_TO,
	P_LIMIT,
	P_SLOT /* its id */
};

/* Opens (the file is there) and sets what every connection needs; the database
 * may be read-only in effect.  ERR_CANTCREAT, ERR_STORAGE, ERR_DAMAGED. */
enum err sqlite_db_open(struct sqlite_db *d, const char *path,
			const struct log_sink *log, struct why *why) MUST_CHECK;
/* Prepares sql[0] to sql[n - 1] as stmt[0] to stmt[n - 1]. */
enum err sqlite_db_prepare(struct sqlite_db *d, const char *const *sql,
			   size_t n, struct why *why) MUST_CHECK;
/* Runs SQL text that gives no rows. */
enum err sqlite_db_exec(struct sqlite_db *d, const char *sql,
			struct why *why) MUST_CHECK;
/* One number from one row. */
enum err sqlite_db_number(struct sqlite_db *d, const char *sql, int64_t *out,
			  struct why *why) MUST_CHECK;
void sqlite_db_close(struct sqlite_db *d);

/* Binding; 0, or not where there is no memory.  Slices must live until the
 * statement is reset; an empty one is an empty blob, not NULL. */
int sqlite_db_bind_slice(sqlite3_stmt *s, int p, struct slice v);
/* 64 bits as they are: never compared in SQL. */
int sqlite_db_bind_u64(sqlite3_stmt *s, int p, uint64_t v);
/* A time: what does not fit 63 bits is never reached. */
int sqlite_db_bind_time(sqlite3_stmt *s, int p, uint64_t ms);
int sqlite_db_bind_slot(sqlite3_stmt *s, const struct node_id *resource,
			uint32_t kind);

/* Logs what SQLite says; the error for it: ERR_STORAGE, ERR_NOMEM, or
 * ERR_DAMAGED, after which nothing in the file can be relied on. */
enum err sqlite_db_complain(struct sqlite_db *d, const char *what);

#endif
