/* SPDX-License-Identifier: ISC */
/*
 * Owns: one run, from a seed: what may happen in it, the storm, and the calm
 * after it, in which all must come right.  Does not own: what happens (crowd.c,
 * trouble.c, work.c, villain.c), what must hold (check.c, audit.c, reads.c,
 * truth.c).
 */
#include "acts.h"
#include "brief.h"

enum {
	CALM_S = 300,   /* until the ring must be right */
	REPAIR_S = 300, /* from then until all copies must be there */
	LOSS_S = 180    /* the same when a few peers have gone */
};

#define LINGER_US (20 * SECOND_US) /* a request and its retransmissions */

uint64_t act_chance(struct chaos *c, uint64_t n)
{
	return rng_below(&c->world->rng, n);
}

/* The last few hosts never join. */
bool act_is_client(const struct chaos *c, const struct host *h)
{
	return h->index >= c->opt->nodes;
}

struct host *act_pick(struct chaos *c)
{
	return c->world->hosts[act_chance(c, c->n_actors)];
}

/* ---- the seed ---- */

static bool one_in(struct chaos *c, uint64_t n)
{
	return act_chance(c, n) == 0;
}

static void lose_messages(struct chaos *c, struct net_options *o)
{
	o->lose_permille = (uint32_t)act_chance(c, 20);
	o->twice_permille = (uint32_t)act_chance(c, 50);
	o->late_permille = (uint32_t)act_chance(c, 100);
	o->late_us = 1000 + act_chance(c, 2 * SECOND_US);
}

static void plan(struct chaos *c)
{
	struct plan *p = &c->plan;
	struct world *w = c->world;

	p->pause_us = 300000 + act_chance(c, 4 * SECOND_US);
	p->trouble_us = one_in(c, 4) ? 900 * SECOND_US : 90 * SECOND_US;
	if (one_in(c, 3)) {
		p->session_us = (30 + act_chance(c, 600)) * SECOND_US;
		p->absence_us = (10 + act_chance(c, 200)) * SECOND_US;
	}
	p->clocks = one_in(c, 4) && !c->opt->brief;
	c->truth.linger_us = LINGER_US;
	c->truth.mild = c->opt->kind;
	if (c->opt->kind)
		return;
	p->torn = one_in(c, 2);
	p->slow = one_in(c, 3);
	p->lossy = one_in(c, 3);
	p->deaths = !one_in(c, 4);
	p->wipes = one_in(c, 2);
	p->blackout = one_in(c, 4);
	p->full = one_in(c, 4);
	p->documents = one_in(c, 3);
	p->villain = one_in(c, 3);
	/* A copy that was on its way waits for a partition's end. */
	if (p->torn || p->slow)
		c->truth.linger_us += p->trouble_us;
	c->truth.mild = !p->torn && !p->slow && !p->deaths && !p->wipes &&
			!p->blackout;
	if (p->lossy)
		lose_messages(c, &w->net.opt);
}

static struct world *make(const struct chaos_options *opt)
{
	uint64_t seed = opt->seed;
	struct world_options o = {
		.seed = seed,
		.hosts_max = opt->nodes + opt->nodes / 4 + 1,
		.net = { .delay_min_us = 500,
			 .delay_max_us = 1000 + seed * 7919 % 150000,
			 .cut_permille = (uint32_t)(seed * 104729 % 600),
			 .mtu = (uint32_t)(seed % 2 == 0 ? 1200 : 500),
			 .record_loss_permille =
				 opt->loss_permille == 0
					 ? (uint32_t)(seed * 613 % 120)
					 : opt->loss_permille,
			 .record_twice_permille = (uint32_t)(seed * 31 % 20) },
		.commit_us = 1000 + seed * 31 % 20000,
		.links = opt->links == 0 ? (uint8_t)(1 + seed % 3) : opt->links,
		.trace = opt->trace,
	};
	struct world *w = world_new(&o);

	/* Quicker than the defaults, so that calm needs no day. */
	w->overlay->chord_update_interval_s = 60;
	w->overlay->chord_ping_interval_s = 120;
	return w;
}

static void populate(struct chaos *c)
{
	struct world *w = c->world;
	int64_t skew_ms = c->plan.clocks ? 8 * 3600000 : 20000;
	struct host *h;
	char user[32];

	c->n_actors = c->opt->nodes + c->opt->nodes / 4;
	for (uint32_t i = 0; i < c->n_actors; i++) {
		snprintf(user, sizeof(user), "u%u@sim.example.org", i);
		h = world_host(w, user, NULL);
		h->skew_ms = (int64_t)act_chance(c, (uint64_t)skew_ms) -
			     skew_ms / 2;
		work_facts(c, h);
		if (i < c->opt->nodes / 2 + 1) {
			crowd_start(c, h);
			world_run(w, i == 0 ? 10 * SECOND_US
					    : act_chance(c, 3 * SECOND_US));
		}
	}
	if (c->plan.villain)
		villain_come(c);
}

/* ---- the storm ---- */

static void harm(struct chaos *c)
{
	const struct plan *p = &c->plan;
	uint64_t n = act_chance(c, 24);

	if (n < 8 && p->deaths)
		crowd_die(c);
	else if (n < 15 && !c->opt->kind)
		trouble_net(c);
	else if (n == 15 && p->full)
		trouble_disk(c);
	else if (n == 16 && p->documents)
		trouble_document(c);
	else if (n < 19 && p->clocks)
		trouble_clock(c);
	else if (n < 21 && p->wipes)
		crowd_lose(c);
}

