/* SPDX-License-Identifier: ISC */
/* The Storing Peer's Stores that wait for one another.  RFC 6940 s7.4.1. */
#include "storer.h"

#define TIMEOUT 4
#define COUNTER 5
#define TOO_OLD 9

static const char *get(struct storer *s, uint32_t kind)
{
	struct fetch_kind_response r;

	assert_int_equal(storer_get(s, kind, &r), 0);
	return storer_text(&r.values);
}

struct several {
	struct stored_data value;
	uint64_t asked; /* counter */
	uint16_t code;
	uint64_t counter; /* afterwards, or as the refusal tells */
};

static void count_batch(void *ctx, struct host *h, const struct batch *b)
{
	unsigned *n = ctx;

	(void)h;
	for (uint32_t i = 0; i < b->n; i++)
		if (b->v[i].type == CHANGE_GENERATION) {
			++*n;
			return;
		}
}

/* All on their way at once; the number of batches that they were written in. */
static unsigned ask_several(struct storer *s, struct several *v, size_t n)
{
	uint64_t id[8];
	unsigned n_batches = 0;
	const struct heard *h;
	struct store_ans ans;
	struct draft d[8];

	s->world->hooks = (struct world_hooks){ .commit = count_batch,
						.ctx = &n_batches };
	for (size_t i = 0; i < n; i++) {
		draft_init(&d[i], s->alice, MSG_STORE_REQ);
		draft_to_resource(&d[i], &s->at);
		draft_store(&d[i], &s->at, USER_DICT, v[i].asked, 0,
			    &v[i].value, 1);
		id[i] = rogue_send(s->alice, s->alice_link, &d[i]);
	}
	for (size_t i = 0; i < n; i++) {
		h = rogue_answer(s->alice, id[i], 60 * SECOND_US);
		assert_non_null(h);
		s->last = h;
		assert_int_equal(heard_error(s->alice, h), v[i].code);
		if (v[i].code == 0)
			heard_body(s->alice, h, &wire_type_store_ans, &ans);
		else if (v[i].code == COUNTER)
			MUST(store_ans_decode(&ans, storer_info(s),
					      &s->bob->arena, &s->world->env));
		else
			continue;
		assert_int_equal(ans.kind_responses.v[0].generation_counter,
				 v[i].counter);
	}
	s->world->hooks = (struct world_hooks){ 0 };
	return n_batches;
}

/* Stores that wait for one another share a batch: each is judged on top of
 * those before it, RFC 6940 s7.4.1.1, and all are lost or kept together. */
static void several(void **state)
{
	struct storer *s = *state;
	struct several v[] = {
		{ storer_entry("a", "1", 1), 0, 0, 1 },
		{ storer_entry("a", "2", 2), 1, 0, 2 },
		{ storer_entry("b", "3", 1), 2, 0, 3 },
		{ storer_entry("c", "4", 1), 1, COUNTER, 3 },
		{ storer_entry("a", "5", 2), 0, TOO_OLD, 0 },
		{ storer_entry("d", "6", 1), 3, 0, 4 },
		{ storer_entry("a", "7", 3), 0, 0, 5 },
	};
	struct several full[] = {
		{ storer_entry("a", "8", 4), 0, TIMEOUT, 0 },
		{ storer_entry("b", "9", 4), 0, TIMEOUT, 0 },
		{ storer_entry("c", "x", 4), 6, TIMEOUT, 0 },
		{ storer_entry("c", "y", 4), 5, TIMEOUT, 0 },
		{ storer_entry("c", "z", 4), 6, COUNTER, 5 },
	};

	s->world->opt.commit_us = SECOND_US;
	assert_in_range(ask_several(s, v, N_OF(v)), 1, 3);
	assert_string_equal(get(s, USER_DICT), "7,3,6");
	assert_int_equal(storer_generation(s, USER_DICT), 5);
	/* What a full disk has not kept counts for none of them. */
	s->peer->disk_full = true;
	ask_several(s, full, N_OF(full));
	s->peer->disk_full = false;
	assert_string_equal(get(s, USER_DICT), "7,3,6");
	assert_int_equal(storer_generation(s, USER_DICT), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(several, storer_setup,
						storer_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
