/* SPDX-License-Identifier: ISC */
#ifndef WIRE_ATTACH_H
#define WIRE_ATTACH_H

#include "wire/wire.h"

/* RFC 6940 s6.3.1.1. */
struct ip_address_port {
	uint8_t type;     /* ADDRESS_*; others are carried */
	uint8_t addr[16]; /* the first 4 for IPv4 */
	uint16_t port;
	struct slice unknown; /* the data of a type that is not ours */
};

/* RFC 6940 s6.5.1.1. */
struct ice_extension {
	struct slice name;
	struct slice value;
};
struct ice_extension_list {
	struct ice_extension *v;
	uint32_t n;
};
struct ice_candidate {
	struct ip_address_port addr_port;
	uint8_t overlay_link; /* OVERLAY_LINK_*; others are carried */
	struct slice foundation;
	uint32_t priority;
	uint8_t type;                         /* CAND_*, no other */
	struct ip_address_port rel_addr_port; /* not for CAND_HOST */
	struct ice_extension_list extensions;
};
struct ice_candidate_list {
	struct ice_candidate *v;
	uint32_t n;
};

/* The body of both AttachReq and AttachAns.  RFC 6940 s6.5.1.1. */
struct attach_req_ans {
	struct slice ufrag;
	struct slice password;
	struct slice role; /* "passive" offers, "active" answers */
	struct ice_candidate_list candidates;
	bool send_update;
};

/* The body of both AppAttachReq and AppAttachAns.  RFC 6940 s6.5.2. */
struct app_attach_req_ans {
	struct slice ufrag;
	struct slice password;
	uint16_t application; /* APPLICATION_* */
	struct slice role;
	struct ice_candidate_list candidates;
};

/* RFC 6940 s6.5.3. */
struct ping_req {
	struct slice padding;
};
struct ping_ans {
	uint64_t response_id; /* random */
	uint64_t time;        /* ms since 1970 UTC */
};

/* The value of TURN-SERVICE.  RFC 6940 s9. */
struct turn_server {
	uint8_t iteration;
	struct ip_address_port server_address;
};

WIRE_CODEC(ip_address_port);
WIRE_CODEC(ice_extension);
WIRE_CODEC(ice_candidate);
WIRE_CODEC(attach_req_ans);
WIRE_CODEC(app_attach_req_ans);
WIRE_CODEC(ping_req);
WIRE_CODEC(ping_ans);
WIRE_CODEC(turn_server);

#endif
