/* SPDX-License-Identifier: ISC */
/*
 * A certificate and its intermediates, one after the other.  DER says where it
 * ends; nothing else of it is read here, for only crypto.h judges certificates.
 */
#include "core/bundle.h"

enum { DER_SEQUENCE = 0x30, DER_LONG = 0x80 /* a length in more bytes */ };

enum err bundle_make(struct arena *a, const struct cert *c, struct slice *out)
{
	size_t len = c->der.len;
	uint8_t *p;

	for (size_t i = 0; i < c->n_chain; i++)
		len += c->chain[i].len;
	if ((p = arena_zalloc(a, 1, len)) == NULL)
		return ERR_NOMEM;
	*out = slice_of(p, len);
	memcpy(p, c->der.p, c->der.len);
	p += c->der.len;
	for (size_t i = 0; i < c->n_chain; i++) {
		memcpy(p, c->chain[i].p, c->chain[i].len);
		p += c->chain[i].len;
	}
	return OK;
}

/* How long the SEQUENCE is that begins here; 0: it is none. */
static size_t sequence_len(struct slice in)
{
	size_t n, len = 0;

	if (in.len < 2 || in.p[0] != DER_SEQUENCE)
		return 0;
	if (in.p[1] < DER_LONG)
		len = 2 + in.p[1];
	n = in.p[1] % DER_LONG;
	if (in.p[1] >= DER_LONG && n <= 3 && n + 2 <= in.len) {
		for (size_t i = 0; i < n; i++)
			len = len << 8 | in.p[2 + i];
		len += 2 + n;
	}
	return len <= in.len ? len : 0;
}

size_t bundle_split(struct slice bundle, struct slice out[BUNDLE_MAX])
{
	struct slice rest = bundle;
	size_t len, n = 0;

	while (rest.len > 0) {
		len = sequence_len(rest);
		if (len == 0 || n == BUNDLE_MAX) {
			out[0] = bundle;
			return 1;
		}
		out[n++] = slice_sub(rest, 0, len);
		rest = slice_sub(rest, len, rest.len - len);
	}
	if (n == 0)
		out[n++] = bundle;
	return n;
}
