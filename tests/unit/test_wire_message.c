/* SPDX-License-Identifier: ISC */
/*
 * Whole messages: what a forwarder does with one, how one is signed and put
 * together, fragments, and the registry of codes.
 */
#include "unit.h"

#include "wire/attach.h"
#include "wire/data.h"
#include "wire/frame.h"
#include "wire/message.h"

static struct wire_where where;
static struct wire_env env = { .node_id_len = 16, .where = &where };

static struct node_id here = { "0123456789abcdef" },
		      there = { "fedcba9876543210" };

static const struct signer_identity who = {
	.identity_type = SIGNER_CERT_HASH,
	.hash_alg = HASH_SHA256,
	.hash = { (const uint8_t *)"HASH", 4 },
};

/* The contents of a Ping with two bytes of padding. */
static const char ping[] = "\x00\x17\x00\x00\x00\x04\x00\x02zz\x00\x00\x00\x00";
#define PING SLICE_LIT(ping)

static struct forwarding_header header_to(struct destination *to)
{
	return (struct forwarding_header){
		.overlay = 0x9aa32b8d,
		.configuration_sequence = 17,
		.version = RELOAD_VERSION,
		.ttl = 100,
		.fragment = FRAGMENT_WHOLE,
		.transaction_id = UINT64_C(0x1122334455667788),
		.destination_list = { to, 1 },
	};
}

static void assemble(struct buf *out)
{
	struct destination to = destination_node(&there);
	struct forwarding_header h = header_to(&to);
	struct security_block s = {
		.signature = { .algorithm = { HASH_SHA256, SIGNATURE_ECDSA },
			       .identity = who,
			       .signature_value = SLICE_LIT("SIGNATURE") },
	};

	h.length = 999; /* not read */
	assert_ok(message_assemble(&h, PING, &s, out, &env));
}

/* 6940-6.3.1-D1 6940-6.3.2-D1 6940-6.3.3-D1 6940-6.3.4-D1: the parts and their
 * order, the 38 bytes of a header with the length of all. */
static void whole(void **state)
{
	static const char want[] =
		"\xd2\x45\x4c\x4f\x9a\xa3\x2b\x8d\x00\x11\x0a\x64\xc0\x00\x00"
		"\x00"
		"\x00\x00\x00\x5e\x11\x22\x33\x44\x55\x66\x77\x88\x00\x00\x00"
		"\x00"
		"\x00\x00\x00\x12\x00\x00"
		"\x01\x10"
		"fedcba9876543210"
		"\x00\x17\x00\x00\x00\x04\x00\x02zz\x00\x00\x00\x00"
		"\x00\x00\x04\x03\x01\x00\x06\x04\x04HASH\x00\x09SIGNATURE";
	struct buf b = BUF_INIT(1000), again = BUF_INIT(1000);
	struct arena a = ARENA_INIT(10000);
	struct ping_req req;
	struct message m;

	(void)state;
	assemble(&b);
	assert_slice_equal(buf_slice(&b), SLICE_LIT(want));
	assert_ok(message_decode(&m, buf_slice(&b), &a, &env));
	assert_int_equal(m.header.length, b.len);
	assert_int_equal(m.contents.message_code, MSG_PING_REQ);
	assert_slice_equal(m.contents_bytes, PING);
	assert_int_equal(m.payload.len, b.len - HEADER_MIN - 18);
	assert_slice_equal(m.security.signature.signature_value,
			   SLICE_LIT("SIGNATURE"));
	assert_ok(ping_req_decode(&req, m.contents.message_body, &a, &env));
	assert_slice_equal(req.padding, SLICE_LIT("zz"));
	m.header.length = 0;
	assert_ok(message_encode(&m, &again, &env));
	assert_slice_equal(buf_slice(&again), buf_slice(&b));
	/* Behind other bytes the length is still that of the message. */
	again.len = 0;
	assert_ok(buf_append(&again, "before", 6));
	assert_ok(message_encode(&m, &again, &env));
	assert_memory_equal(again.p + 6, b.p, b.len);
	arena_free(&a);
	buf_clear(&b);
	buf_clear(&again);
}

/* A forwarder changes the lists; payload and signature input stay as they are.
 */
