/* SPDX-License-Identifier: ISC */
/*
 * Configuration documents as bytes: encodings, what XML offers an attacker, the
 * ends of what may be said, and how each refusal says where.  RFC 6940 s11.1,
 * s11.2.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/address.h"
#include "conf/file.h"
#include "conf_fixture.h"
#include "unit.h"

#define NS "urn:ietf:params:xml:ns:p2p:config-base"

static struct fixture f;
static struct buf original = BUF_INIT(OVERLAY_DOCUMENT_MAX); /* f.document */

static void reset(void)
{
	buf_clear(&f.document);
	f.document = (struct buf)BUF_INIT(4 << 20);
	assert_ok(buf_append_slice(&f.document, buf_slice(&original)));
}

static int setup(void **state)
{
	(void)state;
	fixture_init(&f);
	assert_ok(buf_append_slice(&original, buf_slice(&f.document)));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fixture_clear(&f);
	buf_clear(&original);
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	reset();
	return 0;
}

static void set(const void *p, size_t n)
{
	buf_reset(&f.document);
	assert_ok(buf_append(&f.document, p, n));
}

#define SET(literal) set(literal, sizeof(literal) - 1)

/* A change of the document and the refusal that it meets. */
struct bad {
	const char *from, *to;
	const char *words;
};

/* Each refused as ERR_CONFIG, with the line. */
static void refuse_each(const struct bad *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		reset();
		fixture_replace(&f, v[i].from, v[i].to);
		fixture_refused(&f, NULL, ERR_CONFIG, v[i].words);
		fixture_refused(&f, NULL, ERR_CONFIG, "line ");
	}
}

/* The document with `from` replaced, signed again. */
static struct overlay *with(const char *from, const char *to)
{
	reset();
	fixture_replace(&f, from, to);
	fixture_sign(&f, 8, NULL);
	return fixture_accepted(&f, NULL);
}

static struct overlay *with_element(const char *text)
{
	reset();
	fixture_insert(&f, text);
	fixture_sign(&f, 8, NULL);
	return fixture_accepted(&f, NULL);
}

/* 6940-11.1-R1: well-formed, in UTF-8, valid to the grammar. */
static void encodings(void **state)
{
	static const struct bad bad[] = {
		{ "encoding=\"UTF-8\"", "encoding=\"ISO-8859-1\"",
		  "declares the encoding ISO-8859-1: say UTF-8" },
		{ "encoding=\"UTF-8\"", "encoding=\"US-ASCII\"", "say UTF-8" },
		{ "<?xml version", "\xef\xbb\xbf<?xml version",
		  "begins with a byte order mark: remove it" },
		{ "CHORD-RELOAD", "CHORD-\xffRELOAD", "not in UTF-8" },
		/* overlong, a surrogate, past the last code point */
		{ "CHORD-RELOAD", "\xc0\xafRELOAD", "not in UTF-8" },
		{ "CHORD-RELOAD", "\xed\xa0\x80", "not in UTF-8" },
		{ "CHORD-RELOAD", "\xf4\x90\x80\x80", "not in UTF-8" },
	};
	struct overlay *o;

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		reset();
		fixture_replace(&f, bad[i].from, bad[i].to);
		fixture_refused(&f, NULL, ERR_CONFIG, bad[i].words);
	}
	SET("\xff\xfe<\0o\0v\0e\0r\0l\0a\0y\0/\0>\0");
	fixture_refused(&f, NULL, ERR_CONFIG, "not in UTF-8");
	SET("\0<\0o\0v\0e\0r\0l\0a\0y\0/\0>");
	fixture_refused(&f, NULL, ERR_CONFIG, "not in UTF-8");
	SET("");
	fixture_refused(&f, NULL, ERR_CONFIG, "empty");
	/* The declaration may be absent, and its case is free. */
	overlay_free(with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", ""));
	o = with("encoding=\"UTF-8\"", "encoding='utf-8'");
	assert_int_equal(o->sequence, 8);
	overlay_free(o);
	/* Letters beyond ASCII are in order where text is free. */
	overlay_free(
		with("<no-ice>", "<!-- \xc3\xa4 \xe2\x82\xac --><no-ice>"));
}

