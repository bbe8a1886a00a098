/* SPDX-License-Identifier: ISC */
/* Where SIP messages and their fields begin and end: sip/sipmsg.c; what an
 * answer repeats: sip/sipreply.c. */
#include "unit.h"

#include <stdio.h>

#include "sip/sipreply.h"
#include "sip/transaction.h"
#include "sip_text.h"

static struct arena arena = ARENA_INIT(1 << 20);

static int cleanup(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct slice value(const struct sipmsg *m, const char *name)
{
	const struct sipmsg_field *f = sipmsg_only(m, name, NULL);

	assert_non_null(f);
	return f->value;
}

static void request(void **state)
{
	struct sipmsg m = sip_text("INVITE sip:bob@b.example;x=1 SIP/2.0\r\n"
				   "v:  SIP/2.0/UDP 192.0.2.1 \r\n"
				   "f : <sip:a@a.example>;tag=1\r\n"
				   "TO: <sip:b@b.example>\r\n"
				   "Subject: one\r\n\t two\r\n  three\r\n"
				   "Empty:\r\n"
				   "l: 4\r\n\r\nbodyrest",
				   &arena);

	(void)state;
	assert_true(sipmsg_is(m.method, "INVITE"));
	assert_true(sipmsg_is(m.uri, "sip:bob@b.example;x=1"));
	assert_true(sipmsg_is(m.version, "SIP/2.0"));
	assert_int_equal(m.n_fields, 6);
	assert_slice_equal(value(&m, "via"),
			   SLICE_LIT("SIP/2.0/UDP 192.0.2.1"));
	assert_slice_equal(value(&m, "From"),
			   SLICE_LIT("<sip:a@a.example>;tag=1"));
	assert_slice_equal(value(&m, "Subject"), SLICE_LIT("one two three"));
	assert_slice_equal(value(&m, "Empty"), SLICE_LIT(""));
	assert_slice_equal(m.body, SLICE_LIT("body"));
}

static void response(void **state)
{
	struct sipmsg m = sip_text("SIP/2.0 486 Busy Here\r\nX: y\r\n\r\n",
				   &arena);

	(void)state;
	assert_int_equal(m.method.len, 0);
	assert_int_equal(m.status, 486);
	/* Lone line feeds are accepted. */
	m = sip_text("SIP/2.0 200 \nX: y\n\nbody", &arena);
	assert_int_equal(m.status, 200);
	assert_slice_equal(m.body, SLICE_LIT("body"));
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"",
		"x",
		"\r\n",
		"INVITE sip:b@b\r\n\r\n",
		"INVITE  sip:b@b SIP/2.0\r\n\r\n",
		"INVITE sip:b@b SIP/2.0 \r\n\r\n",
		"INVITE sip:b@b SIP/2.0\r\nVia: x\r\n",
		"INV ITE sip:b@b SIP/2.0\r\n\r\n",
		"IN{VITE sip:b@b SIP/2.0\r\n\r\n",
		"INVITE sip:b@b HTTP/1.1\r\n\r\n",
		"SIP/2.0 20 OK\r\n\r\n",
		"SIP/2.0 2000 OK\r\n\r\n",
		"SIP/2.0 099 OK\r\n\r\n",
		"SIP/2.0 2x0 OK\r\n\r\n",
		"A b SIP/2.0\r\n folded: first\r\n\r\n",
		"A b SIP/2.0\r\nno colon\r\n\r\n",
		"A b SIP/2.0\r\n: no name\r\n\r\n",
		"A b SIP/2.0\r\nna me: x\r\n\r\n",
		"A b SIP/2.0\r\nX: a\rContact: b\r\n\r\n",
		"A b SIP/2.0\r\nl: -1\r\n\r\n",
		"A b SIP/2.0\r\nl: 1x\r\n\r\n",
		"A b SIP/2.0\r\nl: 99999999999\r\n\r\n",
		"A b SIP/2.0\r\nl: 0\r\nContent-Length: 0\r\n\r\n",
	};
	struct sipmsg m;

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		if (sipmsg_parse(&m, slice_str(bad[i]), &arena) !=
		    ERR_MALFORMED)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_err(sipmsg_parse(&m, SLICE_LIT("A b SIP/2.0\r\nX: a\0b\r\n\r\n"),
				&arena),
		   ERR_MALFORMED);
	/* A Content-Length that lies. */
	assert_err(sipmsg_parse(&m,
				SLICE_LIT("A b SIP/2.0\r\nl: 5\r\n\r\nbody"),
				&arena),
		   ERR_SHORT);
	assert_true(sipmsg_is(m.method, "A")); /* enough to answer */
}

