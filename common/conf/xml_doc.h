/* SPDX-License-Identifier: ISC */
#ifndef CONF_XML_DOC_H
#define CONF_XML_DOC_H

#include <libxml/tree.h>

#include "conf/xml_span.h"

#define XML_NS_BASE  "urn:ietf:params:xml:ns:p2p:config-base"
#define XML_NS_CHORD "urn:ietf:params:xml:ns:p2p:config-chord"
#define XML_NS_SIP   "urn:ietf:params:xml:ns:p2p:config-base:sip"
/* CHOICE: a private Kind has only an id in the RFC's grammar; its label stands
 * in an element of a namespace of our own inside <kind>. */
#define XML_NS_LABEL "urn:p2psip-tools:config-label"

/* A document that is valid to the grammar of RFC 6940 s11.1.1, and where each
 * of its elements stands in the raw bytes. */
struct xml_doc {
	struct arena arena;
	struct slice raw; /* borrowed */
	struct xml_spans spans;
	xmlDoc *doc; /* node->_private is the element's struct xml_span */
};

/* ERR_CONFIG with the line; ERR_LIMIT; ERR_NOMEM. */
enum err xml_doc_open(struct xml_doc *d, struct slice raw,
		      struct why *why) MUST_CHECK;
void xml_doc_close(struct xml_doc *d);

/* The next element after `after` (NULL: the first) among the children of
 * `parent` with this name, or NULL. */
xmlNode *xml_doc_next(const xmlNode *parent, xmlNode *after, const char *ns,
		      const char *name);
/* As the bytes stand in the document. */
struct slice xml_doc_raw(const struct xml_doc *d, const xmlNode *n);
/* The text of an element or, with `attribute`, of its attribute without a
 * namespace, without the white space around it; in `a`.  NULL when there is no
 * such attribute or no memory. */
char *xml_doc_text(const xmlNode *n, const char *attribute, struct arena *a);
/* "1" or "true". */
bool xml_doc_is_true(const char *text);
/* Is the attribute this text, but for white space around it? */
bool xml_doc_has(const xmlNode *n, const char *attribute, const char *text);
/* "line 12: <no-ice>: " and the words. */
enum err xml_doc_refuse(const xmlNode *n, struct why *why, enum err r,
			const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