/* 6940-11.1-R1 */
static void not_xml(void **state)
{
	static const struct bad bad[] = {
		{ "</no-ice>", "</no-icy>",
		  "an end tag of another name than its start tag" },
		{ "</no-ice>", "", "an end tag of another name" },
		{ "<no-ice>", "</overlay><no-ice>", "end tag" },
		{ "<no-ice>", "<no-ice", "line " },
		{ "<no-ice>", "<no-ice a='1' a='2'>", "not well-formed" },
		{ "<no-ice>", "&eacute;<no-ice>", "not well-formed" },
		{ "<no-ice>", "<a:b/><no-ice>", "line " },
		{ "<no-ice>", "<!-- ", "comment does not end" },
		{ "<no-ice>", "<![CDATA[ ", "CDATA section does not end" },
		{ "<no-ice>", "<?x ", "instruction does not end" },
		{ "</overlay>", "", "ends inside an element" },
		{ "</overlay>", "</overlay", "end tag that does not end" },
		{ "</overlay>", "</overlay><overlay/>", "not well-formed" },
		{ "</overlay>", "</overlay>text", "not well-formed" },
	};

	(void)state;
	refuse_each(bad, N_OF(bad));
	SET("PK\x03\x04 nothing of the kind");
	fixture_refused(&f, NULL, ERR_CONFIG, "line 1: there is no element");
}

/* 6940-11.1-R1 */
static void not_of_the_grammar(void **state)
{
	static const struct bad bad[] = {
		{ " xmlns=\"" NS "\"", "", "" },
		{ " xmlns=\"" NS "\"", " xmlns=\"" NS "2\"", "" },
		{ "instance-name=\"" FIXTURE_NAME "\"", "", "" },
		{ "instance-name=", "x=\"1\" instance-name=", "" },
		{ "<no-ice>true", "<no-ice>TRUE", "no-ice" },
		{ "<no-ice>true", "<no-ice>yes", "no-ice" },
		{ "<no-ice>true", "<no-ice>", "no-ice" },
		{ "<no-ice>", "<no-ice>true</no-ice><no-ice>", "no-ice" },
		{ "<no-ice>", "<no-such-thing/><no-ice>", "no-such-thing" },
		{ "<no-ice>",
		  "<chord:speed xmlns:chord='urn:ietf:params:xml:"
		  "ns:p2p:config-chord'/><no-ice>",
		  "speed" },
		{ "<no-ice>", "words<no-ice>", "" },
		{ "60000", "6e4", "max-message-size" },
		{ "60000", "-1", "max-message-size" },
		{ "sequence=\"7\"", "sequence=\"seven\"", "sequence" },
		{ "<chord:chord-reactive>true", "<chord:chord-reactive>often",
		  "chord-reactive" },
		{ "<bootstrap-node address=\"127.0.0.2\"", "<bootstrap-node",
		  "bootstrap-node" },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		reset();
		fixture_replace(&f, bad[i].from, bad[i].to);
		fixture_refused(&f, NULL, ERR_CONFIG, bad[i].words);
		fixture_refused(&f, NULL, ERR_CONFIG,
				"not valid to the grammar of RFC 6940: line ");
	}
}

