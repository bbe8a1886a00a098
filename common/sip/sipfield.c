/* SPDX-License-Identifier: ISC */
/*
 * Owns: URIs, addresses, Vias, CSeqs and parameters, RFC 3261 s19.1, s20,
 * s25.1. Does not own: where a field begins and ends (sipmsg.c).
 */
#include "sip/sipfield.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "conf/address.h"

static struct slice from(struct slice s, size_t n)
{
	return slice_sub(s, n, s.len - n);
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.p[0]))
		s = from(s, 1);
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* Where `c` is first, outside of quotes, or s.len. */
static size_t find(struct slice s, uint8_t c)
{
	bool quoted = false;

	for (size_t i = 0; i < s.len; i++) {
		if (!quoted && s.p[i] == c)
			return i;
		if (quoted && s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			quoted = !quoted;
	}
	return s.len;
}

static bool is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

enum err sipfield_u32(uint32_t *out, struct slice text)
{
	uint64_t v = 0;

	if (text.len == 0)
		return ERR_MALFORMED;
	for (size_t i = 0; i < text.len; i++)
		if (!is_digit(text.p[i]))
			return ERR_MALFORMED;
	for (size_t i = 0; i < text.len; i++)
		if ((v = v * 10 + (text.p[i] - '0')) > UINT32_MAX)
			return ERR_RANGE;
	*out = (uint32_t)v;
	return OK;
}

/* ---- hosts ---- */

/* An underscore is not one, but is seen in names. */
static bool is_host_char(uint8_t c)
{
	return is_alpha(c) || is_digit(c) || c == '.' || c == '-' || c == '_';
}

/* What stands in brackets; RFC 3261's own grammar has a colon too many for
 * some, RFC 5118 s4.10. */
static bool is_ipv6(struct slice s)
{
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];

	if (s.len >= sizeof(text) || memchr(s.p, '\0', s.len) != NULL)
		return false;
	memcpy(text, s.p, s.len);
	text[s.len] = '\0';
	return address_parse_host(&a, text, 1) == OK && a.type == ADDRESS_IPV6;
}

/* "host" or "host:port" or "[v6]:port", all of `s`. */
static enum err host_port(struct slice s, struct slice *host, uint16_t *port)
{
	size_t n = 0;
	uint32_t v = 0;

	if (s.len > 0 && s.p[0] == '[') {
		n = find(s, ']');
		if (n == s.len || !is_ipv6(slice_sub(s, 1, n - 1)))
			return ERR_MALFORMED;
		n++;
	} else {
		while (n < s.len && is_host_char(s.p[n]))
			n++;
	}
	*host = slice_sub(s, 0, n);
	*port = 0;
	if (n == 0)
		return ERR_MALFORMED;
	s = trim(from(s, n));
	if (s.len == 0)
		return OK;
	if (s.p[0] != ':' || sipfield_u32(&v, trim(from(s, 1))) != OK ||
	    v == 0 || v > UINT16_MAX)
		return ERR_MALFORMED;
	*port = (uint16_t)v;
	return OK;
}

bool sipfield_host_eq(struct slice a, struct slice b)
{
	return a.len == b.len &&
	       strncasecmp((const char *)a.p, (const char *)b.p, a.len) == 0;
}

/* ---- URIs ---- */

static bool plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.p[i] <= ' ' || s.p[i] >= 0x7f ||
		    strchr("<>\"", s.p[i]) != NULL)
			return false;
	return true;
}

enum err sipfield_uri(struct sipfield_uri *out, struct slice text)
{
	size_t n = find(text, ':');
	struct slice rest;

