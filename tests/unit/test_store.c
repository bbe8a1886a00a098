/* SPDX-License-Identifier: ISC */
/* The Storing Peer's Store: models, counters, times, limits, signers.  RFC 6940
 * s7.4.1.  Values come from alice, who writes under her own name. */
#include "storer.h"

#include <stdio.h>
#include <stdlib.h>

#define FORBIDDEN    2
#define TIMEOUT      4
#define COUNTER      5
#define TOO_LARGE    8
#define TOO_OLD      9
#define UNKNOWN_KIND 12
#define INVALID      20

static const char *get(struct storer *s, uint32_t kind)
{
	struct fetch_kind_response r;

	assert_int_equal(storer_get(s, kind, &r), 0);
	return storer_text(&r.values);
}

/* 6940-7.2-D1 6940-7.4.1.1-D18: one single value, the second replaces the
 * first; removed is not empty. */
static void single(void **state)
{
	struct storer *s = *state;

	assert_string_equal(get(s, USER_VALUE), "-");
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("one", 1)), 0);
	assert_string_equal(get(s, USER_VALUE), "one");
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("two", 2)), 0);
	assert_string_equal(get(s, USER_VALUE), "two");
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("", 3)), 0);
	assert_string_equal(get(s, USER_VALUE), "");
	assert_int_equal(storer_put(s, USER_VALUE, storer_removed(4)), 0);
	assert_string_equal(get(s, USER_VALUE), "=");
}

/* 6940-7.4.1.1-D18: appends have their real index when fetched, one after the
 * other in one request as well; 6940-7.2-D1: arrays are sparse. */
static void array(void **state)
{
	struct storer *s = *state;
	struct stored_data two[] = {
		storer_element(ARRAY_END, "c", 1),
		storer_element(ARRAY_END, "d", 1),
	};
	struct store_kind_data k = storer_kind(USER_ARRAY, 0, two, 2);
	struct fetch_kind_response r;

	assert_string_equal(get(s, USER_ARRAY), "");
	assert_int_equal(storer_put(s, USER_ARRAY, storer_element(2, "b", 1)),
			 0);
	assert_string_equal(get(s, USER_ARRAY), "-,-,b");
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), 0);
	assert_int_equal(
		storer_put(s, USER_ARRAY, storer_element(ARRAY_END, "e", 1)),
		0);
	assert_int_equal(storer_get(s, USER_ARRAY, &r), 0);
	assert_string_equal(storer_text(&r.values), "-,-,b,c,d,e");
	for (uint32_t i = 0; i < r.values.n; i++)
		assert_int_equal(r.values.v[i].value.index, i);
	assert_int_equal(storer_put(s, USER_ARRAY, storer_element(0, "a", 1)),
			 0);
	assert_int_equal(storer_put(s, USER_ARRAY, storer_element(3, "C", 2)),
			 0);
	assert_string_equal(get(s, USER_ARRAY), "a,-,b,C,d,e");
}

/* 6940-7.4.1.1-D18: a dictionary replaces by key. */
static void dictionary(void **state)
{
	struct storer *s = *state;

	assert_int_equal(storer_put(s, USER_DICT, storer_entry("k", "1", 1)),
			 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("", "2", 1)), 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("kk", "3", 1)),
			 0);
	assert_string_equal(get(s, USER_DICT), "2,1,3");
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("k", "4", 2)),
			 0);
	assert_string_equal(get(s, USER_DICT), "2,4,3");
}

/* 6940-7.4.1.1-R14 6940-7.4.1.2-R1: counters start at 1 and grow with every
 * change, also when the request has 0; the answer has the new one. */
