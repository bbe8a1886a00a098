/* SPDX-License-Identifier: ISC */
/* Storing in a ring: who is asked, who keeps copies, who may bring them.  RFC
 * 6940 s7.4.1.1, s10.4. */
#include "unit.h"

#include <stdlib.h>

#include "../sim/rogue.h"

#define ALICE "alice@sim.example.org"

#define FORBIDDEN 2
#define NOT_FOUND 3
#define TOO_OLD   9
#define INVALID   20

static struct world *w;
static struct rogue *alice;
static struct node_id at;
static struct host *owner, *next[4]; /* clockwise */
static uint32_t way;                 /* alice's link to the last of them */

static int setup(void **state)
{
	struct node_id far;

	(void)state;
	w = world_new(&(struct world_options){ .seed = 21 });
	world_ring(w, 5);
	world_run(w, 60 * SECOND_US);
	world_resource(w, ALICE, &at);
	owner = world_owner(w, &at);
	for (uint32_t i = 0; i < 4; i++)
		next[i] = world_successor(w, owner, i + 1);
	/* Who is near is a plausible replica, s7.4.1.1: alice is not. */
	id_next(&far, &next[2]->signer.node_id);
	alice = rogue_new(w, ALICE, &far);
	way = rogue_connect(alice, next[3]);
	assert_true(way != 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rogue_free(alice);
	world_free(w);
	return 0;
}

static struct stored_data value(const char *text)
{
	return (struct stored_data){ .storage_time = world_unix_ms(w),
				     .lifetime = 3600,
				     .value = { .exists = true,
						.value = slice_str(text) } };
}

static uint16_t code_of(const struct draft *d)
{
	const struct heard *h = rogue_ask(alice, way, d);

	assert_non_null(h);
	return heard_error(alice, h);
}

/* Stores for alice; who has a copy. */
static void store(const char *text, struct store_ans *ans)
{
	struct stored_data v = value(text);
	const struct heard *h;
	struct draft d;

	draft_init(&d, alice, MSG_STORE_REQ);
	draft_to_resource(&d, &at);
	draft_store(&d, &at, USER_VALUE, 0, 0, &v, 1);
	h = rogue_ask(alice, way, &d);
	assert_non_null(h);
	assert_int_equal(heard_error(alice, h), 0);
	assert_ptr_equal(heard_signer(alice, h), owner);
	heard_body(alice, h, &wire_type_store_ans, ans);
}

/* How many values a host's disk has of alice's, and their counter. */
static size_t on_disk(const struct host *h, uint64_t *generation)
{
	struct query q = { .type = QUERY_KIND,
			   .resource = at,
			   .kind = USER_VALUE };
	struct arena a = ARENA_INIT(1 << 20);
	struct query_answer out;
	size_t n;

	MUST(h->storage.read(h->storage.ctx, &q, &out, &a));
	n = out.n_records;
	if (generation != NULL)
		*generation = out.generation;
	arena_free(&a);
	return n;
}

/* Asks one node, whatever it is responsible for. */
static uint16_t fetch_at(const struct host *h, uint16_t code, void *ans)
{
	const struct heard *heard;
	struct draft d;

	draft_init(&d, alice, code);
	draft_to_node(&d, &h->signer.node_id);
	draft_fetch(&d, &at, USER_VALUE);
	heard = rogue_ask(alice, way, &d);
	assert_non_null(heard);
	assert_ptr_equal(heard_signer(alice, heard), h);
	if (heard_error(alice, heard) == 0)
		heard_body(alice, heard,
			   code == MSG_STAT_REQ ? &wire_type_stat_ans
						: &wire_type_fetch_ans,
			   ans);
	return heard_error(alice, heard);
}

/* 6940-7.4.1.2-R1 6940-10.4-R1 6940-10.4-R2: the answer lists the next two,
 * which have the value, and whoever asks them finds it there; nobody else has
 * it. */
static void copies(void **state)
{
	const struct store_kind_response *r;
	struct fetch_ans fetch;
	struct store_ans ans;
	struct stat_ans stat;
	uint64_t generation;

	(void)state;
	store("a", &ans);
	store("b", &ans);
	assert_int_equal(ans.kind_responses.n, 1);
	r = &ans.kind_responses.v[0];
	assert_int_equal(r->generation_counter, 2);
	assert_int_equal(r->replicas.n, 2);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(
			id_eq(&r->replicas.v[i], &next[0]->signer.node_id) ||
			id_eq(&r->replicas.v[i], &next[1]->signer.node_id));
		assert_int_equal(on_disk(next[i], &generation), 1);
		/* 6940-7.4.1.1-R11: the counter is the original's. */
		assert_int_equal(generation, 2);
		assert_int_equal(fetch_at(next[i], MSG_STAT_REQ, &stat), 0);
		assert_int_equal(stat.kind_responses.v[0].values.n, 1);
		assert_int_equal(stat.kind_responses.v[0].generation, 2);
		assert_int_equal(fetch_at(next[i], MSG_FETCH_REQ, &fetch), 0);
		assert_slice_equal(
			fetch.kind_responses.v[0].values.v[0].value.value,
			SLICE_LIT("b"));
	}
	assert_false(id_eq(&r->replicas.v[0], &r->replicas.v[1]));
	assert_int_equal(on_disk(owner, NULL), 1);
	for (uint32_t i = 2; i < 4; i++) {
		assert_int_equal(on_disk(next[i], NULL), 0);
		assert_int_equal(fetch_at(next[i], MSG_FETCH_REQ, &fetch),
				 NOT_FOUND);
	}
}

