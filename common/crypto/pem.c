/* SPDX-License-Identifier: ISC */
/*
 * The text form of keys and certificates, RFC 7468.  Own code, since OpenSSL's
 * reader starts its decoders, which costs more than a handshake.  What is
 * inside a block is not looked at.
 */
#include "crypto/pem.h"

#include <stdio.h>

#include "base/text.h"

enum { PEM_LINE = 64 }; /* chars */

enum err pem_append(struct buf *out, const char *label, struct slice der)
{
	struct buf b64 = BUF_INIT(out->max);
	size_t was = out->len;
	enum err r;

	if ((r = text_base64(&b64, der)) != OK ||
	    (r = buf_printf(out, "-----BEGIN %s-----\n", label)) != OK)
		goto out;
	for (size_t i = 0; i < b64.len; i += PEM_LINE) {
		size_t n = b64.len - i < PEM_LINE ? b64.len - i : PEM_LINE;

		if ((r = buf_append(out, b64.p + i, n)) != OK ||
		    (r = buf_append_u8(out, '\n')) != OK)
			goto out;
	}
	r = buf_printf(out, "-----END %s-----\n", label);
out:
	buf_wipe(&b64);
	if (r != OK)
		out->len = was;
	return r;
}

/* Where the line `-----WORD LABEL-----` starts, or NULL. */
static const uint8_t *find_line(struct slice text, const char *word,
				const char *label, size_t *len)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "-----%s %s-----", word, label);
	const uint8_t *p;

	if (n < 0 || (size_t)n >= sizeof(line) || text.len == 0)
		return NULL;
	*len = (size_t)n;
	while ((p = memmem(text.p, text.len, line, *len)) != NULL) {
		size_t off = (size_t)(p - text.p);

		if (off == 0 || p[-1] == '\n' || p[-1] == '\r')
			return p;
		text = slice_sub(text, off + 1, text.len - off - 1);
	}
	return NULL;
}

enum err pem_next(struct slice *text, const char *label, struct buf *der)
{
	size_t begin_len, end_len;
	const uint8_t *begin, *body, *end, *stop = text->p + text->len;
	enum err r;

	if ((begin = find_line(*text, "BEGIN", label, &begin_len)) == NULL)
		return ERR_NOT_FOUND;
	body = begin + begin_len;
	end = find_line(slice_of(body, (size_t)(stop - body)), "END", label,
			&end_len);
	if (end == NULL)
		return ERR_DATA;
	if ((r = text_unbase64(der, slice_of(body, (size_t)(end - body)))) !=
	    OK)
		return r;
	end += end_len;
	*text = slice_of(end, (size_t)(stop - end));
	return OK;
}
