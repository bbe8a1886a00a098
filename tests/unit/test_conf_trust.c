/* SPDX-License-Identifier: ISC */
/* Whose documents and Kinds are believed.  RFC 6940 s11.1, s6.5.4. */
#include "conf_fixture.h"

#include <stdio.h>

#include "conf/compiled.h"
#include "unit.h"

#define KIND_TEXT "4026531844" /* NODE-VALUE's id in the document */
#define KIND_ID   4026531844
#define OTHER_ID  4026532000

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

/* Lists one more signer. */
static void list(struct fixture *f, const char *element,
		 const struct node_id *id)
{
	char hex[ID_TEXT_MAX], from[64], to[256];

	snprintf(from, sizeof(from), "<%s>", element);
	snprintf(to, sizeof(to), "<%s>%s</%s>\n<%s>", element,
		 id_format(id, NODE_ID_MIN, hex), element, element);
	fixture_replace(f, from, to);
}

/* ---- the document ---- */

/* 6940-11.1-R17: a binary blob, any change of which breaks it. */
static void tampered(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{ "<no-ice>true", "<no-ice> true" },
		{ "  <no-ice>", " <no-ice>" },
		{ "</topology-plugin>\n", "</topology-plugin>\r\n" },
		{ "<configuration ", "<configuration  " },
		{ "</configuration>", "</configuration >" },
		{ "60000", "60001" },
		{ "sequence=\"7\"", "sequence=\"9\"" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < N_OF(changes); i++) {
		fixture_replace(f, changes[i].from, changes[i].to);
		fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE,
				"has been changed");
		fixture_replace(f, changes[i].to, changes[i].from);
	}
	/* What is around it is not signed. */
	fixture_replace(f, "</configuration>\n",
			"</configuration>\n<!-- -->\n");
	overlay_free(fixture_accepted(f, NULL));
}

/* 6940-11.1-R17: RFC 4648's base64 and no other. */
static void base64(void **state)
{
	struct fixture *f = *state;

	fixture_replace(f, "<signature>", "<signature>\n\t");
	overlay_free(fixture_accepted(f, NULL));
	fixture_replace(f, "<signature>\n\t", "<signature>_");
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "base64");
	fixture_replace(f, "<signature>_", "<signature>AAAA");
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "SecurityBlock");
}

static void no_signature(void **state)
{
	struct fixture *f = *state;
	struct overlay *before = fixture_accepted(f, NULL);
	char line[128], id[ID_TEXT_MAX];

	fixture_replace(f, "<signature>", "<!--<signature>");
	fixture_replace(f, "</signature>", "</signature>-->");
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "there is none");
	/* 6940-4.1-D1: with nobody who could sign, the first is taken as it
	 * came; a second never is. */
	snprintf(line, sizeof(line),
		 "<configuration-signer>%s</configuration-signer>",
		 id_format(&f->signer_id, NODE_ID_MIN, id));
	fixture_replace(f, line, "");
	overlay_free(fixture_accepted(f, NULL));
	fixture_replace(f, "sequence=\"7\"", "sequence=\"8\"");
	fixture_refused(f, before, ERR_CONFIG_SIGNATURE, "there is none");
	overlay_free(before);
}

/* 6940-11.1-R18, 6940-6.5.4-R3: signed by a signer of the previous one. */
static void signers(void **state)
{
	struct fixture *f = *state;
	struct overlay *before = fixture_accepted(f, NULL), *after;
	struct node_id id;
	struct signer *other = fixture_signer(f, &id);

	fixture_sign(f, 8, other);
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "not listed");
	list(f, "configuration-signer", &id);
	list(f, "kind-signer", &id);
	fixture_sign(f, 8, other); /* listed by itself alone */
	overlay_free(fixture_accepted(f, NULL));
	fixture_refused(f, before, ERR_CONFIG_SIGNATURE, "not listed");
	fixture_sign(f, 8, NULL); /* the old one lets the new one in */
	after = fixture_accepted(f, before);
	fixture_sign(f, 9, other);
	overlay_free(fixture_accepted(f, after));
	fixture_refused(f, before, ERR_CONFIG_SIGNATURE, "not listed");
	overlay_free(before);
	overlay_free(after);
	signer_close(other, f->crypto);
}

