/* SPDX-License-Identifier: ISC */
/*
 * Store, Fetch, Stat and Find as commands: towards an honest peer, and towards
 * mallory, who answers whatever it likes.  RFC 6940 s7.
 */
#include "unit.h"

#include <stdlib.h>

#include "../sim/rogue.h"
#include "core/state.h"

#define CAROL "carol@sim.example.org"

static struct world *w;
static struct host *peer, *carol;
static struct rogue *mallory;
static struct node_id at; /* H(carol's name) */
static struct slice blocks_xml = { (const uint8_t *)"<kind-block/>", 13 };
static struct kind_block blocks[1];

static bool settled(struct world *unused, void *ctx)
{
	const struct host *h = ctx;

	(void)unused;
	return h->state == STATE_JOINED || h->state == STATE_CLIENT;
}

/* A client of an honest peer, which alone owns the ring. */
static int honest(void **state)
{
	(void)state;
	w = world_new(&(struct world_options){ .seed = 7 });
	peer = world_host(w, "peer@sim.example.org", NULL);
	carol = world_host(w, CAROL, NULL);
	world_resource(w, CAROL, &at);
	host_start(peer, ROLE_PEER, true);
	assert_true(world_run_until(w, settled, peer, 60 * SECOND_US));
	host_start(carol, ROLE_CLIENT, false);
	assert_true(world_run_until(w, settled, carol, 60 * SECOND_US));
	return 0;
}

/* A client of mallory. */
static int rogue(void **state)
{
	(void)state;
	w = world_new(&(struct world_options){ .seed = 8 });
	blocks[0].kind = USER_VALUE;
	blocks[0].xml = blocks_xml;
	w->overlay->kind_blocks = blocks;
	w->overlay->n_kind_blocks = 1;
	carol = world_host(w, CAROL, NULL);
	carol->tracing = true;
	mallory = rogue_new(w, "mallory@sim.example.org", NULL);
	world_resource(w, CAROL, &at);
	host_start_at(carol, ROLE_CLIENT, mallory->host);
	assert_true(world_run_until(w, settled, carol, 60 * SECOND_US));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rogue_free(mallory);
	mallory = NULL;
	world_free(w);
	return 0;
}

static struct store_item item(uint32_t kind, const char *text)
{
	return (struct store_item){ .kind = kind,
				    .exists = true,
				    .value = slice_str(text),
				    .lifetime_s = 3600 };
}

static const struct outcome *store(struct store_item *items, size_t n)
{
	struct command c = {
		.type = CMD_STORE, .resource = at, .items = items, .n_items = n
	};

	return host_do(carol, &c);
}

static struct command fetch_of(struct stored_data_specifier *spec)
{
	return (struct command){ .type = CMD_FETCH,
				 .resource = at,
				 .specifiers = spec,
				 .n_specifiers = 1 };
}

static const struct stored_data *fetched(uint32_t kind)
{
	struct stored_data_specifier spec = { .kind = kind };
	struct command c = fetch_of(&spec);
	const struct outcome *o = host_do(carol, &c);

	assert_non_null(o);
	assert_ok(o->result.err);
	assert_int_equal(o->result.fetch->kind_responses.v[0].values.n, 1);
	return &o->result.fetch->kind_responses.v[0].values.v[0];
}

