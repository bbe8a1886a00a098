/* SPDX-License-Identifier: ISC */
/*
 * The part of a message between header and signature, and the answer of a
 * request that failed.  What a message code means is in message.c.  RFC 6940
 * s6.3.3.
 */
#include "wire/contents.h"

/* RFC 6940 s6.3.3. */
void wire_message_extension(struct wire *w, struct message_extension *v)
{
	wire_code16(w, "type", CODE_MESSAGE_EXTENSION, &v->type);
	wire_bool(w, "critical", &v->critical);
	wire_opaque(w, "extension_contents", 4, &v->extension_contents);
}
WIRE_CODEC_DEFINE(message_extension);

/* RFC 6940 s6.3.3. */
void wire_message_contents(struct wire *w, struct message_contents *v)
{
	struct message_extension *it;

	wire_code16(w, "message_code", CODE_MESSAGE, &v->message_code);
	wire_opaque(w, "message_body", 4, &v->message_body);
	WIRE_LIST (w, "extensions", 4, v->extensions, it)
		wire_message_extension(w, it);
}
WIRE_CODEC_DEFINE(message_contents);

/* RFC 6940 s6.3.3.1. */
void wire_error_response(struct wire *w, struct error_response *v)
{
	wire_code16(w, "error_code", CODE_ERROR, &v->error_code);
	wire_opaque(w, "error_info", 2, &v->error_info);
}
WIRE_CODEC_DEFINE(error_response);

void wire_kind_id_list(struct wire *w, const char *name, struct kind_id_list *v)
{
	uint32_t *it;

	WIRE_LIST (w, name, 1, *v, it)
		wire_u32(w, "kind", it);
}

/* RFC 6940 s7.4.1.2. */
void wire_unknown_kinds(struct wire *w, struct unknown_kinds *v)
{
	wire_kind_id_list(w, "unknown_kinds", &v->unknown_kinds);
}
WIRE_CODEC_DEFINE(unknown_kinds);

/* CHOICE: UpdateAns and LeaveAns have no body, as ConfigUpdateAns. */
void wire_empty(struct wire *w, struct empty *v)
{
	(void)w;
	(void)v;
}
WIRE_CODEC_DEFINE(empty);
