/* SPDX-License-Identifier: ISC */
/*
 * Kind definitions in a document (RFC 6940 s11.1 kind-block), with what other
 * documents put into them: a private Kind's label, RFC 7904 s3.4's domains.
 */
#include "conf/xml_kind.h"

#include <ctype.h>
#include <regex.h>

#include "base/text.h"

#define KIND_ID_MAX UINT32_C(0xfffffffe) /* RFC 6940 s14.6 */

enum { KIND_BLOCK_MAX = 65535 /* bytes: KindDescription<0..2^16-1> */ };

/* The text of a child of <kind>; NULL when there is none. */
static const char *child_text(const xmlNode *kind, const char *name,
			      struct arena *a)
{
	xmlNode *n = xml_doc_next(kind, NULL, XML_NS_BASE, name);

	return n == NULL ? NULL : xml_doc_text(n, NULL, a);
}

static enum err read_limit(const xmlNode *kind, const char *name, uint64_t max,
			   uint32_t *out, struct arena *a, struct why *why)
{
	const char *text = child_text(kind, name, a);
	uint64_t v;

	if (text == NULL)
		return OK;
	if (text_u64(&v, text + (*text == '+'), 1, max) != OK)
		return xml_doc_refuse(kind, why, ERR_CONFIG,
				      "%s %.20s is not from 1 to %llu", name,
				      text, (unsigned long long)max);
	*out = (uint32_t)v;
	return OK;
}

/* The Kind by its name, which IANA has registered, or its id. */
static enum err read_id(const xmlNode *kind, struct kind *k, struct arena *a,
			struct why *why)
{
	const char *name = xml_doc_text(kind, "name", a);
	const char *id = xml_doc_text(kind, "id", a);
	const struct kind *registered;
	uint64_t v;

	if (name != NULL) {
		if ((registered = kind_registered_name(name)) == NULL)
			return xml_doc_refuse(kind, why, ERR_UNKNOWN_KIND,
					      "%.80s is required and not in "
					      "this build",
					      name);
	} else {
		if (id == NULL)
			return ERR_NOMEM;
		if (text_u64(&v, id + (*id == '+'), 1, KIND_ID_MAX) != OK)
			return xml_doc_refuse(kind, why, ERR_CONFIG,
					      "id %.20s is not a Kind-ID", id);
		k->id = (uint32_t)v;
		registered = kind_registered_id(k->id);
	}
	if (registered != NULL)
		*k = *registered;
	return OK;
}

/* Model and policy; those of a registered Kind match its registration. */
static enum err read_policy(const xmlNode *kind, struct kind *k,
			    struct arena *a, struct why *why)
{
	const char *model = child_text(kind, "data-model", a);
	const char *access = child_text(kind, "access-control", a);
	struct kind given;

	if (model == NULL || access == NULL)
		return ERR_NOMEM;
	if (kind_model_parse(&given.model, model) != OK)
		return xml_doc_refuse(kind, why, ERR_CONFIG,
				      "data-model %.40s is not in this build",
				      model);
	if (kind_access_parse(&given.access, access) != OK)
		return xml_doc_refuse(kind, why, ERR_CONFIG,
				      "access-control %.40s is not in this "
				      "build",
				      access);
	if (k->registered &&
	    (given.model != k->model || given.access != k->access))
		return xml_doc_refuse(kind, why, ERR_CONFIG,
				      "%s is registered as %s, %s", k->name,
				      kind_model_name(k->model),
				      kind_access_name(k->access));
	k->model = given.model;
	k->access = given.access;
	return OK;
}

/* CHOICE: the name of a private Kind, in a namespace of our own. */
static enum err read_label(const xmlNode *kind, struct kind *k, struct arena *a,
			   struct why *why)
{
	xmlNode *e = xml_doc_next(kind, NULL, XML_NS_LABEL, "label");
	const char *text;
	size_t n;

	if (e == NULL || k->registered)
		return OK;
	if ((text = xml_doc_text(e, NULL, a)) == NULL)
		return ERR_NOMEM;
	n = strspn(text, "abcdefghijklmnopqrstuvwxyz"
			 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.");
	if (n == 0 || text[n] != '\0' || n >= KIND_NAME_MAX ||
	    isdigit((unsigned char)text[0]) ||
	    kind_registered_name(text) != NULL)
		return xml_doc_refuse(e, why, ERR_CONFIG,
				      "%.60s is no label: letters, digits, "
				      "\"-_.\", no digit first, not a "
				      "registered name",
				      text);
	memcpy(k->name, text, n + 1);
	return OK;
}

/* The element of RFC 7904 s3.4, whose text says domain-restrictions and whose
 * grammar domain-restriction. */
static xmlNode *find_restriction(const xmlNode *kind)
{
	xmlNode *e = xml_doc_next(kind, NULL, XML_NS_SIP, "domain-restriction");

	return e != NULL ? e
			 : xml_doc_next(kind, NULL, XML_NS_SIP,
					"domain-restrictions");
}

static enum err read_patterns(struct overlay *o, const xmlNode *restriction)
{
	xmlNode *e = NULL;
	size_t n = 0;

