/* SPDX-License-Identifier: ISC */
/* The cursor by itself: widths, windows, lists, limits, paths, and its silence.
 */
#include "unit.h"

#include "wire/data.h"

/* Structures of this test's own. */
struct item {
	uint8_t a;
	uint32_t b;
};
struct item_list {
	struct item *v;
	uint32_t n;
};
struct sample {
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;
	uint64_t u64;
	bool flag;
	uint8_t fixed[3];
	struct slice opaque, bytes, rest;
	struct item_list items;
};

static void sample_codec(struct wire *w, void *p)
{
	struct sample *v = p;
	struct item *it;

	wire_u8(w, "u8", &v->u8);
	wire_u16(w, "u16", &v->u16);
	wire_u32(w, "u32", &v->u32);
	wire_u64(w, "u64", &v->u64);
	wire_const32(w, "magic", 0x01020304);
	wire_bool(w, "flag", &v->flag);
	wire_fixed(w, "fixed", v->fixed, sizeof(v->fixed));
	wire_opaque(w, "opaque", 3, &v->opaque);
	WIRE_LIST (w, "items", 1, v->items, it) {
		wire_enter(w, "inner");
		wire_u8(w, "a", &it->a);
		wire_u32(w, "b", &it->b);
		wire_leave(w);
	}
	wire_open(w, "window", 2);
	wire_bytes(w, "bytes", 2, &v->bytes);
	wire_rest(w, "rest", &v->rest);
	wire_close(w);
}

static const struct wire_type sample_type = { "sample", sizeof(struct sample),
					      sample_codec };

static const char sample_bytes[] =
	"\x11"
	"\x22\x33"
	"\x44\x55\x66\x77"
	"\x88\x99\xaa\xbb\xcc\xdd\xee\xff"
	"\x01\x02\x03\x04"
	"\x01"
	"abc"
	"\x00\x00\x02hi"
	"\x0a\x01\x00\x00\x00\x02\x03\x00\x00\x00\x04"
	"\x00\x05xyzzy";
#define SAMPLE SLICE_LIT(sample_bytes)

static struct wire_where where;
static const struct wire_env env = { .node_id_len = 16, .where = &where };

static void both_ways(void **state)
{
	struct arena a = ARENA_INIT(10000);
	struct buf b = BUF_INIT(10000);
	struct sample v;

	(void)state;
	assert_ok(wire_decode(&sample_type, &v, SAMPLE, &a, &env));
	assert_int_equal(v.u8, 0x11);
	assert_int_equal(v.u16, 0x2233);
	assert_int_equal(v.u32, 0x44556677);
	assert_true(v.u64 == UINT64_C(0x8899aabbccddeeff));
	assert_true(v.flag);
	assert_memory_equal(v.fixed, "abc", 3);
	assert_slice_equal(v.opaque, SLICE_LIT("hi"));
	/* Slices point into the input. */
	assert_ptr_equal(v.opaque.p, sample_bytes + 26);
	assert_int_equal(v.items.n, 2);
	assert_int_equal(v.items.v[0].b, 2);
	assert_int_equal(v.items.v[1].a, 3);
	assert_slice_equal(v.bytes, SLICE_LIT("xy"));
	assert_slice_equal(v.rest, SLICE_LIT("zzy"));
	assert_ok(wire_encode(&sample_type, &v, &b, &env));
	assert_slice_equal(buf_slice(&b), SAMPLE);
	arena_free(&a);
	buf_clear(&b);
}

static void text(void **state)
{
	static const char want[] = "u8 17\n"
				   "u16 8755\n"
				   "u32 1146447479\n"
				   "u64 9843086184167632639\n"
				   "flag 1\n"
				   "fixed 616263\n"
				   "opaque \"hi\"\n"
				   "items {\n"
				   "  0 {\n"
				   "    inner {\n"
				   "      a 1\n"
				   "      b 2\n"
				   "    }\n"
				   "  }\n"
				   "  1 {\n"
				   "    inner {\n"
				   "      a 3\n"
				   "      b 4\n"
				   "    }\n"
				   "  }\n"
				   "}\n"
				   "window {\n"
				   "  bytes 7879\n"
				   "  rest \"zzy\"\n"
				   "}\n";
	struct arena a = ARENA_INIT(10000);
	struct buf b = BUF_INIT(10000);
	struct sample v;

	(void)state;
	assert_ok(wire_decode(&sample_type, &v, SAMPLE, &a, &env));
	assert_ok(wire_print(&sample_type, &v, &b, &env));
	assert_slice_equal(buf_slice(&b), SLICE_LIT(want));
	/* A quote or a control character makes it hex. */
	v.opaque = SLICE_LIT("a\"b");
	b.len = 0;
	assert_ok(wire_print(&sample_type, &v, &b, &env));
	assert_non_null(memmem(b.p, b.len, "opaque 612262\n", 14));
	arena_free(&a);
	buf_clear(&b);
}

