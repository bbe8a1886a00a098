/* SPDX-License-Identifier: ISC */
/*
 * A peer's life of some thirty events in which every allocation fails once:
 * each step ends with ERR_NOMEM or goes on, and all memory is given back.
 */
#include <stdlib.h>

#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

/* Counts down to the allocation that fails; below 0: none does. */
static long countdown = -1;
static bool failed;

static bool fails(void)
{
	if (countdown < 0 || countdown-- > 0)
		return false;
	failed = true;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return fails() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return fails() ? NULL : __real_reallocarray(p, n, size);
}

/* What happens to the peer, made once and played again and again. */
enum { EVENTS_MAX = 64 };

struct story {
	struct scene s; /* for certificates and messages; no node runs there */
	struct event ev[EVENTS_MAX];
	uint64_t after_us[EVENTS_MAX]; /* since the one before */
	uint32_t n;
	uint32_t sequence;
	struct command start, ping, table, store, leave;
	struct destination to;
	struct store_item item;
};

static struct event *add(struct story *t, enum event_type type,
			 uint64_t after_us)
{
	struct event *ev = &t->ev[t->n];

	assert_true(t->n < EVENTS_MAX);
	t->after_us[t->n++] = after_us;
	ev->type = type;
	ev->link = LINK_INCOMING;
	return ev;
}

static void say(struct story *t, const struct draft *d)
{
	const struct framed_message f = { .type = FRAME_DATA,
					  .sequence = t->sequence++,
					  .message = draft_encode(d) };
	struct buf b = BUF_INIT(1 << 20);

	assert_ok(framed_message_encode(&f, &b, &t->s.w->env));
	add(t, EV_BYTES, 1000)->bytes = rogue_keep(t->s.rogue, buf_slice(&b));
	buf_clear(&b);
}

static void ask(struct story *t, uint16_t code, const struct wire_type *type,
		const void *body)
{
	struct draft d;

	draft_init(&d, t->s.rogue, code);
	draft_to_node(&d, ID_OF(t->s.peer[0]));
	draft_body(&d, type, body);
	say(t, &d);
}

static void ask_all(struct story *t)
{
	static const uint8_t probe_types[] = { 1, 2, 3 };
	const struct node_id id = scene_id(0x90);
	struct ice_candidate c = { .addr_port = t->s.rogue->host->address,
				   .overlay_link =
					   OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
				   .foundation = SLICE_LIT("1"),
				   .type = CAND_HOST };
	const struct attach_req_ans attach = { .role = SLICE_LIT("passive"),
					       .candidates = { &c, 1 } };
	const struct ping_req ping = { { 0 } };
	const struct probe_req probe = { slice_of(probe_types, 3) };
	struct node_id known = id;
	const struct chord_update update = { .type = CHORD_UPDATE_NEIGHBORS,
					     .successors = { &known, 1 } };
	const struct config_update_req config = { .type = CONFIG_UPDATE_CONFIG,
						  .config_data = SLICE_LIT(
							  "document 2") };
	const struct route_query_req query = { .destination =
						       destination_node(&id) };
	struct draft d;

	ask(t, MSG_PING_REQ, &wire_type_ping_req, &ping);
	ask(t, MSG_PROBE_REQ, &wire_type_probe_req, &probe);
	ask(t, MSG_ATTACH_REQ, &wire_type_attach_req_ans, &attach);
	ask(t, MSG_UPDATE_REQ, &wire_type_chord_update, &update);
	ask(t, MSG_CONFIG_UPDATE_REQ, &wire_type_config_update_req, &config);
	ask(t, MSG_ROUTE_QUERY_REQ, &wire_type_route_query_req, &query);
	/* To somebody else, with a fragment, for an unknown method. */
	draft_init(&d, t->s.rogue, MSG_PING_REQ);
	draft_to_node(&d, ID_OF(t->s.peer[0]));
	draft_to_node(&d, ID_OF(t->s.rogue->host));
	draft_body(&d, &wire_type_ping_req, &ping);
	say(t, &d);
	draft_init(&d, t->s.rogue, 0x23);
	draft_to_node(&d, ID_OF(t->s.peer[0]));
	say(t, &d);
	draft_init(&d, t->s.rogue, MSG_FETCH_REQ);
	draft_to_resource(&d, &id);
	draft_fetch(&d, &id, USER_VALUE);
	say(t, &d);
}