/* 6940-13.5-R1: what is stored is signed, and comes back with who signed it. */
static void round_trip(void **state)
{
	struct store_item items[] = { item(USER_VALUE, "v"),
				      item(USER_DICT, "d1"),
				      item(USER_ARRAY, "a"),
				      item(USER_DICT, "d2") };
	struct array_range all = { 0, ARRAY_END };
	struct stored_data_specifier spec[] = {
		{ .kind = USER_DICT },
		{ .kind = USER_ARRAY, .indices = { &all, 1 } },
	};
	struct command c = { .type = CMD_FETCH,
			     .resource = at,
			     .specifiers = spec,
			     .n_specifiers = 2 };
	const struct fetch_kind_response *kr;
	const struct outcome *o;

	(void)state;
	items[1].key = SLICE_LIT("1");
	items[3].key = SLICE_LIT("2");
	items[2].index = ARRAY_END;
	o = store(items, 4);
	assert_ok(o->result.err);
	assert_int_equal(o->result.store->kind_responses.n, 3);
	assert_int_equal(o->result.store->kind_responses.v[1].kind, USER_DICT);
	assert_true(id_eq(&o->result.responder, &peer->signer.node_id));
	o = host_do(carol, &c);
	assert_ok(o->result.err);
	assert_false(o->result.partial);
	kr = o->result.fetch->kind_responses.v;
	assert_int_equal(kr[0].values.n, 2);
	assert_slice_equal(kr[0].values.v[1].value.value, SLICE_LIT("d2"));
	assert_int_equal(kr[1].values.n, 1);
	/* 6940-7.4.2.2-D4: signed with index 0, served with the real one. */
	assert_int_equal(kr[1].values.v[0].value.index, 0);
	assert_string_equal(o->result.signers[0][1].user, CAROL);
	assert_true(id_eq(&o->result.signers[1][0].node_id,
			  &carol->signer.node_id));
	c.type = CMD_STAT;
	o = host_do(carol, &c);
	assert_ok(o->result.err);
	assert_int_equal(o->result.stat->kind_responses.v[0].values.n, 2);
}

/* 6940-7-R2: a Store that is too old is tried again above the stored time,
 * once, and not where a generation is given. */
static void too_old(void **state)
{
	struct store_item first = item(USER_VALUE, "from the future");
	struct store_item again = item(USER_VALUE, "now");
	uint64_t ahead = world_unix_ms(w) + 3600 * 1000;
	const struct stored_data *d;

	(void)state;
	first.storage_time = ahead;
	assert_ok(store(&first, 1)->result.err);
	assert_ok(store(&again, 1)->result.err);
	d = fetched(USER_VALUE);
	assert_slice_equal(d->value.value, SLICE_LIT("now"));
	assert_int_equal(d->storage_time, ahead + 1);
	again.storage_time = ahead;
	assert_err(store(&again, 1)->result.err, ERR_DATA_TOO_OLD);
	again.storage_time = 0;
	again.generation = 2;
	assert_err(store(&again, 1)->result.err, ERR_DATA_TOO_OLD);
	assert_int_equal(fetched(USER_VALUE)->storage_time, ahead + 1);
	/* Of a dictionary, only the key at hand counts. */
	first = item(USER_DICT, "a");
	first.key = SLICE_LIT("a");
	first.storage_time = ahead;
	assert_ok(store(&first, 1)->result.err);
	again = item(USER_DICT, "b");
	again.key = SLICE_LIT("a");
	assert_ok(store(&again, 1)->result.err);
	assert_int_equal(fetched(USER_DICT)->storage_time, ahead + 1);
}

/* 6940-7.4.1.2-R2: who is refused for a counter learns the right ones. */
static void counters(void **state)
{
	struct store_item it = item(USER_VALUE, "a");
	const struct outcome *o;

	(void)state;
	assert_ok(store(&it, 1)->result.err);
	it.generation = 5;
	o = store(&it, 1);
	assert_err(o->result.err, ERR_GENERATION_COUNTER_TOO_LOW);
	assert_non_null(o->result.store);
	assert_int_equal(
		o->result.store->kind_responses.v[0].generation_counter, 1);
	assert_int_equal(o->result.info.len, 0);
	it.generation = 1;
	assert_ok(store(&it, 1)->result.err);
}

