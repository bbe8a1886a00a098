/* SPDX-License-Identifier: ISC */
/* Configuration documents, good and bad.  RFC 6940 s11.1; RFC 7904 s3.4. */
#include "conf_fixture.h"

#include <stdio.h>

#include "conf/compiled.h"
#include "core/overlay.h"
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

/* ---- good ones ---- */

/* Everything that init writes arrives. */
static void good(void **state)
{
	struct fixture *f = *state;
	struct overlay *o = fixture_accepted(f, NULL);
	const struct kind *k;

	assert_string_equal(o->name, FIXTURE_NAME);
	assert_int_equal(o->hash, 0x9aa32b8d); /* 6940-6.3.2-R3 */
	assert_int_equal(o->sequence, 7);
	assert_int_equal(o->expiration_ms, FIXTURE_NOW + 365 * FIXTURE_DAY);
	assert_int_equal(o->max_message_size, 60000);
	assert_true(o->no_ice);
	assert_int_equal(o->n_bootstrap, 2);
	assert_int_equal(o->bootstrap[0].type, ADDRESS_IPV4);
	assert_int_equal(o->bootstrap[1].type, ADDRESS_IPV6);
	assert_int_equal(o->bootstrap[1].port, 7000);
	assert_int_equal(o->n_enrollment_servers, 1);
	assert_int_equal(o->n_root_certs, 1);
	assert_slice_equal(o->root_certs[0], buf_slice(&f->ca_cert));
	assert_true(id_eq(&o->configuration_signers[0], &f->signer_id));
	assert_slice_equal(o->document, buf_slice(&f->document));
	k = kinds_find_name(&o->kinds, "USER-DICT");
	assert_non_null(k);
	assert_int_equal(k->id, 0xf0000003);
	assert_int_equal(k->model, MODEL_DICTIONARY);
	k = kinds_find(&o->kinds, KIND_SIP_REGISTRATION);
	assert_true(k->registered);
	assert_int_equal(k->access, ACCESS_USER_NODE_MATCH);
	assert_int_equal(o->n_kind_blocks, 8);
	assert_true(id_eq(&o->kind_blocks[0].signer, &f->signer_id));
	overlay_free(o);
}

/* 6940-11.1-R7, 6940-10.7.4-R1: an empty configuration gives the defaults. */
static void defaults(void **state)
{
	static const char text[] =
		"<overlay xmlns=\"urn:ietf:params:xml:ns:p2p:config-base\">"
		"<configuration instance-name=\"a.example\">"
		"<bootstrap-node address=\"192.0.2.1\"/>"
		"</configuration></overlay>";
	struct overlay *o;

	(void)state;
	assert_ok(overlay_xml_parse(&o, slice_str(text), NULL, NULL));
	assert_int_equal(o->sequence, 0);
	assert_int_equal(o->expiration_ms, UINT64_MAX);
	assert_int_equal(o->node_id_length, 16); /* 6940-11.1-R4 */
	assert_int_equal(o->turn_density, 1);
	assert_int_equal(o->max_message_size, 5000);
	assert_int_equal(o->initial_ttl, 100);
	assert_int_equal(o->reliability_timer_ms, 3000);
	assert_int_equal(o->chord_update_interval_s, 600);
	assert_int_equal(o->chord_ping_interval_s, 3600);
	assert_int_equal(o->link_protocols,
			 LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS);
	assert_true(o->chord_reactive);
	assert_true(o->clients_permitted); /* 6940-11.1-R8 */
	assert_false(o->no_ice);
	assert_false(o->self_signed_permitted);
	assert_int_equal(o->bootstrap[0].port, 6084);
	assert_non_null(kinds_find(&o->kinds, KIND_CERTIFICATE_BY_NODE));
	overlay_free(o);
}

/* 6940-11.1-R1: all four spellings of a boolean, with white space around. */
static void booleans(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} spellings[] = { { " true ", true },
			  { "\n\t1\n", true },
			  { " false", false },
			  { "0 ", false } };
	struct fixture *f = *state;
	char before[64], after[64];

	snprintf(before, sizeof(before), "<no-ice>true</no-ice>");
	for (size_t i = 0; i < N_OF(spellings); i++) {
		struct overlay *o;

		snprintf(after, sizeof(after), "<no-ice>%s</no-ice>",
			 spellings[i].text);
		fixture_replace(f, before, after);
		memcpy(before, after, sizeof(after));
		fixture_sign(f, 8, NULL);
		o = fixture_accepted(f, NULL);
		assert_int_equal(o->no_ice, spellings[i].is);
		overlay_free(o);
	}
}

