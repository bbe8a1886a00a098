/* SPDX-License-Identifier: ISC */
/*
 * Storing one value, RFC 6940 s7.4.1, as put and del do it: the place, the
 * lifetime, the replicas, the report.
 */
#include "cli/write.h"

#include <inttypes.h>
#include <time.h>

#include "cli/out.h"
#include "cli/print.h"
#include "core/limits.h"
#include "wire/message.h"

enum { WRITE_ARENA_MAX = 1 << 26 };

enum err write_open(struct write *w, const struct target_opts *names,
		    const char *name, struct why *why)
{
	const struct target_env *env;
	enum err r;

	w->arena.max = WRITE_ARENA_MAX;
	w->name = name;
	if ((r = session_open(&w->session, why)) != OK)
		return r;
	env = session_env(w->session);
	if ((r = target_init(&w->target, names, env, why)) != OK ||
	    (r = target_resource(&w->target, names, name, env, why)) != OK)
		return r;
	return target_writable(&w->target, env, why);
}

/* Seconds that the signer's certificate is still valid. */
static uint64_t certificate_left_s(const struct write *w)
{
	uint64_t now_s = (uint64_t)time(NULL);
	uint64_t end_s = session_env(w->session)->signer->cert->not_after_ms /
			 1000;

	return end_s > now_s ? end_s - now_s : 0;
}

static enum err keep_answer(struct write *w, const struct store_ans *ans)
{
	const struct store_kind_response *k;

	if (ans == NULL || ans->kind_responses.n == 0)
		return OK;
	k = &ans->kind_responses.v[0];
	w->generation = k->generation_counter;
	w->replicas.v = arena_zalloc(&w->arena, k->replicas.n,
				     sizeof(*w->replicas.v));
	if (w->replicas.v == NULL)
		return ERR_NOMEM;
	w->replicas.n = k->replicas.n;
	for (uint32_t i = 0; i < k->replicas.n; i++)
		w->replicas.v[i] = k->replicas.v[i];
	return OK;
}

enum err write_store(struct write *w, struct why *why)
{
	struct command cmd = { .type = CMD_STORE,
			       .resource = w->target.resource,
			       .items = &w->item,
			       .n_items = 1 };
	const struct result *res;
	uint64_t left_s = certificate_left_s(w);
	enum err r;

	w->item.kind = w->target.kind->id;
	w->item.index = w->target.first;
	w->item.key = buf_slice(&w->target.key);
	if (w->item.lifetime_s > left_s)
		w->item.lifetime_s = (uint32_t)left_s;
	if ((r = session_run(w->session, &cmd, &res, why)) != OK)
		return r;
	return keep_answer(w, res->store);
}

/* Does this StatAns hold the value of w->item?  What does not exist comes
 * without a hash, CHOICE 48. */
static bool has_value(const struct write *w, const struct stat_ans *ans)
{
	const struct crypto *c = session_env(w->session)->crypto;
	struct slice value = w->item.value;
	uint8_t length[4] = { (uint8_t)(value.len >> 24),
			      (uint8_t)(value.len >> 16),
			      (uint8_t)(value.len >> 8), (uint8_t)value.len };
	struct slice parts[] = { { length, sizeof(length) }, value };
	uint8_t digest[HASH_LEN_MAX];
	size_t len;

	for (uint32_t i = 0; i < ans->kind_responses.n; i++) {
		const struct stored_metadata_list *l =
			&ans->kind_responses.v[i].values;

		for (uint32_t v = 0; v < l->n; v++) {
			const struct metadata_value *m = &l->v[v].metadata;

			if (m->exists != w->item.exists)
				continue;
			if (!m->exists)
				return true;
			if (c->hash(c->ctx, m->hash_algorithm, parts, 2, digest,
				    &len) == OK &&
			    slice_eq(m->hash_value, slice_of(digest, len)))
				return true;
		}
	}
	return false;
}

static enum err stat_at(struct write *w, const struct node_id *replica,
			struct slice body, struct why *why)
{
	struct destination to = destination_node(replica);
	struct command cmd = { .type = CMD_REQUEST,
			       .destination = { &to, 1 },
			       .message_code = MSG_STAT_REQ,
			       .body = body };
	char text[ID_TEXT_MAX];
	const struct result *res;
	struct stat_ans ans;
	enum err r;

	if ((r = session_run(w->session, &cmd, &res, why)) != OK ||
	    (r = stat_ans_decode(&ans, res->body, &w->arena,
				 session_wire(w->session))) != OK)
		return r;
	if (has_value(w, &ans))
		return OK;
	return why_err(why, ERR_TIMEOUT,
		       "stored, but replica %s does not have it yet",
		       id_format(replica, session_wire(w->session)->node_id_len,
				 text));
}

enum err write_verify(struct write *w, struct why *why)
{
	struct stored_data_specifier spec;
	struct fetch_req req = { .resource = id_slice(&w->target.resource,
						      RING_ID_LEN),
				 .specifiers = { &spec, 1 } };
	struct buf body = BUF_INIT(WRITE_ARENA_MAX);
	struct target whole = w->target;
	enum err r;

	if (w->replicas.n < REPLICAS)
		return why_err(why, ERR_TIMEOUT,
			       "stored, with %" PRIu32 " of %d replicas",
			       w->replicas.n, REPLICAS);
	if (whole.first == ARRAY_END) /* appended somewhere: look at all */
		whole.first = 0;
	if ((r = target_specifier(&whole, &spec, &w->arena)) != OK ||
	    (r = fetch_req_encode(&req, &body, session_wire(w->session))) != OK)
		goto out;
	for (uint32_t i = 0; i < w->replicas.n && r == OK; i++)
		r = stat_at(w, &w->replicas.v[i], buf_slice(&body), why);
out:
	buf_clear(&body);
	return r;
}

static json_t *report_json(const struct write *w)
{
	const struct target_env *env = session_env(w->session);
	json_t *list = json_array();

	for (uint32_t i = 0; i < w->replicas.n; i++)
		json_array_append_new(
			list, print_json_node_id(&w->replicas.v[i],
						 env->overlay->node_id_length));
	return json_pack("{s:s, s:s, s:o, s:o}", "resource",
			 w->name != NULL ? w->name : env->signer->cert->user,
			 "kind", w->target.kind->name, "generation",
			 print_json_u64(w->generation), "replicas", list);
}

enum err write_report(struct write *w, struct why *why)
{
	struct out out;
	enum err r;

	opt_info(1, "stored in %s, generation %" PRIu64 ", replicas: %" PRIu32,
		 w->target.kind->name, w->generation, w->replicas.n);
	if (!opt_common.json)
		return OK;
	out_init(&out);
	out_json_take(&out, report_json(w));
	r = out_finish(&out, why);
	out_clear(&out);
	return r;
}

void write_close(struct write *w)
{
	target_clear(&w->target);
	arena_free(&w->arena);
	session_close(w->session);
}