/* A new document does not bring the roots that it is believed by: here another
 * CA gives somebody the signer's Node-ID. */
static void own_roots(void **state)
{
	struct fixture *f = *state, rogue;
	struct overlay *before = fixture_accepted(f, NULL);

	fixture_init_as(&rogue, &f->signer_id);
	fixture_sign(&rogue, 8, NULL);
	overlay_free(fixture_accepted(&rogue, NULL));
	fixture_refused(&rogue, before, ERR_CONFIG_SIGNATURE, "certificate");
	overlay_free(before);
	fixture_clear(&rogue);
}

static void sequence(void **state)
{
	struct fixture *f = *state;
	struct overlay *seven = fixture_accepted(f, NULL), *last, *zero;

	fixture_refused(f, seven, ERR_CONFIG_OLD, "in use is 7");
	fixture_sign(f, 6, NULL);
	fixture_refused(f, seven, ERR_CONFIG_OLD, "sequence 6");
	fixture_sign(f, 65534, NULL); /* 6940-6.3.2.1-R2 */
	fixture_refused(f, seven, ERR_CONFIG_OLD, "65534");
	last = fixture_accepted(f, NULL);
	fixture_sign(f, 0, NULL);
	zero = fixture_accepted(f, last);
	fixture_sign(f, 8, NULL);
	overlay_free(fixture_accepted(f, zero));
	overlay_free(zero);
	overlay_free(last);
	overlay_free(seven);
}

/* 6940-11.1-R3 */
static void expired(void **state)
{
	struct fixture *f = *state;
	struct overlay_xml_judge j = fixture_judge(NULL);
	struct why why = { "" };
	struct overlay *o;

	j.now_ms = FIXTURE_NOW + 365 * FIXTURE_DAY - 1;
	assert_ok(overlay_xml_load(&o, buf_slice(&f->document), &j, &why));
	overlay_free(o);
	j.now_ms++;
	assert_err(overlay_xml_load(&o, buf_slice(&f->document), &j, &why),
		   ERR_CONFIG_EXPIRED);
	assert_non_null(strstr(why.text, "2024-11-13T22:13:20Z"));
	/* The signer's certificate ends before the document. */
	fixture_replace(f, "2024-11-13", "2034-11-13");
	fixture_sign_as_is(f, 8);
	j.now_ms = FIXTURE_NOW + 401 * FIXTURE_DAY;
	assert_err(overlay_xml_load(&o, buf_slice(&f->document), &j, &why),
		   ERR_CONFIG_SIGNATURE);
	assert_non_null(strstr(why.text, "not valid now"));
}

/* 6940-11.1-R11: a signer that is listed as bad. */
static void bad_signer(void **state)
{
	struct fixture *f = *state;
	char line[96], id[ID_TEXT_MAX];

	snprintf(line, sizeof(line), "<bad-node>%s</bad-node></configuration>",
		 id_format(&f->signer_id, NODE_ID_MIN, id));
	fixture_replace(f, "</configuration>", line);
	fixture_sign(f, 8, NULL);
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "bad-node");
}

/* A signer of several Node-IDs says which one it uses (cert_hash_node_id), and
 * of other key types. */
static void kinds_of_signers(void **state)
{
	static const enum key_type types[] = { KEY_RSA2048, KEY_ED25519 };
	struct fixture *f = *state;

	for (size_t i = 0; i < N_OF(types); i++) {
		struct node_id ids[2];
		struct signer *s = fixture_signer_of(f, types[i], ids, 2);

		list(f, "configuration-signer", &s->node_id);
		list(f, "kind-signer", &s->node_id);
		fixture_sign(f, 8, s);
		overlay_free(fixture_accepted(f, NULL));
		signer_close(s, f->crypto);
	}
}

static void nobody_could_join(void **state)
{
	struct fixture *f = *state;

	fixture_replace(f, "<root-cert>", "<!--<root-cert>");
	fixture_replace(f, "</root-cert>", "</root-cert>-->");
	fixture_refused(f, NULL, ERR_CONFIG, "no root-cert");
}

