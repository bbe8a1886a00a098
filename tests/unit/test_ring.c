/* SPDX-License-Identifier: ISC */
/* The tables of CHORD-RELOAD, RFC 6940 s10, over random rings: links that never
 * were make the peers, a brute force over all of them says what is right. */
#include "unit.h"

#include <stdlib.h>

#include "../sim/world.h"
#include "core/finger.h"
#include "core/neighbor.h"
#include "core/state.h"
#include "core/suspect.h"

enum { PEERS_MAX = 200, ROUNDS = 60 };

struct scene {
	struct world *w;
	struct host *h;
	struct node *n;
	struct rng rng;
	struct link links[PEERS_MAX];
	uint32_t n_peers;
};

static void draw(struct rng *r, struct node_id *id)
{
	memset(id, 0, sizeof(*id));
	rng_bytes(r, id->b, RING_ID_LEN);
}

/* The table belongs to a node that has founded its ring. */
static void scene_init(struct scene *s, uint64_t seed)
{
	struct world_options opt = { .seed = seed };
	uint8_t rng_seed[32] = { (uint8_t)seed, 77 }; /* not the world's */

	memset(s, 0, sizeof(*s));
	rng_init(&s->rng, rng_seed);
	s->w = world_new(&opt);
	s->h = world_host(s->w, "table@sim.example.org", NULL);
	host_start(s->h, ROLE_PEER, true);
	assert_true(host_joined(s->h));
	s->n = s->h->node;
}

static void scene_end(struct scene *s)
{
	for (uint32_t i = 0; i < s->n_peers; i++)
		if (!s->links[i].closed)
			ring_link_down(s->n, &s->links[i], ERR_LINK_CLOSED);
	host_kill(s->h, DEATH_PROCESS);
	for (uint32_t i = 0; i < s->n_peers; i++)
		free(s->links[i].sent); /* what the node tried to say */
	world_free(s->w);
}

static struct link *add(struct scene *s, const struct node_id *id)
{
	struct link *l = &s->links[s->n_peers];

	*l = (struct link){ .number = 100000 + s->n_peers++,
			    .node_id = *id,
			    .up = true,
			    .attached = true,
			    .routable = true };
	ring_link_up(s->n, l);
	return l;
}

static void add_random(struct scene *s, uint32_t n)
{
	struct node_id id;

	while (n-- > 0) {
		draw(&s->rng, &id);
		add(s, &id);
	}
}

static void away(const struct node_id *from, const struct node_id *to,
		 struct node_id *d)
{
	id_distance(d, from, to);
}

/* The peer that follows a point (or is there), this node included. */
static const struct node_id *owner(const struct scene *s,
				   const struct node_id *k)
{
	const struct node_id *best = &s->n->id;
	struct node_id d, best_d;

	away(k, best, &best_d);
	for (uint32_t i = 0; i < s->n_peers; i++) {
		if (s->links[i].closed)
			continue;
		away(k, &s->links[i].node_id, &d);
		if (id_cmp(&d, &best_d) < 0) {
			best = &s->links[i].node_id;
			best_d = d;
		}
	}
	return best;
}

/* 6940-10.1-D1: responsible for (predecessor, own], wherever the zero is. */
static void test_responsible(void **state)
{
	struct scene s;
	struct node_id k;

	(void)state;
	for (uint32_t seed = 1; seed <= 8; seed++) {
		scene_init(&s, seed);
		draw(&s.rng, &k);
		assert_true(ring_responsible(s.n, &k)); /* alone: all */
		add_random(&s, seed);
		for (uint32_t i = 0; i < ROUNDS; i++) {
			draw(&s.rng, &k);
			assert_int_equal(ring_responsible(s.n, &k),
					 id_eq(owner(&s, &k), &s.n->id));
		}
		k = s.n->id;
		assert_true(ring_responsible(s.n, &k));
		id_next(&k, &k);
		assert_false(ring_responsible(s.n, &k));
		k = s.n->ring.predecessors[0];
		assert_false(ring_responsible(s.n, &k));
		id_next(&k, &k);
		assert_true(ring_responsible(s.n, &k));
		scene_end(&s);
	}
}

