/* SPDX-License-Identifier: ISC */
/* The search for fingers by the clock, RFC 6940 s10.7.4.2, in a ring where one
 * node alone can be what is looked for. */
#include "scene.h"

#include "../sim/diary.h"
#include "core/state.h"

#define INTERVAL_US (60 * SECOND_US)

enum { NEAR = 40, FINGER = 2 };

static struct diary diary;

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

static struct host *start(struct world *w, uint8_t first, uint8_t second)
{
	struct node_id id = scene_id(first);
	struct host *h;

	id.b[1] = second;
	h = world_host(w, "peer", &id);
	host_start(h, ROLE_PEER, w->n_hosts == 1);
	assert_true(world_run_until(w, joined, h, 60 * SECOND_US));
	return h;
}

static const struct finger *finger(const struct host *h)
{
	return &h->node->ring.fingers[FINGER - 1];
}

/* Does a Ping go to where the finger's node would be? */
static bool seeks(const struct said *a, const struct host *h)
{
	struct node_id id, d;

	if (a->destination[0].type != DESTINATION_RESOURCE)
		return false;
	assert_ok(id_from_slice(&id, a->destination[0].id));
	id_distance(&d, &h->signer.node_id, &id);
	return finger_of(&d) == FINGER;
}

/* How often it was looked for, never sooner than after the interval. */
static uint32_t count_searches(const struct host *h)
{
	const struct said *a = diary_next(&diary, NULL, MSG_PING_REQ, h, NULL);
	uint64_t last = 0;
	uint32_t n = 0;

	for (; a != NULL; a = diary_next(&diary, a, MSG_PING_REQ, h, NULL)) {
		if (!seeks(a, h))
			continue;
		assert_true(n == 0 || a->at_us - last >= INTERVAL_US);
		last = a->at_us;
		n++;
	}
	return n;
}

static bool refilled(struct world *w, void *ctx)
{
	const struct host *h = ctx;

	(void)w;
	return finger(h)->valid;
}

/*
 * 6940-10.7.4-R2: an invalid finger is searched for again and again, and filled
 * when there is a node for it; 6940-10.7.4-R4: not more often than the document
 * says.  Many nodes are near each other; in the quarter of the ring that the
 * second finger is for there is one, which is no neighbour of the one that
 * searches.
 */
static void search(void **state)
{
	struct world_options opt = { .seed = 19 };
	struct world *w = world_new(&opt);
	struct host *h, *lost;

	(void)state;
	w->overlay->chord_ping_interval_s = INTERVAL_US / SECOND_US;
	w->overlay->chord_reactive = false;
	for (uint8_t i = 0; i < NEAR; i++)
		(void)start(w, 0, i);
	lost = start(w, 0x60, 0);
	for (uint8_t i = 0; i < 20; i++)
		(void)start(w, 0x90, i);
	h = w->hosts[NEAR / 4];
	assert_true(world_run_until(w, refilled, h, 60 * INTERVAL_US));
	assert_true(id_eq(&finger(h)->id, &lost->signer.node_id));
	host_kill(lost, DEATH_PROCESS);
	world_run(w, 10 * SECOND_US);
	assert_false(finger(h)->valid);
	diary_init(&diary, w);
	world_run(w, 30 * INTERVAL_US);
	assert_false(finger(h)->valid);
	assert_true(count_searches(h) >= 3);
	host_start(lost, ROLE_PEER, false);
	assert_true(world_run_until(w, refilled, h, 60 * INTERVAL_US));
	assert_true(id_eq(&finger(h)->id, &lost->signer.node_id));
	world_free(w);
	diary_clear(&diary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