/* 6940-11.1-R5: two roots, both trusted; one that is none. */
static void two_roots(void **state)
{
	struct fixture *f = *state, other;

	fixture_init(&other);
	fixture_add_root(f, buf_slice(&other.ca_cert));
	fixture_sign(f, 8, NULL);
	overlay_free(fixture_accepted(f, NULL));
	fixture_replace(f, "<root-cert>",
			"<root-cert>YmFkIGNlcnQK</root-cert>"
			"<root-cert>");
	fixture_refused(f, NULL, ERR_CONFIG, "root-cert");
	fixture_clear(&other);
}

/* ---- Kinds ---- */

/* 6940-11.1-R16 */
static void kind_signatures(void **state)
{
	struct fixture *f = *state;
	struct node_id id;
	struct signer *other = fixture_signer(f, &id);

	list(f, "configuration-signer", &id);
	fixture_sign(f, 8, other); /* may sign documents, not Kinds */
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE,
			"<kind-signature>: made by");
	fixture_sign(f, 8, NULL);
	overlay_free(fixture_accepted(f, NULL));
	/* A document that is signed again, around a Kind that is changed. */
	fixture_replace(f, "<max-size>64<", "<max-size>65<");
	fixture_sign_document(f);
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "has been changed");
	fixture_replace(f, "<max-size>65<", "<max-size>64<");
	fixture_replace(f, "<kind-signature>", "<!--<kind-signature>");
	fixture_replace(f, "</kind-signature>", "</kind-signature>-->");
	fixture_sign_document(f);
	fixture_refused(f, NULL, ERR_CONFIG_SIGNATURE, "no kind-signature");
	signer_close(other, f->crypto);
}

/* The kind-block of `id` as the document has it, signed by `s`. */
static struct slice block_by(struct fixture *f, uint32_t id, struct signer *s,
			     struct overlay **o)
{
	fixture_sign(f, 8, s);
	assert_ok(overlay_xml_parse(o, buf_slice(&f->document), NULL, NULL));
	for (size_t i = 0; i < (*o)->n_kind_blocks; i++)
		if ((*o)->kind_blocks[i].kind == id)
			return (*o)->kind_blocks[i].xml;
	fail();
	return slice_of(NULL, 0);
}

static enum err add(const struct overlay *in_use, struct slice block,
		    struct overlay **out, struct why *why)
{
	struct overlay_xml_judge j = fixture_judge(in_use);

	return overlay_xml_add_kind(out, block, &j, why);
}

static bool has_kind(const struct overlay *o, uint32_t id)
{
	return kinds_find(&o->kinds, id) != NULL;
}

/* 6940-6.5.4-R4, 6940-11.1-R20 */
static void learned_kinds(void **state)
{
	struct fixture *f = *state;
	struct node_id id;
	struct signer *second = fixture_signer(f, &id), *third;
	struct node_id third_id;
	struct overlay *in_use, *made[3], *with, *next, *none;
	struct slice block, by_third;
	struct why why = { "" };

	third = fixture_signer(f, &third_id);
	list(f, "kind-signer", &id);
	fixture_sign(f, 7, NULL);
	in_use = fixture_accepted(f, NULL);
	fixture_replace(f, KIND_TEXT, "4026532000");
	fixture_replace(f, "NODE-VALUE", "NODE-OTHER");
	block = block_by(f, OTHER_ID, second, &made[0]);
	by_third = block_by(f, OTHER_ID, third, &made[1]);
	assert_false(has_kind(in_use, OTHER_ID));
	assert_err(add(in_use, by_third, &none, &why), ERR_CONFIG_SIGNATURE);
	assert_ok(add(in_use, block, &with, &why));
	assert_true(has_kind(with, OTHER_ID));
	assert_true(has_kind(with, KIND_ID));
	assert_int_equal(with->sequence, 7);
	/* Known from another signer. */
	block = block_by(f, OTHER_ID, NULL, &made[2]);
	assert_err(add(with, block, &none, &why), ERR_FORBIDDEN);
	/* A new document: it stays as long as its signer may sign. */
	fixture_replace(f, "4026532000", KIND_TEXT);
	fixture_sign(f, 9, NULL);
	next = fixture_accepted(f, with);
	assert_true(has_kind(next, OTHER_ID));
	overlay_free(next);
	fixture_unlist(f, "kind-signer", &id);
	fixture_sign(f, 9, NULL);
	next = fixture_accepted(f, with);
	assert_false(has_kind(next, OTHER_ID));
	assert_true(has_kind(next, KIND_ID));
	overlay_free(next);
	for (size_t i = 0; i < 3; i++)
		overlay_free(made[i]);
	overlay_free(with);
	overlay_free(in_use);
	signer_close(second, f->crypto);
	signer_close(third, f->crypto);
}

