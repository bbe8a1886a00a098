/* SPDX-License-Identifier: ISC */
/* Text forms: hex, base64, UTF-8, numbers, durations, times. */
#include "unit.h"

#include "base/text.h"

static void hex(void **state)
{
	static const char *bad[] = { "0", "abc", "0g", "g0", " 00", "0x00" };
	struct buf b = BUF_INIT(100);

	(void)state;
	assert_ok(text_hex(&b, SLICE_LIT("\x00\xfe\x7f")));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("00fe7f"));
	b.len = 0;
	assert_ok(text_unhex(&b, "00FEab"));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("\x00\xfe\xab"));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(text_unhex(&b, bad[i]), ERR_DATA);
	assert_int_equal(b.len, 3);
	assert_ok(text_unhex(&b, ""));
	buf_clear(&b);
}

static void base64(void **state)
{
	/* RFC 4648 s10. */
	static const char *cases[][2] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" },
		{ "foobar", "Zm9vYmFy" },
		{ "\xfb\xff", "+/8=" },
	};
	static const char *bad[] = {
		"Z",    "Zg",   "Zg=",      "Zg===", "Zm8",   "Zm9v=", "Zh==",
		"Zm9=", "-_8=", "Zg==Zg==", "=",     "Zm9vZ", "Zm 9v!"
	};
	struct buf b = BUF_INIT(100);

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		b.len = 0;
		assert_ok(text_base64(&b, slice_str(cases[i][0])));
		assert_slice_equal(buf_slice(&b), slice_str(cases[i][1]));
		b.len = 0;
		assert_ok(text_unbase64(&b, slice_str(cases[i][1])));
		assert_slice_equal(buf_slice(&b), slice_str(cases[i][0]));
	}
	b.len = 0;
	for (size_t i = 0; i < N_OF(bad); i++) {
		assert_err(text_unbase64(&b, slice_str(bad[i])), ERR_DATA);
		assert_int_equal(b.len, 0);
	}
	assert_err(text_unbase64(&b, SLICE_LIT("Zm\0v")), ERR_DATA);
	assert_ok(text_unbase64(&b, SLICE_LIT(" Z\tm\r\n9 v\n")));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("foo"));
	buf_clear(&b);
}

static void escape(void **state)
{
	struct buf b = BUF_INIT(24);

	(void)state;
	assert_ok(text_escape(&b, SLICE_LIT("a \\\n\xc3~")));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("a \\x5c\\x0a\\xc3~"));
	assert_err(text_escape(&b, SLICE_LIT("12345\n\n\n\n")), ERR_LIMIT);
	assert_int_equal(b.len, 15);
	buf_clear(&b);
}

static void utf8(void **state)
{
	static const char *good[] = { "",
				      "abc",
				      "\xc3\xa9",
				      "\xe2\x82\xac",
				      "\xed\x9f\xbf",
				      "\xee\x80\x80",
				      "\xf0\x90\x80\x80",
				      "\xf4\x8f\xbf\xbf" };
	static const char *bad[] = {
		"\x80",
		"\xc3",
		"\xc0\x80",
		"\xc1\xbf",
		"\xe0\x9f\xbf",
		"\xed\xa0\x80",
		"\xed\xbf\xbf",
		"\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80",
		"\xf5\x80\x80\x80",
		"\xe2\x82",
		"\xe2\x28\xa1",
		"\xff",
		"a\xe2\x82z",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++)
		assert_true(text_is_utf8(slice_str(good[i])));
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_false(text_is_utf8(slice_str(bad[i])));
	assert_false(text_is_utf8(SLICE_LIT("a\0b")));
}

