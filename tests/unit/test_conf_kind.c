/* SPDX-License-Identifier: ISC */
/*
 * Kinds in a document and Kinds that come alone: labels, limits, and the
 * domains of SIP-REGISTRATION.  RFC 6940 s11.1, s6.5.4; RFC 7904 s3.4.
 */
#include <stdio.h>

#include "base/text.h"
#include "conf/compiled.h"
#include "conf_fixture.h"
#include "unit.h"

#define NS       "urn:ietf:params:xml:ns:p2p:config-base"
#define OTHER_ID UINT32_C(4026532000)

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

#define LIMITS                                                                 \
	"<data-model>SINGLE</data-model>"                                      \
	"<access-control>USER-MATCH</access-control>"                          \
	"<max-count>1</max-count><max-size>99</max-size>"
#define LABEL(text)                                                            \
	"<label xmlns='urn:p2psip-tools:config-label'>" text "</label>"
#define OTHER(id, rest)                                                        \
	"<kind-block><kind id='" id "'>" rest LIMITS "</kind></kind-block>"
#define SIP_KIND(rest)                                                         \
	"<kind name='SIP-REGISTRATION' xmlns:s='" NS ":sip'>"                  \
	"<data-model>DICTIONARY</data-model>"                                  \
	"<access-control>USER-NODE-MATCH</access-control>"                     \
	"<max-count>9</max-count><max-size>999</max-size>" rest "</kind>"
#define SIP(rest)     "<kind-block>" SIP_KIND(rest) "</kind-block>"
#define BOMB          "(((a{9999}){9999}){9999}){9999}"
#define PATTERN(text) "<s:pattern>" text "</s:pattern>"
#define PATTERNS(text)                                                         \
	"<s:domain-restriction enable='1'>" text "</s:domain-restriction>"

/* Puts a block before all others, in place of one of the same name. */
static void put_block(struct fixture *f, const char *block)
{
	fixture_replace(f, "<required-kinds>", "<required-kinds>@");
	fixture_replace(f, "@", block);
}

static void drop_sip_block(struct fixture *f)
{
	fixture_replace(f, "<kind-block>", "<!--");
	fixture_replace(f, "</kind-block>", "-->");
}

/* `block` as a ConfigUpdate would carry it, signed by `s`. */
static enum err add(struct fixture *f, const struct overlay *in_use,
		    const char *block, struct overlay **out, struct why *why)
{
	struct overlay_xml_judge j = fixture_judge(in_use);
	struct buf saved = BUF_INIT(1 << 20);
	struct overlay *carrier;
	enum err r;

	assert_ok(buf_append_slice(&saved, buf_slice(&f->document)));
	/* The whole of the old list goes: labels and names may repeat. */
	fixture_replace(f, "<required-kinds>", "<required-kinds>@<?old ");
	fixture_replace(f, "</required-kinds>", "?></required-kinds>");
	fixture_replace(f, "@", block);
	fixture_sign(f, 8, NULL);
	assert_ok(overlay_xml_parse(&carrier, buf_slice(&f->document), NULL,
				    NULL));
	*why = (struct why){ "" };
	r = overlay_xml_add_kind(out, carrier->kind_blocks[0].xml, &j, why);
	overlay_free(carrier);
	buf_clear(&f->document);
	f->document = saved;
	return r;
}

static bool admits(const struct overlay *o, const char *aor)
{
	return overlay_admits_aor(o, slice_str(aor));
}

/* 7904-3.4-R3, 7904-3.4-R4, 7904-3.4-R5: what the newest block says holds, and
 * nothing of the one before. */
static void restriction_update(void **state)
{
	struct fixture *f = *state;
	struct overlay *two, *one, *three, *own, *any;
	struct why why;

	drop_sip_block(f);
	put_block(f,
		  SIP(PATTERNS(PATTERN("a\\.example") PATTERN("b\\.example"))));
	fixture_sign(f, 7, NULL);
	two = fixture_accepted(f, NULL);
	assert_true(admits(two, "u@b.example"));
	assert_ok(
		add(f, two, SIP(PATTERNS(PATTERN("c\\.example"))), &one, &why));
	assert_int_equal(one->n_domain_patterns, 1);
	assert_true(admits(one, "u@c.example"));
	assert_false(admits(one, "u@a.example"));
	assert_false(admits(one, "u@b.example"));
	assert_ok(add(f, two,
		      SIP(PATTERNS(PATTERN("c\\.example") PATTERN("d\\.example")
					   PATTERN("e\\.example"))),
		      &three, &why));
	assert_true(admits(three, "u@c.example"));
	assert_true(admits(three, "u@e.example"));
	assert_false(admits(three, "u@b.example"));
	assert_ok(add(f, two, SIP("<s:domain-restrictions/>"), &own, &why));
	assert_true(admits(own, "u@" FIXTURE_NAME));
	assert_false(admits(own, "u@a.example"));
	assert_ok(add(f, two, SIP(""), &any, &why));
	assert_true(admits(any, "u@anywhere.example"));
	assert_int_equal(any->n_kind_blocks, two->n_kind_blocks);
	overlay_free(two);
	overlay_free(one);
	overlay_free(three);
	overlay_free(own);
	overlay_free(any);
}

