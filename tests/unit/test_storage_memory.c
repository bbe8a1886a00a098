/* SPDX-License-Identifier: ISC */
/* The memory engine without memory: a batch is there whole or not at all,
 * whichever of its allocations fails.  6940-7.4.1.1-R3 */
#include "engines.h"
#include "scarce.h"

#include <stdlib.h>

#include "storage/memory.h"

static struct batch *mixed(void)
{
	struct batch *b = batch_new(1);
	struct record r;

	assert_non_null(b);
	for (uint8_t i = 0; i < 6; i++) {
		r = engine_record(engine_id(i % 3, 0), i, "key", "new", 900, i);
		batch_put(b, &r);
		batch_generation(b, r.resource, r.kind, 8);
		batch_cert(b, i, "certificate");
	}
	batch_add(b, CHANGE_DROP_SLOT)->slot.resource = engine_id(9, 9);
	batch_add(b, CHANGE_PURGE)->record.expires_ms = 100;
	return b;
}

/* All that can be seen: slots, their values, certificates. */
static uint64_t digest(const struct storage *s)
{
	struct query q = { .type = QUERY_RANGE };
	struct arena a = ARENA_INIT(1 << 20);
	struct query_answer slots, is;
	uint64_t sum = 0;

	slots = engine_ask(s, &a, q);
	for (size_t i = 0; i < slots.n_slots; i++) {
		q = (struct query){ .type = QUERY_KIND,
				    .resource = slots.slots[i].resource,
				    .kind = slots.slots[i].kind };
		is = engine_ask(s, &a, q);
		sum = sum * 31 + is.generation;
		for (size_t j = 0; j < is.n_records; j++)
			sum = sum * 31 + is.records[j].expires_ms +
			      is.records[j].data.p[0];
	}
	for (unsigned i = 0; i < 8; i++) {
		q = (struct query){ .type = QUERY_CERT };
		memset(q.hash, (int)i, sizeof(q.hash));
		sum = sum * 31 + engine_ask(s, &a, q).der.len;
	}
	arena_free(&a);
	return sum;
}

static void each_allocation(void **state)
{
	struct batch *b = batch_new(1);
	struct record r = engine_record(engine_id(1, 0), 1, "key", "old", 500,
					7);
	enum err status = ERR_NOMEM;
	struct storage s;
	uint64_t before;
	long n = 0;

	(void)state;
	assert_ok(memory_open(&s));
	batch_put(b, &r);
	batch_generation(b, r.resource, 1, 3);
	batch_cert(b, 7, "old");
	assert_ok(engine_commit(&s, b));
	before = digest(&s);
	b = mixed();
	for (; status != OK; n++) {
		assert_err(status, ERR_NOMEM);
		assert_true(n < 100);
		assert_true(digest(&s) == before);
		allocations_left = n;
		s.commit(s.ctx, &b, 1, &status);
		allocations_left = -1;
	}
	assert_true(n > 12);
	assert_true(digest(&s) != before);
	batch_free(b);
	s.close(s.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