/* 6940-7.4.1.1-R4 6940-7.4.4-R2: an original goes to the one that is
 * responsible and to no other, and so does Find. */
static void not_responsible(void **state)
{
	uint32_t kinds[] = { USER_VALUE };
	struct find_req find = { .resource = id_slice(&at, RING_ID_LEN),
				 .kinds = { kinds, 1 } };
	struct stored_data v;
	struct draft d;

	(void)state;
	for (uint32_t i = 0; i < 4; i++) {
		v = value("a");
		draft_init(&d, alice, MSG_STORE_REQ);
		draft_to_node(&d, &next[i]->signer.node_id);
		draft_store(&d, &at, USER_VALUE, 0, 0, &v, 1);
		assert_int_equal(code_of(&d), NOT_FOUND);
		assert_int_equal(on_disk(next[i], NULL), 0);
		draft_init(&d, alice, MSG_FIND_REQ);
		draft_to_node(&d, &next[i]->signer.node_id);
		draft_body(&d, &wire_type_find_req, &find);
		assert_int_equal(code_of(&d), NOT_FOUND);
	}
	draft_init(&d, alice, MSG_FIND_REQ);
	draft_to_node(&d, &owner->signer.node_id);
	draft_body(&d, &wire_type_find_req, &find);
	assert_int_equal(code_of(&d), 0);
}

/* A copy of alice's value for `to`, in a request that `from` has signed. */
static uint16_t copy(const struct host *to, const struct host *from,
		     uint64_t generation, struct stored_data *v)
{
	struct store_kind_data k = { .kind = USER_VALUE,
				     .generation_counter = generation,
				     .values = { v, 1 } };
	struct store_req req = { .resource = id_slice(&at, RING_ID_LEN),
				 .replica_number = 1,
				 .kind_data = { &k, 1 } };
	struct draft d;

	if (v->signature.signature_value.p == NULL)
		rogue_sign_value(alice, &alice->host->signer, &at, USER_VALUE,
				 v);
	draft_init(&d, alice, MSG_STORE_REQ);
	draft_to_node(&d, &to->signer.node_id);
	d.signer = &from->signer;
	d.certs[d.n_certs++] = alice->host->signer.cert;
	draft_body(&d, &wire_type_store_req, &req);
	return code_of(&d);
}

/* 6940-7.4.1.1-R5 6940-7.4.1.1-R9: copies come from the replica set or from
 * closer, to those that are in it. */