/* Every way to cut a message short is refused, or is a whole message. */
static void cut(void **state)
{
	static const char text[] =
		"OPTIONS sip:b@b.example SIP/2.0\r\n" SIP_REST
		"Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: "
		"4\r\n\r\nbody";
	struct sipmsg m;
	size_t len;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(text); n++) {
		struct slice s = slice_of(text, n);

		assert_int_not_equal(sipmsg_parse(&m, s, &arena), OK);
		assert_ok(sipmsg_length(s, &len));
		assert_int_equal(len, 0);
		arena_reset(&arena);
	}
	assert_ok(sipmsg_parse(&m, slice_str(text), &arena));
}

static void limits(void **state)
{
	struct buf b = BUF_INIT(1 << 20);
	struct sipmsg m;
	size_t len;

	(void)state;
	assert_ok(buf_append_slice(&b, SLICE_LIT("A b SIP/2.0\r\n")));
	for (int i = 0; i < 1000; i++)
		assert_ok(buf_append_slice(&b, SLICE_LIT("Via: x\r\n")));
	assert_ok(buf_append_slice(&b, SLICE_LIT("l: 0\r\n\r\n")));
	assert_err(sipmsg_parse(&m, buf_slice(&b), &arena), ERR_LIMIT);
	assert_err(sipmsg_length(buf_slice(&b), &len), ERR_LIMIT);
	buf_reset(&b);
	/* A head without an end, and one that is too long. */
	for (int i = 0; i <= SIPMSG_HEAD_MAX; i++)
		assert_ok(buf_append_u8(&b, 'A'));
	assert_err(sipmsg_length(buf_slice(&b), &len), ERR_LIMIT);
	assert_ok(
		buf_append_slice(&b, SLICE_LIT(" b SIP/2.0\r\nl: 0\r\n\r\n")));
	assert_err(sipmsg_parse(&m, buf_slice(&b), &arena), ERR_LIMIT);
	buf_clear(&b);
}

static void stream(void **state)
{
	static const char one[] = "A b SIP/2.0\r\nl: 4\r\n\r\nbody";
	size_t len;

	(void)state;
	assert_ok(sipmsg_length(SLICE_LIT("A b SIP/2.0\r\nl: 4\r\n\r\nbodyA b"),
				&len));
	assert_int_equal(len, sizeof(one) - 1);
	/* Without a length nobody knows where it ends. */
	assert_err(sipmsg_length(SLICE_LIT("A b SIP/2.0\r\n\r\n"), &len),
		   ERR_MALFORMED);
	assert_err(sipmsg_length(SLICE_LIT("A b SIP/2.0\r\nl: 99999\r\n\r\n"),
				 &len),
		   ERR_LIMIT);
	/* A bad line does not hide the end. */
	assert_ok(sipmsg_length(SLICE_LIT("A b SIP/2.0\r\nbad\r\nl: 0\r\n\r\n"),
				&len));
	assert_int_equal(len, 26);
}

static void items(void **state)
{
	static const char *const want[] = { "<sip:a,b@x>;q=1",
					    "\"a, b\" <sip:c>",
					    "\"q\\\",\" <sip:d>", "", "e" };
	struct slice rest = slice_str("<sip:a,b@x>;q=1 , \"a, b\" <sip:c>,"
				      "\"q\\\",\" <sip:d>,,e,");
	struct slice item;

	(void)state;
	for (size_t i = 0; i < N_OF(want); i++) {
		assert_true(sipmsg_item(&rest, &item));
		assert_slice_equal(item, slice_str(want[i]));
	}
	assert_false(sipmsg_item(&rest, &item));
}

