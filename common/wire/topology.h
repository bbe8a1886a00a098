/* SPDX-License-Identifier: ISC */
#ifndef WIRE_TOPOLOGY_H
#define WIRE_TOPOLOGY_H

#include "wire/header.h"

struct node_id_list {
	struct node_id *v;
	uint32_t n;
};
/* Node-IDs behind a length of two bytes. */
void wire_node_id_list(struct wire *w, const char *name,
		       struct node_id_list *v);

/* RFC 6940 s6.4.2.1. */
struct join_req {
	struct node_id joining_peer_id;
	struct slice overlay_specific_data;
};
struct join_ans {
	struct slice overlay_specific_data;
};

/* RFC 6940 s6.4.2.2. */
struct leave_req {
	struct node_id leaving_peer_id;
	struct slice overlay_specific_data; /* a ChordLeaveData */
};
/* RFC 6940 s10.9. */
struct chord_leave_data {
	uint8_t type;                     /* CHORD_LEAVE_*, no other */
	struct node_id_list successors;   /* CHORD_LEAVE_FROM_SUCC */
	struct node_id_list predecessors; /* CHORD_LEAVE_FROM_PRED */
};

/* The body of UpdateReq.  RFC 6940 s10.7. */
struct chord_update {
	uint32_t uptime;                  /* s */
	uint8_t type;                     /* CHORD_UPDATE_*, no other */
	struct node_id_list predecessors; /* not in PEER_READY */
	struct node_id_list successors;   /* not in PEER_READY */
	struct node_id_list fingers;      /* only in FULL */
};

/* RFC 6940 s6.4.2.4. */
struct route_query_req {
	bool send_update;
	struct destination destination;
	struct slice overlay_specific_data;
};
/* The body of RouteQueryAns.  RFC 6940 s10.8. */
struct chord_route_query_ans {
	struct node_id next_peer;
};

/* RFC 6940 s6.4.2.5. */
struct probe_req {
	struct slice requested_info; /* PROBE_*, one byte each */
};
struct probe_information {
	uint8_t type;         /* PROBE_*; others are carried */
	uint32_t value;       /* parts per billion, resources, seconds */
	struct slice unknown; /* the data of a type that is not ours */
};
struct probe_information_list {
	struct probe_information *v;
	uint32_t n;
};
struct probe_ans {
	struct probe_information_list probe_info;
};

/* KindDescription: a kind-block production. */
struct slice_list {
	struct slice *v;
	uint32_t n;
};
/* RFC 6940 s6.5.4. */
struct config_update_req {
	uint8_t type;             /* CONFIG_UPDATE_*; others are carried */
	struct slice config_data; /* CONFIG_UPDATE_CONFIG: a document */
	struct slice_list kinds;  /* CONFIG_UPDATE_KIND: kind-blocks */
	struct slice unknown;     /* the data of a type that is not ours */
};

WIRE_CODEC(join_req);
WIRE_CODEC(join_ans);
WIRE_CODEC(leave_req);
WIRE_CODEC(chord_leave_data);
WIRE_CODEC(chord_update);
WIRE_CODEC(route_query_req);
WIRE_CODEC(chord_route_query_ans);
WIRE_CODEC(probe_req);
WIRE_CODEC(probe_information);
WIRE_CODEC(probe_ans);
WIRE_CODEC(config_update_req);

#endif
