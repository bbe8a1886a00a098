/* SPDX-License-Identifier: ISC */
/*
 * libxml2, and all that is done so that a hostile document is ordinary input: a
 * limit of size, UTF-8 only, no DOCTYPE, so no entities, and nothing fetched;
 * then the grammar of RFC 6940 s11.1.1.  What the values mean is xml_read.c's.
 */
#include "conf/xml_doc.h"

#include <libxml/parser.h>
#include <libxml/relaxng.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/overlay.h"

enum { XML_ARENA_MAX = 8 << 20 };

/* overlay.rng, byte for byte. */
static const char grammar[] = {
#include "conf/overlay_rng.inc"
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error;
#else
typedef xmlErrorPtr xml_error;
#endif

/* The first complaint is the one closest to the cause. */
static void complain(void *ctx, xml_error e)
{
	struct why *why = ctx;
	const char *text = e->message == NULL ? "invalid" : e->message;
	const xmlNode *n = e->node;
	long line = e->line > 0 || n == NULL ? e->line : xmlGetLineNo(n);
	const char *name = "";

	if (why->text[0] != '\0')
		return;
	if (n != NULL && n->type != XML_ELEMENT_NODE)
		n = n->parent;
	if (n != NULL && n->type == XML_ELEMENT_NODE)
		name = (const char *)n->name;
	(void)why_err(why, OK, "line %ld: %s%.60s%s%.*s", line,
		      *name == '\0' ? "" : "<", name,
		      *name == '\0' ? "" : ">: ", (int)strcspn(text, "\n"),
		      text);
}

static void ignore(void *ctx, xml_error e)
{
	(void)ctx;
	(void)e;
}

static enum err check_bytes(struct slice raw, struct why *why)
{
	const struct slice bom = SLICE_LIT("\xef\xbb\xbf");

	if (raw.len > OVERLAY_DOCUMENT_MAX)
		return why_err(why, ERR_CONFIG, "larger than %d bytes",
			       OVERLAY_DOCUMENT_MAX);
	if (raw.len == 0)
		return why_err(why, ERR_CONFIG, "empty");
	if (raw.len >= bom.len && slice_eq(slice_sub(raw, 0, bom.len), bom))
		return why_err(why, ERR_CONFIG,
			       "begins with a byte order mark: remove it");
	if (!text_is_utf8(raw))
		return why_err(why, ERR_CONFIG, "not in UTF-8");
	return OK;
}

static enum err parse(struct xml_doc *d, struct why *why)
{
	xmlParserCtxt *c = xmlNewParserCtxt();
	struct why reason = { "" };
	bool utf8;

	if (c == NULL)
		return ERR_NOMEM;
	d->doc = xmlCtxtReadMemory(
		c, (const char *)d->raw.p, (int)d->raw.len, NULL, NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
			XML_PARSE_NOCDATA);
	if (d->doc == NULL)
		complain(&reason, &c->lastError);
	xmlFreeParserCtxt(c);
	if (d->doc == NULL)
		return why_err(why, ERR_CONFIG, "not well-formed XML: %.200s",
			       reason.text);
	utf8 = d->doc->encoding == NULL ||
	       xmlStrcasecmp(d->doc->encoding, (const xmlChar *)"UTF-8") == 0;
	if (!utf8)
		return why_err(why, ERR_CONFIG,
			       "declares the encoding %.40s: say UTF-8",
			       (const char *)d->doc->encoding);
	if (d->doc->intSubset != NULL || d->doc->extSubset != NULL)
		return why_err(why, ERR_CONFIG, "a DOCTYPE: remove it");
	return OK;
}

static enum err validate(struct xml_doc *d, struct why *why)
{
	xmlRelaxNGParserCtxt *p = xmlRelaxNGNewMemParserCtxt(grammar,
							     sizeof(grammar));
	xmlRelaxNG *schema = p == NULL ? NULL : xmlRelaxNGParse(p);
	xmlRelaxNGValidCtxt *v = schema == NULL
					 ? NULL
					 : xmlRelaxNGNewValidCtxt(schema);
	struct why reason = { "" };
	enum err r = OK;

	if (v == NULL) {
		r = ERR_NOMEM;
	} else {
		xmlRelaxNGSetValidStructuredErrors(v, complain, &reason);
		if (xmlRelaxNGValidateDoc(v, d->doc) != 0)
			r = why_err(why, ERR_CONFIG,
				    "not valid to the grammar of RFC 6940: "
				    "%.180s",
				    reason.text);
	}
	xmlRelaxNGFreeValidCtxt(v);
	xmlRelaxNGFree(schema);
	xmlRelaxNGFreeParserCtxt(p);
	return r;
}

/* The next element in the order of start tags, or NULL. */
static xmlNode *next_in_order(xmlNode *n)
{
	xmlNode *down = xmlFirstElementChild(n), *next;

	if (down != NULL)
		return down;
	for (; n != NULL && n->type == XML_ELEMENT_NODE; n = n->parent)
		if ((next = xmlNextElementSibling(n)) != NULL)
			return next;
	return NULL;
}

/* Elements come in the same order from libxml2 and from the scan of the bytes;
 * anything else would be an element of one that is none of the other. */
static enum err attach_spans(struct xml_doc *d, struct why *why)
{
	xmlNode *n = xmlDocGetRootElement(d->doc);
	size_t i = 0;

	for (; n != NULL && i < d->spans.n; n = next_in_order(n), i++) {
		struct slice name = d->spans.v[i].name;
		const uint8_t *colon = name.len == 0
					       ? NULL
					       : memchr(name.p, ':', name.len);
		size_t skip = colon == NULL ? 0 : (size_t)(colon - name.p) + 1;

		name = slice_sub(name, skip, name.len - skip);
		if (!slice_eq(name, slice_str((const char *)n->name)))
			break;
		n->_private = &d->spans.v[i];
	}
	if (n == NULL && i == d->spans.n)
		return OK;
	return why_err(why, ERR_CONFIG, "elements that cannot be told apart");
}

enum err xml_doc_open(struct xml_doc *d, struct slice raw, struct why *why)
{
	enum err r;

	*d = (struct xml_doc){ .arena = ARENA_INIT(XML_ARENA_MAX), .raw = raw };
	xmlSetStructuredErrorFunc(NULL, ignore);
	if ((r = check_bytes(raw, why)) != OK ||
	    (r = xml_span_scan(&d->spans, raw, &d->arena, why)) != OK ||
	    (r = parse(d, why)) != OK || (r = validate(d, why)) != OK ||
	    (r = attach_spans(d, why)) != OK)
		xml_doc_close(d);
	return r;
}

void xml_doc_close(struct xml_doc *d)
{
	xmlFreeDoc(d->doc);
	arena_free(&d->arena);
	*d = (struct xml_doc){ 0 };
}

xmlNode *xml_doc_next(const xmlNode *parent, xmlNode *after, const char *ns,
		      const char *name)
{
	xmlNode *n = after == NULL ? parent->children : after->next;

	for (; n != NULL; n = n->next)
		if (n->type == XML_ELEMENT_NODE && n->ns != NULL &&
		    strcmp((const char *)n->ns->href, ns) == 0 &&
		    strcmp((const char *)n->name, name) == 0)
			return n;
	return NULL;
}

struct slice xml_doc_raw(const struct xml_doc *d, const xmlNode *n)
{
	const struct xml_span *s = n->_private;

	return slice_sub(d->raw, s->start, s->end - s->start);
}

/* Without the white space around it, which no element here means anything by.
 */
static struct slice trim(const xmlChar *text)
{
	struct slice s = slice_str((const char *)text);

	while (s.len > 0 && strchr(" \t\r\n", s.p[0]) != NULL)
		s = slice_sub(s, 1, s.len - 1);
	while (s.len > 0 && strchr(" \t\r\n", s.p[s.len - 1]) != NULL)
		s.len--;
	return s;
}

char *xml_doc_text(const xmlNode *n, const char *attribute, struct arena *a)
{
	xmlChar *text = attribute == NULL
				? xmlNodeGetContent(n)
				: xmlGetNoNsProp(n, (const xmlChar *)attribute);
	char *copy = text == NULL ? NULL : arena_str(a, trim(text));

	xmlFree(text);
	return copy;
}

bool xml_doc_is_true(const char *text)
{
	return strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
}

bool xml_doc_has(const xmlNode *n, const char *attribute, const char *text)
{
	xmlChar *value = xmlGetNoNsProp(n, (const xmlChar *)attribute);
	bool yes = value != NULL && slice_eq(trim(value), slice_str(text));

	xmlFree(value);
	return yes;
}

enum err xml_doc_refuse(const xmlNode *n, struct why *why, enum err r,
			const char *fmt, ...)
{
	struct why reason;
	va_list ap;

	va_start(ap, fmt);
	(void)why_verr(&reason, r, fmt, ap);
	va_end(ap);
	return why_err(why, r, "line %ld: <%.60s>: %.170s", xmlGetLineNo(n),
		       (const char *)n->name, reason.text);
}