static void strangers(void **state)
{
	struct stored_data v = value("a");

	(void)state;
	assert_int_equal(copy(next[0], alice->host, 1, &v), FORBIDDEN);
	assert_int_equal(copy(next[0], next[2], 1, &v), FORBIDDEN);
	assert_int_equal(copy(next[2], owner, 1, &v), FORBIDDEN);
	assert_int_equal(copy(next[3], owner, 1, &v), FORBIDDEN);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(on_disk(next[i], NULL), 0);
	assert_int_equal(copy(next[0], owner, 1, &v), 0);
	assert_int_equal(on_disk(next[0], NULL), 1);
	assert_int_equal(copy(next[1], owner, 1, &v), 0);
	assert_int_equal(on_disk(next[1], NULL), 1);
}

/* 6940-7.4.1.1-R11: a copy's counter is taken over, lower or higher, and is
 * never 0; 6940-7.3-R3: its value is judged like any other. */
static void copy_rules(void **state)
{
	struct rogue *bob = rogue_new(w, "bob@sim.example.org", NULL);
	struct stored_data v = value("a"), other;
	uint64_t generation;

	(void)state;
	assert_int_equal(copy(next[0], owner, 0, &v), INVALID);
	assert_int_equal(copy(next[0], owner, 7, &v), 0);
	(void)on_disk(next[0], &generation);
	assert_int_equal(generation, 7);
	/* The same once more, as repair does it. */
	assert_int_equal(copy(next[0], owner, 7, &v), 0);
	v = value("b");
	v.storage_time += 1000;
	assert_int_equal(copy(next[0], owner, 3, &v), 0);
	assert_int_equal(on_disk(next[0], &generation), 1);
	assert_int_equal(generation, 3);
	world_run(w, 5 * SECOND_US); /* sent back to the owner */
	other = value("old");
	other.storage_time = v.storage_time - 1;
	assert_int_equal(copy(next[0], owner, 9, &other), TOO_OLD);
	other = value("flipped");
	other.storage_time += 2000;
	rogue_sign_value(alice, &alice->host->signer, &at, USER_VALUE, &other);
	other.value.value = SLICE_LIT("Flipped");
	assert_int_equal(copy(next[0], owner, 9, &other), FORBIDDEN);
	other = value("bob's");
	other.storage_time += 2000;
	rogue_sign_value(alice, &bob->host->signer, &at, USER_VALUE, &other);
	assert_int_equal(copy(next[0], owner, 9, &other), FORBIDDEN);
	(void)on_disk(next[0], &generation);
	assert_int_equal(generation, 8);
	rogue_free(bob);
}

/* Has the owner this counter, and in time both copies? */
static void counter_is(uint64_t want)
{
	uint64_t generation;

	assert_int_equal(on_disk(owner, &generation), 1);
	assert_int_equal(generation, want);
	world_run(w, 5 * SECOND_US);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(on_disk(next[i], &generation), 1);
		assert_int_equal(generation, want);
	}
}

/* 6940-7.4.1.1-D17: what comes back to the owner is merged as if it were stored
 * now: the counter that conditional Stores rely on never falls, and one that
 * stood for other values elsewhere is not used again.  The last of all does not
 * begin anew. */
static void owner_counts_up(void **state)
{
	struct stored_data v;
	struct store_ans ans;
	uint64_t generation;

	(void)state;
	store("a", &ans);
	store("b", &ans);
	v = value("c");
	v.storage_time += 1000;
	assert_int_equal(copy(owner, next[0], 1, &v), 0);
	assert_int_equal(on_disk(owner, &generation), 1);
	assert_int_equal(generation, 3);
	assert_int_equal(copy(owner, next[0], 1, &v), 0); /* nothing new */
	(void)on_disk(owner, &generation);
	assert_int_equal(generation, 3);
	assert_int_equal(copy(owner, next[0], 9, &v), 0);
	counter_is(9);
	v = value("d");
	v.storage_time += 30000;
	assert_int_equal(copy(owner, next[0], 20, &v), 0);
	counter_is(21);
	v = value("e");
	v.storage_time += 60000;
	assert_int_equal(copy(owner, next[0], UINT64_MAX, &v), 0);
	counter_is(UINT64_MAX);
	world_run(w, 120 * SECOND_US);
	store("f", &ans);
	counter_is(UINT64_MAX);
}

