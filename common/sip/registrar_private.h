/* SPDX-License-Identifier: ISC */
#ifndef SIP_REGISTRAR_PRIVATE_H
#define SIP_REGISTRAR_PRIVATE_H

/* What registrar*.c share, and nobody else includes. */

#include "core/table.h"
#include "sip/registrar.h"

/* A change that waits for those before it. */
struct pending {
	struct pending *next;
	bool internal; /* nobody waits for an answer */
	uint64_t token;
	struct binding_change change;
	struct buf fields; /* of the answer */
};

struct registrar_user {
	struct timer timer;
	UT_hash_handle hh;
	void *ctx;
	struct registrar_secret secret;
	struct digest_memory memory;
	struct bindings bindings; /* as the overlay knows */
	struct bindings next;     /* when the Store under way succeeds */
	struct pending *queue, *last;
	size_t n_queued;
	bool storing;             /* for queue, the first */
	bool restored;            /* bindings are of the life before */
	bool dismissed;           /* goes when the overlay has nothing of it */
	uint64_t stored_until_us; /* 0: nothing is in the overlay */
	uint64_t asked_until_us;  /* of the Store under way */
	uint64_t asked_us;        /* when it began */
	char *stored, *asked;     /* contacts; NULL: a route */
	uint64_t retry_us;        /* not before that */
	size_t local_len;         /* of the AOR's part before '@' */
	char aor[];
};

struct registrar {
	struct registrar_config cfg;
	struct digest_server digest;
	struct registrar_user *users;
	struct heap timers;
	size_t n_busy; /* users with a queue */
	struct registrar_counts counts;
	uint64_t changes;
	bool leaving;
};

#endif