	*out = (struct sipfield_uri){ 0 };
	if (n == 0 || n == text.len || !is_alpha(text.p[0]) || !plain(text))
		return ERR_MALFORMED;
	out->scheme = slice_sub(text, 0, n);
	rest = from(text, n + 1);
	out->sip = sipmsg_is_nocase(out->scheme, "sip") ||
		   sipmsg_is_nocase(out->scheme, "sips");
	if (!out->sip)
		return rest.len > 0 ? OK : ERR_MALFORMED;
	n = find(rest, '@');
	if (n < rest.len) {
		out->user = slice_sub(rest, 0, n);
		out->user.len = find(out->user, ':');
		if (out->user.len == 0)
			return ERR_MALFORMED;
		rest = from(rest, n + 1);
	}
	n = find(rest, '?');
	if (n < rest.len) {
		out->headers = from(rest, n + 1);
		rest.len = n;
	}
	n = find(rest, ';');
	out->params = from(rest, n);
	rest.len = n;
	return host_port(rest, &out->host, &out->port);
}

static bool eq_decoded(struct slice a, struct slice b, bool nocase)
{
	size_t i = 0, j = 0;

	while (i < a.len && j < b.len) {
		uint8_t x = text_unpercent(a, &i), y = text_unpercent(b, &j);

		if (nocase && is_alpha(x) && is_alpha(y)) {
			x |= 0x20;
			y |= 0x20;
		}
		if (x != y)
			return false;
	}
	return i == a.len && j == b.len;
}

enum err sipfield_lower(struct buf *out, struct slice s)
{
	enum err r = OK;

	for (size_t i = 0; i < s.len && r == OK; i++)
		r = buf_append_u8(out, s.p[i] >= 'A' && s.p[i] <= 'Z'
					       ? s.p[i] | 0x20
					       : s.p[i]);
	return r;
}

enum err sipfield_aor(struct buf *out, const struct sipfield_uri *u)
{
	enum err r = u->user.len == 0 ? ERR_DATA : OK;

	for (size_t i = 0; i < u->user.len && r == OK;)
		r = buf_append_u8(out, text_unpercent(u->user, &i));
	if (r == OK && (r = buf_append_u8(out, '@')) == OK)
		r = sipfield_lower(out, u->host);
	return r;
}

/* Each parameter of `a` that `b` has, too, is the same there; those that mean
 * a difference by being absent are there. */
static bool params_match(struct slice a, struct slice b)
{
	static const char *const telling[] = { "user", "ttl", "method", "maddr",
					       "transport" };
	struct slice name, value, other;
	char word[64];

	while (sipfield_param(&a, ';', &name, &value)) {
		if (name.len >= sizeof(word))
			return false;
		memcpy(word, name.p, name.len);
		word[name.len] = '\0';
		if (sipfield_find(b, word, &other)) {
			if (!eq_decoded(value, other, true))
				return false;
			continue;
		}
		for (size_t i = 0; i < sizeof(telling) / sizeof(telling[0]);
		     i++)
			if (strcasecmp(word, telling[i]) == 0)
				return false;
	}
	return true;
}

bool sipfield_user_eq(const struct sipfield_uri *a,
		      const struct sipfield_uri *b)
{
	return (a->user.p == NULL) == (b->user.p == NULL) &&
	       eq_decoded(a->user, b->user, false);
}

bool sipfield_uri_eq(const struct sipfield_uri *a, const struct sipfield_uri *b)
{
	return sipfield_host_eq(a->scheme, b->scheme) && a->sip == b->sip &&
	       sipfield_user_eq(a, b) && sipfield_host_eq(a->host, b->host) &&
	       a->port == b->port && params_match(a->params, b->params) &&
	       params_match(b->params, a->params) &&
	       eq_decoded(a->headers, b->headers, false);
}

/* ---- fields ---- */

enum err sipfield_addr(struct sipfield_addr *out, struct slice text)
{
	size_t n = find(text, '<'), end;
	struct sipfield_uri u;

