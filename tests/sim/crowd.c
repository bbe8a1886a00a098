/* SPDX-License-Identifier: ISC */
/*
 * Owns: which hosts run: joins, Leaves, crashes, exponential sessions, all
 * crashing at once, disks lost for good.  RFC 6940 s10.5, s10.6, s10.7.1.
 */
#include "acts.h"

enum { BEREFT_MAX = 2 /* neighbours lost for good between two repairs */ };

static uint32_t n_peers(const struct chaos *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->opt->nodes; i++)
		n += host_runs(c->world->hosts[i]);
	return n;
}

/* Clients come and go as they like; of the peers half stay. */
static bool may_go(const struct chaos *c, const struct host *h)
{
	return act_is_client(c, h)
		       ? host_ready(h)
		       : host_joined(h) && n_peers(c) > c->opt->nodes / 2 + 1;
}

/* As an operator has it: one peer is told that it may be the first. */
static bool is_founder(const struct host *h)
{
	return h->index == 0;
}

void crowd_start(struct chaos *c, struct host *h)
{
	if (!host_runs(h))
		host_start(h, act_is_client(c, h) ? ROLE_CLIENT : ROLE_PEER,
			   is_founder(h));
}

void crowd_come(struct chaos *c)
{
	crowd_start(c, act_pick(c));
}

static void leave(struct host *h)
{
	struct command leave = { .type = CMD_LEAVE };

	(void)host_command(h, &leave); /* ended by crowd_reap() */
}

void crowd_leave(struct chaos *c)
{
	struct host *h = act_pick(c);

	if (may_go(c, h))
		leave(h);
}

void crowd_reap(struct chaos *c)
{
	for (uint32_t i = 0; i < c->n_actors; i++)
		if (c->world->hosts[i]->node != NULL &&
		    c->world->hosts[i]->state == STATE_LEFT)
			host_kill(c->world->hosts[i], DEATH_PROCESS);
}

static void die(struct chaos *c, struct host *h)
{
	host_kill(h, act_chance(c, 3) == 0 ? DEATH_POWER : DEATH_PROCESS);
}

void crowd_die(struct chaos *c)
{
	struct host *h = act_pick(c);

	if (may_go(c, h))
		die(c, h);
}

/* Has everybody what must be there? */
static bool repaired(struct chaos *c)
{
	struct truth *t = &c->truth;
	bool all;

	t->quiet = true;
	all = !trouble_now(c) && truth_connected(t) &&
	      truth_copies(t, false) == 0;
	t->quiet = false;
	return all;
}

/*
 * "As long as no more than two ring neighbours are lost for good between two
 * repairs, nothing acknowledged with two replicas is missing": so many are
 * lost, and it is looked whether that is so.
 */
void crowd_lose(struct chaos *c)
{
	struct host *h = act_pick(c), *next;

	if (repaired(c)) {
		truth_repaired(&c->truth);
		c->n_bereft = 0;
	}
	for (uint64_t n = 1 + act_chance(c, BEREFT_MAX); n > 0; n--) {
		if (c->n_bereft == BEREFT_MAX || !may_go(c, h))
			break;
		next = host_joined(h) ? world_successor(c->world, h, 1) : h;
		die(c, h);
		host_wipe(h);
		c->n_bereft++;
		h = next;
	}
	truth_bereaved(&c->truth);
}

bool crowd_dwindle(struct chaos *c)
{
	struct host *h = act_pick(c), *next;
	uint64_t n = 1 + act_chance(c, BEREFT_MAX);

	while (!host_joined(h))
		h = act_pick(c);
	for (; n > 0 && n_peers(c) > c->opt->nodes / 3 + 1; n--) {
		next = world_successor(c->world, h, 1);
		die(c, h);
		h = next;
	}
	return n == 0;
}

void crowd_blackout(struct chaos *c)
{
	for (uint32_t i = 0; i < c->n_actors; i++)
		die(c, c->world->hosts[i]);
	for (uint32_t i = 0; i < c->n_actors; i++)
		if (act_chance(c, 4) != 0)
			crowd_start(c, c->world->hosts[i]);
}

/* Exponential: the chance to end does not depend on how long it has lasted. */
void crowd_churn(struct chaos *c, uint64_t us)
{
	const struct plan *p = &c->plan;

	if (p->session_us == 0)
		return;
	for (uint32_t i = 0; i < c->n_actors; i++) {
		struct host *h = c->world->hosts[i];

		if (!host_runs(h)) {
			if (act_chance(c, p->absence_us) < us)
				crowd_start(c, h);
		} else if (act_chance(c, p->session_us) < us && may_go(c, h)) {
			if (p->deaths && act_chance(c, 2) == 0)
				die(c, h);
			else
				leave(h);
		}
	}
}
