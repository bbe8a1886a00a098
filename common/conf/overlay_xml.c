/* SPDX-License-Identifier: ISC */
/*
 * Whether a configuration document may be believed: whose signature it bears,
 * whether it is newer than the one in use and not expired, and who defined its
 * Kinds (RFC 6940 s11.1, s6.5.4).  What is in it is xml_read.c's.
 */
#include "conf/overlay_xml.h"

#include "base/text.h"
#include "conf/blob.h"
#include "conf/compiled.h"
#include "conf/xml_kind.h"
#include "conf/xml_read.h"

/* The configuration meant; NULL with the reason. */
static xmlNode *choose(const struct xml_doc *d, const char *name,
		       struct why *why)
{
	const xmlNode *root = xmlDocGetRootElement(d->doc);
	xmlNode *n = NULL, *found = NULL;
	size_t all = 0;

	while ((n = xml_doc_next(root, n, XML_NS_BASE, "configuration")) !=
	       NULL) {
		all++;
		if (name == NULL || xml_doc_has(n, "instance-name", name))
			found = found == NULL ? n : found;
	}
	if (name == NULL && all > 1) {
		(void)why_err(why, ERR_CONFIG,
			      "it has %zu configurations: say which overlay",
			      all);
		return NULL;
	}
	if (found == NULL)
		(void)why_err(why, ERR_CONFIG,
			      "it is not about the overlay %.200s", name);
	return found;
}

static enum err hash_name(struct overlay *o, const struct crypto *c)
{
	struct slice name = slice_str(o->name);
	uint8_t h[HASH_LEN_MAX];
	size_t len;
	enum err r = c->hash(c->ctx, HASH_SHA1, &name, 1, h, &len);

	if (r != OK)
		return r;
	/* CHOICE: "lower 32 bits" are the last four bytes. */
	o->hash = (uint32_t)h[len - 4] << 24 | (uint32_t)h[len - 3] << 16 |
		  (uint32_t)h[len - 2] << 8 | h[len - 1];
	return OK;
}

/* Signed by a configuration-signer of `by`, whose roots `c` trusts. */
static enum err check_signature(const struct xml_doc *d, xmlNode *conf,
				const struct overlay *by,
				const struct crypto *c, uint64_t now_ms,
				struct why *why)
{
	struct blob_judge j = { c, by, by->configuration_signers,
				by->n_configuration_signers, now_ms };
	struct why reason = { "there is none" };
	struct node_id who;
	enum err r = ERR_CONFIG_SIGNATURE;

	for (xmlNode *n = xmlNextElementSibling(conf);
	     n != NULL && strcmp((const char *)n->name, "signature") == 0;
	     n = xmlNextElementSibling(n)) {
		xmlChar *text = xmlNodeGetContent(n);

		if (text == NULL)
			return ERR_NOMEM;
		r = blob_verify(xml_doc_raw(d, conf),
				slice_str((const char *)text), &j, &who,
				&reason);
		xmlFree(text);
		if (r == OK || r == ERR_NOMEM)
			return r;
	}
	return why_err(why, r, "%.200s", reason.text);
}

static enum err check_kind_signature(const struct xml_doc *d,
				     const xmlNode *block,
				     const struct blob_judge *j,
				     struct kind_block *kb, struct why *why)
{
	xmlNode *kind = xml_doc_next(block, NULL, XML_NS_BASE, "kind");
	xmlNode *sig = xml_doc_next(block, NULL, XML_NS_BASE, "kind-signature");
	struct why reason = { "" };
	xmlChar *text;
	enum err r;

	/* CHOICE: the grammar lets it be absent, the text does not. */
	if (sig == NULL)
		return xml_doc_refuse(block, why, ERR_CONFIG_SIGNATURE,
				      "no kind-signature");
	if ((text = xmlNodeGetContent(sig)) == NULL)
		return ERR_NOMEM;
	r = blob_verify(xml_doc_raw(d, kind), slice_str((const char *)text), j,
			&kb->signer, &reason);
	xmlFree(text);
	return r == OK ? OK
		       : xml_doc_refuse(sig, why, r, "%.150s", reason.text);
}