/* What a hostile node may send as a Kind. */
static void hostile_kinds(void **state)
{
	static const char *const texts[] = {
		"",
		"x",
		"<kind-block/>",
		"<kind-block><kind id='5'/></kind-block>",
		"</required-kinds></configuration></overlay>",
		"<kind-block></kind-block><kind-block></kind-block>",
		"<!DOCTYPE x><kind-block/>",
		"</required-kinds><no-ice>1</no-ice><required-kinds>",
	};
	struct fixture *f = *state;
	struct overlay *in_use = fixture_accepted(f, NULL), *out;

	for (size_t i = 0; i < N_OF(texts); i++)
		assert_err(add(in_use, slice_str(texts[i]), &out, NULL),
			   ERR_CONFIG);
	overlay_free(in_use);
}

/* 6940-11.1-R19: the new document's values are the ones in use. */
static void overrides(void **state)
{
	struct fixture *f = *state;
	struct overlay *before = fixture_accepted(f, NULL), *after;

	fixture_replace(f, "<max-size>32768<", "<max-size>100<");
	fixture_sign(f, 8, NULL);
	after = fixture_accepted(f, before);
	assert_int_equal(
		kinds_find_name(&before->kinds, "USER-VALUE")->max_size, 32768);
	assert_int_equal(kinds_find_name(&after->kinds, "USER-VALUE")->max_size,
			 100);
	overlay_free(before);
	overlay_free(after);
}

/* ---- the compiled form ---- */

static void compiled(void **state)
{
	struct fixture *f = *state;
	struct buf one = BUF_INIT(1 << 20), two = BUF_INIT(1 << 20);
	struct overlay *o = fixture_accepted(f, NULL), *copy, *none;

	assert_ok(compiled_encode(&one, o));
	assert_ok(compiled_decode(&copy, buf_slice(&one)));
	assert_ok(compiled_encode(&two, copy));
	assert_slice_equal(buf_slice(&one), buf_slice(&two));
	assert_string_equal(copy->name, o->name);
	assert_int_equal(copy->hash, o->hash);
	assert_int_equal(copy->kinds.n, o->kinds.n);
	assert_string_equal(copy->enrollment_servers[0],
			    o->enrollment_servers[0]);
	assert_int_equal(copy->n_bootstrap, 2);
	assert_slice_equal(copy->document, o->document);
	assert_true(id_eq(&copy->kind_blocks[7].signer, &f->signer_id));
	overlay_free(copy);
	for (size_t n = 0; n < one.len; n += n < 200 ? 1 : 53)
		assert_err(compiled_decode(&none, slice_of(one.p, n)),
			   ERR_CONFIG);
	one.p[7] ^= 1; /* another version */
	assert_err(compiled_decode(&none, buf_slice(&one)), ERR_CONFIG);
	buf_clear(&one);
	buf_clear(&two);
	overlay_free(o);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(tampered),          TEST(base64),
		TEST(no_signature),      TEST(signers),
		TEST(own_roots),         TEST(sequence),
		TEST(expired),           TEST(bad_signer),
		TEST(two_roots),         TEST(kinds_of_signers),
		TEST(nobody_could_join), TEST(kind_signatures),
		TEST(learned_kinds),     TEST(hostile_kinds),
		TEST(overrides),         TEST(compiled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
