/* SPDX-License-Identifier: ISC */
/*
 * Owns: the virtual clock, chance, the overlay and the list of hosts; and what
 * ought to be (who is responsible for what), by RFC 6940 s10.1.  Does not own:
 * one host's life (host.c), connections (net.c).
 */
#include "world.h"

#include <stdlib.h>

#include <utlist.h>

#define UNIX_START_MS UINT64_C(1700000000000) /* November 2023 */

void world_must(enum err r, const char *what, const char *file, int line)
{
	if (r == OK)
		return;
	fprintf(stderr, "%s:%d: %s: %s\n", file, line, what, err_text(r));
	abort();
}

static void add_kind(struct overlay *o, uint32_t id, const char *name,
		     enum data_model model, enum access_policy access)
{
	struct kind k = { .id = id,
			  .model = model,
			  .access = access,
			  .max_count = 100,
			  .max_size = 4096 };

	snprintf(k.name, sizeof(k.name), "%s", name);
	MUST(kinds_add(&o->kinds, &k));
}

static void overlay_make(struct world *w)
{
	struct overlay *o = overlay_new();
	struct slice name = SLICE_LIT("sim.example.org");
	uint8_t hash[HASH_LEN_MAX];
	size_t len;

	if (o == NULL)
		MUST(ERR_NOMEM);
	memcpy(o->name, name.p, name.len);
	MUST(w->toy.crypto.hash(w->toy.crypto.ctx, HASH_SHA1, &name, 1, hash,
				&len));
	for (size_t i = len - 4; i < len; i++)
		o->hash = o->hash << 8 | hash[i];
	o->sequence = 1;
	o->max_message_size = 60000;
	o->no_ice = true;
	o->link_protocols = w->opt.links == 0 ? LINK_PROTOCOL_TLS
					      : w->opt.links;
	o->self_signed_permitted = w->opt.self_signed;
	MUST(kinds_add_registered(&o->kinds));
	add_kind(o, USER_VALUE, "USER-VALUE", MODEL_SINGLE, ACCESS_USER_MATCH);
	add_kind(o, USER_ARRAY, "USER-ARRAY", MODEL_ARRAY, ACCESS_USER_MATCH);
	add_kind(o, USER_DICT, "USER-DICT", MODEL_DICTIONARY,
		 ACCESS_USER_MATCH);
	add_kind(o, NODE_VALUE, "NODE-VALUE", MODEL_SINGLE, ACCESS_NODE_MATCH);
	MUST(arena_dup(&o->arena, SLICE_LIT("document 1"), &o->document));
	w->overlay = o;
}

struct overlay *world_document(struct world *w)
{
	const struct overlay *old = w->n_versions == 0
					    ? w->overlay
					    : w->versions[w->n_versions - 1];
	struct overlay *o = overlay_new();
	struct arena arena;
	char text[32];

	w->versions = reallocarray(w->versions, w->n_versions + 1,
				   sizeof(*w->versions));
	if (o == NULL || w->versions == NULL)
		MUST(ERR_NOMEM);
	arena = o->arena;
	*o = *old;
	o->arena = arena;
	o->kinds = (struct kinds){ 0 };
	for (uint32_t i = 0; i < old->kinds.n; i++)
		MUST(kinds_add(&o->kinds, &old->kinds.v[i]));
	o->sequence = (uint16_t)((old->sequence + 1) % SEQUENCE_ANY);
	snprintf(text, sizeof(text), "document %u", (unsigned)o->sequence);
	MUST(arena_dup(&o->arena, slice_str(text), &o->document));
	w->versions[w->n_versions++] = o;
	return o;
}

struct world *world_new(const struct world_options *opt)
{
	struct world *w = calloc(1, sizeof(*w));
	uint8_t seed[32] = { 0 };

	if (w == NULL)
		MUST(ERR_NOMEM);
	w->opt = *opt;
	if (w->opt.hosts_max == 0)
		w->opt.hosts_max = 64;
	if (w->opt.commit_us == 0)
		w->opt.commit_us = 2000;
	memcpy(seed, &opt->seed, sizeof(opt->seed));
	rng_init(&w->rng, seed);
	w->now_us = SECOND_US;
	w->next_command = 1;
	MUST(toy_init(&w->toy));
	w->toy.self_signed_permitted = opt->self_signed;
	overlay_make(w);
	w->env = (struct wire_env){ .node_id_len = RING_ID_LEN,
				    .kinds = &w->overlay->kinds };
	w->hosts = calloc(w->opt.hosts_max, sizeof(struct host *));
	if (w->hosts == NULL)
		MUST(ERR_NOMEM);
	net_init(w);
	return w;
}