static enum err check_kinds(const struct xml_doc *d, const xmlNode *conf,
			    struct overlay *o, const struct crypto *c,
			    uint64_t now_ms, struct why *why)
{
	struct blob_judge j = { c, o, o->kind_signers, o->n_kind_signers,
				now_ms };
	xmlNode *required = xml_doc_next(conf, NULL, XML_NS_BASE,
					 "required-kinds");
	xmlNode *block = NULL;
	enum err r = OK;

	for (size_t i = 0; r == OK && i < o->n_kind_blocks; i++) {
		block = xml_doc_next(required, block, XML_NS_BASE,
				     "kind-block");
		r = check_kind_signature(d, block, &j, &o->kind_blocks[i], why);
	}
	return r;
}

static enum err open_crypto(const struct overlay_xml_judge *j,
			    const struct overlay *o, struct crypto **out,
			    struct why *why)
{
	enum err r = j->crypto_open(o, out);

	return r != ERR_CERT ? r
			     : why_err(why, ERR_CONFIG,
				       "a root-cert is no X.509 certificate");
}

static bool may_sign_kinds(const struct overlay *o, const struct node_id *id)
{
	if (overlay_is_bad_node(o, id))
		return false;
	for (size_t i = 0; i < o->n_kind_signers; i++)
		if (id_eq(&o->kind_signers[i], id))
			return true;
	return false;
}

/* Puts a block and its Kind into `o`; what points elsewhere is copied. */
static enum err add_kind(struct overlay *o, const struct kind *k,
			 const struct kind_block *kb)
{
	struct kind_block *v, copy = *kb;
	enum err r;

	if ((r = arena_dup(&o->arena, kb->xml, &copy.xml)) != OK ||
	    (r = kinds_add(&o->kinds, k)) != OK)
		return r;
	for (size_t i = 0; i < o->n_kind_blocks; i++)
		if (o->kind_blocks[i].kind == kb->kind) {
			o->kind_blocks[i] = copy;
			return OK;
		}
	v = arena_zalloc(&o->arena, o->n_kind_blocks + 1, sizeof(*v));
	if (v == NULL)
		return ERR_NOMEM;
	if (o->n_kind_blocks != 0)
		memcpy(v, o->kind_blocks, o->n_kind_blocks * sizeof(*v));
	v[o->n_kind_blocks++] = copy;
	o->kind_blocks = v;
	return OK;
}

/* What a learned SIP-REGISTRATION says of domains stays with it. */
static enum err keep_domains(struct overlay *o, const struct overlay *previous)
{
	size_t n = previous->n_domain_patterns;

	o->domain_restriction = previous->domain_restriction;
	if ((o->domain_patterns = arena_zalloc(
		     &o->arena, n, sizeof(*o->domain_patterns))) == NULL)
		return ERR_NOMEM;
	for (; o->n_domain_patterns < n; o->n_domain_patterns++) {
		struct slice text = slice_str(
			previous->domain_patterns[o->n_domain_patterns]);
		char *copy = arena_str(&o->arena, text);

		if (copy == NULL)
			return ERR_NOMEM;
		o->domain_patterns[o->n_domain_patterns] = copy;
	}
	return OK;
}

/* A learned Kind into a document that does not have it; its label may be
 * another's there. */
static enum err keep_kind(struct overlay *o, const struct overlay *previous,
			  const struct kind_block *kb)
{
	struct kind k = *kinds_find(&previous->kinds, kb->kind);
	enum err r;

	if (!k.registered && kinds_find_name(&o->kinds, k.name) != NULL)
		k.name[0] = '\0';
	if ((r = add_kind(o, &k, kb)) == OK && k.id == KIND_SIP_REGISTRATION)
		r = keep_domains(o, previous);
	return r;
}

/* Kinds that came by ConfigUpdate outlive the document, unless the new one
 * names them or their signer may no longer sign (RFC 6940 s11.1). */
