/* SPDX-License-Identifier: ISC */
#ifndef SIM_TRUTH_H
#define SIM_TRUTH_H

#include "world.h"

/*
 * What must be so when faults have stopped: the ring in its order, and every
 * value that was acknowledged where it belongs, in as many copies as belong.
 */

enum { TRUTH_TEXT_MAX = 64, TRUTH_ATTEMPTS_MAX = 32 };

/* One value's history: written by one host alone, one Store at a time. */
struct fact {
	struct host *writer;
	struct node_id resource;
	uint32_t kind;
	char key[16]; /* dictionaries */
	/* The newest acknowledged content and whatever was tried after it,
	 * oldest first; "" is the value removed. */
	bool known; /* something was acknowledged */
	char text[TRUTH_ATTEMPTS_MAX][TRUTH_TEXT_MAX];
	uint32_t n_text;
	uint32_t copies;   /* that were acknowledged, the owner's included */
	uint64_t sequence; /* of the newest attempt, from 1 */
	uint64_t acknowledged; /* the newest that was; 0: none counts */
	bool *removed;         /* by sequence: was the attempt a removal? */
	uint64_t generation;   /* of the slot, at the last acknowledgement */
	uint64_t acknowledged_us;
	/* The Store under way. */
	uint64_t command;   /* or 0 */
	uint64_t asked;     /* its generation_counter */
	uint64_t asked_us;  /* when it was given */
	struct host *owner; /* with all that was acknowledged, or NULL */
	uint32_t owner_incarnation;
	bool behind;          /* the writer's clock was behind what it was */
	uint64_t clock_ms;    /* the latest that it was, at a Store */
	uint32_t incarnation; /* of the writer then */
	struct brief *brief;  /* NULL: its values live for a day; brief.c */
	struct fact *next;
};

struct truth {
	struct world *world;
	struct fact *facts;
	bool quiet;
	uint64_t torn_us;   /* the network was last in pieces then */
	bool mild;          /* nobody dies, and the ring is never in pieces */
	uint64_t linger_us; /* by so much a lifetime may grow on the way */
	uint64_t n_stored, n_refused; /* Stores that ended well, or not */
	uint64_t n_wrong;             /* acknowledgements that were lies */
	char first[160];              /* the first thing that was wrong */
};

/* Prints that something is wrong; the first is kept. */
void truth_say(struct truth *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void truth_init(struct truth *t, struct world *w);
void truth_clear(struct truth *t);
/* A value that `writer` will keep under its own name; `key` NULL for
 * USER_VALUE. */
struct fact *truth_fact(struct truth *t, struct host *writer, const char *key);
/* Starts a Store of the next content, or a removal.  Nothing when one is under
 * way or the writer does not run. */
void truth_store(struct truth *t, struct fact *f, bool exists);
/* The same on condition that the slot's counter is this; 0: none. */
void truth_store_if(struct truth *t, struct fact *f, bool exists,
		    uint64_t generation);
/* Takes in what has ended; to be called now and then.  What was acknowledged is
 * on the disks that the answer named, and its counter has grown. */
void truth_settle(struct truth *t);
/* May this value, or none, be what was stored, if attempt `since` was? */
bool truth_allows(const struct fact *f, const struct stored_value *v,
		  uint64_t since);
/* Is this the value that an attempt stored? */
bool truth_is(const struct fact *f, const struct stored_value *v, uint64_t n);
/* Does the disk of `h` have what attempt `since` stored, or newer? */
bool truth_on_disk(const struct truth *t, struct host *h, const struct fact *f,
		   uint64_t since);

/* Each returns how many things are wrong and prints them, but for `quiet`. */
/* Neighbours of every joined peer, as its own table has them. */
uint32_t truth_ring(struct truth *t);
/* Every fact as `from` fetches it; NULL: each from another peer. */
uint32_t truth_values(struct truth *t, struct host *from);
/* Copies of every fact at its owner and the two after it; with `exact` nowhere
 * else. */
uint32_t truth_copies(struct truth *t, bool exact);
/* Owners whose counter is lower than one that was acknowledged. */
uint32_t truth_counters(struct truth *t);
/* What `h` owns and has no copy of. */
uint32_t truth_lacks(struct truth *t, struct host *h);
/* The newest document, at every peer; a client learns of it when it asks. */
uint32_t truth_documents(struct truth *t);
/* Disks were lost for good.  What was acknowledged with two replicas must be on
 * another one; what was not and is gone is forgiven. */
void truth_bereaved(struct truth *t);
/* Every value is where it belongs: each has two replicas from now on. */
void truth_repaired(struct truth *t);
/* The one that everybody must ask; NULL where peers do not know who comes
 * before and after them, or the network is in pieces. */
struct host *truth_owner(struct truth *t, const struct node_id *resource);
/* Does every joined peer know who comes before and after it? */
bool truth_connected(struct truth *t);

#endif
