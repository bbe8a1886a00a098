/* SPDX-License-Identifier: ISC */
#ifndef WIRE_HEADER_H
#define WIRE_HEADER_H

#include "wire/wire.h"

#define RELO_TOKEN      UINT32_C(0xd2454c4f)
#define FRAGMENT_MARK   UINT32_C(0x80000000) /* always set */
#define FRAGMENT_LAST   UINT32_C(0x40000000) /* the last or only fragment */
#define FRAGMENT_OFFSET UINT32_C(0x00ffffff) /* bytes; CHOICE: 24 bits */
#define FRAGMENT_WHOLE  (FRAGMENT_MARK | FRAGMENT_LAST)

enum {
	RELOAD_VERSION = 10, /* 1.0, times 10 */
	HEADER_MIN = 38      /* bytes of a header with empty lists */
};

/* Where a message goes next or came from.  RFC 6940 s6.3.2.2. */
struct destination {
	uint8_t type;           /* DESTINATION_*; 4 to 127 are carried */
	bool compact;           /* an opaque ID in two bytes; `id` holds both */
	struct node_id node_id; /* DESTINATION_NODE */
	struct slice id; /* the resource_id, the opaque_id, or data unknown */
};
struct destination_list {
	struct destination *v;
	uint32_t n;
};

/* RFC 6940 s6.3.2.3. */
enum {
	FORWARD_CRITICAL = 0x01,
	DESTINATION_CRITICAL = 0x02,
	RESPONSE_COPY = 0x04
};
struct forwarding_option {
	uint8_t type;
	uint8_t flags;
	struct slice option;
};
struct forwarding_option_list {
	struct forwarding_option *v;
	uint32_t n;
};

/* What a node on the way reads of a message.  RFC 6940 s6.3.2.  Another token
 * or version, a fragment without its mark, and a resource elsewhere than at the
 * end of the Destination List are ERR_RANGE. */
struct forwarding_header {
	uint32_t overlay; /* last 4 bytes of the SHA-1 of its name */
	uint16_t configuration_sequence;
	uint8_t version; /* RELOAD_VERSION */
	uint8_t ttl;
	uint32_t fragment; /* FRAGMENT_* */
	uint32_t length;   /* bytes, of header and payload */
	uint64_t transaction_id;
	uint32_t max_response_length; /* bytes, 0: any */
	struct destination_list via_list;
	struct destination_list destination_list;
	struct forwarding_option_list options;
};

WIRE_CODEC(destination);
WIRE_CODEC(forwarding_option);
WIRE_CODEC(forwarding_header);

/* Destinations behind a length that wire_len() handled; a resource that is not
 * the last is ERR_RANGE. */
void wire_destination_list(struct wire *w, const char *name,
			   const struct wire_len *len,
			   struct destination_list *v);

/* Same type and same data, however it is written. */
bool destination_eq(const struct destination *a, const struct destination *b);

static inline struct destination destination_node(const struct node_id *id)
{
	return (struct destination){ .type = DESTINATION_NODE, .node_id = *id };
}

/* Borrows the Resource-ID. */
static inline struct destination destination_resource(struct slice id)
{
	return (struct destination){ .type = DESTINATION_RESOURCE, .id = id };
}

#endif