static enum err keep_learned(struct overlay *o, const struct overlay *previous)
{
	for (size_t i = 0; i < previous->n_kind_blocks; i++) {
		const struct kind_block *kb = &previous->kind_blocks[i];
		bool here = kinds_find(&previous->kinds, kb->kind) == NULL;
		enum err r;

		for (size_t n = 0; n < o->n_kind_blocks; n++)
			here |= o->kind_blocks[n].kind == kb->kind;
		if (!kb->learned || here || !may_sign_kinds(o, &kb->signer))
			continue;
		if ((r = keep_kind(o, previous, kb)) != OK)
			return r;
	}
	return OK;
}

/* What needs neither keys nor signatures. */
static enum err check_standing(const struct overlay *o,
			       const struct overlay_xml_judge *j,
			       struct why *why)
{
	char at[32];

	if (j->previous != NULL &&
	    !overlay_newer(o->sequence, j->previous->sequence))
		return why_err(why, ERR_CONFIG_OLD, "sequence %u, in use is %u",
			       o->sequence, j->previous->sequence);
	if (o->expiration_ms <= j->now_ms)
		return why_err(why, ERR_CONFIG_EXPIRED, "at %s",
			       text_format_time(o->expiration_ms, at));
	if (o->n_root_certs == 0 && !o->self_signed_permitted)
		return why_err(why, ERR_CONFIG,
			       "no root-cert, and self-signed certificates are "
			       "not permitted: nobody could join");
	return OK;
}

static enum err judge(struct overlay *o, const struct xml_doc *d, xmlNode *conf,
		      const struct overlay_xml_judge *j, struct why *why)
{
	/* A document does not bring the roots that its own signature is
	 * checked with, unless it is the first. */
	const struct overlay *by = j->previous != NULL ? j->previous : o;
	struct crypto *own = NULL, *theirs = NULL;
	enum err r;

	if ((r = check_standing(o, j, why)) != OK ||
	    (r = open_crypto(j, o, &own, why)) != OK ||
	    (r = hash_name(o, own)) != OK)
		goto out;
	if (j->previous != NULL &&
	    (r = open_crypto(j, j->previous, &theirs, why)) != OK)
		goto out;
	/* Nobody could sign a first document that names no signer. */
	if (j->previous != NULL || o->n_configuration_signers > 0)
		r = check_signature(d, conf, by, theirs ? theirs : own,
				    j->now_ms, why);
	if (r != OK || (r = check_kinds(d, conf, o, own, j->now_ms, why)) != OK)
		goto out;
	if (j->previous != NULL)
		r = keep_learned(o, j->previous);
out:
	j->crypto_close(own);
	j->crypto_close(theirs);
	return r;
}

/* The block of SIP-REGISTRATION; NULL when the configuration has none. */
static xmlNode *sip_block(const struct overlay *o, const xmlNode *conf)
{
	xmlNode *required = xml_doc_next(conf, NULL, XML_NS_BASE,
					 "required-kinds");
	xmlNode *n = NULL;
	size_t i = 0;

	while (required != NULL && (n = xml_doc_next(required, n, XML_NS_BASE,
						     "kind-block")) != NULL)
		if (o->kind_blocks[i++].kind == KIND_SIP_REGISTRATION)
			return n;
	return NULL;
}

static enum err load(struct overlay **out, struct slice raw, const char *name,
		     const struct overlay_xml_judge *j, struct why *why)
{
	struct overlay *o = NULL;
	xmlNode *conf = NULL, *sip;
	struct xml_doc d;
	enum err r;

	if ((r = xml_doc_open(&d, raw, why)) != OK)
		return r;
	if ((o = overlay_new()) == NULL)
		r = ERR_NOMEM;
	else if ((conf = choose(&d, name, why)) == NULL)
		r = ERR_CONFIG;
	if (r == OK && (r = xml_read_configuration(o, &d, conf, why)) == OK &&
	    (r = arena_dup(&o->arena, raw, &o->document)) == OK && j != NULL)
		r = judge(o, &d, conf, j, why);
	if (r == OK && (sip = sip_block(o, conf)) != NULL)
		r = xml_kind_check_patterns(o, sip, why);
	xml_doc_close(&d);
	if (r == OK)
		*out = o;
	else
		overlay_free(o);
	return r;
}

