/* SPDX-License-Identifier: ISC */
/*
 * How many StoreReqs of 1 KB, whole messages with header and SecurityBlock, are
 * encoded and decoded again in a second on one core.  Prints JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/limits.h"
#include "wire/data.h"
#include "wire/message.h"

enum { MESSAGE_LEN = 1024, ROUNDS = 7, PER_ROUND = 200000 };

#define USER_VALUE UINT32_C(0xf0000001)

struct bench {
	struct kinds kinds;
	struct wire_env env;
	struct arena arena;
	struct buf body, bytes;
	struct store_req request;
	struct message message;
};

static void must(enum err r)
{
	if (r == OK)
		return;
	fprintf(stderr, "codec: %s\n", err_text(r));
	exit(1);
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void encode(struct bench *b)
{
	buf_reset(&b->body);
	buf_reset(&b->bytes);
	must(store_req_encode(&b->request, &b->body, &b->env));
	b->message.contents.message_body = buf_slice(&b->body);
	must(message_encode(&b->message, &b->bytes, &b->env));
}

static void decode(struct bench *b, struct message *m, struct store_req *req)
{
	arena_reset(&b->arena);
	must(message_decode(m, buf_slice(&b->bytes), &b->arena, &b->env));
	must(store_req_decode(req, m->contents.message_body, &b->arena,
			      &b->env));
}

/* A signature as ECDSA P-256 with SHA-256 makes them; one value, as long as
 * fills the message to MESSAGE_LEN. */
static void fill(struct bench *b)
{
	static const uint8_t bytes[MESSAGE_LEN] = { 1, 2, 3 };
	static struct destination to;
	static struct store_kind_data kind;
	static struct stored_data value;
	struct signature sig = { .algorithm = { HASH_SHA256, SIGNATURE_ECDSA },
				 .identity = { .identity_type =
						       SIGNER_CERT_HASH,
					       .hash_alg = HASH_SHA256,
					       .hash = { bytes, 32 } },
				 .signature_value = { bytes, 71 } };
	struct kind k = { .id = USER_VALUE, .model = MODEL_SINGLE };

	must(kinds_add(&b->kinds, &k));
	b->env = (struct wire_env){ .node_id_len = 16, .kinds = &b->kinds };
	to = destination_resource(slice_of(bytes, 16));
	value = (struct stored_data){ .storage_time = 1,
				      .lifetime = 86400,
				      .value.exists = true,
				      .signature = sig };
	kind = (struct store_kind_data){ .kind = USER_VALUE,
					 .values = { &value, 1 } };
	b->request = (struct store_req){ .resource = { bytes, 16 },
					 .kind_data = { &kind, 1 } };
	b->message.header =
		(struct forwarding_header){ .version = RELOAD_VERSION,
					    .ttl = 100,
					    .fragment = FRAGMENT_WHOLE,
					    .transaction_id = 7,
					    .destination_list = { &to, 1 } };
	b->message.contents.message_code = MSG_STORE_REQ;
	b->message.security.signature = sig;
	encode(b);
	value.value.value = slice_of(bytes, MESSAGE_LEN - b->bytes.len);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	struct bench b = { .arena = ARENA_INIT(MESSAGE_ARENA_MAX),
			   .body = BUF_INIT(1 << 16),
			   .bytes = BUF_INIT(1 << 16) };
	struct store_req req;
	struct message m;
	double rate[ROUNDS], start;

	fill(&b);
	for (int i = 0; i < ROUNDS; i++) {
		start = now_s();
		for (int k = 0; k < PER_ROUND; k++) {
			encode(&b);
			decode(&b, &m, &req);
		}
		rate[i] = PER_ROUND / (now_s() - start);
	}
	qsort(rate, ROUNDS, sizeof(rate[0]), compare);
	printf("{\"bench\":\"codec\",\"bytes\":%zu,\"per_second\":%.0f,"
	       "\"target\":500000,\"ok\":%s}\n",
	       b.bytes.len, rate[ROUNDS / 2],
	       rate[ROUNDS / 2] >= 500000 ? "true" : "false");
	arena_free(&b.arena);
	buf_clear(&b.body);
	buf_clear(&b.bytes);
	kinds_clear(&b.kinds);
	return 0;
}
