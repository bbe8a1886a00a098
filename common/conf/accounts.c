/* SPDX-License-Identifier: ISC */
/*
 * Accounts and their Node-IDs in SQLite.  Passwords come and go as scrypt
 * texts; checking one, and issuing certificates, is not done here.  RFC 6940
 * s11.3.
 */
#include "conf/accounts.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ACCOUNTS_BUSY_MS = 5000 };

struct accounts {
	sqlite3 *db;
};

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;"
	"PRAGMA foreign_keys=ON;"
	"CREATE TABLE IF NOT EXISTS account ("
	" user TEXT PRIMARY KEY NOT NULL,"
	" password TEXT NOT NULL,"
	" disabled INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS node ("
	" id BLOB PRIMARY KEY NOT NULL,"
	" user TEXT NOT NULL REFERENCES account,"
	" key BLOB NOT NULL,"          /* SHA-256 of the public key */
	" place INTEGER NOT NULL,"     /* in the certificate, from 0 */
	" not_after INTEGER NOT NULL," /* ms, of the last certificate */
	" revoked INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;"
	"CREATE INDEX IF NOT EXISTS node_user ON node (user, key, place);"
	"PRAGMA user_version=1;";

static enum err failed(struct accounts *a, struct why *why)
{
	return why_err(why, ERR_STORAGE, "accounts: %s", sqlite3_errmsg(a->db));
}

enum err accounts_open(struct accounts **out, const char *path, struct why *why)
{
	struct accounts *a = calloc(1, sizeof(*a));
	mode_t mask;
	enum err r = OK;
	int rc;

	if (a == NULL)
		return ERR_NOMEM;
	mask = umask(077); /* its journal is as private as itself */
	rc = sqlite3_open(path, &a->db);
	if (rc == SQLITE_OK) {
		(void)sqlite3_busy_timeout(a->db, ACCOUNTS_BUSY_MS);
		rc = sqlite3_exec(a->db, schema, NULL, NULL, NULL);
	}
	(void)umask(mask);
	if (rc == SQLITE_OK) {
		*out = a;
		return OK;
	}
	r = why_err(why, ERR_STORAGE, "%s: %s", path,
		    a->db == NULL ? sqlite3_errstr(rc) : sqlite3_errmsg(a->db));
	accounts_close(a);
	return r;
}

void accounts_close(struct accounts *a)
{
	if (a == NULL)
		return;
	(void)sqlite3_close(a->db); /* every statement is finalized */
	free(a);
}

static sqlite3_stmt *prepare(struct accounts *a, const char *sql)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(a->db, sql, -1, &s, NULL) != SQLITE_OK)
		return NULL;
	return s;
}

/* Binding fails only for lack of memory; then the step fails, too. */
static void bind_text(sqlite3_stmt *s, int at, const char *text)
{
	(void)sqlite3_bind_text(s, at, text, -1, SQLITE_TRANSIENT);
}

static void bind_blob(sqlite3_stmt *s, int at, const void *p, int len)
{
	(void)sqlite3_bind_blob(s, at, p, len, SQLITE_TRANSIENT);
}

static void bind_ms(sqlite3_stmt *s, int at, uint64_t ms)
{
	(void)sqlite3_bind_int64(s, at, (sqlite3_int64)ms);
}

/* Runs a statement that gives no rows; consumes it. */
static enum err run_take(struct accounts *a, sqlite3_stmt *s, struct why *why)
{
	bool done = s != NULL && sqlite3_step(s) == SQLITE_DONE;
	enum err r = done ? OK : failed(a, why);

	(void)sqlite3_finalize(s); /* repeats the step's failure */
	return r;
}

static enum err begin(struct accounts *a, struct why *why)
{
	if (sqlite3_exec(a->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) !=
	    SQLITE_OK)
		return failed(a, why);
	return OK;
}

