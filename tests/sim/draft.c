/* SPDX-License-Identifier: ISC */
/*
 * Owns: making and signing messages and values for rogues, RFC 6940 s6.3, s7.1,
 * with the project's codecs but none of the core's rules.
 */
#include "rogue.h"

enum { DRAFT_BYTES_MAX = 1 << 24 };

void draft_init(struct draft *d, struct rogue *r, uint16_t code)
{
	struct world *w = r->host->world;

	*d = (struct draft){ .rogue = r,
			     .header = { .overlay = w->overlay->hash,
					 .configuration_sequence =
						 r->host->overlay->sequence,
					 .version = RELOAD_VERSION,
					 .ttl = r->host->overlay->initial_ttl,
					 .fragment = FRAGMENT_WHOLE,
					 .transaction_id = rng_u64(&w->rng) },
			     .contents.message_code = code,
			     .signer = &r->host->signer };
	d->header.via_list.v = d->via;
	d->header.destination_list.v = d->to;
}

static void add(struct destination_list *l, struct destination e)
{
	MUST(l->n < DRAFT_LIST_MAX ? OK : ERR_FULL);
	l->v[l->n++] = e;
}

void draft_to_node(struct draft *d, const struct node_id *id)
{
	add(&d->header.destination_list, destination_node(id));
}

void draft_to_resource(struct draft *d, const struct node_id *id)
{
	struct slice kept = rogue_keep(d->rogue, id_slice(id, RING_ID_LEN));

	add(&d->header.destination_list, destination_resource(kept));
}

void draft_via(struct draft *d, const struct node_id *id)
{
	add(&d->header.via_list, destination_node(id));
}

void draft_body(struct draft *d, const struct wire_type *t, const void *body)
{
	struct buf b = BUF_INIT(DRAFT_BYTES_MAX);

	MUST(wire_encode(t, body, &b, &d->rogue->host->world->env));
	d->contents.message_body = rogue_keep(d->rogue, buf_slice(&b));
	buf_clear(&b);
}

/* The SignerIdentity of `s`, of the type given or the one that its certificate
 * asks for, RFC 6940 s6.3.4. */
static void identify(struct rogue *r, const struct signer *s, uint8_t type,
		     struct signer_identity *out)
{
	const struct crypto *c = &r->host->world->toy.crypto;
	struct slice in[] = { id_slice(&s->node_id, RING_ID_LEN),
			      s->cert->der };
	uint8_t hash[HASH_LEN_MAX];
	size_t len;

	if (type == 0)
		type = s->cert->n_node_ids == 1 ? SIGNER_CERT_HASH
						: SIGNER_CERT_HASH_NODE_ID;
	*out = (struct signer_identity){ .identity_type = type,
					 .hash_alg = HASH_SHA256 };
	if (type == SIGNER_CERT_HASH)
		MUST(c->hash(c->ctx, HASH_SHA256, in + 1, 1, hash, &len));
	else
		MUST(c->hash(c->ctx, HASH_SHA256, in, 2, hash, &len));
	if (type == SIGNER_NONE)
		*out = (struct signer_identity){ .identity_type = type };
	else
		out->hash = rogue_keep(r, slice_of(hash, len));
}

struct host *heard_signer(struct rogue *r, const struct heard *h)
{
	const struct signer_identity *who =
		&h->message.security.signature.identity;
	struct world *w = r->host->world;
	struct signer_identity own;

	if (!h->whole || who->identity_type == SIGNER_NONE)
		return NULL;
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		identify(r, &w->hosts[i]->signer, who->identity_type, &own);
		if (slice_eq(own.hash, who->hash))
			return w->hosts[i];
	}
	return NULL;
}

static void sign(struct rogue *r, const struct signer *s, struct slice tbs,
		 struct signature *out)
{
	const struct crypto *c = &r->host->world->toy.crypto;
	struct buf value = BUF_INIT(DRAFT_BYTES_MAX);

	MUST(c->sign(c->ctx, s, tbs, &value));
	out->algorithm.hash = s->hash;
	out->algorithm.signature = s->sig;
	out->signature_value = rogue_keep(r, buf_slice(&value));
	buf_clear(&value);
}