static struct stored_data later(const char *text, uint64_t s)
{
	struct stored_data v = value(text);

	v.storage_time += 1000 * s;
	return v;
}

/* 6940-7.4.1.1-R11: who keeps a copy takes over the owner's counter; the owner
 * then goes above the one that was higher there. */
static void copies_remind(void **state)
{
	struct stored_data v = value("a");
	uint64_t generation;

	(void)state;
	assert_int_equal(copy(owner, next[0], 2, &v), 0);
	counter_is(2);
	assert_int_equal(copy(next[0], owner, 9, &v), 0);
	assert_int_equal(copy(next[0], owner, 2, &v), 0);
	(void)on_disk(next[0], &generation);
	assert_int_equal(generation, 2);
	world_run(w, 5 * SECOND_US);
	counter_is(10);
}

/* The owner's copies do not reach the next one. */
static enum verdict no_copies(void *ctx, const struct sight *s,
			      struct buf *message)
{
	bool *on = ctx;

	(void)message;
	return *on && s->from == owner && s->to == next[0] &&
			       s->message != NULL &&
			       s->message->contents.message_code ==
				       MSG_STORE_REQ
		       ? NET_SWALLOW
		       : NET_PASS;
}

/* The same where the owner has newer values: it refuses what comes with that
 * counter, and hears of it with its own values. */
static void copies_remind_the_newer(void **state)
{
	struct stored_data a = later("a", 1), b = later("b", 2);
	struct stored_data c = later("c", 3);
	uint64_t generation;
	bool on = true;

	(void)state;
	net_watch_add(w, no_copies, &on);
	assert_int_equal(copy(owner, next[1], 11, &c), 0);
	assert_int_equal(copy(next[0], owner, 30, &a), 0);
	assert_int_equal(copy(next[0], owner, 5, &b), 0);
	world_run(w, 5 * SECOND_US);
	(void)on_disk(owner, &generation);
	assert_true(generation > 30);
	on = false;
	world_run(w, 60 * SECOND_US);
	(void)on_disk(owner, &generation);
	counter_is(generation);
}

/* The owner asks alice for what she brought, and gets this. */
static void recalled(struct stored_data *v, uint64_t generation)
{
	struct fetch_kind_response k = { .kind = USER_VALUE,
					 .generation = generation,
					 .values = { v, 1 } };
	struct fetch_ans ans = { { &k, 1 } };
	const struct heard *h;
	struct draft d;

	h = rogue_hear(alice, MSG_FETCH_REQ, 5 * SECOND_US);
	assert_non_null(h);
	assert_ptr_equal(heard_signer(alice, h), owner);
	draft_answer(&d, alice, h, MSG_FETCH_ANS);
	draft_body(&d, &wire_type_fetch_ans, &ans);
	rogue_send(alice, h->link, &d);
	world_run(w, 5 * SECOND_US);
}

/* 6940-7.4.1.1-R9 6940-6.4.2.3-R3: the owner refuses a stranger's copy, fetches
 * what it was, and keeps it if it is newer and good. */
static void refused_and_fetched(void **state)
{
	struct stored_data v = value("stranded"), forged = value("forged");
	uint64_t generation;

	(void)state;
	assert_int_equal(copy(owner, alice->host, 7, &v), FORBIDDEN);
	assert_int_equal(on_disk(owner, NULL), 0);
	recalled(&v, 7);
	assert_int_equal(on_disk(owner, &generation), 1);
	assert_int_equal(generation, 7);
	assert_int_equal(on_disk(next[0], NULL), 1);
	assert_int_equal(on_disk(next[1], NULL), 1);
	forged.storage_time += 1000;
	rogue_sign_value(alice, &alice->host->signer, &at, USER_VALUE, &forged);
	forged.value.value = SLICE_LIT("Forged");
	assert_int_equal(copy(owner, alice->host, 8, &forged), FORBIDDEN);
	recalled(&forged, 8);
	(void)on_disk(owner, &generation);
	assert_int_equal(generation, 7);
	/* Only the owner does so. */
	assert_int_equal(copy(next[0], alice->host, 8, &v), FORBIDDEN);
	assert_null(rogue_hear(alice, MSG_FETCH_REQ, 20 * SECOND_US));
}

