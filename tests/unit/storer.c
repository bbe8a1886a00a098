/* SPDX-License-Identifier: ISC */
/* Owns a Storing Peer alone in its world, and requests to it, for its tests. */
#include "storer.h"

#include <stdio.h>
#include <stdlib.h>

#define START_MS UINT64_C(1700000000000) /* of every world */

static bool peer_joined(struct world *w, void *ctx)
{
	(void)w;
	return host_joined(ctx);
}

void storer_open(struct storer *s, const struct world_options *opt)
{
	struct world *w = world_new(opt);

	*s = (struct storer){ .world = w };
	s->peer = world_host(w, "peer@sim.example.org", NULL);
	host_start(s->peer, ROLE_PEER, true);
	assert_true(world_run_until(w, peer_joined, s->peer, 60 * SECOND_US));
	s->alice = rogue_new(w, ALICE, NULL);
	s->bob = rogue_new(w, BOB, NULL);
	s->alice_link = rogue_connect(s->alice, s->peer);
	s->bob_link = rogue_connect(s->bob, s->peer);
	assert_true(s->alice_link != 0);
	assert_true(s->bob_link != 0);
	world_resource(w, ALICE, &s->at);
}

void storer_close(struct storer *s)
{
	rogue_free(s->alice);
	rogue_free(s->bob);
	world_free(s->world);
}

int storer_setup(void **state)
{
	struct storer *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	storer_open(s, &(struct world_options){ .seed = 1 });
	*state = s;
	return 0;
}

int storer_teardown(void **state)
{
	storer_close(*state);
	free(*state);
	return 0;
}

struct stored_data storer_value(const char *text, uint64_t t)
{
	return (struct stored_data){ .storage_time = START_MS + t,
				     .lifetime = 3600,
				     .value = { .exists = true,
						.value = slice_str(text) } };
}

struct stored_data storer_removed(uint64_t t)
{
	struct stored_data v = storer_value("", t);

	v.value.exists = false;
	return v;
}

struct stored_data storer_entry(const char *key, const char *text, uint64_t t)
{
	struct stored_data v = storer_value(text, t);

	v.value.key = slice_str(key);
	return v;
}

struct stored_data storer_element(uint32_t index, const char *text, uint64_t t)
{
	struct stored_data v = storer_value(text, t);

	v.value.index = index;
	return v;
}

struct store_kind_data storer_kind(uint32_t kind, uint64_t generation,
				   struct stored_data *values, uint32_t n)
{
	return (struct store_kind_data){ .kind = kind,
					 .generation_counter = generation,
					 .values = { values, n } };
}

static uint32_t link_of(const struct storer *s, const struct rogue *who)
{
	return who == s->bob ? s->bob_link : s->alice_link;
}

/* Asks at alice's resource; the error code. */
static uint16_t ask(struct storer *s, struct rogue *who, struct draft *d)
{
	draft_to_resource(d, &s->at);
	s->last = rogue_ask(who, link_of(s, who), d);
	assert_non_null(s->last);
	return heard_error(who, s->last);
}

uint16_t storer_ask(struct storer *s, struct rogue *who,
		    struct store_kind_data *kinds, uint32_t n,
		    struct store_ans *ans)
{
	struct store_req req = { .resource = id_slice(&s->at, RING_ID_LEN),
				 .kind_data = { kinds, n } };
	struct stored_data *v;
	struct draft d;
	uint16_t code;

	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = 0; j < kinds[i].values.n; j++) {
			v = &kinds[i].values.v[j];
			if (v->signature.signature_value.p == NULL)
				rogue_sign_value(who, &who->host->signer,
						 &s->at, kinds[i].kind, v);
		}
	draft_init(&d, who, MSG_STORE_REQ);
	draft_body(&d, &wire_type_store_req, &req);
	code = ask(s, who, &d);
	if (code == 0 && ans != NULL)
		heard_body(who, s->last, &wire_type_store_ans, ans);
	return code;
}

uint16_t storer_put(struct storer *s, uint32_t kind, struct stored_data v)
{
	struct store_kind_data k = storer_kind(kind, 0, &v, 1);

	return storer_ask(s, s->alice, &k, 1, NULL);
}

uint16_t storer_fetch(struct storer *s, struct stored_data_specifier *spec,
		      uint32_t n, struct fetch_ans *out)
{
	struct fetch_req req = { .resource = id_slice(&s->at, RING_ID_LEN),
				 .specifiers = { spec, n } };
	struct draft d;
	uint16_t code;

	draft_init(&d, s->bob, MSG_FETCH_REQ);
	draft_body(&d, &wire_type_fetch_req, &req);
	code = ask(s, s->bob, &d);
	if (code == 0)
		heard_body(s->bob, s->last, &wire_type_fetch_ans, out);
	return code;
}

uint16_t storer_stat(struct storer *s, struct stored_data_specifier *spec,
		     uint32_t n, struct stat_ans *out)
{
	struct fetch_req req = { .resource = id_slice(&s->at, RING_ID_LEN),
				 .specifiers = { spec, n } };
	struct draft d;
	uint16_t code;

	draft_init(&d, s->bob, MSG_STAT_REQ);
	draft_body(&d, &wire_type_fetch_req, &req);
	code = ask(s, s->bob, &d);
	if (code == 0)
		heard_body(s->bob, s->last, &wire_type_stat_ans, out);
	return code;
}

uint16_t storer_get(struct storer *s, uint32_t kind,
		    struct fetch_kind_response *out)
{
	struct array_range all = { 0, ARRAY_END };
	struct stored_data_specifier spec = { .kind = kind,
					      .indices = { &all, 1 } };
	struct fetch_ans ans;
	uint16_t code = storer_fetch(s, &spec, 1, &ans);

	if (code != 0)
		return code;
	assert_int_equal(ans.kind_responses.n, 1);
	assert_int_equal(ans.kind_responses.v[0].kind, kind);
	*out = ans.kind_responses.v[0];
	return 0;
}

uint64_t storer_generation(struct storer *s, uint32_t kind)
{
	struct fetch_kind_response r;

	assert_int_equal(storer_get(s, kind, &r), 0);
	return r.generation;
}

struct slice storer_info(struct storer *s)
{
	struct error_response e;

	heard_body(s->bob, s->last, &wire_type_error_response, &e);
	return e.error_info;
}

const char *storer_text(const struct stored_data_list *l)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < l->n; i++) {
		const struct stored_data *d = &l->v[i];

		if (i > 0)
			text[len++] = ',';
		if (d->value.exists)
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"%.*s", (int)d->value.value.len,
						(const char *)d->value.value.p);
		else
			text[len++] = signature_is_none(&d->signature) ? '-'
								       : '=';
		text[len] = '\0';
	}
	return text;
}
