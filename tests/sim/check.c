/* SPDX-License-Identifier: ISC */
/*
 * Owns: the rules that hold for every frame in every run, each under the number
 * of its requirement.  Does not own: rules about bodies (check_body.c) and what
 * must be true at the end (truth.c).
 */
#include "check.h"

#include <stdlib.h>

#include <utlist.h>

#include "check_maps.h"
#include "core/limits.h"
#include "uthash.h"

enum { TBS_MAX = 1 << 24, MEMORY_US = 200000000 };

void check_broken(struct check *c, const struct sight *s, const char *id,
		  const char *fmt, ...)
{
	char words[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	if (c->n_broken++ == 0)
		snprintf(c->first, sizeof(c->first), "%s: %s", id, words);
	if (c->quiet || c->n_broken > 50)
		return;
	fprintf(stderr, "check: %s: %s [%llu us, host %u to %u, %s]\n", id,
		words, (unsigned long long)s->now_us, s->from->index,
		s->to->index,
		s->message == NULL
			? "?"
			: message_name(s->message->contents.message_code));
}

/* ---- who signed ---- */

static void signer_add(struct check *c, struct host *h, const uint8_t *hash)
{
	struct check_signer *s;

	HASH_FIND(hh, c->maps->signers, hash, CERT_HASH_LEN, s);
	if (s != NULL)
		return;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		MUST(ERR_NOMEM);
	memcpy(s->hash, hash, CERT_HASH_LEN);
	s->host = h;
	HASH_ADD(hh, c->maps->signers, hash, CERT_HASH_LEN, s);
}

static void signers_scan(struct check *c)
{
	const struct crypto *cr = &c->world->toy.crypto;
	uint8_t hash[HASH_LEN_MAX];
	size_t len;

	for (uint32_t i = 0; i < c->world->n_hosts; i++) {
		struct host *h = c->world->hosts[i];
		const struct cert *cert = h->signer.cert;

		signer_add(c, h, cert->hash);
		for (size_t k = 0; k < cert->n_node_ids; k++) {
			struct slice in[] = { id_slice(&cert->node_ids[k],
						       RING_ID_LEN),
					      cert->der };

			MUST(cr->hash(cr->ctx, HASH_SHA256, in, 2, hash, &len));
			signer_add(c, h, hash);
		}
	}
}

struct host *check_signer(struct check *c, const struct signer_identity *who)
{
	struct check_signer *s = NULL;

	if (who->hash.len != CERT_HASH_LEN)
		return NULL;
	HASH_FIND(hh, c->maps->signers, who->hash.p, CERT_HASH_LEN, s);
	if (s == NULL) {
		signers_scan(c);
		HASH_FIND(hh, c->maps->signers, who->hash.p, CERT_HASH_LEN, s);
	}
	return s == NULL ? NULL : s->host;
}

/* Does the signature verify, with the certificates that came along? */
static void check_signature(struct check *c, const struct sight *s)
{
	const struct message *m = s->message;
	const struct signature *sig = &m->security.signature;
	const struct crypto *cr = &c->world->toy.crypto;
	struct buf tbs = BUF_INIT(TBS_MAX);
	enum err r = ERR_CERT_UNKNOWN;

	if (sig->identity.identity_type == SIGNER_NONE) {
		check_broken(c, s, "6940-6.3-R1", "message without signature");
		return;
	}
	MUST(message_tbs(&tbs, m->header.overlay, m->header.transaction_id,
			 m->contents_bytes, &sig->identity));
	for (uint32_t i = 0; i < m->security.certificates.n; i++) {
		struct cert *cert = NULL;

		if (cr->cert_open(cr->ctx,
				  m->security.certificates.v[i].certificate,
				  NULL, 0, &cert, NULL) != OK)
			continue;
		if (r != OK)
			r = cr->verify(cr->ctx, cert, sig->algorithm.hash,
				       sig->algorithm.signature,
				       buf_slice(&tbs), sig->signature_value);
		if (r == OK && cert->n_node_ids == 1 &&
		    sig->identity.identity_type != SIGNER_CERT_HASH)
			check_broken(c, s, "6940-6.3.4-R6",
				     "one Node-ID, identity type %u",
				     sig->identity.identity_type);
		cr->cert_unref(cr->ctx, cert);
	}
	if (r != OK)
		check_broken(c, s, "6940-6.3.4-R2",
			     "does not verify with its certificates: %s",
			     err_name(r));
	buf_clear(&tbs);
}

/* ---- what was seen of a transaction ---- */

static uint64_t digest(struct slice b)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < b.len; i++)
		h = (h ^ b.p[i]) * UINT64_C(0x100000001b3);
	return h;
}

