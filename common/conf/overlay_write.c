/* SPDX-License-Identifier: ISC */
/*
 * Configuration documents as text: a new overlay's, and what signing puts into
 * an edited one, byte for byte beside what the operator wrote.  RFC 6940 s11.1.
 */
#include "conf/overlay_write.h"

#include <stdio.h>

#include "base/text.h"
#include "conf/address.h"
#include "conf/blob.h"
#include "conf/xml_doc.h"

/* ---- a new document ---- */

/* Kinds of our own for scripts; the registered ones come with every overlay. */
static const struct kind private_kinds[] = {
	{ 0xf0000001, "USER-VALUE", MODEL_SINGLE, ACCESS_USER_MATCH, 1, 32768,
	  0, false },
	{ 0xf0000002, "USER-ARRAY", MODEL_ARRAY, ACCESS_USER_MATCH, 256, 8192,
	  0, false },
	{ 0xf0000003, "USER-DICT", MODEL_DICTIONARY, ACCESS_USER_MATCH, 256,
	  8192, 0, false },
	{ 0xf0000004, "NODE-VALUE", MODEL_SINGLE, ACCESS_NODE_MATCH, 1, 32768,
	  0, false },
};

static enum err write_kind(struct buf *out, const struct kind *k)
{
	enum err r;

	if (k->registered)
		r = buf_printf(out,
			       "      <kind-block>\n"
			       "        <kind name=\"%s\">\n",
			       k->name);
	else
		r = buf_printf(out,
			       "      <kind-block>\n"
			       "        <kind id=\"%u\">\n"
			       "          <label xmlns=\"" XML_NS_LABEL
			       "\">%s</label>\n",
			       (unsigned)k->id, k->name);
	if (r == OK)
		r = buf_printf(out,
			       "          <data-model>%s</data-model>\n"
			       "          <access-control>%s</access-control>\n"
			       "          <max-count>%u</max-count>\n"
			       "          <max-size>%u</max-size>\n",
			       kind_model_name(k->model),
			       kind_access_name(k->access),
			       (unsigned)k->max_count, (unsigned)k->max_size);
	if (r == OK && k->max_node_multiple > 0)
		r = buf_printf(out,
			       "          <max-node-multiple>%u"
			       "</max-node-multiple>\n",
			       (unsigned)k->max_node_multiple);
	if (r == OK)
		r = buf_printf(out, "        </kind>\n"
				    "      </kind-block>\n");
	return r;
}

static enum err write_kinds(struct buf *out)
{
	const struct kind *k;
	enum err r = buf_printf(out, "    <required-kinds>\n");

	for (uint32_t i = 0; r == OK && (k = kind_registered(i)) != NULL; i++)
		r = write_kind(out, k);
	for (size_t i = 0;
	     r == OK && i < sizeof(private_kinds) / sizeof(private_kinds[0]);
	     i++)
		r = write_kind(out, &private_kinds[i]);
	return r == OK ? buf_printf(out, "    </required-kinds>\n") : r;
}

static enum err write_roots(struct buf *out,
			    const struct overlay_write_draft *d)
{
	enum err r;

	if ((r = buf_printf(out, "    <root-cert>")) != OK ||
	    (r = text_base64(out, d->root_cert)) != OK ||
	    (r = buf_printf(out, "</root-cert>\n")) != OK)
		return r;
	if (d->self_signed)
		r = buf_printf(out, "    <self-signed-permitted "
				    "digest=\"sha256\">true"
				    "</self-signed-permitted>\n");
	if (r == OK && d->enrollment_server != NULL)
		r = buf_printf(out,
			       "    <enrollment-server>%s"
			       "</enrollment-server>\n",
			       d->enrollment_server);
	return r;
}

static enum err write_bootstrap(struct buf *out,
				const struct ip_address_port *a)
{
	char text[ADDRESS_TEXT_MAX];

	return buf_printf(out,
			  "    <bootstrap-node address=\"%s\" port=\"%u\"/>\n",
			  address_format_host(a, text), a->port);
}

/* RFC 6940 s11.1: "TLS" is both. */
static const char *link_protocol(uint8_t bits)
{
	return bits == LINK_PROTOCOL_TLS    ? "TLS-TCP-FH-NO-ICE"
	       : bits == LINK_PROTOCOL_DTLS ? "DTLS-UDP-SR-NO-ICE"
					    : "TLS";
}

