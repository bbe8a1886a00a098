/* SPDX-License-Identifier: ISC */
/*
 * Owns: one host's life: certificate, disk, start, crash; its node's events and
 * effects; commands and their results.  The counterpart of the event loop's
 * driver, STYLE.md s4.  Does not own: the clock (world.c), connections (net.c).
 */
#include <stdlib.h>

#include <utlist.h>

#include "rogue.h"
#include "storage/memory.h"
#include "world.h"

enum {
	TRACE_MAX = 16 << 20, /* bytes of a host's trace */
	OUTCOME_MAX = 16 << 20,
	DOCUMENT_US = 1000 /* checking a document */
};

enum job_type { JOB_READ, JOB_COMMIT, JOB_CONFIG };

/* Work of a host's disk or document checker. */
struct job {
	struct timer timer;
	struct job *prev, *next;
	struct host *host;
	enum job_type type;
	uint64_t id;                  /* the effect's */
	struct query_answer *answers; /* READ; in arena */
	size_t n_answers;
	enum err err;
	struct batch *batch;           /* COMMIT */
	const struct overlay *overlay; /* CONFIG */
	struct arena arena;
};

/* ---- certificates ---- */

void host_certify(struct host *h, const struct toy_spec *spec)
{
	struct world *w = h->world;
	struct toy_spec s = *spec;

	if (s.key == 0)
		s.key = ++w->next_key;
	if (h->signer.cert != NULL)
		toy_signer_clear(&w->toy, &h->signer);
	MUST(toy_signer_init(&w->toy, &s, &h->signer));
}

/* In a world of both kinds of links each host accepts one of them, or both; all
 * can call either. */
static void listen_on(struct host *h)
{
	static const uint8_t kinds[] = { OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
					 OVERLAY_LINK_DTLS_UDP_SR_NO_ICE };
	uint8_t mask = h->world->overlay->link_protocols;

	if (mask == (LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS))
		mask = (uint8_t)(1 + rng_below(&h->world->rng, mask));
	for (unsigned i = 0; i < 2; i++)
		if ((mask >> i & 1) != 0)
			h->listen[h->n_listen++] =
				(struct link_address){ h->address, kinds[i] };
}

bool host_listens(const struct host *h, bool datagram)
{
	for (uint32_t i = 0; i < h->n_listen; i++)
		if (datagram == (h->listen[i].overlay_link !=
				 OVERLAY_LINK_TLS_TCP_FH_NO_ICE))
			return true;
	return false;
}

struct host *world_host(struct world *w, const char *user,
			const struct node_id *id)
{
	struct host *h = calloc(1, sizeof(*h));
	struct node_id drawn = { 0 };
	struct toy_spec spec = {
		.issuer = w->opt.self_signed ? TOY_SELF : TOY_CA,
		.user = user,
		.node_ids = id == NULL ? &drawn : id,
		.n_node_ids = 1,
		.not_before_ms = world_unix_ms(w) - DAY_MS,
		.not_after_ms = world_unix_ms(w) + 365 * DAY_MS,
	};

	if (h == NULL || w->n_hosts == w->opt.hosts_max)
		MUST(ERR_FULL);
	rng_bytes(&w->rng, drawn.b, RING_ID_LEN);
	h->world = w;
	h->index = w->n_hosts;
	h->timer.type = WORLD_NODE;
	h->trace.max = TRACE_MAX;
	snprintf(h->user, sizeof(h->user), "%s", user);
	w->hosts[w->n_hosts++] = h;
	h->address = (struct ip_address_port){
		.type = ADDRESS_IPV4,
		.addr = { 10, (uint8_t)(w->n_hosts >> 16),
			  (uint8_t)(w->n_hosts >> 8), (uint8_t)w->n_hosts },
		.port = WORLD_PORT
	};
	listen_on(h);
	host_certify(h, &spec);
	MUST(memory_open(&h->storage));
	return h;
}

void host_free(struct host *h)
{
	if (h->node != NULL)
		host_kill(h, DEATH_PROCESS);
	toy_signer_clear(&h->world->toy, &h->signer);
	h->storage.close(h->storage.ctx);
	buf_clear(&h->trace);
	free(h);
}

/* ---- the disk ---- */

static struct job *job_new(struct host *h, enum job_type type, uint64_t id,
			   uint64_t delay_us)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		MUST(ERR_NOMEM);
	*j = (struct job){ .timer.type = WORLD_JOB,
			   .host = h,
			   .type = type,
			   .id = id,
			   .arena = ARENA_INIT(OUTCOME_MAX) };
	DL_APPEND(h->jobs, j);
	MUST(heap_set(&h->world->timers, &j->timer,
		      h->world->now_us + delay_us));
	return j;
}

static void job_free(struct job *j)
{
	struct host *h = j->host;

	heap_cancel(&h->world->timers, &j->timer);
	DL_DELETE(h->jobs, j);
	arena_free(&j->arena);
	batch_free(j->batch);
	free(j);
}

