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
	uint32_t copies; /* that were acknowledged, the owner's included */
	uint64_t sequence;
	uint64_t command;     /* under way, or 0 */
	uint32_t incarnation; /* of the writer, when it was given */
	struct fact *next;
};

struct truth {
	struct world *world;
	struct fact *facts;
	bool quiet;
	uint64_t n_stored, n_refused; /* Stores that ended well, or not */
	char first[160];              /* the first thing that was wrong */
};

void truth_init(struct truth *t, struct world *w);
void truth_clear(struct truth *t);
/* A value that `writer` will keep under its own name; `key` NULL for
 * USER_VALUE. */
struct fact *truth_fact(struct truth *t, struct host *writer, const char *key);
/* Starts a Store of the next content, or a removal.  Nothing when one is under
 * way or the writer does not run. */
void truth_store(struct truth *t, struct fact *f, bool exists);
/* Takes in what has ended; to be called now and then. */
void truth_settle(struct truth *t);

/* Each returns how many things are wrong and prints them, but for `quiet`. */
/* Neighbours of every joined peer, as its own table has them. */
uint32_t truth_ring(struct truth *t);
/* Every fact as `from` fetches it; NULL: each from another peer. */
uint32_t truth_values(struct truth *t, struct host *from);
/* Copies of every fact at its owner and the two after it; with `exact` nowhere
 * else. */
uint32_t truth_copies(struct truth *t, bool exact);
/* What `h` owns and has no copy of. */
uint32_t truth_lacks(struct truth *t, struct host *h);
/* The newest document, at every peer; a client learns of it when it asks. */
uint32_t truth_documents(struct truth *t);
/* Is every acknowledged value on another disk than this one as well? */
bool truth_spare(struct truth *t, const struct host *h);

#endif