enum err overlay_write_draft(struct buf *out,
			     const struct overlay_write_draft *d)
{
	char id[ID_TEXT_MAX];
	enum err r;

	r = buf_printf(out,
		       "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		       "<overlay xmlns=\"" XML_NS_BASE "\"\n"
		       "    xmlns:chord=\"" XML_NS_CHORD "\">\n"
		       "  <configuration instance-name=\"%s\">\n"
		       "    <topology-plugin>CHORD-RELOAD</topology-plugin>\n"
		       "    <node-id-length>16</node-id-length>\n",
		       d->name);
	if (r == OK)
		r = write_roots(out, d);
	for (size_t i = 0; r == OK && i < d->n_bootstrap; i++)
		r = write_bootstrap(out, &d->bootstrap[i]);
	if (r == OK)
		r = buf_printf(
			out,
			"    <no-ice>true</no-ice>\n"
			"    <clients-permitted>true</clients-permitted>\n"
			"    <max-message-size>60000</max-message-size>\n"
			"    <overlay-link-protocol>%s"
			"</overlay-link-protocol>\n"
			"    <chord:chord-reactive>true"
			"</chord:chord-reactive>\n"
			"    <chord:chord-update-interval>600"
			"</chord:chord-update-interval>\n"
			"    <chord:chord-ping-interval>3600"
			"</chord:chord-ping-interval>\n"
			"    <configuration-signer>%s</configuration-signer>\n"
			"    <kind-signer>%s</kind-signer>\n",
			link_protocol(d->link_protocols),
			id_format(d->signer, NODE_ID_MIN, id), id);
	if (r == OK)
		r = write_kinds(out);
	return r == OK ? buf_printf(out, "  </configuration>\n</overlay>\n")
		       : r;
}

/* ---- signing ---- */

/* The bytes of `raw` go to `out` up to a place; edits are made in order. */
struct splice {
	struct slice raw;
	struct buf *out;
	size_t done; /* bytes of raw that are in out, or dropped */
};

static enum err copy_to(struct splice *s, size_t at)
{
	size_t from = s->done;

	s->done = at;
	return buf_append(s->out, s->raw.p + from, at - from);
}

/* Where in a start tag the value of an attribute stands, without its quotes;
 * false when it has no such attribute. */
static bool find_attribute(struct slice raw, const struct xml_span *e,
			   const char *name, size_t *start, size_t *end)
{
	size_t n = strlen(name), i = e->start + 1 + e->name.len;

	while (i < e->tag_end) {
		size_t from, at;
		uint8_t quote;

		while (i < e->tag_end && strchr(" \t\r\n/>", raw.p[i]) != NULL)
			i++;
		for (from = i;
		     i < e->tag_end && raw.p[i] != '"' && raw.p[i] != '\'';)
			i++;
		if (i >= e->tag_end)
			return false;
		quote = raw.p[i++];
		for (at = i; i < e->tag_end && raw.p[i] != quote;)
			i++;
		if (memcmp(raw.p + from, name, n) == 0 &&
		    strchr("= \t\r\n", raw.p[from + n]) != NULL) {
			*start = at;
			*end = i;
			return true;
		}
		i++;
	}
	return false;
}

/* Gives the configuration's start tag this attribute. */
static enum err set_attribute(struct buf *out, struct slice raw,
			      const struct xml_span *e, const char *name,
			      const char *value)
{
	struct splice s = { .raw = raw, .out = out };
	size_t start, end;
	enum err r;

	if (find_attribute(raw, e, name, &start, &end)) {
		if ((r = copy_to(&s, start)) != OK ||
		    (r = buf_printf(out, "%s", value)) != OK)
			return r;
		s.done = end;
	} else if ((r = copy_to(&s, e->start + 1 + e->name.len)) != OK ||
		   (r = buf_printf(out, " %s=\"%s\"", name, value)) != OK) {
		return r;
	}
	return copy_to(&s, raw.len);
}

/* The name of an element beside `e`: with the same prefix. */
static struct slice prefix_of(const struct xml_span *e)
{
	const uint8_t *colon = memchr(e->name.p, ':', e->name.len);

	return slice_of(e->name.p,
			colon == NULL ? 0 : (size_t)(colon - e->name.p) + 1);
}

static enum err write_element(struct buf *out, struct slice prefix,
			      const char *name, struct slice text)
{
	enum err r = buf_printf(out, "<%.*s%s>", (int)prefix.len,
				(const char *)prefix.p, name);

	if (r == OK)
		r = buf_append_slice(out, text);
	return r != OK ? r
		       : buf_printf(out, "</%.*s%s>", (int)prefix.len,
				    (const char *)prefix.p, name);
}

static xmlNode *find_configuration(const struct xml_doc *d, const char *name)
{
	xmlNode *root = xmlDocGetRootElement(d->doc), *n = NULL;

	while ((n = xml_doc_next(root, n, XML_NS_BASE, "configuration")) !=
	       NULL)
		if (name == NULL || xml_doc_has(n, "instance-name", name))
			break;
	return n;
}

static enum err add_bad_nodes(struct buf *out, struct slice raw,
			      const struct xml_span *e,
			      const struct overlay_write_edit *edit)
{
	struct splice s = { .raw = raw, .out = out };
	enum err r = copy_to(&s, e->content_end);

	for (size_t i = 0; r == OK && i < edit->n_bad_nodes; i++) {
		char id[ID_TEXT_MAX];

		id_format(&edit->bad_nodes[i], NODE_ID_MIN, id);
		if ((r = buf_printf(out, "  ")) == OK &&
		    (r = write_element(out, prefix_of(e), "bad-node",
				       slice_str(id))) == OK)
			r = buf_printf(out, "\n  ");
	}
	return r == OK ? copy_to(&s, raw.len) : r;
}

