/* SPDX-License-Identifier: ISC */
/*
 * The compiled form of a checked document.  It is written by the same cursor as
 * the messages of the overlay, but it is ours alone: whatever changes in it
 * changes COMPILED_VERSION, and an old one is made anew from the document.
 */
#include "conf/compiled.h"

#include <stdlib.h>

#include "wire/wire.h"

enum {
	COMPILED_MAGIC = 0x50325053, /* "P2PS" */
	COMPILED_VERSION = 1,
	COMPILED_MAX = 4 << 20 /* bytes */
};

/* A list of bytes: names, certificates, patterns. */
struct text_list {
	struct slice *v;
	uint32_t n;
};
struct id_list {
	struct node_id *v;
	uint32_t n;
};
struct kind_list {
	struct kind *v;
	uint32_t n;
};
struct block_list {
	struct kind_block *v;
	uint32_t n;
};
struct address_list {
	struct ip_address_port *v;
	uint32_t n;
};

/* struct overlay as the cursor walks it. */
struct compiled {
	struct overlay o; /* the scalars */
	struct slice name;
	uint32_t restriction;
	struct kind_list kinds;
	struct address_list bootstrap;
	struct id_list bad_nodes, configuration_signers, kind_signers;
	struct text_list root_certs, enrollment_servers, domain_patterns;
	struct block_list kind_blocks;
	struct slice document;
};

static void ids(struct wire *w, const char *name, struct id_list *l)
{
	struct node_id *it;

	WIRE_LIST (w, name, 4, *l, it)
		wire_fixed(w, "node_id", it->b, NODE_ID_MAX);
}

static void texts(struct wire *w, const char *name, struct text_list *l)
{
	struct slice *it;

	WIRE_LIST (w, name, 4, *l, it)
		wire_opaque(w, "text", 4, it);
}

static void kind(struct wire *w, struct kind *k)
{
	uint32_t model = k->model, access = k->access;

	wire_u32(w, "id", &k->id);
	wire_fixed(w, "name", (uint8_t *)k->name, KIND_NAME_MAX);
	wire_u32(w, "model", &model);
	wire_u32(w, "access", &access);
	wire_u32(w, "max_count", &k->max_count);
	wire_u32(w, "max_size", &k->max_size);
	wire_u32(w, "max_node_multiple", &k->max_node_multiple);
	wire_bool(w, "registered", &k->registered);
	if (w->op != WIRE_DECODE)
		return;
	if (model > MODEL_DICTIONARY || access > ACCESS_NODE_MULTIPLE ||
	    k->name[KIND_NAME_MAX - 1] != '\0')
		wire_fail(w, ERR_RANGE, "kind");
	k->model = (enum data_model)model;
	k->access = (enum access_policy)access;
}

static void scalars(struct wire *w, struct overlay *o)
{
	wire_u32(w, "hash", &o->hash);
	wire_u16(w, "sequence", &o->sequence);
	wire_u64(w, "expiration_ms", &o->expiration_ms);
	wire_u8(w, "node_id_length", &o->node_id_length);
	wire_u8(w, "initial_ttl", &o->initial_ttl);
	wire_u8(w, "turn_density", &o->turn_density);
	wire_u32(w, "max_message_size", &o->max_message_size);
	wire_u32(w, "reliability_timer_ms", &o->reliability_timer_ms);
	wire_u32(w, "chord_update_interval_s", &o->chord_update_interval_s);
	wire_u32(w, "chord_ping_interval_s", &o->chord_ping_interval_s);
	wire_bool(w, "chord_reactive", &o->chord_reactive);
	wire_bool(w, "no_ice", &o->no_ice);
	wire_bool(w, "clients_permitted", &o->clients_permitted);
	wire_bool(w, "self_signed_permitted", &o->self_signed_permitted);
	wire_u8(w, "self_signed_digest", &o->self_signed_digest);
	wire_u8(w, "link_protocols", &o->link_protocols);
}

static void codec(struct wire *w, void *v)
{
	struct compiled *c = v;
	struct ip_address_port *address;
	struct kind_block *block;
	struct kind *k;

	wire_const32(w, "magic", COMPILED_MAGIC);
	wire_const32(w, "version", COMPILED_VERSION);
	wire_opaque(w, "name", 1, &c->name);
	scalars(w, &c->o);
	WIRE_LIST (w, "kinds", 4, c->kinds, k)
		kind(w, k);
	WIRE_LIST (w, "bootstrap", 4, c->bootstrap, address)
		wire_ip_address_port(w, address);
	ids(w, "bad_nodes", &c->bad_nodes);
	ids(w, "configuration_signers", &c->configuration_signers);
	ids(w, "kind_signers", &c->kind_signers);
	texts(w, "root_certs", &c->root_certs);
	texts(w, "enrollment_servers", &c->enrollment_servers);
	wire_u32(w, "domain_restriction", &c->restriction);
	texts(w, "domain_patterns", &c->domain_patterns);
	WIRE_LIST (w, "kind_blocks", 4, c->kind_blocks, block) {
		wire_u32(w, "kind", &block->kind);
		wire_fixed(w, "signer", block->signer.b, NODE_ID_MAX);
		wire_bool(w, "learned", &block->learned);
		wire_opaque(w, "xml", 4, &block->xml);
	}
	wire_opaque(w, "document", 4, &c->document);
}

