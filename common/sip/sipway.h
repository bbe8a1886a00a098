/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPWAY_H
#define SIP_SIPWAY_H

#include "sip/proxy.h"

/* Where a request goes and whether it may: RFC 3261 s16.3 to s16.5. */

/* One place, and how it is reached. */
struct sipway_target {
	char *uri;  /* the new Request-URI; NULL: as it is */
	char *path; /* Route values for it; NULL or "": none */
	struct flow flow;
	uint16_t q;
	bool spare; /* only when the one before it could not be reached */
};

enum { SIPWAY_TARGETS_MAX = BINDING_MAX + 16 };

struct sipway {
	struct sipway_target v[SIPWAY_TARGETS_MAX]; /* best first */
	size_t n;
	size_t drop_routes; /* own Route values on top */
	bool elsewhere;     /* the overlay may know more of them */
	unsigned none;      /* status when there is nobody: 404, 480 */
};

/* Does a request belong to a dialog: has its To a tag? */
bool sipway_in_dialog(const struct sipmsg *m);

/* Digest of what a request that loops has unchanged, s16.6 step 8. */
enum { SIPWAY_LOOP_LEN = 8 };
enum err sipway_loop(const struct sipmsg *m,
		     char out[static HEXHASH_MAX]) MUST_CHECK;

/*
 * `*status` is 0, or that of the answer, with `fields` appended: 302, 403, 404,
 * 407, 416, 420, 480, 482, 483.  What comes from another peer need not prove
 * who it is, and goes to the phones here alone.  ERR_NOMEM.  sipway_clear().
 */
enum err sipway_find(struct sipway *out, const struct proxy_config *cfg,
		     const struct sipmsg *m, const struct flow *from,
		     uint64_t now_us, unsigned *status,
		     struct buf *fields) MUST_CHECK;
/* Puts a copy of a target at place `at`, those from there move on; where there
 * is no more room, or memory, or it is the contact of one that is there,
 * nothing. */
void sipway_insert(struct sipway *w, size_t at, const struct sipway_target *t);
/* By its own Routes only: false when there is none, or none of this call.
 * `*uri` is empty, or the Request-URI that a strict router has put behind
 * them. */
bool sipway_by_routes(const struct proxy_config *cfg, const struct sipmsg *m,
		      struct flow *flow, size_t *drop_routes,
		      struct slice *uri);
void sipway_clear(struct sipway *w);

#endif
