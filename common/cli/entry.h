/* SPDX-License-Identifier: ISC */
#ifndef CLI_ENTRY_H
#define CLI_ENTRY_H

#include "cli/opt.h"
#include "conf/home.h"

/* Where a node enters its overlay, RFC 6940 s11.4. */

enum { ENTRY_MAX = 64 };

struct entry {
	struct ip_address_port v[ENTRY_MAX];
	size_t n;
};

/*
 * The addresses of -b (names are looked up); without -b the peers that this
 * home was linked to, then the document's bootstrap nodes.  ERR_USAGE, with
 * words; so ERR_DNS, where until `end_us` (monotonic) not one name was found.
 */
enum err entry_find(struct entry *e, const struct home *h,
		    const struct overlay *o, uint64_t end_us,
		    struct why *why) MUST_CHECK;

#endif
