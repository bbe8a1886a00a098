/* SPDX-License-Identifier: ISC */
/* Flows as text that only we can have written: RFC 5626 s5.2. */
#include "sip/flowtoken.h"

#include "base/buf.h"
#include "base/text.h"

enum { FLOW_LEN = 28, FLOW_DIGITS = 2 * FLOW_LEN, PROOF_DIGITS = 32 };

static enum err proof(const uint8_t secret[static FLOWTOKEN_SECRET_LEN],
		      struct slice digits, struct slice call_id,
		      char out[static HEXHASH_MAX])
{
	struct slice parts[3] = { slice_of(secret, FLOWTOKEN_SECRET_LEN),
				  digits, call_id };
	char inner[HEXHASH_MAX];
	enum err r = hexhash(HEXHASH_SHA256, parts, 3, inner);

	if (r != OK)
		return r;
	/* Twice, so that it cannot be carried on. */
	parts[1] = slice_str(inner);
	return hexhash(HEXHASH_SHA256, parts, 2, out);
}

/* What it is first; the same length for all, filled up with zeros. */
enum { FLOW_PHONE = 1, FLOW_PEER, FLOW_SERVER, FLOW_SERVER_UDP };

static enum err encode(const struct flow *f, struct buf *b)
{
	static const uint8_t zeros[FLOW_LEN - 1 - NODE_ID_MAX];
	enum err r;

	if (f->is_peer) {
		if ((r = buf_append_u8(b, FLOW_PEER)) == OK &&
		    (r = buf_append(b, f->node.b, NODE_ID_MAX)) == OK)
			r = buf_append(b, zeros, sizeof(zeros));
		return r;
	}
	if ((r = buf_append_u8(b, f->is_server  ? FLOW_SERVER
				  : f->may_grow ? FLOW_SERVER_UDP
						: FLOW_PHONE)) == OK &&
	    (r = buf_append_uint(b, f->socket, 4)) == OK &&
	    (r = buf_append_uint(b, f->is_server ? f->name : f->conn, 4)) ==
		    OK &&
	    (r = buf_append_u8(b, f->peer.type)) == OK &&
	    (r = buf_append(b, f->peer.addr, 16)) == OK)
		r = buf_append_uint(b, f->peer.port, 2);
	return r;
}

enum err flowtoken_make(const uint8_t secret[static FLOWTOKEN_SECRET_LEN],
			const struct flow *f, struct slice call_id,
			char out[static FLOWTOKEN_LEN + 1])
{
	struct buf b = BUF_INIT(FLOW_LEN), t = BUF_INIT(FLOWTOKEN_LEN);
	char h[HEXHASH_MAX];
	enum err r;

	if ((r = encode(f, &b)) == OK &&
	    (r = text_hex(&t, buf_slice(&b))) == OK &&
	    (r = proof(secret, buf_slice(&t), call_id, h)) == OK)
		r = buf_append(&t, h, PROOF_DIGITS);
	if (r == OK) {
		memcpy(out, t.p, FLOWTOKEN_LEN);
		out[FLOWTOKEN_LEN] = '\0';
	}
	buf_clear(&b);
	buf_clear(&t);
	return r;
}

static uint32_t number(const uint8_t *p, size_t width)
{
	uint32_t v = 0;

	while (width-- > 0)
		v = v << 8 | *p++;
	return v;
}

static void decode(const uint8_t *p, struct flow *out)
{
	if (p[0] == FLOW_PEER) {
		*out = (struct flow){ .is_peer = true };
		memcpy(out->node.b, p + 1, NODE_ID_MAX);
		return;
	}
	*out = (struct flow){ .socket = number(p + 1, 4),
			      .is_server = p[0] == FLOW_SERVER,
			      .may_grow = p[0] == FLOW_SERVER_UDP };
	*(out->is_server ? &out->name : &out->conn) = number(p + 5, 4);
	out->peer.type = p[9];
	memcpy(out->peer.addr, p + 10, 16);
	out->peer.port = (uint16_t)number(p + 26, 2);
}

enum err flowtoken_read(const uint8_t secret[static FLOWTOKEN_SECRET_LEN],
			struct slice token, struct slice call_id,
			struct flow *out)
{
	char digits[FLOW_DIGITS + 1], h[HEXHASH_MAX];
	struct buf b = BUF_INIT(FLOW_LEN);
	enum err r;

	if (token.len != FLOWTOKEN_LEN)
		return ERR_DATA;
	memcpy(digits, token.p, FLOW_DIGITS);
	digits[FLOW_DIGITS] = '\0';
	if ((r = proof(secret, slice_str(digits), call_id, h)) != OK)
		return r;
	if (!hexhash_eq(slice_of(h, PROOF_DIGITS),
			slice_sub(token, FLOW_DIGITS, PROOF_DIGITS)))
		return ERR_DATA;
	if ((r = text_unhex(&b, digits)) == OK)
		decode(b.p, out);
	buf_clear(&b);
	return r;
}
