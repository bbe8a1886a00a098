/* SPDX-License-Identifier: ISC */
/*
 * What a member with a good certificate has no right to: each is refused with
 * the error of RFC 6940 or dropped without a word, counted, traced, and changes
 * nothing.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

static uint64_t count(const struct host *h, enum err r)
{
	return h->node->tally.n[r];
}

/* Sends it to a peer, which refuses it with `r` and says so. */
static void refused(struct scene *s, uint32_t link, struct host *by,
		    const struct draft *d, enum err r)
{
	uint64_t before = count(by, r);

	scene_trace_forget(by);
	assert_int_equal(heard_error(s->rogue, rogue_ask(s->rogue, link, d)),
			 err_code(r));
	assert_int_equal(count(by, r), before + 1);
	assert_true(scene_traced(by, err_name(r)));
}

/* A node that is not there, and may be named. */
static void absent(struct scene *s, uint8_t at)
{
	const struct node_id id = scene_id(at);

	(void)world_host(s->w, "absent", &id);
}

/* The neighbours of a peer, to be compared. */
struct table {
	struct node_id before, after;
};

static struct table table_of(const struct host *h)
{
	return (struct table){ h->node->ring.predecessors[0],
			       h->node->ring.successors[0] };
}

static void assert_untouched(const struct host *h, const struct table *t)
{
	const struct table is = table_of(h);

	assert_true(id_eq(&is.before, &t->before));
	assert_true(id_eq(&is.after, &t->after));
}

static void update_to(struct scene *s, struct draft *d, const struct host *to)
{
	static struct node_id ids[2];
	const struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS,
					.predecessors = { &ids[0], 1 },
					.successors = { &ids[1], 1 } };

	ids[0] = scene_id(0x7f);
	ids[1] = scene_id(0x81);
	draft_init(d, s->rogue, MSG_UPDATE_REQ);
	draft_to_node(d, ID_OF(to));
	draft_body(d, &wire_type_chord_update, &u);
}

/*
 * 6940-6.3.4-R8: an Update that does not verify is dropped.  One that does, of
 * a node that is nobody's neighbour, and with neighbours that are not there,
 * moves nothing: neither whose it is, between two peers, nor what is routed
 * where.
 */
static void forged_updates(void **state)
{
	struct table before;
	struct host *victim;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 4);
	absent(&s, 0x7f);
	absent(&s, 0x81);
	scene_start(&s);
	scene_run(&s, 5);
	victim = s.peer[2]; /* the rogue would be right before it */
	before = table_of(victim);
	update_to(&s, &d, victim);
	d.spoil_signature = true;
	scene_silence(&s, &d);
	assert_int_equal(count(victim, ERR_SIGNATURE), 1);
	assert_true(scene_traced(victim, ": SIGNATURE"));
	update_to(&s, &d, victim);
	(void)scene_answer(&s, &d, 0);
	update_to(&s, &d, s.peer[0]);
	(void)scene_answer(&s, &d, 0);
	scene_run(&s, 60);
	assert_untouched(victim, &before);
	for (uint32_t i = 0; i < s.n_peers; i++) {
		assert_false(id_eq(&s.peer[i]->node->ring.predecessors[0],
				   ID_OF(s.rogue->host)));
		assert_false(id_eq(&s.peer[i]->node->ring.successors[0],
				   ID_OF(s.rogue->host)));
	}
	scene_close(&s);
}

/* An Update with more names than any table has is refused.  One with more than
 * a ring of that size can have, of nodes that are not there: a few are tried at
 * a time. */
