/* SPDX-License-Identifier: ISC */
/* The Storing Peer's Fetch, Stat and Find, and what becomes of stored values.
 * RFC 6940 s7.4.2 to s7.4.4. */
#include "storer.h"

#include <stdio.h>
#include <stdlib.h>

#define NOT_FOUND          3
#define TIMEOUT            4
#define RESPONSE_TOO_LARGE 14
#define INVALID            20

static const char *text_of(struct storer *s, struct stored_data_specifier spec)
{
	struct fetch_ans ans;

	assert_int_equal(storer_fetch(s, &spec, 1, &ans), 0);
	assert_int_equal(ans.kind_responses.n, 1);
	return storer_text(&ans.kind_responses.v[0].values);
}

static void put(struct storer *s, uint32_t kind, struct stored_data v)
{
	assert_int_equal(storer_put(s, kind, v), 0);
}

/* 6940-7.4.2.2-R1 6940-7.4.2.2-R2: an answer for each Kind asked, in its place,
 * and what is not there is synthetic. */
static void nothing(void **state)
{
	struct storer *s = *state;
	struct array_range range = { 1, 2 };
	struct slice keys[] = { SLICE_LIT("a"), SLICE_LIT("") };
	struct stored_data_specifier spec[] = {
		{ .kind = USER_DICT, .keys = { keys, 2 } },
		{ .kind = USER_VALUE },
		{ .kind = USER_ARRAY, .indices = { &range, 1 } },
	};
	const struct stored_data_list *l;
	struct fetch_ans ans;

	assert_int_equal(storer_fetch(s, spec, 3, &ans), 0);
	assert_int_equal(ans.kind_responses.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ans.kind_responses.v[i].kind, spec[i].kind);
		assert_int_equal(ans.kind_responses.v[i].generation, 0);
		l = &ans.kind_responses.v[i].values;
		assert_int_equal(l->n, i == 1 ? 1 : 2);
		for (uint32_t j = 0; j < l->n; j++) {
			const struct stored_data *d = &l->v[j];

			assert_false(d->value.exists);
			assert_int_equal(d->value.value.len, 0);
			assert_int_equal(d->signature.identity.identity_type,
					 SIGNER_NONE);
			assert_int_equal(d->signature.algorithm.hash, 0);
			assert_int_equal(d->signature.algorithm.signature, 0);
			assert_int_equal(d->signature.signature_value.len, 0);
			if (i == 0)
				assert_slice_equal(d->value.key, keys[j]);
			if (i == 2)
				assert_int_equal(d->value.index, j + 1);
		}
	}
	/* Of a whole dictionary or array that is empty: no values. */
	spec[0].keys.n = 0;
	range = (struct array_range){ 0, ARRAY_END };
	assert_int_equal(storer_fetch(s, spec, 3, &ans), 0);
	assert_int_equal(ans.kind_responses.v[0].values.n, 0);
	assert_int_equal(ans.kind_responses.v[2].values.n, 0);
}

/* 6940-7.4.2.1-R2: ranges, several, open ones; 6940-7.2-D1: their gaps. */
static void ranges(void **state)
{
	struct storer *s = *state;
	struct array_range r[3] = { { 0, 1 }, { 3, 5 } };
	struct stored_data_specifier spec = { .kind = USER_ARRAY,
					      .indices = { r, 2 } };
	struct fetch_ans ans;

	put(s, USER_ARRAY, storer_element(1, "b", 1));
	put(s, USER_ARRAY, storer_element(2, "c", 1));
	put(s, USER_ARRAY, storer_element(4, "e", 1));
	assert_string_equal(text_of(s, spec), "-,b,-,e,-");
	r[1] = (struct array_range){ 3, ARRAY_END };
	assert_string_equal(text_of(s, spec), "-,b,-,e");
	r[0] = (struct array_range){ 5, ARRAY_END };
	spec.indices.n = 1;
	assert_string_equal(text_of(s, spec), "");
	r[0] = (struct array_range){ 2, 2 };
	assert_string_equal(text_of(s, spec), "c");
	/* The final element, whichever it is. */
	r[0] = (struct array_range){ ARRAY_END, ARRAY_END };
	assert_string_equal(text_of(s, spec), "e");
	/* The whole of it without any. */
	spec.indices.n = 0;
	assert_string_equal(text_of(s, spec), "-,b,c,-,e");
	/* CHOICE 51: not every gap before an index that is far away. */
	put(s, USER_ARRAY, storer_element(0xfffffffe, "z", 1));
	assert_string_equal(text_of(s, spec), "-,b,c,-,e,z");
	r[0] = (struct array_range){ 3, ARRAY_END };
	spec.indices.n = 1;
	assert_string_equal(text_of(s, spec), "-,e,z");
	r[0].last = 0xfffffffe;
	assert_int_equal(storer_fetch(s, &spec, 1, &ans), RESPONSE_TOO_LARGE);
	/* Overlaps, in whatever order. */
	r[0] = (struct array_range){ 3, 5 };
	r[1] = (struct array_range){ 0, 3 };
	spec.indices.n = 2;
	assert_int_equal(storer_fetch(s, &spec, 1, &ans), INVALID);
	r[1] = (struct array_range){ 0, 2 };
	assert_int_equal(storer_fetch(s, &spec, 1, &ans), 0);
}

