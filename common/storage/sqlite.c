/* SPDX-License-Identifier: ISC */
/*
 * The SQLite engine: its connections and its schema.  Rowid tables with
 * unique indexes (WITHOUT ROWID costs three times the disk with values of 1
 * KB), a write-ahead log that is synced at every commit, a connection for each
 * of the two threads.  Queries are sqlite_reader.c's, batches
 * sqlite_writer.c's.
 */
#include "storage/sqlite.h"

#include <stdlib.h>
#include <unistd.h>

#include "storage/sqlite_file.h"
#include "storage/sqlite_reader.h"
#include "storage/sqlite_writer.h"

enum {
	APPLICATION_ID = 1380273231, /* "RELO", as in the schema */
	SCHEMA_VERSION = 1
};

static const char schema[] =
	"BEGIN IMMEDIATE;"
	"CREATE TABLE overlay(name TEXT NOT NULL);"
	"CREATE TABLE slot(id INTEGER PRIMARY KEY, resource BLOB NOT NULL,"
	" kind INTEGER NOT NULL, generation INTEGER NOT NULL);"
	"CREATE UNIQUE INDEX slot_key ON slot(resource, kind);"
	"CREATE INDEX slot_kind ON slot(kind, resource);"
	"CREATE TABLE value(slot INTEGER NOT NULL, key BLOB NOT NULL,"
	" storage_time INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
	" signer BLOB NOT NULL, data BLOB NOT NULL);"
	"CREATE UNIQUE INDEX value_key ON value(slot, key);"
	"CREATE INDEX value_expires ON value(expires_ms);"
	"CREATE INDEX value_signer ON value(signer);"
	"CREATE TABLE cert(hash BLOB NOT NULL, der BLOB NOT NULL);"
	"CREATE UNIQUE INDEX cert_key ON cert(hash);"
	"PRAGMA application_id = 1380273231;"
	"PRAGMA user_version = 1;";

struct engine {
	struct sqlite_db reader, writer;
	int lock_fd;
};

static enum err engine_read(void *ctx, const struct query *q,
			    struct query_answer *out, struct arena *a)
{
	struct engine *e = ctx;

	return sqlite_reader_read(&e->reader, q, out, a);
}

static void engine_commit(void *ctx, struct batch *const *v, size_t n,
			  enum err *status)
{
	struct engine *e = ctx;

	sqlite_writer_commit(&e->writer, v, n, status);
	/* What is in a damaged file cannot be relied on. */
	for (size_t i = 0; e->writer.damaged && i < n; i++)
		status[i] = ERR_DAMAGED;
}

static void engine_close(void *ctx)
{
	struct engine *e = ctx;

	sqlite_db_close(&e->reader);
	sqlite_db_close(&e->writer); /* the last one folds the log in */
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	free(e);
}

static enum err make_schema(struct sqlite_db *d, const char *name,
			    struct why *why)
{
	sqlite3_stmt *s = NULL;
	bool done;
	enum err r = sqlite_db_exec(d, schema, why);

	if (r != OK)
		return r;
	done = sqlite3_prepare_v2(d->db, "INSERT INTO overlay VALUES(?)", -1,
				  &s, NULL) == SQLITE_OK &&
	       sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC) == SQLITE_OK &&
	       sqlite3_step(s) == SQLITE_DONE;
	sqlite3_finalize(s);
	if (!done)
		return why_err(why, ERR_STORAGE, "%s", sqlite3_errmsg(d->db));
	return sqlite_db_exec(d, "COMMIT", why);
}

static enum err check_overlay(struct sqlite_db *d, const char *name,
			      struct why *why)
{
	const char *theirs = NULL;
	sqlite3_stmt *s = NULL;
	enum err r = OK;

	if (sqlite3_prepare_v2(d->db, "SELECT name FROM overlay", -1, &s,
			       NULL) == SQLITE_OK &&
	    sqlite3_step(s) == SQLITE_ROW)
		theirs = (const char *)sqlite3_column_text(s, 0);
	if (theirs == NULL)
		r = why_err(why, ERR_DAMAGED,
			    "it does not say of which "
			    "overlay it is");
	else if (strcmp(theirs, name) != 0)
		r = why_err(why, ERR_STORAGE,
			    "holds values of the overlay %s, not of %s", theirs,
			    name);
	sqlite3_finalize(s);
	return r;
}

