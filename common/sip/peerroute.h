/* SPDX-License-Identifier: ISC */
#ifndef SIP_PEERROUTE_H
#define SIP_PEERROUTE_H

#include "base/arena.h"
#include "wire/header.h"

/* How a peer wants to be asked: for one application first, or for no other. */
enum peerroute_scheme {
	PEERROUTE_SIP_FIRST,
	PEERROUTE_SIPS_FIRST,
	PEERROUTE_SIPS_ONLY
};

/* How the overlay leads to a peer, and what it is asked for: RFC 7904 s5.1.
 * `{ 0 }` knows nothing yet. */
struct peerroute {
	struct arena arena;
	struct destination_list list;
	enum peerroute_scheme scheme;
	uint16_t application; /* asked for now */
	bool asked_both;
};

/* A copy.  For lack of memory it is as if nothing were known. */
void peerroute_set(struct peerroute *r, const struct destination_list *list,
		   enum peerroute_scheme scheme);
/* Begins: the application that is asked for first; a route that is not known is
 * the Node-ID alone.  ERR_NOMEM. */
enum err peerroute_begin(struct peerroute *r,
			 const struct node_id *node) MUST_CHECK;
/* The first is not served there: is there another one to be asked for? */
bool peerroute_other(struct peerroute *r);
void peerroute_clear(struct peerroute *r);

#endif