/* 6940-7.4.2.1-R2: a range that ends before it begins. */
static void backward(void **state)
{
	struct storer *s = *state;
	struct draft d;
	/* resource, one specifier of USER_ARRAY with [5, 2] */
	static const uint8_t tail[] = { 0, 24, 0xf0, 0, 0, 2, 0,  0, 0,
					0, 0,  0,    0, 0, 0, 10, 0, 8,
					0, 0,  0,    5, 0, 0, 0,  2 };
	uint8_t body[17 + sizeof(tail)] = { 16 };
	const struct heard *h;

	memcpy(body + 1, s->at.b, RING_ID_LEN);
	memcpy(body + 17, tail, sizeof(tail));
	draft_init(&d, s->bob, MSG_FETCH_REQ);
	d.contents.message_body = slice_of(body, sizeof(body));
	draft_to_resource(&d, &s->at);
	h = rogue_ask(s->bob, s->bob_link, &d);
	assert_int_equal(heard_error(s->bob, h), INVALID);
	body[17 + 21] = 1; /* [1, 2] */
	draft_init(&d, s->bob, MSG_FETCH_REQ);
	d.contents.message_body = slice_of(body, sizeof(body));
	draft_to_resource(&d, &s->at);
	h = rogue_ask(s->bob, s->bob_link, &d);
	assert_int_equal(heard_error(s->bob, h), 0);
}

/* 6940-7.4.2.1-D3: no keys are all of them; an unchanged generation, no values.
 */
static void keys(void **state)
{
	struct storer *s = *state;
	struct slice k[] = { SLICE_LIT("z"), SLICE_LIT("x"), SLICE_LIT("a") };
	struct stored_data_specifier spec = { .kind = USER_DICT,
					      .keys = { k, 3 } };
	struct fetch_ans ans;

	put(s, USER_DICT, storer_entry("x", "1", 1));
	put(s, USER_DICT, storer_entry("y", "2", 1));
	put(s, USER_DICT, storer_entry("z", "3", 1));
	assert_string_equal(text_of(s, spec), "3,1,-");
	spec.keys.n = 0;
	assert_string_equal(text_of(s, spec), "1,2,3");
	for (uint64_t g = 1; g < 6; g++) {
		spec.generation = g;
		assert_int_equal(storer_fetch(s, &spec, 1, &ans), 0);
		assert_int_equal(ans.kind_responses.v[0].generation, 3);
		assert_int_equal(ans.kind_responses.v[0].values.n,
				 g == 3 ? 0 : 3);
	}
	/* The same key twice would let a small question make a large answer. */
	spec.generation = 0;
	k[2] = k[0];
	spec.keys.n = 3;
	assert_int_equal(storer_fetch(s, &spec, 1, &ans), INVALID);
	/* And so would a Kind. */
	struct stored_data_specifier twice[] = { { .kind = USER_VALUE },
						 { .kind = USER_VALUE } };

	assert_int_equal(storer_fetch(s, twice, 2, &ans), INVALID);
}

/* 6940-6.3.3.1: what is too large for a message, or for who asks, is said to
 * be. */