/* What XML offers an attacker is no part of a configuration document. */
static void hostile_xml(void **state)
{
	static const struct bad bad[] = {
		{ "<overlay", "<!DOCTYPE overlay><overlay",
		  "line 2: a DOCTYPE or other declaration; remove it" },
		/* a billion laughs */
		{ "<overlay",
		  "<!DOCTYPE overlay [<!ENTITY a \"ha\"><!ENTITY b "
		  "\"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "
		  "\"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><overlay",
		  "DOCTYPE" },
		{ "<overlay",
		  "<!DOCTYPE overlay SYSTEM \"file:///etc/passwd\"><overlay",
		  "DOCTYPE" },
		{ "<overlay",
		  "<!DOCTYPE overlay [<!ENTITY % p SYSTEM "
		  "\"http://127.0.0.1:9/\"> %p;]><overlay",
		  "DOCTYPE" },
		{ "<no-ice>", "<!ENTITY x \"y\"><no-ice>", "declaration" },
	};
	struct buf deep = BUF_INIT(1 << 20);
	struct overlay *o;

	(void)state;
	refuse_each(bad, N_OF(bad));
	/* XInclude is an element like any other of a foreign namespace. */
	o = with_element(
		"<xi:include xmlns:xi='http://www.w3.org/2001/XInclude'"
		" href='file:///etc/passwd' parse='text'/>");
	assert_int_equal(o->n_bad_nodes, 0);
	assert_true(o->no_ice);
	overlay_free(o);
	for (int i = 0; i < 1000; i++)
		assert_ok(buf_printf(&deep, "<d xmlns='urn:d'>"));
	for (int i = 0; i < 1000; i++)
		assert_ok(buf_printf(&deep, "</d>"));
	assert_ok(buf_append_u8(&deep, '\0'));
	reset();
	fixture_insert(&f, (const char *)deep.p);
	fixture_refused(&f, NULL, ERR_CONFIG, "elements are nested too deeply");
	buf_clear(&deep);
}

static void sizes(void **state)
{
	struct buf many = BUF_INIT(4 << 20);

	(void)state;
	for (int i = 0; i < OVERLAY_DOCUMENT_MAX / 4; i++)
		assert_ok(buf_printf(&many, "<a/>"));
	set(many.p, many.len - 4);
	fixture_refused(&f, NULL, ERR_LIMIT,
			"more than 16384 elements in the document");
	buf_reset(&many);
	while (many.len <= OVERLAY_DOCUMENT_MAX)
		assert_ok(buf_append_u8(&many, ' '));
	set(many.p, OVERLAY_DOCUMENT_MAX - 1);
	fixture_refused(&f, NULL, ERR_CONFIG, "no element");
	set(many.p, many.len);
	fixture_refused(&f, NULL, ERR_CONFIG, "larger than 1048576 bytes");
	buf_reset(&many);
	assert_ok(buf_printf(&many, "<a"));
	for (int i = 0; i < 65; i++)
		assert_ok(buf_printf(&many, " a%d='\"'", i));
	assert_ok(buf_printf(&many, "/>"));
	set(many.p, many.len);
	fixture_refused(&f, NULL, ERR_CONFIG,
			"line 1: a start tag with too many attributes");
	buf_clear(&many);
}

/* 6940-11.1-R4, 6940-11.1-R7, 6940-11.1-R10: numbers at and past their ends. */
static void numbers(void **state)
{
	static const struct bad bad[] = {
		{ "sequence=\"7\"", "sequence=\"65535\"",
		  "<configuration>: sequence 65535 is not from 0 to 65534" },
		{ "sequence=\"7\"", "sequence=\"-1\"",
		  "sequence -1 is not from 0 to 65534" },
		{ "node-id-length>16", "node-id-length>15",
		  "<node-id-length>: 15 is not from 16 to 20" },
		{ "node-id-length>16", "node-id-length>21",
		  "<node-id-length>: 21 is not from 16 to 20" },
		/* 20 is a length, but not of CHORD-RELOAD's ring */
		{ "node-id-length>16", "node-id-length>20",
		  "<node-id-length>: CHORD-RELOAD has Node-IDs of 16 bytes" },
		{ "<no-ice>",
		  "<overlay-reliability-timer>199</overlay-reliability-timer>"
		  "<no-ice>",
		  "<overlay-reliability-timer>: 199 is not from 200" },
		{ "<no-ice>", "<initial-ttl>0</initial-ttl><no-ice>",
		  "<initial-ttl>: 0 is not from 1 to 255" },
		{ "<no-ice>", "<initial-ttl>256</initial-ttl><no-ice>",
		  "<initial-ttl>: 256 is not" },
		{ "60000", "999", "<max-message-size>: 999 is not from 1000" },
		{ "update-interval>600", "update-interval>0",
		  "<chord-update-interval>: 0 is not from 1" },
		{ "ping-interval>3600", "ping-interval>-5",
		  "<chord-ping-interval>: -5 is not from 1" },
		{ "<no-ice>", "<turn-density>256</turn-density><no-ice>",
		  "turn-density" },
	};
	struct overlay *o;

	(void)state;
	refuse_each(bad, N_OF(bad));
	reset();
	fixture_replace(&f, "update-interval>600", "update-interval>1");
	fixture_replace(&f, "ping-interval>3600", "ping-interval> +0042 ");
	fixture_replace(&f, "60000", "1000");
	fixture_insert(&f, "<turn-density>0</turn-density>"
			   "<initial-ttl>255</initial-ttl>"
			   "<overlay-reliability-timer>200"
			   "</overlay-reliability-timer>");
	fixture_sign(&f, 65534, NULL);
	o = fixture_accepted(&f, NULL);
	assert_int_equal(o->sequence, 65534);
	assert_int_equal(o->chord_update_interval_s, 1);
	assert_int_equal(o->chord_ping_interval_s, 42);
	assert_int_equal(o->max_message_size, 1000);
	assert_int_equal(o->turn_density, 0);
	assert_int_equal(o->initial_ttl, 255);
	assert_int_equal(o->reliability_timer_ms, 200);
	overlay_free(o);
	o = with("chord-reactive>true", "chord-reactive>false");
	assert_false(o->chord_reactive);
	overlay_free(o);
}

