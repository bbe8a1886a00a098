/* SPDX-License-Identifier: ISC */
/*
 * What peers tell each other about the ring: Join, Leave, Update, RouteQuery,
 * Probe and ConfigUpdate.  The ring itself is core's.  RFC 6940 s6.4.2, s6.5.4,
 * s10.7 to s10.9.
 */
#include "wire/topology.h"

void wire_node_id_list(struct wire *w, const char *name, struct node_id_list *v)
{
	struct node_id *it;

	WIRE_LIST (w, name, 2, *v, it)
		wire_node_id(w, "node_id", it);
}

/* RFC 6940 s6.4.2.1.  CHOICE: the length of the data is there without data too.
 */
void wire_join_req(struct wire *w, struct join_req *v)
{
	wire_node_id(w, "joining_peer_id", &v->joining_peer_id);
	wire_opaque(w, "overlay_specific_data", 2, &v->overlay_specific_data);
}
WIRE_CODEC_DEFINE(join_req);

/* RFC 6940 s6.4.2.1.  CHOICE: as in JoinReq. */
void wire_join_ans(struct wire *w, struct join_ans *v)
{
	wire_opaque(w, "overlay_specific_data", 2, &v->overlay_specific_data);
}
WIRE_CODEC_DEFINE(join_ans);

/* RFC 6940 s6.4.2.2. */
void wire_leave_req(struct wire *w, struct leave_req *v)
{
	wire_node_id(w, "leaving_peer_id", &v->leaving_peer_id);
	wire_opaque(w, "overlay_specific_data", 2, &v->overlay_specific_data);
}
WIRE_CODEC_DEFINE(leave_req);

/* RFC 6940 s10.9. */
void wire_chord_leave_data(struct wire *w, struct chord_leave_data *v)
{
	wire_code8(w, "type", CODE_CHORD_LEAVE, &v->type);
	switch (v->type) {
	case CHORD_LEAVE_FROM_SUCC:
		wire_node_id_list(w, "successors", &v->successors);
		break;
	case CHORD_LEAVE_FROM_PRED:
		wire_node_id_list(w, "predecessors", &v->predecessors);
		break;
	default:
		wire_fail(w, ERR_UNKNOWN_TYPE, "type");
	}
}
WIRE_CODEC_DEFINE(chord_leave_data);

/* RFC 6940 s10.7. */
void wire_chord_update(struct wire *w, struct chord_update *v)
{
	wire_u32(w, "uptime", &v->uptime);
	wire_code8(w, "type", CODE_CHORD_UPDATE, &v->type);
	switch (v->type) {
	case CHORD_UPDATE_PEER_READY:
		break;
	case CHORD_UPDATE_NEIGHBORS:
	case CHORD_UPDATE_FULL:
		wire_node_id_list(w, "predecessors", &v->predecessors);
		wire_node_id_list(w, "successors", &v->successors);
		if (v->type == CHORD_UPDATE_FULL)
			wire_node_id_list(w, "fingers", &v->fingers);
		break;
	default:
		wire_fail(w, ERR_UNKNOWN_TYPE, "type");
	}
}
WIRE_CODEC_DEFINE(chord_update);

/* RFC 6940 s6.4.2.4.1. */
void wire_route_query_req(struct wire *w, struct route_query_req *v)
{
	wire_bool(w, "send_update", &v->send_update);
	wire_enter(w, "destination");
	wire_destination(w, &v->destination);
	wire_leave(w);
	wire_opaque(w, "overlay_specific_data", 2, &v->overlay_specific_data);
}
WIRE_CODEC_DEFINE(route_query_req);

/* RFC 6940 s10.8. */
void wire_chord_route_query_ans(struct wire *w, struct chord_route_query_ans *v)
{
	wire_node_id(w, "next_peer", &v->next_peer);
}
WIRE_CODEC_DEFINE(chord_route_query_ans);

/* RFC 6940 s6.4.2.5.1. */
void wire_probe_req(struct wire *w, struct probe_req *v)
{
	wire_opaque(w, "requested_info", 1, &v->requested_info);
}
WIRE_CODEC_DEFINE(probe_req);

/* RFC 6940 s6.4.2.5.2. */
void wire_probe_information(struct wire *w, struct probe_information *v)
{
	wire_code8(w, "type", CODE_PROBE, &v->type);
	wire_open(w, "value", 1);
	switch (v->type) {
	case PROBE_RESPONSIBLE_SET:
		wire_u32(w, "responsible_ppb", &v->value);
		break;
	case PROBE_NUM_RESOURCES:
		wire_u32(w, "num_resources", &v->value);
		break;
	case PROBE_UPTIME:
		wire_u32(w, "uptime", &v->value);
		break;
	default: /* this type may be extended */
		wire_rest(w, "unknown", &v->unknown);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(probe_information);

/* RFC 6940 s6.4.2.5.2. */
void wire_probe_ans(struct wire *w, struct probe_ans *v)
{
	struct probe_information *it;

	WIRE_LIST (w, "probe_info", 2, v->probe_info, it)
		wire_probe_information(w, it);
}
WIRE_CODEC_DEFINE(probe_ans);

/* RFC 6940 s6.5.4.1.  CHOICE: both lengths, that of 32 bits and that of the
 * 24-bit vector inside. */
void wire_config_update_req(struct wire *w, struct config_update_req *v)
{
	struct slice *it;

	wire_code8(w, "type", CODE_CONFIG_UPDATE, &v->type);
	wire_open(w, "data", 4);
	switch (v->type) {
	case CONFIG_UPDATE_CONFIG:
		wire_opaque(w, "config_data", 3, &v->config_data);
		break;
	case CONFIG_UPDATE_KIND:
		WIRE_LIST (w, "kinds", 3, v->kinds, it)
			wire_opaque(w, "kind", 2, it);
		break;
	default: /* this structure may be extended */
		wire_rest(w, "unknown", &v->unknown);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(config_update_req);