static void counters(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("one", 1);
	struct store_kind_data k = storer_kind(USER_VALUE, 0, &v, 1);
	struct store_ans ans;
	uint64_t before = 0, now;

	assert_int_equal(storer_generation(s, USER_VALUE), 0);
	for (uint64_t t = 1; t < 4; t++) {
		v = storer_value("v", t);
		assert_int_equal(storer_ask(s, s->alice, &k, 1, &ans), 0);
		assert_int_equal(ans.kind_responses.n, 1);
		assert_int_equal(ans.kind_responses.v[0].kind, USER_VALUE);
		now = ans.kind_responses.v[0].generation_counter;
		assert_true(now >= 1);
		assert_true(now > before);
		assert_int_equal(storer_generation(s, USER_VALUE), now);
		before = now;
	}
	/* Nothing to store is nothing changed. */
	k.values.n = 0;
	assert_int_equal(storer_ask(s, s->alice, &k, 1, &ans), 0);
	assert_int_equal(ans.kind_responses.v[0].generation_counter, before);
}

/* 6940-7.4.1.1-R10 6940-7.4.1.2-R2: a counter must be the stored one, else the
 * whole request fails and says what they are. */
static void counter_asked(void **state)
{
	struct storer *s = *state;
	struct stored_data v[2];
	struct store_kind_data k[2];
	struct store_ans ans;
	static const int off[] = { -1, 1, 0 };

	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1)), 0);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("b", 2)), 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("k", "c", 1)),
			 0);
	for (size_t i = 0; i < N_OF(off); i++) {
		v[0] = storer_entry("k", "new", 9);
		v[1] = storer_value("new", 9);
		k[0] = storer_kind(USER_DICT, 1, &v[0], 1);
		k[1] = storer_kind(USER_VALUE, (uint64_t)(2 + off[i]), &v[1],
				   1);
		if (off[i] == 0)
			break;
		assert_int_equal(storer_ask(s, s->alice, k, 2, NULL), COUNTER);
		MUST(store_ans_decode(&ans, storer_info(s), &s->bob->arena,
				      &s->world->env));
		assert_int_equal(ans.kind_responses.n, 2);
		assert_int_equal(ans.kind_responses.v[0].kind, USER_DICT);
		assert_int_equal(ans.kind_responses.v[0].generation_counter, 1);
		assert_int_equal(ans.kind_responses.v[1].generation_counter, 2);
		assert_int_equal(ans.kind_responses.v[1].replicas.n, 0);
		assert_string_equal(get(s, USER_VALUE), "b");
		assert_string_equal(get(s, USER_DICT), "c");
	}
	assert_int_equal(storer_ask(s, s->alice, k, 2, &ans), 0);
	assert_int_equal(ans.kind_responses.v[1].generation_counter, 3);
	/* Of something that was never stored. */
	v[0] = storer_element(0, "x", 1);
	k[0] = storer_kind(USER_ARRAY, 1, v, 1);
	assert_int_equal(storer_ask(s, s->alice, k, 1, NULL), COUNTER);
}

/* 6940-13.5-R3 6940-7-R2: storage times grow, compared with the stored time and
 * never with a clock. */
static void times(void **state)
{
	struct storer *s = *state;

	s->peer->skew_ms = 400 * (int64_t)DAY_MS / 2;
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1000)), 0);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("b", 999)),
			 TOO_OLD);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("b", 1000)),
			 TOO_OLD);
	assert_string_equal(get(s, USER_VALUE), "a");
	s->peer->skew_ms = 0;
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("b", 1001)), 0);
	/* One key is not another. */
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("x", "a", 9)),
			 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("y", "b", 8)),
			 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("x", "c", 8)),
			 TOO_OLD);
	/* Twice in one request: in turn. */
	struct stored_data v[] = { storer_entry("z", "1", 5),
				   storer_entry("z", "2", 5) };
	struct store_kind_data k = storer_kind(USER_DICT, 0, v, 2);

	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), TOO_OLD);
	v[1] = storer_entry("z", "2", 6);
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), 0);
	assert_string_equal(get(s, USER_DICT), "a,b,2");
}