#define ELSE "<no-ice>true</no-ice>"

/* What may stand there, and what it makes. */
static void accepted(void **state)
{
	static const struct {
		const char *text;
		size_t offset;
		uint64_t size, value;
	} cases[] = {
#define CASE(text, field, value)                                               \
	{ text, offsetof(struct overlay, field),                               \
	  sizeof(((struct overlay *)NULL)->field), value }
		CASE("<initial-ttl> 30 </initial-ttl>", initial_ttl, 30),
		CASE("<turn-density>0</turn-density>", turn_density, 0),
		/* 6940-11.1-R10 */
		CASE("<overlay-reliability-timer>200"
		     "</overlay-reliability-timer>",
		     reliability_timer_ms, 200),
		/* 6940-11.1-R6: both digests, and false with either. */
		CASE("<self-signed-permitted digest=\"sha1\">1"
		     "</self-signed-permitted>",
		     self_signed_digest, HASH_SHA1),
		CASE("<self-signed-permitted digest=\"sha256\">true"
		     "</self-signed-permitted>",
		     self_signed_digest, HASH_SHA256),
		CASE("<self-signed-permitted digest=\"sha256\">false"
		     "</self-signed-permitted>",
		     self_signed_permitted, false),
		CASE("<self-signed-permitted digest=\"sha1\">true"
		     "</self-signed-permitted>",
		     self_signed_permitted, true),
		CASE("<bad-node> 6EBC45d31a900c066ebc45d31a900c06</bad-node>",
		     n_bad_nodes, 1),
		CASE("<enrollment-server> HTTPS://b.example/ "
		     "</enrollment-server>",
		     n_enrollment_servers, 2), /* 6940-11.1-R5 */
		CASE("<mandatory-extension>"
		     "urn:ietf:params:xml:ns:p2p:config-base:sip"
		     "</mandatory-extension>",
		     node_id_length, 16), /* 6940-11.1-R12 */
		CASE("<x:y xmlns:x=\"urn:x\"><z><w/></z></x:y>", no_ice, false),
#undef CASE
	};
	struct fixture *f = *state;
	const char *before = ELSE;

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct overlay *o;
		uint64_t v = 0;

		fixture_replace(f, before, cases[i].text);
		before = cases[i].text;
		fixture_sign(f, 8, NULL);
		o = fixture_accepted(f, NULL);
		memcpy(&v, (uint8_t *)o + cases[i].offset,
		       (size_t)cases[i].size);
		assert_int_equal(v, cases[i].value);
		overlay_free(o);
	}
}

/* 6940-11.1-R8 */
static void no_clients(void **state)
{
	struct fixture *f = *state;
	struct overlay *o;

	fixture_replace(f, "<clients-permitted>true", "<clients-permitted> 0 ");
	fixture_sign(f, 8, NULL);
	o = fixture_accepted(f, NULL);
	assert_false(o->clients_permitted);
	overlay_free(o);
}

/* 6940-11.1-R2: the configuration with our instance-name is taken, and each is
 * signed for itself. */
static void several_configurations(void **state)
{
	struct fixture *f = *state;
	struct overlay_xml_judge j = fixture_judge(NULL);
	struct why why = { "" };
	struct overlay *o;

	fixture_replace(f, "  <configuration ",
			"  <configuration instance-name=\"b.example\"/>"
			"<signature>AAAA</signature>\n  <configuration ");
	o = fixture_accepted(f, NULL);
	assert_string_equal(o->name, FIXTURE_NAME);
	overlay_free(o);
	j.name = NULL;
	assert_err(overlay_xml_load(&o, buf_slice(&f->document), &j, &why),
		   ERR_CONFIG);
	assert_non_null(strstr(why.text, "2 configurations"));
	j.name = "c.example"; /* 6940-11.2-R5 */
	assert_err(overlay_xml_load(&o, buf_slice(&f->document), &j, &why),
		   ERR_CONFIG);
	assert_non_null(strstr(why.text, "c.example"));
}

/* ---- bad ones ---- */

