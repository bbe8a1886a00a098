/* SPDX-License-Identifier: ISC */
/* What is stored when a document is replaced, of very many signers.  RFC 6940
 * s11.1. */
#include "storer.h"

enum { SIGNERS = 200 }; /* several times what one step looks at */

/* A value and a certificate that no root has issued. */
static void forge(struct batch *b, uint8_t i)
{
	struct change *ch = batch_add(b, CHANGE_CERT);

	memset(ch->hash, 0x20, sizeof(ch->hash));
	ch->hash[1] = i;
	MUST(arena_dup(&b->arena, SLICE_LIT("no certificate"), &ch->cert));
	ch = batch_add(b, CHANGE_PUT);
	ch->record.resource.b[0] = 7;
	ch->record.resource.b[1] = i;
	ch->record.kind = USER_VALUE;
	ch->record.expires_ms = UINT64_C(1) << 62;
	memset(ch->record.signer, 0x20, sizeof(ch->record.signer));
	ch->record.signer[1] = i;
	MUST(arena_dup(&b->arena, SLICE_LIT("data"), &ch->record.data));
}

static size_t n_signers(struct storer *s)
{
	struct query q = { .type = QUERY_SIGNERS };
	struct arena a = ARENA_INIT(1 << 20);
	struct query_answer out;
	size_t n;

	MUST(s->peer->storage.read(s->peer->storage.ctx, &q, &out, &a));
	n = out.n_signers;
	arena_free(&a);
	return n;
}

/* All that is not good goes, some in a step: not before others have had their
 * turn, and the last as surely as the first.  What is good stays. */
static void many_signers(void **state)
{
	struct storer *s = *state;
	struct batch *b = batch_new(0);
	enum err r;
	size_t good, left, steps = 0;

	assert_int_equal(storer_put(s, USER_VALUE, storer_value("a", 1)), 0);
	good = n_signers(s);
	assert_in_range(good, 1, 9);
	for (uint8_t i = 0; i < SIGNERS; i++)
		forge(b, i);
	s->peer->storage.commit(s->peer->storage.ctx, &b, 1, &r);
	batch_free(b);
	assert_int_equal(r, OK);
	assert_int_equal(n_signers(s), good + SIGNERS);
	host_configure(s->peer, world_document(s->world));
	left = good + SIGNERS;
	for (unsigned ms = 0; ms < 1000 && left > good; ms++) {
		world_run(s->world, 1000);
		steps += n_signers(s) != left;
		left = n_signers(s);
	}
	assert_int_equal(left, good);
	assert_in_range(steps, SIGNERS / 32, SIGNERS);
	world_run(s->world, SECOND_US);
	assert_int_equal(n_signers(s), good);
}

/* A document that comes meanwhile is looked through from the start. */
static void another_document(void **state)
{
	struct storer *s = *state;
	struct batch *b = batch_new(0);
	size_t good = n_signers(s);
	enum err r;

	for (uint8_t i = 100; i < SIGNERS; i++)
		forge(b, i);
	s->peer->storage.commit(s->peer->storage.ctx, &b, 1, &r);
	batch_free(b);
	host_configure(s->peer, world_document(s->world));
	world_run(s->world, 15 * 1000);
	assert_in_range(n_signers(s), good + 1, good + SIGNERS - 100 - 1);
	b = batch_new(0);
	forge(b, 0); /* where the first look has been */
	s->peer->storage.commit(s->peer->storage.ctx, &b, 1, &r);
	batch_free(b);
	host_configure(s->peer, world_document(s->world));
	world_run(s->world, SECOND_US);
	assert_int_equal(n_signers(s), good);
}

int main(void)
{
#define EACH(f)                                                                \
	cmocka_unit_test_setup_teardown(f, storer_setup, storer_teardown)
	const struct CMUnitTest tests[] = {
		EACH(many_signers),
		EACH(another_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