/* 6940-11.1-R3: RFC 3339, in UTC. */
static void expiration(void **state)
{
	static const char *const bad[] = {
		"2024-11-14T00:00:00+00:00", "2024-11-14T00:00:00-05:00",
		"2024-11-14T00:00:00",       "2024-02-30T00:00:00Z",
		"2024-11-14T24:00:00Z",      "12024-11-14T00:00:00Z",
	};
	struct overlay *o;
	char text[64];

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		reset();
		(void)snprintf(text, sizeof(text), "expiration=\"%s\" sequence",
			       bad[i]);
		fixture_replace(&f, " expiration=\"", " x:y=\"");
		fixture_replace(&f, " x:y=", " xmlns:x='urn:x' x:y=");
		fixture_replace(&f, "sequence", text);
		fixture_refused(&f, NULL, ERR_CONFIG, "line ");
		fixture_refused(&f, NULL, ERR_CONFIG, "expiration");
	}
	o = with("<no-ice>", "<no-ice>");
	assert_true(o->expiration_ms == FIXTURE_NOW + 365 * FIXTURE_DAY);
	overlay_free(o);
	/* The moment itself is too late. */
	fixture_replace(&f, "expiration=\"2024-11-13T22:13:20Z",
			"expiration=\"2023-11-14T22:13:20Z");
	fixture_refused(&f, NULL, ERR_CONFIG_EXPIRED,
			"at 2023-11-14T22:13:20Z");
	fixture_replace(&f, "2023-11-14T22:13:20Z", "2023-11-14T22:13:20.5Z");
	fixture_refused(&f, NULL, ERR_CONFIG_SIGNATURE, "");
}

static void assert_address(const struct ip_address_port *a, const char *text)
{
	char out[ADDRESS_TEXT_MAX];

	assert_string_equal(address_format(a, out), text);
}

/* 6940-11.1-R7 */
static void bootstrap_nodes(void **state)
{
	static const struct bad bad[] = {
		{ "127.0.0.2", "localhost",
		  "<bootstrap-node>: localhost is not an IPv4 or IPv6" },
		{ "127.0.0.2", "127.0.0.2:6084", "is not an IPv4 or IPv6" },
		{ "127.0.0.2", "[::1]", "is not an IPv4 or IPv6" },
		{ "127.0.0.2", "", "is not an IPv4 or IPv6" },
		{ "127.0.0.2", "127.1", "is not an IPv4 or IPv6" },
		{ "port=\"6084\"", "port=\"0\"", "port 0 is not from 1" },
		{ "port=\"6084\"", "port=\"65536\"", "port 65536 is not" },
		{ "port=\"6084\"", "port=\"-1\"", "port -1 is not" },
	};
	struct overlay *o;

	(void)state;
	refuse_each(bad, N_OF(bad));
	o = with_element("<bootstrap-node address=' 192.0.2.1 '/>"
			 "<bootstrap-node address='2001:db8::7'/>"
			 "<bootstrap-node address='::ffff:192.0.2.2' "
			 "port=' +65535 '/>");
	assert_int_equal(o->n_bootstrap, 5);
	assert_address(&o->bootstrap[0], "127.0.0.2:6084");
	assert_address(&o->bootstrap[1], "[::1]:7000");
	assert_address(&o->bootstrap[2], "192.0.2.1:6084");
	assert_address(&o->bootstrap[3], "[2001:db8::7]:6084");
	assert_address(&o->bootstrap[4], "[::ffff:192.0.2.2]:65535");
	overlay_free(o);
}