	if (n == text.len) {
		n = find(text, ';');
		out->uri = trim(slice_sub(text, 0, n));
		out->params = from(text, n);
		/* A URI with these is bracketed, s20. */
		if (find(out->uri, '?') < out->uri.len ||
		    find(out->uri, ',') < out->uri.len)
			return ERR_MALFORMED;
	} else {
		text = from(text, n + 1);
		end = 0;
		while (end < text.len && text.p[end] != '>')
			end++;
		if (end == text.len)
			return ERR_MALFORMED;
		out->uri = trim(slice_sub(text, 0, end));
		out->params = trim(from(text, end + 1));
		if (out->params.len > 0 && out->params.p[0] != ';')
			return ERR_MALFORMED;
	}
	return sipfield_uri(&u, out->uri);
}

/* A word up to '/' off `s`. */
static struct slice part(struct slice *s)
{
	size_t n = find(*s, '/');
	struct slice word = trim(slice_sub(*s, 0, n));

	*s = from(*s, n + (n < s->len));
	return word;
}

enum err sipfield_via(struct sipfield_via *out, struct slice text)
{
	size_t n = find(text, ';');
	struct slice protocol, version;

	out->params = from(text, n);
	text.len = n;
	protocol = part(&text);
	version = part(&text);
	text = trim(text);
	for (n = 0; n < text.len && !is_blank(text.p[n]);)
		n++;
	out->transport = slice_sub(text, 0, n);
	/* Tokens, s25.1: a quote that is open there would have hidden what is
	 * appended to it. */
	if (!sipmsg_is_nocase(protocol, "SIP") || !sipmsg_is_token(version) ||
	    !sipmsg_is_token(out->transport))
		return ERR_MALFORMED;
	return host_port(trim(from(text, n)), &out->host, &out->port);
}

enum err sipfield_cseq(struct sipfield_cseq *out, struct slice text)
{
	size_t n = 0;

	while (n < text.len && is_digit(text.p[n]))
		n++;
	if (n == text.len || !is_blank(text.p[n]) ||
	    sipfield_u32(&out->number, slice_sub(text, 0, n)) != OK ||
	    out->number > INT32_MAX)
		return ERR_MALFORMED;
	out->method = trim(from(text, n));
	return OK;
}

bool sipfield_param(struct slice *rest, uint8_t separator, struct slice *name,
		    struct slice *value)
{
	struct slice item;
	size_t n;

	do {
		if (rest->len == 0)
			return false;
		n = find(*rest, separator);
		item = trim(slice_sub(*rest, 0, n));
		*rest = from(*rest, n + (n < rest->len));
	} while (item.len == 0);
	n = find(item, '=');
	*name = trim(slice_sub(item, 0, n));
	*value = n == item.len ? slice_of(NULL, 0) : trim(from(item, n + 1));
	return true;
}

bool sipfield_params_good(struct slice params)
{
	struct slice name, value, item;
	size_t n;

	if (params.len == 0)
		return true;
	if (params.p[0] != ';')
		return false;
	do {
		params = from(params, 1);
		n = find(params, ';');
		item = trim(slice_sub(params, 0, n));
		params = from(params, n);
		if (!sipfield_param(&item, ';', &name, &value) ||
		    !sipmsg_is_token(name) ||
		    (value.p != NULL && value.len == 0))
			return false;
	} while (params.len > 0);
	return true;
}

bool sipfield_find(struct slice params, const char *name, struct slice *value)
{
	struct slice n;

	while (sipfield_param(&params, ';', &n, value))
		if (sipmsg_is_nocase(n, name))
			return true;
	return false;
}

enum err sipfield_unquote(struct buf *out, struct slice value)
{
	enum err r = OK;

	if (value.len < 2 || value.p[0] != '"' || value.p[value.len - 1] != '"')
		return buf_append_slice(out, value);
	for (size_t i = 1; i + 1 < value.len && r == OK; i++) {
		if (value.p[i] == '\\' && i + 2 < value.len)
			i++;
		r = buf_append_u8(out, value.p[i]);
	}
	return r;
}