/* A learned SIP-REGISTRATION brings its domains into the next document. */
static void restriction_is_kept(void **state)
{
	struct fixture *f = *state;
	struct overlay *first, *learned, *next;
	struct why why;

	drop_sip_block(f);
	fixture_sign(f, 7, NULL);
	first = fixture_accepted(f, NULL);
	assert_true(admits(first, "u@b.example"));
	assert_ok(add(f, first, SIP(PATTERNS(PATTERN("a\\.example"))), &learned,
		      &why));
	fixture_sign(f, 8, NULL);
	next = fixture_accepted(f, learned);
	overlay_free(learned);
	assert_true(admits(next, "u@a.example"));
	assert_false(admits(next, "u@b.example"));
	overlay_free(next);
	overlay_free(first);
}

/* Named by line, and not so much as compiled before the signature holds: this
 * one would take all the memory there is. */
static void hostile_pattern(void **state)
{
	static const char block[] = "<kind-block xmlns='" NS "'>" SIP_KIND(
		PATTERNS(PATTERN(BOMB))) "<kind-signature>AAAA</"
					 "kind-signature></kind-block>";
	struct fixture *f = *state;
	struct overlay *in_use = fixture_accepted(f, NULL), *out;
	struct overlay_xml_judge j = fixture_judge(in_use);
	struct why why = { "" };

	assert_err(overlay_xml_add_kind(&out, slice_str(block), &j, &why),
		   ERR_CONFIG_SIGNATURE);
	fixture_replace(f, "<max-size>4096</max-size>",
			"<max-size>4096</max-size><s:domain-restriction "
			"enable='true' xmlns:s='" NS ":sip'><s:pattern>" BOMB
			"</s:pattern></s:domain-restriction>");
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "changed since");
	fixture_replace(f, BOMB, "a)(*");
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "changed since");
	fixture_replace(f, "a)(*", "a(");
	fixture_sign(f, 8, NULL);
	fixture_refused(f, NULL, ERR_CONFIG,
			"<pattern>: a( is no POSIX extended regular");
	fixture_refused(f, NULL, ERR_CONFIG, "line ");
	/* For a document that is still to be signed, too. */
	assert_err(overlay_xml_parse(&out, buf_slice(&f->document), NULL, &why),
		   ERR_CONFIG);
	overlay_free(in_use);
}

/* CHOICE 27: a private Kind's label, which is one Kind's. */
static void labels(void **state)
{
	static const char *const bad[] = {
		"",
		"1st",
		"a b",
		"a/b",
		"\xc3\xa4",
		"TURN-SERVICE",
		("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaa"),
	};
	struct fixture *f = *state;
	struct overlay *o, *more, *next, *out;
	struct why why;
	char from[100] = ">USER-VALUE<", to[100];

	for (size_t i = 0; i < N_OF(bad); i++) {
		(void)snprintf(to, sizeof(to), "> %s <", bad[i]);
		fixture_replace(f, from, to);
		memcpy(from, to, sizeof(to));
		fixture_refused(f, NULL, ERR_CONFIG, "<label>: ");
		fixture_refused(f, NULL, ERR_CONFIG, "line ");
	}
	fixture_replace(f, from, "> User.Value_1- <");
	fixture_sign(f, 7, NULL);
	o = fixture_accepted(f, NULL);
	assert_int_equal(kinds_find_name(&o->kinds, "User.Value_1-")->id,
			 0xf0000001);
	assert_ok(add(f, o, OTHER("4026532000", LABEL("MINE")), &more, &why));
	assert_int_equal(kinds_find_name(&more->kinds, "MINE")->id, OTHER_ID);
	/* Another Kind's label is taken from nobody. */
	assert_err(
		add(f, o, OTHER("4026532000", LABEL("USER-ARRAY")), &out, &why),
		ERR_FORBIDDEN);
	assert_string_equal(why.text, "Kind 4026531842 has the label "
				      "USER-ARRAY");
	/* Its own may change. */
	assert_ok(add(f, more, OTHER("4026532000", LABEL("OURS")), &out, &why));
	assert_null(kinds_find_name(&out->kinds, "MINE"));
	overlay_free(out);
	/* The next document gives it to another: that one has it. */
	fixture_replace(f, ">USER-ARRAY<", ">MINE<");
	fixture_sign(f, 8, NULL);
	next = fixture_accepted(f, more);
	assert_int_equal(kinds_find_name(&next->kinds, "MINE")->id, 0xf0000002);
	assert_non_null(kinds_find(&next->kinds, OTHER_ID));
	overlay_free(next);
	overlay_free(more);
	overlay_free(o);
}

