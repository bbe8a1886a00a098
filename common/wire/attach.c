/* SPDX-License-Identifier: ISC */
/*
 * Addresses, ICE candidates and what carries them, and Ping.  Which candidates
 * are good is decided in core.  RFC 6940 s6.3.1.1, s6.5, s9.
 */
#include "wire/attach.h"

/* RFC 6940 s6.3.1.1. */
void wire_ip_address_port(struct wire *w, struct ip_address_port *v)
{
	wire_code8(w, "type", CODE_ADDRESS, &v->type);
	wire_open(w, "addr_port", 1);
	switch (v->type) {
	case ADDRESS_IPV4:
		wire_fixed(w, "addr", v->addr, 4);
		wire_u16(w, "port", &v->port);
		break;
	case ADDRESS_IPV6:
		wire_fixed(w, "addr", v->addr, 16);
		wire_u16(w, "port", &v->port);
		break;
	default: /* this structure may be extended */
		wire_rest(w, "unknown", &v->unknown);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(ip_address_port);

/* RFC 6940 s6.5.1.1. */
void wire_ice_extension(struct wire *w, struct ice_extension *v)
{
	wire_opaque(w, "name", 2, &v->name);
	wire_opaque(w, "value", 2, &v->value);
}
WIRE_CODEC_DEFINE(ice_extension);

/* RFC 6940 s6.5.1.1.  CHOICE: prflx, reserved there but named in its text, is
 * carried with its related address. */
void wire_ice_candidate(struct wire *w, struct ice_candidate *v)
{
	struct ice_extension *it;

	wire_enter(w, "addr_port");
	wire_ip_address_port(w, &v->addr_port);
	wire_leave(w);
	wire_code8(w, "overlay_link", CODE_OVERLAY_LINK, &v->overlay_link);
	wire_opaque(w, "foundation", 1, &v->foundation);
	wire_u32(w, "priority", &v->priority);
	wire_code8(w, "type", CODE_CAND, &v->type);
	switch (v->type) {
	case CAND_HOST:
		break;
	case CAND_SRFLX:
	case CAND_PRFLX:
	case CAND_RELAY:
		wire_enter(w, "rel_addr_port");
		wire_ip_address_port(w, &v->rel_addr_port);
		wire_leave(w);
		break;
	default: /* nobody could tell where it ends */
		wire_fail(w, ERR_UNKNOWN_TYPE, "type");
	}
	WIRE_LIST (w, "extensions", 2, v->extensions, it)
		wire_ice_extension(w, it);
}
WIRE_CODEC_DEFINE(ice_candidate);

static void candidates(struct wire *w, struct ice_candidate_list *v)
{
	struct ice_candidate *it;

	WIRE_LIST (w, "candidates", 2, *v, it)
		wire_ice_candidate(w, it);
}

/* RFC 6940 s6.5.1.1. */
void wire_attach_req_ans(struct wire *w, struct attach_req_ans *v)
{
	wire_opaque(w, "ufrag", 1, &v->ufrag);
	wire_opaque(w, "password", 1, &v->password);
	wire_opaque(w, "role", 1, &v->role);
	candidates(w, &v->candidates);
	wire_bool(w, "send_update", &v->send_update);
}
WIRE_CODEC_DEFINE(attach_req_ans);

/* RFC 6940 s6.5.2.1, s6.5.2.2. */
void wire_app_attach_req_ans(struct wire *w, struct app_attach_req_ans *v)
{
	wire_opaque(w, "ufrag", 1, &v->ufrag);
	wire_opaque(w, "password", 1, &v->password);
	wire_u16(w, "application", &v->application);
	wire_opaque(w, "role", 1, &v->role);
	candidates(w, &v->candidates);
}
WIRE_CODEC_DEFINE(app_attach_req_ans);

/* RFC 6940 s6.5.3.1. */
void wire_ping_req(struct wire *w, struct ping_req *v)
{
	wire_opaque(w, "padding", 2, &v->padding);
}
WIRE_CODEC_DEFINE(ping_req);

/* RFC 6940 s6.5.3.2. */
void wire_ping_ans(struct wire *w, struct ping_ans *v)
{
	wire_u64(w, "response_id", &v->response_id);
	wire_u64(w, "time", &v->time);
}
WIRE_CODEC_DEFINE(ping_ans);

/* RFC 6940 s9. */
void wire_turn_server(struct wire *w, struct turn_server *v)
{
	wire_u8(w, "iteration", &v->iteration);
	wire_enter(w, "server_address");
	wire_ip_address_port(w, &v->server_address);
	wire_leave(w);
}
WIRE_CODEC_DEFINE(turn_server);