enum err overlay_xml_load(struct overlay **out, struct slice raw,
			  const struct overlay_xml_judge *j, struct why *why)
{
	const char *name = j->name;

	if (name == NULL && j->previous != NULL)
		name = j->previous->name;
	return load(out, raw, name, j, why);
}

enum err overlay_xml_parse(struct overlay **out, struct slice raw,
			   const char *name, struct why *why)
{
	return load(out, raw, name, NULL, why);
}

/* ---- a Kind alone ---- */

static const char before[] = "<overlay xmlns=\"" XML_NS_BASE
			     "\"><configuration instance-name=\"-\">"
			     "<required-kinds>";
static const char after[] = "</required-kinds></configuration></overlay>";

/* The one kind-block of the document around it. */
static xmlNode *only_block(const struct xml_doc *d)
{
	xmlNode *n = xmlDocGetRootElement(d->doc);

	/* overlay, configuration, required-kinds, kind-block */
	for (int depth = 0; depth < 3; depth++)
		if ((n = xmlFirstElementChild(n)) == NULL ||
		    xmlNextElementSibling(n) != NULL)
			return NULL;
	return n;
}

static enum err take_kind(struct overlay *o, const struct xml_doc *d,
			  const xmlNode *block, const struct crypto *c,
			  uint64_t now_ms, struct why *why)
{
	struct blob_judge j = { c, o, o->kind_signers, o->n_kind_signers,
				now_ms };
	struct kind_block kb = { .learned = true };
	const struct kind *same;
	struct kind k;
	enum err r;

	if ((r = xml_kind_read(o, d, block, &k, &kb, why)) != OK ||
	    (r = check_kind_signature(d, block, &j, &kb, why)) != OK ||
	    (k.id == KIND_SIP_REGISTRATION &&
	     (r = xml_kind_check_patterns(o, block, why)) != OK))
		return r;
	same = kinds_find_name(&o->kinds, k.name);
	if (same != NULL && same->id != k.id)
		return why_err(why, ERR_FORBIDDEN, "Kind %u has the label %s",
			       (unsigned)same->id, k.name);
	for (size_t i = 0; i < o->n_kind_blocks; i++) {
		if (o->kind_blocks[i].kind != k.id)
			continue;
		if (!id_eq(&o->kind_blocks[i].signer, &kb.signer))
			return why_err(why, ERR_FORBIDDEN,
				       "Kind %u is another signer's",
				       (unsigned)k.id);
		kb.learned = o->kind_blocks[i].learned;
	}
	return add_kind(o, &k, &kb);
}

enum err overlay_xml_add_kind(struct overlay **out, struct slice block,
			      const struct overlay_xml_judge *j,
			      struct why *why)
{
	struct buf text = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct xml_doc d = { 0 };
	struct crypto *c = NULL;
	struct overlay *o = NULL;
	xmlNode *n;
	enum err r;

	if ((r = buf_append(&text, before, sizeof(before) - 1)) != OK ||
	    (r = buf_append_slice(&text, block)) != OK ||
	    (r = buf_append(&text, after, sizeof(after) - 1)) != OK ||
	    (r = xml_doc_open(&d, buf_slice(&text), why)) != OK)
		goto out;
	if ((n = only_block(&d)) == NULL) {
		r = why_err(why, ERR_CONFIG, "not one kind-block alone");
		goto out;
	}
	if ((r = compiled_copy(&o, j->previous)) == OK &&
	    (r = open_crypto(j, o, &c, why)) == OK)
		r = take_kind(o, &d, n, c, j->now_ms, why);
out:
	j->crypto_close(c);
	xml_doc_close(&d);
	buf_clear(&text);
	if (r == OK)
		*out = o;
	else
		overlay_free(o);
	return r;
}