static enum err sign_kinds(struct buf *out, const struct xml_doc *d,
			   xmlNode *conf, const struct overlay_write_edit *edit)
{
	struct splice s = { .raw = d->raw, .out = out };
	struct buf base64 = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	xmlNode *required = xml_doc_next(conf, NULL, XML_NS_BASE,
					 "required-kinds");
	xmlNode *block = NULL;
	enum err r = OK;

	while (r == OK && required != NULL &&
	       (block = xml_doc_next(required, block, XML_NS_BASE,
				     "kind-block")) != NULL) {
		xmlNode *kind = xml_doc_next(block, NULL, XML_NS_BASE, "kind");
		xmlNode *old = xml_doc_next(block, NULL, XML_NS_BASE,
					    "kind-signature");
		const struct xml_span *at = old != NULL ? old->_private
							: kind->_private;

		buf_reset(&base64);
		if ((r = blob_sign(&base64, xml_doc_raw(d, kind), edit->crypto,
				   edit->signer, NODE_ID_MIN)) != OK ||
		    (r = copy_to(&s, old != NULL ? at->start : at->end)) != OK)
			break;
		s.done = at->end;
		r = write_element(out, prefix_of(block->_private),
				  "kind-signature", buf_slice(&base64));
	}
	buf_clear(&base64);
	return r == OK ? copy_to(&s, d->raw.len) : r;
}

static enum err sign_configuration(struct buf *out, const struct xml_doc *d,
				   xmlNode *conf,
				   const struct overlay_write_edit *edit)
{
	const struct xml_span *e = conf->_private, *last = e;
	struct splice s = { .raw = d->raw, .out = out };
	struct buf base64 = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	enum err r;

	/* What was signed before goes. */
	for (xmlNode *n = xmlNextElementSibling(conf);
	     n != NULL && strcmp((const char *)n->name, "signature") == 0;
	     n = xmlNextElementSibling(n))
		last = n->_private;
	if ((r = blob_sign(&base64, xml_doc_raw(d, conf), edit->crypto,
			   edit->signer, NODE_ID_MIN)) == OK &&
	    (r = copy_to(&s, e->end)) == OK &&
	    (r = buf_printf(out, "\n  ")) == OK) {
		s.done = last->end;
		r = write_element(out, prefix_of(e), "signature",
				  buf_slice(&base64));
	}
	buf_clear(&base64);
	return r == OK ? copy_to(&s, d->raw.len) : r;
}

enum step { STEP_SEQUENCE, STEP_EXPIRATION, STEP_BAD, STEP_KINDS, STEP_SIGN };

/* One change of the text; places move with each, so each parses anew. */
static enum err change(enum step step, struct buf *out, struct slice raw,
		       const struct overlay_write_edit *edit, struct why *why)
{
	char sequence[8], expiration[32];
	struct xml_doc d;
	xmlNode *conf;
	enum err r;

	if ((r = xml_doc_open(&d, raw, why)) != OK)
		return r;
	if ((conf = find_configuration(&d, edit->name)) == NULL) {
		r = why_err(why, ERR_CONFIG, "it is not about that overlay");
	} else if (step == STEP_SEQUENCE) {
		(void)snprintf(sequence, sizeof(sequence), "%u",
			       edit->sequence); /* fits */
		r = set_attribute(out, raw, conf->_private, "sequence",
				  sequence);
	} else if (step == STEP_EXPIRATION) {
		r = set_attribute(
			out, raw, conf->_private, "expiration",
			text_format_time(edit->expiration_ms, expiration));
	} else if (step == STEP_BAD) {
		r = add_bad_nodes(out, raw, conf->_private, edit);
	} else if (step == STEP_KINDS) {
		r = sign_kinds(out, &d, conf, edit);
	} else {
		r = sign_configuration(out, &d, conf, edit);
	}
	xml_doc_close(&d);
	return r;
}

enum err overlay_write_sign(struct buf *out, struct slice raw,
			    const struct overlay_write_edit *edit,
			    struct why *why)
{
	struct buf text[2] = { BUF_INIT(OVERLAY_DOCUMENT_MAX),
			       BUF_INIT(OVERLAY_DOCUMENT_MAX) };
	unsigned at = 0;
	enum err r = buf_append_slice(&text[at], raw);

	for (enum step step = STEP_SEQUENCE; r == OK && step <= STEP_SIGN;
	     step++) {
		if ((step == STEP_EXPIRATION && edit->expiration_ms == 0) ||
		    (step == STEP_BAD && edit->n_bad_nodes == 0))
			continue;
		buf_reset(&text[!at]);
		r = change(step, &text[!at], buf_slice(&text[at]), edit, why);
		at = !at;
	}
	if (r == OK)
		r = buf_append_slice(out, buf_slice(&text[at]));
	buf_clear(&text[0]);
	buf_clear(&text[1]);
	return r;
}
