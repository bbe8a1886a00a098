/* SPDX-License-Identifier: ISC */
/*
 * Owns: the random schedule of joins, leaves, deaths, broken links, partitions,
 * Stores and Fetches, from one seed; the calm after it.  Does not own: what
 * must hold (check.c, truth.c).
 */
#include "chaos.h"

#include <utlist.h>

enum {
	FACTS_PER_HOST = 3,
	CALM_S = 1800,  /* until the ring must be right */
	REPAIR_S = 300, /* from then until all copies must be there */
	WIPE_GAP_US = 120000000
};

struct chaos {
	const struct chaos_options *opt;
	struct world *world;
	struct check check;
	struct truth truth;
	uint64_t heal_us; /* when the partition ends, or NEVER */
	uint64_t wiped_us;
	uint64_t pause_us;     /* between two acts, at most */
	uint64_t partition_us; /* how long one lasts, at most */
};

static uint64_t chance(struct chaos *c, uint64_t n)
{
	return rng_below(&c->world->rng, n);
}

/* The last few hosts never join. */
static bool is_client(const struct chaos *c, const struct host *h)
{
	return h->index >= c->opt->nodes;
}

static uint32_t n_peers(const struct chaos *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->opt->nodes; i++)
		n += host_runs(c->world->hosts[i]);
	return n;
}

static struct host *pick(struct chaos *c)
{
	return c->world->hosts[chance(c, c->world->n_hosts)];
}

static struct fact *pick_fact(struct chaos *c)
{
	uint64_t n = chance(c, c->world->n_hosts * FACTS_PER_HOST);
	struct fact *f = c->truth.facts;

	while (n-- > 0)
		f = f->next;
	return f;
}

/* May this disk be lost?  Only if every value is on another one as well. */
static bool may_wipe(struct chaos *c, struct host *h)
{
	return c->world->now_us >= c->wiped_us + WIPE_GAP_US &&
	       c->heal_us == NEVER && truth_spare(&c->truth, h);
}

/* Clients come and go as they like; of the peers half stay. */
static bool may_go(const struct chaos *c, const struct host *h)
{
	return is_client(c, h)
		       ? host_ready(h)
		       : host_joined(h) && n_peers(c) > c->opt->nodes / 2 + 1;
}

static void die(struct chaos *c)
{
	struct host *h = pick(c);
	enum death how = chance(c, 3) == 0 ? DEATH_POWER : DEATH_PROCESS;

	if (!may_go(c, h))
		return;
	host_kill(h, how);
	if (chance(c, 3) == 0 && may_wipe(c, h)) {
		host_wipe(h);
		c->wiped_us = c->world->now_us;
	}
}

static void leave(struct chaos *c)
{
	struct command leave = { .type = CMD_LEAVE };
	struct host *h = pick(c);

	if (may_go(c, h))
		(void)host_command(h, &leave); /* ended by reap() */
}

/* As an operator has it: one peer is told that it may be the first. */
static bool is_founder(const struct host *h)
{
	return h->index == 0;
}

static void start(struct chaos *c, struct host *h)
{
	if (!host_runs(h))
		host_start(h, is_client(c, h) ? ROLE_CLIENT : ROLE_PEER,
			   is_founder(h));
}

static void come(struct chaos *c)
{
	start(c, pick(c));
}

/* Those that have left are stopped. */
static void reap(struct chaos *c)
{
	for (uint32_t i = 0; i < c->world->n_hosts; i++)
		if (c->world->hosts[i]->node != NULL &&
		    c->world->hosts[i]->state == STATE_LEFT)
			host_kill(c->world->hosts[i], DEATH_PROCESS);
}

static void break_net(struct chaos *c)
{
	const struct host *a = pick(c), *b = pick(c);

	if (a == b)
		return;
	if (chance(c, 3) != 0) {
		net_cut(c->world, a, b);
		return;
	}
	if (chance(c, 2) == 0) {
		net_block(c->world, a, b, true);
		net_block(c->world, b, a, true);
	} else {
		net_split(c->world,
			  (uint32_t)(1 + chance(c, c->world->n_hosts - 1)));
	}
	c->heal_us = c->world->now_us + chance(c, c->partition_us);
}

static void fetch(struct chaos *c)
{
	const struct fact *f = pick_fact(c);
	struct stored_data_specifier s = { .kind = f->kind };
	struct command cmd = { .type = CMD_FETCH,
			       .resource = f->resource,
			       .specifiers = &s,
			       .n_specifiers = 1 };
	struct host *h = pick(c);

	if (host_ready(h))
		(void)host_command(h, &cmd); /* the checker reads along */
}

/* A new document comes to one node, by hand; the others get it from each other.
 */
static void configure(struct chaos *c)
{
	struct host *h = pick(c);
	const struct overlay *o;

	if (!host_joined(h) || c->world->n_versions == 3)
		return;
	o = world_document(c->world);
	/* One after the other: a node that knows one newer stays with that. */
	host_configure(h, o);
}

static void fill_disk(struct chaos *c)
{
	struct host *h = pick(c);

	h->disk_full = !h->disk_full;
}

