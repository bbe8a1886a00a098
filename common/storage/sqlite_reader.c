/* SPDX-License-Identifier: ISC */
/* Queries of the core as SQL: the reading connection of the SQLite engine. */
#include "storage/sqlite_reader.h"

#include <stdlib.h>

#define IS_ALIVE                                                               \
	"EXISTS(SELECT 1 FROM value v WHERE v.slot = s.id"                     \
	" AND v.expires_ms > ?6)"
#define KIND_SQL(last, order)                                                  \
	"SELECT s.generation, v.key, v.storage_time, v.expires_ms, v.signer,"  \
	" v.data FROM slot s LEFT JOIN value v ON v.slot = s.id"               \
	" AND v.key >= ?3" last " AND v.expires_ms > ?6"                       \
	" WHERE s.resource = ?1 AND s.kind = ?2 ORDER BY v.key" order          \
	" LIMIT ?11"

enum read_stmt {
	READ_KIND,
	READ_KIND_TO,
	READ_KIND_BACK,
	READ_RANGE,
	READ_NEAREST,
	READ_COUNT,
	READ_CERT,
	READ_SIGNERS,
	READ_KINDS,
	READ_N
};

static const char *const read_sql[READ_N] = {
	[READ_KIND] = KIND_SQL("", ""),
	[READ_KIND_TO] = KIND_SQL(" AND v.key <= ?4", ""),
	[READ_KIND_BACK] = KIND_SQL("", " DESC"),
	[READ_RANGE] = "SELECT resource, kind, generation FROM slot s"
		       " WHERE (resource, kind) > (?1, ?2) AND resource <= ?10"
		       " AND " IS_ALIVE " ORDER BY resource, kind LIMIT ?11",
	[READ_NEAREST] = "SELECT resource, kind, generation FROM slot s"
			 " INDEXED BY slot_kind WHERE kind = ?2"
			 " AND resource >= ?1 AND resource <= ?10"
			 " AND " IS_ALIVE " ORDER BY resource LIMIT 1",
	[READ_COUNT] = "SELECT COUNT(*) FROM value WHERE expires_ms > ?6",
	[READ_CERT] = "SELECT der FROM cert WHERE hash = ?7",
	[READ_SIGNERS] = "SELECT hash FROM cert WHERE hash > ?7 AND EXISTS"
			 "(SELECT 1 FROM value WHERE signer = hash)"
			 " ORDER BY hash LIMIT ?11",
	/* From one Kind to the next by slot_kind, over a million slots. */
	[READ_KINDS] = "WITH RECURSIVE k(kind) AS (SELECT MIN(kind) FROM slot"
		       " UNION ALL SELECT (SELECT MIN(kind) FROM slot"
		       " WHERE kind > k.kind) FROM k WHERE kind IS NOT NULL)"
		       " SELECT kind FROM k WHERE EXISTS(SELECT 1 FROM slot s"
		       " INDEXED BY slot_kind WHERE s.kind = k.kind"
		       " AND (generation <> 0 OR EXISTS(SELECT 1 FROM value"
		       " WHERE slot = s.id))) ORDER BY kind",
};

static struct slice column_slice(sqlite3_stmt *s, int i)
{
	const void *p = sqlite3_column_blob(s, i);

	return slice_of(p, (size_t)sqlite3_column_bytes(s, i));
}

static bool copy_column(sqlite3_stmt *s, int i, struct arena *a,
			struct slice *out)
{
	return arena_dup(a, column_slice(s, i), out) == OK;
}

/* Makes room for one more item of `size` bytes in an array of `n`, whose room
 * is always a power of two. */
static void *grown(struct arena *a, void *v, size_t n, size_t size)
{
	void *p;

	if (n != 0 && (n & (n - 1)) != 0)
		return v;
	p = arena_zalloc(a, n == 0 ? 1 : 2 * n, size);
	if (p != NULL && n != 0)
		memcpy(p, v, n * size);
	return p;
}

/* `bytes` counts the data of one query's answer. */
static enum err read_record(sqlite3_stmt *s, const struct query *q,
			    struct query_answer *out, struct arena *a,
			    size_t *bytes)
{
	struct slice signer;
	struct record *r;

	out->records = grown(a, out->records, out->n_records, sizeof(*r));
	if (out->records == NULL)
		return ERR_NOMEM;
	r = &out->records[out->n_records++];
	memcpy(r->resource.b, q->resource.b, RING_ID_LEN);
	r->kind = q->kind;
	r->storage_time = (uint64_t)sqlite3_column_int64(s, 2);
	r->expires_ms = (uint64_t)sqlite3_column_int64(s, 3);
	signer = column_slice(s, 4);
	if (signer.len != CERT_HASH_LEN)
		return ERR_DAMAGED;
	memcpy(r->signer, signer.p, CERT_HASH_LEN);
	if (!copy_column(s, 1, a, &r->key))
		return ERR_NOMEM;
	if (q->metadata_only)
		return OK;
	*bytes += (size_t)sqlite3_column_bytes(s, 5);
	if (q->bytes_max != 0 && *bytes > q->bytes_max)
		return ERR_LIMIT;
	return copy_column(s, 5, a, &r->data) ? OK : ERR_NOMEM;
}