/* 6940-11.1-R7: no default once one is listed.  6940-14-R1. */
static void link_protocols(void **state)
{
	static const struct {
		const char *a, *b;
		uint8_t bits;
	} good[] = {
		{ "TLS", NULL, LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS },
		{ "DTLS-UDP-SR", NULL, LINK_PROTOCOL_DTLS },
		{ "DTLS-UDP-SR-NO-ICE", NULL, LINK_PROTOCOL_DTLS },
		{ "TLS-TCP-FH-NO-ICE", NULL, LINK_PROTOCOL_TLS },
		{ " TLS-TCP-FH-NO-ICE ", "DTLS-UDP-SR",
		  LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS },
		{ "TLS-TCP-FH-NO-ICE", "CARRIER-PIGEON", LINK_PROTOCOL_TLS },
	};
	static const struct bad bad[] = {
		{ ">TLS<", ">tls<",
		  "<overlay-link-protocol>: this build has none" },
		{ ">TLS<", ">CARRIER-PIGEON<", "this build has none" },
		{ ">TLS<", ">EXP-LINK<", "EXP-LINK is for experiments only" },
		{ "<overlay-link",
		  "<overlay-link-protocol>EXP-LINK"
		  "</overlay-link-protocol><overlay-link",
		  "EXP-LINK" },
	};
	char text[160];

	(void)state;
	refuse_each(bad, N_OF(bad));
	for (size_t i = 0; i < N_OF(good); i++) {
		struct overlay *o;

		(void)snprintf(text, sizeof(text), ">%s<%s%s%s", good[i].a,
			       good[i].b == NULL ? ""
						 : "/overlay-link-protocol>"
						   "<overlay-link-protocol>",
			       good[i].b == NULL ? "" : good[i].b,
			       good[i].b == NULL ? "" : "<");
		o = with(">TLS<", text);
		assert_int_equal(o->link_protocols, good[i].bits);
		overlay_free(o);
	}
}

/* 6940-11.1-R12: namespaces are compared with their case. 6940-14-R1 */
static void support(void **state)
{
	static const struct bad bad[] = {
		{ ">CHORD-RELOAD<", ">EXP-OVERLAY<",
		  "<topology-plugin>: EXP-OVERLAY is not in this build" },
		{ ">CHORD-RELOAD<", ">chord-reload<", "not in this build" },
		{ ">CHORD-RELOAD<", "><", "only CHORD-RELOAD" },
		{ FIXTURE_NAME, "a/b", "<configuration>: instance-name a/b" },
	};
	static const char *const unknown[] = {
		"urn:ietf:params:xml:ns:p2p:config-BASE",
		"urn:ietf:params:xml:ns:p2p:redir",
		"",
		NS "x",
	};
	struct overlay_xml_judge j = fixture_judge(NULL);
	struct overlay *o;
	struct why why;
	char text[160];

	(void)state;
	refuse_each(bad, N_OF(bad) - 1);
	/* The overlay's name comes to be a folder's. */
	reset();
	fixture_replace(&f, FIXTURE_NAME, "../../etc");
	j.name = NULL;
	assert_err(overlay_xml_load(&o, buf_slice(&f.document), &j, &why),
		   ERR_CONFIG);
	assert_non_null(strstr(why.text, "<configuration>: instance-name "
					 "../../etc has characters"));
	for (size_t i = 0; i < N_OF(unknown); i++) {
		(void)snprintf(text, sizeof(text),
			       "<mandatory-extension>%s</mandatory-extension>",
			       unknown[i]);
		reset();
		fixture_insert(&f, text);
		fixture_refused(&f, NULL, ERR_EXTENSION,
				"<mandatory-extension>: ");
		fixture_refused(&f, NULL, ERR_EXTENSION, unknown[i]);
	}
	overlay_free(with_element(
		"<mandatory-extension>" NS "</mandatory-extension>"
		"<mandatory-extension>\n urn:ietf:params:xml:ns:p2p:"
		"config-base:sip </mandatory-extension>"));
	/* What is foreign and not mandatory is passed over. */
	overlay_free(
		with_element("<x:y xmlns:x='urn:x' x:z='1'>a<x:b/></x:y>"));
}