/* Refusals keep the other side's words; what cannot be asked is not sent. */
static void refusals(void **state)
{
	struct store_item it = item(USER_VALUE, "a");
	struct stored_data_specifier spec = { .kind = 0x77 };
	struct command c = fetch_of(&spec);
	struct node_id mine = at;
	const struct outcome *o;
	uint64_t frames;

	(void)state;
	world_resource(w, "dave@sim.example.org", &at);
	o = store(&it, 1);
	assert_err(o->result.err, ERR_FORBIDDEN);
	assert_non_null(memmem(o->result.info.p, o->result.info.len,
			       "carol@sim.example.org", 21));
	at = mine;
	frames = w->net.n_frames;
	it.kind = 0x77;
	assert_err(store(&it, 1)->result.err, ERR_UNKNOWN_KIND);
	assert_err(host_do(carol, &c)->result.err, ERR_UNKNOWN_KIND);
	assert_err(store(NULL, 0)->result.err, ERR_USAGE);
	/* 7904-3.3-R1: an AOR that the overlay does not admit. */
	w->overlay->domain_restriction = DOMAIN_PATTERNS;
	it = item(KIND_SIP_REGISTRATION, "");
	it.key = id_slice(&carol->signer.node_id, RING_ID_LEN);
	assert_err(store(&it, 1)->result.err, ERR_FORBIDDEN);
	assert_int_equal(w->net.n_frames, frames);
	w->overlay->domain_restriction = DOMAIN_ANY;
	assert_ok(store(&it, 1)->result.err);
}

/* A certificate as CERTIFICATE_BY_NODE or _BY_USER. */
static enum err publish(uint32_t kind, const struct node_id *resource)
{
	struct store_item it = { .kind = kind,
				 .index = ARRAY_END,
				 .exists = true,
				 .value = carol->signer.cert->der,
				 .lifetime_s = 3600 };
	struct command c = { .type = CMD_STORE,
			     .resource = *resource,
			     .items = &it,
			     .n_items = 1 };

	return host_do(carol, &c)->result.err;
}

/* 6940-8-D2: certificates stand at the end of the arrays under one's name and
 * Node-ID, the renewed one behind the old; nobody writes another's. */
static void certificates(void **state)
{
	struct array_range all = { 0, ARRAY_END };
	struct stored_data_specifier spec = { .kind = KIND_CERTIFICATE_BY_NODE,
					      .indices = { &all, 1 } };
	struct command c = fetch_of(&spec);
	struct node_id by_node, other;
	const struct stored_data_list *l;
	const struct outcome *o;

	(void)state;
	MUST(node_resource_id(carol->node,
			      id_slice(&carol->signer.node_id, RING_ID_LEN),
			      &by_node));
	MUST(node_resource_id(carol->node,
			      id_slice(&peer->signer.node_id, RING_ID_LEN),
			      &other));
	assert_ok(publish(KIND_CERTIFICATE_BY_USER, &at));
	assert_ok(publish(KIND_CERTIFICATE_BY_NODE, &by_node));
	assert_ok(publish(KIND_CERTIFICATE_BY_NODE, &by_node));
	assert_err(publish(KIND_CERTIFICATE_BY_NODE, &other), ERR_FORBIDDEN);
	assert_err(publish(KIND_CERTIFICATE_BY_NODE, &at), ERR_FORBIDDEN);
	assert_err(publish(KIND_CERTIFICATE_BY_USER, &by_node), ERR_FORBIDDEN);
	c.resource = by_node;
	o = host_do(carol, &c);
	assert_ok(o->result.err);
	l = &o->result.fetch->kind_responses.v[0].values;
	assert_int_equal(l->n, 2);
	assert_int_equal(l->v[1].value.index, 1);
	assert_slice_equal(l->v[1].value.value, carol->signer.cert->der);
}

static void find(void **state)
{
	struct store_item it = item(USER_VALUE, "a");
	uint32_t kinds[] = { USER_VALUE, USER_DICT };
	struct command c = {
		.type = CMD_FIND, .resource = at, .kinds = kinds, .n_kinds = 2
	};
	const struct outcome *o;

	(void)state;
	assert_ok(store(&it, 1)->result.err);
	o = host_do(carol, &c);
	assert_ok(o->result.err);
	assert_int_equal(o->result.find->results.n, 2);
	assert_slice_equal(o->result.find->results.v[0].closest,
			   id_slice(&at, RING_ID_LEN));
}

