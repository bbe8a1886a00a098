/* SPDX-License-Identifier: ISC */
/*
 * Owns: where a SIP message, its header fields and their items begin and end,
 * RFC 3261 s7, s18.3, s25.1.  Does not own: what they mean (sipfield.c).
 * libosip2's own message parser is not used: it rewrites what it passes on.
 */
#include "sip/sipmsg.h"

#include <strings.h>

#include "base/text.h"

bool sipmsg_is(struct slice s, const char *word)
{
	return slice_eq(s, slice_str(word));
}

bool sipmsg_is_nocase(struct slice s, const char *word)
{
	return s.len == strlen(word) &&
	       strncasecmp((const char *)s.p, word, s.len) == 0;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct slice trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.p[0]))
		s = slice_sub(s, 1, s.len - 1);
	while (s.len > 0 && is_blank(s.p[s.len - 1]))
		s.len--;
	return s;
}

/* A line off `rest`, without its end, which is CR LF; a lone LF is accepted.
 * False when there is no whole one. */
static bool take_line(struct slice *rest, struct slice *line)
{
	const uint8_t *end = rest->len == 0 ? NULL
					    : memchr(rest->p, '\n', rest->len);
	size_t n;

	if (end == NULL)
		return false;
	n = (size_t)(end - rest->p);
	*line = slice_sub(*rest, 0, n > 0 && end[-1] == '\r' ? n - 1 : n);
	*rest = slice_sub(*rest, n + 1, rest->len - n - 1);
	return true;
}

