/* SPDX-License-Identifier: ISC */
/*
 * Owns: what befalls hosts: connections that break, partitions in both or one
 * direction, slow links, full disks, clocks that jump, new documents.
 */
#include "acts.h"

enum { DOCUMENTS_MAX = 3 };

#define HOUR_MS INT64_C(3600000)

static void part(struct chaos *c)
{
	const struct host *a = act_pick(c), *b = act_pick(c);
	uint32_t n = (uint32_t)(1 + act_chance(c, c->n_actors - 1));

	switch (act_chance(c, 5)) {
	case 0:
		net_block(c->world, a, b, true);
		break;
	case 1:
		net_block(c->world, a, b, true);
		net_block(c->world, b, a, true);
		break;
	case 2:
		net_split_one_way(c->world, n);
		break;
	default:
		net_split(c->world, n);
		break;
	}
}

static void slow(struct chaos *c)
{
	act_pick(c)->slow_us = act_chance(c, 8 * SECOND_US);
}

void trouble_net(struct chaos *c)
{
	const struct host *a = act_pick(c), *b = act_pick(c);
	const struct plan *p = &c->plan;
	bool parts = act_chance(c, 3) == 0;

	if (a == b)
		return;
	if (!parts || (!p->torn && !p->slow)) {
		net_cut(c->world, a, b);
		return;
	}
	if (p->torn && (!p->slow || act_chance(c, 2) == 0))
		part(c);
	else
		slow(c);
	c->heal_us = c->world->now_us + act_chance(c, p->trouble_us);
	c->truth.torn_us = c->world->now_us;
}

bool trouble_now(const struct chaos *c)
{
	return c->heal_us != NEVER;
}

void trouble_end(struct chaos *c)
{
	net_heal(c->world);
	c->heal_us = NEVER;
	c->truth.torn_us = c->world->now_us;
}

void trouble_disk(struct chaos *c)
{
	struct host *h = act_pick(c);

	h->disk_full = !h->disk_full;
}

/* Never so far that a value of a day expires before its time. */
void trouble_clock(struct chaos *c)
{
	act_pick(c)->skew_ms = (int64_t)act_chance(c, (uint64_t)(8 * HOUR_MS)) -
			       4 * HOUR_MS;
}

/* A new document comes to one node, by hand; the others get it from each other.
 */
void trouble_document(struct chaos *c)
{
	struct host *h = act_pick(c);

	/* One after the other: a node that knows one newer stays with that. */
	if (host_joined(h) && c->world->n_versions < DOCUMENTS_MAX)
		host_configure(h, world_document(c->world));
}