/* RFC 6940 s10.3, taken literally. */
static const struct node_id *next_hop(const struct scene *s,
				      const struct node_id *k)
{
	const struct node_id *inside = NULL, *beyond = NULL;
	struct node_id d, dk, di = { { 0 } }, db = { { 0 } };

	away(&s->n->id, k, &dk);
	for (uint32_t i = 0; i < s->n_peers; i++) {
		if (s->links[i].closed)
			continue;
		away(&s->n->id, &s->links[i].node_id, &d);
		if (id_cmp(&d, &dk) <= 0) {
			if (inside == NULL || id_cmp(&d, &di) > 0) {
				inside = &s->links[i].node_id;
				di = d;
			}
		} else if (beyond == NULL || id_cmp(&d, &db) < 0) {
			beyond = &s->links[i].node_id;
			db = d;
		}
	}
	return inside != NULL ? inside : beyond;
}

/* 6940-10.3-R2: the largest Node-ID between this node and k, else the smallest
 * beyond it.  6940-10.3-R1: a node with just that number. */
static void test_next_hop(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 3, 7, 20, 150 };
	struct node_id k;
	struct scene s;
	struct link *l;

	(void)state;
	for (size_t j = 0; j < N_OF(sizes); j++) {
		scene_init(&s, 20 + j);
		add_random(&s, sizes[j]);
		for (uint32_t i = 0; i < ROUNDS; i++) {
			draw(&s.rng, &k);
			l = ring_next_hop(s.n, &k);
			if (ring_responsible(s.n, &k)) {
				assert_null(l);
				continue;
			}
			assert_non_null(l);
			assert_true(id_eq(&l->node_id, next_hop(&s, &k)));
		}
		k = s.links[0].node_id;
		l = ring_next_hop(s.n, &k);
		assert_non_null(l);
		assert_true(id_eq(&l->node_id, &k));
		scene_end(&s);
	}
}

/* 6940-6.5.1-R1: nothing goes through a node that has sent no Update, nor,
 * 6940-6.6-R3, through one that is silent. */
static void test_not_routable(void **state)
{
	struct node_id id, k;
	struct scene s;
	struct link *l;

	(void)state;
	scene_init(&s, 31);
	add_random(&s, 20);
	id = s.n->ring.successors[3];
	id_next(&k, &id);
	l = ring_next_hop(s.n, &k);
	assert_true(id_eq(&l->node_id, &id));
	l->suspect = true;
	suspect_link(s.n, l);
	assert_true(id_eq(&ring_next_hop(s.n, &k)->node_id,
			  &s.n->ring.successors[2]));
	l->suspect = false;
	suspect_link(s.n, l);
	assert_ptr_equal(ring_next_hop(s.n, &k), l);
	/* A link without an Update is in no table at all. */
	id_next(&id, &s.n->id);
	l = add(&s, &id); /* routable, so far */
	assert_true(id_eq(&s.n->ring.successors[0], &id));
	ring_link_down(s.n, l, ERR_LINK_CLOSED);
	*l = (struct link){
		.number = l->number, .node_id = id, .up = true, .attached = true
	};
	ring_link_up(s.n, l);
	assert_false(id_eq(&s.n->ring.successors[0], &id));
	id_next(&k, &id);
	assert_ptr_not_equal(ring_next_hop(s.n, &k), l);
	scene_end(&s);
}

/* The last peer before a point. */
static struct node_id before(const struct scene *s, const struct node_id *k)
{
	struct node_id best = *k, d, best_d = { { 0 } };

	for (uint32_t i = 0; i < s->n_peers; i++) {
		away(&s->links[i].node_id, k, &d);
		if (!id_is_zero(&d) &&
		    (id_is_zero(&best_d) || id_cmp(&d, &best_d) < 0)) {
			best = s->links[i].node_id;
			best_d = d;
		}
	}
	return best;
}

/* 6940-10.7-R3: all of three and more on either side, in order; 6940-10.7.3-R3:
 * never this node itself, however small the ring. */
