/* SPDX-License-Identifier: ISC */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdio.h>

#include "base/heap.h"
#include "base/rng.h"
#include "core/node.h"
#include "net.h"
#include "toy.h"

/*
 * A world of hosts under a virtual clock: each has a certificate, a disk, an
 * address and, while it runs, a node.  All chance comes from one seed, so that
 * a run can be repeated to the byte.  A failure of the simulator itself ends
 * the program; what nodes do is left to the caller to judge.
 */

#define MUST(expression)                                                       \
	world_must((expression), #expression, __FILE__, __LINE__)
void world_must(enum err r, const char *what, const char *file, int line);

#define SECOND_US UINT64_C(1000000)
#define DAY_MS    UINT64_C(86400000)

/* The private Kinds of every world, those of a new overlay. */
#define USER_VALUE UINT32_C(0xF0000001) /* single, USER-MATCH */
#define USER_ARRAY UINT32_C(0xF0000002)
#define USER_DICT  UINT32_C(0xF0000003)
#define NODE_VALUE UINT32_C(0xF0000004) /* single, NODE-MATCH */

enum { WORLD_PORT = 6084 };

/* How a host ends without Leave. */
enum death {
	DEATH_PROCESS, /* kill -9: the system closes its connections */
	DEATH_POWER    /* nothing more comes from it */
};

struct world;
struct rogue;

struct host {
	struct world *world;
	uint32_t index;
	char user[64];
	struct signer signer;
	struct ip_address_port address;
	struct link_address listen[2];
	uint32_t n_listen;
	int64_t skew_ms;  /* of its unix clock */
	uint64_t slow_us; /* more on every way to and from it */
	struct storage storage;
	uint64_t wiped_us; /* when it last lost its disk */
	bool disk_full;    /* commits fail */
	bool power_lost;   /* not even a refusal comes back */
	uint32_t incarnation;
	/* While it runs. */
	struct node *node;
	struct rogue *rogue; /* or this, driven by hand */
	struct node_config cfg;
	const struct overlay *overlay;    /* as the node has it */
	const struct overlay *configured; /* as it had it when it ended */
	struct ip_address_port bootstrap[8];
	enum node_state state;     /* the last FX_STATE */
	struct effect application; /* the last FX_APPLICATION; its candidates
				    * until the next step */
	struct timer timer;        /* the node's deadline */
	struct end *ends;          /* net.c: its links */
	uint32_t next_incoming;
	struct job *jobs; /* reads, commits and documents under way */
	uint64_t started_us;
	bool tracing;
	struct buf trace; /* its lines, when tracing */
};

/* The end of a command, with everything that the result points to. */
struct outcome {
	uint64_t id;
	struct host *host;
	uint64_t at_us;
	struct result result;
	struct arena arena;
	struct outcome *prev, *next;
};

/* Who looks on while hosts work; either may be NULL. */
struct world_hooks {
	/* A host writes a batch; the disk is as it was before. */
	void (*commit)(void *ctx, struct host *h, const struct batch *b);
	/* A node has taken a step. */
	void (*step)(void *ctx, struct host *h);
	void *ctx;
};

struct world_options {
	uint64_t seed;
	uint32_t hosts_max; /* 0: 64 */
	struct net_options net;
	uint64_t commit_us; /* a commit takes up to this; 0: 2 ms */
	bool self_signed;   /* certificates by their own keys */
	uint8_t links;      /* LINK_PROTOCOL_*; 0: TLS */
	FILE *trace;        /* every node's trace; may be NULL */
};

struct world {
	struct world_options opt;
	struct rng rng;
	struct toy toy;
	struct overlay *overlay;   /* may be edited until a node runs */
	struct overlay **versions; /* later documents, world_document() */
	size_t n_versions;
	struct wire_env env;
	uint64_t now_us;
	struct heap timers;
	struct host **hosts;
	uint32_t n_hosts;
	struct net net;
	struct world_hooks hooks;
	struct outcome *outcomes;
	uint64_t next_command;
	uint64_t next_key;
	uint64_t n_events; /* steps so far */
};

enum world_timer { WORLD_NODE, WORLD_STREAM, WORLD_CONNECT, WORLD_JOB };

struct world *world_new(const struct world_options *opt);
void world_free(struct world *w);
/* The next configuration document: a copy of the newest with the sequence one
 * higher, to be edited before any node sees it. */
struct overlay *world_document(struct world *w);

/* A new host with a certificate of the world's CA for a year.  `id` NULL:
 * drawn. */
struct host *world_host(struct world *w, const char *user,
			const struct node_id *id);
/* Another certificate for it; `spec->key` 0: a new key. */
void host_certify(struct host *h, const struct toy_spec *spec);
/* By Node-ID or by address; NULL. */
struct host *world_host_by_id(struct world *w, const struct node_id *id);
struct host *world_host_at(struct world *w, const struct ip_address_port *a);

/* Makes its node and gives it CMD_START.  The way in is through three
 * other hosts: peers that are joined now before others, the lowest first. */
void host_start(struct host *h, enum role role, bool first);
/* The same through one given host. */
void host_start_at(struct host *h, enum role role, const struct host *entry);
/* Makes its node without a way in and without CMD_START, which will found a
 * ring: until then it takes links and answers. */
void host_found(struct host *h);
/* CMD_LEAVE, runs until it has left, and stops it. */
void host_stop(struct host *h);
void host_kill(struct host *h, enum death how);
/* An empty disk in place of the old one; it must not run. */
void host_wipe(struct host *h);
/* Does it accept links over UDP, or over TCP? */
bool host_listens(const struct host *h, bool datagram);
bool host_runs(const struct host *h);
bool host_joined(const struct host *h);
/* In the ring, or connected as client. */
bool host_ready(const struct host *h);
/* Hands a document to a running node, as SIGHUP does. */
void host_configure(struct host *h, const struct overlay *o);
void host_event(struct host *h, const struct event *ev);
struct now host_now(const struct host *h);

/* Gives a command and returns its id; c->id is filled in. */
uint64_t host_command(struct host *h, struct command *c);
/* NULL until it has ended. */
const struct outcome *world_outcome(const struct world *w, uint64_t id);
/* Frees an outcome that was seen; long runs have many. */
void world_forget(struct world *w, uint64_t id);
/* Gives a command and runs until it ends, a virtual minute at most. */
const struct outcome *host_do(struct host *h, struct command *c);

/* Runs for this long, or to a condition: false when it did not come in time. */
void world_run(struct world *w, uint64_t us);
typedef bool world_condition(struct world *w, void *ctx);
bool world_run_until(struct world *w, world_condition *done, void *ctx,
		     uint64_t us);

/* Founds a ring and lets `n` peers in, one after the other; all are JOINED at
 * its end, and it is the caller's to see whether they know each other. */
void world_ring(struct world *w, uint32_t n);
/* The joined peer at or after a point, as it ought to be; NULL without any. */
struct host *world_owner(struct world *w, const struct node_id *id);
/* The i'th after `h` among the joined, clockwise. */
struct host *world_successor(struct world *w, const struct host *h, uint32_t i);
void world_resource(struct world *w, const char *name, struct node_id *out);

/* What `w`'s clock says, without any host's skew. */
uint64_t world_unix_ms(const struct world *w);

/* inside.c: is `other` the first after this running node, or before it, as its
 * own table has it? */
bool inside_follows(const struct host *h, const struct host *other);
bool inside_precedes(const struct host *h, const struct host *other);

/* For world.c. */
void host_free(struct host *h);
void outcome_keep(struct host *h, const struct result *r);
void job_timer(struct timer *t);

#endif
