/* SPDX-License-Identifier: ISC */
/*
 * From the elements of a configuration to a struct overlay: ranges, defaults,
 * what this build supports (RFC 6940 s11.1).  Kinds are xml_kind.c's,
 * signatures overlay_xml.c's.
 */
#include "conf/xml_read.h"

#include <strings.h>

#include "base/text.h"
#include "conf/address.h"
#include "conf/xml_kind.h"
#include "core/limits.h"

/* Numbers with their range and their place in struct overlay. */
static const struct number {
	const char *ns, *name;
	uint64_t min, max;
	size_t offset, size;
} numbers[] = {
#define NUMBER(ns, name, min, max, field)                                      \
	{                                                                      \
		ns, name, min, max, offsetof(struct overlay, field),           \
			sizeof(((struct overlay *)NULL)->field)                \
	}
	NUMBER(XML_NS_BASE, "node-id-length", NODE_ID_MIN, NODE_ID_MAX,
	       node_id_length),
	NUMBER(XML_NS_BASE, "max-message-size", 1000, FRAME_MAX,
	       max_message_size),
	NUMBER(XML_NS_BASE, "initial-ttl", 1, UINT8_MAX, initial_ttl),
	NUMBER(XML_NS_BASE, "turn-density", 0, UINT8_MAX, turn_density),
	NUMBER(XML_NS_BASE, "overlay-reliability-timer", 200, 3600000,
	       reliability_timer_ms),
	NUMBER(XML_NS_CHORD, "chord-update-interval", 1, INT32_MAX,
	       chord_update_interval_s),
	NUMBER(XML_NS_CHORD, "chord-ping-interval", 1, INT32_MAX,
	       chord_ping_interval_s),
#undef NUMBER
};

static const struct flag {
	const char *ns, *name;
	size_t offset;
} flags[] = {
	{ XML_NS_BASE, "no-ice", offsetof(struct overlay, no_ice) },
	{ XML_NS_BASE, "clients-permitted",
	  offsetof(struct overlay, clients_permitted) },
	{ XML_NS_BASE, "self-signed-permitted",
	  offsetof(struct overlay, self_signed_permitted) },
	{ XML_NS_CHORD, "chord-reactive",
	  offsetof(struct overlay, chord_reactive) },
};

/* Namespaces that a mandatory-extension may name. */
static const char *const extensions[] = { XML_NS_BASE, XML_NS_CHORD, XML_NS_SIP,
					  XML_NS_LABEL };

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* A small number of `size` bytes in host order. */
static void put(void *at, size_t size, uint64_t v)
{
	if (size == sizeof(uint8_t))
		*(uint8_t *)at = (uint8_t)v;
	else
		*(uint32_t *)at = (uint32_t)v;
}

