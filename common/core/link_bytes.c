/* SPDX-License-Identifier: ISC */
/*
 * Owns: the bytes that come over a link, as frames: what is acknowledged, what
 * came twice, what is too large.  RFC 6940 s6.6, s6.6.2.  Does not own: what
 * an ACK changes (link.c, sr.c), the messages in frames (route.c).
 */
#include "core/link.h"
#include "core/state.h"
#include "wire/frame.h"

/* CHOICE: bit N-M-1 stands for the earlier frame M: all 32 fit. */
static uint32_t received_mask(const struct link *l, uint32_t sequence)
{
	uint32_t mask = 0, distance;

	for (uint32_t i = 0; i < l->n_received; i++) {
		distance = sequence - l->received[i];
		if (distance >= 1 && distance <= 32)
			mask |= UINT32_C(1) << (distance - 1);
	}
	return mask;
}

static bool has_received(const struct link *l, uint32_t sequence)
{
	for (uint32_t i = 0; i < l->n_received; i++)
		if (l->received[i] == sequence)
			return true;
	return false;
}

static void note_received(struct link *l, uint32_t sequence)
{
	const uint32_t room = sizeof(l->received) / sizeof(l->received[0]);

	l->received[l->received_next] = sequence;
	l->received_next = (l->received_next + 1) % room;
	if (l->n_received < room)
		l->n_received++;
}

static void acknowledge(struct node *n, struct link *l, uint32_t sequence)
{
	struct framed_message f = { .type = FRAME_ACK,
				    .ack_sequence = sequence,
				    .received = received_mask(l, sequence) };
	struct slice bytes;

	if (node_failed(n, node_encode(n, &wire_type_framed_message, &f,
				       &bytes)) == OK)
		node_failed(n, link_emit(n, l, bytes));
}

/* What no node of this protocol sends. */
static void misused(struct node *n, struct link *l, enum err r)
{
	tally_count(n, r);
	link_close(n, l, r);
}

static void frame(struct node *n, struct link *l, struct slice bytes)
{
	struct framed_message f;
	struct arena a = ARENA_INIT(0);
	bool again;

	if (framed_message_decode(&f, bytes, &a, &n->env) != OK) {
		misused(n, l, ERR_MALFORMED);
		return;
	}
	if (f.type == FRAME_ACK) {
		link_acked(n, l, &f);
		return;
	}
	acknowledge(n, l, f.sequence);
	/* A record that came twice: both were acknowledged, one counts. */
	again = l->datagram && has_received(l, f.sequence);
	if (!again)
		note_received(l, f.sequence);
	link_heard(n, l);
	if (!l->closed && !again)
		route_receive(n, l, f.message);
}

/*
 * A message larger than the overlay allows was announced: the sender of a
 * request is told, the link closed, s6.6.  That needs the header; when the
 * header alone is too large, nobody is told.  False: too little has come yet.
 */
static bool refuse_large(struct node *n, struct link *l, struct slice in)
{
	const uint8_t *h = in.p + FRAME_DATA_HEAD;
	size_t len = HEADER_MIN, have;
	struct packet p = { 0 };

	if (in.len < FRAME_DATA_HEAD)
		return false;
	have = in.len - FRAME_DATA_HEAD;
	if (have < HEADER_MIN)
		return false;
	for (unsigned i = 32; i < HEADER_MIN; i += 2)
		len += (size_t)h[i] << 8 | h[i + 1];
	if (len <= n->overlay->max_message_size) {
		if (have < len + 2) /* the method's code */
			return false;
		if (forwarding_header_decode(&p.header, slice_of(h, len),
					     &n->arena, &n->env) == OK) {
			p.payload = slice_of(h + len, 2);
			reply_error(n, l, &p, ERR_MESSAGE_TOO_LARGE,
				    "larger than max-message-size");
		}
	}
	misused(n, l, ERR_MESSAGE_TOO_LARGE);
	return true;
}

/* Handles the frame at the start of `in`; 0 when it is not whole. */
static size_t take_frame(struct node *n, struct link *l, struct slice in)
{
	size_t len;

	switch (frame_length(in, n->overlay->max_message_size, &len)) {
	case OK:
		break;
	case ERR_LIMIT:
		(void)refuse_large(n, l, in); /* or waits for its header */
		return 0;
	default:
		misused(n, l, ERR_MALFORMED);
		return 0;
	}
	if (len == 0 || in.len < len)
		return 0;
	frame(n, l, slice_sub(in, 0, len));
	return len;
}

/* A record: one frame, whole. */
static void record(struct node *n, struct link *l, struct slice in)
{
	size_t len = take_frame(n, l, in);

	if (len != in.len && !l->closed)
		misused(n, l, ERR_MALFORMED);
}

static void stream(struct node *n, struct link *l, struct slice in)
{
	size_t len, used = 0;
	bool buffered;

	if ((buffered = l->in.len > 0)) {
		if (node_failed(n, buf_append_slice(&l->in, in)) != OK)
			return;
		in = buf_slice(&l->in);
	}
	while (used < in.len &&
	       (len = take_frame(n, l, slice_sub(in, used, in.len - used))) !=
		       0) {
		used += len;
		if (l->closed)
			return;
	}
	if (l->closed)
		return;
	if (buffered) {
		buf_consume(&l->in, used);
		if (l->in.len == 0)
			buf_clear(&l->in);
		return;
	}
	if (used < in.len) /* an idle link has no buffer */
		node_failed(n,
			    buf_append_slice(&l->in, slice_sub(in, used,
							       in.len - used)));
}

void link_bytes(struct node *n, const struct event *ev)
{
	struct link *l = link_by_number(n, ev->link);

	if (l == NULL)
		return;
	if (l->datagram)
		record(n, l, ev->bytes);
	else
		stream(n, l, ev->bytes);
}
