/* SPDX-License-Identifier: ISC */
/*
 * Byte offsets of the elements of an XML document, which signatures need
 * (RFC 6940 s11.1: the configuration is a binary blob) and no parser gives.
 * Whether the document is well-formed is libxml2's to say.
 */
#include "conf/xml_span.h"

struct scan {
	struct slice raw;
	size_t at;
	struct arena *a;
	struct xml_spans *out;
	size_t cap;
	size_t open[XML_SPAN_DEPTH_MAX]; /* indices of elements not closed yet
					  */
	size_t depth;
	struct why *why;
};

static enum err refuse(const struct scan *s, const char *what)
{
	size_t line = 1;

	for (size_t i = 0; i < s->at && i < s->raw.len; i++)
		line += s->raw.p[i] == '\n';
	return why_err(s->why, ERR_CONFIG, "line %zu: %s", line, what);
}

static bool looking_at(const struct scan *s, const char *text)
{
	size_t n = strlen(text);

	return s->raw.len - s->at >= n &&
	       memcmp(s->raw.p + s->at, text, n) == 0;
}

/* Moves past the next `text`. */
static enum err skip_past(struct scan *s, const char *text, const char *what)
{
	const uint8_t *p = memmem(s->raw.p + s->at, s->raw.len - s->at, text,
				  strlen(text));

	if (p == NULL)
		return refuse(s, what);
	s->at = (size_t)(p - s->raw.p) + strlen(text);
	return OK;
}

static enum err add(struct scan *s, size_t start, struct slice name)
{
	if (s->out->n == XML_SPANS_MAX)
		return why_err(s->why, ERR_LIMIT,
			       "more than %d elements in the document",
			       XML_SPANS_MAX);
	if (s->out->n == s->cap) {
		size_t cap = s->cap == 0 ? 128 : 2 * s->cap;
		struct xml_span *v = arena_zalloc(s->a, cap, sizeof(*v));

		if (v == NULL)
			return ERR_NOMEM;
		if (s->out->n != 0)
			memcpy(v, s->out->v, s->out->n * sizeof(*v));
		s->out->v = v;
		s->cap = cap;
	}
	s->out->v[s->out->n++] = (struct xml_span){ .start = start,
						    .name = name };
	return OK;
}

static struct slice tag_name(struct scan *s)
{
	size_t from = s->at;

	while (s->at < s->raw.len && s->raw.p[s->at] != '\0' &&
	       strchr(" \t\r\n/>", s->raw.p[s->at]) == NULL)
		s->at++;
	return slice_sub(s->raw, from, s->at - from);
}

static enum err end_tag(struct scan *s, size_t start)
{
	struct xml_span *e;
	struct slice name;
	enum err r;

	s->at += 2;
	name = tag_name(s);
	if (s->depth == 0)
		return refuse(s, "an end tag without its start tag");
	e = &s->out->v[s->open[--s->depth]];
	if (!slice_eq(e->name, name))
		return refuse(s, "an end tag of another name than its start "
				 "tag");
	if ((r = skip_past(s, ">", "an end tag that does not end")) != OK)
		return r;
	e->content_end = start;
	e->end = s->at;
	return OK;
}

static enum err start_tag(struct scan *s, size_t start)
{
	struct xml_span *e;
	unsigned n_attributes = 0;
	char quote = '\0';
	enum err r;

	s->at++;
	if ((r = add(s, start, tag_name(s))) != OK)
		return r;
	e = &s->out->v[s->out->n - 1];
	for (; s->at < s->raw.len; s->at++) {
		char c = (char)s->raw.p[s->at];

		if (quote != '\0')
			quote = c == quote ? '\0' : quote;
		else if ((c == '"' || c == '\'') &&
			 ++n_attributes > XML_SPAN_ATTRIBUTES_MAX)
			return refuse(s, "a start tag with too many "
					 "attributes");
		else if (c == '"' || c == '\'')
			quote = c;
		else if (c == '>')
			break;
	}
	if (s->at == s->raw.len)
		return refuse(s, "a start tag that does not end");
	e->tag_end = e->content_end = e->end = ++s->at;
	if (s->raw.p[s->at - 2] == '/')
		return OK;
	if (s->depth == XML_SPAN_DEPTH_MAX)
		return refuse(s, "elements are nested too deeply");
	s->open[s->depth++] = s->out->n - 1;
	return OK;
}

enum err xml_span_scan(struct xml_spans *out, struct slice raw, struct arena *a,
		       struct why *why)
{
	struct scan s = { .raw = raw, .a = a, .out = out, .why = why };
	const uint8_t *p;
	enum err r = OK;

	*out = (struct xml_spans){ 0 };
	while (r == OK &&
	       (p = memchr(raw.p + s.at, '<', raw.len - s.at)) != NULL) {
		s.at = (size_t)(p - raw.p);
		if (looking_at(&s, "<!--"))
			r = skip_past(&s, "-->", "a comment does not end");
		else if (looking_at(&s, "<![CDATA["))
			r = skip_past(&s, "]]>",
				      "a CDATA section does not "
				      "end");
		else if (looking_at(&s, "<?"))
			r = skip_past(&s, "?>", "an instruction does not end");
		else if (looking_at(&s, "<!"))
			r = refuse(&s, "a DOCTYPE or other declaration; remove "
				       "it, configuration documents have none");
		else if (looking_at(&s, "</"))
			r = end_tag(&s, s.at);
		else
			r = start_tag(&s, s.at);
	}
	if (r == OK && s.depth != 0)
		r = refuse(&s, "the document ends inside an element");
	if (r == OK && out->n == 0)
		r = refuse(&s, "there is no element: not an XML document");
	return r;
}
