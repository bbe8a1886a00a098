/* SPDX-License-Identifier: ISC */
/*
 * Owns: rules about what messages say, for check.c: Store, Join, Leave, Update,
 * Attach, and through whom messages are routed.
 */
#include <stdlib.h>

#include "check_maps.h"
#include "wire/attach.h"
#include "wire/data.h"
#include "wire/topology.h"

enum { BODY_ARENA_MAX = 64 << 20 };

static void check_store(struct check *c, const struct sight *s,
			const struct store_req *b)
{
	if (b->replica_number > 0 && s->from->cfg.role == ROLE_CLIENT)
		check_broken(c, s, "6940-4.2.2-D1", "a client stores replicas");
	if (b->replica_number > 2)
		check_broken(c, s, "6940-10.4-R1", "replica %u",
			     b->replica_number);
	for (uint32_t i = 0; i < b->kind_data.n; i++) {
		const struct store_kind_data *k = &b->kind_data.v[i];

		if (b->replica_number > 0 && k->generation_counter == 0)
			check_broken(c, s, "6940-7.4.1.1-R11",
				     "a replica with counter 0");
		for (uint32_t j = 0; j < i; j++)
			if (b->kind_data.v[j].kind == k->kind)
				check_broken(c, s, "6940-7.4.1.1-R2",
					     "Kind %08x twice", k->kind);
		for (uint32_t j = 0; j < k->values.n; j++)
			if (signature_is_none(&k->values.v[j].signature))
				check_broken(c, s, "6940-6.3.4-R4",
					     "a value without signature");
	}
}

static void check_attach(struct check *c, const struct sight *s,
			 const struct attach_req_ans *b, bool request)
{
	bool ice = false, no_ice = false;

	if (!slice_eq(b->role,
		      request ? SLICE_LIT("passive") : SLICE_LIT("active")))
		check_broken(c, s, "6940-6.5.1.1-R2", "role %.*s",
			     (int)b->role.len, (const char *)b->role.p);
	for (uint32_t i = 0; i < b->candidates.n; i++) {
		if (b->candidates.v[i].overlay_link == OVERLAY_LINK_DTLS_UDP_SR)
			ice = true;
		else
			no_ice = true;
	}
	if (ice && no_ice)
		check_broken(c, s, "6940-6.5.1.1-R3", "ICE and No-ICE mixed");
	if (request && !no_ice)
		check_broken(c, s, "6940-6.6.5-R2", "no candidate to call");
}

static bool has_self(const struct sight *s, const struct node_id_list *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (id_eq(&l->v[i], &s->from->signer.node_id))
			return true;
	return false;
}

static void check_update(struct check *c, const struct sight *s,
			 const struct chord_update *b)
{
	struct check_update *u = calloc(1, sizeof(*u)), *old;

	if (u == NULL)
		MUST(ERR_NOMEM);
	if (s->from->cfg.role == ROLE_CLIENT)
		check_broken(c, s, "6940-4.2.2-D1", "a client sends Updates");
	if (has_self(s, &b->predecessors) || has_self(s, &b->successors))
		check_broken(c, s, "6940-10.7.3-R3", "lists itself");
	u->key.from = s->from->index;
	u->key.to = s->to->index;
	u->key.to_incarnation = s->to->incarnation;
	HASH_FIND(hh, c->maps->updates, &u->key, sizeof(u->key), old);
	if (old != NULL)
		free(u);
	else
		HASH_ADD(hh, c->maps->updates, key, sizeof(u->key), u);
}

void check_updates_clear(struct check *c)
{
	struct check_update *u, *tmp;

	HASH_ITER (hh, c->maps->updates, u, tmp) {
		HASH_DEL(c->maps->updates, u);
		free(u);
	}
}

/* Is it the owner, as things stand?  A message for what it owns goes to it and
 * not through it, be it that it has just been admitted and not said so yet. */
static bool is_owner(struct check *c, const struct host *h,
		     const struct destination *d)
{
	const struct host *owner;
	struct node_id id, there, here;

	if (d->type != DESTINATION_RESOURCE ||
	    id_from_slice(&id, d->id) != OK ||
	    (owner = world_owner(c->world, &id)) == NULL)
		return false;
	id_distance(&there, &id, &owner->signer.node_id);
	id_distance(&here, &id, &h->signer.node_id);
	return id_cmp(&here, &there) <= 0;
}

void check_routed(struct check *c, const struct sight *s)
{
	const struct destination_list *d = &s->packet->header.destination_list;
	struct check_update u = { .key = { s->to->index, s->from->index,
					   s->from->incarnation } };
	struct check_update *had;

	if (!host_joined(s->from) || s->to->rogue != NULL || d->n == 0)
		return;
	if (d->v[0].type == DESTINATION_NODE &&
	    (id_eq(&d->v[0].node_id, &s->to->signer.node_id) ||
	     id_is_wildcard(&d->v[0].node_id, RING_ID_LEN)))
		return;
	HASH_FIND(hh, c->maps->updates, &u.key, sizeof(u.key), had);
	if (had == NULL && !is_owner(c, s->to, &d->v[0]))
		check_broken(c, s, "6940-6.5.1-R1",
			     "routed through a node that sent no Update");
}

/* Join and Leave: for oneself, to the node at the other end. */
static void check_own(struct check *c, const struct sight *s, const char *id,
		      const struct node_id *named)
{
	const struct destination_list *d = &s->message->header.destination_list;

	if (!id_eq(named, &s->from->signer.node_id))
		check_broken(c, s, id, "names another node");
	if (d->n != 1 || d->v[0].type != DESTINATION_NODE ||
	    !id_eq(&d->v[0].node_id, &s->to->signer.node_id))
		check_broken(c, s, id, "not for the node at the other end");
}

void check_body(struct check *c, const struct sight *s)
{
	const struct message_contents *m = &s->message->contents;
	const struct wire_type *t = message_body_type(m->message_code);
	struct arena a = ARENA_INIT(BODY_ARENA_MAX);
	void *b;

	if (t == NULL || (b = arena_zalloc(&a, 1, t->size)) == NULL ||
	    wire_decode(t, b, m->message_body, &a, &c->world->env) != OK) {
		check_broken(c, s, "6940-6.3.1-D1", "body does not decode");
		goto out;
	}
	switch (m->message_code) {
	case MSG_STORE_REQ:
		check_store(c, s, b);
		break;
	case MSG_ATTACH_REQ:
	case MSG_ATTACH_ANS:
		check_attach(c, s, b, m->message_code == MSG_ATTACH_REQ);
		break;
	case MSG_UPDATE_REQ:
		check_update(c, s, b);
		break;
	case MSG_JOIN_REQ:
		if (s->from->cfg.role == ROLE_CLIENT)
			check_broken(c, s, "6940-4.2.2-D1", "a client joins");
		check_own(c, s, "6940-6.4.2.1-R2",
			  &((const struct join_req *)b)->joining_peer_id);
		break;
	case MSG_LEAVE_REQ:
		check_own(c, s, "6940-6.4.2.2-R3",
			  &((const struct leave_req *)b)->leaving_peer_id);
		break;
	default:
		break;
	}
out:
	arena_free(&a);
}
