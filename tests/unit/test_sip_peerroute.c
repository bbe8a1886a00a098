/* SPDX-License-Identifier: ISC */
/* Which way, and for what, a peer is asked: RFC 7904 s5.1. */
#include "unit.h"

#include "sip/peerroute.h"

static struct node_id node(uint8_t first)
{
	return (struct node_id){ { first } };
}

/* 7904-5.1-R1, 7904-5.1-R7, 7904-5.1-R8: as the callee likes it first, the
 * other after that, but never SIP for what has to be SIPS. */
static void schemes(void **state)
{
	static const struct {
		enum peerroute_scheme scheme;
		uint16_t first, second;
	} cases[] = {
		{ PEERROUTE_SIP_FIRST, APPLICATION_SIP, APPLICATION_SIPS },
		{ PEERROUTE_SIPS_FIRST, APPLICATION_SIPS, APPLICATION_SIP },
		{ PEERROUTE_SIPS_ONLY, APPLICATION_SIPS, 0 },
	};
	const struct node_id id = node(7);
	struct destination to = destination_node(&id);
	const struct destination_list l = { &to, 1 };
	struct peerroute r = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		peerroute_set(&r, &l, cases[i].scheme);
		for (int again = 0; again < 2; again++) {
			assert_ok(peerroute_begin(&r, &id));
			assert_int_equal(r.application, cases[i].first);
			assert_int_equal(peerroute_other(&r),
					 cases[i].second != 0);
			if (cases[i].second != 0)
				assert_int_equal(r.application,
						 cases[i].second);
			assert_false(peerroute_other(&r));
		}
	}
	peerroute_clear(&r);
}

/* The list is its own; where none is known it is the Node-ID. */
static void lists(void **state)
{
	const struct node_id one = node(1), two = node(2);
	struct destination to[2] = { destination_node(&one),
				     destination_node(&two) };
	uint8_t resource[16] = { 9 };
	struct peerroute r = { 0 };

	(void)state;
	assert_ok(peerroute_begin(&r, &two));
	assert_int_equal(r.list.n, 1);
	assert_true(id_eq(&r.list.v[0].node_id, &two));
	assert_int_equal(r.application, APPLICATION_SIP);
	to[0] = destination_resource(slice_of(resource, sizeof(resource)));
	peerroute_set(&r, &(struct destination_list){ to, 2 },
		      PEERROUTE_SIP_FIRST);
	memset(to, 0, sizeof(to));
	resource[0] = 0;
	assert_ok(peerroute_begin(&r, &two));
	assert_int_equal(r.list.n, 2);
	assert_int_equal(r.list.v[0].id.p[0], 9);
	assert_true(id_eq(&r.list.v[1].node_id, &two));
	peerroute_clear(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schemes),
		cmocka_unit_test(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
