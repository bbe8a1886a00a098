/* SPDX-License-Identifier: ISC */
#ifndef SIP_FLOW_H
#define SIP_FLOW_H

#include "wire/attach.h"

/* Where a message came from, and so how its sender is reached: RFC 5626 s3. */
struct flow {
	uint32_t socket; /* of sipnet.c, on which it came */
	uint32_t conn;   /* the connection; 0: a datagram */
	struct ip_address_port peer;
};

#endif
