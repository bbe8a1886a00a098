/* SPDX-License-Identifier: ISC */
#ifndef SIP_FLOW_H
#define SIP_FLOW_H

#include "base/id.h"
#include "wire/attach.h"

/* Where a message came from, and so how its sender is reached: RFC 5626 s3. A
 * peer of the ring is reached by its Node-ID, and a server by its address,
 * whatever becomes of connections. */
struct flow {
	uint32_t socket; /* of sipnet.c, on which it came */
	uint32_t conn;   /* the connection; 0: a datagram, or a server */
	struct ip_address_port peer;
	bool is_server; /* by a connection of ours to `peer` */
	uint32_t name;  /* and whom that speaks for, by servername.c; 0: TCP */
	bool may_grow;  /* a server by UDP: what is large goes there by TCP */
	bool is_peer;   /* of peerlink.c: `node`; the rest tells only of now */
	struct node_id node;
};

/* Does nothing get lost, or come twice? */
static inline bool flow_is_reliable(const struct flow *f)
{
	return f->is_peer || f->is_server || f->conn != 0;
}

#endif