/* 6940-13.5-R3: the very same message again is answered as before, and not
 * refused for its time. */
static void retransmission(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	const struct heard *first;
	struct slice bytes;
	struct draft d;
	uint32_t n;

	draft_init(&d, s->alice, MSG_STORE_REQ);
	draft_to_resource(&d, &s->at);
	draft_store(&d, &s->at, USER_VALUE, 0, 0, &v, 1);
	first = rogue_ask(s->alice, s->alice_link, &d);
	assert_int_equal(first->message.contents.message_code, MSG_STORE_ANS);
	bytes = draft_encode(&d);
	n = s->alice->n_heard;
	rogue_frame(s->alice, s->alice_link, bytes);
	world_run(s->world, SECOND_US);
	assert_int_equal(s->alice->n_heard, n + 1);
	assert_int_equal(storer_generation(s, USER_VALUE), 1);
}

/* 6940-7.4.1.3-R1 6940-7.4.1.3-R2: a removed value is stored, signed, and keeps
 * the old one out until it expires; then it is simply gone. */
static void removal(void **state)
{
	struct storer *s = *state;
	struct stored_data gone = storer_removed(2);
	struct fetch_kind_response r;

	gone.lifetime = 100;
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1)), 0);
	assert_int_equal(storer_put(s, USER_VALUE, gone), 0);
	assert_int_equal(storer_get(s, USER_VALUE, &r), 0);
	assert_string_equal(storer_text(&r.values), "=");
	assert_int_equal(r.values.v[0].signature.identity.identity_type,
			 SIGNER_CERT_HASH);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1)),
			 TOO_OLD);
	world_run(s->world, 101 * SECOND_US);
	assert_string_equal(get(s, USER_VALUE), "-");
	/* Something that is removed is empty. */
	gone = storer_removed(5);
	gone.value.value = SLICE_LIT("x");
	assert_int_equal(storer_put(s, USER_VALUE, gone), INVALID);
}

/* 6940-7-D1 6940-7.4.1.1-R15: a lifetime counts from the arrival; what is
 * served has what remains of it, and no more. */
static void lifetime(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	struct fetch_kind_response r;

	v.lifetime = 60;
	assert_int_equal(storer_put(s, USER_VALUE, v), 0);
	world_run(s->world, 20 * SECOND_US);
	assert_int_equal(storer_get(s, USER_VALUE, &r), 0);
	assert_in_range(r.values.v[0].lifetime, 38, 40);
	world_run(s->world, 38 * SECOND_US);
	assert_string_equal(get(s, USER_VALUE), "a");
	world_run(s->world, 3 * SECOND_US);
	assert_string_equal(get(s, USER_VALUE), "-");
	/* The counter goes on. */
	assert_int_equal(storer_generation(s, USER_VALUE), 1);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("b", 1)), 0);
	assert_int_equal(storer_generation(s, USER_VALUE), 2);
}

/* 6940-7.1-R2: nothing is kept longer than its signer's certificate is valid.
 */
static void certificate_ends(void **state)
{
	struct storer *s = *state;
	struct toy_spec spec = {
		.issuer = TOY_CA,
		.user = ALICE,
		.node_ids = &s->alice->host->signer.node_id,
		.n_node_ids = 1,
		.not_before_ms = world_unix_ms(s->world) - 1000,
		.not_after_ms = world_unix_ms(s->world) + 30000,
	};
	struct node_id id = s->alice->host->signer.node_id;
	struct fetch_kind_response r;

	spec.node_ids = &id;
	host_certify(s->alice->host, &spec);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1)), 0);
	assert_int_equal(storer_get(s, USER_VALUE, &r), 0);
	assert_string_equal(storer_text(&r.values), "a");
	assert_true(r.values.v[0].lifetime < 31);
	world_run(s->world, 31 * SECOND_US);
	assert_string_equal(get(s, USER_VALUE), "-");
}