static void test_neighbors(void **state)
{
	const struct ring *ring;
	struct node_id next, last;
	struct scene s;

	(void)state;
	for (uint32_t n = 0; n <= 20; n++) {
		scene_init(&s, 40 + n);
		ring = &s.n->ring;
		add_random(&s, n);
		assert_int_equal(ring->n_successors,
				 n < NEIGHBORS_MIN ? n : NEIGHBORS_MIN);
		assert_int_equal(ring->n_predecessors, ring->n_successors);
		next = last = s.n->id;
		for (uint32_t i = 0; i < ring->n_successors; i++) {
			id_next(&next, &next);
			next = *owner(&s, &next);
			last = before(&s, &last);
			assert_true(id_eq(&ring->successors[i], &next));
			assert_true(id_eq(&ring->predecessors[i], &last));
		}
		add(&s, &s.n->id); /* not even one that has its Node-ID */
		assert_false(ring_is_neighbor(s.n, &s.n->id));
		scene_end(&s);
	}
}

/* 6940-10.7-R3: O(log N) of them, by what is near: where nodes are as close as
 * in a ring of 2^k, each knows k on either side, within the limits. */
static void test_neighbors_grow(void **state)
{
	const struct node_id zero = { { 0 } };
	struct node_id last, d;
	struct scene s;

	(void)state;
	/* Sixteen have just less than 2^(132-k) of the ring. */
	for (uint32_t k = 5; k <= RING_BITS; k++) {
		id_add_pow2(&last, &zero, 132 - k);
		id_distance(&last, &(struct node_id){ .b[15] = 1 }, &last);
		assert_int_equal(neighbor_count(&zero, &last),
				 k < NEIGHBORS_MIN   ? NEIGHBORS_MIN
				 : k > NEIGHBORS_MAX ? NEIGHBORS_MAX
						     : k);
	}
	/* Sixty on either side in 1/128 of the ring each: as of 7680. */
	scene_init(&s, 71);
	for (uint32_t i = 0; i < 120; i++) {
		draw(&s.rng, &d);
		d.b[0] &= 1;
		if (i % 2 == 0)
			id_distance(&d, &d, &s.n->id);
		else
			id_add(&d, &s.n->id, &d);
		add(&s, &d);
	}
	assert_in_range(s.n->ring.n_successors, 12, 13);
	assert_int_equal(s.n->ring.n_predecessors, s.n->ring.n_successors);
	last = s.n->id;
	for (uint32_t i = 0; i < s.n->ring.n_predecessors; i++) {
		last = before(&s, &last);
		assert_true(id_eq(&s.n->ring.predecessors[i], &last));
	}
	assert_int_equal(s.n->ring.n_neighbors, s.n->ring.n_successors);
	scene_end(&s);
}

/* 6940-10.7.4-R2: the finger of a distance is the one whose range has it. */
static void test_finger_ranges(void **state)
{
	struct node_id x, lo, hi, k, d;
	struct rng rng;
	uint8_t seed[32] = { 9 };

	(void)state;
	rng_init(&rng, seed);
	for (unsigned i = 1; i <= RING_BITS; i++) {
		draw(&rng, &x);
		id_add_pow2(&lo, &x, RING_BITS - i);
		hi = x;
		if (i > 1)
			id_add_pow2(&hi, &x, RING_BITS - (i - 1));
		away(&x, &lo, &d);
		assert_int_equal(finger_of(&d), i);
		away(&x, &hi, &d);
		assert_int_equal(finger_of(&d), i == 1 ? 0 : i - 1);
		for (unsigned j = 0; j < 20; j++) {
			draw(&rng, &k);
			away(&x, &k, &d);
			if (finger_of(&d) != i)
				continue;
			/* lo <= k < hi */
			assert_true(id_eq(&k, &lo) || id_between(&lo, &k, &hi));
		}
	}
	memset(&d, 0, sizeof(d));
	assert_int_equal(finger_of(&d), 0);
}

static void lose(struct scene *s, const struct node_id *id)
{
	for (uint32_t i = 0; i < s->n_peers; i++) {
		if (!id_eq(&s->links[i].node_id, id))
			continue;
		s->links[i].closed = true;
		ring_link_down(s->n, &s->links[i], ERR_LINK_CLOSED);
	}
}

/* 6940-10.7.2-R1: a failed node is gone from all entries, which are filled in
 * from before. */