	while ((e = xml_doc_next(restriction, e, XML_NS_SIP, "pattern")) !=
	       NULL)
		n++;
	if ((o->domain_patterns = arena_zalloc(
		     &o->arena, n, sizeof(*o->domain_patterns))) == NULL)
		return ERR_NOMEM;
	while (o->n_domain_patterns < n) {
		char *text;

		e = xml_doc_next(restriction, e, XML_NS_SIP, "pattern");
		if ((text = xml_doc_text(e, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		o->domain_patterns[o->n_domain_patterns++] = text;
	}
	return OK;
}

static enum err read_restriction(struct overlay *o, const xmlNode *kind)
{
	xmlNode *e = find_restriction(kind);
	const char *enable;

	/* A Kind that comes alone stands for all that was said before. */
	o->domain_restriction = DOMAIN_ANY;
	o->domain_patterns = NULL;
	o->n_domain_patterns = 0;
	if (e == NULL)
		return OK;
	enable = xml_doc_text(e, "enable", &o->arena);
	o->domain_restriction = DOMAIN_OVERLAY;
	if (enable == NULL || !xml_doc_is_true(enable))
		return OK;
	o->domain_restriction = DOMAIN_PATTERNS;
	return read_patterns(o, e);
}

enum err xml_kind_check_patterns(const struct overlay *o, const xmlNode *block,
				 struct why *why)
{
	const xmlNode *kind = xml_doc_next(block, NULL, XML_NS_BASE, "kind");
	const xmlNode *restriction = find_restriction(kind);
	xmlNode *e = NULL;

	for (size_t i = 0; i < o->n_domain_patterns; i++) {
		const char *text = o->domain_patterns[i];
		regex_t re;

		e = xml_doc_next(restriction, e, XML_NS_SIP, "pattern");
		if (regcomp(&re, text, REG_EXTENDED | REG_NOSUB) != 0)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "%.100s is no POSIX extended "
					      "regular expression",
					      text);
		regfree(&re);
	}
	return OK;
}

static enum err declare(struct buf *out, const xmlNs *ns)
{
	enum err r =
		buf_printf(out, " xmlns%s%s=\"", ns->prefix == NULL ? "" : ":",
			   ns->prefix == NULL ? "" : (const char *)ns->prefix);

	for (const xmlChar *p = ns->href; r == OK && *p != '\0'; p++)
		if (*p == '<' || *p == '&' || *p == '"')
			r = buf_printf(out, "&#%u;", *p);
		else
			r = buf_append_u8(out, *p);
	return r == OK ? buf_append_u8(out, '"') : r;
}

static bool declared_here(const xmlNode *n, const xmlNs *ns)
{
	for (const xmlNs *own = n->nsDef; own != NULL; own = own->next)
		if (xmlStrEqual(own->prefix, ns->prefix))
			return true;
	return false;
}

/* The block's bytes, with the prefixes that hold where it stands declared in
 * its own tag: the signature covers what is inside. */
static enum err block_xml(struct buf *out, const struct xml_doc *d,
			  const xmlNode *block)
{
	const struct xml_span *s = block->_private;
	size_t name_end = s->start + 1 + s->name.len;
	xmlNs **all = xmlGetNsList(d->doc, block);
	enum err r;

	r = buf_append(out, d->raw.p + s->start, name_end - s->start);
	for (size_t i = 0; r == OK && all != NULL && all[i] != NULL; i++)
		if (!declared_here(block, all[i]))
			r = declare(out, all[i]);
	xmlFree(all);
	if (r == OK)
		r = buf_append(out, d->raw.p + name_end, s->end - name_end);
	return r;
}

enum err xml_kind_read(struct overlay *o, const struct xml_doc *d,
		       const xmlNode *block, struct kind *k,
		       struct kind_block *kb, struct why *why)
{
	xmlNode *kind = xml_doc_next(block, NULL, XML_NS_BASE, "kind");
	struct buf xml = BUF_INIT(KIND_BLOCK_MAX);
	struct arena *a = &o->arena;
	enum err r;

	*k = (struct kind){ 0 };
	if ((r = read_id(kind, k, a, why)) != OK ||
	    (r = read_policy(kind, k, a, why)) != OK)
		return r;
	k->max_node_multiple = 0;
	/* CHOICE: i is one byte in H(Node-ID || i), as in TurnServer. */
	if ((r = read_limit(kind, "max-count", INT32_MAX, &k->max_count, a,
			    why)) != OK ||
	    (r = read_limit(kind, "max-size", INT32_MAX, &k->max_size, a,
			    why)) != OK ||
	    (r = read_limit(kind, "max-node-multiple", UINT8_MAX,
			    &k->max_node_multiple, a, why)) != OK ||
	    (r = read_label(kind, k, a, why)) != OK)
		return r;
	if (k->access == ACCESS_NODE_MULTIPLE && k->max_node_multiple == 0)
		return xml_doc_refuse(kind, why, ERR_CONFIG,
				      "NODE-MULTIPLE without "
				      "max-node-multiple");
	if (k->id == KIND_SIP_REGISTRATION &&
	    (r = read_restriction(o, kind)) != OK)
		return r;
	if ((r = block_xml(&xml, d, block)) == OK)
		r = arena_dup(a, buf_slice(&xml), &kb->xml);
	else if (r == ERR_LIMIT)
		r = xml_doc_refuse(block, why, ERR_CONFIG,
				   "larger than %d bytes", KIND_BLOCK_MAX);
	kb->kind = k->id;
	buf_clear(&xml);
	return r;
}