static void giant_updates(void **state)
{
	enum { MANY = UPDATE_NAMES_MAX, DISTINCT = 60 };
	static struct node_id ids[MANY + 1];
	const struct chord_update u = { .type = CHORD_UPDATE_NEIGHBORS,
					.predecessors = { ids, MANY },
					.successors = { ids, MANY } };
	const struct chord_update giants[] = {
		{ .type = CHORD_UPDATE_NEIGHBORS,
		  .predecessors = { ids, MANY + 1 } },
		{ .type = CHORD_UPDATE_NEIGHBORS,
		  .successors = { ids, MANY + 1 } },
		{ .type = CHORD_UPDATE_FULL, .fingers = { ids, MANY + 1 } },
	};
	struct table before;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_make(&s, 4);
	for (uint32_t i = 0; i < MANY; i++) {
		ids[i] = scene_id(0x21);
		ids[i].b[1] = (uint8_t)(i % DISTINCT);
		if (i < DISTINCT)
			(void)world_host(s.w, "absent", &ids[i]);
	}
	scene_start(&s);
	scene_run(&s, 5);
	before = table_of(s.peer[0]);
	draft_init(&d, s.rogue, MSG_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	link = rogue_attach(s.rogue, s.link, &d, false);
	assert_int_not_equal(link, 0);
	for (size_t i = 0; i < N_OF(giants); i++) {
		draft_init(&d, s.rogue, MSG_UPDATE_REQ);
		draft_to_node(&d, ID_OF(s.peer[0]));
		draft_body(&d, &wire_type_chord_update, &giants[i]);
		refused(&s, link, s.peer[0], &d, ERR_INVALID_MESSAGE);
		assert_int_equal(s.peer[0]->node->dials.n, 0);
	}
	draft_init(&d, s.rogue, MSG_UPDATE_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	draft_body(&d, &wire_type_chord_update, &u);
	assert_int_equal(heard_error(s.rogue, rogue_ask(s.rogue, link, &d)), 0);
	assert_true(s.peer[0]->node->txns.n < DISTINCT);
	scene_run(&s, 60);
	assert_untouched(s.peer[0], &before);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

/* A way longer than any message may go, and a Fetch that asks for more than an
 * answer can hold. */
static void giant_lists(void **state)
{
	enum { KEYS = 5000 };
	static struct slice keys[KEYS];
	static uint32_t names[KEYS];
	struct stored_data_specifier spec = { .kind = USER_DICT,
					      .keys = { keys, KEYS } };
	static struct destination way[DESTINATIONS_MAX + 1];
	struct node_id at = scene_id(0x10);
	struct fetch_req req = { id_slice(&at, RING_ID_LEN), { &spec, 1 } };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	for (uint32_t i = 0; i < N_OF(way); i++) {
		struct node_id id = scene_id(0x30);

		id.b[1] = (uint8_t)i;
		way[i] = i == 0 ? d.header.destination_list.v[0]
				: destination_node(&id);
	}
	d.header.destination_list = (struct destination_list){ way, N_OF(way) };
	refused(&s, s.link, s.peer[0], &d, ERR_INVALID_MESSAGE);
	draft_init(&d, s.rogue, MSG_FETCH_REQ);
	draft_to_resource(&d, &at);
	for (uint32_t i = 0; i < KEYS; i++) {
		names[i] = i;
		keys[i] = slice_of((uint8_t *)&names[i], sizeof(names[i]));
	}
	draft_body(&d, &wire_type_fetch_req, &req);
	refused(&s, s.link, s.peer[0], &d, ERR_RESPONSE_TOO_LARGE);
	scene_close(&s);
}

/* 6940-6.4.2.2-R3: a Leave for another, and one that comes by another's link.
 */
static void forged_leaves(void **state)
{
	struct leave_req leave = { .leaving_peer_id = { { 0 } } };
	struct table before;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	scene_run(&s, 5);
	before = table_of(s.peer[0]);
	leave.leaving_peer_id = *ID_OF(s.peer[1]);
	draft_init(&d, s.rogue, MSG_LEAVE_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	draft_body(&d, &wire_type_leave_req, &leave);
	refused(&s, s.link, s.peer[0], &d, ERR_FORBIDDEN);
	leave.leaving_peer_id = *ID_OF(s.rogue->host);
	draft_init(&d, s.rogue, MSG_LEAVE_REQ);
	draft_to_node(&d, ID_OF(s.peer[2]));
	draft_body(&d, &wire_type_leave_req, &leave);
	refused(&s, s.link, s.peer[2], &d, ERR_FORBIDDEN);
	scene_run(&s, 5);
	assert_untouched(s.peer[0], &before);
	scene_close(&s);
}

/* 6940-6.4.2.1-R2: a Join for another's Node-ID, and for the own without a link
 * of its own. */
static void forged_joins(void **state)
{
	struct join_req join = { .joining_peer_id = { { 0 } } };
	struct table before;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	scene_run(&s, 5);
	before = table_of(s.peer[2]);
	join.joining_peer_id = *ID_OF(s.peer[1]);
	draft_init(&d, s.rogue, MSG_JOIN_REQ);
	draft_to_node(&d, ID_OF(s.peer[2]));
	draft_body(&d, &wire_type_join_req, &join);
	refused(&s, s.link, s.peer[2], &d, ERR_FORBIDDEN);
	join.joining_peer_id = *ID_OF(s.rogue->host);
	draft_init(&d, s.rogue, MSG_JOIN_REQ);
	draft_to_node(&d, ID_OF(s.peer[2]));
	draft_body(&d, &wire_type_join_req, &join);
	refused(&s, s.link, s.peer[2], &d, ERR_FORBIDDEN);
	scene_run(&s, 20);
	assert_untouched(s.peer[2], &before);
	scene_close(&s);
}

/* Where the rogue may store, and a value of its own. */
static struct stored_data own_value(struct scene *s, struct node_id *at)
{
	const struct signer *by = &s->rogue->host->signer;
	struct stored_data v = { .lifetime = 3600,
				 .value = { .exists = true,
					    .value = SLICE_LIT("x") } };

	assert_ok(node_resource_id(s->peer[0]->node, slice_str(by->cert->user),
				   at));
	v.storage_time = world_unix_ms(s->w);
	rogue_sign_value(s->rogue, by, at, USER_VALUE, &v);
	return v;
}

/* 6940-7.4.1.1-R9: copies come from predecessors alone, even good values. */
static void strange_copies(void **state)
{
	struct stored_data v;
	struct node_id at;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 4);
	scene_run(&s, 5);
	v = own_value(&s, &at);
	for (uint32_t i = 0; i < s.n_peers; i++)
		for (uint8_t replica = 1; replica <= 2; replica++) {
			draft_init(&d, s.rogue, MSG_STORE_REQ);
			draft_store(&d, &at, USER_VALUE, 1, replica, &v, 1);
			draft_to_node(&d, ID_OF(s.peer[i]));
			refused(&s, s.link, s.peer[i], &d, ERR_FORBIDDEN);
		}
	scene_close(&s);
}

/* 6940-7.4.1.1-R10: a counter that is not the stored one, and what an older
 * value may not do. */
static void stale_generations(void **state)
{
	struct stored_data v, older;
	struct node_id at;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	v = own_value(&s, &at);
	older = v;
	older.storage_time--;
	rogue_sign_value(s.rogue, &s.rogue->host->signer, &at, USER_VALUE,
			 &older);
	draft_init(&d, s.rogue, MSG_STORE_REQ);
	draft_store(&d, &at, USER_VALUE, 0, 0, &v, 1);
	draft_to_resource(&d, &at);
	(void)scene_answer(&s, &d, 0);
	for (uint64_t stale = 2; stale < 6; stale++) {
		draft_init(&d, s.rogue, MSG_STORE_REQ);
		draft_store(&d, &at, USER_VALUE, stale, 0, &v, 1);
		draft_to_resource(&d, &at);
		refused(&s, s.link, s.peer[0], &d,
			ERR_GENERATION_COUNTER_TOO_LOW);
	}
	draft_init(&d, s.rogue, MSG_STORE_REQ);
	draft_store(&d, &at, USER_VALUE, 0, 0, &older, 1);
	draft_to_resource(&d, &at);
	refused(&s, s.link, s.peer[0], &d, ERR_DATA_TOO_OLD);
	scene_close(&s);
}

/* More pieces of messages than are kept: those that are too many are dropped,
 * and what is whole is still answered. */
static void fragment_flood(void **state)
{
	enum { FLOOD = 500 };
	static uint8_t bytes[1000];
	struct packet p;
	struct slice whole;
	struct buf piece = BUF_INIT(UINT16_MAX);
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (uint32_t i = 0; i < FLOOD; i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		whole = draft_encode(&d);
		assert_ok(packet_decode(&p, whole, &s.rogue->arena, &s.w->env));
		p.header.fragment = FRAGMENT_MARK | 4000;
		p.payload = slice_of(bytes, sizeof(bytes));
		buf_reset(&piece);
		assert_ok(packet_encode(&p, &piece, &s.w->env));
		rogue_frame(s.rogue, s.link,
			    rogue_keep(s.rogue, buf_slice(&piece)));
	}
	scene_run(&s, 1);
	assert_int_equal(count(s.peer[0], ERR_FULL),
			 FLOOD - s.peer[0]->node->reassemblies.n);
	assert_true(s.peer[0]->node->reassemblies.n <= REASSEMBLIES_MAX);
	assert_true(scene_traced(s.peer[0], " make room"));
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	buf_clear(&piece);
	scene_close(&s);
}

/* ACKs of what was never sent, thousands at once: nothing is sent for them. */
static void ack_storm(void **state)
{
	enum { STORM = 5000 };
	struct buf b = BUF_INIT(1 << 20);
	struct framed_message f = { .type = FRAME_ACK, .received = UINT32_MAX };
	struct scene s;
	struct draft d;
	uint64_t sent;

	(void)state;
	scene_open(&s, 2);
	scene_run(&s, 1);
	s.rogue->no_acks = true; /* something waits to be acknowledged */
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	for (uint32_t i = 0; i < STORM; i++) {
		f.ack_sequence = UINT32_C(0x70000000) + i;
		assert_ok(framed_message_encode(&f, &b, &s.w->env));
	}
	sent = rogue_link(s.rogue, s.link)->n_acks;
	rogue_bytes(s.rogue, s.link, rogue_keep(s.rogue, buf_slice(&b)));
	scene_run(&s, 0.2);
	assert_int_equal(count(s.peer[0], ERR_INVALID_MESSAGE), STORM);
	assert_int_equal(rogue_link(s.rogue, s.link)->n_acks, sent);
	assert_true(scene_traced(s.peer[0], ", not sent"));
	s.rogue->no_acks = false;
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	(void)scene_answer(&s, &d, 0);
	buf_clear(&b);
	scene_close(&s);
}

static void write_line(void *ctx, enum log_level level, const char *line)
{
	(void)level;
	assert_ok(buf_printf(ctx, "%s\n", line));
}

/* What was counted is in the log, a minute at most after it happened. */
static void logged(void **state)
{
	static const char line[] = "\nrefused so far: FORBIDDEN 2\n";
	struct buf lines = BUF_INIT(1 << 20);
	const struct log_sink sink = { write_line, &lines, LOG_DEBUG };
	struct leave_req leave = { .leaving_peer_id = { { 0 } } };
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	s.peer[0]->cfg.log = &sink;
	scene_start(&s);
	leave.leaving_peer_id = scene_id(0x33);
	for (int i = 0; i < 2; i++) {
		draft_init(&d, s.rogue, MSG_LEAVE_REQ);
		draft_to_node(&d, ID_OF(s.peer[0]));
		draft_body(&d, &wire_type_leave_req, &leave);
		refused(&s, s.link, s.peer[0], &d, ERR_FORBIDDEN);
	}
	assert_null(memmem(lines.p, lines.len, line, strlen(line)));
	scene_run(&s, 60);
	assert_non_null(memmem(lines.p, lines.len, line, strlen(line)));
	buf_reset(&lines);
	scene_run(&s, 200);
	assert_null(memmem(lines.p, lines.len, "refused so far", 14));
	scene_close(&s);
	buf_clear(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forged_updates),
		cmocka_unit_test(giant_updates),
		cmocka_unit_test(giant_lists),
		cmocka_unit_test(forged_leaves),
		cmocka_unit_test(forged_joins),
		cmocka_unit_test(strange_copies),
		cmocka_unit_test(stale_generations),
		cmocka_unit_test(fragment_flood),
		cmocka_unit_test(ack_storm),
		cmocka_unit_test(logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