static void sightings_expire(struct check *c, uint64_t now_us)
{
	struct check_txn *t, *tmp;

	DL_FOREACH_SAFE(c->maps->oldest, t, tmp)
	{
		if (t->last_us + MEMORY_US > now_us)
			return;
		DL_DELETE(c->maps->oldest, t);
		HASH_DEL(c->maps->txns, t);
		free(t->hops);
		free(t);
	}
}

static struct check_txn *txn_of(struct check *c, const struct sight *s)
{
	uint64_t id = s->message->header.transaction_id;
	struct check_txn *t;

	sightings_expire(c, s->now_us);
	HASH_FIND(hh, c->maps->txns, &id, sizeof(id), t);
	if (t != NULL) {
		t->last_us = s->now_us;
		DL_DELETE(c->maps->oldest, t);
		DL_APPEND(c->maps->oldest, t);
		return t;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		MUST(ERR_NOMEM);
	t->id = id;
	t->first_us = t->last_us = s->now_us;
	HASH_ADD(hh, c->maps->txns, id, sizeof(id), t);
	DL_APPEND(c->maps->oldest, t);
	return t;
}

static void hop_add(struct check_txn *t, const struct sight *s, bool request)
{
	const struct forwarding_header *h = &s->message->header;
	struct check_hop *hop;

	t->hops = reallocarray(t->hops, t->n_hops + 1, sizeof(*t->hops));
	if (t->hops == NULL)
		MUST(ERR_NOMEM);
	hop = &t->hops[t->n_hops++];
	*hop = (struct check_hop){ .from = s->from->index,
				   .to = s->to->index,
				   .request = request,
				   .ttl = h->ttl,
				   .n_via = h->via_list.n };
	for (uint32_t i = 0; i < h->via_list.n && i < CHECK_VIA_MAX; i++)
		hop->via[i] = h->via_list.v[i].node_id;
}

/* A message that is passed on: some hop brought it here, with one more to live.
 */
static void check_forwarded(struct check *c, const struct sight *s,
			    const struct check_txn *t, bool request)
{
	const struct forwarding_header *h = &s->message->header;
	const struct check_hop *hop;
	bool came = false;

	if (t->pieces)
		return; /* they may have come by several ways */
	for (uint32_t i = 0; i < t->n_hops; i++) {
		hop = &t->hops[i];
		if (hop->to != s->from->index || hop->request != request)
			continue;
		came = true;
		if (hop->ttl != h->ttl + 1)
			continue;
		if (!request || c->other_via ||
		    (hop->n_via + 1 == h->via_list.n &&
		     id_eq(&h->via_list.v[hop->n_via].node_id,
			   &c->world->hosts[hop->from]->signer.node_id)))
			return;
	}
	if (!came)
		check_broken(c, s, "6940-6.1.2-R1",
			     "passed on, and never came");
	else
		check_broken(c, s, "6940-6.3.2-R5",
			     "passed on with TTL %u and %u Via entries", h->ttl,
			     h->via_list.n);
}

/* A response leaves the node that made it: back to where the request came from,
 * then its Via List reversed. */
static void check_way_back(struct check *c, const struct sight *s,
			   const struct check_txn *t)
{
	const struct destination_list *d = &s->message->header.destination_list;
	bool asked = false;

	if (t->pieces)
		return; /* they may have come by several ways */
	for (uint32_t i = 0; i < t->n_hops; i++) {
		const struct check_hop *hop = &t->hops[i];
		bool same = hop->n_via + 1 == d->n || c->other_via;

		if (!hop->request || hop->to != s->from->index)
			continue;
		asked = true;
		for (uint32_t k = 0; same && !c->other_via && k < hop->n_via &&
				     hop->n_via <= CHECK_VIA_MAX;
		     k++)
			same = id_eq(&hop->via[k], &d->v[d->n - 1 - k].node_id);
		if (same)
			return;
	}
	if (asked)
		check_broken(c, s, "6940-6.2.2-R1",
			     "the way back is not the Via List reversed");
}

/* Does it leave its origin for the first time?  One sent through another node
 * may come by again: then it has lived. */
static bool original(const struct sight *s, const struct host *signer)
{
	return s->from == signer &&
	       s->message->header.ttl == signer->overlay->initial_ttl;
}

static void check_request(struct check *c, const struct sight *s,
			  struct check_txn *t, const struct host *signer)
{
	const struct message *m = s->message;
	uint64_t what = digest(m->contents_bytes);