static void too_large(void **state)
{
	struct storer *s = *state;
	static char large[4096];
	struct stored_data v;
	struct fetch_kind_response r;
	struct stat_ans stat;
	struct stored_data_specifier spec = { .kind = USER_DICT };
	struct array_range far = { 0, ARRAY_END };
	struct draft d;
	char key[8];

	memset(large, 'x', sizeof(large));
	for (unsigned i = 0; i < 16; i++) {
		snprintf(key, sizeof(key), "%u", i);
		v = storer_entry(key, "", 1);
		v.value.value = slice_of(large, sizeof(large));
		put(s, USER_DICT, v);
	}
	assert_int_equal(storer_get(s, USER_DICT, &r), RESPONSE_TOO_LARGE);
	/* Their metadata is small. */
	assert_int_equal(storer_stat(s, &spec, 1, &stat), 0);
	assert_int_equal(stat.kind_responses.v[0].values.n, 16);
	/* One element at the end of a very long array. */
	put(s, USER_ARRAY, storer_element(ARRAY_END - 1, "last", 1));
	spec = (struct stored_data_specifier){ .kind = USER_ARRAY };
	assert_string_equal(text_of(s, spec), "last");
	far.first = ARRAY_END - 2;
	spec = (struct stored_data_specifier){ .kind = USER_ARRAY,
					       .indices = { &far, 1 } };
	assert_string_equal(text_of(s, spec), "-,last");
	/* There is no room behind it. */
	assert_int_equal(
		storer_put(s, USER_ARRAY, storer_element(ARRAY_END, "x", 2)),
		8);
	put(s, USER_VALUE, storer_value("a", 1));
	draft_init(&d, s->bob, MSG_FETCH_REQ);
	draft_to_resource(&d, &s->at);
	draft_fetch(&d, &s->at, USER_VALUE);
	d.header.max_response_length = 100;
	assert_int_equal(
		heard_error(s->bob, rogue_ask(s->bob, s->bob_link, &d)),
		RESPONSE_TOO_LARGE);
}

/* 6940-7.4.3-D1: sizes, times and hashes, over the value behind its length. */
static void metadata(void **state)
{
	struct storer *s = *state;
	struct slice k[] = { SLICE_LIT("x"), SLICE_LIT("gone"),
			     SLICE_LIT("never") };
	struct stored_data_specifier spec = { .kind = USER_DICT,
					      .keys = { k, 3 } };
	struct slice hashed = SLICE_LIT("\0\0\0\3abc");
	struct stored_data gone = storer_removed(9);
	const struct crypto *c = &s->world->toy.crypto;
	uint8_t hash[HASH_LEN_MAX];
	const struct stored_metadata *m;
	struct stat_ans ans;
	size_t len;

	gone.value.key = SLICE_LIT("gone");
	put(s, USER_DICT, storer_entry("x", "abc", 7));
	put(s, USER_DICT, gone);
	assert_int_equal(storer_stat(s, &spec, 1, &ans), 0);
	assert_int_equal(ans.kind_responses.n, 1);
	assert_int_equal(ans.kind_responses.v[0].generation, 2);
	assert_int_equal(ans.kind_responses.v[0].values.n, 3);
	m = ans.kind_responses.v[0].values.v;
	assert_true(m[0].metadata.exists);
	assert_slice_equal(m[0].metadata.key, k[0]);
	assert_int_equal(m[0].metadata.value_length, 3);
	assert_int_equal(m[0].storage_time % 1000, 7);
	assert_in_range(m[0].lifetime, 3590, 3600);
	assert_int_equal(m[0].metadata.hash_algorithm, HASH_SHA256);
	MUST(c->hash(c->ctx, HASH_SHA256, &hashed, 1, hash, &len));
	assert_slice_equal(m[0].metadata.hash_value, slice_of(hash, len));
	assert_false(m[1].metadata.exists);
	assert_int_equal(m[1].storage_time % 1000, 9);
	assert_false(m[2].metadata.exists);
	assert_int_equal(m[2].storage_time, 0);
	spec.generation = 2;
	assert_int_equal(storer_stat(s, &spec, 1, &ans), 0);
	assert_int_equal(ans.kind_responses.v[0].values.n, 0);
}

static bool has_cert(const struct heard *h, const struct cert *c)
{
	const struct generic_certificate_list *l =
		&h->message.security.certificates;

	for (uint32_t i = 0; i < l->n; i++)
		if (slice_eq(l->v[i].certificate, c->der))
			return true;
	return false;
}

static bool joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

/* The answer brings what its values are verified with, from the disk as well;
 * and what was acknowledged survives a crash. */