/* Commits when `r` is OK, else undoes; the first failure is the result. */
static enum err finish(struct accounts *a, enum err r, struct why *why)
{
	if (r == OK &&
	    sqlite3_exec(a->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		r = failed(a, why);
	if (r != OK)
		(void)sqlite3_exec(a->db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

enum err accounts_add(struct accounts *a, const char *user,
		      const char *password, struct why *why)
{
	sqlite3_stmt *s = prepare(
		a, "INSERT INTO account (user, password) VALUES (?1, ?2)"
		   " ON CONFLICT (user) DO UPDATE SET password = ?2,"
		   " disabled = 0 WHERE disabled");
	enum err r;

	if (s != NULL) {
		bind_text(s, 1, user);
		bind_text(s, 2, password);
	}
	if ((r = run_take(a, s, why)) != OK)
		return r;
	if (sqlite3_changes(a->db) == 0)
		return why_err(why, ERR_DATA, "%s has an account already",
			       user);
	return OK;
}

enum err accounts_password(struct accounts *a, const char *user,
			   char out[static PASSWORD_TEXT_MAX])
{
	sqlite3_stmt *s = prepare(a, "SELECT password FROM account"
				     " WHERE user = ?1 AND NOT disabled");
	enum err r = OK;
	int rc;

	out[0] = '\0';
	if (s == NULL)
		return ERR_STORAGE;
	bind_text(s, 1, user);
	rc = sqlite3_step(s);
	if (rc == SQLITE_ROW) {
		const char *text = (const char *)sqlite3_column_text(s, 0);

		if (text == NULL || strlen(text) >= PASSWORD_TEXT_MAX)
			r = ERR_STORAGE;
		else
			memcpy(out, text, strlen(text) + 1);
	} else if (rc != SQLITE_DONE) {
		r = ERR_STORAGE;
	}
	(void)sqlite3_finalize(s); /* only read */
	return r;
}

static enum err take_id(sqlite3_stmt *s, struct node_id *out)
{
	*out = (struct node_id){ { 0 } };
	return id_from_slice(out, slice_of(sqlite3_column_blob(s, 0),
					   (size_t)sqlite3_column_bytes(s, 0)));
}

/* The key's Node-IDs in their order, at most `c->n`. */
static enum err known(struct accounts *a, const struct accounts_claim *c,
		      struct node_id *ids, size_t *n, struct why *why)
{
	sqlite3_stmt *s = prepare(a, "SELECT id FROM node WHERE user = ?1"
				     " AND key = ?2 AND NOT revoked"
				     " ORDER BY place");
	enum err r = OK;
	int rc = SQLITE_DONE;

	if (s == NULL)
		return failed(a, why);
	bind_text(s, 1, c->user);
	bind_blob(s, 2, c->key_hash, CERT_HASH_LEN);
	for (*n = 0; r == OK && *n < c->n; ++*n) {
		if ((rc = sqlite3_step(s)) != SQLITE_ROW)
			break;
		r = take_id(s, &ids[*n]);
	}
	if (r == OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
		r = failed(a, why);
	(void)sqlite3_finalize(s); /* only read */
	return r;
}

/* How many of the account's Node-IDs a valid certificate of another key has. */
static enum err in_use(struct accounts *a, const struct accounts_claim *c,
		       size_t *n, struct why *why)
{
	sqlite3_stmt *s = prepare(a, "SELECT count(*) FROM node"
				     " WHERE user = ?1 AND key != ?2"
				     " AND not_after > ?3 AND NOT revoked");
	enum err r = OK;

	if (s == NULL)
		return failed(a, why);
	bind_text(s, 1, c->user);
	bind_blob(s, 2, c->key_hash, CERT_HASH_LEN);
	bind_ms(s, 3, c->now_ms);
	if (sqlite3_step(s) == SQLITE_ROW)
		*n = (size_t)sqlite3_column_int64(s, 0);
	else
		r = failed(a, why);
	(void)sqlite3_finalize(s); /* only read */
	return r;
}

static enum err keep(struct accounts *a, const struct accounts_claim *c,
		     const struct node_id *id, size_t place, struct why *why)
{
	sqlite3_stmt *s =
		prepare(a, "INSERT INTO node (id, user, key, place, not_after)"
			   " VALUES (?1, ?2, ?3, ?4, ?5)"
			   " ON CONFLICT (id) DO UPDATE"
			   " SET not_after = max(not_after, ?5)"
			   " WHERE user = ?2 AND key = ?3 AND NOT revoked");
	enum err r;

	if (s != NULL) {
		bind_blob(s, 1, id->b, NODE_ID_MIN);
		bind_text(s, 2, c->user);
		bind_blob(s, 3, c->key_hash, CERT_HASH_LEN);
		bind_ms(s, 4, place);
		bind_ms(s, 5, c->not_after_ms);
	}
	if ((r = run_take(a, s, why)) != OK)
		return r;
	if (sqlite3_changes(a->db) == 0)
		return why_err(why, ERR_STORAGE,
			       "a Node-ID was drawn that is another's");
	return OK;
}

static enum err claim(struct accounts *a, const struct accounts_claim *c,
		      struct node_id *ids, struct why *why)
{
	size_t have = 0, others = 0;
	enum err r;

	if ((r = known(a, c, ids, &have, why)) != OK ||
	    (r = in_use(a, c, &others, why)) != OK)
		return r;
	if (c->n == 0 || c->n > ACCOUNTS_PER_CERT_MAX ||
	    others + c->n > ACCOUNTS_NODES_MAX)
		return why_err(why, ERR_FULL,
			       "%s has %zu Node-IDs in use and asks for %zu "
			       "more; %d are allowed",
			       c->user, others, c->n, ACCOUNTS_NODES_MAX);
	for (size_t i = 0; r == OK && i < c->n; i++) {
		if (i >= have)
			r = c->draw(&ids[i]);
		if (r == OK)
			r = keep(a, c, &ids[i], i, why);
	}
	return r;
}

enum err accounts_claim(struct accounts *a, const struct accounts_claim *c,
			struct node_id ids[static ACCOUNTS_PER_CERT_MAX],
			struct why *why)
{
	enum err r = begin(a, why);

	return r != OK ? r : finish(a, claim(a, c, ids, why), why);
}

static enum err list_nodes(struct accounts *a, const char *user,
			   uint64_t now_ms, struct buf *ids, struct why *why)
{
	sqlite3_stmt *s = prepare(a, "SELECT id FROM node WHERE user = ?1"
				     " AND not_after > ?2 AND NOT revoked");
	struct node_id id;
	enum err r = OK;
	int rc;

	if (s == NULL)
		return failed(a, why);
	bind_text(s, 1, user);
	bind_ms(s, 2, now_ms);
	while (r == OK && (rc = sqlite3_step(s)) != SQLITE_DONE) {
		if (rc != SQLITE_ROW)
			r = failed(a, why);
		else if ((r = take_id(s, &id)) == OK)
			r = buf_append_slice(ids, id_slice(&id, NODE_ID_MIN));
	}
	(void)sqlite3_finalize(s); /* only read */
	return r;
}

static enum err disable(struct accounts *a, const char *user, uint64_t now_ms,
			struct buf *ids, struct why *why)
{
	sqlite3_stmt *s = prepare(a, "UPDATE account SET disabled = 1"
				     " WHERE user = ?1");
	enum err r;

	if (s != NULL)
		bind_text(s, 1, user);
	if ((r = run_take(a, s, why)) != OK)
		return r;
	if (sqlite3_changes(a->db) == 0)
		return why_err(why, ERR_NOT_FOUND, "there is no account %s",
			       user);
	if ((r = list_nodes(a, user, now_ms, ids, why)) != OK)
		return r;
	if ((s = prepare(a, "UPDATE node SET revoked = 1 WHERE user = ?1")) !=
	    NULL)
		bind_text(s, 1, user);
	return run_take(a, s, why);
}

enum err accounts_disable(struct accounts *a, const char *user, uint64_t now_ms,
			  struct buf *ids, struct why *why)
{
	enum err r = begin(a, why);

	return r != OK ? r : finish(a, disable(a, user, now_ms, ids, why), why);
}

enum err accounts_revoke_node(struct accounts *a, const struct node_id *id,
			      struct why *why)
{
	sqlite3_stmt *s =
		prepare(a, "UPDATE node SET revoked = 1 WHERE key ="
			   " (SELECT key FROM node WHERE id = ?1)"
			   " AND user = (SELECT user FROM node WHERE id = ?1)");
	enum err r;

	if (s != NULL)
		bind_blob(s, 1, id->b, NODE_ID_MIN);
	if ((r = run_take(a, s, why)) != OK)
		return r;
	if (sqlite3_changes(a->db) == 0)
		return why_err(why, ERR_NOT_FOUND, "no account has it");
	return OK;
}