static enum err read_slot(sqlite3_stmt *s, struct query_answer *out,
			  struct arena *a)
{
	struct slice resource;
	struct slot *v;

	out->slots = grown(a, out->slots, out->n_slots, sizeof(*v));
	if (out->slots == NULL)
		return ERR_NOMEM;
	v = &out->slots[out->n_slots++];
	resource = column_slice(s, 0);
	if (resource.len != RING_ID_LEN)
		return ERR_DAMAGED;
	memcpy(v->resource.b, resource.p, RING_ID_LEN);
	v->kind = (uint32_t)sqlite3_column_int64(s, 1);
	v->generation = (uint64_t)sqlite3_column_int64(s, 2);
	return OK;
}

static enum err read_kind_id(sqlite3_stmt *s, struct query_answer *out,
			     struct arena *a)
{
	out->slots = grown(a, out->slots, out->n_slots, sizeof(*out->slots));
	if (out->slots == NULL)
		return ERR_NOMEM;
	out->slots[out->n_slots++].kind = (uint32_t)sqlite3_column_int64(s, 0);
	return OK;
}

static enum err read_row(sqlite3_stmt *s, const struct query *q,
			 struct query_answer *out, struct arena *a,
			 size_t *bytes)
{
	struct slice hash;

	switch (q->type) {
	case QUERY_KIND:
		out->generation = (uint64_t)sqlite3_column_int64(s, 0);
		if (sqlite3_column_type(s, 1) == SQLITE_NULL)
			return OK; /* a counter, no values */
		return read_record(s, q, out, a, bytes);
	case QUERY_RANGE:
	case QUERY_NEAREST:
		return read_slot(s, out, a);
	case QUERY_KINDS:
		return read_kind_id(s, out, a);
	case QUERY_COUNT:
		out->count = (uint64_t)sqlite3_column_int64(s, 0);
		return OK;
	case QUERY_CERT:
		return copy_column(s, 0, a, &out->der) ? OK : ERR_NOMEM;
	case QUERY_SIGNERS:
		out->signers = grown(a, out->signers, out->n_signers,
				     CERT_HASH_LEN);
		if (out->signers == NULL)
			return ERR_NOMEM;
		hash = column_slice(s, 0);
		if (hash.len != CERT_HASH_LEN)
			return ERR_DAMAGED;
		memcpy(out->signers[out->n_signers++], hash.p, CERT_HASH_LEN);
		return OK;
	}
	return OK;
}

static enum err read_rows(struct sqlite_db *d, sqlite3_stmt *s,
			  const struct query *q, struct query_answer *out,
			  struct arena *a)
{
	enum err r = OK;
	size_t bytes = 0;
	int rc;

	while ((rc = sqlite3_step(s)) == SQLITE_ROW)
		if ((r = read_row(s, q, out, a, &bytes)) != OK)
			break;
	if (r == ERR_DAMAGED)
		log_line(d->log, LOG_ERROR, "storage: a damaged row");
	if (r == OK && rc != SQLITE_DONE)
		r = sqlite_db_complain(d, "cannot read");
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return r;
}

static int bind_alive(sqlite3_stmt *s, const struct query *q)
{
	return q->alive_ms == 0 ? sqlite3_bind_int64(s, P_TIME, -1)
				: sqlite_db_bind_time(s, P_TIME, q->alive_ms);
}

/* For LIMIT: negative is none. */
static int64_t limit_of(const struct query *q)
{
	return q->max == 0 ? -1 : (int64_t)q->max;
}

static enum err read_kind(struct sqlite_db *d, const struct query *q,
			  struct query_answer *out, struct arena *a)
{
	sqlite3_stmt *s = d->stmt[q->backwards        ? READ_KIND_BACK
				  : q->last.p == NULL ? READ_KIND
						      : READ_KIND_TO];

