/* SPDX-License-Identifier: ISC */
#ifndef SIP_CARRIER_H
#define SIP_CARRIER_H

#include "sip/peerlink.h"
#include "sip/proxy.h"
#include "sip/sipnet.h"

/* All that SIP travels on: sockets for phones, connections between peers. */
struct carrier {
	struct sipnet *net;
	struct peerlink *peers;
};

/* Along a flow, whatever it is. */
void carrier_send(const struct carrier *c, const struct flow *to,
		  struct slice bytes);
/* Our end of it, as proxy_config's local. */
bool carrier_local(const struct carrier *c, const struct flow *f,
		   struct proxy_local *out);
/* The same next hop by TCP, as proxy_config's large. */
bool carrier_large(const struct carrier *c, const struct flow *f,
		   struct flow *out);
/* Does the host and port of a URI, or Via, lead here? */
bool carrier_is_ours(const struct carrier *c, struct slice host, uint16_t port);

#endif