/* 6940-7.4.1.1-R3: whatever fails of a request of several Kinds, nothing of it
 * is stored and no counter moves. */
static void atomic(void **state)
{
	struct storer *s = *state;
	static char large[4097];
	struct stored_data v[3], bad;
	struct store_kind_data k[2];

	memset(large, 'x', sizeof(large) - 1);
	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 5)), 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("k", "b", 5)),
			 0);
	for (unsigned i = 0; i < 6; i++) {
		static const uint16_t want[] = { TOO_OLD,      TOO_LARGE,
						 FORBIDDEN,    COUNTER,
						 UNKNOWN_KIND, TIMEOUT };

		v[0] = storer_value("new", 10);
		v[1] = storer_entry("other", "new", 10);
		v[2] = storer_entry("k", "new", 10);
		k[0] = storer_kind(USER_VALUE, 0, &v[0], 1);
		k[1] = storer_kind(USER_DICT, 0, &v[1], 2);
		if (i == 0)
			v[2] = storer_entry("k", "old", 4);
		if (i == 1)
			v[2].value.value = slice_of(large, 4097);
		if (i == 2) {
			bad = storer_entry("k", "new", 10);
			rogue_sign_value(s->bob, &s->bob->host->signer, &s->at,
					 USER_DICT, &bad);
			v[2] = bad;
		}
		if (i == 3)
			k[1].generation_counter = 77;
		if (i == 4) {
			k[1] = storer_kind(0x99, 0, NULL, 0);
			k[1].unknown = SLICE_LIT("");
		}
		s->peer->disk_full = i == 5;
		assert_int_equal(storer_ask(s, s->alice, k, 2, NULL), want[i]);
		s->peer->disk_full = false;
		assert_string_equal(get(s, USER_VALUE), "a");
		assert_string_equal(get(s, USER_DICT), "b");
		assert_int_equal(storer_generation(s, USER_VALUE), 1);
		assert_int_equal(storer_generation(s, USER_DICT), 1);
	}
	/* The same, with nothing wrong. */
	v[0] = storer_value("new", 10);
	v[1] = storer_entry("other", "new", 10);
	v[2] = storer_entry("k", "new", 10);
	k[0] = storer_kind(USER_VALUE, 0, &v[0], 1);
	k[1] = storer_kind(USER_DICT, 0, &v[1], 2);
	assert_int_equal(storer_ask(s, s->alice, k, 2, NULL), 0);
	assert_string_equal(get(s, USER_DICT), "new,new");
}

/* 6940-7.4.1.1-R2: a Kind twice is refused as a whole. */
static void kind_twice(void **state)
{
	struct storer *s = *state;
	struct stored_data v[] = { storer_entry("a", "1", 1),
				   storer_entry("b", "2", 1) };
	struct store_kind_data k[] = { storer_kind(USER_DICT, 0, &v[0], 1),
				       storer_kind(USER_DICT, 0, &v[1], 1) };

	assert_int_equal(storer_ask(s, s->alice, k, 2, NULL), INVALID);
	assert_string_equal(get(s, USER_DICT), "");
	/* And so are two values where one has a place. */
	v[0] = storer_value("1", 1);
	v[1] = storer_value("2", 2);
	k[0] = storer_kind(USER_VALUE, 0, v, 2);
	assert_int_equal(storer_ask(s, s->alice, k, 1, NULL), INVALID);
	assert_string_equal(get(s, USER_VALUE), "-");
}

