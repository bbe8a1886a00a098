/* SPDX-License-Identifier: ISC */
/* Owns: the ring that most traces start from. */
#include "stage.h"

void stage_init(struct stage *s, uint64_t seed, uint32_t n_peers,
		uint32_t update_s)
{
	stage_init_links(s, seed, n_peers, update_s, LINK_PROTOCOL_TLS);
}

void stage_init_links(struct stage *s, uint64_t seed, uint32_t n_peers,
		      uint32_t update_s, uint8_t links)
{
	struct world_options opt = { .seed = seed,
				     .links = links,
				     .net.cut_permille = 100 };

	s->w = world_new(&opt);
	s->w->overlay->chord_update_interval_s = update_s;
	check_init(&s->check, s->w);
	truth_init(&s->truth, s->w);
	world_ring(s->w, n_peers);
	world_run(s->w, 60 * SECOND_US);
	MUST(truth_ring(&s->truth) == 0 ? OK : ERR_SOFTWARE);
}

uint64_t stage_end(struct stage *s)
{
	uint64_t n = s->check.n_broken;

	world_free(s->w);
	check_clear(&s->check);
	truth_clear(&s->truth);
	return n;
}

uint32_t stage_fill(struct stage *s)
{
	static const char *const keys[] = { NULL, "red", "blue" };
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->w->n_hosts; i++) {
		for (size_t k = 0; k < 3; k++)
			truth_store(
				&s->truth,
				truth_fact(&s->truth, s->w->hosts[i], keys[k]),
				true);
		world_run(s->w, 2 * SECOND_US);
	}
	world_run(s->w, 20 * SECOND_US);
	truth_settle(&s->truth);
	for (const struct fact *f = s->truth.facts; f != NULL; f = f->next)
		n += !f->known;
	return n;
}

uint32_t stage_missing(struct stage *s)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->w->n_hosts; i++)
		if (host_joined(s->w->hosts[i]))
			n += truth_values(&s->truth, s->w->hosts[i]);
	return n;
}