/* A document that is kept confidential, and a mode that needs more than a
 * certificate: not a thing to ignore. */
static void shared_secret(void **state)
{
	(void)state;
	fixture_insert(&f, "<shared-secret>xyzzy</shared-secret>");
	fixture_refused(&f, NULL, ERR_CONFIG,
			"<shared-secret>: this build has no shared-secret");
}

/* 6940-11.1-R2: several configurations, each with its signatures. */
static void two_configurations(void **state)
{
	static const char other[] =
		"<configuration instance-name='other.example'>"
		"<no-ice>0</no-ice></configuration>"
		"<signature>AAAA</signature><configuration ";
	struct overlay_xml_judge j = fixture_judge(NULL);
	struct overlay *o = NULL;
	struct why why = { "" };

	(void)state;
	fixture_replace(&f, "<configuration ", other);
	o = fixture_accepted(&f, NULL);
	assert_string_equal(o->name, FIXTURE_NAME);
	assert_true(o->no_ice);
	overlay_free(o);
	/* after ours, with ours's signature still before it */
	reset();
	fixture_replace(&f, "</overlay>",
			"<configuration instance-name='other.example'/>"
			"<signature>AAAA</signature></overlay>");
	overlay_free(fixture_accepted(&f, NULL));
	j.name = NULL;
	assert_err(overlay_xml_load(&o, buf_slice(&f.document), &j, &why),
		   ERR_CONFIG);
	assert_non_null(strstr(why.text, "2 configurations: say which"));
	/* A signature belongs to the configuration before it. */
	reset();
	fixture_replace(&f, "</configuration>",
			"</configuration><configuration "
			"instance-name='other.example'/>");
	fixture_refused(&f, NULL, ERR_CONFIG_SIGNATURE, "there is none");
}

/* 6940-11.2-R1: the name comes from the user; the document from a file.
 * 6940-11.2-R5: another instance-name, broken XML: not taken. */
static void from_a_file(void **state)
{
	struct overlay_xml_judge j = fixture_judge(NULL);
	char path[] = "/tmp/conf-XXXXXX";
	struct buf bytes = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct overlay *o = NULL;
	struct why why = { "" };
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f.document.p, f.document.len),
			 (ssize_t)f.document.len);
	close(fd);
	assert_ok(file_read(&bytes, path, &why));
	assert_ok(overlay_xml_load(&o, buf_slice(&bytes), &j, &why));
	assert_string_equal(o->name, FIXTURE_NAME);
	overlay_free(o);
	j.name = "other.example";
	assert_err(overlay_xml_load(&o, buf_slice(&bytes), &j, &why),
		   ERR_CONFIG);
	assert_string_equal(why.text,
			    "it is not about the overlay other.example");
	j.name = FIXTURE_NAME;
	bytes.len /= 2;
	assert_err(overlay_xml_load(&o, buf_slice(&bytes), &j, &why),
		   ERR_CONFIG);
	(void)unlink(path);
	bytes.len = 0;
	assert_err(file_read(&bytes, path, &why), ERR_NOINPUT);
	assert_non_null(strstr(why.text, path));
	buf_clear(&bytes);
}

/* 6940-11.1-R17: bytes, not lines: CRLF may be signed, and may not come to be
 * there or vanish on the way. */
