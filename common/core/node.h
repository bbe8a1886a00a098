/* SPDX-License-Identifier: ISC */
#ifndef CORE_NODE_H
#define CORE_NODE_H

#include "base/heap.h"
#include "base/log.h"
#include "core/overlay.h"
#include "core/storage.h"
#include "crypto/crypto.h"
#include "wire/data.h"
#include "wire/header.h"
#include "wire/topology.h"

/*
 * The protocol as a pure function (RFC 6940): events in, effects out.  A driver
 * owns sockets, clock, disk and randomness; it calls node_step() for every
 * event, then node_poll() until it returns false, and comes back at
 * node_deadline().
 */

struct node;

struct now {
	uint64_t mono_us; /* timers; never goes back */
	uint64_t unix_ms; /* storage_time, certificates; may jump */
};

enum role { ROLE_CLIENT, ROLE_PEER };

/* Where a node can be reached, and by which link protocol. */
struct link_address {
	struct ip_address_port address;
	uint8_t overlay_link; /* OVERLAY_LINK_*, without ICE */
};

/* Everything is borrowed until node_free(), the overlay until an EV_CONFIG
 * brings another one. */
struct node_config {
	enum role role;
	bool first; /* found a ring when no bootstrap node answers, s6.4.2.1 */
	const struct overlay *overlay;
	const struct crypto *crypto;
	const struct signer *signer; /* this node */
	/* Links that the driver can make, LINK_PROTOCOL_*; 0: all that the
	 * document permits. */
	uint8_t link_protocols;
	/* Where to enter, tried in this order, each by TLS before DTLS; the
	 * document's nodes if none. */
	const struct ip_address_port *bootstrap;
	size_t n_bootstrap;
	/* Where this node accepts links: its candidates, the best first; peers
	 * need one. */
	const struct link_address *listen;
	size_t n_listen;
	uint32_t links_max; /* at most so many links; 0: LINKS_MAX */
	uint8_t via_policy; /* enum via_policy, route.h; VIA_APPEND for all but
			       tests */
	const struct log_sink
		*log; /* may be NULL; LOG_MESSAGES: each message */
	/* One line per decision, for tests; may be NULL. */
	void (*trace)(void *ctx, const char *line);
	void *trace_ctx;
};

/* What runs beside the protocol and finds its like by AppAttach, RFC 6940
 * s6.5.2. */
struct application {
	uint16_t number; /* APPLICATION_* */
	bool answers;    /* others may ask for it: FX_APPLICATION */
	/* Where it accepts connections, the best first; borrowed until
	 * node_free(). */
	const struct link_address *listen;
	size_t n_listen;
};

/* ---- commands: what a tool or the peer asks of its node ---- */

enum command_type {
	CMD_START, /* client: connect to a bootstrap node; peer: join */
	CMD_LEAVE, /* peer: Leave to the neighbours; client: close */
	CMD_STORE,
	CMD_FETCH,
	CMD_STAT,
	CMD_FIND,
	CMD_PING,
	CMD_PROBE,
	CMD_ROUTE_QUERY,
	CMD_TABLE, /* Routing Table of the peer connected to; a peer's own */
	CMD_APP_ATTACH, /* the node that answers will connect to this one */
	CMD_REQUEST     /* any method: code and encoded body as given */
};

/* One value to store, RFC 6940 s7.4.1.1; the core signs it. */
struct store_item {
	uint32_t kind;
	uint64_t generation; /* 0: whatever is there */
	uint32_t index;      /* array; UINT32_MAX appends */
	struct slice key;    /* dictionary */
	bool exists;
	struct slice value;
	uint32_t lifetime_s;
	uint64_t storage_time; /* ms; 0: now */
};

struct command {
	uint64_t id; /* the caller's, comes back in FX_DONE */
	enum command_type type;
	uint64_t timeout_us; /* 0: until the request's retransmissions end */
	const struct signer *signer; /* NULL: the node's own */
	/* PING, PROBE, REQUEST: where to.  APP_ATTACH: the last entry is the
	 * node that has to answer, and whose connection it is.  ROUTE_QUERY:
	 * the last entry is what is asked about, those before it lead to the
	 * peer that is asked; none: the one connected to.  STORE, FETCH, STAT,
	 * FIND: empty, for the resource, or the node to ask. */
	struct destination_list destination;
	struct node_id resource; /* STORE, FETCH, STAT, FIND */
	/* STORE: after Data_Too_Old the value is fetched once and stored with
	 * max(now, old + 1), s7, unless a generation is given. */
	struct store_item *items;
	size_t n_items;
	struct stored_data_specifier *specifiers; /* FETCH, STAT */
	size_t n_specifiers;
	uint32_t *kinds; /* FIND */
	size_t n_kinds;
	uint8_t *probe_types; /* PROBE */
	size_t n_probe_types;
	uint16_t application;         /* APP_ATTACH: APPLICATION_* */
	uint32_t max_response_length; /* bytes; 0: no limit */
	uint16_t message_code;        /* REQUEST */
	struct slice body;            /* REQUEST */
};

/* Who vouches for a fetched value. */
struct value_signer {
	const char *user;       /* "" when the value is synthetic */
	struct node_id node_id; /* of the signer */
};