/* 6940-7.4.1.2-R4 6940-7.4.1.1-R6: unknown Kinds are refused and named. */
static void kind_unknown(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	struct store_kind_data k[] = { storer_kind(0x1234, 0, NULL, 0),
				       storer_kind(USER_VALUE, 0, &v, 1),
				       storer_kind(0xF0001234, 0, NULL, 0) };
	struct stored_data_specifier spec[] = { { .kind = 0x1234 },
						{ .kind = USER_VALUE },
						{ .kind = 0xF0001234 } };
	struct unknown_kinds info;
	struct fetch_ans ans;
	struct stat_ans stat;

	for (unsigned i = 0; i < 3; i++) {
		uint16_t code = i == 0   ? storer_ask(s, s->alice, k, 3, NULL)
				: i == 1 ? storer_fetch(s, spec, 3, &ans)
					 : storer_stat(s, spec, 3, &stat);

		assert_int_equal(code, UNKNOWN_KIND);
		MUST(unknown_kinds_decode(&info, storer_info(s), &s->bob->arena,
					  &s->world->env));
		assert_int_equal(info.unknown_kinds.n, 2);
		assert_int_equal(info.unknown_kinds.v[0], 0x1234);
		assert_int_equal(info.unknown_kinds.v[1], 0xF0001234);
	}
	assert_string_equal(get(s, USER_VALUE), "-");
}

/* 6940-7.4.1.1-D12 6940-7.4.1.2-R3 6940-13.5-R2: limits are exact.  Values that
 * were removed count like others, and replacing adds none. */
static void limits(void **state)
{
	struct storer *s = *state;
	static char large[4097];
	struct stored_data v = storer_value("", 1), many[101];
	struct store_kind_data k;
	char keys[101][8];

	memset(large, 'x', sizeof(large));
	v.value.value = slice_of(large, 4097);
	assert_int_equal(storer_put(s, USER_VALUE, v), TOO_LARGE);
	v.value.value = slice_of(large, 4096);
	assert_int_equal(storer_put(s, USER_VALUE, v), 0);
	for (unsigned i = 0; i < 101; i++) {
		snprintf(keys[i], sizeof(keys[i]), "%u", i);
		many[i] = storer_entry(keys[i], "v", 1);
	}
	k = storer_kind(USER_DICT, 0, many, 101);
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), TOO_LARGE);
	k = storer_kind(USER_DICT, 0, many, 100);
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("100", "v", 2)),
			 TOO_LARGE);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("7", "w", 2)),
			 0);
	v = storer_removed(3);
	v.value.key = SLICE_LIT("8");
	v.lifetime = 10;
	assert_int_equal(storer_put(s, USER_DICT, v), 0);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("100", "v", 4)),
			 TOO_LARGE);
	world_run(s->world, 11 * SECOND_US);
	assert_int_equal(storer_put(s, USER_DICT, storer_entry("100", "v", 4)),
			 0);
}

/* 6940-7.4.1.1-R7 6940-7.4.1.1-R13: what is not signed, or not by its bytes, is
 * forbidden; a synthetic value is not stored back. */
static void signatures(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	struct fetch_kind_response r;

	rogue_sign_value(s->alice, &s->alice->host->signer, &s->at, USER_VALUE,
			 &v);
	v.value.value = SLICE_LIT("b");
	assert_int_equal(storer_put(s, USER_VALUE, v), FORBIDDEN);
	v.value.value = SLICE_LIT("a");
	v.storage_time++;
	assert_int_equal(storer_put(s, USER_VALUE, v), FORBIDDEN);
	v.storage_time--;
	v.lifetime = 7; /* 6940-7.1-D1: not covered */
	assert_int_equal(storer_put(s, USER_VALUE, v), 0);
	assert_int_equal(storer_get(s, USER_ARRAY, &r), 0);
	v = storer_element(0, "x", 1);
	signature_set_none(&v.signature);
	v.signature.signature_value = SLICE_LIT("");
	assert_int_equal(storer_put(s, USER_ARRAY, v), FORBIDDEN);
	v.value.exists = false;
	v.value.value = SLICE_LIT("");
	assert_int_equal(storer_put(s, USER_ARRAY, v), FORBIDDEN);
	/* The algorithms alone. */
	v = storer_element(0, "x", 1);
	rogue_sign_value(s->alice, &s->alice->host->signer, &s->at, USER_ARRAY,
			 &v);
	v.signature.algorithm.hash = HASH_NONE;
	v.signature.algorithm.signature = SIGNATURE_ANONYMOUS;
	assert_int_equal(storer_put(s, USER_ARRAY, v), FORBIDDEN);
	assert_string_equal(get(s, USER_ARRAY), "");
}

