/* SPDX-License-Identifier: ISC */
/* cmocka with what it needs before it, and checks for this project's types. */
#ifndef UNIT_H
#define UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/slice.h"

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The expression gives this error; a failure names both. */
#define assert_err(expression, expected)                                       \
	assert_string_equal(err_name(expression), err_name(expected))
#define assert_ok(expression) assert_err(expression, OK)

#define assert_slice_equal(a, b)                                               \
	do {                                                                   \
		struct slice a_ = (a), b_ = (b);                               \
		assert_int_equal(a_.len, b_.len);                              \
		if (b_.len != 0)                                               \
			assert_memory_equal(a_.p, b_.p, b_.len);               \
	} while (0)

#endif
