/* SPDX-License-Identifier: ISC */
#ifndef SIP_PROXY_PRIVATE_H
#define SIP_PROXY_PRIVATE_H

#include "core/table.h"
#include "sip/branch.h"
#include "sip/sipforward.h"

/* struct proxy from the inside, for proxy*.c alone. */

enum {
	PROXY_ARENA_MAX = 1 << 18,
	PROXY_WRITE_MAX = 4 * SIPMSG_MAX,
	PROXY_ID_MAX = 1 + SIPFORWARD_BRANCH_LEN + 1
};

/* Types of timers, besides branch.h's. */
enum { TIMER_C = BRANCH_END + 1, TIMER_UP_RESEND, TIMER_UP_END };

/* The side of who asked, s17.2. */
enum up_state {
	UP_PROCEEDING,
	UP_COMPLETED, /* INVITE: until the ACK; others: repeats the answer */
	UP_CONFIRMED,
	UP_ACCEPTED, /* INVITE: a 2xx has gone up */
	UP_DONE
};

/* A branch, and whose it is. */
struct leg {
	struct branch b;
	struct call *call; /* NULL: a CANCEL, which nobody waits for */
	struct timer c;
	bool want_cancel, cancelled;
	bool by_tcp;   /* only since it is large */
	size_t target; /* of the call */
	UT_hash_handle hh;
	char id[PROXY_ID_MAX]; /* method's first letter, branch parameter */
};

struct call {
	UT_hash_handle hh;
	bool invite, begins; /* a call */
	uint64_t since_us;
	enum up_state state;
	struct flow from, to;
	struct buf bytes; /* the request as it came */
	struct buf head, last;
	struct timer resend, end;
	uint64_t interval_us;
	struct sipway way;
	size_t next;        /* target */
	struct buf own_uri; /* who was called at our address, by the realm */
	struct leg *legs[2 * SIPWAY_TARGETS_MAX]; /* some by TCP, then UDP */
	size_t n_legs;
	unsigned best_status;
	struct buf best;
	struct buf challenges; /* of others than the best, if that has one */
	struct buf reason;     /* why it is cancelled: whole fields */
	bool ended;            /* no more targets */
	uint64_t token;        /* of the look-up under way; 0: none */
	UT_hash_handle hh_token;
	bool cut_off; /* the overlay could not be asked */
	size_t key_len;
	uint8_t key[];
};

struct proxy {
	struct proxy_config cfg;
	struct rng rng;
	struct call *calls;
	struct call *waiting; /* by token */
	uint64_t last_token;
	struct leg *legs;
	struct heap timers;
};

/* Without memory a timer is not set: what waits for it stays longer. */
void proxy_set(struct proxy *p, struct timer *t, int type, uint64_t at_us);
void proxy_send(struct proxy *p, const struct flow *to, struct slice bytes);

/* ---- the side of who asked, proxy_up.c ---- */

/* NULL without memory. */
struct call *proxy_up_new(struct proxy *p, const struct proxy_asked *a,
			  uint64_t now_us);
void proxy_up_free(struct proxy *p, struct call *c);
/* Sends an answer up, and keeps it for when the request comes again. */
void proxy_up(struct proxy *p, struct call *c, unsigned status,
	      struct slice bytes, uint64_t now_us);
/* 100, at once: s8.2.6, s17.2.1. */
void proxy_up_trying(struct proxy *p, struct call *c,
		     const struct proxy_asked *a, uint64_t now_us);
/* One of our own making; `fields` are more of them, or empty. */
void proxy_up_own(struct proxy *p, struct call *c, unsigned status,
		  struct slice fields, uint64_t now_us);
/* It does not wait for its look-up any more. */
void proxy_up_stop_waiting(struct proxy *p, struct call *c);
/* TIMER_UP_RESEND. */
void proxy_up_again(struct proxy *p, struct call *c, uint64_t now_us);
/* The ACK of an answer that is no 2xx. */
void proxy_up_ack(struct proxy *p, struct call *c, uint64_t now_us);

/* ---- one of those that are asked, proxy_leg.c ---- */

/* A number for a request: the method's letter and a branch parameter. */
enum err proxy_leg_id(struct proxy *p, const struct sipmsg *m,
		      char id[static PROXY_ID_MAX]) MUST_CHECK;
/* Asks that target of the call; what is large, by TCP where it `may_grow`. */
enum err proxy_leg_start(struct proxy *p, struct call *c,
			 const struct sipmsg *m, size_t target, bool may_grow,
			 uint64_t now_us) MUST_CHECK;
/* By what it answers; NULL. */
struct leg *proxy_leg_find(struct proxy *p, const struct sipmsg *response);
void proxy_leg_ack(struct proxy *p, struct leg *l, const struct sipmsg *m);
/* CANCEL, not before something has come from there, s9.1. */
void proxy_leg_cancel(struct proxy *p, struct leg *l, uint64_t now_us);
void proxy_leg_free(struct proxy *p, struct leg *l);

#endif