static void paths(void **state)
{
	static const struct {
		size_t at;
		uint8_t put;
		enum err r;
		const char *where;
	} cases[] = {
		{ 15, 9, ERR_RANGE, "magic" },
		{ 19, 2, ERR_RANGE, "flag" },
		{ 19, 255, ERR_RANGE, "flag" },
		{ 23, 1, ERR_SHORT, "opaque" },
		{ 28, 200, ERR_SHORT, "items" },
		{ 28, 9, ERR_SHORT, "items[1].inner.b" },
		{ 28, 11, ERR_SHORT, "items[2].inner.b" },
		{ 40, 6, ERR_SHORT, "window" },
		{ 40, 1, ERR_SHORT, "window.bytes" },
		{ 40, 4, ERR_TRAILING, "sample" },
	};
	struct arena a = ARENA_INIT(10000);
	uint8_t bytes[sizeof(sample_bytes) - 1];
	struct sample v;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		memcpy(bytes, sample_bytes, sizeof(bytes));
		bytes[cases[i].at] = cases[i].put;
		assert_err(wire_decode(&sample_type, &v,
				       slice_of(bytes, sizeof(bytes)), &a,
				       &env),
			   cases[i].r);
		assert_string_equal(where.text, cases[i].where);
	}
	arena_free(&a);
}

/* What is not to be written is refused, and leaves the output as it was. */
static void refusals(void **state)
{
	struct arena a = ARENA_INIT(10000);
	struct buf b = BUF_INIT(100);
	struct item items[52] = { { 0, 0 } };
	struct sample v;

	(void)state;
	assert_ok(buf_append(&b, "kept", 4));
	assert_ok(wire_decode(&sample_type, &v, SAMPLE, &a, &env));
	v.bytes = SLICE_LIT("three");
	assert_err(wire_encode(&sample_type, &v, &b, &env), ERR_RANGE);
	assert_string_equal(where.text, "window.bytes");
	assert_slice_equal(buf_slice(&b), SLICE_LIT("kept"));
	v.bytes = SLICE_LIT("xy");
	v.items = (struct item_list){ items, 52 };
	assert_err(wire_encode(&sample_type, &v, &b, &env), ERR_LIMIT);
	b.max = 1000;
	assert_err(wire_encode(&sample_type, &v, &b, &env), ERR_RANGE);
	assert_string_equal(where.text, "items"); /* 260 bytes, length of 1 */
	v.items.n = 51;
	assert_ok(wire_encode(&sample_type, &v, &b, &env));
	v.opaque = slice_of(sample_bytes, (size_t)1 << 24);
	assert_err(wire_encode(&sample_type, &v, &b, &env), ERR_RANGE);
	assert_string_equal(where.text, "opaque");
	arena_free(&a);
	buf_clear(&b);
}

static void nested(struct wire *w, void *p)
{
	for (unsigned i = 0; i <= WIRE_DEPTH_MAX; i++)
		wire_enter(w, "d");
	for (unsigned i = 0; i <= WIRE_DEPTH_MAX; i++)
		wire_leave(w);
	(void)p;
}

