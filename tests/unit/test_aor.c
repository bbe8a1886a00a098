/* SPDX-License-Identifier: ISC */
/* Resolving addresses of record: RFC 7904 s4.2, s6, s7. */
#include "unit.h"

#include <stdio.h>

#include "cli/sip_text.h"
#include "base/text.h"
#include "core/aor.h"

static struct kinds kinds;
static const struct wire_env env = { .node_id_len = 16, .kinds = &kinds };

/* What is registered at a name: text forms, newest last; NULL ends. */
struct book {
	const char *name;
	const char *values[4];
};

/* A FetchAns with these values, each a millisecond newer. */
static void answer(struct fetch_ans *ans, const char *const *values,
		   struct arena *a)
{
	struct fetch_kind_response *k = arena_zalloc(a, 1, sizeof(*k));
	struct buf wire = BUF_INIT(4096);
	uint64_t time = 1000;

	k->kind = KIND_SIP_REGISTRATION;
	k->values.v = arena_zalloc(a, 4, sizeof(*k->values.v));
	for (; *values != NULL; values++) {
		struct stored_data *d = &k->values.v[k->values.n++];

		buf_reset(&wire);
		assert_ok(
			sip_text_parse(&wire, slice_str(*values), &env, NULL));
		d->storage_time = time++;
		d->value.exists = true;
		assert_ok(arena_dup(a, buf_slice(&wire), &d->value.value));
	}
	*ans = (struct fetch_ans){ { k, 1 } };
	buf_clear(&wire);
}

/* Resolves `text` against the book; the targets, a line each, in `out`. */
static void resolve(const struct book *book, const char *text, char *out,
		    size_t size)
{
	struct arena scratch = ARENA_INIT(1 << 20);
	struct buf line = BUF_INIT(4096);
	struct aor *a = arena_zalloc(&scratch, 1, sizeof(*a));
	struct fetch_ans ans;
	struct slice name;

	assert_ok(aor_init(a, slice_str(text), &env));
	while (aor_next(a, &name)) {
		const struct book *b = book;

		while (b->name != NULL && !slice_eq(slice_str(b->name), name))
			b++;
		if (b->name != NULL)
			answer(&ans, b->values, &scratch);
		assert_ok(aor_feed(a, b->name != NULL ? &ans : NULL));
	}
	aor_finish(a);
	for (uint32_t i = 0; i < a->n_targets; i++) {
		if (a->targets[i].type == AOR_CONTACT)
			assert_ok(buf_append_slice(&line, a->targets[i].uri));
		else
			assert_ok(sip_text_route(&line, &a->targets[i].route,
						 &env));
		assert_ok(buf_append_u8(&line, '\n'));
	}
	assert_true(line.len < size);
	memcpy(out, line.len > 0 ? line.p : (const uint8_t *)"", line.len);
	out[line.len] = '\0';
	buf_clear(&line);
	aor_clear(a);
	arena_free(&scratch);
}

#define NODE "12340000000000000000000000000001"

