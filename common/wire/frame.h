/* SPDX-License-Identifier: ISC */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include "wire/wire.h"

enum {
	FRAME_DATA_HEAD = 8, /* bytes of a data frame before its message */
	FRAME_ACK_LEN = 9    /* bytes of an ack frame */
};

/* What is sent on a link.  RFC 6940 s6.6.2. */
struct framed_message {
	uint8_t type; /* FRAME_*, no other */
	uint32_t sequence;
	struct slice message;
	uint32_t ack_sequence;
	uint32_t received; /* CHOICE: bit N-M-1 for the earlier frame M */
};

WIRE_CODEC(framed_message);

/*
 * How long the frame is that begins `in`, in bytes; `*len` is 0 while too
 * little has come to tell.  ERR_RANGE for another type, ERR_LIMIT for a message
 * of more than `max` bytes.
 */
enum err frame_length(struct slice in, size_t max, size_t *len) MUST_CHECK;

#endif