static void test_fingers(void **state)
{
	struct node_id id, gone;
	struct ring *ring;
	struct scene s;

	(void)state;
	scene_init(&s, 70);
	ring = &s.n->ring;
	for (unsigned e = 0; e < RING_BITS; e++) {
		id_add_pow2(&id, &s.n->id, e);
		add(&s, &id);
	}
	assert_true(ring->n_fingers > 100);
	for (unsigned i = 1; i <= ring->n_fingers; i++) {
		id_add_pow2(&id, &s.n->id, RING_BITS - i);
		assert_true(ring->fingers[i - 1].valid);
		assert_true(id_eq(&ring->fingers[i - 1].id, &id));
	}
	gone = ring->fingers[4].id;
	lose(&s, &gone);
	assert_false(ring->fingers[4].valid);
	assert_true(id_eq(&ring->fingers[4].id, &ring->fingers[5].id));
	for (unsigned i = 0; i < ring->n_fingers; i++)
		assert_false(id_eq(&ring->fingers[i].id, &gone));
	scene_end(&s);
}

/* 6940-10.7.4-R5: 16 fingers, up to 128 where the last successor is that near.
 */
static void test_finger_count(void **state)
{
	struct node_id id;
	struct scene s;

	(void)state;
	scene_init(&s, 71);
	add_random(&s, 30);
	assert_int_equal(s.n->ring.n_fingers, 16);
	scene_end(&s);
	scene_init(&s, 72);
	id_next(&id, &s.n->id);
	add(&s, &id);
	assert_int_equal(s.n->ring.n_fingers, 128);
	assert_true(id_eq(&s.n->ring.fingers[127].id, &id));
	scene_end(&s);
}

/* 6940-10.7.4-R3: of the fingers without a node of their own each with
 * probability 0.5, from the first; 6940-10.7.4-R4: never sooner than the
 * interval has passed. */
static void test_finger_choice(void **state)
{
	uint32_t chosen[RING_BITS + 1] = { 0 };
	struct node_id id;
	struct scene s;
	uint64_t wait;

	(void)state;
	scene_init(&s, 73);
	/* Neighbours so near that nothing is known of the rest; the last one
	 * before this node stands for the first finger. */
	id = s.n->id;
	for (unsigned i = 0; i < NEIGHBORS_MAX; i++) {
		id_next(&id, &id);
		add(&s, &id)->routable = false;
	}
	for (unsigned i = 0; i < NEIGHBORS_MAX; i++) {
		id = s.n->id;
		id.b[RING_ID_LEN - 1] -= (uint8_t)(i + 1);
		add(&s, &id)->routable = false;
	}
	for (unsigned i = 0; i < 4000; i++) {
		s.n->ring.sought = 0;
		finger_search(s.n);
		txn_cancel(s.n, s.n->ring.finger_ping);
		s.n->ring.finger_ping = NULL;
		chosen[s.n->ring.sought]++;
		wait = s.n->ring.search.at_us - s.n->now.mono_us;
		assert_true(wait >= UINT64_C(3600000000));
	}
	assert_int_equal(chosen[1], 0);
	assert_in_range(chosen[2], 1850, 2150);
	assert_in_range(chosen[3], 880, 1120);
	assert_in_range(chosen[4], 420, 580);
	assert_in_range(chosen[5], 190, 310);
	scene_end(&s);
}

/* 6940-10.7-D1: in an Update fingers are in ascending order, each once. */
static void test_table(void **state)
{
	struct chord_update u;
	struct scene s;

	(void)state;
	scene_init(&s, 75);
	add_random(&s, 100);
	assert_ok(ring_table(s.n, &u));
	assert_int_equal(u.type, CHORD_UPDATE_FULL);
	assert_int_equal(u.predecessors.n, NEIGHBORS_MIN);
	assert_int_equal(u.successors.n, NEIGHBORS_MIN);
	assert_true(u.fingers.n > 4);
	for (uint32_t i = 1; i < u.fingers.n; i++)
		assert_true(id_cmp(&u.fingers.v[i - 1], &u.fingers.v[i]) < 0);
	scene_end(&s);
}

/* How many nodes are nearer after `k` than `id`? */
static uint32_t rank(const struct scene *s, const struct node_id *k,
		     const struct node_id *id)
{
	struct node_id d, limit;
	uint32_t n = 0;

	away(k, id, &limit);
	away(k, &s->n->id, &d);
	n += id_cmp(&d, &limit) < 0;
	for (uint32_t i = 0; i < s->n_peers; i++) {
		away(k, &s->links[i].node_id, &d);
		n += id_cmp(&d, &limit) < 0;
	}
	return n;
}