static void line_ends(void **state)
{
	struct buf crlf = BUF_INIT(1 << 20);
	struct overlay *o;

	(void)state;
	for (size_t i = 0; i < f.document.len; i++) {
		if (f.document.p[i] == '\n')
			assert_ok(buf_append_u8(&crlf, '\r'));
		assert_ok(buf_append_u8(&crlf, f.document.p[i]));
	}
	buf_reset(&f.document);
	assert_ok(buf_append_slice(&f.document, buf_slice(&crlf)));
	fixture_refused(&f, NULL, ERR_CONFIG_SIGNATURE, "changed since");
	fixture_sign(&f, 8, NULL);
	o = fixture_accepted(&f, NULL);
	assert_slice_equal(o->document, buf_slice(&f.document));
	overlay_free(o);
	fixture_replace(&f, "\r\n  </configuration>", "\n  </configuration>");
	fixture_refused(&f, NULL, ERR_CONFIG_SIGNATURE, "changed since");
	buf_clear(&crlf);
}

/* 6940-11.1-R17: the base64 of RFC 4648, with line breaks or without. */
static void base64(void **state)
{
	static const struct {
		const char *from, *to, *words;
		enum err r;
	} bad[] = {
		{ "<signature>", "<signature>_", "base64",
		  ERR_CONFIG_SIGNATURE },
		{ "<signature>", "<signature>-", "base64",
		  ERR_CONFIG_SIGNATURE },
		{ "<signature>", "<signature>=", "base64", ERR_CONFIG },
		{ "<signature>", "<signature>AAAA", "not a SecurityBlock",
		  ERR_CONFIG_SIGNATURE },
		{ "</signature>", "A</signature>", "", ERR_CONFIG },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(bad); i++) {
		reset();
		fixture_replace(&f, bad[i].from, bad[i].to);
		fixture_refused(&f, NULL, bad[i].r, bad[i].words);
	}
	reset();
	for (size_t i = 0; i < f.document.len; i++)
		if (memcmp(f.document.p + i, "<signature>", 11) == 0) {
			struct buf b = BUF_INIT(1 << 20);

			i += 11;
			assert_ok(buf_append(&b, f.document.p, i));
			for (size_t n = 0; i < f.document.len; i++, n++) {
				if (f.document.p[i] == '<')
					break;
				if (n % 64 == 0)
					assert_ok(buf_printf(&b, "\r\n\t "));
				assert_ok(buf_append_u8(&b, f.document.p[i]));
			}
			assert_ok(buf_append(&b, f.document.p + i,
					     f.document.len - i));
			buf_clear(&f.document);
			f.document = b;
			break;
		}
	overlay_free(fixture_accepted(&f, NULL));
	/* An empty one, or one that is not the last, does no harm. */
	fixture_replace(&f, "<signature>", "<signature/><signature>");
	overlay_free(fixture_accepted(&f, NULL));
}

/* Whole blocks with one bit changed are refused, whichever it is. */
static void one_bit_of_the_signature(void **state)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
				     "pqrstuvwxyz0123456789+/";
	uint8_t *p = memmem(f.document.p, f.document.len, "<signature>", 11);
	const uint8_t *end;
	size_t accepted = 0;

	(void)state;
	assert_non_null(p);
	end = p + 11 + strcspn((const char *)p + 11, "<=");
	for (p += 11; p < end; p += 7) {
		const char *at = strchr(digits, *p);
		uint8_t was = *p;
		struct overlay *o;
		struct why why;
		enum err r;

		assert_non_null(at);
		*p = (uint8_t)digits[(at - digits) ^ 32];
		r = fixture_load(&f, NULL, &o, &why);
		if (r == OK) {
			accepted++;
			overlay_free(o);
		} else {
			/* The last digit before the padding has spare bits. */
			assert_true(r == ERR_CONFIG_SIGNATURE ||
				    r == ERR_CONFIG);
		}
		*p = was;
	}
	assert_int_equal(accepted, 0);
}

#define T(test) cmocka_unit_test_setup(test, fresh)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(encodings),
		T(not_xml),
		T(not_of_the_grammar),
		T(hostile_xml),
		T(sizes),
		T(numbers),
		T(expiration),
		T(bootstrap_nodes),
		T(link_protocols),
		T(support),
		T(shared_secret),
		T(two_configurations),
		T(from_a_file),
		T(line_ends),
		T(base64),
		T(one_bit_of_the_signature),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