static void lists(void **state)
{
	struct sipmsg m = sip_text("A b SIP/2.0\r\nk: path\r\n"
				   "Supported: gruu , Outbound\r\n\r\n",
				   &arena);

	(void)state;
	assert_true(sipmsg_lists(&m, "Supported", "path"));
	assert_true(sipmsg_lists(&m, "Supported", "outbound"));
	assert_false(sipmsg_lists(&m, "Supported", "pat"));
	assert_false(sipmsg_lists(&m, "Require", "path"));
	assert_null(sipmsg_only(&m, "Supported", NULL));
}

/* ---- answers ---- */

static const struct flow from = { .peer = { .type = ADDRESS_IPV4,
					    .addr = { 198, 51, 100, 7 },
					    .port = 999 } };

static void head(void **state)
{
	struct sipmsg m =
		sip_text("OPTIONS sip:a.example SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP "
			 "10.0.0.1:5062;rport;branch=z9hG4bK1;received=1"
			 ".2.3.4;x=\"a;b\", SIP/2.0/TCP far.example\r\n"
			 "Via: SIP/2.0/UDP farther.example\r\n"
			 "From: A <sip:alice@a.example>;tag=1\r\n"
			 "To: <sip:a.example;tag=no>\r\n"
			 "Call-ID: abc@d\r\nCSeq:  7   OPTIONS\r\nl: 0\r\n\r\n",
			 &arena);
	struct buf b = BUF_INIT(4096);
	struct flow to;

	(void)state;
	assert_true(sipreply_possible(&m));
	assert_ok(sipreply_head(&m, &from, "xyz", &b));
	/* RFC 3581 s4: both are said, and what came is not believed. */
	assert_slice_equal(
		buf_slice(&b),
		slice_str("Via: SIP/2.0/UDP 10.0.0.1:5062;branch=z9hG4bK1;"
			  "x=\"a;b\";rport=999;received=198.51.100.7\r\n"
			  "Via: SIP/2.0/TCP far.example\r\n"
			  "Via: SIP/2.0/UDP farther.example\r\n"
			  "From: A <sip:alice@a.example>;tag=1\r\n"
			  "To: <sip:a.example;tag=no>;tag=xyz\r\n"
			  "Call-ID: abc@d\r\nCSeq: 7   OPTIONS\r\n"));
	sipreply_to(&m, &from, &to);
	assert_int_equal(to.peer.port, 999);
	buf_reset(&b);
	assert_ok(sipreply_make(423, NULL, SLICE_LIT("A: b\r\n"),
				SLICE_LIT("C: d\r\n"), &b));
	assert_slice_equal(
		buf_slice(&b),
		slice_str("SIP/2.0 423 Interval Too Brief\r\nA: b\r\n"
			  "C: d\r\nContent-Length: 0\r\n\r\n"));
	buf_clear(&b);
}

static uint16_t port_for(const char *via, uint32_t conn)
{
	char text[256];
	struct sipmsg m;
	struct flow f = from, to;

	f.conn = conn;
	snprintf(text, sizeof(text), "A b SIP/2.0\r\nVia: %s\r\n\r\n", via);
	m = sip_text(text, &arena);
	sipreply_to(&m, &f, &to);
	assert_int_equal(to.conn, conn);
	assert_memory_equal(to.peer.addr, from.peer.addr, 4);
	return to.peer.port;
}

static void destination(void **state)
{
	(void)state;
	/* RFC 3261 s18.2.2, RFC 3581 s4. */
	assert_int_equal(port_for("SIP/2.0/UDP h:5062", 0), 5062);
	assert_int_equal(port_for("SIP/2.0/UDP h", 0), 5060);
	assert_int_equal(port_for("SIP/2.0/UDP h:5062;rport", 0), 999);
	assert_int_equal(port_for("SIP/2.0/TCP h:5062", 3), 999);
	/* Nobody is shot at by our hand. */
	assert_int_equal(port_for("SIP/2.0/UDP h;maddr=192.0.2.66", 0), 5060);
}