struct slice draft_encode(const struct draft *d)
{
	struct rogue *r = d->rogue;
	const struct wire_env *env = &r->host->world->env;
	struct buf contents = BUF_INIT(DRAFT_BYTES_MAX);
	struct buf tbs = BUF_INIT(DRAFT_BYTES_MAX);
	struct buf out = BUF_INIT(DRAFT_BYTES_MAX);
	struct generic_certificate certs[DRAFT_CERTS_MAX + 1 + CERT_CHAIN_MAX];
	struct security_block sec = { .certificates.v = certs };
	struct slice kept;

	if (!d->without_certificates)
		certs[sec.certificates.n++] = (struct generic_certificate){
			CERTIFICATE_X509, d->signer->cert->der
		};
	for (size_t i = 0; i < d->signer->n_chain && !d->without_certificates;
	     i++)
		certs[sec.certificates.n++] = (struct generic_certificate){
			CERTIFICATE_X509, d->signer->chain[i]
		};
	for (uint32_t i = 0; i < d->n_certs; i++)
		certs[sec.certificates.n++] = (struct generic_certificate){
			CERTIFICATE_X509, d->certs[i]->der
		};
	MUST(message_contents_encode(&d->contents, &contents, env));
	identify(r, d->signer, d->identity_type, &sec.signature.identity);
	MUST(message_tbs(&tbs, d->header.overlay, d->header.transaction_id,
			 buf_slice(&contents), &sec.signature.identity));
	if (d->spoil_signature)
		MUST(buf_append_u8(&tbs, 0));
	sign(r, d->signer, buf_slice(&tbs), &sec.signature);
	MUST(message_assemble(&d->header, buf_slice(&contents), &sec, &out,
			      env));
	kept = rogue_keep(r, buf_slice(&out));
	buf_clear(&contents);
	buf_clear(&tbs);
	buf_clear(&out);
	return kept;
}

uint64_t rogue_send(struct rogue *r, uint32_t link, const struct draft *d)
{
	rogue_frame(r, link, draft_encode(d));
	return d->header.transaction_id;
}

void draft_answer(struct draft *d, struct rogue *r, const struct heard *request,
		  uint16_t code)
{
	const struct forwarding_header *h = &request->packet.header;
	const struct rogue_link *l = rogue_link(r, request->link);

	draft_init(d, r, code);
	d->header.transaction_id = h->transaction_id;
	if (l->other != NULL)
		draft_to_node(d, &l->other->signer.node_id);
	for (uint32_t i = h->via_list.n; i-- > 0;)
		add(&d->header.destination_list, h->via_list.v[i]);
}

void rogue_sign_value(struct rogue *r, const struct signer *s,
		      const struct node_id *resource, uint32_t kind,
		      struct stored_data *v)
{
	const struct kind *k = kinds_find(r->host->world->env.kinds, kind);
	struct buf tbs = BUF_INIT(DRAFT_BYTES_MAX);

	MUST(k == NULL ? ERR_UNKNOWN_KIND : OK);
	identify(r, s, 0, &v->signature.identity);
	MUST(stored_data_tbs(&tbs, id_slice(resource, RING_ID_LEN), kind,
			     k->model, v, &v->signature.identity));
	sign(r, s, buf_slice(&tbs), &v->signature);
	buf_clear(&tbs);
}

void draft_store(struct draft *d, const struct node_id *resource, uint32_t kind,
		 uint64_t generation, uint8_t replica_number,
		 struct stored_data *values, uint32_t n_values)
{
	struct store_kind_data k = { .kind = kind,
				     .generation_counter = generation,
				     .values = { values, n_values } };
	struct store_req req = { .resource = id_slice(resource, RING_ID_LEN),
				 .replica_number = replica_number,
				 .kind_data = { &k, 1 } };

	for (uint32_t i = 0; i < n_values; i++)
		rogue_sign_value(d->rogue, d->signer, resource, kind,
				 &values[i]);
	d->contents.message_code = MSG_STORE_REQ;
	draft_body(d, &wire_type_store_req, &req);
}

void draft_fetch(struct draft *d, const struct node_id *resource, uint32_t kind)
{
	struct array_range all = { 0, ARRAY_END };
	struct stored_data_specifier s = { .kind = kind,
					   .indices = { &all, 1 } };
	struct fetch_req req = { .resource = id_slice(resource, RING_ID_LEN),
				 .specifiers = { &s, 1 } };

	draft_body(d, &wire_type_fetch_req, &req);
}
