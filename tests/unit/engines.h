/* SPDX-License-Identifier: ISC */
/* Storage engines under test, and batches in few words. */
#ifndef ENGINES_H
#define ENGINES_H

#include "unit.h"

#include "core/storage.h"

/* An engine that tests open; `dir` is a folder of the test's own. */
struct engine_case {
	const char *name;
	void (*open)(struct storage *out, const char *dir);
};

extern const struct engine_case engine_cases[];
extern const size_t n_engine_cases;

/* A folder that nothing else uses; engine_dir_remove() takes it away again. */
char *engine_dir(void);
void engine_dir_remove(char *dir);

/* A resource, a signer: `n` spelled out over its first or last bytes. */
struct node_id engine_id(uint8_t first, uint8_t last);
struct record engine_record(struct node_id resource, uint32_t kind,
			    const char *key, const char *data,
			    uint64_t expires_ms, uint8_t signer);

void batch_put(struct batch *b, const struct record *r);
void batch_generation(struct batch *b, struct node_id resource, uint32_t kind,
		      uint64_t generation);
void batch_cert(struct batch *b, uint8_t signer, const char *der);
/* Commits and frees it. */
enum err engine_commit(const struct storage *s, struct batch *b);

/* Runs one query; the answer is in `a`. */
struct query_answer engine_ask(const struct storage *s, struct arena *a,
			       struct query q);

#endif
