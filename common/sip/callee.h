/* SPDX-License-Identifier: ISC */
#ifndef SIP_CALLEE_H
#define SIP_CALLEE_H

#include "net/driver.h"
#include "sip/peerlink.h"
#include "sip/sipnet.h"
#include "sip/sipway.h"

/*
 * Whoever is called, looked up in the overlay, and outside of it: RFC 7904
 * s4.1. What is found are places that a proxy can send to: other peers, and
 * servers.
 */

enum {
	CALLEE_MAX = 2048,         /* looked up at a time */
	CALLEE_ASKERS_MAX = 16384, /* who wait for them */
	CALLEE_S = 8,              /* all that one may take */
	CALLEE_KEEP_S = 2          /* what was found is found again */
};

struct callee;

struct callee_counts {
	uint64_t lookups, failed; /* that have ended; without somebody found */
	uint64_t lookup_us;       /* they took, all together */
};

/* All that is pointed to is borrowed until callee_free(). */
struct callee_config {
	struct loop *loop;
	struct driver *driver;
	const struct crypto *crypto;
	const struct node_id *self; /* routes to it lead nowhere else */
	const char *realm;
	struct sipnet *net;
	struct peerlink *peers;
	/* How it ended, never from inside callee_ask(): ERR_NOT_FOUND when
	 * there is nobody; targets are borrowed for the call. */
	void (*found)(void *ctx, uint64_t token, enum err r,
		      const struct sipway_target *v, size_t n);
	void *ctx;
};

enum err callee_new(struct callee **out,
		    const struct callee_config *cfg) MUST_CHECK;
/* ERR_NOT_FOUND: no name at all; ERR_FULL, ERR_NOMEM. */
enum err callee_ask(struct callee *c, uint64_t token,
		    struct slice uri) MUST_CHECK;
const struct callee_counts *callee_counts(const struct callee *c);
/* Nothing is called any more.  Before the driver is freed, which still brings
 * its answers; callee_free() after it.  NULL is fine. */
void callee_stop(struct callee *c);
void callee_free(struct callee *c);

#endif