static void certificates(void **state)
{
	struct storer *s = *state;
	const struct cert *cert = s->alice->host->signer.cert;
	struct fetch_kind_response r;

	put(s, USER_VALUE, storer_value("a", 1));
	assert_int_equal(storer_get(s, USER_VALUE, &r), 0);
	assert_true(has_cert(s->last, cert));
	assert_false(has_cert(s->last, s->bob->host->signer.cert));
	rogue_free(s->alice); /* who are no way into a ring */
	rogue_free(s->bob);
	host_kill(s->peer, DEATH_PROCESS);
	host_start(s->peer, ROLE_PEER, true);
	assert_true(world_run_until(s->world, joined, s->peer, 60 * SECOND_US));
	s->alice = rogue_new(s->world, ALICE, NULL);
	s->bob = rogue_new(s->world, BOB, NULL);
	s->bob_link = rogue_connect(s->bob, s->peer);
	assert_int_equal(storer_get(s, USER_VALUE, &r), 0);
	assert_string_equal(storer_text(&r.values), "a");
	assert_true(has_cert(s->last, cert));
}

/* Two requests on their way at once: the one that came later sees what the
 * first has done, RFC 6940 s7.4.1.1; too many are told so. */
static void turns(void **state)
{
	struct storer *s = *state;
	struct draft d[72], get;
	struct stored_data v[72];
	const struct heard *h;
	uint64_t id[72], get_id;
	unsigned refused = 0;
	struct fetch_ans ans;

	for (unsigned i = 0; i < N_OF(d); i++) {
		v[i] = storer_element(ARRAY_END, "v", 1);
		draft_init(&d[i], s->alice, MSG_STORE_REQ);
		draft_to_resource(&d[i], &s->at);
		draft_store(&d[i], &s->at, USER_ARRAY, 0, 0, &v[i], 1);
	}
	draft_init(&get, s->alice, MSG_FETCH_REQ);
	draft_to_resource(&get, &s->at);
	draft_fetch(&get, &s->at, USER_ARRAY);
	for (unsigned i = 0; i < 3; i++)
		id[i] = rogue_send(s->alice, s->alice_link, &d[i]);
	get_id = rogue_send(s->alice, s->alice_link, &get);
	h = rogue_answer(s->alice, get_id, 60 * SECOND_US);
	assert_non_null(h);
	heard_body(s->alice, h, &wire_type_fetch_ans, &ans);
	assert_string_equal(storer_text(&ans.kind_responses.v[0].values),
			    "v,v,v");
	for (unsigned i = 3; i < N_OF(d); i++)
		id[i] = rogue_send(s->alice, s->alice_link, &d[i]);
	for (unsigned i = 3; i < N_OF(d); i++) {
		h = rogue_answer(s->alice, id[i], 60 * SECOND_US);
		assert_non_null(h);
		if (heard_error(s->alice, h) != 0) {
			assert_int_equal(heard_error(s->alice, h), TIMEOUT);
			refused++;
		}
	}
	assert_in_range(refused, 1, 10);
	assert_int_equal(storer_generation(s, USER_ARRAY), N_OF(d) - refused);
}

static uint64_t n_records(struct storer *s, uint32_t kind)
{
	struct query q = { .type = QUERY_KIND,
			   .resource = s->at,
			   .kind = kind };
	struct arena a = ARENA_INIT(1 << 20);
	struct query_answer out;
	uint64_t n;

	MUST(s->peer->storage.read(s->peer->storage.ctx, &q, &out, &a));
	n = out.n_records;
	arena_free(&a);
	return n;
}

/* 6940-7.4.1.3-R2: what has expired is taken off the disk, with its
 * certificate. */
static void purge(void **state)
{
	struct storer *s = *state;
	struct stored_data v = storer_value("a", 1);
	struct query q = { .type = QUERY_CERT };
	struct arena a = ARENA_INIT(1 << 20);
	struct query_answer out;

	v.lifetime = 30;
	put(s, USER_VALUE, v);
	v = storer_removed(1);
	v.lifetime = 30;
	put(s, USER_ARRAY, v);
	assert_int_equal(n_records(s, USER_VALUE), 1);
	assert_int_equal(n_records(s, USER_ARRAY), 1);
	world_run(s->world, 91 * SECOND_US);
	assert_int_equal(n_records(s, USER_VALUE), 0);
	assert_int_equal(n_records(s, USER_ARRAY), 0);
	memcpy(q.hash, s->alice->host->signer.cert->hash, CERT_HASH_LEN);
	MUST(s->peer->storage.read(s->peer->storage.ctx, &q, &out, &a));
	assert_int_equal(out.der.len, 0);
	arena_free(&a);
}