static void forward(void **state)
{
	struct buf b = BUF_INIT(1000), next = BUF_INIT(1000);
	struct arena a = ARENA_INIT(10000);
	struct destination via = destination_node(&here);
	struct packet p;
	struct message m;

	(void)state;
	assemble(&b);
	assert_ok(packet_decode(&p, buf_slice(&b), &a, &env));
	p.header.ttl--;
	p.header.via_list = (struct destination_list){ &via, 1 };
	assert_ok(packet_encode(&p, &next, &env));
	assert_int_equal(next.len, b.len + 18);
	assert_ok(message_decode(&m, buf_slice(&next), &a, &env));
	assert_int_equal(m.header.ttl, 99);
	assert_int_equal(m.header.length, next.len);
	assert_true(destination_eq(&m.header.via_list.v[0], &via));
	assert_slice_equal(m.contents_bytes, PING);
	arena_free(&a);
	buf_clear(&b);
	buf_clear(&next);
}

/* 6940-6.7-R6 6940-6.7-R7: fragments carry their own length and offset, are not
 * taken for messages, and a word without its mark is refused. */
static void fragments(void **state)
{
	struct buf b = BUF_INIT(1000), part = BUF_INIT(1000);
	struct arena a = ARENA_INIT(10000);
	struct packet p, q;
	struct message m = { 0 };
	uint8_t *fragment;

	(void)state;
	assemble(&b);
	assert_ok(packet_decode(&p, buf_slice(&b), &a, &env));
	m.payload = p.payload;
	q = p;
	q.header.fragment = FRAGMENT_MARK | FRAGMENT_LAST | 20;
	q.payload = slice_sub(p.payload, 20, p.payload.len - 20);
	assert_ok(packet_encode(&q, &part, &env));
	assert_ok(packet_decode(&q, buf_slice(&part), &a, &env));
	assert_int_equal(q.header.length, b.len - 20);
	assert_int_equal(q.header.fragment & FRAGMENT_OFFSET, 20);
	assert_err(message_decode(&m, buf_slice(&part), &a, &env), ERR_RANGE);
	assert_string_equal(where.text, "header.fragment");
	fragment = part.p + 12;
	for (unsigned i = 0; i < 0x80; i++) {
		fragment[0] = (uint8_t)i;
		assert_err(packet_decode(&q, buf_slice(&part), &a, &env),
			   ERR_RANGE);
		assert_string_equal(where.text, "header.fragment");
	}
	/* What was put together decodes behind the header that was kept. */
	m.payload = p.payload;
	m.header = p.header;
	assert_ok(message_payload_decode(&m, &a, &env));
	assert_int_equal(m.header.ttl, 100);
	assert_slice_equal(m.contents_bytes, PING);
	m.payload.len--;
	assert_err(message_payload_decode(&m, &a, &env), ERR_SHORT);
	arena_free(&a);
	buf_clear(&b);
	buf_clear(&part);
}