/* The end of a command.  Borrowed until the next node_step(). */
struct result {
	uint64_t id;
	enum command_type type;
	enum err err;
	struct slice info; /* the overlay's own words (error_info), or empty */
	struct node_id responder; /* who answered */
	uint64_t rtt_us;
	/* STORE; with ERR_GENERATION_COUNTER_TOO_LOW the right counters. */
	const struct store_ans *store;
	const struct fetch_ans *fetch; /* only values that verified */
	const struct value_signer *const *signers; /* FETCH: [kind][value] */
	bool partial; /* FETCH: some values did not verify and were left out */
	const struct stat_ans *stat;
	const struct find_ans *find;
	const struct ping_ans *ping;
	const struct probe_ans *probe;
	struct node_id next_peer;         /* ROUTE_QUERY */
	const struct chord_update *table; /* TABLE: type full */
	uint16_t message_code;            /* REQUEST */
	struct slice body;
};

/* ---- events ---- */

enum event_type {
	EV_TIMER,
	EV_LINK_UP,
	EV_LINK_DOWN,
	EV_BYTES,
	EV_COMMAND,
	EV_READ,
	EV_COMMITTED,
	EV_CONFIG
};

/*
 * Link numbers: the core draws those of FX_CONNECT below LINK_INCOMING, the
 * driver those of accepted links from LINK_INCOMING up; none is used twice.
 */
#define LINK_INCOMING UINT32_C(0x80000000)

struct event {
	enum event_type type;
	uint32_t link; /* LINK_UP, LINK_DOWN, BYTES */
	/* LINK_UP: the other side's, borrowed (take a reference to keep it);
	 * chain, names and time were checked by the handshake. */
	struct cert *cert;
	struct ip_address_port address; /* LINK_UP: of the other side */
	uint8_t overlay_link; /* LINK_UP: OVERLAY_LINK_*; 0: TLS over TCP */
	/* LINK_UP, DTLS: bytes of plaintext that fit in one record; TLS: 0. */
	uint32_t mtu;
	enum err err; /* LINK_DOWN: why; READ, COMMITTED, CONFIG: how it went */
	/* BYTES: what has come.  TLS: cut anywhere.  DTLS: the plaintext of
	 * one record, which is one frame; records may be lost, come twice, or
	 * in another order. */
	struct slice bytes;
	const struct command *command; /* COMMAND: borrowed for the step */
	uint64_t id; /* READ, COMMITTED, CONFIG: the effect's */
	const struct query_answer *answers; /* READ: one a query */
	size_t n_answers;
	/* CONFIG: the checked document, in use from now on; the old one may go
	 * after the step.  id 0: it came another way (a file, a signal). */
	const struct overlay *overlay;
	struct slice info; /* CONFIG: why it was refused */
};

/* ---- effects ---- */

enum effect_type {
	FX_CONNECT, /* open a link, as TLS or DTLS client */
	FX_SEND,    /* DTLS: one frame, which becomes one record */
	FX_CLOSE,   /* after what was sent; no EV_LINK_DOWN follows */
	FX_READ,
	FX_COMMIT,
	FX_CONFIG, /* check this document or kind block; answer: EV_CONFIG */
	FX_DONE,
	FX_STATE, /* the node's standing in the overlay changed */
	/* An AppAttach was answered: the application connects to one of
	 * these, by TLS, and to nobody but that node. */
	FX_APPLICATION
};

enum node_state {
	STATE_STARTING, /* no link yet, or joining */
	STATE_CLIENT,   /* connected, not in the ring */
	STATE_JOINED,
	STATE_LEFT
};

struct effect {
	enum effect_type type;
	uint32_t link;                  /* CONNECT, SEND, CLOSE */
	struct ip_address_port address; /* CONNECT */
	uint8_t overlay_link;           /* CONNECT: OVERLAY_LINK_* */
	bool has_node_id;               /* CONNECT: the certificate must have */
	struct node_id node_id;         /* this Node-ID; APPLICATION */
	uint16_t application;           /* APPLICATION */
	const struct link_address *candidates; /* APPLICATION: the best first */
	uint32_t n_candidates;
	struct slice bytes;          /* SEND; CONFIG: the document as it came */
	uint64_t id;                 /* READ, COMMIT, CONFIG */
	const struct query *queries; /* READ: answered together, in order */
	size_t n_queries;
	struct batch *batch; /* COMMIT: the driver's from here on */
	uint8_t config_type; /* CONFIG: 1 document, 2 kind block, s6.5.4.1 */
	const struct result *result; /* DONE */
	enum node_state state;       /* STATE */
};

/* ERR_NOMEM, or ERR_CONFIG when the overlay's parameters are not for us. */
enum err node_new(struct node **out, const struct node_config *cfg,
		  const uint8_t seed[static 32]) MUST_CHECK;
/*
 * Handles one event.  Fails only for lack of memory or a caller's mistake; a
 * hostile peer is ordinary input.  EV_TIMER is due when now.mono_us has reached
 * node_deadline(); every other event runs due timers as well.
 */
enum err node_step(struct node *n, struct now now,
		   const struct event *ev) MUST_CHECK;
/* The next effect, in order; false when there is none.  What it points to is
 * borrowed until the next node_step(). */
bool node_poll(struct node *n, struct effect *fx);
/* mono_us, or NEVER. */
uint64_t node_deadline(const struct node *n);
void node_free(struct node *n);

/* An application is there, or has other addresses.  ERR_FULL, ERR_NOMEM. */
enum err node_serve(struct node *n, const struct application *a) MUST_CHECK;

enum node_state node_state(const struct node *n);
/* How it goes. */
struct node_counts {
	enum node_state state;
	uint64_t started_us;
	uint32_t links;
	uint32_t requests;       /* own ones, under way */
	uint64_t refused[ERR_N]; /* what others sent; by why */
};
void node_count(const struct node *n, struct node_counts *out);
/* This node's Node-ID. */
const struct node_id *node_id(const struct node *n);

#endif
