/* SPDX-License-Identifier: ISC */
#ifndef CLI_WRITE_H
#define CLI_WRITE_H

#include "cli/session.h"

/* What put and del share: one value, at one place, stored and perhaps verified.
 */

struct write {
	struct session *session;
	struct target target;
	const char *name; /* RESOURCE, or NULL */
	struct store_item item;
	struct node_id_list replicas; /* who answered with a copy, in `arena` */
	uint64_t generation;          /* the new one */
	struct arena arena;
};

enum { WRITE_LIFETIME_S = 86400 };

/* Connects and finds the place.  Fails with words. */
enum err write_open(struct write *w, const struct target_opts *names,
		    const char *name, struct why *why) MUST_CHECK;
/* Signs and stores w->item there.  Its kind, index and key are filled in, and
 * its lifetime does not pass the certificate's end.  Fails with words. */
enum err write_store(struct write *w, struct why *why) MUST_CHECK;
/* Asks each replica with Stat whether it has the value of w->item; at least two
 * must.  ERR_TIMEOUT with words. */
enum err write_verify(struct write *w, struct why *why) MUST_CHECK;
/* One JSON object, or under -v a line on stderr, about what was stored. */
enum err write_report(struct write *w, struct why *why) MUST_CHECK;
void write_close(struct write *w);

#endif
