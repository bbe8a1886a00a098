/* SPDX-License-Identifier: ISC */
/*
 * Batches of the core as SQL: the writing connection of the SQLite engine.  A
 * group of batches is one transaction, each batch in a savepoint of its own.
 */
#include "storage/sqlite_writer.h"

#include <stdlib.h>

#define SLOT_ID "(SELECT id FROM slot WHERE resource = ?1 AND kind = ?2)"
enum write_stmt {
	WRITE_BEGIN,
	WRITE_SAVEPOINT,
	WRITE_ROLLBACK_TO,
	WRITE_RELEASE,
	WRITE_COMMIT,
	WRITE_ROLLBACK,
	WRITE_SLOT,
	WRITE_PUT,
	WRITE_GENERATION,
	WRITE_DELETE,
	WRITE_CERT,
	WRITE_DROP_SLOT_VALUES,
	WRITE_DROP_SLOT,
	WRITE_DROP_KIND_VALUES,
	WRITE_DROP_KIND,
	WRITE_DROP_SIGNER,
	WRITE_PURGE_VALUES,
	WRITE_PURGE_CERTS,
	WRITE_N
};

static const char *const write_sql[WRITE_N] = {
	[WRITE_BEGIN] = "BEGIN IMMEDIATE",
	[WRITE_SAVEPOINT] = "SAVEPOINT batch",
	[WRITE_ROLLBACK_TO] = "ROLLBACK TO batch",
	[WRITE_RELEASE] = "RELEASE batch",
	[WRITE_COMMIT] = "COMMIT",
	[WRITE_ROLLBACK] = "ROLLBACK",
	[WRITE_SLOT] = "INSERT OR IGNORE INTO slot(resource, kind, generation)"
		       " VALUES(?1, ?2, 0)",
	[WRITE_PUT] = "INSERT INTO value VALUES(" SLOT_ID
		      ", ?3, ?5, ?6, ?7, ?8)"
		      " ON CONFLICT(slot, key) DO UPDATE SET"
		      " storage_time = excluded.storage_time,"
		      " expires_ms = excluded.expires_ms,"
		      " signer = excluded.signer, data = excluded.data",
	[WRITE_GENERATION] = "INSERT INTO slot(resource, kind, generation)"
			     " VALUES(?1, ?2, ?9) ON CONFLICT(resource, kind)"
			     " DO UPDATE SET generation = excluded.generation",
	[WRITE_DELETE] = "DELETE FROM value WHERE slot = " SLOT_ID
			 " AND key = ?3",
	[WRITE_CERT] = "INSERT OR IGNORE INTO cert VALUES(?7, ?8)",
	[WRITE_DROP_SLOT_VALUES] = "DELETE FROM value WHERE slot = " SLOT_ID,
	[WRITE_DROP_SLOT] =
		"DELETE FROM slot WHERE resource = ?1 AND kind = ?2",
	[WRITE_DROP_KIND_VALUES] = "DELETE FROM value WHERE slot IN"
				   " (SELECT id FROM slot WHERE kind = ?2)",
	[WRITE_DROP_KIND] = "DELETE FROM slot WHERE kind = ?2",
	[WRITE_DROP_SIGNER] = "DELETE FROM value WHERE signer = ?7",
	[WRITE_PURGE_VALUES] = "DELETE FROM value WHERE expires_ms <= ?6",
	[WRITE_PURGE_CERTS] = "DELETE FROM cert WHERE NOT EXISTS"
			      " (SELECT 1 FROM value WHERE signer = hash)",
};

/* Runs a statement without rows. */
static enum err run(struct sqlite_db *d, enum write_stmt which)
{
	sqlite3_stmt *s = d->stmt[which];
	enum err r = OK;

	if (sqlite3_step(s) != SQLITE_DONE)
		r = sqlite_db_complain(d, "cannot write");
	sqlite3_reset(s);
	return r;
}

static enum err change_put(struct sqlite_db *d, const struct record *r)
{
	sqlite3_stmt *s = d->stmt[WRITE_PUT];

	if (sqlite_db_bind_slot(d->stmt[WRITE_SLOT], &r->resource, r->kind) ||
	    sqlite_db_bind_slot(s, &r->resource, r->kind) ||
	    sqlite_db_bind_slice(s, P_KEY, r->key) ||
	    sqlite_db_bind_u64(s, P_STORAGE_TIME, r->storage_time) ||
	    sqlite_db_bind_time(s, P_TIME, r->expires_ms) ||
	    sqlite_db_bind_slice(s, P_HASH,
				 slice_of(r->signer, CERT_HASH_LEN)) ||
	    sqlite_db_bind_slice(s, P_BYTES, r->data))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, WRITE_SLOT) || run(d, WRITE_PUT) ? ERR_STORAGE : OK;
}

static enum err change_delete(struct sqlite_db *d, const struct record *r)
{
	sqlite3_stmt *s = d->stmt[WRITE_DELETE];

	if (sqlite_db_bind_slot(s, &r->resource, r->kind) ||
	    sqlite_db_bind_slice(s, P_KEY, r->key))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, WRITE_DELETE);
}

