/* SPDX-License-Identifier: ISC */
/*
 * Batches of the core as SQL: the writing connection of the SQLite engine.  A
 * group of batches is one transaction; where one of them fails, each has one of
 * its own instead (a savepoint for each would copy every page that it touches).
 */
#include "storage/sqlite_writer.h"

#include <stdlib.h>

/* Of a purge in one transaction, for others wait for it; 20 ms at most. */
enum { PURGE_VALUES = 256, PURGE_CERTS = 1000 /* looked at */ };

#define SLOT_ID "(SELECT id FROM slot WHERE resource = ?1 AND kind = ?2)"
enum write_stmt {
	WRITE_BEGIN,
	WRITE_COMMIT,
	WRITE_ROLLBACK,
	WRITE_FIND_SLOT,
	WRITE_SLOT,
	WRITE_REPLACE,
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
	WRITE_NEXT_CERTS,
	WRITE_PURGE_CERTS,
	WRITE_N
};

static const char *const write_sql[WRITE_N] = {
	[WRITE_BEGIN] = "BEGIN IMMEDIATE",
	[WRITE_COMMIT] = "COMMIT",
	[WRITE_ROLLBACK] = "ROLLBACK",
	[WRITE_FIND_SLOT] =
		"SELECT id FROM slot WHERE resource = ?1 AND kind = ?2",
	[WRITE_SLOT] = "INSERT INTO slot(resource, kind, generation)"
		       " VALUES(?1, ?2, 0)",
	/* By the same signer: that index stays as it is. */
	[WRITE_REPLACE] = "UPDATE value SET storage_time = ?5, expires_ms = ?6,"
			  " data = ?8 WHERE slot = ?12 AND key = ?3"
			  " AND signer = ?7",
	[WRITE_PUT] = "INSERT INTO value VALUES(?12, ?3, ?5, ?6, ?7, ?8)"
		      " ON CONFLICT(slot, key) DO UPDATE SET"
		      " storage_time = excluded.storage_time,"
		      " expires_ms = excluded.expires_ms,"
		      " signer = excluded.signer, data = excluded.data",
	[WRITE_GENERATION] = "UPDATE slot SET generation = ?9 WHERE id = ?12",
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
	[WRITE_PURGE_VALUES] =
		"DELETE FROM value WHERE rowid IN (SELECT rowid FROM value"
		" WHERE expires_ms <= ?6 ORDER BY expires_ms LIMIT ?11)",
	[WRITE_NEXT_CERTS] = "SELECT hash FROM cert WHERE hash >= ?7"
			     " ORDER BY hash LIMIT 1 OFFSET ?11",
	[WRITE_PURGE_CERTS] = "DELETE FROM cert WHERE hash >= ?7 AND hash <= ?8"
			      " AND NOT EXISTS"
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

/* The slot that was needed last. */
struct place {
	struct node_id resource;
	uint32_t kind;
	sqlite3_int64 id; /* 0: none */
};

/* Finds a slot, or makes it with a counter of 0. */
static enum err need_slot(struct sqlite_db *d, struct place *at,
			  const struct node_id *resource, uint32_t kind)
{
	sqlite3_stmt *s = d->stmt[WRITE_FIND_SLOT];
	int rc;

	if (at->id != 0 && at->kind == kind && id_eq(&at->resource, resource))
		return OK;
	at->resource = *resource;
	at->kind = kind;
	at->id = 0;
	if (sqlite_db_bind_slot(s, resource, kind))
		return sqlite_db_complain(d, "cannot bind");
	if ((rc = sqlite3_step(s)) == SQLITE_ROW)
		at->id = sqlite3_column_int64(s, 0);
	sqlite3_reset(s);
	if (rc == SQLITE_ROW)
		return OK;
	if (rc != SQLITE_DONE ||
	    sqlite_db_bind_slot(d->stmt[WRITE_SLOT], resource, kind))
		return sqlite_db_complain(d, "cannot find a slot");
	if (run(d, WRITE_SLOT))
		return ERR_STORAGE;
	at->id = sqlite3_last_insert_rowid(d->db);
	return OK;
}

static enum err put(struct sqlite_db *d, enum write_stmt which,
		    sqlite3_int64 slot, const struct record *r)
{
	sqlite3_stmt *s = d->stmt[which];

	if (sqlite3_bind_int64(s, P_SLOT, slot) ||
	    sqlite_db_bind_slice(s, P_KEY, r->key) ||
	    sqlite_db_bind_u64(s, P_STORAGE_TIME, r->storage_time) ||
	    sqlite_db_bind_time(s, P_TIME, r->expires_ms) ||
	    sqlite_db_bind_slice(s, P_HASH,
				 slice_of(r->signer, CERT_HASH_LEN)) ||
	    sqlite_db_bind_slice(s, P_BYTES, r->data))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, which);
}

static enum err change_put(struct sqlite_db *d, struct place *at,
			   const struct record *r)
{
	enum err e;

	if ((e = need_slot(d, at, &r->resource, r->kind)) != OK ||
	    (e = put(d, WRITE_REPLACE, at->id, r)) != OK ||
	    sqlite3_changes(d->db) > 0)
		return e;
	return put(d, WRITE_PUT, at->id, r);
}