/* Is it ours, of a version that is understood?  A new file gets the schema. */
static enum err check_schema(struct sqlite_db *d, const char *name,
			     struct why *why)
{
	int64_t application, version, tables;
	enum err r;

	if ((r = sqlite_db_number(d, "PRAGMA application_id", &application,
				  why)) != OK ||
	    (r = sqlite_db_number(d, "PRAGMA user_version", &version, why)) !=
		    OK ||
	    (r = sqlite_db_number(d, "SELECT COUNT(*) FROM sqlite_schema",
				  &tables, why)) != OK)
		return r;
	if (application == 0 && version == 0 && tables == 0)
		return make_schema(d, name, why);
	if (application != APPLICATION_ID)
		return why_err(why, ERR_STORAGE,
			       "is a database of another program");
	if (version != SCHEMA_VERSION)
		return why_err(why, ERR_STORAGE,
			       "has schema %lld, this program knows %d",
			       (long long)version, SCHEMA_VERSION);
	return check_overlay(d, name, why);
}

/* With a schema of ours in place there is no other reason. */
static enum err prepared(enum err r)
{
	return r == ERR_STORAGE ? ERR_DAMAGED : r;
}

static enum err open_connections(struct engine *e, const char *path,
				 const char *name, const struct log_sink *log,
				 struct why *why)
{
	enum err r;

	if ((r = sqlite_db_open(&e->writer, path, log, why)) != OK ||
	    (r = check_schema(&e->writer, name, why)) != OK ||
	    (r = prepared(sqlite_writer_init(&e->writer, why))) != OK ||
	    (r = sqlite_db_open(&e->reader, path, log, why)) != OK ||
	    (r = prepared(sqlite_reader_init(&e->reader, why))) != OK)
		return r;
	return sqlite_db_exec(&e->reader, "PRAGMA query_only = ON", why);
}

/* `damage` says what is wrong with a database that cannot be used. */
static enum err open_file(struct engine *e, const char *path, const char *name,
			  const struct log_sink *log, struct why *damage,
			  struct why *why)
{
	enum err r;
	int fd;

	*damage = (struct why){ "" };
	r = sqlite_file_private(path, &fd, why);
	if (fd >= 0)
		close(fd);
	if (r != OK)
		return r;
	if ((r = open_connections(e, path, name, log, damage)) != OK)
		return why_err(why, r, "%s: %s", path, damage->text);
	sqlite_file_remember(e->lock_fd, name);
	return OK;
}

static enum err open_all(struct engine *e, const char *path, const char *name,
			 const struct log_sink *log, struct why *why)
{
	struct why damage;
	enum err r;

	if ((r = sqlite_file_lock(path, &e->lock_fd, why)) != OK)
		return r;
	r = open_file(e, path, name, log, &damage, why);
	/* What nothing shows to be ours is left alone. */
	if (r != ERR_DAMAGED || !sqlite_file_is_of(e->lock_fd, name))
		return r == ERR_DAMAGED ? ERR_STORAGE : r;
	sqlite_db_close(&e->reader);
	sqlite_db_close(&e->writer);
	r = sqlite_file_set_aside(path, damage.text, log, why);
	return r != OK ? r : open_file(e, path, name, log, &damage, why);
}

enum err sqlite_open(struct storage *out, const char *path, const char *name,
		     const struct log_sink *log, struct why *why)
{
	struct engine *e = calloc(1, sizeof(*e));
	enum err r;

	if (e == NULL)
		return ERR_NOMEM;
	e->lock_fd = -1;
	if ((r = open_all(e, path, name, log, why)) != OK) {
		engine_close(e);
		return r;
	}
	*out = (struct storage){ e, engine_read, engine_commit, engine_close };
	return OK;
}

enum err sqlite_set_aside(const char *path, const struct log_sink *log,
			  struct why *why)
{
	int fd = -1;
	enum err r;

	if ((r = sqlite_file_lock(path, &fd, why)) == OK)
		r = sqlite_file_set_aside(path, "as was found in use", log,
					  why);
	if (fd >= 0)
		close(fd);
	return r;
}