/* 6940-6.3.2-R2 6940-6.3.2-R4: no other token, no other version. */
static void refused_headers(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct arena a = ARENA_INIT(10000);
	struct packet p;

	(void)state;
	assemble(&b);
	for (unsigned i = 0; i < 256; i++) {
		b.p[10] = (uint8_t)i;
		assert_err(packet_decode(&p, buf_slice(&b), &a, &env),
			   i == 10 ? OK : ERR_RANGE);
	}
	b.p[10] = RELOAD_VERSION;
	for (size_t i = 0; i < 32; i++) {
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_err(packet_decode(&p, buf_slice(&b), &a, &env),
			   ERR_RANGE);
		assert_string_equal(where.text, "header.relo_token");
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_ok(packet_decode(&p, buf_slice(&b), &a, &env));
	arena_free(&a);
	buf_clear(&b);
}

/* 6940-6.3.2.2-R3: a resource is the last of the Destination List or nowhere;
 * we do not write it elsewhere either. */
static void resource_last(void **state)
{
	struct destination l[3] = { destination_node(&here),
				    destination_resource(SLICE_LIT("R")),
				    destination_node(&there) };
	struct forwarding_header h = header_to(l);
	struct buf b = BUF_INIT(1000);

	(void)state;
	h.destination_list.n = 2;
	assert_ok(forwarding_header_encode(&h, &b, &env));
	h.destination_list.n = 3;
	assert_err(forwarding_header_encode(&h, &b, &env), ERR_RANGE);
	assert_string_equal(where.text, "destination_list[2].type");
	h.destination_list.n = 1;
	h.via_list = (struct destination_list){ l, 2 };
	assert_err(forwarding_header_encode(&h, &b, &env), ERR_RANGE);
	assert_string_equal(where.text, "via_list[1].type");
	buf_clear(&b);
}

/* 6940-6.3.2.2-D1 6940-6.3.2.2-R2: the short form is an opaque ID of two bytes.
 */
static void short_ids(void **state)
{
	struct arena a = ARENA_INIT(1000);
	struct buf b = BUF_INIT(100);
	struct destination d, full;

	(void)state;
	assert_ok(destination_decode(&d, SLICE_LIT("\x80\x07"), &a, &env));
	assert_int_equal(d.type, DESTINATION_OPAQUE_ID);
	assert_slice_equal(d.id, SLICE_LIT("\x80\x07"));
	assert_ok(destination_decode(&full, SLICE_LIT("\x03\x03\x02\x80\x07"),
				     &a, &env));
	assert_true(destination_eq(&d, &full));
	assert_false(full.compact);
	d.id = SLICE_LIT("\x70\x07"); /* would be read as a type */
	assert_err(destination_encode(&d, &b, &env), ERR_RANGE);
	d.id = SLICE_LIT("\x80\x07\x01");
	assert_err(destination_encode(&d, &b, &env), ERR_RANGE);
	full.type = 0x80;
	assert_err(destination_encode(&full, &b, &env), ERR_RANGE);
	buf_clear(&b);
	arena_free(&a);
}

/* 6940-6.3.4-D7: overlay, transaction, contents and the whole SignerIdentity;
 * lists, TTL and options are not in it. */
static void signed_message(void **state)
{
	static const char want[] = "\x9a\xa3\x2b\x8d"
				   "\x11\x22\x33\x44\x55\x66\x77\x88"
				   "\x00\x17\x00\x00\x00\x04\x00\x02zz\x00\x00"
				   "\x00\x00"
				   "\x01\x00\x06\x04\x04HASH";
	struct buf b = BUF_INIT(1000);

	(void)state;
	assert_ok(message_tbs(&b, 0x9aa32b8d, UINT64_C(0x1122334455667788),
			      PING, &who));
	assert_slice_equal(buf_slice(&b), SLICE_LIT(want));
	buf_clear(&b);
}

/* 6940-7.1-D1 6940-7.4.2.2-D4: ResourceId with its length, Kind, storage_time,
 * value and SignerIdentity; the lifetime is not in it, and an array's index is
 * zero. */
static void signed_value(void **state)
{
	static const char single[] = "\x03RES\xf0\x00\x01\x01"
				     "\x00\x00\x01\x8b\xcf\xe5\x68\x00"
				     "\x01\x00\x00\x00\x05value"
				     "\x01\x00\x06\x04\x04HASH";
	static const char array[] = "\x03RES\xf0\x00\x01\x02"
				    "\x00\x00\x01\x8b\xcf\xe5\x68\x00"
				    "\x00\x00\x00\x00"
				    "\x01\x00\x00\x00\x05value"
				    "\x01\x00\x06\x04\x04HASH";
	static const char dictionary[] = "\x03RES\xf0\x00\x01\x03"
					 "\x00\x00\x01\x8b\xcf\xe5\x68\x00"
					 "\x00\x03key"
					 "\x01\x00\x00\x00\x05value"
					 "\x01\x00\x06\x04\x04HASH";
	static const struct {
		uint32_t kind;
		enum data_model model;
		struct slice want;
	} cases[] = {
		{ 0xf0000101,
		  MODEL_SINGLE,
		  { (const uint8_t *)single, sizeof(single) - 1 } },
		{ 0xf0000102,
		  MODEL_ARRAY,
		  { (const uint8_t *)array, sizeof(array) - 1 } },
		{ 0xf0000103,
		  MODEL_DICTIONARY,
		  { (const uint8_t *)dictionary, sizeof(dictionary) - 1 } },
	};
	struct stored_data d = {
		.storage_time = UINT64_C(1700000000000),
		.lifetime = 60,
		.value = { .index = ARRAY_END,
			   .key = SLICE_LIT("key"),
			   .exists = true,
			   .value = SLICE_LIT("value") },
	};
	struct buf b = BUF_INIT(1000);
	uint8_t long_id[256] = { 0 };

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		b.len = 0;
		d.lifetime++;
		d.value.index--;
		assert_ok(stored_data_tbs(&b, SLICE_LIT("RES"), cases[i].kind,
					  cases[i].model, &d, &who));
		assert_slice_equal(buf_slice(&b), cases[i].want);
	}
	assert_err(stored_data_tbs(&b, slice_of(long_id, 256), 1, MODEL_SINGLE,
				   &d, &who),
		   ERR_RANGE);
	buf_clear(&b);
}

