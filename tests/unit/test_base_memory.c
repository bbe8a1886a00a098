/* SPDX-License-Identifier: ISC */
/* Buffers and arenas: limits, growth, and what failures leave behind. */
#include "unit.h"

#include "base/arena.h"
#include "base/buf.h"

static void buf_limits(void **state)
{
	struct buf b = BUF_INIT(10);
	uint8_t *p;

	(void)state;
	assert_ok(buf_append(&b, "12345678", 8));
	assert_err(buf_append(&b, "9ab", 3), ERR_LIMIT);
	assert_slice_equal(buf_slice(&b), SLICE_LIT("12345678"));
	assert_err(buf_append_uint(&b, 1, 4), ERR_LIMIT);
	assert_int_equal(b.len, 8);
	assert_ok(buf_append_uint(&b, 0x3940, 2));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("123456789@"));
	assert_err(buf_extend(&b, SIZE_MAX, &p), ERR_LIMIT);
	assert_err(buf_append_u8(&b, 0), ERR_LIMIT);
	assert_ok(buf_append(&b, NULL, 0));
	buf_clear(&b);
	assert_int_equal(b.max, 10);
	assert_ok(buf_append_u8(&b, 'x'));
	buf_wipe(&b);
	assert_null(b.p);
}

static void buf_growth(void **state)
{
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		assert_ok(buf_append_uint(&b, i, 3));
	assert_int_equal(b.len, 300000);
	assert_memory_equal(b.p + 3 * 70000, "\x01\x11\x70", 3);
	buf_consume(&b, 3 * 70000);
	assert_int_equal(b.len, 3 * 30000);
	assert_memory_equal(b.p, "\x01\x11\x70", 3);
	buf_consume(&b, b.len);
	assert_int_equal(b.len, 0);
	buf_clear(&b);
}

static void buf_text(void **state)
{
	struct buf b = BUF_INIT(8);

	(void)state;
	assert_ok(buf_printf(&b, "%s-%d", "abc", 12));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("abc-12"));
	assert_err(buf_printf(&b, "%s", "xyz"), ERR_LIMIT);
	assert_slice_equal(buf_slice(&b), SLICE_LIT("abc-12"));
	buf_clear(&b);
}

static bool zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i] != 0)
			return false;
	return true;
}

static void arena_use(void **state)
{
	struct arena a = ARENA_INIT(100000);
	struct slice s;
	uint8_t *p;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		for (size_t n = 1; n < 200; n += 7) {
			assert_non_null(p = arena_zalloc(&a, n, 3));
			assert_true(zero(p, 3 * n));
			assert_int_equal((uintptr_t)p % _Alignof(max_align_t),
					 0);
			memset(p, 0xff, 3 * n);
		}
		/* Larger than a chunk. */
		assert_non_null(p = arena_zalloc(&a, 20000, 1));
		assert_true(zero(p, 20000));
		memset(p, 0xff, 20000);
		arena_reset(&a);
		assert_int_equal(a.used, 0);
	}
	assert_ok(arena_dup(&a, SLICE_LIT("bytes"), &s));
	assert_slice_equal(s, SLICE_LIT("bytes"));
	assert_string_equal(arena_str(&a, SLICE_LIT("text")), "text");
	assert_string_equal(arena_str(&a, SLICE_LIT("")), "");
	arena_free(&a);
}

static void arena_limits(void **state)
{
	struct arena a = ARENA_INIT(1000), none = { 0 };

	(void)state;
	assert_null(arena_zalloc(&a, 1001, 1));
	assert_null(arena_zalloc(&a, SIZE_MAX / 2, 4)); /* overflow */
	assert_null(arena_zalloc(&a, 4, SIZE_MAX / 2));
	assert_non_null(arena_zalloc(&a, 0, 8));
	assert_non_null(arena_zalloc(&a, 8, 0));
	assert_int_equal(a.used, 0);
	assert_non_null(arena_zalloc(&a, 10, 50));
	assert_non_null(arena_zalloc(&a, 1, 480));
	assert_null(arena_zalloc(&a, 1, 100));
	assert_null(arena_str(&a, slice_of("x", 100)));
	arena_free(&a);
	assert_non_null(arena_zalloc(&a, 1000, 1));
	arena_free(&a);
	assert_null(arena_zalloc(&none, 1, 1));
	arena_free(&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buf_limits),   cmocka_unit_test(buf_growth),
		cmocka_unit_test(buf_text),     cmocka_unit_test(arena_use),
		cmocka_unit_test(arena_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
