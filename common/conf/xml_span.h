/* SPDX-License-Identifier: ISC */
#ifndef CONF_XML_SPAN_H
#define CONF_XML_SPAN_H

#include "base/arena.h"

/* Where an element stands in the raw bytes of a document. */
struct xml_span {
	size_t start, end;  /* "<name" to "</name>" or "/>" */
	size_t tag_end;     /* after the start tag's ">" */
	size_t content_end; /* before "</name>"; tag_end when empty */
	struct slice name;  /* with its prefix, if any */
};

struct xml_spans {
	struct xml_span *v; /* in the order of their start tags */
	size_t n;
};

enum {
	XML_SPANS_MAX = 16384, /* the grammar takes their square as well */
	XML_SPAN_DEPTH_MAX = 64,
	XML_SPAN_ATTRIBUTES_MAX = 64 /* of one element: comparing them with the
					grammar takes their square */
};

/*
 * The spans of all elements; in `a`.  ERR_CONFIG when there is a DOCTYPE or
 * tags do not nest, with the line; ERR_LIMIT for too many elements; ERR_NOMEM.
 * What this accepts need not be well-formed: it is for byte offsets, which
 * libxml2 does not give.
 */
enum err xml_span_scan(struct xml_spans *out, struct slice raw, struct arena *a,
		       struct why *why) MUST_CHECK;

#endif
