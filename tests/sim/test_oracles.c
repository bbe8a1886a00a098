/* SPDX-License-Identifier: ISC */
/* The simulator's own rules: that each bites.  What whole runs say when the
 * core is broken stands in the history; here is what can be had without
 * breaking it.
 */
#include "../unit/unit.h"

#include <stdlib.h>

#include "audit.h"
#include "chaos.h"
#include "core/state.h"
#include "rogue.h"
#include "truth.h"

#define ALICE "alice@sim.example.org"

/* One peer, alone, and a rogue that signs. */
struct set {
	struct world *w;
	struct audit audit;
	struct host *peer;
	struct rogue *alice;
	struct node_id at; /* alice's */
};

static void set_init(struct set *s)
{
	s->w = world_new(&(struct world_options){ .seed = 5 });
	world_ring(s->w, 1);
	s->peer = s->w->hosts[0];
	s->alice = rogue_new(s->w, ALICE, NULL);
	world_resource(s->w, ALICE, &s->at);
	audit_init(&s->audit, s->w);
	s->audit.quiet = true;
}

static void set_clear(struct set *s)
{
	rogue_free(s->alice);
	world_free(s->w);
	audit_clear(&s->audit);
}

/* What the audit says of this: "" is nothing. */
static void says(struct set *s, const char *words)
{
	if (strstr(s->audit.first, words) == NULL ||
	    (words[0] == '\0' && s->audit.first[0] != '\0'))
		print_message("wanted '%s', got '%s'\n", words, s->audit.first);
	assert_non_null(strstr(s->audit.first, words));
	assert_int_equal(s->audit.n_broken != 0, words[0] != '\0');
	s->audit.first[0] = '\0';
	s->audit.n_broken = 0;
}

/* The peer's disk is given a value signed by `signer`, as if it lay at `at` and
 * were signed for `signed_for`. */
static void write(struct set *s, const struct signer *signer,
		  const struct node_id *at, const struct node_id *signed_for,
		  uint64_t time_ms)
{
	struct stored_data v = { .storage_time = time_ms,
				 .lifetime = 3600,
				 .value = { .exists = true,
					    .value = SLICE_LIT("x") } };
	struct batch *b = batch_new(0);
	struct change *ch = batch_add(b, CHANGE_PUT);
	struct buf data = BUF_INIT(1 << 16);
	struct wire_env env = s->w->env;
	enum err r;

	env.model = MODEL_SINGLE;
	rogue_sign_value(s->alice, signer, signed_for, USER_VALUE, &v);
	assert_ok(stored_data_encode(&v, &data, &env));
	ch->record.resource = *at;
	ch->record.kind = USER_VALUE;
	ch->record.storage_time = time_ms;
	ch->record.expires_ms = world_unix_ms(s->w) + 3600000;
	memcpy(ch->record.signer, signer->cert->hash, CERT_HASH_LEN);
	assert_ok(arena_dup(&b->arena, buf_slice(&data), &ch->record.data));
	buf_clear(&data);
	s->w->hooks.commit(s->w->hooks.ctx, s->peer, b);
	s->peer->storage.commit(s->peer->storage.ctx, &b, 1, &r);
	assert_ok(r);
	batch_free(b);
}

/* Values go where their signers may write, and only newer ones. */
static void values(void **state)
{
	struct toy_spec spec = { .issuer = TOY_CA,
				 .key = 77,
				 .user = ALICE,
				 .n_node_ids = 1,
				 .not_after_ms = UINT64_MAX };
	struct signer stranger = { 0 };
	struct set s;

	(void)state;
	set_init(&s);
	write(&s, &s.alice->host->signer, &s.at, &s.at, 1000);
	says(&s, "");
	write(&s, &s.alice->host->signer, &s.at, &s.at, 1001);
	says(&s, "");
	write(&s, &s.alice->host->signer, &s.at, &s.at, 1001);
	says(&s, "stores time 1001 over time 1001");
	write(&s, &s.peer->signer, &s.at, &s.at, 1002);
	says(&s, "in a wrong place");
	write(&s, &s.alice->host->signer, &s.at, &s.peer->signer.node_id, 1003);
	says(&s, "did not sign");
	spec.node_ids = &s.at;
	assert_ok(toy_signer_init(&s.w->toy, &spec, &stranger));
	write(&s, &stranger, &s.at, &s.at, 1004);
	says(&s, "nobody known");
	toy_signer_clear(&s.w->toy, &stranger);
	set_clear(&s);
}

