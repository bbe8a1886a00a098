/* SPDX-License-Identifier: ISC */
#ifndef WIRE_MESSAGE_H
#define WIRE_MESSAGE_H

#include "wire/contents.h"
#include "wire/header.h"
#include "wire/security.h"

/* MSG_PROBE_REQ = 1 and so on. */
enum {
#define MESSAGE(name, code, text, body) MSG_##name = code,
#include "wire/tbl/message.def"
#undef MESSAGE
};

/* A request is odd and its answer the next number.  RFC 6940 s6.3.3. */
static inline bool message_is_request(uint16_t code)
{
	return code < 0x8000 && code % 2 == 1;
}

/* "ping_req"; NULL for a code that is not in the table. */
const char *message_name(uint16_t code);
/* The codec of its body; NULL for a code that is not in the table. */
const struct wire_type *message_body_type(uint16_t code);

/* A message or a fragment of one, as it is on a link: what a forwarder needs.
 */
struct packet {
	struct forwarding_header header;
	struct slice payload; /* all that follows the header, or its part */
};

/* A whole message.  RFC 6940 s6.3. */
struct message {
	struct forwarding_header header;
	struct message_contents contents;
	struct security_block security;
	struct slice payload;        /* decoding: all that follows the header */
	struct slice contents_bytes; /* decoding: what message_tbs() wants */
};

/* header.length must be the number of bytes: ERR_SHORT or ERR_TRAILING.
 * Encoding fills it in, whatever it is. */
WIRE_CODEC(packet);
/* As packet; a header.fragment that is not the whole message is ERR_RANGE.  Of
 * `payload` and `contents_bytes` encoding takes no notice. */
WIRE_CODEC(message);

/*
 * The rest of a message whose header is decoded: fills contents, contents_bytes
 * and security from m->payload, which the caller may have reassembled from
 * fragments. Errors as from a decoder.
 */
enum err message_payload_decode(struct message *m, struct arena *a,
				const struct wire_env *env) MUST_CHECK;

/* Appends a message of contents that are encoded (and signed) already;
 * h->length is not read but worked out. */
enum err message_assemble(const struct forwarding_header *h,
			  struct slice contents,
			  const struct security_block *security,
			  struct buf *out,
			  const struct wire_env *env) MUST_CHECK;

/* Appends the bytes that the signature of a message is over, RFC 6940 s6.3.4.
 */
enum err message_tbs(struct buf *out, uint32_t overlay, uint64_t transaction_id,
		     struct slice contents,
		     const struct signer_identity *who) MUST_CHECK;

/* As message_print(), with the body in place of its bytes; what does not decode
 * is printed as bytes.  `a` is for the body. */
enum err message_print_deep(const struct message *m, struct buf *out,
			    struct arena *a,
			    const struct wire_env *env) MUST_CHECK;

#endif
