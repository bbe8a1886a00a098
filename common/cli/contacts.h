/* SPDX-License-Identifier: ISC */
#ifndef CLI_CONTACTS_H
#define CLI_CONTACTS_H

#include "cli/out.h"
#include "cli/session.h"

struct contacts_opts {
	bool routes;    /* destination lists, not contacts */
	bool best;      /* only the first */
	bool connect;   /* to the first route: who answers, and from where */
	bool whole_uri; /* with parameters and headers */
};

/* Resolves the address `text` and prints a line for each contact or route, the
 * best first.  ERR_NOT_FOUND, ERR_DATA, and what a Fetch can end with, with
 * words. */
enum err contacts_print(struct session *s, struct out *o, const char *text,
			const struct contacts_opts *opts,
			struct why *why) MUST_CHECK;

#endif