static void job_commit(struct job *j)
{
	struct host *h = j->host;

	j->err = ERR_STORAGE;
	if (h->disk_full)
		return;
	if (h->world->hooks.commit != NULL)
		h->world->hooks.commit(h->world->hooks.ctx, h, j->batch);
	h->storage.commit(h->storage.ctx, &j->batch, 1, &j->err);
}

void job_timer(struct timer *t)
{
	struct job *j = container_of(t, struct job, timer);
	struct host *h = j->host;
	struct event ev = { .id = j->id };

	switch (j->type) {
	case JOB_READ:
		ev.type = EV_READ;
		ev.answers = j->answers;
		ev.n_answers = j->n_answers;
		break;
	case JOB_COMMIT:
		ev.type = EV_COMMITTED;
		job_commit(j);
		break;
	case JOB_CONFIG:
		ev.type = EV_CONFIG;
		ev.overlay = j->overlay;
		if (j->overlay != NULL)
			h->overlay = j->overlay;
		break;
	}
	ev.err = j->err;
	host_event(h, &ev);
	job_free(j);
}

static void on_read(struct host *h, const struct effect *fx)
{
	struct job *j = job_new(h, JOB_READ, fx->id, 0);

	j->n_answers = fx->n_queries;
	j->answers = arena_zalloc(&j->arena, fx->n_queries,
				  sizeof(*j->answers));
	if (j->answers == NULL)
		MUST(ERR_NOMEM);
	for (size_t i = 0; i < fx->n_queries && j->err == OK; i++)
		j->err = h->storage.read(h->storage.ctx, &fx->queries[i],
					 &j->answers[i], &j->arena);
}

static void on_commit(struct host *h, const struct effect *fx)
{
	struct world *w = h->world;
	struct job *j = job_new(h, JOB_COMMIT, fx->id,
				rng_below(&w->rng, w->opt.commit_us + 1));

	j->batch = fx->batch;
}

/* A document is known when the world has made it. */
/* Has this version of the document in use the kind-block that has come? */
static bool defines(const struct overlay *v, const struct host *h,
		    const struct effect *fx)
{
	for (size_t i = 0; i < v->n_kind_blocks; i++)
		if (v->sequence == h->overlay->sequence &&
		    slice_eq(v->kind_blocks[i].xml, fx->bytes))
			return true;
	return false;
}

static void on_config(struct host *h, const struct effect *fx)
{
	struct world *w = h->world;
	struct job *j = job_new(h, JOB_CONFIG, fx->id, DOCUMENT_US);

	j->err = ERR_CONFIG_SIGNATURE;
	for (size_t i = 0; i < w->n_versions; i++) {
		if (fx->config_type == CONFIG_UPDATE_KIND &&
		    defines(w->versions[i], h, fx)) {
			j->err = OK;
			j->overlay = w->versions[i];
		}
		if (fx->config_type != CONFIG_UPDATE_CONFIG ||
		    !slice_eq(w->versions[i]->document, fx->bytes))
			continue;
		j->err = ERR_CONFIG_OLD;
		if (overlay_newer(w->versions[i]->sequence,
				  h->overlay->sequence)) {
			j->err = OK;
			j->overlay = w->versions[i];
		}
	}
}

/* ---- events and effects ---- */

struct now host_now(const struct host *h)
{
	return (struct now){ .mono_us = h->world->now_us,
			     .unix_ms = world_unix_ms(h->world) +
					(uint64_t)h->skew_ms };
}

static void host_effect(struct host *h, const struct effect *fx)
{
	struct link_address to;

	switch (fx->type) {
	case FX_CONNECT:
		to = (struct link_address){ fx->address, fx->overlay_link };
		net_connect(h, fx->link, &to,
			    fx->has_node_id ? &fx->node_id : NULL);
		break;
	case FX_SEND:
		net_send(h, fx->link, fx->bytes);
		break;
	case FX_CLOSE:
		net_close(h, fx->link);
		break;
	case FX_READ:
		on_read(h, fx);
		break;
	case FX_COMMIT:
		on_commit(h, fx);
		break;
	case FX_CONFIG:
		on_config(h, fx);
		break;
	case FX_DONE:
		outcome_keep(h, fx->result);
		break;
	case FX_STATE:
		h->state = fx->state;
		break;
	case FX_APPLICATION:
		h->application = *fx;
		break;
	}
}

void host_event(struct host *h, const struct event *ev)
{
	struct world *w = h->world;
	struct effect fx;
	uint64_t deadline;

	if (h->rogue != NULL) {
		rogue_event(h->rogue, ev);
		return;
	}
	if (h->node == NULL)
		return;
	MUST(node_step(h->node, host_now(h), ev));
	while (node_poll(h->node, &fx))
		host_effect(h, &fx);
	if (w->hooks.step != NULL)
		w->hooks.step(w->hooks.ctx, h);
	deadline = node_deadline(h->node);
	if (deadline == NEVER)
		heap_cancel(&w->timers, &h->timer);
	else
		MUST(heap_set(&w->timers, &h->timer,
			      deadline > w->now_us ? deadline : w->now_us));
}