static void make_story(struct story *t)
{
	scene_make(&t->s, 1);
	t->start.type = CMD_START;
	add(t, EV_COMMAND, 0)->command = &t->start;
	for (int i = 0; i < 4; i++)
		(void)add(t, EV_TIMER, SECOND_US);
	add(t, EV_LINK_UP, 1000)->cert = t->s.rogue->host->signer.cert;
	ask_all(t);
	t->to = destination_node(ID_OF(t->s.rogue->host));
	t->ping = (struct command){ .id = 2,
				    .type = CMD_PING,
				    .destination = { &t->to, 1 } };
	add(t, EV_COMMAND, 1000)->command = &t->ping;
	t->table.type = CMD_TABLE;
	add(t, EV_COMMAND, 1000)->command = &t->table;
	t->item = (struct store_item){ .kind = USER_VALUE,
				       .exists = true,
				       .value = SLICE_LIT("v"),
				       .lifetime_s = 10 };
	t->store = (struct command){ .type = CMD_STORE,
				     .resource = *ID_OF(t->s.peer[0]),
				     .items = &t->item,
				     .n_items = 1 };
	add(t, EV_COMMAND, 1000)->command = &t->store;
	add(t, EV_CONFIG, 1000)->overlay = world_document(t->s.w);
	(void)add(t, EV_TIMER, SECOND_US);
	(void)add(t, EV_LINK_DOWN, 1000);
	(void)add(t, EV_TIMER, 20 * SECOND_US);
	t->leave.type = CMD_LEAVE;
	add(t, EV_COMMAND, 1000)->command = &t->leave;
	(void)add(t, EV_TIMER, 20 * SECOND_US);
}

/* Steps, and brings back what the effects ask for: reads that find nothing,
 * commits that go well. */
static void step(struct node *n, struct now now, const struct event *first)
{
	static const struct query_answer nothing[16];
	struct event todo[EVENTS_MAX];
	struct effect fx;
	uint32_t n_todo = 0;
	enum err r;

	todo[n_todo++] = *first;
	for (uint32_t i = 0; i < n_todo; i++) {
		r = node_step(n, now, &todo[i]);
		if (r != OK && r != ERR_NOMEM)
			fail_msg("event %d: %s", todo[i].type, err_name(r));
		while (node_poll(n, &fx)) {
			if (fx.type == FX_COMMIT)
				batch_free(fx.batch);
			if ((fx.type != FX_READ && fx.type != FX_COMMIT) ||
			    n_todo == EVENTS_MAX)
				continue;
			todo[n_todo++] = (struct event){
				.type = fx.type == FX_READ ? EV_READ
							   : EV_COMMITTED,
				.id = fx.id,
				.answers = nothing,
				.n_answers = fx.n_queries,
			};
		}
	}
}

/* False once the countdown was longer than the story. */
static bool play(struct story *t, long k)
{
	const uint8_t seed[32] = { 5 };
	struct host *h = t->s.peer[0];
	const struct node_config cfg = { .role = ROLE_PEER,
					 .first = true,
					 .overlay = t->s.w->overlay,
					 .crypto = &t->s.w->toy.crypto,
					 .signer = &h->signer,
					 .listen = h->listen,
					 .n_listen = 1 };
	struct now now = { SECOND_US, world_unix_ms(t->s.w) };
	struct node *n = NULL;
	enum err r;

	failed = false;
	countdown = k;
	r = node_new(&n, &cfg, seed);
	if (r != OK) {
		countdown = -1;
		assert_err(r, ERR_NOMEM);
		return true;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		now.mono_us += t->after_us[i];
		step(n, now, &t->ev[i]);
	}
	countdown = -1;
	node_free(n);
	return failed;
}

static void test_every_allocation(void **state)
{
	static struct story t;
	long k = 0;

	(void)state;
	make_story(&t);
	while (play(&t, k))
		k++;
	/* The story is long enough to be worth it. */
	assert_true(k > 90);
	scene_close(&t.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
