/* SPDX-License-Identifier: ISC */
/* The registered Kinds and the set of an overlay. */
#include "unit.h"

#include <stdio.h>

#include "wire/data.h"

/* RFC 6940 s14.6, RFC 7904 s7. */
static void registry(void **state)
{
	const struct kind *k;

	(void)state;
	k = kind_registered_id(KIND_SIP_REGISTRATION);
	assert_string_equal(k->name, "SIP-REGISTRATION");
	assert_int_equal(k->model, MODEL_DICTIONARY);
	assert_int_equal(k->access, ACCESS_USER_NODE_MATCH);
	k = kind_registered_name("TURN-SERVICE");
	assert_int_equal(k->id, 2);
	assert_int_equal(k->model, MODEL_SINGLE);
	assert_int_equal(k->access, ACCESS_NODE_MULTIPLE);
	assert_int_equal(k->max_node_multiple, 20);
	k = kind_registered_id(KIND_CERTIFICATE_BY_NODE);
	assert_int_equal(k->model, MODEL_ARRAY);
	assert_int_equal(k->access, ACCESS_NODE_MATCH);
	k = kind_registered_id(KIND_CERTIFICATE_BY_USER);
	assert_int_equal(k->id, 0x10);
	assert_int_equal(k->model, MODEL_ARRAY);
	assert_int_equal(k->access, ACCESS_USER_MATCH);
	assert_null(kind_registered_id(0));
	assert_null(kind_registered_name("turn-service"));
	assert_null(kind_registered(4));
	for (uint32_t i = 0; (k = kind_registered(i)) != NULL; i++)
		assert_true(k->registered && k->max_count > 0 &&
			    k->max_size > 0);
}

static void set(void **state)
{
	struct kinds ks = { 0 };
	struct kind k = { .model = MODEL_ARRAY };

	(void)state;
	assert_null(kinds_find(&ks, 1));
	assert_null(kinds_find(NULL, 1));
	for (uint32_t i = 0; i < 100; i++) {
		k.id = i * 7919 % 100 + 100;
		(void)snprintf(k.name, sizeof(k.name), "kind-%u", k.id);
		assert_ok(kinds_add(&ks, &k));
	}
	assert_int_equal(ks.n, 100);
	for (uint32_t i = 0; i < 300; i++)
		assert_true((kinds_find(&ks, i) != NULL) ==
			    (i >= 100 && i < 200));
	assert_int_equal(kinds_find_name(&ks, "kind-150")->id, 150);
	assert_null(kinds_find_name(&ks, "kind-200"));
	assert_null(kinds_find_name(&ks, ""));
	k = (struct kind){ .id = 150, .model = MODEL_SINGLE };
	assert_ok(kinds_add(&ks, &k)); /* replaces */
	assert_int_equal(ks.n, 100);
	assert_int_equal(kinds_find(&ks, 150)->model, MODEL_SINGLE);
	k = (struct kind){ .id = 3, .max_count = 99 };
	assert_ok(kinds_add(&ks, &k));
	assert_ok(kinds_add_registered(&ks)); /* leaves what is there */
	assert_int_equal(kinds_find(&ks, 3)->max_count, 99);
	assert_non_null(kinds_find(&ks, 0x10));
	kinds_clear(&ks);
	assert_null(kinds_find(&ks, 150));
}

static void names(void **state)
{
	enum access_policy access;
	enum data_model model;

	(void)state;
	for (int i = MODEL_SINGLE; i <= MODEL_DICTIONARY; i++) {
		assert_ok(kind_model_parse(
			&model, kind_model_name((enum data_model)i)));
		assert_int_equal(model, i);
	}
	for (int i = ACCESS_USER_MATCH; i <= ACCESS_NODE_MULTIPLE; i++) {
		assert_ok(kind_access_parse(
			&access, kind_access_name((enum access_policy)i)));
		assert_int_equal(access, i);
	}
	assert_err(kind_model_parse(&model, "EXP-DATA"), ERR_DATA);
	assert_err(kind_model_parse(&model, ""), ERR_DATA);
	assert_err(kind_access_parse(&access, "user-match"), ERR_DATA);
}

/* 6940-7.2-D1: the Kind decides the form of a value; one that is not known is
 * carried as it came. */
static void models(void **state)
{
	static const char bytes[] = "\0\0\0\x2a"
				    "\0\0\0\0\0\0\0\1"
				    "\0\0\0\x1c"
				    "\0\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\0"
				    "\0\0\0\0\0\0\0\3\0\0\0\0";
	struct arena a = ARENA_INIT(10000);
	struct buf b = BUF_INIT(1000);
	struct kinds ks = { 0 };
	struct kind k = { .id = 42 };
	struct wire_env env = { .node_id_len = 16, .kinds = &ks };
	struct store_kind_data v;

	(void)state;
	assert_ok(store_kind_data_decode(&v, SLICE_LIT(bytes), &a, &env));
	assert_int_equal(v.values.n, 0);
	assert_int_equal(v.unknown.len, 28);
	assert_ok(store_kind_data_encode(&v, &b, &env));
	assert_slice_equal(buf_slice(&b), SLICE_LIT(bytes));
	assert_ok(kinds_add(&ks, &k));
	assert_ok(store_kind_data_decode(&v, SLICE_LIT(bytes), &a, &env));
	assert_int_equal(v.values.n, 1);
	assert_false(v.values.v[0].value.exists);
	k.model = MODEL_ARRAY;
	assert_ok(kinds_add(&ks, &k));
	assert_err(store_kind_data_decode(&v, SLICE_LIT(bytes), &a, &env),
		   ERR_SHORT);
	kinds_clear(&ks);
	arena_free(&a);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registry),
		cmocka_unit_test(set),
		cmocka_unit_test(names),
		cmocka_unit_test(models),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