static enum err change_generation(struct sqlite_db *d, struct place *at,
				  const struct slot *v)
{
	sqlite3_stmt *s = d->stmt[WRITE_GENERATION];
	enum err r;

	if ((r = need_slot(d, at, &v->resource, v->kind)) != OK)
		return r;
	if (sqlite3_bind_int64(s, P_SLOT, at->id) ||
	    sqlite_db_bind_u64(s, P_GENERATION, v->generation))
		return sqlite_db_complain(d, "cannot bind");
	return run(d, WRITE_GENERATION);
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

/* The last of PURGE_CERTS certificates from `from` on; all bits where fewer are
 * left. */
static enum err next_certs(struct sqlite_db *d, struct slice from,
			   uint8_t to[CERT_HASH_LEN])
{
	sqlite3_stmt *s = d->stmt[WRITE_NEXT_CERTS];
	enum err r = OK;
	int rc;

	memset(to, 0xff, CERT_HASH_LEN);
	if (sqlite_db_bind_slice(s, P_HASH, from) ||
	    sqlite3_bind_int64(s, P_LIMIT, PURGE_CERTS - 1))
		return sqlite_db_complain(d, "cannot bind");
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && sqlite3_column_bytes(s, 0) == CERT_HASH_LEN)
		memcpy(to, sqlite3_column_blob(s, 0), CERT_HASH_LEN);
	else if (rc != SQLITE_DONE)
		r = sqlite_db_complain(d, "cannot read certificates");
	sqlite3_reset(s);
	return r;
}

static enum err purge_certs(struct sqlite_db *d, struct change *ch, bool *more)
{
	sqlite3_stmt *s = d->stmt[WRITE_PURGE_CERTS];
	struct slice from = slice_of(ch->hash, CERT_HASH_LEN);
	uint8_t to[CERT_HASH_LEN], end[CERT_HASH_LEN];
	enum err r;

	memset(end, 0xff, sizeof(end));
	if ((r = next_certs(d, from, to)) != OK)
		return r;
	if (sqlite_db_bind_slice(s, P_HASH, from) ||
	    sqlite_db_bind_slice(s, P_BYTES, slice_of(to, sizeof(to))))
		return sqlite_db_complain(d, "cannot bind");
	if ((r = run(d, WRITE_PURGE_CERTS)) != OK)
		return r;
	memcpy(ch->hash, to, sizeof(to));
	*more = *more || memcmp(to, end, sizeof(to)) != 0;
	return OK;
}

/* A part of it: values first, which leave their certificates. */
static enum err purge(struct sqlite_db *d, struct change *ch, bool *more)
{
	sqlite3_stmt *s = d->stmt[WRITE_PURGE_VALUES];
	enum err r;

	if (sqlite_db_bind_time(s, P_TIME, ch->record.expires_ms) ||
	    sqlite3_bind_int64(s, P_LIMIT, PURGE_VALUES))
		return sqlite_db_complain(d, "cannot bind");
	if ((r = run(d, WRITE_PURGE_VALUES)) != OK)
		return r;
	if (sqlite3_changes(d->db) < PURGE_VALUES)
		return purge_certs(d, ch, more);
	*more = true;
	return OK;
}

static enum err change_apply(struct sqlite_db *d, struct change *ch,
			     struct place *at, bool *more)
{
	sqlite3_stmt **w = d->stmt;
	int bad;

	switch (ch->type) {
	case CHANGE_PUT:
		return change_put(d, at, &ch->record);
	case CHANGE_GENERATION:
		return change_generation(d, at, &ch->slot);
	case CHANGE_DELETE:
		return change_delete(d, &ch->record);
	case CHANGE_CERT:
		bad = sqlite_db_bind_slice(w[WRITE_CERT], P_HASH,
					   slice_of(ch->hash, CERT_HASH_LEN)) ||
		      sqlite_db_bind_slice(w[WRITE_CERT], P_BYTES, ch->cert);
		return bad ? sqlite_db_complain(d, "cannot bind")
			   : run(d, WRITE_CERT);
	case CHANGE_DROP_SLOT:
		at->id = 0;
		return change_drop_slot(d, &ch->slot);
	case CHANGE_DROP_KIND:
		at->id = 0;
		return change_drop_kind(d, ch->slot.kind);
	case CHANGE_DROP_SIGNER:
		bad = sqlite_db_bind_slice(
			w[WRITE_DROP_SIGNER], P_HASH,
			slice_of(ch->record.signer, CERT_HASH_LEN));
		return bad ? sqlite_db_complain(d, "cannot bind")
			   : run(d, WRITE_DROP_SIGNER);
	case CHANGE_PURGE:
		return purge(d, ch, more);
	}
	return OK;
}

static enum err batch_apply(struct sqlite_db *d, struct batch *b)
{
	struct place at = { .id = 0 };
	enum err r = OK;

	b->unfinished = false;
	for (uint32_t i = 0; i < b->n && r == OK; i++)
		r = change_apply(d, &b->v[i], &at, &b->unfinished);
	return r;
}

/* One transaction: all of it, or nothing and what was wrong. */
static enum err commit_all(struct sqlite_db *d, struct batch *const *v,
			   size_t n)
{
	enum err r;

	if ((r = run(d, WRITE_BEGIN)) != OK)
		return r;
	for (size_t i = 0; i < n && r == OK; i++)
		r = batch_apply(d, v[i]);
	if (r == OK)
		r = run(d, WRITE_COMMIT);
	/* A full disk may have rolled it back already. */
	if (r != OK && !sqlite3_get_autocommit(d->db) && run(d, WRITE_ROLLBACK))
		log_line(d->log, LOG_ERROR, "storage: cannot roll back");
	return r;
}

void sqlite_writer_commit(struct sqlite_db *d, struct batch *const *v, size_t n,
			  enum err *status)
{
	enum err r = commit_all(d, v, n);

	/* What is too large for the disk must not harm what is not. */
	for (size_t i = 0; i < n; i++)
		status[i] = r == OK || n == 1 ? r : commit_all(d, &v[i], 1);
}

enum err sqlite_writer_init(struct sqlite_db *d, struct why *why)
{
	return sqlite_db_prepare(d, write_sql, WRITE_N, why);
}
