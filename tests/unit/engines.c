/* SPDX-License-Identifier: ISC */
/* Owns the engines that the tests of storage open, and the making of batches.
 */
#include "engines.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "storage/memory.h"
#include "storage/recent.h"
#include "storage/sqlite.h"

static void open_memory(struct storage *out, const char *dir)
{
	(void)dir;
	assert_ok(memory_open(out));
}

static void open_sqlite(struct storage *out, const char *dir)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/values.db", dir);
	assert_ok(sqlite_open(out, path, "sim.example.org", NULL, NULL));
}

static void open_recent(struct storage *out, const char *dir)
{
	open_sqlite(out, dir);
	assert_ok(recent_add(out));
}

const struct engine_case engine_cases[] = {
	{ "memory", open_memory },
	{ "sqlite", open_sqlite },
	{ "sqlite with recent", open_recent },
};
const size_t n_engine_cases = N_OF(engine_cases);

char *engine_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	assert_true(asprintf(&dir, "%s/p2psip-XXXXXX",
			     tmp != NULL ? tmp : "/tmp") > 0);
	assert_non_null(mkdtemp(dir));
	return dir;
}

void engine_dir_remove(char *dir)
{
	char path[1024];
	const struct dirent *e;
	DIR *d = opendir(dir);

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			assert_int_equal(unlink(path), 0);
	}
	closedir(d);
	assert_int_equal(rmdir(dir), 0);
	free(dir);
}

struct node_id engine_id(uint8_t first, uint8_t last)
{
	struct node_id id = { { 0 } };

	id.b[0] = first;
	id.b[RING_ID_LEN - 1] = last;
	return id;
}

struct record engine_record(struct node_id resource, uint32_t kind,
			    const char *key, const char *data,
			    uint64_t expires_ms, uint8_t signer)
{
	struct record r = { .resource = resource,
			    .kind = kind,
			    .key = slice_str(key),
			    .storage_time = expires_ms / 2,
			    .expires_ms = expires_ms,
			    .data = slice_str(data) };

	memset(r.signer, signer, sizeof(r.signer));
	return r;
}

void batch_put(struct batch *b, const struct record *r)
{
	struct change *ch = batch_add(b, CHANGE_PUT);

	assert_non_null(ch);
	ch->record = *r;
	assert_ok(arena_dup(&b->arena, r->key, &ch->record.key));
	assert_ok(arena_dup(&b->arena, r->data, &ch->record.data));
}

void batch_generation(struct batch *b, struct node_id resource, uint32_t kind,
		      uint64_t generation)
{
	struct change *ch = batch_add(b, CHANGE_GENERATION);

	assert_non_null(ch);
	ch->slot = (struct slot){ resource, kind, generation };
}

void batch_cert(struct batch *b, uint8_t signer, const char *der)
{
	struct change *ch = batch_add(b, CHANGE_CERT);

	assert_non_null(ch);
	memset(ch->hash, signer, sizeof(ch->hash));
	assert_ok(arena_dup(&b->arena, slice_str(der), &ch->cert));
}

enum err engine_commit(const struct storage *s, struct batch *b)
{
	enum err status = ERR_SOFTWARE;

	do
		s->commit(s->ctx, &b, 1, &status);
	while (status == OK && b->unfinished);
	batch_free(b);
	return status;
}

struct query_answer engine_ask(const struct storage *s, struct arena *a,
			       struct query q)
{
	struct query_answer out;

	assert_ok(s->read(s->ctx, &q, &out, a));
	return out;
}
