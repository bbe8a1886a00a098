/* SPDX-License-Identifier: ISC */
#ifndef CORE_AOR_H
#define CORE_AOR_H

#include "base/arena.h"
#include "wire/data.h"
#include "wire/sip.h"

/*
 * From a SIP address of record to contacts and routes, RFC 7904 s4.2: which
 *names have to be fetched, and what their SIP-REGISTRATIONs come to.  Asks
 *nobody itself:
 *
 *	aor_init(&a, name, env);
 *	while (aor_next(&a, &name))
 *		fetch every SIP-REGISTRATION at H(name); aor_feed(&a, answer);
 *	aor_finish(&a);
 */

enum {
	AOR_NAMES_MAX =
		32, /* followed from one name: throttles forks, s8.2.1 */
	AOR_TARGETS_MAX = 64, /* contacts and routes; more are left out */
	AOR_TEXT_MAX = 1024   /* bytes of a name or URI */
};

enum aor_target_type { AOR_CONTACT, AOR_ROUTE };

struct aor_target {
	enum aor_target_type type;
	struct slice uri;  /* CONTACT, and ROUTE of a GRUU: as stored */
	struct slice name; /* where it was found; empty: at the first name */
	struct destination_list route;
	bool sips;             /* ROUTE: it wants to be called by SIPS, s3.2 */
	uint64_t storage_time; /* ms */
};

struct aor_name {
	struct slice name;     /* the resource name: without scheme */
	struct slice uri;      /* what led to it; empty for the first */
	uint64_t storage_time; /* of what led to it */
};

struct aor {
	struct arena arena;
	const struct wire_env *env;
	struct aor_name names[AOR_NAMES_MAX];
	uint32_t n_names, next;
	struct aor_target
		targets[AOR_TARGETS_MAX]; /* best first, when finished */
	uint32_t n_targets;
	bool cut; /* a limit was reached: there may be more */
};

/* `text`: an AOR with or without "sip:" or "sips:", parameters and escapes, or
 * a GRUU, of which there is nothing to fetch: RFC 7904 s4.1.  ERR_DATA when it
 * is none.  `env` is borrowed. */
enum err aor_init(struct aor *a, struct slice text,
		  const struct wire_env *env) MUST_CHECK;
/* The next name to be fetched; false when all are. */
bool aor_next(struct aor *a, struct slice *name);
/* What was fetched at the name that aor_next() gave last; NULL: nothing is
 * there. Values that do not decode are passed over.  ERR_NOMEM. */
enum err aor_feed(struct aor *a, const struct fetch_ans *ans) MUST_CHECK;
/* Puts the targets in order: the newest first. */
void aor_finish(struct aor *a);
void aor_clear(struct aor *a);

/* The part of a URI that SIP tools take, without parameters and headers. */
struct slice aor_plain_uri(struct slice uri);

#endif
