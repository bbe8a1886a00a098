/* SPDX-License-Identifier: ISC */
/* Timers against a plain model, and the source of repeatable random bytes. */
#include "unit.h"

#include "base/heap.h"
#include "base/rng.h"

enum { N = 200 };

static void order(void **state)
{
	struct timer t[4] = { 0 };
	struct heap h = { 0 };

	(void)state;
	assert_true(heap_next(&h) == NEVER);
	assert_null(heap_pop(&h, NEVER));
	assert_ok(heap_set(&h, &t[0], 50));
	assert_ok(heap_set(&h, &t[1], 10));
	assert_ok(heap_set(&h, &t[2], 50));
	assert_ok(heap_set(&h, &t[3], 50));
	assert_true(heap_next(&h) == 10);
	assert_null(heap_pop(&h, 9));
	assert_ptr_equal(heap_pop(&h, 10), &t[1]);
	assert_int_equal(t[1].pos, 0);
	/* Ties in the order of setting; setting again is setting later. */
	assert_ok(heap_set(&h, &t[0], 50));
	heap_cancel(&h, &t[1]);
	assert_ptr_equal(heap_pop(&h, 50), &t[2]);
	assert_ptr_equal(heap_pop(&h, 50), &t[3]);
	assert_ptr_equal(heap_pop(&h, 50), &t[0]);
	assert_null(heap_pop(&h, 50));
	assert_ok(heap_set(&h, &t[0], 1));
	heap_clear(&h);
	assert_int_equal(t[0].pos, 0);
}

/* The earliest of those set, the first set among equals. */
static struct timer *earliest(struct timer *t, const unsigned *order)
{
	struct timer *best = NULL;

	for (unsigned i = 0; i < N; i++)
		if (t[i].pos != 0 &&
		    (best == NULL || t[i].at_us < best->at_us ||
		     (t[i].at_us == best->at_us && order[i] < order[best - t])))
			best = &t[i];
	return best;
}

static void model(void **state)
{
	static const uint8_t seed[32] = "heap";
	struct timer t[N] = { 0 }, *want;
	unsigned order[N] = { 0 };
	struct heap h = { 0 };
	struct rng r;

	(void)state;
	rng_init(&r, seed);
	for (unsigned i = 0; i < 20000; i++) {
		struct timer *at = &t[rng_below(&r, N)];

		switch (rng_below(&r, 4)) {
		case 0:
			heap_cancel(&h, at);
			break;
		case 1:
			want = earliest(t, order);
			assert_ptr_equal(heap_pop(&h, NEVER), want);
			break;
		default:
			assert_ok(heap_set(&h, at, rng_below(&r, 50)));
			order[at - t] = i;
		}
		want = earliest(t, order);
		assert_true(heap_next(&h) ==
			    (want == NULL ? NEVER : want->at_us));
	}
	heap_clear(&h);
}

static void chacha20(void **state)
{
	/* The key stream of key and nonce zero, blocks 0 and 1: RFC 8439 A.1.
	 */
	static const uint8_t want[] = {
		0x76, 0xb8, 0xe0, 0xad, 0xa0, 0xf1, 0x3d, 0x90,
		0x40, 0x5d, 0x6a, 0xe5, 0x53, 0x86, 0xbd, 0x28,
	};
	static const uint8_t next[] = { 0x9f, 0x07, 0xe7, 0xbe,
					0x55, 0x51, 0x38, 0x7a };
	static const uint8_t seed[32] = { 0 };
	uint8_t out[72], again[72];
	struct rng r, s;

	(void)state;
	rng_init(&r, seed);
	rng_bytes(&r, out, sizeof(out));
	assert_memory_equal(out, want, sizeof(want));
	assert_memory_equal(out + 64, next, sizeof(next));
	rng_init(&s, seed);
	for (unsigned i = 0; i < sizeof(again); i += 9)
		rng_bytes(&s, again + i, 9);
	assert_memory_equal(again, out, sizeof(out));
	assert_true(rng_u64(&r) == rng_u64(&s));
}

static void below(void **state)
{
	static const uint8_t seed[32] = "below";
	unsigned seen[6] = { 0 };
	struct rng r;

	(void)state;
	rng_init(&r, seed);
	for (unsigned i = 0; i < 6000; i++)
		seen[rng_below(&r, 6)]++;
	for (unsigned i = 0; i < 6; i++)
		assert_in_range(seen[i], 850, 1150);
	assert_true(rng_below(&r, 1) == 0);
	for (unsigned i = 0; i < 100; i++)
		assert_true(rng_below(&r, UINT64_C(1) << 63) < UINT64_C(1)
								       << 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order),
		cmocka_unit_test(model),
		cmocka_unit_test(chacha20),
		cmocka_unit_test(below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