bool sipmsg_is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
			continue;
		if ((c < '0' || c > '9') &&
		    (c == '\0' || strchr("-.!%*_+`'~", c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* The long form of a compact name, RFC 3261 s7.3.3 and the registry. */
static struct slice long_name(struct slice name)
{
	static const char *const forms[][2] = { { "v", "Via" },
						{ "f", "From" },
						{ "t", "To" },
						{ "i", "Call-ID" },
						{ "m", "Contact" },
						{ "l", "Content-Length" },
						{ "c", "Content-Type" },
						{ "e", "Content-Encoding" },
						{ "k", "Supported" },
						{ "s", "Subject" },
						{ "o", "Event" },
						{ "u", "Allow-Events" },
						{ "r", "Refer-To" },
						{ "b", "Referred-By" },
						{ "x", "Session-Expires" } };

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (sipmsg_is_nocase(name, forms[i][0]))
			return slice_str(forms[i][1]);
	return name;
}

/* A word up to a single space, off `line`. */
static struct slice take_word(struct slice *line)
{
	size_t n = 0;
	struct slice word;

	while (n < line->len && line->p[n] != ' ')
		n++;
	word = slice_sub(*line, 0, n);
	n += n < line->len;
	*line = slice_sub(*line, n, line->len - n);
	return word;
}

static enum err start_line(struct sipmsg *m, struct slice line)
{
	struct slice first = take_word(&line), code;

	if (first.len >= 4 &&
	    strncasecmp((const char *)first.p, "SIP/", 4) == 0) {
		m->version = first;
		code = take_word(&line);
		if (code.len != 3)
			return ERR_MALFORMED;
		for (size_t i = 0; i < 3; i++) {
			if (code.p[i] < '0' || code.p[i] > '9')
				return ERR_MALFORMED;
			m->status = m->status * 10 + (code.p[i] - '0');
		}
		if (memchr(line.p, '\r', line.len) == NULL)
			m->reason = line;
		return m->status >= 100 && m->status < 700 ? OK : ERR_MALFORMED;
	}
	m->method = first;
	m->uri = take_word(&line);
	m->version = line;
	/* A URI has no white space: what is left is one word. */
	return sipmsg_is_token(first) && m->uri.len > 0 && line.len > 4 &&
			       strncasecmp((const char *)line.p, "SIP/", 4) ==
				       0 &&
			       memchr(line.p, ' ', line.len) == NULL
		       ? OK
		       : ERR_MALFORMED;
}

/* May a NUL stand there?  As a quoted pair only, s25.1. */
static bool nuls_are_good(struct slice line)
{
	bool quoted = false;

	if (memchr(line.p, '\0', line.len) == NULL)
		return true;
	for (size_t i = 0; i < line.len; i++) {
		if (line.p[i] == '\0')
			return false;
		if (quoted && line.p[i] == '\\')
			i++;
		else if (line.p[i] == '"')
			quoted = !quoted;
	}
	return true;
}

/* Appends a folded line to the value of the last field, s7.3.1. */
static enum err unfold(struct sipmsg_field *f, struct slice more,
		       struct arena *a)
{
	struct slice all;
	uint8_t *p = arena_zalloc(a, f->value.len + 1 + more.len, 1);

	if (p == NULL)
		return ERR_NOMEM;
	if (f->value.len > 0)
		memcpy(p, f->value.p, f->value.len);
	p[f->value.len] = ' ';
	if (more.len > 0)
		memcpy(p + f->value.len + 1, more.p, more.len);
	all = trim(slice_of(p, f->value.len + 1 + more.len));
	/* Quotes run across lines. */
	if (!nuls_are_good(all))
		return ERR_MALFORMED;
	f->value = all;
	return OK;
}

static enum err field_line(struct sipmsg *m, struct slice line, struct arena *a)
{
	const uint8_t *colon = memchr(line.p, ':', line.len);
	struct slice name;

	/* Answers repeat what they were asked: nothing in it ends a line. */
	if (memchr(line.p, '\r', line.len) != NULL)
		return ERR_MALFORMED;
	if (is_blank(line.p[0]))
		return m->n_fields == 0 ? ERR_MALFORMED
					: unfold(&m->fields[m->n_fields - 1],
						 trim(line), a);
	if (m->n_fields == SIPMSG_FIELDS_MAX)
		return ERR_LIMIT;
	if (colon == NULL || !nuls_are_good(line))
		return ERR_MALFORMED;
	name = trim(slice_sub(line, 0, (size_t)(colon - line.p)));
	if (!sipmsg_is_token(name))
		return ERR_MALFORMED;
	m->fields[m->n_fields++] = (struct sipmsg_field){
		long_name(name),
		trim(slice_of(colon + 1,
			      (size_t)(line.p + line.len - colon - 1)))
	};
	return OK;
}

/* Up to the empty line; `rest` is the body then. */
static enum err head(struct sipmsg *m, struct slice *rest, struct arena *a)
{
	const uint8_t *begin = rest->p;
	struct slice line;
	enum err r = OK, first;

	if (!take_line(rest, &line))
		return ERR_MALFORMED;
	first = start_line(m, line);
	for (;;) {
		if (!take_line(rest, &line))
			return ERR_MALFORMED;
		if ((size_t)(rest->p - begin) > SIPMSG_HEAD_MAX)
			return ERR_LIMIT;
		if (line.len == 0)
			return first;
		if ((r = field_line(m, line, a)) == ERR_NOMEM || r == ERR_LIMIT)
			return r;
		first = first == OK ? r : first; /* the rest may do to answer */
	}
}

static enum err content_length(const struct sipmsg *m, bool *given, size_t *len)
{
	size_t n;
	const struct sipmsg_field *f = sipmsg_only(m, "Content-Length", &n);

	*given = n > 0;
	*len = 0;
	if (n == 0)
		return OK;
	if (f == NULL || f->value.len == 0 || f->value.len > 10)
		return ERR_MALFORMED;
	for (size_t i = 0; i < f->value.len; i++) {
		if (f->value.p[i] < '0' || f->value.p[i] > '9')
			return ERR_MALFORMED;
		*len = *len * 10 + (f->value.p[i] - '0');
	}
	return OK;
}

enum err sipmsg_parse(struct sipmsg *out, struct slice bytes, struct arena *a)
{
	struct slice rest = bytes;
	bool given;
	size_t len;
	enum err r;

	*out = (struct sipmsg){ 0 };
	if (bytes.len == 0 || memchr(bytes.p, '\n', bytes.len) == NULL)
		return ERR_MALFORMED;
	if (bytes.len > SIPMSG_MAX)
		return ERR_LIMIT;
	out->fields = arena_zalloc(a, SIPMSG_FIELDS_MAX, sizeof(*out->fields));
	if (out->fields == NULL)
		return ERR_NOMEM;
	if ((r = head(out, &rest, a)) != OK)
		return r;
	if ((r = content_length(out, &given, &len)) != OK)
		return r;
	if (len > rest.len)
		return ERR_SHORT;
	out->body = given ? slice_sub(rest, 0, len) : rest;
	return OK;
}

/* Bytes up to and with the empty line, or 0. */
static size_t head_length(struct slice s)
{
	struct slice rest = s, line;

	while (take_line(&rest, &line))
		if (line.len == 0)
			return (size_t)(rest.p - s.p);
	return 0;
}

enum err sipmsg_length(struct slice stream, size_t *len)
{
	size_t n = head_length(stream), body;
	struct arena a = ARENA_INIT(1 << 17);
	struct sipmsg m = { 0 };
	struct slice rest = slice_sub(stream, 0, n);
	bool given = false;
	enum err r;

	*len = 0;
	if (n == 0)
		return stream.len > SIPMSG_HEAD_MAX ? ERR_LIMIT : OK;
	if (n > SIPMSG_HEAD_MAX)
		return ERR_LIMIT;
	m.fields = arena_zalloc(&a, SIPMSG_FIELDS_MAX, sizeof(*m.fields));
	r = m.fields == NULL ? ERR_NOMEM : head(&m, &rest, &a);
	/* A line that is none does not hide where the message ends. */
	if (r == OK || r == ERR_MALFORMED)
		r = content_length(&m, &given, &body);
	if (r == OK && !given)
		r = ERR_MALFORMED;
	if (r == OK && n + body > SIPMSG_MAX)
		r = ERR_LIMIT;
	if (r == OK && n + body <= stream.len)
		*len = n + body;
	arena_free(&a);
	return r;
}

const struct sipmsg_field *sipmsg_next(const struct sipmsg *m, const char *name,
				       size_t *at)
{
	while (*at < m->n_fields) {
		const struct sipmsg_field *f = &m->fields[(*at)++];

		if (sipmsg_is_nocase(f->name, name))
			return f;
	}
	return NULL;
}

const struct sipmsg_field *sipmsg_only(const struct sipmsg *m, const char *name,
				       size_t *n)
{
	const struct sipmsg_field *first;
	size_t at = 0, count = 0;

	first = sipmsg_next(m, name, &at);
	if (first != NULL)
		count = 1;
	while (sipmsg_next(m, name, &at) != NULL)
		count++;
	if (n != NULL)
		*n = count;
	return count == 1 ? first : NULL;
}

bool sipmsg_lists(const struct sipmsg *m, const char *name, const char *word)
{
	const struct sipmsg_field *f;
	struct slice rest, item;
	size_t at = 0;

	while ((f = sipmsg_next(m, name, &at)) != NULL) {
		rest = f->value;
		while (sipmsg_item(&rest, &item))
			if (sipmsg_is_nocase(item, word))
				return true;
	}
	return false;
}

bool sipmsg_item(struct slice *rest, struct slice *item)
{
	bool quoted = false, angled = false;
	size_t n = 0;

	if (rest->len == 0)
		return false;
	for (; n < rest->len; n++) {
		uint8_t c = rest->p[n];

		if (quoted && c == '\\' && n + 1 < rest->len)
			n++;
		else if (c == '"' && !angled)
			quoted = !quoted;
		else if (!quoted && (c == '<' || c == '>'))
			angled = c == '<';
		else if (c == ',' && !quoted && !angled)
			break;
	}
	*item = trim(slice_sub(*rest, 0, n));
	n += n < rest->len;
	*rest = slice_sub(*rest, n, rest->len - n);
	return true;
}

const char *sipmsg_reason(unsigned status)
{
	static const struct {
		unsigned status;
		const char *words;
	} v[] = {
		{ 100, "Trying" },
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 407, "Proxy Authentication Required" },
		{ 408, "Request Timeout" },
		{ 413, "Request Entity Too Large" },
		{ 416, "Unsupported URI Scheme" },
		{ 420, "Bad Extension" },
		{ 423, "Interval Too Brief" },
		{ 439, "First Hop Lacks Outbound Support" },
		{ 480, "Temporarily Unavailable" },
		{ 481, "Call/Transaction Does Not Exist" },
		{ 482, "Loop Detected" },
		{ 483, "Too Many Hops" },
		{ 487, "Request Terminated" },
		{ 500, "Server Internal Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
		{ 505, "Version Not Supported" },
		{ 513, "Message Too Large" },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].status == status)
			return v[i].words;
	return "Unknown";
}