void world_free(struct world *w)
{
	struct outcome *o, *tmp;

	if (w == NULL)
		return;
	net_clear(w);
	for (uint32_t i = 0; i < w->n_hosts; i++)
		host_free(w->hosts[i]);
	DL_FOREACH_SAFE(w->outcomes, o, tmp)
	{
		arena_free(&o->arena);
		free(o);
	}
	heap_clear(&w->timers);
	for (size_t i = 0; i < w->n_versions; i++)
		overlay_free(w->versions[i]);
	free(w->versions);
	overlay_free(w->overlay);
	toy_clear(&w->toy);
	free(w->hosts);
	free(w);
}

static void dispatch(struct world *w, struct timer *t)
{
	struct event ev = { .type = EV_TIMER };

	w->n_events++;
	switch ((enum world_timer)t->type) {
	case WORLD_NODE:
		host_event(container_of(t, struct host, timer), &ev);
		break;
	case WORLD_STREAM:
	case WORLD_CONNECT:
		net_timer(w, t);
		break;
	case WORLD_JOB:
		job_timer(t);
		break;
	}
}

bool world_run_until(struct world *w, world_condition *done, void *ctx,
		     uint64_t us)
{
	uint64_t end_us = w->now_us + us, next;
	struct timer *t;

	while (done == NULL || !done(w, ctx)) {
		next = heap_next(&w->timers);
		if (next > end_us) {
			w->now_us = end_us;
			return false;
		}
		if (next > w->now_us)
			w->now_us = next;
		t = heap_pop(&w->timers, w->now_us);
		dispatch(w, t);
	}
	return true;
}

void world_run(struct world *w, uint64_t us)
{
	(void)world_run_until(w, NULL, NULL, us); /* never true */
}

uint64_t world_unix_ms(const struct world *w)
{
	return UNIX_START_MS + w->now_us / 1000;
}

struct host *world_host_by_id(struct world *w, const struct node_id *id)
{
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (id_eq(&w->hosts[i]->signer.node_id, id))
			return w->hosts[i];
	return NULL;
}

struct host *world_host_at(struct world *w, const struct ip_address_port *a)
{
	uint32_t index;

	if (a->type != ADDRESS_IPV4 || a->port != WORLD_PORT)
		return NULL;
	index = (uint32_t)a->addr[1] << 16 | (uint32_t)a->addr[2] << 8 |
		a->addr[3];
	return a->addr[0] == 10 && index >= 1 && index <= w->n_hosts
		       ? w->hosts[index - 1]
		       : NULL;
}

static bool all_joined(struct world *w, void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (w->hosts[i]->node != NULL && !host_joined(w->hosts[i]))
			return false;
	return true;
}

void world_ring(struct world *w, uint32_t n)
{
	char user[64];
	struct host *h;

	for (uint32_t i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "peer%u@sim.example.org",
			 w->n_hosts);
		h = world_host(w, user, NULL);
		host_start(h, ROLE_PEER, i == 0);
		if (!world_run_until(w, all_joined, NULL, 60 * SECOND_US)) {
			fprintf(stderr, "%s does not join\n", user);
			abort();
		}
	}
}

struct host *world_owner(struct world *w, const struct node_id *id)
{
	struct node_id d, best_d = { 0 };
	struct host *best = NULL;

	for (uint32_t i = 0; i < w->n_hosts; i++) {
		struct host *h = w->hosts[i];

		if (!host_joined(h))
			continue;
		id_distance(&d, id, &h->signer.node_id);
		if (best == NULL || id_cmp(&d, &best_d) < 0) {
			best = h;
			best_d = d;
		}
	}
	return best;
}

struct host *world_successor(struct world *w, const struct host *h, uint32_t i)
{
	struct node_id after;
	struct host *s;

	id_next(&after, &h->signer.node_id);
	s = world_owner(w, &after);
	return i <= 1 || s == NULL ? s : world_successor(w, s, i - 1);
}

void world_resource(struct world *w, const char *name, struct node_id *out)
{
	const struct crypto *c = &w->toy.crypto;
	struct slice in = slice_str(name);
	uint8_t hash[HASH_LEN_MAX];
	size_t len;

	MUST(c->hash(c->ctx, HASH_SHA1, &in, 1, hash, &len));
	MUST(id_from_slice(out, slice_of(hash, RING_ID_LEN)));
}