static void numbers(void **state)
{
	static const char *bad[] = { "",
				     " 1",
				     "1 ",
				     "-1",
				     "+1",
				     "0x",
				     "1x",
				     "0xg",
				     "18446744073709551616",
				     "0x10000000000000000",
				     "1.0" };
	uint64_t v;

	(void)state;
	assert_ok(text_u64(&v, "18446744073709551615", 0, UINT64_MAX));
	assert_true(v == UINT64_MAX);
	assert_ok(text_u64(&v, "0xF0000001", 0, UINT32_MAX));
	assert_true(v == UINT64_C(0xf0000001));
	assert_ok(text_u64(&v, "007", 7, 7));
	assert_true(v == 7);
	assert_err(text_u64(&v, "6", 7, 9), ERR_DATA);
	assert_err(text_u64(&v, "10", 7, 9), ERR_DATA);
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(text_u64(&v, bad[i], 0, UINT64_MAX), ERR_DATA);
}

static void durations(void **state)
{
	static const struct {
		const char *text;
		uint32_t s;
	} good[] = { { "30", 30 },
		     { "45s", 45 },
		     { "15m", 900 },
		     { "12h", 43200 },
		     { "7d", 604800 },
		     { "2w", 1209600 },
		     { "4294967295", UINT32_MAX },
		     { "0", 0 } };
	static const char *bad[] = { "",   "m",          "1mm",    "1 m", "-1",
				     "1y", "4294967296", "50000d", "1M" };
	uint32_t s;
	uint64_t us;

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		assert_ok(text_duration_s(&s, good[i].text));
		assert_int_equal(s, good[i].s);
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(text_duration_s(&s, bad[i]), ERR_DATA);
	assert_ok(text_seconds_us(&us, "1.5"));
	assert_true(us == 1500000);
	assert_ok(text_seconds_us(&us, "0.0000019"));
	assert_true(us == 1);
	assert_err(text_seconds_us(&us, "0"), ERR_DATA);
	assert_err(text_seconds_us(&us, "0.0000001"), ERR_DATA);
	assert_err(text_seconds_us(&us, "1."), ERR_DATA);
	assert_err(text_seconds_us(&us, ".5"), ERR_DATA);
	assert_err(text_seconds_us(&us, "1s"), ERR_DATA);
}

static void times(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2000-02-29T12:34:56Z", UINT64_C(951827696000) },
		{ "2002-10-10T07:00:00Z", UINT64_C(1034233200000) },
		{ "2026-11-22T14:35:44Z", UINT64_C(1795358144000) },
		{ "2100-03-01T00:00:00Z", UINT64_C(4107542400000) },
		{ "9999-12-31T23:59:59Z", UINT64_C(253402300799000) },
	};
	static const char *bad[] = {
		"",
		"2002-10-10",
		"2002-10-10T07:00:00",
		"2002-10-10T07:00:00+01:00",
		"1969-12-31T23:59:59Z",
		"2002-13-10T07:00:00Z",
		"2002-00-10T07:00:00Z",
		"2002-02-29T07:00:00Z",
		"2100-02-29T07:00:00Z",
		"2002-04-31T07:00:00Z",
		"2002-10-10T24:00:00Z",
		"2002-10-10T07:60:00Z",
		"2002-10-10 07:00:00Z",
		"2002-10-10T07:00:00.Z",
		"2002-10-10T07:00:00ZZ",
	};
	char out[32];
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		assert_ok(text_time_ms(&ms, good[i].text));
		assert_true(ms == good[i].ms);
		assert_string_equal(text_format_time(ms + 999, out),
				    good[i].text);
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(text_time_ms(&ms, bad[i]), ERR_DATA);
	assert_ok(text_time_ms(&ms, "1970-01-01T00:00:01.0129Z"));
	assert_true(ms == 1012);
	assert_string_equal(text_format_time(UINT64_MAX, out),
			    "9999-12-31T23:59:59Z");
	for (uint64_t day = 0; day < 60000; day += 13) {
		uint64_t at = day * 86400000 + 43200000;

		assert_ok(text_time_ms(&ms, text_format_time(at, out)));
		assert_true(ms == at);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex),     cmocka_unit_test(base64),
		cmocka_unit_test(escape),  cmocka_unit_test(utf8),
		cmocka_unit_test(numbers), cmocka_unit_test(durations),
		cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