/* ---- mallory ---- */

/* Gives carol a command; what mallory hears of it. */
static const struct heard *ask(struct command *c, uint16_t code, uint64_t *id)
{
	const struct heard *h;

	*id = host_command(carol, c);
	h = rogue_hear(mallory, code, 60 * SECOND_US);
	assert_non_null(h);
	return h;
}

static bool ended(struct world *unused, void *ctx)
{
	(void)unused;
	return world_outcome(w, *(uint64_t *)ctx) != NULL;
}

static const struct outcome *outcome_of(uint64_t id)
{
	assert_true(world_run_until(w, ended, &id, 60 * SECOND_US));
	return world_outcome(w, id);
}

static struct stored_data value(const struct signer *s, const char *key,
				const char *text)
{
	struct stored_data v = { .storage_time = world_unix_ms(w),
				 .lifetime = 3600,
				 .value = { .key = slice_str(key),
					    .exists = true,
					    .value = slice_str(text) } };

	rogue_sign_value(mallory, s, &at, USER_DICT, &v);
	return v;
}

/* 6940-5.1-D1 6940-7.4.2.2-R3: every value that does not verify is discarded,
 * also one of an expired certificate and one whose signer may not write there;
 * the others are delivered and the result says that it is partial. */
static void discarded(void **state)
{
	struct stored_data_specifier spec = { .kind = USER_DICT };
	struct command c = fetch_of(&spec);
	struct node_id ids[] = { carol->signer.node_id };
	struct toy_spec certificate = { .issuer = TOY_CA,
					.key = 99,
					.user = CAROL,
					.node_ids = ids,
					.n_node_ids = 1 };
	struct signer old, foreign, unknown;
	struct stored_data v[9];
	struct fetch_kind_response kr = { .kind = USER_DICT,
					  .generation = 4,
					  .values = { v, N_OF(v) } };
	struct fetch_ans ans = { { &kr, 1 } };
	const struct stored_data_list *l;
	const struct outcome *o;
	const struct heard *h;
	struct draft d;
	uint64_t id;

	(void)state;
	certificate.not_after_ms = world_unix_ms(w) - 1000;
	MUST(toy_signer_init(&w->toy, &certificate, &old));
	certificate.not_after_ms = world_unix_ms(w) + 1000000;
	MUST(toy_signer_init(&w->toy, &certificate, &unknown));
	certificate.issuer = TOY_FOREIGN;
	MUST(toy_signer_init(&w->toy, &certificate, &foreign));
	h = ask(&c, MSG_FETCH_REQ, &id);
	v[0] = value(&carol->signer, "0", "good");
	v[1] = value(&carol->signer, "1", "flipped");
	v[1].value.value = SLICE_LIT("Flipped");
	v[2] = value(&old, "2", "expired");
	v[3] = value(&foreign, "3", "another authority");
	v[4] = value(&mallory->host->signer, "4", "not hers to write");
	v[5] = value(&unknown, "5", "whose certificate?");
	v[6] = value(&carol->signer, "6", "other key");
	v[6].value.key = SLICE_LIT("7");
	v[7] = v[0];
	v[7].value.key = SLICE_LIT("x");
	signature_set_none(&v[7].signature); /* and yet it exists */
	v[8] = value(&carol->signer, "9", "last");
	draft_answer(&d, mallory, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	d.certs[d.n_certs++] = carol->signer.cert;
	d.certs[d.n_certs++] = old.cert;
	d.certs[d.n_certs++] = foreign.cert;
	rogue_send(mallory, h->link, &d);
	o = outcome_of(id);
	assert_ok(o->result.err);
	assert_true(o->result.partial);
	l = &o->result.fetch->kind_responses.v[0].values;
	assert_int_equal(l->n, 2);
	assert_slice_equal(l->v[0].value.value, SLICE_LIT("good"));
	assert_slice_equal(l->v[1].value.value, SLICE_LIT("last"));
	assert_string_equal(o->result.signers[0][1].user, CAROL);
	toy_signer_clear(&w->toy, &old);
	toy_signer_clear(&w->toy, &foreign);
	toy_signer_clear(&w->toy, &unknown);
}

/* Good values of a Kind, a key or an index that was not asked for are no answer
 * to what was; neither is a Kind twice, or a second single value. */
static void not_asked_for(void **state)
{
	struct slice key = SLICE_LIT("mine");
	struct stored_data_specifier spec[] = {
		{ .kind = USER_DICT, .keys = { &key, 1 } },
		{ .kind = USER_VALUE },
	};
	struct command c = fetch_of(spec);
	struct stored_data dict[2], single[2], array;
	struct fetch_kind_response kr[] = {
		{ .kind = USER_DICT, .values = { dict, 2 } },
		{ .kind = USER_VALUE, .values = { single, 2 } },
		{ .kind = USER_ARRAY, .values = { &array, 1 } },
		{ .kind = USER_VALUE, .values = { single, 1 } },
	};
	static const uint32_t left[] = { 1, 1, 0, 0 };
	struct fetch_ans ans = { { kr, N_OF(kr) } };
	const struct fetch_kind_response *got;
	const struct outcome *o;
	const struct heard *h;
	struct draft d;
	uint64_t id;

	(void)state;
	c.n_specifiers = N_OF(spec);
	h = ask(&c, MSG_FETCH_REQ, &id);
	dict[0] = value(&carol->signer, "other", "another key");
	dict[1] = value(&carol->signer, "mine", "asked for");
	single[0] = single[1] = array = value(&carol->signer, "", "one");
	rogue_sign_value(mallory, &carol->signer, &at, USER_VALUE, &single[0]);
	single[1].storage_time--;
	rogue_sign_value(mallory, &carol->signer, &at, USER_VALUE, &single[1]);
	rogue_sign_value(mallory, &carol->signer, &at, USER_ARRAY, &array);
	draft_answer(&d, mallory, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	d.certs[d.n_certs++] = carol->signer.cert;
	rogue_send(mallory, h->link, &d);
	o = outcome_of(id);
	assert_ok(o->result.err);
	assert_true(o->result.partial);
	got = o->result.fetch->kind_responses.v;
	for (size_t i = 0; i < N_OF(left); i++)
		assert_int_equal(got[i].values.n, left[i]);
	assert_slice_equal(got[0].values.v[0].value.value,
			   SLICE_LIT("asked for"));
	assert_int_equal(got[1].values.v[0].storage_time,
			 single[0].storage_time);
}

/* Fetches a value of this age, and says whether that was a rollback. */
static bool rolled_back(const char *key, uint64_t storage_time)
{
	struct stored_data_specifier spec = { .kind = USER_DICT };
	struct command c = fetch_of(&spec);
	struct stored_data v = value(&carol->signer, key, "text");
	struct fetch_kind_response kr = { .kind = USER_DICT,
					  .values = { &v, 1 } };
	struct fetch_ans ans = { { &kr, 1 } };
	const struct outcome *o;
	const struct heard *h;
	struct slice trace;
	struct draft d;
	uint64_t id;

	v.storage_time = storage_time;
	rogue_sign_value(mallory, &carol->signer, &at, USER_DICT, &v);
	buf_reset(&carol->trace);
	h = ask(&c, MSG_FETCH_REQ, &id);
	draft_answer(&d, mallory, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	d.certs[d.n_certs++] = carol->signer.cert;
	rogue_send(mallory, h->link, &d);
	o = outcome_of(id);
	assert_ok(o->result.err);
	assert_int_equal(o->result.fetch->kind_responses.v[0].values.n, 1);
	trace = buf_slice(&carol->trace);
	return memmem(trace.p, trace.len, "rollback at", 11) != NULL;
}

/* 6940-13.5-D4: a value that is older than it was before is noticed; another
 * key's is another value. */
static void rollback(void **state)
{
	uint64_t t = world_unix_ms(w);

	(void)state;
	assert_false(rolled_back("a", t));
	assert_false(rolled_back("a", t));
	assert_false(rolled_back("b", t - 1));
	assert_false(rolled_back("a", t + 1));
	assert_true(rolled_back("a", t));
	assert_true(rolled_back("a", t));
	assert_false(rolled_back("a", t + 1));
	assert_true(rolled_back("b", t - 2));
	assert_true(rolled_back("a", t - 5));
}

/* What does not exist and is signed by nobody is no partial answer. */
static void synthetic(void **state)
{
	struct stored_data_specifier spec = { .kind = USER_VALUE };
	struct command c = fetch_of(&spec);
	struct stored_data v = { 0 };
	struct fetch_kind_response kr = { .kind = USER_VALUE,
					  .values = { &v, 1 } };
	struct fetch_ans ans = { { &kr, 1 } };
	const struct outcome *o;
	const struct heard *h;
	struct draft d;
	uint64_t id;

	(void)state;
	signature_set_none(&v.signature);
	h = ask(&c, MSG_FETCH_REQ, &id);
	draft_answer(&d, mallory, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	rogue_send(mallory, h->link, &d);
	o = outcome_of(id);
	assert_ok(o->result.err);
	assert_false(o->result.partial);
	assert_int_equal(o->result.fetch->kind_responses.v[0].values.n, 1);
	assert_string_equal(o->result.signers[0][0].user, "");
}

static void send_error(const struct heard *h, uint16_t code, struct slice info)
{
	struct error_response e = { code, info };
	struct draft d;

	draft_answer(&d, mallory, h, MSG_ERROR);
	draft_body(&d, &wire_type_error_response, &e);
	rogue_send(mallory, h->link, &d);
}

/* 6940-7.4.1.2-R5: a node that does not know a Kind of the document is sent its
 * definition, and asked once more. */
static void taught(void **state)
{
	struct stored_data_specifier spec = { .kind = USER_VALUE };
	struct command c = fetch_of(&spec);
	struct slice info = SLICE_LIT("\x08\xf0\0\0\x01\xf0\0\0\x7f");
	struct config_update_req update;
	struct empty nothing = { 0 };
	const struct heard *h;
	struct draft d;
	uint64_t id;

	(void)state;
	h = ask(&c, MSG_FETCH_REQ, &id);
	send_error(h, 12, info);
	h = rogue_hear(mallory, MSG_CONFIG_UPDATE_REQ, 60 * SECOND_US);
	assert_non_null(h);
	heard_body(mallory, h, &wire_type_config_update_req, &update);
	assert_int_equal(update.type, CONFIG_UPDATE_KIND);
	assert_int_equal(update.kinds.n, 1);
	assert_slice_equal(update.kinds.v[0], blocks_xml);
	draft_answer(&d, mallory, h, MSG_CONFIG_UPDATE_ANS);
	draft_body(&d, &wire_type_empty, &nothing);
	rogue_send(mallory, h->link, &d);
	h = rogue_hear(mallory, MSG_FETCH_REQ, 60 * SECOND_US);
	assert_non_null(h);
	/* It is not sent for ever. */
	send_error(h, 12, info);
	assert_err(outcome_of(id)->result.err, ERR_UNKNOWN_KIND);
	/* Kinds that the document does not define. */
	h = ask(&c, MSG_FETCH_REQ, &id);
	send_error(h, 12, SLICE_LIT("\x04\xf0\0\0\x7f"));
	assert_err(outcome_of(id)->result.err, ERR_UNKNOWN_KIND);
	h = ask(&c, MSG_FETCH_REQ, &id);
	send_error(h, 12, SLICE_LIT("nonsense"));
	assert_err(outcome_of(id)->result.err, ERR_UNKNOWN_KIND);
}

/* Too old, and what is there does not verify or goes on being newer: one more
 * try and no other. */
static void too_old_twice(void **state)
{
	struct store_item it = item(USER_DICT, "a");
	struct command c = {
		.type = CMD_STORE, .resource = at, .items = &it, .n_items = 1
	};
	struct stored_data v[2];
	struct fetch_kind_response kr = { .kind = USER_DICT,
					  .values = { v, 2 } };
	struct fetch_ans ans = { { &kr, 1 } };
	struct store_req req;
	uint64_t id, later = world_unix_ms(w) + 5000000;
	const struct heard *h;
	struct draft d;

	(void)state;
	it.key = SLICE_LIT("k");
	h = ask(&c, MSG_STORE_REQ, &id);
	send_error(h, 9, SLICE_LIT("too old"));
	h = rogue_hear(mallory, MSG_FETCH_REQ, 60 * SECOND_US);
	assert_non_null(h);
	v[0] = value(&carol->signer, "k", "there");
	v[0].storage_time = later;
	rogue_sign_value(mallory, &carol->signer, &at, USER_DICT, &v[0]);
	v[1] = v[0]; /* a lie about the time */
	v[1].storage_time = later + 1000000;
	draft_answer(&d, mallory, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	d.certs[d.n_certs++] = carol->signer.cert;
	rogue_send(mallory, h->link, &d);
	h = rogue_hear(mallory, MSG_STORE_REQ, 60 * SECOND_US);
	assert_non_null(h);
	heard_body(mallory, h, &wire_type_store_req, &req);
	assert_int_equal(req.kind_data.v[0].values.v[0].storage_time,
			 later + 1);
	send_error(h, 9, SLICE_LIT("still too old"));
	assert_err(outcome_of(id)->result.err, ERR_DATA_TOO_OLD);
	assert_slice_equal(outcome_of(id)->result.info,
			   SLICE_LIT("still too old"));
}

/* Answers that do not decode end the command. */
static void garbage(void **state)
{
	static const struct {
		enum command_type type;
		uint16_t code;
	} cases[] = {
		{ CMD_STORE, MSG_STORE_REQ },
		{ CMD_FETCH, MSG_FETCH_REQ },
		{ CMD_STAT, MSG_STAT_REQ },
		{ CMD_FIND, MSG_FIND_REQ },
	};
	struct store_item it = item(USER_VALUE, "a");
	struct stored_data_specifier spec = { .kind = USER_VALUE };
	uint32_t kind = USER_VALUE;
	struct command c = { .resource = at,
			     .items = &it,
			     .n_items = 1,
			     .specifiers = &spec,
			     .n_specifiers = 1,
			     .kinds = &kind,
			     .n_kinds = 1 };
	const struct outcome *o;
	const struct heard *h;
	struct draft d;
	uint64_t id;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		c.type = cases[i].type;
		h = ask(&c, cases[i].code, &id);
		draft_answer(&d, mallory, h, (uint16_t)(cases[i].code + 1));
		d.contents.message_body = SLICE_LIT("\xff\xff\xff\xff!");
		rogue_send(mallory, h->link, &d);
		o = outcome_of(id);
		assert_int_equal(err_exit(o->result.err), 76);
	}
}

int main(void)
{
#define HONEST(f) cmocka_unit_test_setup_teardown(f, honest, teardown)
#define ROGUE(f)  cmocka_unit_test_setup_teardown(f, rogue, teardown)
	const struct CMUnitTest tests[] = {
		HONEST(round_trip), HONEST(too_old),      HONEST(counters),
		HONEST(refusals),   HONEST(find),         HONEST(certificates),
		ROGUE(discarded),   ROGUE(not_asked_for), ROGUE(synthetic),
		ROGUE(rollback),    ROGUE(taught),        ROGUE(too_old_twice),
		ROGUE(garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
