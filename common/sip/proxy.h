/* SPDX-License-Identifier: ISC */
#ifndef SIP_PROXY_H
#define SIP_PROXY_H

#include "base/rng.h"
#include "sip/flowtoken.h"
#include "sip/registrar.h"

/*
 * A stateful proxy between the phones of the users whom this peer hosts, and
 * from and to other peers of the overlay: RFC 3261 s16 and s17, RFC 6026.
 * Pure: time is a parameter, what leaves goes through a call back.
 */

enum {
	PROXY_CALLS_MAX = 16384, /* requests under way at a time */
	PROXY_HOST_MAX = 64,     /* chars of "[2001:db8::1]:5060" */
	PROXY_UDP_MAX = 1300,    /* bytes, RFC 3261 s18.1.1 */
	PROXY_TIMER_C_S = 185    /* s16.6 step 11: more than 3 minutes */
};

struct proxy;
struct sipway_target;

/* Our end of a flow. */
struct proxy_local {
	const char *transport; /* "UDP" */
	bool secure;           /* fit for sips: TLS */
	char host[PROXY_HOST_MAX];
};

/* All that is pointed to is borrowed until proxy_free(). */
struct proxy_config {
	struct registrar *registrar;
	const char *realm;
	/* Callers are told the contacts (302) of those who have any, RFC 3261
	 * s8.3; what comes from other peers is passed on all the same. */
	bool redirect;
	uint8_t secret[FLOWTOKEN_SECRET_LEN];
	uint8_t seed[32]; /* of branch parameters */
	void (*send)(void *ctx, const struct flow *to, struct slice bytes);
	/* False when there is no such flow any more. */
	bool (*local)(void *ctx, const struct flow *f, struct proxy_local *out);
	/* How what is larger than PROXY_UDP_MAX goes to where that flow by UDP
	 * leads; false when there is no other way. */
	bool (*large)(void *ctx, const struct flow *f, struct flow *out);
	/* Does the host and port of this URI, or Via, lead here? */
	bool (*is_ours)(void *ctx, struct slice host, uint16_t port);
	/* Begins to look for whoever this URI is in the overlay; proxy_found()
	 * says how it ended, later.  ERR_NOT_FOUND: the overlay has no such
	 * names. */
	enum err (*lookup)(void *ctx, uint64_t token, struct slice uri);
	/* An INVITE that begins a call has its final answer; `request` is what
	 * came, borrowed for the call.  May be NULL. */
	void (*ended)(void *ctx, struct slice request, unsigned status,
		      uint64_t took_us);
	void *ctx;
};

/* A request, and what its answers begin with. */
struct proxy_asked {
	const struct sipmsg *m;
	struct slice bytes; /* the same, as it came */
	const struct flow *from;
	const struct flow *to; /* where answers go */
	struct slice key;      /* transaction_key() */
	struct slice head;     /* sipreply_head() */
};

enum err proxy_new(struct proxy **out,
		   const struct proxy_config *cfg) MUST_CHECK;
void proxy_free(struct proxy *p);
/* Requests under way; what is left of them included. */
size_t proxy_count(const struct proxy *p);

/* Has a request of that key come before?  Then it is dealt with. */
bool proxy_again(struct proxy *p, struct slice key);
/*
 * A new request whose sipreply_check() is 0, other than ACK, CANCEL, and what
 * is for this server itself.  `*status` is 0 when it is passed on, or that of
 * the answer to be given, with `fields` appended.  ERR_NOMEM.
 */
enum err proxy_request(struct proxy *p, const struct proxy_asked *a,
		       uint64_t now_us, unsigned *status,
		       struct buf *fields) MUST_CHECK;
/* A CANCEL, by the key of its INVITE: the status of its answer. */
unsigned proxy_cancel(struct proxy *p, const struct sipmsg *m, struct slice key,
		      uint64_t now_us);
/* An ACK: for an answer of ours by the key of its INVITE, else passed on. */
void proxy_ack(struct proxy *p, const struct proxy_asked *a, uint64_t now_us);
void proxy_response(struct proxy *p, const struct sipmsg *m, uint64_t now_us);
/*
 * The end of a look-up: where else, besides the phones here, the request goes;
 * copied.  ERR_NOT_FOUND is no failure; any other makes it 503, unless somebody
 * answers.
 */
void proxy_found(struct proxy *p, uint64_t token, enum err r,
		 const struct sipway_target *v, size_t n, uint64_t now_us);
/* Nobody is there any more, or no connection to them: who has not yet heard
 * from there need not wait, RFC 3261 s16.9; `gone`: nor who has.  Does anybody
 * wait still?  What they ask for is not asked for any more. */
bool proxy_lost(struct proxy *p, const struct flow *to, bool gone,
		uint64_t now_us);
uint64_t proxy_deadline(const struct proxy *p);
void proxy_expire(struct proxy *p, uint64_t now_us);

#endif