/* An owner's counter only rises. */
static void counters(void **state)
{
	static const struct {
		uint64_t to;
		const char *words;
	} steps[] = { { 3, "" },
		      { 3, "" },
		      { 4, "" },
		      { 2, "sets its counter 4 to 2" } };
	struct set s;
	enum err r;

	(void)state;
	set_init(&s);
	write(&s, &s.alice->host->signer, &s.at, &s.at, 1000);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct batch *b = batch_new(0);
		struct change *ch = batch_add(b, CHANGE_GENERATION);

		ch->slot = (struct slot){ s.at, USER_VALUE, steps[i].to };
		s.w->hooks.commit(s.w->hooks.ctx, s.peer, b);
		s.peer->storage.commit(s.peer->storage.ctx, &b, 1, &r);
		assert_ok(r);
		batch_free(b);
		says(&s, steps[i].words);
	}
	set_clear(&s);
}

/* The same of what one link holds. */
static void link_bounds(void **state)
{
	struct link *l;
	struct set s;

	(void)state;
	set_init(&s);
	assert_int_not_equal(rogue_connect(s.alice, s.peer), 0);
	world_run(s.w, SECOND_US);
	l = s.peer->node->links.first;
	assert_non_null(l);
	uint32_t *counts[] = { &l->n_reassemblies, &l->n_sent };

	for (size_t i = 0; i < N_OF(counts); i++) {
		uint32_t before = *counts[i];

		*counts[i] = 20000;
		inside_bounds(&s.audit, s.peer);
		says(&s, "20000 ");
		*counts[i] = before;
	}
	inside_bounds(&s.audit, s.peer);
	says(&s, "");
	set_clear(&s);
}

/* And of what waits on a datagram link. */
static void datagram_bounds(void **state)
{
	struct link *l;
	struct set s;

	(void)state;
	s.w = world_new(&(struct world_options){ .seed = 5,
						 .links = LINK_PROTOCOL_DTLS });
	world_ring(s.w, 2);
	s.peer = s.w->hosts[0];
	audit_init(&s.audit, s.w);
	s.audit.quiet = true;
	l = s.peer->node->links.first;
	assert_non_null(l);
	assert_true(l->datagram);
	l->sr->n_messages += SR_MESSAGES_MAX + 1;
	inside_bounds(&s.audit, s.peer);
	says(&s, "messages on a link");
	l->sr->n_messages -= SR_MESSAGES_MAX + 1;
	l->sr->bytes += SR_BYTES_MAX + 1;
	inside_bounds(&s.audit, s.peer);
	says(&s, "bytes on a link");
	l->sr->bytes -= SR_BYTES_MAX + 1;
	inside_bounds(&s.audit, s.peer);
	says(&s, "");
	world_free(s.w);
	audit_clear(&s.audit);
}

/* Tables that outgrow their limits are seen. */
static void bounds(void **state)
{
	struct node *n;
	struct set s;
	uint32_t *const *each;

	(void)state;
	set_init(&s);
	n = s.peer->node;
	uint32_t *counts[] = { &n->links.n,
			       &n->txns.n,
			       &n->requests.n,
			       &n->requests.n_answers,
			       &n->return_paths.n,
			       &n->reassemblies.n,
			       &n->certs.n,
			       &n->dials.n,
			       &n->clients.n,
			       &n->replicas.n_copies,
			       &n->replicas.n_recalls,
			       &n->config_updates.n_checks,
			       &n->config_updates.n_pushes,
			       &n->ring.n_successors,
			       &n->ring.n_predecessors };

	inside_bounds(&s.audit, s.peer);
	says(&s, "");
	for (each = counts; each < counts + sizeof(counts) / sizeof(*counts);
	     each++) {
		uint32_t before = **each;

		**each = 20000;
		inside_bounds(&s.audit, s.peer);
		says(&s, "20000 ");
		**each = before;
	}
	set_clear(&s);
}

