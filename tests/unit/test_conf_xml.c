/* SPDX-License-Identifier: ISC */
/* Configuration documents, good and bad.  RFC 6940 s11.1. */
#include "conf_fixture.h"

#include <stdio.h>

#include "conf/compiled.h"
#include "unit.h"

static int setup(void **state)
{
	static struct fixture f;

	fixture_init(&f);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	fixture_clear(*state);
	return 0;
}

static struct overlay *load(struct fixture *f, const struct overlay *previous)
{
	struct overlay *o = NULL;
	struct why why = { "" };
	enum err r = fixture_load(f, previous, &o, &why);

	if (r != OK)
		print_message("%s\n", why.text);
	assert_ok(r);
	return o;
}

static void good(void **state)
{
	struct fixture *f = *state;
	struct overlay *o = load(f, NULL);

	assert_string_equal(o->name, FIXTURE_NAME);
	assert_int_equal(o->hash, 0x9aa32b8d);
	assert_int_equal(o->sequence, 7);
	assert_slice_equal(o->document, buf_slice(&f->document));
	overlay_free(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