	if (!original(s, signer))
		return;
	if (t->n_sent == 0) {
		t->signer = signer->index;
		t->incarnation = signer->incarnation;
		t->code = m->contents.message_code;
		t->contents = what;
		t->max_response = m->header.max_response_length;
	} else if (t->signer != signer->index || t->contents != what) {
		check_broken(c, s, "6940-6.3.2-R10",
			     "a transaction ID used twice");
	}
	/* Simple Reliability may send each of them five times. */
	t->datagram |= s->datagram;
	if (++t->n_sent > (t->datagram ? 25 : 5))
		check_broken(c, s, "6940-6.2.1-R4", "sent %u times", t->n_sent);
	if (m->header.via_list.n != 0)
		check_broken(c, s, "6940-6.3.2-D1",
			     "the Via List of a fresh request is not empty");
}

/* Refused for the document's sake, before anything was done: with another
 * document the same request may be answered otherwise. */
static bool is_config_error(const struct check *c, const struct message *m)
{
	struct arena a = ARENA_INIT(TBS_MAX);
	struct error_response e;
	bool yes = m->contents.message_code == MSG_ERROR &&
		   error_response_decode(&e, m->contents.message_body, &a,
					 &c->world->env) == OK &&
		   (e.error_code == ERROR_CONFIG_TOO_OLD ||
		    e.error_code == ERROR_CONFIG_TOO_NEW);

	arena_free(&a);
	return yes;
}

static void check_response(struct check *c, const struct sight *s,
			   struct check_txn *t, const struct host *signer)
{
	const struct message *m = s->message;
	uint16_t code = m->contents.message_code;
	uint64_t what = digest(m->contents_bytes);