static void on_trace(void *ctx, const char *line)
{
	struct host *h = ctx;
	struct world *w = h->world;

	if (w->opt.trace != NULL)
		fprintf(w->opt.trace, "%10llu.%06llu %3u %s\n",
			(unsigned long long)(w->now_us / SECOND_US),
			(unsigned long long)(w->now_us % SECOND_US), h->index,
			line);
	if (h->tracing)
		MUST(buf_printf(&h->trace, "%s\n", line));
}

/* ---- life ---- */

static void boot(struct host *h, enum role role, bool first)
{
	struct world *w = h->world;
	uint8_t seed[32];

	rng_bytes(&w->rng, seed, sizeof(seed));
	h->overlay = w->overlay;
	for (size_t i = 0; i < w->n_versions; i++)
		if (h->configured == w->versions[i])
			h->overlay = w->versions[i];
	h->cfg.role = role;
	h->cfg.first = first;
	h->cfg.overlay = h->overlay;
	h->cfg.crypto = &w->toy.crypto;
	h->cfg.signer = &h->signer;
	h->cfg.bootstrap = h->bootstrap;
	h->cfg.listen = h->listen;
	h->cfg.n_listen = h->n_listen;
	h->cfg.trace = w->opt.trace != NULL || h->tracing ? on_trace : NULL;
	h->cfg.trace_ctx = h;
	h->state = STATE_STARTING;
	h->power_lost = false;
	h->incarnation++;
	h->started_us = w->now_us;
	MUST(node_new(&h->node, &h->cfg, seed));
}

void host_found(struct host *h)
{
	h->cfg.n_bootstrap = 0;
	boot(h, ROLE_PEER, true);
}

static void start(struct host *h, enum role role, bool first)
{
	struct command c = { .type = CMD_START };

	boot(h, role, first);
	host_command(h, &c);
}

void host_start(struct host *h, enum role role, bool first)
{
	struct world *w = h->world;

	h->cfg.n_bootstrap = 0;
	for (int joined = 1; joined >= 0; joined--)
		for (uint32_t i = 0; i < w->n_hosts; i++)
			if (w->hosts[i] != h && w->hosts[i]->rogue == NULL &&
			    h->cfg.n_bootstrap < 3 &&
			    host_joined(w->hosts[i]) == (joined == 1))
				h->bootstrap[h->cfg.n_bootstrap++] =
					w->hosts[i]->address;
	start(h, role, first);
}

void host_start_at(struct host *h, enum role role, const struct host *entry)
{
	h->bootstrap[0] = entry->address;
	h->cfg.n_bootstrap = 1;
	start(h, role, false);
}

static void node_end(struct host *h)
{
	heap_cancel(&h->world->timers, &h->timer);
	node_free(h->node);
	h->node = NULL;
	h->configured = h->overlay;
}

void host_kill(struct host *h, enum death how)
{
	struct world *w = h->world;
	struct job *j, *tmp;

	if (h->node == NULL)
		return;
	node_end(h);
	/* A write under way is on the disk or not; nobody was told. */
	DL_FOREACH_SAFE(h->jobs, j, tmp)
	{
		if (j->type == JOB_COMMIT && rng_below(&w->rng, 2) == 0)
			job_commit(j);
		job_free(j);
	}
	h->power_lost = how == DEATH_POWER;
	net_drop_host(h, h->power_lost);
}

static bool has_left(struct world *w, void *ctx)
{
	const struct host *h = ctx;

	(void)w;
	return h->node == NULL || h->state == STATE_LEFT;
}

void host_stop(struct host *h)
{
	struct command c = { .type = CMD_LEAVE };

	host_command(h, &c);
	(void)world_run_until(h->world, has_left, h, 60 * SECOND_US);
	host_kill(h, DEATH_PROCESS); /* in time or not */
}

void host_wipe(struct host *h)
{
	MUST(h->node == NULL ? OK : ERR_SOFTWARE);
	h->wiped_us = h->world->now_us;
	h->storage.close(h->storage.ctx);
	MUST(memory_open(&h->storage));
}

bool host_runs(const struct host *h)
{
	return h->node != NULL || h->rogue != NULL;
}

bool host_joined(const struct host *h)
{
	return h->node != NULL && h->state == STATE_JOINED;
}

void host_configure(struct host *h, const struct overlay *o)
{
	struct event ev = { .type = EV_CONFIG, .overlay = o };

	h->overlay = o;
	host_event(h, &ev);
}

bool host_ready(const struct host *h)
{
	return h->node != NULL &&
	       (h->state == STATE_JOINED || h->state == STATE_CLIENT);
}

/* ---- commands ---- */

uint64_t host_command(struct host *h, struct command *c)
{
	struct event ev = { .type = EV_COMMAND, .command = c };

	c->id = h->world->next_command++;
	host_event(h, &ev);
	return c->id;
}

static bool has_ended(struct world *w, void *ctx)
{
	return world_outcome(w, *(uint64_t *)ctx) != NULL;
}

const struct outcome *host_do(struct host *h, struct command *c)
{
	uint64_t id = host_command(h, c);

	if (!world_run_until(h->world, has_ended, &id, 60 * SECOND_US))
		MUST(ERR_TIMEOUT);
	return world_outcome(h->world, id);
}