	if (sqlite_db_bind_slot(s, &q->resource, q->kind) ||
	    sqlite_db_bind_slice(s, P_KEY, q->first) ||
	    (q->last.p != NULL && sqlite_db_bind_slice(s, P_LAST, q->last)) ||
	    bind_alive(s, q) || sqlite3_bind_int64(s, P_LIMIT, limit_of(q)))
		return sqlite_db_complain(d, "cannot bind");
	return read_rows(d, s, q, out, a);
}

/* Slots after (lo, kind) up to and with all of `hi`, without a wrap; NEAREST:
 * the first from `lo` on. */
static enum err read_segment(struct sqlite_db *d, const struct query *q,
			     struct slice lo, int64_t kind, struct slice hi,
			     struct query_answer *out, struct arena *a)
{
	sqlite3_stmt *s =
		d->stmt[q->type == QUERY_NEAREST ? READ_NEAREST : READ_RANGE];
	int64_t limit = limit_of(q);

	if (q->type == QUERY_NEAREST && out->n_slots > 0)
		return OK;
	if (limit > 0 && (limit -= (int64_t)out->n_slots) == 0)
		return OK;
	if (q->type == QUERY_NEAREST)
		kind = q->kind;
	if (sqlite_db_bind_slice(s, P_RESOURCE, lo) ||
	    sqlite3_bind_int64(s, P_KIND, kind) || bind_alive(s, q) ||
	    sqlite_db_bind_slice(s, P_TO, hi) ||
	    (q->type == QUERY_RANGE && sqlite3_bind_int64(s, P_LIMIT, limit)))
		return sqlite_db_complain(d, "cannot bind");
	return read_rows(d, s, q, out, a);
}

/* RANGE, NEAREST: (from, to] may go round the end of the ring. */
static enum err read_ring(struct sqlite_db *d, const struct query *q,
			  struct query_answer *out, struct arena *a)
{
	const struct node_id *lo = &q->from;
	int64_t kind = UINT32_MAX; /* no slot of `from` itself */
	struct node_id last;
	struct slice to = id_slice(&q->to, RING_ID_LEN);
	enum err r;

	if (q->type == QUERY_NEAREST) {
		lo = &q->resource;
		kind = -1;
	} else if (q->has_cursor) {
		lo = &q->cursor.resource;
		kind = q->cursor.kind;
	}
	if (lo != &q->from && !id_in_range(&q->from, lo, &q->to))
		return OK;
	if (memcmp(lo->b, q->to.b, RING_ID_LEN) < 0 ||
	    (lo != &q->from && memcmp(lo->b, q->to.b, RING_ID_LEN) == 0))
		return read_segment(d, q, id_slice(lo, RING_ID_LEN), kind, to,
				    out, a);
	id_wildcard(&last, RING_ID_LEN);
	r = read_segment(d, q, id_slice(lo, RING_ID_LEN), kind,
			 id_slice(&last, RING_ID_LEN), out, a);
	return r != OK ? r : read_segment(d, q, SLICE_LIT(""), -1, to, out, a);
}

enum err sqlite_reader_read(struct sqlite_db *d, const struct query *q,
			    struct query_answer *out, struct arena *a)
{
	*out = (struct query_answer){ 0 };
	switch (q->type) {
	case QUERY_KIND:
		return read_kind(d, q, out, a);
	case QUERY_RANGE:
	case QUERY_NEAREST:
		return read_ring(d, q, out, a);
	case QUERY_COUNT:
		if (bind_alive(d->stmt[READ_COUNT], q))
			return sqlite_db_complain(d, "cannot bind");
		return read_rows(d, d->stmt[READ_COUNT], q, out, a);
	case QUERY_CERT:
		if (sqlite_db_bind_slice(d->stmt[READ_CERT], P_HASH,
					 slice_of(q->hash, CERT_HASH_LEN)))
			return sqlite_db_complain(d, "cannot bind");
		return read_rows(d, d->stmt[READ_CERT], q, out, a);
	case QUERY_SIGNERS:
		if (sqlite_db_bind_slice(d->stmt[READ_SIGNERS], P_HASH,
					 slice_of(q->hash, CERT_HASH_LEN)) ||
		    sqlite3_bind_int64(d->stmt[READ_SIGNERS], P_LIMIT,
				       limit_of(q)))
			return sqlite_db_complain(d, "cannot bind");
		return read_rows(d, d->stmt[READ_SIGNERS], q, out, a);
	case QUERY_KINDS:
		return read_rows(d, d->stmt[READ_KINDS], q, out, a);
	}
	return OK;
}

enum err sqlite_reader_init(struct sqlite_db *d, struct why *why)
{
	return sqlite_db_prepare(d, read_sql, READ_N, why);
}