/* A new document: a Kind that is gone goes with its values, and so does all
 * that a bad node has signed, at once; the others' stay. */
static void documents(void **state)
{
	struct storer *s = *state;
	struct overlay *o = world_document(s->world);
	struct node_id bad = s->alice->host->signer.node_id;
	struct node_id at = s->at;
	struct stored_data v = storer_value("bob's", 1);
	struct store_kind_data k = storer_kind(USER_VALUE, 0, &v, 1);
	uint32_t n = 0;

	put(s, USER_VALUE, storer_value("a", 1));
	put(s, USER_DICT, storer_entry("k", "b", 1));
	world_resource(s->world, BOB, &s->at);
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), 0);
	s->at = at;
	for (uint32_t i = 0; i < o->kinds.n; i++)
		if (o->kinds.v[i].id != USER_DICT)
			o->kinds.v[n++] = o->kinds.v[i];
	o->kinds.n = n;
	host_configure(s->peer, o);
	world_run(s->world, SECOND_US);
	assert_int_equal(n_records(s, USER_DICT), 0);
	assert_int_equal(n_records(s, USER_VALUE), 1);
	o = world_document(s->world);
	o->bad_nodes = &bad;
	o->n_bad_nodes = 1;
	host_configure(s->peer, o);
	world_run(s->world, SECOND_US);
	assert_int_equal(n_records(s, USER_VALUE), 0);
	world_resource(s->world, BOB, &s->at);
	assert_int_equal(n_records(s, USER_VALUE), 1);
}

static uint16_t find(struct storer *s, const struct node_id *at,
		     uint32_t *kinds, uint32_t n, struct find_ans *out)
{
	struct find_req req = { .resource = id_slice(at, RING_ID_LEN),
				.kinds = { kinds, n } };
	const struct heard *h;
	struct draft d;

	draft_init(&d, s->bob, MSG_FIND_REQ);
	draft_to_resource(&d, at);
	draft_body(&d, &wire_type_find_req, &req);
	h = rogue_ask(s->bob, s->bob_link, &d);
	if (heard_error(s->bob, h) == 0)
		heard_body(s->bob, h, &wire_type_find_ans, out);
	return heard_error(s->bob, h);
}

/* 6940-7.4.4-R3: walking with R = nearest(1 + R) lists every resource;
 * 6940-7.4.4-R4: none, and unknown Kinds, are 16 zero bytes; 6940-7.4.4-R1: a
 * Kind twice is an error. */
static void find_resources(void **state)
{
	struct storer *s = *state;
	uint32_t kinds[] = { USER_VALUE, 0x4321, USER_ARRAY };
	static const uint8_t none[RING_ID_LEN];
	struct stored_data v = storer_value("bob's", 1);
	struct store_kind_data k = storer_kind(USER_VALUE, 0, &v, 1);
	struct node_id at, bob, seen;
	struct find_ans ans;
	unsigned n = 0;

	assert_int_equal(find(s, &s->at, kinds, 3, &ans), 0);
	assert_int_equal(ans.results.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(ans.results.v[i].kind, kinds[i]);
		assert_slice_equal(ans.results.v[i].closest,
				   slice_of(none, sizeof(none)));
	}
	put(s, USER_VALUE, storer_value("a", 1));
	put(s, USER_ARRAY, storer_element(0, "b", 1));
	at = s->at;
	world_resource(s->world, BOB, &bob);
	s->at = bob;
	assert_int_equal(storer_ask(s, s->bob, &k, 1, NULL), 0);
	s->at = at;
	/* The peer owns the ring from behind its own place. */
	id_next(&at, &s->peer->signer.node_id);
	for (;; n++) {
		assert_int_equal(find(s, &at, kinds, 3, &ans), 0);
		if (memcmp(ans.results.v[0].closest.p, none, sizeof(none)) == 0)
			break;
		MUST(id_from_slice(&seen, ans.results.v[0].closest));
		assert_true(id_eq(&seen, &s->at) || id_eq(&seen, &bob));
		if (n == 0)
			assert_slice_equal(ans.results.v[2].closest,
					   id_slice(&s->at, RING_ID_LEN));
		id_next(&at, &seen);
	}
	assert_int_equal(n, 2);
	assert_int_equal(find(s, &s->at, kinds, 1, &ans), 0);
	assert_slice_equal(ans.results.v[0].closest,
			   id_slice(&s->at, RING_ID_LEN));
	kinds[2] = USER_VALUE;
	assert_int_equal(find(s, &s->at, kinds, 3, &ans), INVALID);
}

