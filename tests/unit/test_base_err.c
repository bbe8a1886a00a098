/* SPDX-License-Identifier: ISC */
/* The table of errors, the words that go with one, and lines of a log. */
#include "unit.h"

#include "base/log.h"
#include "wire/code.h"

/* 6940-6.3.3.1-R3: Error_Exp_A and Error_Exp_B cannot be sent, having no error.
 */
static void table(void **state)
{
	(void)state;
	assert_int_equal(err_exit(OK), 0);
	assert_int_equal(err_code(OK), 0);
	for (unsigned i = 1; i < ERR_N; i++) {
		enum err r = (enum err)i;

		assert_in_range(err_exit(r), 1, 79);
		assert_true(err_text(r)[0] != '\0');
		assert_true(err_name(r)[0] != '\0');
		assert_int_not_equal(err_code(r), ERROR_EXP_A);
		assert_int_not_equal(err_code(r), ERROR_EXP_B);
		if (err_code(r) != 0) /* a code of the registry */
			assert_non_null(code_name(CODE_ERROR, err_code(r)));
	}
}

/* RFC 6940 s14.9. */
static void codes(void **state)
{
	static const enum err by_code[] = {
		[0x2] = ERR_FORBIDDEN,
		[0x3] = ERR_NOT_FOUND,
		[0x4] = ERR_REQUEST_TIMEOUT,
		[0x5] = ERR_GENERATION_COUNTER_TOO_LOW,
		[0x6] = ERR_INCOMPATIBLE_WITH_OVERLAY,
		[0x7] = ERR_UNSUPPORTED_FORWARDING_OPTION,
		[0x8] = ERR_DATA_TOO_LARGE,
		[0x9] = ERR_DATA_TOO_OLD,
		[0xa] = ERR_TTL_EXCEEDED,
		[0xb] = ERR_MESSAGE_TOO_LARGE,
		[0xc] = ERR_UNKNOWN_KIND,
		[0xd] = ERR_UNKNOWN_EXTENSION,
		[0xe] = ERR_RESPONSE_TOO_LARGE,
		[0xf] = ERR_CONFIG_TOO_OLD,
		[0x10] = ERR_CONFIG_TOO_NEW,
		[0x11] = ERR_IN_PROGRESS,
		[0x14] = ERR_INVALID_MESSAGE,
	};

	(void)state;
	for (uint16_t i = 0; i < N_OF(by_code); i++) {
		if (by_code[i] == OK) {
			assert_err(err_from_code(i), ERR_REMOTE);
			continue;
		}
		assert_err(err_from_code(i), by_code[i]);
		assert_int_equal(err_code(by_code[i]), i);
	}
	assert_err(err_from_code(0x8000), ERR_REMOTE);
	assert_err(err_from_code(0xffff), ERR_REMOTE);
}

static void words(void **state)
{
	struct why why = { "" };

	(void)state;
	assert_err(why_err(&why, ERR_CONFIG, "line %d", 7), ERR_CONFIG);
	assert_string_equal(why.text, "line 7");
	assert_err(why_err(NULL, ERR_CONFIG, "line %d", 7), ERR_CONFIG);
	/* What a stranger says rings no bell, and is one line. */
	assert_err(
		why_err(&why, ERR_DATA, "%s", "a\nb\x1b[2Jc\xc2\x9b\xc3\x9f"),
		ERR_DATA);
	assert_string_equal(why.text, "a?b?[2Jc??\xc3\x9f");
	assert_err(why_err(&why, ERR_DATA, "%300d", 7), ERR_DATA);
	assert_int_equal(strlen(why.text), sizeof(why.text) - 1);
}

static void keep(void *ctx, enum log_level level, const char *line)
{
	char *out = ctx;

	assert_true(level <= LOG_INFO);
	assert_true(strlen(line) <= 1000);
	memcpy(out, line, strlen(line) + 1);
}

static void lines(void **state)
{
	char line[1100] = "";
	struct log_sink s = { keep, line, LOG_INFO };

	(void)state;
	log_line(&s, LOG_INFO, "%s %d", "peer", 3);
	assert_string_equal(line, "peer 3");
	log_line(&s, LOG_INFO, "%s %d", "peer\n", 3);
	assert_string_equal(line, "peer? 3");
	log_line(&s, LOG_INFO, "%s %d", "peer", 3);
	log_line(&s, LOG_DEBUG, "not made");
	assert_string_equal(line, "peer 3");
	log_line(&s, LOG_ERROR, "%2000d", 1);
	assert_int_equal(strlen(line), 1000);
	log_line(NULL, LOG_ERROR, "nobody hears");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(codes),
		cmocka_unit_test(words),
		cmocka_unit_test(lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
