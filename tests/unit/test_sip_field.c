/* SPDX-License-Identifier: ISC */
/* URIs, addresses, parameters of SIP: sip/sipfield.c; STUN's keep-alive:
 * sip/stunping.c. */
#include "unit.h"

#include "sip/sipfield.h"
#include "sip/stunping.h"

static void uris(void **state)
{
	static const struct {
		const char *text, *user, *host, *params, *headers;
		uint16_t port;
	} v[] = {
		{ "sip:alice@a.example", "alice", "a.example", "", "", 0 },
		{ "SIPS:a.example:5061", NULL, "a.example", "", "", 5061 },
		{ "sip:al:pw@a.example:65535;lr;x=1?s=2", "al", "a.example",
		  ";lr;x=1", "s=2", 65535 },
		{ "sip:[2001:db8::1]:5070", NULL, "[2001:db8::1]", "", "",
		  5070 },
		{ "sip:a;day=tue@a.example", "a;day=tue", "a.example", "", "",
		  0 },
		/* RFC 4475 s3.1.1.2 */
		{ "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/"
		  ";;*:&it+has="
		  "1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
		  "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
		  "example.com", "", "", 0 },
	};
	static const char *const bad[] = {
		"",          "alice",           "sip:",          ":x",
		"1sip:a",    "sip:@a",          "sip:a b@c",     "sip:a@",
		"sip:a@b:0", "sip:a@b:65536",   "sip:a@b:x",     "sip:[::1",
		"sip:[]",    "sip:[192.0.2.1]", "sip:[1::2::3]", "sip:[]",
		"sip:a@b c", "sip:<a@b>",       "sip:a@[x y]",   "sip:a@b:",
		"tel:",      "sip:\xc3\xa4@b",
	};
	struct sipfield_uri u;

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		assert_ok(sipfield_uri(&u, slice_str(v[i].text)));
		assert_true(u.sip);
		assert_int_equal(u.user.p == NULL, v[i].user == NULL);
		if (v[i].user != NULL)
			assert_slice_equal(u.user, slice_str(v[i].user));
		assert_slice_equal(u.host, slice_str(v[i].host));
		assert_slice_equal(u.params, slice_str(v[i].params));
		assert_slice_equal(u.headers, slice_str(v[i].headers));
		assert_int_equal(u.port, v[i].port);
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		if (sipfield_uri(&u, slice_str(bad[i])) != ERR_MALFORMED)
			fail_msg("accepted: %s", bad[i]);
	assert_ok(sipfield_uri(&u, SLICE_LIT("tel:+49123")));
	assert_false(u.sip);
}

static bool eq(const char *a, const char *b)
{
	struct sipfield_uri x, y;
	bool one;

	assert_ok(sipfield_uri(&x, slice_str(a)));
	assert_ok(sipfield_uri(&y, slice_str(b)));
	one = sipfield_uri_eq(&x, &y);
	assert_int_equal(one, sipfield_uri_eq(&y, &x));
	return one;
}

