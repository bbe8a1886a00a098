/* SPDX-License-Identifier: ISC */
/* The one exchange of STUN that RFC 5626 s8 asks of a SIP server: a Binding
 * request without attributes that must be understood.  RFC 5389 s6, s15.2. */
#include "sip/stunping.h"

enum {
	HEADER_LEN = 20,
	BINDING_REQUEST = 0x0001,
	BINDING_SUCCESS = 0x0101,
	XOR_MAPPED_ADDRESS = 0x0020,
	COMPREHENSION_OPTIONAL = 0x8000
};

static const uint8_t cookie[4] = { 0x21, 0x12, 0xa4, 0x42 };

static unsigned u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

bool stunping_is(struct slice d)
{
	return d.len >= HEADER_LEN && d.p[0] < 4 &&
	       memcmp(d.p + 4, cookie, sizeof(cookie)) == 0;
}

static bool is_plain_request(struct slice d)
{
	size_t at = HEADER_LEN;

	if (u16(d.p) != BINDING_REQUEST || u16(d.p + 2) != d.len - HEADER_LEN)
		return false;
	while (at + 4 <= d.len) {
		if (u16(d.p + at) < COMPREHENSION_OPTIONAL)
			return false;
		at += 4 + ((u16(d.p + at + 2) + 3) & ~3U);
	}
	return at == d.len;
}

enum err stunping_answer(struct slice d, const struct ip_address_port *from,
			 struct buf *out)
{
	size_t len = from->type == ADDRESS_IPV4 ? 4 : 16;
	uint8_t *p;
	enum err r;

	if (!stunping_is(d) || !is_plain_request(d))
		return ERR_MALFORMED;
	if ((r = buf_append_uint(out, BINDING_SUCCESS, 2)) != OK ||
	    (r = buf_append_uint(out, 8 + len, 2)) != OK ||
	    (r = buf_append(out, d.p + 4, 16)) != OK ||
	    (r = buf_append_uint(out, XOR_MAPPED_ADDRESS, 2)) != OK ||
	    (r = buf_append_uint(out, 4 + len, 2)) != OK ||
	    (r = buf_append_uint(out, len == 4 ? 1 : 2, 2)) != OK ||
	    (r = buf_append_uint(out, from->port ^ 0x2112U, 2)) != OK ||
	    (r = buf_extend(out, len, &p)) != OK)
		return r;
	/* The cookie, and for IPv6 the transaction behind it: s15.2. */
	for (size_t i = 0; i < len; i++)
		p[i] = from->addr[i] ^ d.p[4 + i];
	return OK;
}