static void lookups(void **state)
{
	static const struct book book[] = {
		{ "alice@x.org", { "uri:sip:alice@192.0.2.1:5060", NULL } },
		{ "two@x.org",
		  { "uri:sip:old@192.0.2.1", "uri:sip:new@192.0.2.2", NULL } },
		{ "route@x.org", { "route:" NODE, NULL } },
		{ "both@x.org",
		  { "route:" NODE, "route:" NODE,
		    "uri:sip:b@[2001:db8::1]:5070", NULL } },
		{ "boss@x.org", { "uri:sam@x.org", NULL } },
		{ "sam@x.org", { "uri:sip:alice@x.org", NULL } },
		{ "loop@x.org", { "uri:pool@x.org", NULL } },
		{ "pool@x.org", { "uri:loop@x.org", NULL } },
		{ "self@x.org", { "uri:self@x.org", NULL } },
		{ "away@x.org", { "uri:sip:away@elsewhere.example", NULL } },
		{ "dead@x.org", { "uri:nobody@x.org", NULL } },
		{ "gruu@x.org",
		  { "uri:gruu@x.org;gr=ARASNAAAAAAAAAAAAAAAAAAB", NULL } },
		{ "same@x.org",
		  { "route:" NODE, "uri:same@x.org;gr=ARASNAAAAAAAAAAAAAAAAAAB",
		    "uri:sip:same@x.org;gr=ARASNAAAAAAAAAAAAAAAAAAB;a",
		    NULL } },
		{ "ring1@x.org", { "uri:ring2@x.org", NULL } },
		{ "ring2@x.org", { "uri:sips:ring%33@x.org", NULL } },
		{ "ring3@x.org",
		  { "uri:sip:ring1@x.org;x=y", "uri:sip:out@192.0.2.9",
		    NULL } },
		{ "a b@x.org", { "uri:sip:blank@192.0.2.3", NULL } },
		{ NULL, { NULL } },
	};
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "alice@x.org", "sip:alice@192.0.2.1:5060\n" },
		{ "sip:alice@x.org", "sip:alice@192.0.2.1:5060\n" },
		{ "sips:alice@x.org;transport=tcp?a=b",
		  "sip:alice@192.0.2.1:5060\n" },
		/* The newest first. */
		{ "two@x.org", "sip:new@192.0.2.2\nsip:old@192.0.2.1\n" },
		{ "route@x.org", NODE "\n" },
		/* Duplicates go. */
		{ "both@x.org", "sip:b@[2001:db8::1]:5070\n" NODE "\n" },
		/* Two redirections. */
		{ "boss@x.org", "sip:alice@192.0.2.1:5060\n" },
		{ "loop@x.org", "" },
		{ "self@x.org", "" },
		/* A URI of another domain is a contact; a dead AOR is not. */
		{ "away@x.org", "sip:away@elsewhere.example\n" },
		{ "dead@x.org", "" },
		{ "gruu@x.org", NODE "\n" },
		/* The same list, stored and in GRUUs. */
		{ "same@x.org", NODE "\n" },
		/* A ring of names, written in three ways, with a way out. */
		{ "ring1@x.org", "sip:out@192.0.2.9\n" },
		{ "ring3@x.org", "sip:out@192.0.2.9\n" },
		{ "a%20b@x.org", "sip:blank@192.0.2.3\n" },
		{ "nobody@x.org", "" },
	};
	char out[512];

	(void)state; /* 7904-4.2-R1 7904-6-D4 7904-1-D3 7904-3.1-D3 */
	for (size_t i = 0; i < N_OF(cases); i++) {
		resolve(book, cases[i].text, out, sizeof(out));
		assert_string_equal(out, cases[i].expected);
	}
}

/* 7904-4.1-R1 7904-6-D1 7904-6-D2 7904-6-D3: a GRUU leads to its peer, and
 * nothing is asked of the overlay; what is none is looked up there; a URI of
 * elsewhere stays one, for SIP's own procedures; else there is nothing. */
static void ways(void **state)
{
	static const struct book book[] = {
		{ "alice@x.org",
		  { "uri:sip:alice@elsewhere.example", "route:" NODE, NULL } },
		{ NULL, { NULL } },
	};
	static const struct {
		const char *text, *expected;
		bool asks;
	} cases[] = {
		{ "alice@x.org;gr=ARASNAAAAAAAAAAAAAAAAAAB", NODE "\n", false },
		{ "sips:b@y.org;gr=ARASNAAAAAAAAAAAAAAAAAABAwMCq80~;q?h=1",
		  NODE ",opaque:abcd\n", false },
		/* No base64, no destination, a list that is cut. */
		{ "alice@x.org;gr=!", NODE "\nsip:alice@elsewhere.example\n",
		  true },
		{ "alice@x.org;gr=AA~~", NODE "\nsip:alice@elsewhere.example\n",
		  true },
		{ "alice@x.org;gr=ARASNAAAAAAAAAAAAAAA",
		  NODE "\nsip:alice@elsewhere.example\n", true },
		{ "alice@x.org", NODE "\nsip:alice@elsewhere.example\n", true },
		{ "bob@x.org", "", true },
	};
	struct slice name;
	char out[512];
	struct aor a;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		resolve(book, cases[i].text, out, sizeof(out));
		assert_string_equal(out, cases[i].expected);
		assert_ok(aor_init(&a, slice_str(cases[i].text), &env));
		assert_int_equal(aor_next(&a, &name), cases[i].asks);
		aor_clear(&a);
	}
}

/* 7904-3.2-D3: SIPS, by itself or among other features; and the name where a
 * route was found that is not the first. */