/* 6940-7.4.2.2-R2: the signature of a value that is not there. */
static void synthetic(void **state)
{
	struct buf b = BUF_INIT(1000);
	struct stored_data d = { .value = { .exists = false } };

	(void)state;
	signature_set_none(&d.signature);
	assert_true(signature_is_none(&d.signature));
	assert_ok(stored_data_encode(&d, &b, &env));
	assert_slice_equal(buf_slice(&b),
			   SLICE_LIT("\0\0\0\x18"               /* length */
				     "\0\0\0\0\0\0\0\0\0\0\0\0" /* times */
				     "\0\0\0\0\0"               /* value */
				     "\0\0\x03\0\0\0\0"));
	d.signature.algorithm.hash = HASH_SHA256;
	assert_false(signature_is_none(&d.signature));
	buf_clear(&b);
}

/* RFC 6940 s14.8: a request is odd and its answer the next code. */
static void codes(void **state)
{
	(void)state;
	assert_string_equal(message_name(MSG_CONFIG_UPDATE_ANS),
			    "config_update_ans");
	assert_null(message_name(0));
	assert_null(message_name(0x1b));
	assert_null(message_body_type(0x5));
	assert_ptr_equal(message_body_type(MSG_STAT_REQ), &wire_type_fetch_req);
	assert_ptr_equal(message_body_type(0xffff), &wire_type_error_response);
	for (uint16_t i = 1; i < 0x30; i++) {
		const char *name = message_name(i);

		assert_true((name != NULL) == (message_body_type(i) != NULL));
		assert_int_equal(message_is_request(i), i % 2);
		if (name != NULL) {
			const char *end = name + strlen(name) - 4;

			assert_string_equal(end, i % 2 ? "_req" : "_ans");
			assert_non_null(message_name(
				(uint16_t)(i % 2 ? i + 1 : i - 1)));
		}
	}
	assert_false(message_is_request(MSG_ERROR));
	assert_false(message_is_request(0x8001));
}

/* 6940-6.6.2-D1: where a frame ends, told from its first bytes. */
static void frames(void **state)
{
	static const char data[] = "\x80\0\0\0\x07\x01\x02\x03";
	size_t len;

	(void)state;
	for (size_t n = 0; n < 8; n++) {
		assert_ok(frame_length(slice_of(data, n), 1 << 24, &len));
		assert_int_equal(len, 0);
	}
	assert_ok(frame_length(SLICE_LIT(data), 0x010203, &len));
	assert_int_equal(len, 8 + 0x010203);
	assert_err(frame_length(SLICE_LIT(data), 0x010202, &len), ERR_LIMIT);
	assert_ok(frame_length(SLICE_LIT("\x81"), 0, &len));
	assert_int_equal(len, FRAME_ACK_LEN);
	for (unsigned i = 0; i < 256; i++) {
		uint8_t c = (uint8_t)i;

		assert_err(frame_length(slice_of(&c, 1), 0, &len),
			   i == 128 || i == 129 ? OK : ERR_RANGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),
		cmocka_unit_test(forward),
		cmocka_unit_test(fragments),
		cmocka_unit_test(refused_headers),
		cmocka_unit_test(resource_last),
		cmocka_unit_test(short_ids),
		cmocka_unit_test(signed_message),
		cmocka_unit_test(signed_value),
		cmocka_unit_test(synthetic),
		cmocka_unit_test(codes),
		cmocka_unit_test(frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
