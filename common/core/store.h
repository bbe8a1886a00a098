/* SPDX-License-Identifier: ISC */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "base/heap.h"
#include "core/request.h"
#include "core/storage.h"
#include "wire/data.h"

struct node;
struct store_place;
struct store_audit;

/*
 * The Storing Peer, RFC 6940 s7.4: Store (store_put.c), Fetch and Stat
 * (store_fetch.c), Find (store_find.c); values as they were signed, generation
 * counters, lifetimes, limits.  Behind storage.h.
 */

struct store {
	struct store_place *places; /* uthash: resources being worked at */
	struct timer timer;         /* the next purge */
	struct store_audit *audit;  /* store_audit.c: under way, or NULL */
};

/* Called by node.c: at node_new(), node_free(), for TIMER_STORE. */
void store_init(struct node *n);
void store_clear(struct node *n);
void store_timer(struct node *n, struct timer *t);
/* A document was replaced: Kinds may be gone, nodes bad; what they stored goes.
 */
void store_config_changed(struct node *n);

request_handler store_on_store;
request_handler store_on_fetch;
request_handler store_on_stat;
request_handler store_on_find;

/*
 * A request's turn at a resource: those that touch one resource go one after
 * the other, in the order in which they came, so that what a batch changes is
 * seen when it is committed.
 */
struct store_job {
	struct request *req;
	struct node_id resource;
	uint64_t arrived_ms; /* unix time */
	/* Called when it is this job's turn, which lasts until store_leave().
	 */
	void (*run)(struct node *n, struct store_job *job);
	struct store_job *next;
};

/* Takes a turn now or later.  ERR_FULL: too many wait. */
enum err store_enter(struct node *n, struct store_job *job) MUST_CHECK;
/* Who waits for the turn after this one, or NULL; store_share() has that job
 * take part in this one instead: its run() is not called. */
struct store_job *store_waits(struct node *n, const struct node_id *resource);
void store_share(struct node *n, const struct node_id *resource);
/* Ends the turn. */
void store_leave(struct node *n, const struct node_id *resource);
/* Ends a request with an error and its words; `why` may be empty. */
void store_refuse_take(struct node *n, struct request *req, enum err r,
		       const struct why *why);
/* ERR_UNKNOWN_KIND with the list of them as error_info. */
void store_refuse_kinds_take(struct node *n, struct request *req,
			     const struct kind_id_list *unknown);
/* A Resource-ID from the wire: ERR_INVALID_MESSAGE unless RING_ID_LEN long. */
enum err store_resource(struct slice in, struct node_id *out,
			struct why *why) MUST_CHECK;

/* Kinds that are all known, each once: ERR_INVALID_MESSAGE otherwise. */
enum err store_kinds_differ(const struct node *n, const uint32_t *kinds,
			    uint32_t n_kinds, struct why *why) MUST_CHECK;
/*
 * The counter of a slot in which two are merged that may have had different
 * values: above both, so that none that anybody has seen stands for other
 * values now, RFC 6940 s7.4.1.1.  The last one stays.
 */
uint64_t store_generation_merge(uint64_t mine, uint64_t other);
/* Keys of arrays: the index, 4 bytes big endian. */
enum err store_index_key(struct arena *a, uint32_t index,
			 struct slice *out) MUST_CHECK;
uint32_t store_key_index(struct slice key);
/* ERR_STORAGE where the records are of another data model: the document has
 * changed that of their Kind. */
enum err store_keys_fit(enum data_model model,
			const struct query_answer *is) MUST_CHECK;

/*
 * A stored value as it is to be sent on: decoded into `a`, its lifetime lowered
 * by the time it was held here, in whole seconds, so that it never ends later
 * than it would have, RFC 6940 s7.4.1.1.  ERR_STORAGE when the record is
 * damaged.
 */
enum err store_value(const struct node *n, enum data_model model,
		     const struct record *r, struct arena *a,
		     struct stored_data *out) MUST_CHECK;

#endif