static enum err read_numbers(struct overlay *o, const xmlNode *conf,
			     struct why *why)
{
	for (size_t i = 0; i < N_OF(numbers); i++) {
		const struct number *f = &numbers[i];
		xmlNode *n = xml_doc_next(conf, NULL, f->ns, f->name);
		const char *text;
		uint64_t v;

		if (n == NULL)
			continue;
		if ((text = xml_doc_text(n, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		if (text_u64(&v, text + (*text == '+'), f->min, f->max) != OK)
			return xml_doc_refuse(n, why, ERR_CONFIG,
					      "%.20s is not from %llu to %llu",
					      text, (unsigned long long)f->min,
					      (unsigned long long)f->max);
		put((uint8_t *)o + f->offset, f->size, v);
	}
	return OK;
}

static enum err read_flags(struct overlay *o, const xmlNode *conf)
{
	for (size_t i = 0; i < N_OF(flags); i++) {
		xmlNode *n = xml_doc_next(conf, NULL, flags[i].ns,
					  flags[i].name);
		const char *text;

		if (n == NULL)
			continue;
		if ((text = xml_doc_text(n, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		*(bool *)((uint8_t *)o + flags[i].offset) =
			xml_doc_is_true(text);
	}
	return OK;
}

static size_t count(const xmlNode *conf, const char *name)
{
	xmlNode *n = NULL;
	size_t k = 0;

	while ((n = xml_doc_next(conf, n, XML_NS_BASE, name)) != NULL)
		k++;
	return k;
}

static enum err read_node_ids(struct overlay *o, const xmlNode *conf,
			      const char *name, struct node_id **out,
			      size_t *n_out, struct why *why)
{
	size_t n = count(conf, name);
	struct node_id *v = arena_zalloc(&o->arena, n, sizeof(*v));
	xmlNode *e = NULL;

	if (v == NULL)
		return ERR_NOMEM;
	*out = v;
	for (*n_out = 0; *n_out < n; ++*n_out) {
		const char *text;

		e = xml_doc_next(conf, e, XML_NS_BASE, name);
		if ((text = xml_doc_text(e, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		if (id_parse(&v[*n_out], o->node_id_length, text) != OK)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "%.48s is no Node-ID of %d hex "
					      "digits",
					      text, 2 * o->node_id_length);
	}
	return OK;
}

static enum err read_roots(struct overlay *o, const xmlNode *conf,
			   struct why *why)
{
	size_t n = count(conf, "root-cert");
	struct buf der = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	xmlNode *e = NULL;
	enum err r = OK;

	if ((o->root_certs = arena_zalloc(&o->arena, n,
					  sizeof(*o->root_certs))) == NULL)
		return ERR_NOMEM;
	for (; r == OK && o->n_root_certs < n; o->n_root_certs++) {
		const char *text;

		buf_reset(&der);
		e = xml_doc_next(conf, e, XML_NS_BASE, "root-cert");
		if ((text = xml_doc_text(e, NULL, &o->arena)) == NULL)
			r = ERR_NOMEM;
		else if (text_unbase64(&der, slice_str(text)) != OK)
			r = xml_doc_refuse(e, why, ERR_CONFIG, "not in base64");
		else
			r = arena_dup(&o->arena, buf_slice(&der),
				      &o->root_certs[o->n_root_certs]);
	}
	buf_clear(&der);
	return r;
}

static enum err read_servers(struct overlay *o, const xmlNode *conf,
			     struct why *why)
{
	size_t n = count(conf, "enrollment-server");
	xmlNode *e = NULL;
	char *url;

	if ((o->enrollment_servers = arena_zalloc(
		     &o->arena, n, sizeof(*o->enrollment_servers))) == NULL)
		return ERR_NOMEM;
	while (o->n_enrollment_servers < n) {
		e = xml_doc_next(conf, e, XML_NS_BASE, "enrollment-server");
		if ((url = xml_doc_text(e, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		if (strncasecmp(url, "https://", 8) != 0)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "%.80s is not an https: URL",
					      url);
		o->enrollment_servers[o->n_enrollment_servers++] = url;
	}
	return OK;
}

static enum err read_bootstrap(struct overlay *o, const xmlNode *conf,
			       struct why *why)
{
	size_t n = count(conf, "bootstrap-node");
	xmlNode *e = NULL;

	if ((o->bootstrap = arena_zalloc(&o->arena, n,
					 sizeof(*o->bootstrap))) == NULL)
		return ERR_NOMEM;
	for (; o->n_bootstrap < n; o->n_bootstrap++) {
		const char *address, *port;
		uint64_t v = ADDRESS_PORT_DEFAULT;

		e = xml_doc_next(conf, e, XML_NS_BASE, "bootstrap-node");
		if ((address = xml_doc_text(e, "address", &o->arena)) == NULL)
			return ERR_NOMEM;
		port = xml_doc_text(e, "port", &o->arena);
		if (port != NULL &&
		    text_u64(&v, port + (*port == '+'), 1, UINT16_MAX) != OK)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "port %.20s is not from 1 to "
					      "65535",
					      port);
		if (address_parse_host(&o->bootstrap[o->n_bootstrap], address,
				       (uint16_t)v) != OK)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "%.60s is not an IPv4 or IPv6 "
					      "address",
					      address);
	}
	return OK;
}

/* RFC 6940 s11.1, s14.10: "TLS" stands for TLS and DTLS. */
static enum err read_link_protocols(struct overlay *o, const xmlNode *conf,
				    struct why *why)
{
	static const struct {
		const char *name;
		uint8_t bits;
	} known[] = {
		{ "TLS", LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS },
		{ "TLS-TCP-FH-NO-ICE", LINK_PROTOCOL_TLS },
		{ "DTLS-UDP-SR", LINK_PROTOCOL_DTLS },
		{ "DTLS-UDP-SR-NO-ICE", LINK_PROTOCOL_DTLS },
	};
	xmlNode *e = NULL, *last = NULL;
	const char *text;
	uint8_t bits = 0;

	while ((e = xml_doc_next(conf, e, XML_NS_BASE,
				 "overlay-link-protocol")) != NULL) {
		last = e;
		if ((text = xml_doc_text(e, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		if (strcmp(text, "EXP-LINK") == 0)
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "EXP-LINK is for experiments "
					      "only");
		for (size_t i = 0; i < N_OF(known); i++)
			if (strcmp(text, known[i].name) == 0)
				bits |= known[i].bits;
	}
	if (last != NULL && bits == 0)
		return xml_doc_refuse(last, why, ERR_CONFIG,
				      "this build has none of the listed "
				      "protocols");
	if (last != NULL)
		o->link_protocols = bits;
	return OK;
}

static enum err read_digest(struct overlay *o, const xmlNode *conf,
			    struct why *why)
{
	xmlNode *e = xml_doc_next(conf, NULL, XML_NS_BASE,
				  "self-signed-permitted");
	const char *text;

	if (e == NULL)
		return OK;
	if ((text = xml_doc_text(e, "digest", &o->arena)) == NULL)
		return ERR_NOMEM;
	if (strcmp(text, "sha256") == 0)
		o->self_signed_digest = HASH_SHA256;
	else if (strcmp(text, "sha1") != 0 && o->self_signed_permitted)
		return xml_doc_refuse(e, why, ERR_CONFIG,
				      "digest %.20s is neither sha1 nor sha256",
				      text);
	return OK;
}

static enum err check_support(struct overlay *o, const xmlNode *conf,
			      struct why *why)
{
	xmlNode *e = xml_doc_next(conf, NULL, XML_NS_BASE, "topology-plugin");
	xmlNode *secret;
	const char *text;
	size_t i;

	if (e != NULL && (text = xml_doc_text(e, NULL, &o->arena)) == NULL)
		return ERR_NOMEM;
	if ((secret = xml_doc_next(conf, NULL, XML_NS_BASE, "shared-secret")) !=
	    NULL)
		return xml_doc_refuse(secret, why, ERR_CONFIG,
				      "this build has no shared-secret mode "
				      "(RFC 6940 s13.4)");
	if (e != NULL && strcmp(text, "CHORD-RELOAD") != 0)
		return xml_doc_refuse(e, why, ERR_CONFIG,
				      "%.60s is not in this build, only "
				      "CHORD-RELOAD",
				      text);
	/* CHOICE: the ring is modulo 2^128, so its Node-IDs have 16 bytes. */
	if (o->node_id_length != RING_ID_LEN)
		return xml_doc_refuse(
			xml_doc_next(conf, NULL, XML_NS_BASE, "node-id-length"),
			why, ERR_CONFIG,
			"CHORD-RELOAD has Node-IDs of 16 bytes");
	for (e = NULL; (e = xml_doc_next(conf, e, XML_NS_BASE,
					 "mandatory-extension")) != NULL;) {
		if ((text = xml_doc_text(e, NULL, &o->arena)) == NULL)
			return ERR_NOMEM;
		for (i = 0; i < N_OF(extensions); i++)
			if (strcmp(text, extensions[i]) == 0)
				break;
		if (i == N_OF(extensions))
			return xml_doc_refuse(e, why, ERR_EXTENSION, "%.120s",
					      text);
	}
	return OK;
}

static enum err read_attributes(struct overlay *o, const xmlNode *conf,
				struct why *why)
{
	const char *name = xml_doc_text(conf, "instance-name", &o->arena);
	const char *expiration = xml_doc_text(conf, "expiration", &o->arena);
	const char *sequence = xml_doc_text(conf, "sequence", &o->arena);
	uint64_t v = 0;

	if (name == NULL)
		return ERR_NOMEM;
	if (!address_is_dns_name(name))
		return xml_doc_refuse(conf, why, ERR_CONFIG,
				      "instance-name %.60s has characters that "
				      "a DNS name may not have",
				      name);
	memcpy(o->name, name, strlen(name) + 1);
	if (expiration != NULL &&
	    text_time_ms(&o->expiration_ms, expiration) != OK)
		return xml_doc_refuse(conf, why, ERR_CONFIG,
				      "expiration %.40s is no RFC 3339 time in "
				      "UTC, as in 2030-01-31T12:00:00Z",
				      expiration);
	if (sequence != NULL && text_u64(&v, sequence + (*sequence == '+'), 0,
					 SEQUENCE_ANY - 1) != OK)
		return xml_doc_refuse(conf, why, ERR_CONFIG,
				      "sequence %.20s is not from 0 to 65534",
				      sequence);
	o->sequence = (uint16_t)v;
	return OK;
}

static enum err read_kinds(struct overlay *o, const struct xml_doc *d,
			   const xmlNode *conf, struct why *why)
{
	xmlNode *required = xml_doc_next(conf, NULL, XML_NS_BASE,
					 "required-kinds");
	size_t n = required == NULL ? 0 : count(required, "kind-block");
	xmlNode *e = NULL;
	struct kind k;
	enum err r;

	if ((o->kind_blocks = arena_zalloc(&o->arena, n,
					   sizeof(*o->kind_blocks))) == NULL)
		return ERR_NOMEM;
	for (; o->n_kind_blocks < n; o->n_kind_blocks++) {
		e = xml_doc_next(required, e, XML_NS_BASE, "kind-block");
		if ((r = xml_kind_read(o, d, e, &k,
				       &o->kind_blocks[o->n_kind_blocks],
				       why)) != OK)
			return r;
		if (kinds_find(&o->kinds, k.id) != NULL ||
		    (k.name[0] != '\0' &&
		     kinds_find_name(&o->kinds, k.name) != NULL))
			return xml_doc_refuse(e, why, ERR_CONFIG,
					      "Kind %u %s is there already",
					      (unsigned)k.id, k.name);
		if ((r = kinds_add(&o->kinds, &k)) != OK)
			return r;
	}
	return kinds_add_registered(&o->kinds);
}

enum err xml_read_configuration(struct overlay *o, const struct xml_doc *d,
				const xmlNode *conf, struct why *why)
{
	enum err r;

	if ((r = read_attributes(o, conf, why)) != OK ||
	    (r = read_numbers(o, conf, why)) != OK ||
	    (r = read_flags(o, conf)) != OK ||
	    (r = check_support(o, conf, why)) != OK ||
	    (r = read_digest(o, conf, why)) != OK ||
	    (r = read_link_protocols(o, conf, why)) != OK ||
	    (r = read_servers(o, conf, why)) != OK ||
	    (r = read_bootstrap(o, conf, why)) != OK ||
	    (r = read_roots(o, conf, why)) != OK ||
	    (r = read_node_ids(o, conf, "bad-node", &o->bad_nodes,
			       &o->n_bad_nodes, why)) != OK ||
	    (r = read_node_ids(o, conf, "configuration-signer",
			       &o->configuration_signers,
			       &o->n_configuration_signers, why)) != OK ||
	    (r = read_node_ids(o, conf, "kind-signer", &o->kind_signers,
			       &o->n_kind_signers, why)) != OK)
		return r;
	return read_kinds(o, d, conf, why);
}
