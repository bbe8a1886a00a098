/* SPDX-License-Identifier: ISC */
/* Peers that have as many links as they may, or nearly. */
#include "../unit/unit.h"

#include "core/state.h"
#include "rogue.h"
#include "stage.h"

/* Eight neighbours on either side, and little more. */
enum { LINKS = 22, FIRST = 8, PEERS = 48 };

static uint32_t n_most; /* of one node's links, at any time */

static void count(void *ctx, struct host *h)
{
	(void)ctx;
	if (h->node->links.n > n_most)
		n_most = h->node->links.n;
}

static bool is_one(struct world *w, void *ctx)
{
	(void)w;
	return truth_ring(ctx) == 0;
}

/* Whoever comes finds a way in, is admitted by its successor and
 * linked with its neighbours, though all have as many links as they may; and
 * the values go with the ranges. */
static void full(void **state)
{
	struct host *h;
	struct stage s;
	char user[32];

	(void)state;
	stage_init(&s, 31, FIRST, 60);
	s.w->hooks.step = count;
	assert_int_equal(stage_fill(&s), 0);
	for (uint32_t i = 0; i < FIRST; i++)
		s.w->hosts[i]->node->cfg.links_max = LINKS;
	for (uint32_t i = FIRST; i < PEERS; i++) {
		snprintf(user, sizeof(user), "full%u@sim.example.org", i);
		h = world_host(s.w, user, NULL);
		h->cfg.links_max = LINKS;
		host_start(h, ROLE_PEER, false);
		world_run(s.w, 60 * SECOND_US);
		assert_true(host_joined(h));
	}
	s.truth.quiet = true;
	assert_true(world_run_until(s.w, is_one, &s.truth, 600 * SECOND_US));
	s.truth.quiet = false;
	world_run(s.w, 300 * SECOND_US);
	assert_int_equal(truth_ring(&s.truth), 0);
	assert_int_equal(truth_copies(&s.truth, false), 0);
	assert_int_equal(stage_missing(&s), 0);
	assert_int_equal(n_most, LINKS);
	assert_int_equal(stage_end(&s), 0);
}

/* Just behind the last of a host's successors: no neighbour of its. */
static struct rogue *stranger(struct world *w, const struct host *h,
			      const char *user, unsigned n)
{
	const struct ring *ring = &h->node->ring;
	struct node_id id = ring->successors[ring->n_successors - 1];

	while (n-- > 0)
		id_next(&id, &id);
	return rogue_new(w, user, &id);
}

/* Who is no neighbour gets the place of one that says nothing. */
static void idle(void **state)
{
	struct rogue *alice, *bob;
	uint32_t link, n;
	struct host *h;
	struct stage s;

	(void)state;
	stage_init(&s, 32, 17, 10); /* all are neighbours */
	h = s.w->hosts[0];
	alice = stranger(s.w, h, "alice@sim.example.org", 1);
	bob = stranger(s.w, h, "bob@sim.example.org", 2);
	link = rogue_connect(alice, h);
	assert_int_not_equal(link, 0);
	world_run(s.w, SECOND_US);
	n = h->node->links.n;
	h->node->cfg.links_max = n;
	(void)rogue_connect(bob, h);
	world_run(s.w, SECOND_US);
	assert_int_equal(rogue_link_to(bob, h), 0);
	assert_int_equal(rogue_link_to(alice, h), link);
	world_run(s.w, 40 * SECOND_US);
	(void)rogue_connect(bob, h);
	world_run(s.w, SECOND_US);
	assert_int_not_equal(rogue_link_to(bob, h), 0);
	assert_int_equal(rogue_link_to(alice, h), 0);
	assert_int_equal(h->node->links.n, n);
	rogue_free(alice);
	rogue_free(bob);
	assert_int_equal(stage_end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full),
		cmocka_unit_test(idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