	if (m->header.via_list.n != 0)
		check_broken(c, s, "6940-6.1.2-R5", "a response with Via");
	if (m->header.max_response_length != 0)
		check_broken(c, s, "6940-6.3.2-R11",
			     "max_response_length %u in a response",
			     m->header.max_response_length);
	for (uint32_t i = 0; i < m->header.options.n; i++)
		if ((m->header.options.v[i].flags & 7) != 0)
			check_broken(c, s, "6940-6.3.2.3-R2",
				     "flags in a response");
	if (!original(s, signer) || t->n_sent == 0)
		return;
	check_way_back(c, s, t);
	if (code != MSG_ERROR && code != t->code + 1)
		check_broken(c, s, "6940-6.3.3.1-R1", "answers code %u",
			     t->code);
	if (t->max_response != 0 && code != MSG_ERROR &&
	    m->header.length > t->max_response)
		check_broken(c, s, "6940-6.3.2-R11", "%u bytes, allowed %u",
			     m->header.length, t->max_response);
	if (is_config_error(c, m))
		return;
	/* On the way, one that is in no ring yet says so; then it may join, and
	 * its link may send the same once more. */
	if (code == MSG_ERROR && !host_joined(signer)) {
		t->outside = what;
		return;
	}
	if (s->datagram && t->outside == what)
		return;
	if (t->answered && t->responder == signer->index &&
	    t->responder_life == signer->incarnation &&
	    s->now_us < t->first_us + REQUEST_LIFETIME_US) {
		if (t->code == MSG_STORE_REQ && t->answer != what)
			check_broken(c, s, "6940-6.2.1-R5",
				     "a Store was answered in two ways");
		return;
	}
	t->answered = true;
	t->responder = signer->index;
	t->responder_life = signer->incarnation;
	t->answer = what;
}

/* ---- headers ---- */

static void check_header(struct check *c, const struct sight *s)
{
	const struct forwarding_header *h = &s->packet->header;

	if (h->overlay != c->world->overlay->hash)
		check_broken(c, s, "6940-6.3.2-R3", "overlay %08x", h->overlay);
	if ((h->fragment & FRAGMENT_MARK) == 0 ||
	    (h->fragment & UINT32_C(0x3f000000)) != 0)
		check_broken(c, s, "6940-6.3.2-R9", "fragment %08x",
			     h->fragment);
	if (h->ttl > s->from->overlay->initial_ttl)
		check_broken(c, s, "6940-6.3.2-R7", "TTL %u", h->ttl);
	for (uint32_t i = 0; i < h->via_list.n; i++)
		if (h->via_list.v[i].type == DESTINATION_RESOURCE)
			check_broken(c, s, "6940-6.3.2.2-R3",
				     "a resource in Via");
	for (uint32_t i = 0; i < h->destination_list.n; i++) {
		const struct destination *d = &h->destination_list.v[i];

		if (d->type == DESTINATION_RESOURCE &&
		    i + 1 < h->destination_list.n)
			check_broken(c, s, "6940-6.3.2.2-R3",
				     "a resource before the end");
		if (d->type == DESTINATION_NODE &&
		    !id_is_wildcard(&d->node_id, RING_ID_LEN) &&
		    world_host_by_id(c->world, &d->node_id) == NULL)
			check_broken(c, s, "6940-6.1.1-R4",
				     "addresses a Node-ID that no node has");
	}
	if (h->destination_list.n == 0)
		check_broken(c, s, "6940-6.2.1-R1", "no destination");
}

static void check_message(struct check *c, const struct sight *s)
{
	const struct message *m = s->message;
	bool request = message_is_request(m->contents.message_code);
	const struct host *signer =
		check_signer(c, &m->security.signature.identity);
	struct check_txn *t;

	if (signer == NULL) {
		check_broken(c, s, "6940-6.3-R1", "signed by nobody known");
		return;
	}
	if (signer->rogue != NULL && !c->rogues)
		return;
	c->n_messages++;
	t = txn_of(c, s);
	t->pieces |= s->packet->header.fragment != FRAGMENT_WHOLE;
	if (original(s, signer)) {
		check_signature(c, s);
		check_body(c, s);
	} else {
		check_forwarded(c, s, t, request);
	}
	if (request)
		check_request(c, s, t, signer);
	else
		check_response(c, s, t, signer);
	hop_add(t, s, request);
}

/* ---- frames ---- */

static void check_sequence(struct check *c, const struct sight *s)
{
	struct check_stream *e;
	uint64_t key = (uint64_t)s->conn << 32 | s->from->index;

	HASH_FIND(hh, c->maps->streams, &key, sizeof(key), e);
	if (e == NULL) {
		if ((e = calloc(1, sizeof(*e))) == NULL)
			MUST(ERR_NOMEM);
		e->key = key;
		HASH_ADD(hh, c->maps->streams, key, sizeof(e->key), e);
	}
	if (s->frame->sequence != e->next)
		check_broken(c, s, "6940-6.6.2-D1", "sequence %u after %u",
			     s->frame->sequence, e->next - 1);
	e->next = s->frame->sequence + 1;
}

static enum verdict see(void *ctx, const struct sight *s, struct buf *message)
{
	struct check *c = ctx;

	(void)message;
	if (s->frame->type == FRAME_ACK ||
	    (s->from->rogue != NULL && !c->rogues))
		return NET_PASS;
	check_sequence(c, s);
	if (s->packet == NULL) {
		check_broken(c, s, "6940-6.3.1-D1", "does not decode");
		return NET_PASS;
	}
	check_header(c, s);
	check_routed(c, s);
	if (s->message != NULL)
		check_message(c, s);
	else if ((s->packet->header.fragment & FRAGMENT_WHOLE) ==
			 FRAGMENT_WHOLE &&
		 (s->packet->header.fragment & FRAGMENT_OFFSET) == 0)
		check_broken(c, s, "6940-6.3.1-D1", "does not decode");
	return NET_PASS;
}

void check_init(struct check *c, struct world *w)
{
	*c = (struct check){ .world = w };
	if ((c->maps = calloc(1, sizeof(*c->maps))) == NULL)
		MUST(ERR_NOMEM);
	net_watch_add(w, see, c);
}

void check_clear(struct check *c)
{
	struct check_stream *e, *e_tmp;
	struct check_signer *s, *s_tmp;

	sightings_expire(c, UINT64_MAX);
	HASH_ITER (hh, c->maps->streams, e, e_tmp) {
		HASH_DEL(c->maps->streams, e);
		free(e);
	}
	HASH_ITER (hh, c->maps->signers, s, s_tmp) {
		HASH_DEL(c->maps->signers, s);
		free(s);
	}
	check_updates_clear(c);
	free(c->maps);
	c->maps = NULL;
}
