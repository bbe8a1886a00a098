/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORAGE_H
#define CORE_STORAGE_H

#include "base/arena.h"
#include "base/id.h"
#include "crypto/crypto.h"

/*
 * What a storage engine keeps and how it is asked.  The core makes queries and
 * batches; the driver runs them against an engine (memory, SQLite) and brings
 * the answers back as events.
 */

/* One stored value.  Identified by resource, kind and key.  Only the first
 * RING_ID_LEN bytes of a resource are kept. */
struct record {
	struct node_id resource;
	uint32_t kind;
	struct slice key; /* array: the index, 4 bytes big endian; dictionary:
			     the key; single value: empty */
	uint64_t storage_time;         /* ms, as signed */
	uint64_t expires_ms;           /* unix time: arrival plus lifetime */
	uint8_t signer[CERT_HASH_LEN]; /* SHA-256 of the signer's certificate */
	struct slice data; /* the StoredData exactly as it came, with length */
};

/* A (resource, kind) pair and its generation counter. */
struct slot {
	struct node_id resource;
	uint32_t kind;
	uint64_t generation; /* at least 1; 0 where nothing was ever stored */
};

enum query_type {
	QUERY_KIND,    /* counter and values of one resource and kind */
	QUERY_RANGE,   /* slots with values, resource in (from, to], in ring
			  order,   after the cursor; `max` of them at most */
	QUERY_NEAREST, /* the first slot with values of `kind` at or after
			  `resource`, within (from, to], in ring order: Find,
			  s7.4.4.2 */
	QUERY_COUNT,   /* number of values */
	QUERY_CERT,    /* a certificate by its SHA-256 */
	QUERY_SIGNERS, /* hashes of certificates with values here, ascending,
			  after `hash` (zero: from the first); `max` of them
			  at most */
	QUERY_KINDS    /* every Kind that has a slot, ascending; in `slots` */
};

struct query {
	enum query_type type;
	struct node_id resource; /* KIND; NEAREST: where to start */
	uint32_t kind;           /* KIND, NEAREST */
	/* KIND: only keys from first to last, inclusive, compared as bytes; p
	 * NULL means without that bound. */
	struct slice first, last;
	bool backwards;     /* KIND, without `last`: from the last key down */
	bool metadata_only; /* KIND: records come without data */
	uint32_t bytes_max; /* KIND: more data than that: ERR_LIMIT; 0: any */
	/* KIND, RANGE, NEAREST, COUNT: values that have expired by then (unix
	 * time) do not count; 0: all do, until they are purged. */
	uint64_t alive_ms;
	struct node_id from, to; /* RANGE, NEAREST; equal: whole ring */
	bool has_cursor;         /* RANGE: resume after this slot */
	struct slot cursor;
	uint32_t max; /* RANGE: slots; KIND: records; SIGNERS; 0: no limit */
	uint8_t hash[CERT_HASH_LEN]; /* CERT, SIGNERS */
};

/* The answer to one query; its memory is in the arena of the read. */
struct query_answer {
	uint64_t generation;    /* KIND */
	struct record *records; /* KIND, by key */
	size_t n_records;
	struct slot *slots; /* RANGE; KINDS; NEAREST: one or none */
	size_t n_slots;
	uint64_t count;   /* COUNT */
	struct slice der; /* CERT: as it was put; empty when unknown */
	uint8_t (*signers)[CERT_HASH_LEN]; /* SIGNERS */
	size_t n_signers;
};

enum change_type {
	CHANGE_PUT,         /* record: inserted or replaced */
	CHANGE_GENERATION,  /* slot: its counter set */
	CHANGE_DELETE,      /* record's key deleted, if it is there */
	CHANGE_CERT,        /* cert under its hash, if it is not there */
	CHANGE_DROP_SLOT,   /* slot: counter and all values */
	CHANGE_DROP_KIND,   /* slot.kind everywhere */
	CHANGE_DROP_SIGNER, /* all values of record.signer */
	/* Values with expires_ms <= record.expires_ms, and certificates from
	 * `hash` on that no value needs; counters stay.  Alone in its batch,
	 * for an engine may do a part, and sets `hash` and `unfinished` then.
	 */
	CHANGE_PURGE
};

struct change {
	enum change_type type;
	struct record record;
	struct slot slot;
	struct slice cert; /* CERT: the DER, and behind it its intermediates' */
	uint8_t hash[CERT_HASH_LEN]; /* CERT: SHA-256 of the first; PURGE */
};

/* Changes that happen together or not at all.  Memory is in the arena; the core
 * hands a batch over with FX_COMMIT and the driver frees it. */
struct batch {
	uint64_t id;
	struct arena arena;
	struct change *v;
	uint32_t n, cap;
	bool unfinished; /* by the engine: to be committed once more */
};

struct batch *batch_new(uint64_t id);
/* A zeroed change at the end, valid until the next one; NULL without memory. */
struct change *batch_add(struct batch *b, enum change_type type);
void batch_free(struct batch *b);

/* An engine.  read() runs in the loop's thread, commit() in one worker thread
 * at a time, possibly while a read() is under way. */
struct storage {
	void *ctx;
	/* Results are in `a`.  ERR_STORAGE, ERR_NOMEM, ERR_LIMIT; ERR_DAMAGED:
	 * nothing here can be relied on any more. */
	enum err (*read)(void *ctx, const struct query *q,
			 struct query_answer *out, struct arena *a);
	/* Writes `n` batches durably, in one transaction if it can: one that
	 * fails does no harm to others.  status[i] says what became of batch i:
	 * OK, ERR_STORAGE, ERR_NOMEM, ERR_DAMAGED.  Returns when all is on
	 * disk; of a batch that is unfinished then, a part. */
	void (*commit)(void *ctx, struct batch *const *v, size_t n,
		       enum err *status);
	void (*close)(void *ctx);
};

#endif