/* 6940-11.1-R20: a signer that is listed as bad may not sign any more. */
static void bad_kind_signer(void **state)
{
	struct fixture *f = *state;
	struct overlay *o = fixture_accepted(f, NULL), *learned, *next;
	struct node_id id;
	struct signer *s = fixture_signer(f, &id);
	char text[128], hex[ID_TEXT_MAX];
	struct why why;

	assert_ok(add(f, o, OTHER("4026532000", ""), &learned, &why));
	for (size_t i = 0; i < learned->n_kind_blocks; i++)
		if (learned->kind_blocks[i].learned)
			learned->kind_blocks[i].signer = id;
	id_format(&id, NODE_ID_MIN, hex);
	(void)snprintf(text, sizeof(text), "<kind-signer>%s</kind-signer>",
		       hex);
	fixture_insert(f, text);
	fixture_sign(f, 8, NULL);
	next = fixture_accepted(f, learned);
	assert_non_null(kinds_find(&next->kinds, OTHER_ID));
	overlay_free(next);
	(void)snprintf(text, sizeof(text), "<bad-node>%s</bad-node>", hex);
	fixture_insert(f, text);
	fixture_sign(f, 8, NULL);
	next = fixture_accepted(f, learned);
	assert_null(kinds_find(&next->kinds, OTHER_ID));
	overlay_free(next);
	overlay_free(learned);
	overlay_free(o);
	signer_close(s, f->crypto);
}

/* 6940-11.1-R14, 6940-11.1-R15 */
static void limits(void **state)
{
	static const struct {
		const char *block, *words;
	} bad[] = {
		{ OTHER("0", ""), "<kind>: id 0 is not a Kind-ID" },
		{ OTHER("4294967295", ""),
		  "<kind>: id 4294967295 is not a Kind-ID" },
		{ OTHER("4294967296", ""), "" },
		{ OTHER("2", ""),
		  "TURN-SERVICE is registered as SINGLE, NODE-MULTIPLE" },
		{ "<kind-block><kind id='9'>"
		  "<data-model>SINGLE</data-model>"
		  "<access-control>NODE-MULTIPLE</access-control>"
		  "<max-node-multiple>256</max-node-multiple>"
		  "<max-count>1</max-count><max-size>1</max-size>"
		  "</kind></kind-block>",
		  "<kind>: max-node-multiple 256 is not from 1 to 255" },
		{ "<kind-block><kind id='9'>"
		  "<data-model>SINGLE</data-model>"
		  "<access-control>USER-MATCH</access-control>"
		  "<max-count>0</max-count><max-size>1</max-size>"
		  "</kind></kind-block>",
		  "<kind>: max-count 0 is not from 1" },
		{ "<kind-block><kind id='9' name='TURN-SERVICE'>" LIMITS
		  "</kind></kind-block>",
		  "" },
		{ "<kind-block><kind>" LIMITS "</kind></kind-block>", "" },
		{ "<kind-block><kind name=''>" LIMITS "</kind></kind-block>",
		  "is required and not in this build" },
	};
	struct fixture *f = *state;
	struct buf saved = BUF_INIT(1 << 20);

	assert_ok(buf_append_slice(&saved, buf_slice(&f->document)));
	for (size_t i = 0; i < N_OF(bad); i++) {
		buf_reset(&f->document);
		assert_ok(buf_append_slice(&f->document, buf_slice(&saved)));
		put_block(f, bad[i].block);
		fixture_refused(f, NULL,
				strstr(bad[i].words, "required") != NULL
					? ERR_UNKNOWN_KIND
					: ERR_CONFIG,
				bad[i].words);
		fixture_refused(f, NULL,
				strstr(bad[i].words, "required") != NULL
					? ERR_UNKNOWN_KIND
					: ERR_CONFIG,
				"line ");
	}
	buf_clear(&saved);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(restriction_update), TEST(restriction_is_kept),
		TEST(hostile_pattern),    TEST(labels),
		TEST(bad_kind_signer),    TEST(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
