/* SPDX-License-Identifier: ISC */
/* The compiled form of a document, whole, cut and changed. */
#include "conf/compiled.h"
#include "unit.h"

/* The compiled form of a small overlay that has something of everything. */
static struct buf compile(void)
{
	static struct node_id ids[3] = { { { 1 } }, { { 2 } }, { { 3 } } };
	static struct ip_address_port bootstrap[2] = {
		{ .type = ADDRESS_IPV4, .port = 1 },
		{ .type = ADDRESS_IPV6, .port = 2 }
	};
	static char url[] = "https://a.example/", pattern[] = ".*";
	static char *urls[] = { url }, *patterns[] = { pattern, pattern };
	struct slice roots[] = { SLICE_LIT("root"), SLICE_LIT("") };
	struct kind_block blocks[] = {
		{ 7, { { 9 } }, true, SLICE_LIT("<kind-block/>") }
	};
	struct kind kind = { .id = 7, .name = "SEVEN" };
	struct buf out = BUF_INIT(1 << 20);
	struct overlay *o = overlay_new();

	assert_non_null(o);
	memcpy(o->name, "a.example", 10);
	assert_ok(kinds_add(&o->kinds, &kind));
	o->bootstrap = bootstrap;
	o->n_bootstrap = N_OF(bootstrap);
	o->bad_nodes = o->configuration_signers = o->kind_signers = ids;
	o->n_bad_nodes = 1;
	o->n_configuration_signers = 2;
	o->n_kind_signers = 3;
	o->root_certs = roots;
	o->n_root_certs = N_OF(roots);
	o->enrollment_servers = urls;
	o->n_enrollment_servers = 1;
	o->domain_restriction = DOMAIN_PATTERNS;
	o->domain_patterns = patterns;
	o->n_domain_patterns = 2;
	o->kind_blocks = blocks;
	o->n_kind_blocks = 1;
	o->document = SLICE_LIT("<overlay/>");
	assert_ok(compiled_encode(&out, o));
	overlay_free(o);
	return out;
}

static void round_trip(void **state)
{
	struct buf one = compile(), two = BUF_INIT(1 << 20);
	struct overlay *o, *copy;

	(void)state;
	assert_ok(compiled_decode(&o, buf_slice(&one)));
	memset(one.p, 0xa5, one.len); /* nothing points into it */
	assert_string_equal(o->name, "a.example");
	assert_int_equal(o->bootstrap[1].port, 2);
	assert_int_equal(o->n_bad_nodes, 1);
	assert_int_equal(o->configuration_signers[1].b[0], 2);
	assert_int_equal(o->kind_signers[2].b[0], 3);
	assert_slice_equal(o->root_certs[0], SLICE_LIT("root"));
	assert_string_equal(o->enrollment_servers[0], "https://a.example/");
	assert_int_equal(o->n_domain_patterns, 2);
	assert_string_equal(o->domain_patterns[1], ".*");
	assert_string_equal(kinds_find(&o->kinds, 7)->name, "SEVEN");
	assert_true(o->kind_blocks[0].learned);
	assert_int_equal(o->kind_blocks[0].signer.b[0], 9);
	assert_slice_equal(o->document, SLICE_LIT("<overlay/>"));
	assert_ok(compiled_copy(&copy, o));
	overlay_free(o);
	assert_ok(compiled_encode(&two, copy));
	overlay_free(copy);
	buf_clear(&one);
	one = compile();
	assert_slice_equal(buf_slice(&one), buf_slice(&two));
	buf_clear(&one);
	buf_clear(&two);
}

/* In blocks of their size, so that a sanitizer sees a byte too many. */
static enum err decode_exactly(const uint8_t *p, size_t n, struct overlay **o)
{
	uint8_t *copy = test_malloc(n + 1);
	enum err r;

	if (n != 0)
		memcpy(copy, p, n);
	r = compiled_decode(o, slice_of(copy, n));
	test_free(copy);
	return r;
}

static void cut_at_every_byte(void **state)
{
	struct buf b = compile();
	struct overlay *none;

	(void)state;
	for (size_t n = 0; n < b.len; n++)
		assert_err(decode_exactly(b.p, n, &none), ERR_CONFIG);
	assert_ok(buf_append_u8(&b, 0)); /* and one too many */
	assert_err(decode_exactly(b.p, b.len, &none), ERR_CONFIG);
	buf_clear(&b);
}

/* Refused, or an overlay that is whole: never anything between. */
static void every_bit_changed(void **state)
{
	struct buf b = compile(), again = BUF_INIT(1 << 20);
	size_t n_accepted = 0;

	(void)state;
	for (size_t i = 0; i < 8 * b.len; i++) {
		struct overlay *o;
		enum err r;

		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
		r = decode_exactly(b.p, b.len, &o);
		if (i < 64)
			assert_err(r, ERR_CONFIG); /* magic and version */
		if (r == OK) {
			n_accepted++;
			buf_reset(&again);
			assert_ok(compiled_encode(&again, o));
			overlay_free(o);
		} else {
			assert_err(r, ERR_CONFIG);
		}
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_int_not_equal(n_accepted, 0);
	buf_clear(&b);
	buf_clear(&again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(every_bit_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