static enum err change_drop_slot(struct sqlite_db *d, const struct slot *v)
{
	if (sqlite_db_bind_slot(d->stmt[WRITE_DROP_SLOT_VALUES], &v->resource,
				v->kind) ||
	    sqlite_db_bind_slot(d->stmt[WRITE_DROP_SLOT], &v->resource,
				v->kind))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, WRITE_DROP_SLOT_VALUES) || run(d, WRITE_DROP_SLOT)
		       ? ERR_STORAGE
		       : OK;
}

static enum err change_drop_kind(struct sqlite_db *d, uint32_t kind)
{
	if (sqlite3_bind_int64(d->stmt[WRITE_DROP_KIND_VALUES], P_KIND, kind) ||
	    sqlite3_bind_int64(d->stmt[WRITE_DROP_KIND], P_KIND, kind))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, WRITE_DROP_KIND_VALUES) || run(d, WRITE_DROP_KIND)
		       ? ERR_STORAGE
		       : OK;
}

static enum err change_apply(struct sqlite_db *d, const struct change *ch)
{
	sqlite3_stmt **w = d->stmt;
	int bad;

	switch (ch->type) {
	case CHANGE_PUT:
		return change_put(d, &ch->record);
	case CHANGE_GENERATION:
		bad = sqlite_db_bind_slot(w[WRITE_GENERATION],
					  &ch->slot.resource, ch->slot.kind) ||
		      sqlite_db_bind_u64(w[WRITE_GENERATION], P_GENERATION,
					 ch->slot.generation);
		return bad ? sqlite_db_complain(d, "cannot bind")
			   : run(d, WRITE_GENERATION);
	case CHANGE_DELETE:
		return change_delete(d, &ch->record);
	case CHANGE_CERT:
		bad = sqlite_db_bind_slice(w[WRITE_CERT], P_HASH,
					   slice_of(ch->hash, CERT_HASH_LEN)) ||
		      sqlite_db_bind_slice(w[WRITE_CERT], P_BYTES, ch->cert);
		return bad ? sqlite_db_complain(d, "cannot bind")
			   : run(d, WRITE_CERT);
	case CHANGE_DROP_SLOT:
		return change_drop_slot(d, &ch->slot);
	case CHANGE_DROP_KIND:
		return change_drop_kind(d, ch->slot.kind);
	case CHANGE_DROP_SIGNER:
		bad = sqlite_db_bind_slice(
			w[WRITE_DROP_SIGNER], P_HASH,
			slice_of(ch->record.signer, CERT_HASH_LEN));
		return bad ? sqlite_db_complain(d, "cannot bind")
			   : run(d, WRITE_DROP_SIGNER);
	case CHANGE_PURGE:
		bad = sqlite_db_bind_time(w[WRITE_PURGE_VALUES], P_TIME,
					  ch->record.expires_ms);
		if (bad)
			return sqlite_db_complain(d, "cannot bind");
		return run(d, WRITE_PURGE_VALUES) || run(d, WRITE_PURGE_CERTS)
			       ? ERR_STORAGE
			       : OK;
	}
	return OK;
}

static enum err batch_apply(struct sqlite_db *d, const struct batch *b)
{
	enum err r;

	if (run(d, WRITE_SAVEPOINT))
		return ERR_STORAGE;
	r = OK;
	for (uint32_t i = 0; i < b->n && r == OK; i++)
		r = change_apply(d, &b->v[i]);
	/* A full disk may have rolled back the whole transaction. */
	if (sqlite3_get_autocommit(d->db))
		return ERR_STORAGE;
	if ((r != OK && run(d, WRITE_ROLLBACK_TO)) || run(d, WRITE_RELEASE))
		return ERR_STORAGE;
	return r;
}

/* One transaction; false when nothing of it is on disk. */
static bool commit_group(struct sqlite_db *d, struct batch *const *v, size_t n,
			 enum err *status)
{
	if (run(d, WRITE_BEGIN))
		return false;
	for (size_t i = 0; i < n; i++) {
		status[i] = batch_apply(d, v[i]);
		if (sqlite3_get_autocommit(d->db))
			return false;
	}
	if (run(d, WRITE_COMMIT) == OK)
		return true;
	if (!sqlite3_get_autocommit(d->db) && run(d, WRITE_ROLLBACK))
		log_line(d->log, LOG_ERROR, "storage: cannot roll back");
	return false;
}

void sqlite_writer_commit(struct sqlite_db *d, struct batch *const *v, size_t n,
			  enum err *status)
{
	if (commit_group(d, v, n, status))
		return;
	/* What is too large for the disk must not harm what is not. */
	for (size_t i = 0; i < n; i++)
		if (n == 1 || !commit_group(d, &v[i], 1, &status[i]))
			status[i] = ERR_STORAGE;
}

enum err sqlite_writer_init(struct sqlite_db *d, struct why *why)
{
	return sqlite_db_prepare(d, write_sql, WRITE_N, why);
}