/* What a reader must make of a value, or of none. */
static void facts(void **state)
{
	struct world *w = world_new(&(struct world_options){ .seed = 6 });
	struct stored_value v = { .exists = true };
	struct truth t;
	struct fact *f;

	(void)state;
	truth_init(&t, w);
	world_ring(w, 1);
	f = truth_fact(&t, w->hosts[0], NULL);
	assert_true(truth_allows(f, NULL, 0));
	for (int i = 0; i < 3; i++) { /* 1 and 3 are values, 2 is none */
		truth_store(&t, f, i != 1);
		world_run(w, 5 * SECOND_US);
		truth_settle(&t);
		assert_int_equal(f->acknowledged, i + 1);
	}
	v.value = SLICE_LIT("host 0 says 1");
	assert_true(truth_allows(f, &v, 0));
	assert_true(truth_allows(f, &v, 1));
	assert_false(truth_allows(f, &v, 2));
	assert_true(truth_allows(f, NULL, 2));
	assert_false(truth_allows(f, NULL, 3));
	v.value = SLICE_LIT("host 0 says 3");
	assert_true(truth_allows(f, &v, 3));
	v.value = SLICE_LIT("host 0 says 2"); /* never was */
	assert_false(truth_allows(f, &v, 0));
	v.value = SLICE_LIT("host 0 red says 1");
	assert_false(truth_allows(f, &v, 0));
	assert_true(truth_on_disk(&t, w->hosts[0], f, 3));
	t.quiet = true;
	assert_int_equal(truth_counters(&t), 0);
	f->generation++; /* as if one that is gone had been acknowledged */
	assert_int_equal(truth_counters(&t), 1);
	host_kill(w->hosts[0], DEATH_POWER);
	host_wipe(w->hosts[0]);
	assert_false(truth_on_disk(&t, w->hosts[0], f, 3));
	f->copies = 3;
	truth_bereaved(&t);
	assert_int_equal(t.n_wrong, 1);
	world_free(w);
	truth_clear(&t);
}

/* ---- the same seed, the same trace ---- */

static void traced(struct chaos_options opt, char **text, size_t *len)
{
	struct chaos_report report;

	opt.trace = open_memstream(text, len);
	assert_non_null(opt.trace);
	chaos_run(&opt, &report);
	fclose(opt.trace);
	assert_int_equal(report.n_wrong, 0);
}

/* Twice the same, byte for byte, wherever its memory lies; another seed is
 * another run. */
static void repeats_run(struct chaos_options opt)
{
	char *text[3];
	size_t len[3];
	void *hole;

	traced(opt, &text[0], &len[0]);
	hole = malloc(12345);
	traced(opt, &text[1], &len[1]);
	free(hole);
	opt.seed++;
	traced(opt, &text[2], &len[2]);
	assert_true(len[0] > 100000);
	assert_int_equal(len[0], len[1]);
	assert_memory_equal(text[0], text[1], len[0]);
	assert_true(len[2] != len[0] || memcmp(text[0], text[2], len[0]) != 0);
	for (int i = 0; i < 3; i++)
		free(text[i]);
}

/* A storm over links of both kinds, with all that a seed may bring; one in
 * which datagrams are lost to the end, values end and peers go for good. */
static void repeats(void **state)
{
	(void)state;
	repeats_run((struct chaos_options){ .seed = 1009,
					    .nodes = 9,
					    .rounds = 60,
					    .links = LINK_PROTOCOL_TLS |
						     LINK_PROTOCOL_DTLS });
	repeats_run((struct chaos_options){ .seed = 3008,
					    .nodes = 8,
					    .rounds = 40,
					    .links = LINK_PROTOCOL_DTLS,
					    .loss_permille = 130,
					    .brief = true,
					    .dwindle = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),
		cmocka_unit_test(counters),
		cmocka_unit_test(bounds),
		cmocka_unit_test(link_bounds),
		cmocka_unit_test(datagram_bounds),
		cmocka_unit_test(facts),
		cmocka_unit_test(repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
