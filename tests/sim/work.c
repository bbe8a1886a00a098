/* SPDX-License-Identifier: ISC */
/*
 * Owns: what hosts are asked to do meanwhile, peers and clients alike: Stores,
 * removals, Stores on condition of a generation counter, Fetches; and in the
 * end all Fetches from everywhere.
 */
#include "acts.h"

#include <utlist.h>

#include "brief.h"

enum {
	TRIES = 8 /* of a Fetch that has no answer, where much is lost */
};

void work_facts(struct chaos *c, struct host *h)
{
	truth_fact(&c->truth, h, NULL);
	truth_fact(&c->truth, h, "red");
	truth_fact(&c->truth, h, "blue");
	if (c->opt->brief)
		brief_fact(&c->truth, h);
}

static struct fact *pick_fact(struct chaos *c)
{
	uint64_t n = act_chance(c, c->n_actors * (c->opt->brief ? 4 : 3));
	struct fact *f = c->truth.facts;

	while (n-- > 0)
		f = f->next;
	return f;
}

/* In one of four the counter must be the one last seen, or an older one. */
void work_store(struct chaos *c)
{
	struct fact *f = pick_fact(c);
	uint64_t generation = 0;

	if (f->generation > 0 && act_chance(c, 4) == 0)
		generation = act_chance(c, 4) == 0
				     ? 1 + act_chance(c, f->generation)
				     : f->generation;
	truth_store_if(&c->truth, f, act_chance(c, 8) != 0, generation);
}

void work_fetch(struct chaos *c)
{
	struct fact *f = pick_fact(c);

	/* The writer itself often: what it was told must be so for it. */
	reads_start(&c->reads, act_chance(c, 3) == 0 ? f->writer : act_pick(c),
		    f, false);
}

/* Outcomes that nobody asks for are forgotten: those of Leaves. */
void work_settle(struct chaos *c)
{
	struct outcome *o, *tmp;

	if (trouble_now(c))
		c->truth.torn_us = c->world->now_us;
	truth_settle(&c->truth);
	reads_settle(&c->reads);
	DL_FOREACH_SAFE(c->world->outcomes, o, tmp)
	if (o->result.type != CMD_STORE && o->result.type != CMD_FETCH)
		world_forget(c->world, o->id);
}

static bool is_answered(struct world *w, void *ctx)
{
	(void)w;
	return reads_ended(ctx);
}

void work_fetch_all(struct chaos *c)
{
	struct reads *r = &c->reads;

	/* A client learns that its peer is gone when it asks. */
	for (uint32_t i = c->opt->nodes; i < c->n_actors; i++)
		reads_start(r, c->world->hosts[i], c->truth.facts, false);
	world_run(c->world, 60 * SECOND_US);
	reads_settle(r);
	r->all_is_well = true;
	r->tries_max = c->opt->loss_permille == 0 ? 1 : TRIES;
	for (uint32_t i = 0; i < c->n_actors; i++) {
		const struct fact *f = c->truth.facts;

		for (; f != NULL; f = f->next)
			if (f->kind == USER_VALUE)
				reads_start(r, c->world->hosts[i], f, true);
		for (uint32_t k = 0; k < r->tries_max && r->all != NULL; k++) {
			(void)world_run_until(c->world, is_answered, r,
					      60 * SECOND_US);
			reads_settle(r);
			if (r->all != NULL)
				world_run(c->world, 10 * SECOND_US);
		}
	}
}
