/* SPDX-License-Identifier: ISC */
/*
 * The forwarding header: destinations, options, and the header itself.  What to
 * do with TTL, lists and options is decided in core.  RFC 6940 s6.3.2.
 */
#include "wire/header.h"

/*
 * RFC 6940 s6.3.2.2.  CHOICE: a Resource-ID and an opaque ID have two lengths,
 * that of the destination_data and their own.  CHOICE: the opaque ID of two
 * bytes is accepted, and stays in this form; whoever makes one decides.
 */
void wire_destination(struct wire *w, struct destination *v)
{
	if (w->op == WIRE_DECODE)
		v->compact = (wire_peek(w) & 0x80) != 0;
	if (v->compact) {
		if (w->op == WIRE_DECODE)
			v->type = DESTINATION_OPAQUE_ID;
		if (w->op == WIRE_PRINT)
			wire_code8(w, "type", CODE_DESTINATION, &v->type);
		wire_bytes(w, "opaque_id", 2, &v->id);
		if (v->id.len == 2 && (v->id.p[0] & 0x80) == 0)
			wire_fail(w, ERR_RANGE, "opaque_id");
		return;
	}
	wire_code8(w, "type", CODE_DESTINATION, &v->type);
	if ((v->type & 0x80) != 0)
		wire_fail(w, ERR_RANGE, "type");
	wire_open(w, "destination_data", 1);
	switch (v->type) {
	case DESTINATION_NODE:
		wire_node_id(w, "node_id", &v->node_id);
		break;
	case DESTINATION_RESOURCE:
		wire_opaque(w, "resource_id", 1, &v->id);
		break;
	case DESTINATION_OPAQUE_ID:
		wire_opaque(w, "opaque_id", 1, &v->id);
		break;
	default: /* this structure may be extended */
		wire_rest(w, "unknown", &v->id);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(destination);

void wire_destination_list(struct wire *w, const char *name,
			   const struct wire_len *len,
			   struct destination_list *v)
{
	bool resource = false;
	struct destination *it;

	WIRE_LIST_LEN(w, name, len, *v, it)
	{
		if (resource)
			wire_fail(w, ERR_RANGE, "type");
		wire_destination(w, it);
		resource = it->type == DESTINATION_RESOURCE;
	}
}

/* Where a message has been: no resource.  RFC 6940 s6.3.2.2. */
static void via_list(struct wire *w, const struct wire_len *len,
		     struct destination_list *v)
{
	struct destination *it;

	WIRE_LIST_LEN(w, "via_list", len, *v, it)
	{
		wire_destination(w, it);
		if (it->type == DESTINATION_RESOURCE)
			wire_fail(w, ERR_RANGE, "type");
	}
}

/* RFC 6940 s6.3.2.3. */
void wire_forwarding_option(struct wire *w, struct forwarding_option *v)
{
	wire_code8(w, "type", CODE_FORWARDING_OPTION, &v->type);
	wire_u8(w, "flags", &v->flags);
	wire_opaque(w, "option", 2, &v->option);
}
WIRE_CODEC_DEFINE(forwarding_option);

/* RFC 6940 s6.3.2. */
void wire_forwarding_header(struct wire *w, struct forwarding_header *v)
{
	struct wire_len via, destination, options;
	struct forwarding_option *it;

	wire_const32(w, "relo_token", RELO_TOKEN);
	wire_u32(w, "overlay", &v->overlay);
	wire_u16(w, "configuration_sequence", &v->configuration_sequence);
	wire_u8(w, "version", &v->version);
	if (v->version != RELOAD_VERSION)
		wire_fail(w, ERR_RANGE, "version");
	wire_u8(w, "ttl", &v->ttl);
	wire_u32(w, "fragment", &v->fragment);
	if ((v->fragment & FRAGMENT_MARK) == 0)
		wire_fail(w, ERR_RANGE, "fragment");
	wire_u32(w, "length", &v->length);
	wire_u64(w, "transaction_id", &v->transaction_id);
	wire_u32(w, "max_response_length", &v->max_response_length);
	wire_len(w, "via_list_length", 2, &via);
	wire_len(w, "destination_list_length", 2, &destination);
	wire_len(w, "options_length", 2, &options);
	via_list(w, &via, &v->via_list);
	wire_destination_list(w, "destination_list", &destination,
			      &v->destination_list);
	WIRE_LIST_LEN(w, "options", &options, v->options, it)
	wire_forwarding_option(w, it);
}
WIRE_CODEC_DEFINE(forwarding_header);

bool destination_eq(const struct destination *a, const struct destination *b)
{
	if (a->type != b->type)
		return false;
	return a->type == DESTINATION_NODE ? id_eq(&a->node_id, &b->node_id)
					   : slice_eq(a->id, b->id);
}