static void impossible(void **state)
{
	static const char *const bad[] = {
		"A sip:x SIP/2.0\r\nFrom: a\r\nTo: b\r\nCall-ID: c\r\n"
		"CSeq: 1 A\r\n\r\n",
		"A sip:x SIP/2.0\r\nVia: junk\r\nFrom: a\r\nTo: b\r\n"
		"Call-ID: c\r\nCSeq: 1 A\r\n\r\n",
		"A sip:x SIP/2.0\r\nVia: ,SIP/2.0/UDP h\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		struct sipmsg m = sip_text(bad[i], &arena);

		assert_false(sipreply_possible(&m));
	}
}

/* What is not there, or not once, is answered with what is. */
static void incomplete(void **state)
{
	static const struct {
		const char *fields, *head;
	} v[] = {
		{ "", "Via: SIP/2.0/UDP h;received=198.51.100.7\r\n" },
		{ "From: <a:b>\r\nf: <c:d>\r\nTo: <a:b>\r\nCall-ID: c\r\n"
		  "CSeq: 1 A\r\n",
		  "Via: SIP/2.0/UDP h;received=198.51.100.7\r\n"
		  "From: <a:b>\r\nTo: <a:b>;tag=xyz\r\nCall-ID: c\r\n"
		  "CSeq: 1 A\r\n" },
	};
	struct buf b = BUF_INIT(4096), key = BUF_INIT(4096);
	const char *words;
	char text[512];

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		struct sipmsg m;

		snprintf(text, sizeof(text),
			 "A sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n%s\r\n",
			 v[i].fields);
		m = sip_text(text, &arena);
		assert_true(sipreply_possible(&m));
		assert_int_equal(sipreply_check(&m, &words), 400);
		buf_reset(&b);
		assert_ok(sipreply_head(&m, &from, "xyz", &b));
		assert_slice_equal(buf_slice(&b), slice_str(v[i].head));
		buf_reset(&key);
		assert_ok(transaction_key(&m, m.method, &key));
	}
	buf_clear(&b);
	buf_clear(&key);
}

static void checked(void **state)
{
	static const struct {
		const char *line, *from, *cseq, *hops;
		unsigned status;
	} v[] = {
		{ "sip:x SIP/2.0", "<sip:a@b>", "1 A", "70", 0 },
		{ "sip:x sip/2.0", "<sip:a@b>", "1 A", "0", 0 },
		{ "sip:x SIP/3.0", "<sip:a@b>", "1 A", "70", 505 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "1 B", "70", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "1 a", "70", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "A", "70", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "4294967296 A", "70", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b", "1 A", "70", 400 },
		{ "sip: SIP/2.0", "<sip:a@b>", "1 A", "70", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "1 A", "256", 400 },
		{ "sip:x SIP/2.0", "<sip:a@b>", "1 A", "-1", 400 },
	};
	char text[512];
	const char *words;

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		struct sipmsg m;

		snprintf(text, sizeof(text),
			 "A %s\r\nVia: SIP/2.0/UDP h\r\nFrom: %s\r\nTo: "
			 "<sip:b@c>\r\nCall-ID: c\r\nCSeq: %s\r\n"
			 "Max-Forwards: %s\r\n\r\n",
			 v[i].line, v[i].from, v[i].cseq, v[i].hops);
		m = sip_text(text, &arena);
		assert_true(sipreply_possible(&m));
		assert_int_equal(sipreply_check(&m, &words), v[i].status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(request, cleanup),
		cmocka_unit_test_teardown(response, cleanup),
		cmocka_unit_test_teardown(malformed, cleanup),
		cmocka_unit_test_teardown(cut, cleanup),
		cmocka_unit_test_teardown(limits, cleanup),
		cmocka_unit_test_teardown(stream, cleanup),
		cmocka_unit_test_teardown(items, cleanup),
		cmocka_unit_test_teardown(lists, cleanup),
		cmocka_unit_test_teardown(head, cleanup),
		cmocka_unit_test_teardown(destination, cleanup),
		cmocka_unit_test_teardown(impossible, cleanup),
		cmocka_unit_test_teardown(incomplete, cleanup),
		cmocka_unit_test_teardown(checked, cleanup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