/* 6940-7.4.1.1-R5, 6940-7.4.1.1-R9, 6940-10.4-R2: a replica is taken by the
 * first three nodes after the resource, from one of them or from one that is
 * closer than the third; from nobody who is far away. */
static void test_replica_set(void **state)
{
	struct node_id k, sender;
	struct scene s;
	bool here;

	(void)state;
	scene_init(&s, 80);
	add_random(&s, 7);
	s.n->ring.changed_us = 0;
	s.n->now.mono_us = UINT64_C(3600000000);
	for (uint32_t i = 0; i < 20 * ROUNDS; i++) {
		draw(&s.rng, &k);
		here = rank(&s, &k, &s.n->id) < 3;
		assert_int_equal(ring_in_replica_set(s.n, &k), here);
		sender = s.links[i % s.n_peers].node_id;
		assert_int_equal(ring_accepts_replica(s.n, &k, &sender),
				 here && rank(&s, &k, &sender) < 3);
		draw(&s.rng, &sender); /* a stranger, wherever it is */
		assert_false(ring_accepts_replica(s.n, &k, &sender));
		assert_false(ring_accepts_replica(s.n, &k, &s.n->id));
	}
	/* While the ring moves the owner takes them from any peer. */
	s.n->ring.changed_us = s.n->now.mono_us;
	k = s.n->id;
	assert_true(ring_accepts_replica(s.n, &k, &s.links[6].node_id));
	/* Who has begun may go on for as long as it takes, and nobody else. */
	for (uint32_t i = 0; i < 10; i++) {
		s.n->now.mono_us += 50 * UINT64_C(1000000);
		assert_true(ring_accepts_replica(s.n, &k, &s.links[6].node_id));
	}
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(
			ring_accepts_replica(s.n, &k, &s.links[i].node_id),
			rank(&s, &k, &s.links[i].node_id) < 3);
	s.n->now.mono_us += 60 * UINT64_C(1000000);
	assert_int_equal(ring_accepts_replica(s.n, &k, &s.links[6].node_id),
			 rank(&s, &k, &s.links[6].node_id) < 3);
	scene_end(&s);
}

/* 6940-6.3.4-R10: at least as close as every node of the Neighbor Table. */
static void test_close_enough(void **state)
{
	struct node_id k, who;
	struct scene s;
	uint32_t nearer;

	(void)state;
	scene_init(&s, 85);
	draw(&s.rng, &k);
	assert_true(ring_close_enough(s.n, &k, &s.n->id)); /* knows nobody */
	add_random(&s, 6); /* all are neighbours */
	for (uint32_t i = 0; i < 10 * ROUNDS; i++) {
		draw(&s.rng, &k);
		draw(&s.rng, &who);
		if (i % 2 == 0)
			who = s.links[i % s.n_peers].node_id;
		nearer = rank(&s, &k, &who);
		if (id_eq(owner(&s, &k), &s.n->id))
			continue; /* it would not ask another */
		nearer -= rank(&s, &k, &who) > rank(&s, &k, &s.n->id);
		assert_int_equal(ring_close_enough(s.n, &k, &who), nearer == 0);
	}
	scene_end(&s);
}

/* 6940-10.2-R1: the first 128 bits of SHA-1. */
static void test_resource_id(void **state)
{
	struct node_id id, expected;
	struct scene s;

	(void)state;
	scene_init(&s, 90);
	assert_ok(node_resource_id(s.n, SLICE_LIT("abc"), &id));
	assert_ok(id_parse(&expected, RING_ID_LEN,
			   "a9993e364706816aba3e25717850c26c"));
	assert_true(id_eq(&id, &expected));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_responsible),
		cmocka_unit_test(test_next_hop),
		cmocka_unit_test(test_not_routable),
		cmocka_unit_test(test_neighbors),
		cmocka_unit_test(test_neighbors_grow),
		cmocka_unit_test(test_finger_ranges),
		cmocka_unit_test(test_fingers),
		cmocka_unit_test(test_finger_count),
		cmocka_unit_test(test_finger_choice),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_replica_set),
		cmocka_unit_test(test_close_enough),
		cmocka_unit_test(test_resource_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