/* 6940-7.3-R2 6940-7.4.1.1-R8: both the value's signer and the request's may
 * write there. */
static void signers(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	struct store_kind_data k = storer_kind(USER_VALUE, 0, &v, 1);

	/* Bob, under alice's name. */
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), FORBIDDEN);
	/* Bob's value in alice's Store. */
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), FORBIDDEN);
	/* Alice's own value, passed on by bob as his Store. */
	v = storer_value("a", 1);
	rogue_sign_value(s->alice, &s->alice->host->signer, &s->at, USER_VALUE,
			 &v);
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), FORBIDDEN);
	k.values.n = 0;
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), FORBIDDEN);
	k.values.n = 1;
	assert_int_equal(storer_ask(s, s->alice, &k, 1, NULL), 0);
	assert_string_equal(get(s, USER_VALUE), "a");
}

/* 7904-3.3-D1 7904-3.3-D2 7904-3.3-R2 7904-3.3-R3 7904-3.3-R4 7904-3.3-R5: a
 * registration is its user's, of a domain that the overlay admits, under the
 * Node-ID of the certificate; else Error_Forbidden goes back, and nothing is
 * stored. */
static void registrations(void **state)
{
	struct storer *s = *state;
	struct slice own = id_slice(&s->alice->host->signer.node_id,
				    RING_ID_LEN);
	struct slice other = id_slice(&s->bob->host->signer.node_id,
				      RING_ID_LEN);
	char *patterns[] = { (char[]){ "example\\.org" },
			     (char[]){ "sim\\.example\\.org" } };
	struct overlay *o = s->world->overlay;
	struct stored_data v = storer_entry("", "value", 1);
	struct store_kind_data k = storer_kind(KIND_SIP_REGISTRATION, 0, &v, 1);

	/* Bob's at alice's name, with his key and with hers. */
	v.value.key = other;
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), FORBIDDEN);
	v = storer_entry("", "value", 1);
	v.value.key = own;
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), FORBIDDEN);
	/* Alice's, with bob's key. */
	v = storer_entry("", "value", 1);
	v.value.key = other;
	assert_int_equal(storer_put(s, KIND_SIP_REGISTRATION, v), FORBIDDEN);
	/* Alice's, where only another domain is admitted. */
	v.value.key = own;
	o->domain_restriction = DOMAIN_PATTERNS;
	o->domain_patterns = patterns;
	o->n_domain_patterns = 1;
	assert_int_equal(storer_put(s, KIND_SIP_REGISTRATION, v), FORBIDDEN);
	assert_string_equal(get(s, KIND_SIP_REGISTRATION), "");
	o->n_domain_patterns = 2;
	assert_int_equal(storer_put(s, KIND_SIP_REGISTRATION, v), 0);
	assert_string_equal(get(s, KIND_SIP_REGISTRATION), "value");
	o->domain_restriction = DOMAIN_ANY;
	o->domain_patterns = NULL;
	o->n_domain_patterns = 0;
}

int main(void)
{
#define EACH(f)                                                                \
	cmocka_unit_test_setup_teardown(f, storer_setup, storer_teardown)
	const struct CMUnitTest tests[] = {
		EACH(single),           EACH(array),         EACH(dictionary),
		EACH(counters),         EACH(counter_asked), EACH(times),
		EACH(retransmission),   EACH(removal),       EACH(lifetime),
		EACH(certificate_ends), EACH(atomic),        EACH(kind_twice),
		EACH(kind_unknown),     EACH(limits),        EACH(signatures),
		EACH(signers),          EACH(registrations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