static void preferences(void **state)
{
	static const struct {
		const char *prefs;
		bool sips;
	} cases[] = {
		{ "", false },
		{ "(sip.schemes=SIP)", false },
		{ "(sip.schemes=SIPS)", true },
		{ "(& (sip.audio=TRUE) (sip.schemes=sips))", true },
		{ "(sip.schemes=SIP", false },
	};
	struct destination to = { .type = DESTINATION_NODE };
	struct sip_registration reg = { .type = SIP_REGISTRATION_ROUTE,
					.destination_list = { &to, 1 } };
	struct fetch_kind_response k = { .kind = KIND_SIP_REGISTRATION };
	const struct fetch_ans ans = { { &k, 1 } };
	struct stored_data d = { .value.exists = true };
	struct buf wire = BUF_INIT(4096);
	struct slice name;
	struct aor a;

	(void)state;
	k.values.v = &d;
	k.values.n = 1;
	for (size_t i = 0; i < N_OF(cases); i++) {
		assert_ok(aor_init(&a, SLICE_LIT("alice@x.org"), &env));
		reg.type = SIP_REGISTRATION_URI;
		reg.uri = SLICE_LIT("sam@x.org");
		buf_reset(&wire);
		assert_ok(sip_registration_encode(&reg, &wire, &env));
		d.value.value = buf_slice(&wire);
		assert_true(aor_next(&a, &name));
		assert_ok(aor_feed(&a, &ans));
		reg.type = SIP_REGISTRATION_ROUTE;
		reg.contact_prefs = slice_str(cases[i].prefs);
		buf_reset(&wire);
		assert_ok(sip_registration_encode(&reg, &wire, &env));
		d.value.value = buf_slice(&wire);
		assert_true(aor_next(&a, &name));
		assert_ok(aor_feed(&a, &ans));
		aor_finish(&a);
		assert_int_equal(a.n_targets, 1);
		assert_int_equal(a.targets[0].sips, cases[i].sips);
		assert_slice_equal(a.targets[0].name, SLICE_LIT("sam@x.org"));
		aor_clear(&a);
	}
	buf_clear(&wire);
}

/* A chain longer than the limit ends, and says that it was cut. */
static void long_chain(void **state)
{
	struct arena scratch = ARENA_INIT(1 << 20);
	struct aor *a = arena_zalloc(&scratch, 1, sizeof(*a));
	char next[64];
	const char *values[] = { next, NULL };
	struct fetch_ans ans;
	struct slice name;
	unsigned n = 0;

	(void)state; /* 7904-8.2.1-D1 */
	assert_ok(aor_init(a, SLICE_LIT("n0@x.org"), &env));
	while (aor_next(a, &name)) {
		snprintf(next, sizeof(next), "uri:n%u@x.org", ++n);
		answer(&ans, values, &scratch);
		assert_ok(aor_feed(a, &ans));
	}
	assert_int_equal(n, AOR_NAMES_MAX);
	assert_true(a->cut);
	assert_int_equal(a->n_targets, 0);
	aor_clear(a);
	arena_free(&scratch);
}

static void no_aor(void **state)
{
	static const char *const cases[] = { "", "sip:", ";x", "\xff@x.org" };
	struct aor a;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		assert_err(aor_init(&a, slice_str(cases[i]), &env), ERR_DATA);
		aor_clear(&a);
	}
}

static void text_forms(void **state)
{
	static const struct {
		const char *text, *hex;
	} cases[] = {
		{ "uri:sam@dht.example.org",
		  "01001500"
		  "1373616d406468742e6578616d706c652e6f7267" },
		{ "route:" NODE, "02001600000012"
				 "0110" NODE },
	};
	static const char *const bad[] = { "",
					   "uri:",
					   "sip:x@y",
					   "route:",
					   "route:12",
					   "route:" NODE ",",
					   "route:" NODE "," NODE "0",
					   "route:" NODE NODE };
	struct buf wire = BUF_INIT(4096), hex = BUF_INIT(4096);
	struct buf text = BUF_INIT(4096);
	struct why why;

	(void)state; /* 7904-3.2-D1 7904-7-D4 */
	for (size_t i = 0; i < N_OF(cases); i++) {
		buf_reset(&wire);
		buf_reset(&hex);
		buf_reset(&text);
		assert_ok(text_unhex(&hex, cases[i].hex));
		assert_ok(sip_text_parse(&wire, slice_str(cases[i].text), &env,
					 &why));
		assert_slice_equal(buf_slice(&wire), buf_slice(&hex));
		assert_ok(sip_text_format(&text, buf_slice(&wire), &env));
		assert_slice_equal(buf_slice(&text), slice_str(cases[i].text));
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(sip_text_parse(&wire, slice_str(bad[i]), &env, &why),
			   ERR_DATA);
	buf_clear(&wire);
	buf_clear(&hex);
	buf_clear(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookups),    cmocka_unit_test(ways),
		cmocka_unit_test(long_chain), cmocka_unit_test(no_aor),
		cmocka_unit_test(text_forms), cmocka_unit_test(preferences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