static void limits(void **state)
{
	static const struct wire_type deep = { "deep", 1, nested };
	struct arena a = ARENA_INIT(0);
	struct chord_update u;
	struct probe_ans ans;
	struct sample v;
	uint8_t bytes[7 + 2 * 0xff00] = { 0, 0, 0, 0, 2, 0xff, 0xf0 };

	(void)state;
	assert_err(wire_decode(&deep, &v, SLICE_LIT(""), &a, &env), ERR_DEPTH);
	assert_string_equal(where.text, "d.d.d.d.d.d.d.d.d.d.d.d.d");
	/* A list longer than the arena can hold. */
	assert_err(wire_decode(&sample_type, &v, SAMPLE, &a, &env), ERR_LIMIT);
	assert_string_equal(where.text, "items[0].element");
	/* No memory for what is only announced. */
	a.max = 1 << 20;
	assert_err(chord_update_decode(&u, slice_of(bytes, 100), &a, &env),
		   ERR_SHORT);
	assert_int_equal(a.used, 0);
	assert_err(
		probe_ans_decode(&ans, SLICE_LIT("\xff\xff\1\4aaaa"), &a, &env),
		ERR_SHORT);
	assert_int_equal(a.used, 0);
	/* A list of 4095 Node-IDs takes what it needs, within a factor of 3. */
	bytes[5] = 0xff;
	assert_err(chord_update_decode(&u, slice_of(bytes, sizeof(bytes)), &a,
				       &env),
		   ERR_TRAILING);
	assert_int_equal(u.predecessors.n, 4095);
	assert_true(a.used < 3 * sizeof(struct node_id) * 4096);
	arena_free(&a);
}

/* 6940-6.3.1.1-D1: a Boolean is 0 or 1, Node-IDs have the overlay's length, and
 * a ResourceId one length byte. */
static void common_definitions(void **state)
{
	struct wire_env of = env;
	struct arena a = ARENA_INIT(10000);
	struct buf b = BUF_INIT(100);
	struct route_query_req query;
	struct chord_route_query_ans ans;
	uint8_t id[21];

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		uint8_t q[] = { (uint8_t)i, 0x80, 0, 0, 0 };

		assert_err(route_query_req_decode(
				   &query, slice_of(q, sizeof(q)), &a, &env),
			   i < 2 ? OK : ERR_RANGE);
	}
	memset(id, 0xa5, sizeof(id));
	for (of.node_id_len = 16; of.node_id_len <= 20; of.node_id_len++) {
		b.len = 0;
		for (size_t n = 15; n <= 21; n++)
			assert_int_equal(
				chord_route_query_ans_decode(
					&ans, slice_of(id, n), &a, &of) == OK,
				n == of.node_id_len);
		assert_ok(chord_route_query_ans_decode(
			&ans, slice_of(id, of.node_id_len), &a, &of));
		assert_ok(chord_route_query_ans_encode(&ans, &b, &of));
		assert_slice_equal(buf_slice(&b), slice_of(id, of.node_id_len));
	}
	b.len = 0;
	assert_ok(destination_encode(
		&(struct destination){ .type = DESTINATION_RESOURCE,
				       .id = SLICE_LIT("FOO") },
		&b, &env));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("\x02\x04\x03"
						    "FOO"));
	buf_clear(&b);
	arena_free(&a);
}

/* Encoding and printing write neither to the struct nor past it. */
static void constant(void **state)
{
	static const struct node_id ids[2] = { { { 1 } }, { { 2 } } };
	static const struct chord_update update = {
		.uptime = 7,
		.type = CHORD_UPDATE_NEIGHBORS,
		.predecessors = { NULL, 0 },
		.successors = { (struct node_id *)(uintptr_t)ids, 2 },
	};
	struct buf b = BUF_INIT(1000);

	(void)state;
	assert_ok(chord_update_encode(&update, &b, &env));
	assert_int_equal(b.len, 4 + 1 + 2 + 2 + 32);
	assert_ok(chord_update_print(&update, &b, &env));
	buf_clear(&b);
}

static void types(void **state)
{
	(void)state;
	assert_ptr_equal(wire_type_find("store_req"), &wire_type_store_req);
	assert_null(wire_type_find("store"));
	for (size_t i = 0; wire_types[i] != NULL; i++)
		assert_ptr_equal(wire_type_find(wire_types[i]->name),
				 wire_types[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(text),
		cmocka_unit_test(paths),
		cmocka_unit_test(refusals),
		cmocka_unit_test(limits),
		cmocka_unit_test(common_definitions),
		cmocka_unit_test(constant),
		cmocka_unit_test(types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
