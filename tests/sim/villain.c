/* SPDX-License-Identifier: ISC */
/*
 * Owns: a member with a good certificate that breaks the rules of RFC 6940 s7.3
 * and s13 on purpose: it writes where it must not, spoils signatures, brings
 * copies of what it does not keep, sends others away.  What must not come of it
 * is audit.c's and truth.c's.
 */
#include "acts.h"
#include "rogue.h"
#include "wire/topology.h"

enum { VILLAIN_LINKS = ROGUE_LINKS_MAX - 8 };

void villain_come(struct chaos *c)
{
	c->villain = rogue_new(c->world, "villain@sim.example.org", NULL);
}

void villain_go(struct chaos *c)
{
	rogue_free(c->villain);
	c->villain = NULL;
}

/* A link to some peer; 0: there is none to be had. */
static uint32_t way_in(struct chaos *c, struct host **to)
{
	struct rogue *v = c->villain;
	uint32_t link;

	*to = act_pick(c);
	if (!host_joined(*to))
		return 0;
	if ((link = rogue_link_to(v, *to)) != 0)
		return link;
	return v->n_links < VILLAIN_LINKS ? rogue_connect(v, *to) : 0;
}

/* A value for another's resource; signed by the villain, or by nobody. */
static void forge_value(struct chaos *c, struct draft *d)
{
	const struct fact *f = c->truth.facts;
	struct stored_data v = { .storage_time = world_unix_ms(c->world) +
						 (uint64_t)act_chance(c, 9999),
				 .lifetime = 3600,
				 .value = { .exists = true,
					    .value = SLICE_LIT("forged") } };
	struct host *owner;

	for (uint64_t n = act_chance(c, 30); n > 0 && f->next != NULL; n--)
		f = f->next;
	v.value.key = slice_str(f->key);
	draft_init(d, c->villain, MSG_STORE_REQ);
	draft_store(d, &f->resource, f->kind, act_chance(c, 3), 0, &v, 1);
	if (act_chance(c, 2) == 0) { /* as a copy, to the owner */
		owner = world_owner(c->world, &f->resource);
		draft_store(d, &f->resource, f->kind, 99, 1, &v, 1);
		if (owner != NULL)
			draft_to_node(d, &owner->signer.node_id);
	}
	if (d->header.destination_list.n == 0)
		draft_to_resource(d, &f->resource);
	d->spoil_signature = act_chance(c, 4) == 0;
}

/* The villain's own resource, but the value is signed for another. */
static void misplace_value(struct chaos *c, struct draft *d)
{
	struct stored_data v = { .storage_time = world_unix_ms(c->world),
				 .lifetime = 3600,
				 .value = { .exists = true,
					    .value = SLICE_LIT("misplaced") } };
	struct store_kind_data k = { .kind = USER_VALUE, .values = { &v, 1 } };
	struct store_req req = { .kind_data = { &k, 1 } };
	struct node_id own, other = c->truth.facts->resource;

	world_resource(c->world, c->villain->host->user, &own);
	req.resource = id_slice(&own, RING_ID_LEN);
	draft_init(d, c->villain, MSG_STORE_REQ);
	draft_to_resource(d, &own);
	rogue_sign_value(c->villain, d->signer, &other, USER_VALUE, &v);
	draft_body(d, &wire_type_store_req, &req);
}

static void send_away(struct draft *d, const struct chaos *c,
		      const struct host *to, const struct host *other)
{
	struct leave_req leave = { .leaving_peer_id = other->signer.node_id };

	draft_init(d, c->villain, MSG_LEAVE_REQ);
	draft_to_node(d, &to->signer.node_id);
	draft_body(d, &wire_type_leave_req, &leave);
}

static void join_as(struct draft *d, const struct chaos *c,
		    const struct host *to, const struct host *other)
{
	struct join_req join = { .joining_peer_id = other->signer.node_id };

	draft_init(d, c->villain, MSG_JOIN_REQ);
	draft_to_node(d, &to->signer.node_id);
	draft_body(d, &wire_type_join_req, &join);
}

void villain_act(struct chaos *c)
{
	struct host *to;
	struct draft d;
	uint32_t link;

	if (c->villain == NULL || (link = way_in(c, &to)) == 0)
		return;
	switch (act_chance(c, 6)) {
	case 0:
		send_away(&d, c, to, act_pick(c));
		break;
	case 1:
		join_as(&d, c, to, act_pick(c));
		break;
	case 2:
		misplace_value(c, &d);
		break;
	default:
		forge_value(c, &d);
		break;
	}
	rogue_send(c->villain, link, &d);
}
