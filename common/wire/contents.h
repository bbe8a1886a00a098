/* SPDX-License-Identifier: ISC */
#ifndef WIRE_CONTENTS_H
#define WIRE_CONTENTS_H

#include "wire/wire.h"

/* RFC 6940 s6.3.3. */
struct message_extension {
	uint16_t type;
	bool critical; /* whoever does not know it must refuse the request */
	struct slice extension_contents;
};
struct message_extension_list {
	struct message_extension *v;
	uint32_t n;
};

/* What is said, between the header and the signature.  RFC 6940 s6.3.3. */
struct message_contents {
	uint16_t message_code; /* MSG_*, see wire/message.h */
	struct slice
		message_body; /* a struct of its own: message_body_type() */
	struct message_extension_list extensions;
};

/* The body of a failed request's answer.  RFC 6940 s6.3.3.1. */
struct error_response {
	uint16_t error_code; /* err_code(), err_from_code() */
	struct slice
		error_info; /* UTF-8 text, or for Generation_Counter_Too_Low
			       a StoreAns, for Unknown_Kind unknown_kinds */
};

/* KindId<0..2^8-1>. */
struct kind_id_list {
	uint32_t *v;
	uint32_t n;
};

/* The error_info of Error_Unknown_Kind.  RFC 6940 s7.4.1.2. */
struct unknown_kinds {
	struct kind_id_list unknown_kinds;
};

WIRE_CODEC(message_extension);
WIRE_CODEC(message_contents);
WIRE_CODEC(error_response);
WIRE_CODEC(unknown_kinds);

/* A list of Kind-IDs behind a length of one byte. */
void wire_kind_id_list(struct wire *w, const char *name,
		       struct kind_id_list *v);

/* A body without fields: UpdateAns, LeaveAns, ConfigUpdateAns. */
struct empty {
	uint8_t nothing; /* C wants a member */
};
WIRE_CODEC(empty);

#endif