static void act(struct chaos *c)
{
	uint64_t n = act_chance(c, 100);

	for (uint64_t i = act_chance(c, 4); i > 0; i--)
		work_store(c);
	if (n < 30)
		return;
	if (n < 60)
		work_fetch(c);
	else if (n < 74)
		crowd_come(c);
	else if (n < 80)
		crowd_leave(c);
	else
		harm(c);
}

static void storm(struct chaos *c)
{
	uint32_t blackout = c->plan.blackout
				    ? (uint32_t)act_chance(c, c->opt->rounds)
				    : UINT32_MAX;
	uint64_t us;

	for (uint32_t i = 0; i < c->opt->rounds; i++) {
		if (c->world->now_us >= c->heal_us)
			trouble_end(c);
		if (i == blackout)
			crowd_blackout(c);
		if (trouble_now(c))
			c->truth.torn_us = c->world->now_us;
		act(c);
		if (c->plan.villain && one_in(c, 4))
			villain_act(c);
		us = act_chance(c, c->plan.pause_us);
		world_run(c->world, us);
		crowd_churn(c, us);
		crowd_reap(c);
		work_settle(c);
	}
}

/* ---- the calm ---- */

static void settle(struct chaos *c, uint64_t us)
{
	uint64_t end_us = c->world->now_us + us;

	while (c->world->now_us < end_us) {
		world_run(c->world, 5 * SECOND_US);
		work_settle(c);
	}
}

/* No more faults: all that stopped come back. */
static void make_up(struct chaos *c)
{
	struct world *w = c->world;

	trouble_end(c);
	w->net.opt.record_loss_permille = c->opt->loss_permille;
	w->net.opt.record_twice_permille = 0;
	w->net.opt.lose_permille = 0;
	w->net.opt.twice_permille = 0;
	w->net.opt.late_permille = 0;
	for (uint32_t i = 0; i < c->n_actors; i++)
		w->hosts[i]->disk_full = false;
	settle(c, 30 * SECOND_US);
	crowd_reap(c);
	for (uint32_t i = 0; i < c->n_actors; i++) {
		crowd_start(c, w->hosts[i]);
		world_run(w, act_chance(c, 2 * SECOND_US));
	}
}

/* Runs until the ring is right, and so long at most. */
static void until_right(struct chaos *c, uint64_t us)
{
	uint64_t end_us = c->world->now_us + us;
	bool right = false;

	while (!right && c->world->now_us < end_us) {
		settle(c, 10 * SECOND_US);
		c->truth.quiet = true;
		right = truth_ring(&c->truth) == 0;
		c->truth.quiet = false;
	}
}

/* In time all is right. */
static void calm(struct chaos *c, struct chaos_report *out)
{
	struct world *w = c->world;
	uint64_t start_us;

	make_up(c);
	start_us = w->now_us;
	until_right(c, CALM_S * SECOND_US);
	out->settled_s = (w->now_us - start_us) / SECOND_US;
	settle(c, REPAIR_S * SECOND_US);
	if (c->opt->loss_permille != 0) /* a link may just have been lost */
		until_right(c, REPAIR_S * SECOND_US);
	c->n_wrong += truth_ring(&c->truth);
	work_fetch_all(c);
	c->n_wrong += truth_copies(&c->truth, false);
	c->n_wrong += truth_counters(&c->truth);
	c->n_wrong += brief_left(&c->truth);
	c->n_wrong += truth_documents(&c->truth);
}

/*
 * Peers that do not come back: the copies that they had are made anew, by who
 * owns the values now and for whom it got to know as its successors, RFC 6940
 * s10.7.3.  After storms all come back, and that is never needed for long.
 */
static void dwindle(struct chaos *c)
{
	while (crowd_dwindle(c)) {
		settle(c, LOSS_S * SECOND_US);
		c->n_wrong += truth_ring(&c->truth);
		c->n_wrong += truth_copies(&c->truth, false);
	}
}

static void count(const struct chaos *c, struct chaos_report *out)
{
	out->n_wrong = c->n_wrong + c->check.n_broken + c->audit.n_broken +
		       c->truth.n_wrong + c->reads.n_wrong;
	snprintf(out->first, sizeof(out->first), "%s",
		 c->check.n_broken != 0   ? c->check.first
		 : c->audit.n_broken != 0 ? c->audit.first
					  : c->truth.first);
	out->n_events = c->world->n_events;
	out->n_frames = c->world->net.n_frames;
	out->n_messages = c->check.n_messages;
	out->n_stored = c->truth.n_stored;
	out->n_refused = c->truth.n_refused;
	out->n_values = c->audit.n_values;
	out->n_fetched = c->reads.n_judged;
	out->n_strict = c->reads.n_strict;
	out->virtual_s = c->world->now_us / SECOND_US;
}

void chaos_run(const struct chaos_options *opt, struct chaos_report *out)
{
	struct chaos c = { .opt = opt, .heal_us = NEVER };

	*out = (struct chaos_report){ 0 };
	c.world = make(opt);
	check_init(&c.check, c.world);
	truth_init(&c.truth, c.world);
	audit_init(&c.audit, c.world);
	reads_init(&c.reads, &c.truth);
	plan(&c);
	populate(&c);
	storm(&c);
	calm(&c, out);
	if (opt->dwindle)
		dwindle(&c);
	count(&c, out);
	villain_go(&c); /* its messages may have been on their way until now */
	world_free(c.world);
	reads_clear(&c.reads);
	check_clear(&c.check);
	audit_clear(&c.audit);
	truth_clear(&c.truth);
}