/* The examples of RFC 3261 s19.1.4. */
static void equal_uris(void **state)
{
	(void)state;
	assert_true(eq("sip:%61lice@atlanta.com;transport=TCP",
		       "sip:alice@AtLanTa.CoM;Transport=tcp"));
	assert_true(eq("sip:carol@chicago.com",
		       "sip:carol@chicago.com;newparam=5"));
	assert_true(eq("sip:carol@chicago.com;newparam=5",
		       "sip:carol@chicago.com;security=on"));
	assert_false(eq("SIP:ALICE@AtLanTa.CoM;Transport=udp",
			"sip:alice@AtLanTa.CoM;Transport=UDP"));
	assert_false(eq("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
	assert_false(
		eq("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
	assert_false(eq("sip:carol@chicago.com?Subject=next%20meeting",
			"sip:carol@chicago.com"));
	assert_false(eq("sip:carol@chicago.com;security=on",
			"sip:carol@chicago.com;security=off"));
	assert_false(eq("sip:a.example", "sips:a.example"));
	assert_false(eq("sip:a@a.example", "sip:a.example"));
}

static void aors(void **state)
{
	struct buf b = BUF_INIT(64);
	struct sipfield_uri u;

	(void)state;
	/* 7904-7-D3: escapes are decoded, the scheme goes. */
	assert_ok(sipfield_uri(&u, SLICE_LIT("sip:Al%69ce;x@A.Example;lr")));
	assert_ok(sipfield_aor(&b, &u));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("Alice;x@a.example"));
	buf_reset(&b);
	assert_ok(sipfield_uri(&u, SLICE_LIT("sip:a%4@b")));
	assert_ok(sipfield_aor(&b, &u));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("a%4@b"));
	assert_ok(sipfield_uri(&u, SLICE_LIT("sip:a.example")));
	assert_err(sipfield_aor(&b, &u), ERR_DATA);
	buf_clear(&b);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *uri, *params;
	} v[] = {
		{ "sip:a@b", "sip:a@b", "" },
		{ "sip:a@b;tag=1", "sip:a@b", ";tag=1" },
		{ "<sip:a@b;x=1>;tag=1", "sip:a@b;x=1", ";tag=1" },
		{ "A B <sip:a@b> ; tag=1", "sip:a@b", "; tag=1" },
		{ "\"<sip:no> \\\" ;\" <sip:a@b>", "sip:a@b", "" },
		{ "<tel:+1>", "tel:+1", "" },
	};
	static const char *const bad[] = { "",
					   "x",
					   "<sip:a@b",
					   "<>",
					   "sip:a@b?x=1",
					   "<sip:a@b> x",
					   "sip:a@b,sip:c@d" };
	struct sipfield_addr a;

	(void)state;
	for (size_t i = 0; i < N_OF(v); i++) {
		assert_ok(sipfield_addr(&a, slice_str(v[i].text)));
		assert_slice_equal(a.uri, slice_str(v[i].uri));
		assert_slice_equal(a.params, slice_str(v[i].params));
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		if (sipfield_addr(&a, slice_str(bad[i])) != ERR_MALFORMED)
			fail_msg("accepted: %s", bad[i]);
}

static void vias(void **state)
{
	struct sipfield_via v;

	(void)state;
	assert_ok(
		sipfield_via(&v, SLICE_LIT("SIP/2.0/UDP h.example:5070;a=b")));
	assert_slice_equal(v.transport, SLICE_LIT("UDP"));
	assert_slice_equal(v.host, SLICE_LIT("h.example"));
	assert_int_equal(v.port, 5070);
	assert_slice_equal(v.params, SLICE_LIT(";a=b"));
	/* RFC 4475 s3.1.1.1 has blanks wherever they may be. */
	assert_ok(sipfield_via(
		&v, SLICE_LIT("SIP  / 2.0\t /TLS \t [::1] : 5061 ;x")));
	assert_slice_equal(v.transport, SLICE_LIT("TLS"));
	assert_slice_equal(v.host, SLICE_LIT("[::1]"));
	assert_int_equal(v.port, 5061);
	assert_err(sipfield_via(&v, SLICE_LIT("SIP/2.0 h")), ERR_MALFORMED);
	/* Who speaks another version is told so. */
	assert_ok(sipfield_via(&v, SLICE_LIT("SIP/7.0/UDP h")));
	assert_err(sipfield_via(&v, SLICE_LIT("SIP//UDP h")), ERR_MALFORMED);
	assert_err(sipfield_via(&v, SLICE_LIT("SIP/2.0/UDP ")), ERR_MALFORMED);
	assert_err(sipfield_via(&v, SLICE_LIT("SIP/2.0/UDP h:70000")),
		   ERR_MALFORMED);
	assert_err(sipfield_via(&v, SLICE_LIT("")), ERR_MALFORMED);
	assert_err(sipfield_via(&v, SLICE_LIT("SIP/2.0/UDP\"x h")),
		   ERR_MALFORMED);
	assert_err(sipfield_via(&v, SLICE_LIT("SIP/2\"0/UDP h")),
		   ERR_MALFORMED);
}

static void params(void **state)
{
	struct slice rest = slice_str(";a=1; b = \"x;y\" ;;c"), name, v;
	struct buf b = BUF_INIT(64);

	(void)state;
	assert_true(sipfield_find(rest, "B", &v));
	assert_slice_equal(v, SLICE_LIT("\"x;y\""));
	assert_true(sipfield_find(rest, "c", &v));
	assert_null(v.p);
	assert_false(sipfield_find(rest, "d", &v));
	assert_true(sipfield_param(&rest, ';', &name, &v));
	assert_slice_equal(name, SLICE_LIT("a"));
	assert_ok(sipfield_unquote(&b, SLICE_LIT("\"a\\\"b\\\\\"")));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("a\"b\\"));
	buf_reset(&b);
	assert_ok(sipfield_unquote(&b, SLICE_LIT("plain")));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("plain"));
	buf_clear(&b);
}

static void stun(void **state)
{
	/* RFC 5769 has no plain request: its transaction, an address of ours.
	 */
	static const uint8_t ask[] = { 0,    1,    0,    0,    0x21, 0x12, 0xa4,
				       0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
				       0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae };
	static const uint8_t want[] = { 1,    1,    0,    12,   0x21, 0x12,
					0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01,
					0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
					0xdf, 0xae, 0,    0x20, 0,    8,
					0,    1,    0xa1, 0x47, 0xe1, 0x12,
					0xa6, 0x43 };
	/* The IPv4 answer of RFC 5769 s2.2: 192.0.2.1, port 32853. */
	const struct ip_address_port from = { .type = ADDRESS_IPV4,
					      .addr = { 192, 0, 2, 1 },
					      .port = 32853 };
	uint8_t other[24];
	struct buf b = BUF_INIT(64);

	(void)state;
	assert_true(stunping_is(slice_of(ask, sizeof(ask))));
	assert_ok(stunping_answer(slice_of(ask, sizeof(ask)), &from, &b));
	assert_slice_equal(buf_slice(&b), slice_of(want, sizeof(want)));
	for (size_t n = 0; n < sizeof(ask); n++)
		assert_err(stunping_answer(slice_of(ask, n), &from, &b),
			   ERR_MALFORMED);
	memcpy(other, ask, sizeof(ask));
	other[1] = 2; /* no Binding */
	assert_err(stunping_answer(slice_of(other, 20), &from, &b),
		   ERR_MALFORMED);
	other[1] = 1;
	other[3] = 4;
	memcpy(other + 20, "\x00\x06\x00\x00", 4); /* USERNAME */
	assert_err(stunping_answer(slice_of(other, 24), &from, &b),
		   ERR_MALFORMED);
	memcpy(other + 20, "\x80\x22\x00\x00", 4); /* SOFTWARE */
	assert_ok(stunping_answer(slice_of(other, 24), &from, &b));
	memcpy(other + 20, "\x80\x22\x00\x01", 4);
	assert_err(stunping_answer(slice_of(other, 24), &from, &b),
		   ERR_MALFORMED);
	buf_clear(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uris), cmocka_unit_test(equal_uris),
		cmocka_unit_test(aors), cmocka_unit_test(addresses),
		cmocka_unit_test(vias), cmocka_unit_test(params),
		cmocka_unit_test(stun),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
