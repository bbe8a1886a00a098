/* SPDX-License-Identifier: ISC */
#ifndef SIP_PEERADDR_H
#define SIP_PEERADDR_H

#include "core/limits.h"
#include "net/driver.h"
#include "net/tls.h"

/* Where a peer accepts connections for SIP from other peers, as they are told:
 * RFC 6940 s6.5.2. */
struct peeraddr {
	struct link_address v[CANDIDATES_MAX];
	size_t n;
};

/* Listens on each address that the driver listens on, at a port of its own; a
 * wildcard is told as each address that it is.  The errors of tls_listen(). */
enum err peeraddr_listen(struct peeraddr *a, struct tls *tls,
			 const struct driver *driver,
			 struct why *why) MUST_CHECK;
bool peeraddr_has(const struct peeraddr *a, const struct ip_address_port *x);

#endif
