/* SPDX-License-Identifier: ISC */
#ifndef CORE_STATE_H
#define CORE_STATE_H

/*
 * struct node from the inside, for the files of core/ alone.  Each part of the
 * state is a struct of the file that owns it; what several files need stands
 * here: the clock, random numbers, timers and effects.
 */

#include "base/rng.h"
#include "core/app_attach.h"
#include "core/certs.h"
#include "core/client.h"
#include "core/config_update.h"
#include "core/dial.h"
#include "core/frag.h"
#include "core/join.h"
#include "core/limits.h"
#include "core/link.h"
#include "core/node.h"
#include "core/paths.h"
#include "core/probe.h"
#include "core/read.h"
#include "core/replica.h"
#include "core/reply.h"
#include "core/request.h"
#include "core/ring.h"
#include "core/route.h"
#include "core/seal.h"
#include "core/seen.h"
#include "core/store.h"
#include "core/tally.h"
#include "core/txn.h"

/* What a timer wakes; the number goes into struct timer's type. */
enum timer_type {
	TIMER_LINK,    /* link.c: RTO, hold */
	TIMER_TXN,     /* txn.c */
	TIMER_REQUEST, /* request.c: answers kept */
	TIMER_ROUTE,   /* route.c: return paths */
	TIMER_FRAG,    /* frag.c */
	TIMER_DIAL,    /* dial.c */
	TIMER_RING,    /* ring.c: periodic updates, fingers, partition check */
	TIMER_JOIN,    /* join.c */
	TIMER_STORE,   /* store.c: purge, waiting replicas */
	TIMER_REPLICA, /* replica.c: hold-down, hand-over */
	TIMER_CLIENT,  /* client.c: command deadlines */
	TIMER_TALLY,   /* tally.c */
	TIMER_PROBE    /* probe.c: a count goes on */
};

/* Queued until node_poll(). */
struct effects {
	struct effect *v;
	uint32_t n, cap, next;
};

struct node {
	struct node_config cfg;
	const struct overlay *overlay; /* in use */
	struct wire_env env;           /* node_id_len and kinds of overlay */
	struct node_id id;
	struct now now; /* of the step under way */
	struct rng rng;
	struct heap timers;
	struct arena arena; /* of the step under way, reset at its start */
	enum node_state state;
	uint64_t started_us;
	struct buf scratch; /* of one encoding at a time */
	enum err failed;    /* the step under way lacked memory: its result */
	struct effects effects;
	struct links links;
	struct txns txns;
	struct requests requests;
	struct loopback loopback;
	struct return_paths return_paths;
	struct opaques opaques;
	struct reassemblies reassemblies;
	struct reads reads;
	struct probes probes;
	struct tally tally;
	struct certs certs;
	struct config_updates config_updates;
	struct dials dials;
	struct app_attaches app_attaches;
	struct ring ring;
	struct join join;
	struct store store;
	struct replicas replicas;
	struct clients clients;
	struct seen seen;
};

/* One line of the trace; free where nobody listens. */
void node_trace(struct node *n, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Queues an effect.  Bytes it points to must live until the next step: put them
 * in n->arena.  ERR_NOMEM. */
enum err node_effect(struct node *n, const struct effect *fx) MUST_CHECK;
void node_set_state(struct node *n, enum node_state s);
/* Ends a command: FX_DONE.  What `res` points to must live in n->arena. */
enum err node_done(struct node *n, const struct result *res) MUST_CHECK;
/* A failure of this node, not of a peer: node_step() returns the first. Returns
 * `r`; OK is nothing. */
enum err node_failed(struct node *n, enum err r);
/* Sets a timer whose type is set; node_failed() where that fails. */
void node_timer(struct node *n, struct timer *t, enum timer_type type,
		uint64_t at_us);
/* Encodes a struct into n->arena. */
enum err node_encode(struct node *n, const struct wire_type *t, const void *v,
		     struct slice *out) MUST_CHECK;
/* H(data), the first RING_ID_LEN bytes of SHA-1: a Resource-ID, s10.2. */
enum err node_resource_id(const struct node *n, struct slice name,
			  struct node_id *out) MUST_CHECK;

#endif