static void act(struct chaos *c)
{
	uint64_t n = chance(c, 100);

	for (uint64_t i = chance(c, 4); i > 0; i--)
		truth_store(&c->truth, pick_fact(c), chance(c, 8) != 0);
	if (n < 40)
		return;
	if (n < 60)
		fetch(c);
	else if (n < 76)
		come(c);
	else if (n < 82)
		leave(c);
	else if (c->opt->kind)
		return;
	else if (n < 91)
		die(c);
	else if (n < 98)
		break_net(c);
	else if (n < 99)
		fill_disk(c);
	else
		configure(c);
}

static struct world *make(struct chaos *c)
{
	uint64_t seed = c->opt->seed;
	struct world_options opt = {
		.seed = seed,
		.hosts_max = c->opt->nodes + c->opt->nodes / 4,
		.net = { .delay_min_us = 500,
			 .delay_max_us = 1000 + seed * 7919 % 150000,
			 .cut_permille = (uint32_t)(seed * 104729 % 600),
			 .mtu = (uint32_t)(seed % 2 == 0 ? 1200 : 500),
			 .record_loss_permille = (uint32_t)(seed * 613 % 120),
			 .record_twice_permille = (uint32_t)(seed * 31 % 20) },
		.commit_us = 1000 + seed * 31 % 20000,
		.links = c->opt->links == 0 ? (uint8_t)(1 + seed % 3)
					    : c->opt->links,
		.trace = c->opt->verbose ? stdout : NULL,
	};
	struct world *w = world_new(&opt);

	/* Quicker than the defaults, so that calm needs no day. */
	w->overlay->chord_update_interval_s = 60;
	w->overlay->chord_ping_interval_s = 120;
	return w;
}

static void populate(struct chaos *c)
{
	struct world *w = c->world;
	struct host *h;
	char user[32];

	for (uint32_t i = 0; i < w->opt.hosts_max; i++) {
		snprintf(user, sizeof(user), "u%u@sim.example.org", i);
		h = world_host(w, user, NULL);
		h->skew_ms = (int64_t)chance(c, 20000) - 10000;
		truth_fact(&c->truth, h, NULL);
		truth_fact(&c->truth, h, "red");
		truth_fact(&c->truth, h, "blue");
		if (i < c->opt->nodes / 2 + 1) {
			host_start(h, ROLE_PEER, is_founder(h));
			world_run(w, i == 0 ? 10 * SECOND_US
					    : chance(c, 3 * SECOND_US));
		}
	}
}

/* Outcomes that nobody asks for are forgotten: those of Fetches and Leaves. */
static void tidy(struct chaos *c)
{
	struct outcome *o, *tmp;

	truth_settle(&c->truth);
	DL_FOREACH_SAFE(c->world->outcomes, o, tmp)
	if (o->result.type != CMD_STORE)
		world_forget(c->world, o->id);
}

static void storm(struct chaos *c)
{
	for (uint32_t i = 0; i < c->opt->rounds; i++) {
		if (c->world->now_us >= c->heal_us) {
			net_heal(c->world);
			c->heal_us = NEVER;
		}
		act(c);
		world_run(c->world, chance(c, c->pause_us));
		reap(c);
		tidy(c);
	}
}

/* No more faults: all that stopped come back, and in time all is right. */
static void calm(struct chaos *c, struct chaos_report *out)
{
	struct world *w = c->world;
	uint64_t start_us;
	bool right = false;

	net_heal(w);
	for (uint32_t i = 0; i < w->n_hosts; i++)
		w->hosts[i]->disk_full = false;
	world_run(w, 30 * SECOND_US);
	reap(c);
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		start(c, w->hosts[i]);
		world_run(w, chance(c, 2 * SECOND_US));
	}
	start_us = w->now_us;
	c->truth.quiet = true;
	while (!right && w->now_us < start_us + CALM_S * SECOND_US) {
		world_run(w, 10 * SECOND_US);
		right = truth_ring(&c->truth) == 0;
	}
	out->settled_s = (w->now_us - start_us) / SECOND_US;
	world_run(w, REPAIR_S * SECOND_US);
	tidy(c);
	c->truth.quiet = false;
	out->n_wrong += truth_ring(&c->truth);
	out->n_wrong += truth_values(&c->truth, NULL);
	out->n_wrong += truth_copies(&c->truth, false);
	out->n_wrong += truth_documents(&c->truth);
}

void chaos_run(const struct chaos_options *opt, struct chaos_report *out)
{
	struct chaos c = { .opt = opt,
			   .heal_us = NEVER,
			   .pause_us = 300000 + opt->seed * 523 % 4000000,
			   .partition_us = opt->seed % 4 == 0
						   ? 900 * SECOND_US
						   : 90 * SECOND_US };

	*out = (struct chaos_report){ 0 };
	c.world = make(&c);
	check_init(&c.check, c.world);
	truth_init(&c.truth, c.world);
	populate(&c);
	storm(&c);
	calm(&c, out);
	out->n_wrong += c.check.n_broken;
	snprintf(out->first, sizeof(out->first), "%s",
		 c.check.n_broken != 0 ? c.check.first : c.truth.first);
	out->n_events = c.world->n_events;
	out->n_frames = c.world->net.n_frames;
	out->n_messages = c.check.n_messages;
	out->n_stored = c.truth.n_stored;
	out->n_refused = c.truth.n_refused;
	out->virtual_s = c.world->now_us / SECOND_US;
	world_free(c.world);
	check_clear(&c.check);
	truth_clear(&c.truth);
}