/* The value as anybody finds it. */
static bool found(struct world *unused, void *ctx)
{
	const struct heard *h;
	struct fetch_ans ans;
	struct draft d;

	(void)unused;
	draft_init(&d, alice, MSG_FETCH_REQ);
	draft_to_resource(&d, &at);
	draft_fetch(&d, &at, USER_VALUE);
	h = rogue_answer(alice, rogue_send(alice, way, &d), SECOND_US);
	if (h == NULL || heard_error(alice, h) != 0)
		return false;
	heard_body(alice, h, &wire_type_fetch_ans, &ans);
	return ans.kind_responses.v[0].values.n == 1 &&
	       slice_eq(ans.kind_responses.v[0].values.v[0].value.value,
			slice_str(ctx));
}

static bool found_within(const char *text, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		if (found(w, (void *)(uintptr_t)text))
			return true;
		world_run(w, SECOND_US);
	}
	return false;
}

/* 6940-7.4.1.1-R16: a copy that is refused as older than what is there brings
 * the newer value back to the owner. */
static void newer_elsewhere(void **state)
{
	struct stored_data v = value("newer");
	struct store_ans ans;

	(void)state;
	v.storage_time += 3600000; /* from a clock that is ahead */
	assert_int_equal(copy(next[0], owner, 5, &v), 0);
	assert_int_equal(on_disk(owner, NULL), 0);
	store("older", &ans);
	assert_true(found_within("newer", 30));
	world_run(w, 30 * SECOND_US);
	assert_true(found(w, (void *)(uintptr_t) "newer"));
}

/* 6940-10.4-R1: what was acknowledged with two copies survives its owner and
 * then the next one. */
static void survives(void **state)
{
	struct store_ans ans;

	(void)state;
	store("kept", &ans);
	assert_int_equal(ans.kind_responses.v[0].replicas.n, 2);
	host_kill(owner, DEATH_PROCESS);
	host_kill(next[0], DEATH_PROCESS);
	assert_true(found_within("kept", 120));
}

static bool has_copy(struct world *unused, void *ctx)
{
	(void)unused;
	return on_disk(ctx, NULL) == 1;
}

/* 6940-7.4.1.2-R5: a node that keeps copies and does not know the Kind is sent
 * its definition, and then the copy. */
static void unknown_kind(void **state)
{
	struct kind_block block = { .kind = USER_VALUE,
				    .xml = SLICE_LIT("<kind-block/>") };
	struct overlay *full = world_document(w), *less = world_document(w);
	struct host *newcomer;
	struct node_id id;
	struct store_ans ans;
	uint32_t k = 0;

	(void)state;
	full->kind_blocks = &block;
	full->n_kind_blocks = 1;
	less->sequence = full->sequence;
	for (uint32_t i = 0; i < less->kinds.n; i++)
		if (less->kinds.v[i].id != USER_VALUE)
			less->kinds.v[k++] = less->kinds.v[i];
	less->kinds.n = k;
	host_configure(owner, full);
	for (uint32_t i = 0; i < 4; i++)
		host_configure(next[i], i == 0 ? less : full);
	alice->host->overlay = full;
	world_run(w, 5 * SECOND_US);
	store("taught", &ans);
	assert_int_equal(ans.kind_responses.v[0].replicas.n, 2);
	assert_int_equal(on_disk(next[0], NULL), 1);
	/* Of one whose document does not define it, it hears nothing. */
	full->n_kind_blocks = 0;
	host_configure(next[0], less);
	world_run(w, 5 * SECOND_US);
	store("alone", &ans);
	assert_int_equal(ans.kind_responses.v[0].replicas.n, 1);
	assert_int_equal(on_disk(next[0], NULL), 0);
	full->n_kind_blocks = 1;
	/* So is an owner that does not know it, when values come back. */
	host_configure(owner, less);
	world_run(w, 5 * SECOND_US);
	assert_int_equal(on_disk(owner, NULL), 0);
	id = owner->signer.node_id;
	for (uint32_t i = 0; i < 3; i++) { /* old replicas have to go */
		id_next(&id, &id);
		newcomer = world_host(w, "newcomer@sim.example.org", &id);
		newcomer->overlay = full;
		host_start(newcomer, ROLE_PEER, false);
		world_run(w, 20 * SECOND_US);
		assert_true(host_joined(newcomer));
	}
	assert_true(world_run_until(w, has_copy, owner, 300 * SECOND_US));
	assert_ptr_equal(world_owner(w, &at), owner);
}

