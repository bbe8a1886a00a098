/* SPDX-License-Identifier: ISC */
/* net/turn.h: what comes together is ended together, and soon. */
#include "unit.h"

#include <limits.h>

#include "net/loop.h"
#include "net/turn.h"

struct trial {
	struct loop *loop;
	struct turn turn;
	uv_check_t each; /* comes once a round, after what was read */
	int rounds, n_ended, wanted_rounds;
	bool closed;
};

static void on_ended(void *ctx)
{
	struct trial *t = ctx;

	t->n_ended++;
	uv_check_stop(&t->each);
}

static void on_closed(void *ctx)
{
	struct trial *t = ctx;

	t->closed = true;
}

/* A round that brings something. */
static void on_round(uv_check_t *h)
{
	struct trial *t = h->data;

	assert_int_equal(t->n_ended, 0);
	if (++t->rounds <= t->wanted_rounds) {
		turn_want(&t->turn);
		turn_want(&t->turn);
	}
}

static void setup_trial(struct trial *t, int wanted_rounds)
{
	*t = (struct trial){ .wanted_rounds = wanted_rounds };
	assert_int_equal(loop_new(&t->loop), OK);
	turn_init(&t->turn, loop_uv(t->loop), on_ended, t);
	uv_check_init(loop_uv(t->loop), &t->each);
	t->each.data = t;
	uv_check_start(&t->each, on_round);
}

/* Runs until nothing is waited for, which a turn that has ended is not. */
static void run(struct trial *t)
{
	turn_want(&t->turn);
	loop_run(t->loop);
	turn_close(&t->turn, on_closed);
	uv_close((uv_handle_t *)&t->each, NULL);
	loop_free(t->loop);
	assert_true(t->closed);
}

static void ends_once_where_no_more_comes(void **state)
{
	struct trial t;

	(void)state;
	setup_trial(&t, 0);
	run(&t);
	assert_int_equal(t.n_ended, 1);
	assert_int_equal(t.rounds, 1);
}

static void goes_on_while_a_round_brings_more(void **state)
{
	struct trial t;

	(void)state;
	setup_trial(&t, 3);
	run(&t);
	assert_int_equal(t.n_ended, 1);
	assert_int_equal(t.rounds, 4);
}

static void ends_though_more_comes_without_end(void **state)
{
	uint64_t before = loop_now().mono_us;
	struct trial t;

	(void)state;
	setup_trial(&t, INT_MAX);
	run(&t);
	assert_int_equal(t.n_ended, 1);
	assert_true(loop_now().mono_us - before >= TURN_US);
}

static void one_that_is_closed_does_not_end(void **state)
{
	struct trial t;

	(void)state;
	setup_trial(&t, 0);
	turn_want(&t.turn);
	turn_close(&t.turn, on_closed);
	uv_close((uv_handle_t *)&t.each, NULL);
	loop_free(t.loop);
	assert_true(t.closed);
	assert_int_equal(t.n_ended, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_once_where_no_more_comes),
		cmocka_unit_test(goes_on_while_a_round_brings_more),
		cmocka_unit_test(ends_though_more_comes_without_end),
		cmocka_unit_test(one_that_is_closed_does_not_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