/* Not even read: form and grammar.  6940-11.1-R1 */
static void malformed(void **state)
{
	static const struct {
		const char *from, *to, *words;
	} cases[] = {
		{ "<?xml", "\xef\xbb\xbf<?xml", "byte order mark" },
		{ "UTF-8", "ISO-8859-1", "ISO-8859-1" },
		{ "CHORD", "\xff", "UTF-8" },
		{ "<overlay", "<!DOCTYPE overlay><overlay",
		  "line 2: a DOCTYPE" },
		{ "<overlay",
		  "<!DOCTYPE o [<!ENTITY e SYSTEM \"/etc/passwd\">]><overlay",
		  "DOCTYPE" },
		{ "</configuration>", "", "end tag" },
		{ ELSE, "<no-ice>true</no-Ice>", "end tag" },
		{ ELSE, "<no-ice>&e;</no-ice>", "not well-formed" },
		{ ELSE, "<no-ice>yes</no-ice>", "grammar" },
		{ ELSE, ELSE ELSE, "grammar" },
		{ ELSE, "<no-such-thing/>", "grammar" },
		{ ELSE, "<bootstrap-node port=\"1\"/>", "grammar" },
		{ ELSE, "<max-message-size>many</max-message-size>",
		  "grammar" },
		{ ELSE, "<root-cert>*</root-cert>", "not in base64" },
		{ "instance-name=\"" FIXTURE_NAME "\"", "", "grammar" },
		{ "sequence=\"7\"", "sequence=\"x\"", "grammar" },
		/* 6940-11.1-R14 6940-7.3-R1: each that a kind must have. */
		{ "<max-count>1</max-count>", "", "grammar" },
		{ "<data-model>SINGLE</data-model>", "", "grammar" },
		{ "<max-size>64</max-size>", "", "grammar" },
		{ "<access-control>NODE-MULTIPLE</access-control>", "",
		  "grammar" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct buf saved = BUF_INIT(1 << 20);

		assert_ok(buf_append_slice(&saved, buf_slice(&f->document)));
		fixture_replace(f, cases[i].from, cases[i].to);
		fixture_refused(f, NULL, ERR_CONFIG, cases[i].words);
		buf_clear(&f->document);
		f->document = saved;
	}
}

/* Valid to the grammar, well signed, and still not acceptable. */
static void unacceptable(void **state)
{
	static const struct {
		const char *from, *to;
		enum err err;
		const char *words;
	} cases[] = {
		/* 6940-11.1-R7 */
		{ "sequence=\"7\"", "sequence=\"65535\"", ERR_CONFIG, "65534" },
		{ "sequence=\"7\"", "sequence=\"-1\"", ERR_CONFIG, "65534" },
		/* 6940-11.1-R3 */
		{ "Z\"", "+00:00\"", ERR_CONFIG, "UTC" },
		/* 6940-11.1-R4, and CHORD-RELOAD's 16. */
		{ "<node-id-length>16<", "<node-id-length>15<", ERR_CONFIG,
		  "<node-id-length>: 15 is not from 16 to 20" },
		{ "<node-id-length>16<", "<node-id-length>21<", ERR_CONFIG,
		  "21" },
		{ "<node-id-length>16<", "<node-id-length>20<", ERR_CONFIG,
		  "16 bytes" },
		/* 6940-11.1-R5 */
		{ "https://", "http://", ERR_CONFIG, "https" },
		/* 6940-11.1-R6 */
		{ ELSE,
		  "<self-signed-permitted digest=\"md5\">true"
		  "</self-signed-permitted>",
		  ERR_CONFIG, "sha256" },
		/* 6940-11.1-R10 */
		{ ELSE,
		  "<overlay-reliability-timer>199"
		  "</overlay-reliability-timer>",
		  ERR_CONFIG, "200" },
		{ ELSE, "<initial-ttl>0</initial-ttl>", ERR_CONFIG, "1" },
		{ "127.0.0.2", "localhost", ERR_CONFIG, "address" },
		{ "port=\"6084\"", "port=\"0\"", ERR_CONFIG, "port" },
		{ ELSE, "<bad-node>6ebc45d31a900c06</bad-node>", ERR_CONFIG,
		  "32 hex" },
		/* 6940-11.1-R12 */
		{ ELSE,
		  "<mandatory-extension>urn:ietf:params:xml:ns:p2p:Config-Base"
		  "</mandatory-extension>",
		  ERR_EXTENSION, "Config-Base" },
		/* 6940-11.1-R13 */
		{ "TURN-SERVICE", "WEATHER-SERVICE", ERR_UNKNOWN_KIND,
		  "WEATHER-SERVICE" },
		/* 6940-11.1-R14 6940-7.3-R1 */
		{ "<max-node-multiple>20</max-node-multiple>", "", ERR_CONFIG,
		  "max-node-multiple" },
		{ "<max-node-multiple>20<", "<max-node-multiple>0<", ERR_CONFIG,
		  "max-node-multiple 0" },
		{ "<max-size>64<", "<max-size>-1<", ERR_CONFIG, "max-size" },
		/* 6940-11.1-R15 */
		{ "<data-model>ARRAY<", "<data-model>SINGLE<", ERR_CONFIG,
		  "registered as ARRAY" },
		{ "<kind name=\"TURN-SERVICE\"", "<kind id=\"3\"", ERR_CONFIG,
		  "CERTIFICATE_BY_NODE is registered" },
		{ "4026531842", "4026531841", ERR_CONFIG, "already" },
		{ ">USER-ARRAY<", ">USER-VALUE<", ERR_CONFIG, "already" },
		{ ">USER-ARRAY<", ">TURN-SERVICE<", ERR_CONFIG, "label" },
		/* 6940-14-R1: what is for experiments. */
		{ "CHORD-RELOAD", "EXP-OVERLAY", ERR_CONFIG, "EXP-OVERLAY" },
		{ "<access-control>NODE-MATCH<", "<access-control>EXP-MATCH<",
		  ERR_CONFIG, "EXP-MATCH" },
		{ "<data-model>SINGLE<", "<data-model>EXP-DATA<", ERR_CONFIG,
		  "EXP-DATA" },
		{ "<overlay-link-protocol>TLS<",
		  "<overlay-link-protocol>EXP-LINK<", ERR_CONFIG, "EXP-LINK" },
		{ "<overlay-link-protocol>TLS<",
		  "<overlay-link-protocol>PIGEON<", ERR_CONFIG,
		  "none of the listed" },
		/* 6940-6.3.2-R3 */
		{ "instance-name=\"overlay.example.org\"",
		  "instance-name=\"overlay_example/org\"", ERR_CONFIG, "DNS" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct overlay *o = NULL;
		struct why why = { "" };
		struct buf saved = BUF_INIT(1 << 20);
		enum err r;

		assert_ok(buf_append_slice(&saved, buf_slice(&f->document)));
		fixture_replace(f, cases[i].from, cases[i].to);
		/* Values are judged before signatures, which are broken. */
		r = overlay_xml_parse(&o, buf_slice(&f->document), NULL, &why);
		if (r != cases[i].err ||
		    strstr(why.text, cases[i].words) == NULL)
			print_message("%s: %s: %s\n", cases[i].to, err_name(r),
				      why.text);
		assert_err(r, cases[i].err);
		assert_non_null(strstr(why.text, cases[i].words));
		assert_non_null(strstr(why.text, "line "));
		buf_clear(&f->document);
		f->document = saved;
	}
}

static void too_large(void **state)
{
	struct fixture *f = *state;
	struct buf big = BUF_INIT(2 * OVERLAY_DOCUMENT_MAX);
	uint8_t *to;

	assert_ok(buf_append_slice(&big, buf_slice(&f->document)));
	assert_ok(buf_extend(&big, OVERLAY_DOCUMENT_MAX, &to));
	memset(to, ' ', OVERLAY_DOCUMENT_MAX);
	buf_clear(&f->document);
	f->document = big;
	fixture_refused(f, NULL, ERR_CONFIG, "larger than");
}

/* `n` times the same in the place of one element. */
static void put_many(struct fixture *f, const char *before, const char *text,
		     int n, const char *after)
{
	struct buf all = BUF_INIT(OVERLAY_DOCUMENT_MAX);

	assert_ok(buf_printf(&all, "%s", before));
	for (int i = 0; i < n; i++)
		assert_ok(buf_printf(&all, "%s", text));
	assert_ok(buf_printf(&all, "%s", after));
	assert_ok(buf_append_u8(&all, '\0'));
	fixture_replace(f, ELSE, (const char *)all.p);
	buf_clear(&all);
}

/* Elements without end: neither the stack nor the memory nor the time is
 * theirs. */
static void too_deep(void **state)
{
	put_many(*state, "", "<x:a xmlns:x=\"urn:x\">", 5000, "");
	fixture_refused(*state, NULL, ERR_CONFIG, "nested too deeply");
}

static void too_many(void **state)
{
	put_many(*state, "", "<x:a xmlns:x=\"urn:x\"/>", 20000, "");
	fixture_refused(*state, NULL, ERR_LIMIT, "more than");
}

/* Cut at every length: never accepted, never a crash. */
static void truncated(void **state)
{
	struct fixture *f = *state;
	size_t whole = f->document.len;

	for (size_t n = 0; n + 12 < whole; n += n < 700 ? 1 : 97) {
		struct overlay *o;
		struct slice part = slice_of(f->document.p, n);

		assert_int_not_equal(
			overlay_xml_parse(&o, part, FIXTURE_NAME, NULL), OK);
	}
}

/* ---- RFC 7904 s3.4 ---- */

#define SIP(text) "<max-size>4096</max-size>" text

/* 7904-3.4-R1, 7904-3.4-R4, 7904-3.4-R5 */
static void domains(void **state)
{
	static const struct {
		const char *text;
		bool overlay, other, sub, evil;
	} cases[] = {
		{ SIP(""), true, true, true, true },
		{ SIP("<s:domain-restriction xmlns:s=\"urn:ietf:params:xml:ns:"
		      "p2p:config-base:sip\"/>"),
		  true, false, false, false },
		{ SIP("<s:domain-restriction enable=\"0\" xmlns:s=\"urn:ietf:"
		      "params:xml:ns:p2p:config-base:sip\"/>"),
		  true, false, false, false },
		{ SIP("<s:domain-restriction enable=\"true\" xmlns:s=\"urn:"
		      "ietf:params:xml:ns:p2p:config-base:sip\">"
		      "<s:pattern>dht\\.example\\.com</s:pattern>"
		      "<s:pattern>.*\\.my\\.example</s:pattern>"
		      "</s:domain-restriction>"),
		  false, true, true, false },
	};
	struct fixture *f = *state;
	const char *before = SIP("");

	for (size_t i = 0; i < N_OF(cases); i++) {
		struct overlay *o;

		fixture_replace(f, before, cases[i].text);
		before = cases[i].text;
		fixture_sign(f, 8, NULL);
		o = fixture_accepted(f, NULL);
#define ADMITS(aor) overlay_admits_aor(o, slice_str(aor))
		assert_int_equal(ADMITS("a@" FIXTURE_NAME), cases[i].overlay);
		assert_int_equal(ADMITS("a@dht.example.com"), cases[i].other);
		assert_int_equal(ADMITS("a@x.my.example"), cases[i].sub);
		assert_int_equal(ADMITS("a@dht.example.com.evil.test"),
				 cases[i].evil);
		overlay_free(o);
	}
}

/* 6940-6.3.2.1-R2: compared modulo 65535, as TCP's numbers. */
static void sequences(void **state)
{
	(void)state;
	assert_true(overlay_newer(8, 7));
	assert_false(overlay_newer(7, 7));
	assert_false(overlay_newer(7, 8));
	assert_true(overlay_newer(0, 65534));
	assert_true(overlay_newer(5, 65000));
	assert_false(overlay_newer(65000, 5));
}

/* A kind-block stands alone with every prefix that it uses. */
static void blocks_stand_alone(void **state)
{
	struct fixture *f = *state;
	struct overlay *o;

	fixture_replace(f, "<overlay ",
			"<overlay xmlns:q=\"urn:&lt;q&quot;\" ");
	fixture_replace(f, SIP(""), SIP("<q:x q:y='1'/>"));
	fixture_sign(f, 8, NULL);
	o = fixture_accepted(f, NULL);
	assert_non_null(memmem(o->kind_blocks[0].xml.p,
			       o->kind_blocks[0].xml.len,
			       " xmlns:q=\"urn:&#60;q&#34;\"", 25));
	overlay_free(o);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(good),
		cmocka_unit_test(defaults),
		TEST(booleans),
		TEST(accepted),
		TEST(no_clients),
		TEST(several_configurations),
		TEST(malformed),
		TEST(unacceptable),
		TEST(too_large),
		TEST(too_deep),
		TEST(too_many),
		TEST(truncated),
		TEST(domains),
		cmocka_unit_test(sequences),
		TEST(blocks_stand_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