/* Does the message carry this certificate? */
static bool carries(const struct heard *h, struct slice der)
{
	const struct generic_certificate_list *l =
		&h->message.security.certificates;

	for (uint32_t i = 0; i < l->n; i++)
		if (slice_eq(l->v[i].certificate, der))
			return true;
	return false;
}

/* As a peer does that has never met the signer: it checks all for itself. */
static uint32_t fetched_by(struct host *h)
{
	struct stored_data_specifier spec = { .kind = USER_VALUE };
	struct command c = { .type = CMD_FETCH,
			     .resource = at,
			     .specifiers = &spec,
			     .n_specifiers = 1 };
	const struct outcome *o = host_do(h, &c);

	assert_non_null(o);
	assert_ok(o->result.err);
	assert_false(o->result.partial);
	return o->result.fetch->kind_responses.v[0].values.n;
}

/* 6940-6.3.4-R2 6940-7.4.2.2-R3: a signer's certificate may come from an
 * intermediate.  That is kept and sent with the value, by peers that have
 * forgotten all certificates but those on their disks, and a new document
 * costs no value. */
static void intermediates(void **state)
{
	struct node_id id = alice->host->signer.node_id;
	struct toy_spec spec = { .issuer = TOY_MIDDLE,
				 .user = ALICE,
				 .node_ids = &id,
				 .n_node_ids = 1,
				 .not_after_ms = world_unix_ms(w) + 36000000 };
	const struct heard *h;
	struct store_ans ans;
	struct overlay *o;
	struct rogue *bob;
	struct draft d;

	(void)state;
	host_certify(alice->host, &spec);
	store("chained", &ans);
	assert_int_equal(ans.kind_responses.v[0].replicas.n, 2);
	o = world_document(w);
	host_configure(owner, o);
	for (uint32_t i = 0; i < 4; i++)
		host_configure(next[i], o);
	world_run(w, 5 * SECOND_US);
	assert_int_equal(on_disk(owner, NULL), 1);
	assert_int_equal(on_disk(next[0], NULL), 1);
	assert_int_equal(fetched_by(next[3]), 1);
	host_kill(owner, DEATH_PROCESS);
	assert_true(world_run_until(w, has_copy, next[2], 120 * SECOND_US));
	bob = rogue_new(w, "bob@sim.example.org", NULL);
	bob->host->overlay = o;
	draft_init(&d, bob, MSG_FETCH_REQ);
	draft_to_node(&d, &next[2]->signer.node_id);
	draft_fetch(&d, &at, USER_VALUE);
	h = rogue_ask(bob, rogue_connect(bob, next[2]), &d);
	assert_non_null(h);
	assert_int_equal(heard_error(bob, h), 0);
	assert_true(carries(h, alice->host->signer.cert->der));
	assert_true(carries(h, toy_middle));
	rogue_free(bob);
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		EACH(copies),          EACH(not_responsible),
		EACH(strangers),       EACH(copy_rules),
		EACH(newer_elsewhere), EACH(survives),
		EACH(intermediates),   EACH(unknown_kind),
		EACH(owner_counts_up), EACH(refused_and_fetched),
		EACH(copies_remind),   EACH(copies_remind_the_newer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