static const struct wire_type type = { "overlay", sizeof(struct compiled),
				       codec };

static enum err to_texts(struct text_list *l, char *const *strings, size_t n,
			 struct arena *a)
{
	l->n = (uint32_t)n;
	if ((l->v = arena_zalloc(a, n, sizeof(*l->v))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		l->v[i] = slice_str(strings[i]);
	return OK;
}

enum err compiled_encode(struct buf *out, const struct overlay *o)
{
	struct wire_env env = { .node_id_len = o->node_id_length };
	struct arena a = ARENA_INIT(COMPILED_MAX);
	struct compiled c = {
		.o = *o,
		.name = slice_str(o->name),
		.restriction = o->domain_restriction,
		.kinds = { o->kinds.v, o->kinds.n },
		.bootstrap = { o->bootstrap, (uint32_t)o->n_bootstrap },
		.bad_nodes = { o->bad_nodes, (uint32_t)o->n_bad_nodes },
		.configuration_signers = { o->configuration_signers,
					   (uint32_t)
						   o->n_configuration_signers },
		.kind_signers = { o->kind_signers,
				  (uint32_t)o->n_kind_signers },
		.root_certs = { o->root_certs, (uint32_t)o->n_root_certs },
		.kind_blocks = { o->kind_blocks, (uint32_t)o->n_kind_blocks },
		.document = o->document,
	};
	enum err r;

	if ((r = to_texts(&c.enrollment_servers, o->enrollment_servers,
			  o->n_enrollment_servers, &a)) == OK &&
	    (r = to_texts(&c.domain_patterns, o->domain_patterns,
			  o->n_domain_patterns, &a)) == OK)
		r = wire_encode(&type, &c, out, &env);
	arena_free(&a);
	return r;
}

static enum err from_texts(char ***out, size_t *n, const struct text_list *l,
			   struct arena *a)
{
	*n = l->n;
	if ((*out = arena_zalloc(a, l->n, sizeof(**out))) == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].len > 0 &&
		    memchr(l->v[i].p, '\0', l->v[i].len) != NULL)
			return ERR_CONFIG;
		if (((*out)[i] = arena_str(a, l->v[i])) == NULL)
			return ERR_NOMEM;
	}
	return OK;
}

/* What the cursor has read, into `o`, whose arena holds lists and bytes. */
static enum err finish(struct overlay *o, struct compiled *c)
{
	enum err r = OK;

	c->o.arena = o->arena;
	*o = c->o;

	if (c->name.len == 0 || c->name.len > OVERLAY_NAME_MAX ||
	    memchr(c->name.p, '\0', c->name.len) != NULL ||
	    o->node_id_length < NODE_ID_MIN ||
	    o->node_id_length > NODE_ID_MAX || c->restriction > DOMAIN_PATTERNS)
		return ERR_CONFIG;
	memcpy(o->name, c->name.p, c->name.len);
	for (uint32_t i = 0; r == OK && i < c->kinds.n; i++)
		r = kinds_add(&o->kinds, &c->kinds.v[i]);
	o->bootstrap = c->bootstrap.v;
	o->n_bootstrap = c->bootstrap.n;
	o->bad_nodes = c->bad_nodes.v;
	o->n_bad_nodes = c->bad_nodes.n;
	o->configuration_signers = c->configuration_signers.v;
	o->n_configuration_signers = c->configuration_signers.n;
	o->kind_signers = c->kind_signers.v;
	o->n_kind_signers = c->kind_signers.n;
	o->root_certs = c->root_certs.v;
	o->n_root_certs = c->root_certs.n;
	o->domain_restriction = (enum domain_restriction)c->restriction;
	o->kind_blocks = c->kind_blocks.v;
	o->n_kind_blocks = c->kind_blocks.n;
	o->document = c->document;
	if (r == OK)
		r = from_texts(&o->enrollment_servers, &o->n_enrollment_servers,
			       &c->enrollment_servers, &o->arena);
	if (r == OK)
		r = from_texts(&o->domain_patterns, &o->n_domain_patterns,
			       &c->domain_patterns, &o->arena);
	return r;
}

enum err compiled_decode(struct overlay **out, struct slice in)
{
	struct wire_env env = { .node_id_len = NODE_ID_MIN };
	struct overlay *o = overlay_new();
	struct compiled c;
	enum err r;

	if (o == NULL)
		return ERR_NOMEM;
	if ((r = arena_dup(&o->arena, in, &in)) == OK) {
		r = wire_decode(&type, &c, in, &o->arena, &env);
		if (r != OK && r != ERR_NOMEM)
			r = ERR_CONFIG;
	}
	if (r == OK)
		r = finish(o, &c);
	if (r == OK)
		*out = o;
	else
		overlay_free(o);
	return r;
}

enum err compiled_copy(struct overlay **out, const struct overlay *o)
{
	struct buf bytes = BUF_INIT(COMPILED_MAX);
	enum err r;

	if ((r = compiled_encode(&bytes, o)) == OK)
		r = compiled_decode(out, buf_slice(&bytes));
	buf_clear(&bytes);
	return r;
}