/* Bodies that make no sense are refused, and harm nobody. */
static void nonsense(void **state)
{
	struct storer *s = *state;
	static const uint16_t codes[] = { MSG_STORE_REQ, MSG_FETCH_REQ,
					  MSG_STAT_REQ, MSG_FIND_REQ };
	struct slice bodies[] = {
		SLICE_LIT(""),
		SLICE_LIT("\x00\x00\x00\x00\x00\x00"),
		SLICE_LIT("\x03"
			  "abc\x00\x00\x00\x00\x00"),
		SLICE_LIT("\x10"
			  "0123456789abcdef\xff\xff\xff\xff\xff\xff"),
		SLICE_LIT("\x03"
			  "abc\x00\x00"),
		SLICE_LIT("\x03"
			  "abc\x00"),
	};
	const struct heard *h;
	struct draft d;

	for (size_t i = 0; i < N_OF(codes); i++)
		for (size_t j = 0; j < N_OF(bodies); j++) {
			draft_init(&d, s->bob, codes[i]);
			draft_to_resource(&d, &s->at);
			d.contents.message_body = bodies[j];
			h = rogue_ask(s->bob, s->bob_link, &d);
			assert_int_equal(heard_error(s->bob, h), INVALID);
		}
	put(s, USER_VALUE, storer_value("a", 1));
}

/* Sends `body` with each byte changed in three ways; every one is answered, and
 * what is stored is what alice signed or nothing. */
static void spoil(struct storer *s, uint16_t code, struct slice body)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	struct fetch_kind_response r;
	uint8_t bytes[2048];
	struct draft d;

	assert_true(body.len <= sizeof(bytes));
	for (size_t i = 0; i < body.len * N_OF(flips); i++) {
		memcpy(bytes, body.p, body.len);
		bytes[i / N_OF(flips)] ^= flips[i % N_OF(flips)];
		draft_init(&d, s->alice, code);
		draft_to_resource(&d, &s->at);
		d.contents.message_body = slice_of(bytes, body.len);
		assert_non_null(rogue_ask(s->alice, s->alice_link, &d));
	}
	assert_int_equal(storer_get(s, USER_DICT, &r), 0);
	for (uint32_t i = 0; i < r.values.n; i++)
		assert_slice_equal(r.values.v[i].value.value,
				   SLICE_LIT("signed"));
}

/* A well-formed request in which one byte is not what it was. */
static void every_byte(void **state)
{
	struct storer *s = *state;
	struct array_range ranges[] = { { 0, 3 }, { 7, ARRAY_END } };
	struct slice k[] = { SLICE_LIT("k"), SLICE_LIT("") };
	struct stored_data_specifier spec[] = {
		{ .kind = USER_DICT, .keys = { k, 2 } },
		{ .kind = USER_ARRAY, .indices = { ranges, 2 } },
		{ .kind = USER_VALUE },
	};
	struct fetch_req fetch = { .resource = id_slice(&s->at, RING_ID_LEN),
				   .specifiers = { spec, 3 } };
	uint32_t kinds[] = { USER_DICT, USER_ARRAY };
	struct find_req find = { .resource = id_slice(&s->at, RING_ID_LEN),
				 .kinds = { kinds, 2 } };
	struct stored_data v[] = { storer_entry("k", "signed", 5),
				   storer_entry("", "signed", 6) };
	struct draft d;

	draft_init(&d, s->alice, MSG_STORE_REQ);
	draft_store(&d, &s->at, USER_DICT, 0, 0, v, 2);
	spoil(s, MSG_STORE_REQ, d.contents.message_body);
	draft_body(&d, &wire_type_fetch_req, &fetch);
	spoil(s, MSG_FETCH_REQ, d.contents.message_body);
	spoil(s, MSG_STAT_REQ, d.contents.message_body);
	draft_body(&d, &wire_type_find_req, &find);
	spoil(s, MSG_FIND_REQ, d.contents.message_body);
}

int main(void)
{
#define EACH(f)                                                                \
	cmocka_unit_test_setup_teardown(f, storer_setup, storer_teardown)
	const struct CMUnitTest tests[] = {
		EACH(nothing),      EACH(ranges),         EACH(backward),
		EACH(keys),         EACH(too_large),      EACH(metadata),
		EACH(certificates), EACH(turns),          EACH(purge),
		EACH(documents),    EACH(find_resources), EACH(nonsense),
		EACH(every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
