/* SPDX-License-Identifier: ISC */
/*
 * Opening a connection, preparing and binding statements.  What the statements
 * are is the reader's and the writer's affair.
 */
#include "storage/sqlite_db.h"

#include <assert.h>

enum { BUSY_TIMEOUT_MS = 5000 };

static enum err what_failed(const struct sqlite_db *d)
{
	switch (sqlite3_errcode(d->db)) {
	case SQLITE_NOMEM:
		return ERR_NOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ERR_DAMAGED;
	default:
		return ERR_STORAGE;
	}
}

static enum err fail(const struct sqlite_db *d, struct why *why)
{
	return why_err(why, what_failed(d), "%s", sqlite3_errmsg(d->db));
}

enum err sqlite_db_exec(struct sqlite_db *d, const char *sql, struct why *why)
{
	return sqlite3_exec(d->db, sql, NULL, NULL, NULL) == SQLITE_OK
		       ? OK
		       : fail(d, why);
}

enum err sqlite_db_open(struct sqlite_db *d, const char *path,
			const struct log_sink *log, struct why *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX |
		    SQLITE_OPEN_NOFOLLOW;

	d->log = log;
	if (sqlite3_open_v2(path, &d->db, flags, NULL) != SQLITE_OK)
		return why_err(why, d->db == NULL ? ERR_NOMEM : ERR_CANTCREAT,
			       "%s", sqlite3_errmsg(d->db));
	sqlite3_busy_timeout(d->db, BUSY_TIMEOUT_MS);
	return sqlite_db_exec(d,
			      "PRAGMA journal_mode = WAL;"
			      "PRAGMA synchronous = FULL;"
			      "PRAGMA trusted_schema = OFF;",
			      why);
}

enum err sqlite_db_prepare(struct sqlite_db *d, const char *const *sql,
			   size_t n, struct why *why)
{
	assert(n <= SQLITE_DB_STATEMENTS_MAX);
	for (size_t i = 0; i < n; i++)
		if (sqlite3_prepare_v3(d->db, sql[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &d->stmt[i],
				       NULL) != SQLITE_OK)
			return fail(d, why);
	return OK;
}

enum err sqlite_db_number(struct sqlite_db *d, const char *sql, int64_t *out,
			  struct why *why)
{
	sqlite3_stmt *s = NULL;
	enum err r = OK;

	if (sqlite3_prepare_v2(d->db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		r = fail(d, why);
	else
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return r;
}

void sqlite_db_close(struct sqlite_db *d)
{
	for (size_t i = 0; i < SQLITE_DB_STATEMENTS_MAX; i++)
		sqlite3_finalize(d->stmt[i]);
	sqlite3_close(d->db);
	*d = (struct sqlite_db){ 0 };
}

int sqlite_db_bind_slice(sqlite3_stmt *s, int p, struct slice v)
{
	return sqlite3_bind_blob64(s, p, v.len == 0 ? (const void *)"" : v.p,
				   v.len, SQLITE_STATIC);
}

int sqlite_db_bind_u64(sqlite3_stmt *s, int p, uint64_t v)
{
	return sqlite3_bind_int64(s, p, (int64_t)v);
}

int sqlite_db_bind_time(sqlite3_stmt *s, int p, uint64_t ms)
{
	return sqlite3_bind_int64(s, p,
				  ms > INT64_MAX ? INT64_MAX : (int64_t)ms);
}

int sqlite_db_bind_slot(sqlite3_stmt *s, const struct node_id *resource,
			uint32_t kind)
{
	return sqlite_db_bind_slice(s, P_RESOURCE,
				    id_slice(resource, RING_ID_LEN)) ||
	       sqlite3_bind_int64(s, P_KIND, kind);
}

enum err sqlite_db_complain(struct sqlite_db *d, const char *what)
{
	enum err r = what_failed(d);

	d->damaged = d->damaged || r == ERR_DAMAGED;
	log_line(d->log, LOG_ERROR, "storage: %s: %s", what,
		 sqlite3_errmsg(d->db));
	return r;
}
