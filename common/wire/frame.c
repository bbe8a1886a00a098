/* SPDX-License-Identifier: ISC */
/*
 * What wraps a message on one link, and where it ends in a stream.  Sequences,
 * acks and retransmission are core's.  RFC 6940 s6.6.2.
 */
#include "wire/frame.h"

/* RFC 6940 s6.6.2. */
void wire_framed_message(struct wire *w, struct framed_message *v)
{
	wire_code8(w, "type", CODE_FRAME, &v->type);
	switch (v->type) {
	case FRAME_DATA:
		wire_u32(w, "sequence", &v->sequence);
		wire_opaque(w, "message", 3, &v->message);
		break;
	case FRAME_ACK:
		wire_u32(w, "ack_sequence", &v->ack_sequence);
		wire_u32(w, "received", &v->received);
		break;
	default:
		wire_fail(w, ERR_RANGE, "type");
	}
}
WIRE_CODEC_DEFINE(framed_message);

enum err frame_length(struct slice in, size_t max, size_t *len)
{
	size_t n;

	*len = 0;
	if (in.len == 0)
		return OK;
	if (in.p[0] == FRAME_ACK) {
		*len = FRAME_ACK_LEN;
		return OK;
	}
	if (in.p[0] != FRAME_DATA)
		return ERR_RANGE;
	if (in.len < FRAME_DATA_HEAD)
		return OK;
	n = (size_t)in.p[5] << 16 | (size_t)in.p[6] << 8 | in.p[7];
	if (n > max)
		return ERR_LIMIT;
	*len = FRAME_DATA_HEAD + n;
	return OK;
}
