/* SPDX-License-Identifier: ISC */
/*
 * Values that this node keeps and does not own.  For each slot the owner is
 * asked what it has (Stat): what it lacks is stored there, RFC 6940 s6.4.2.3;
 * what it has may be deleted here once three predecessors have lain between for
 * a while, s10.7.3: the new member of the replica set needs its copy first.  So
 * the last copy of a value is never deleted, whatever became of the ring
 * meanwhile.  An owner whose counter is behind is told of this node's, too.
 */
#include "core/sweep.h"

#include <stdlib.h>

#include "core/copy.h"
#include "core/repair.h"
#include "core/resync.h"
#include "core/state.h"

#define SWEEP_US       (45 * UINT64_C(1000000)) /* after a change */
#define SWEEP_SOON_US  (5 * UINT64_C(1000000))
#define SWEEP_AGAIN_US (15 * UINT64_C(1000000))

enum {
	PAGE = 64,           /* slots */
	WINDOW = 8,          /* slots at a time */
	AGAIN_SHIFT_MAX = 6, /* SWEEP_AGAIN_US is doubled so often */
	SLOT_ARENA_MAX = 16 << 20
};

/* One slot being looked at. */
struct swept {
	struct sweep *sweep;
	struct arena arena;
	struct slot slot;
	struct replica_value *values; /* with their keys, in `arena` */
	uint64_t *times;              /* storage times */
	size_t n_values;
	bool busy;
	bool reading; /* a read or commit will come back */
	struct txn *txn;
	struct copy *copy;
	struct store_job job; /* its turn at the resource */
	bool queued;
	bool taught;       /* the owner was sent the Kind that it lacked */
	bool counter_only; /* it has all, and a lower counter */
};

struct sweep {
	struct node_id from, until;
	struct slot page[PAGE];
	size_t n_page, at;
	struct slot last;
	bool has_last, exhausted, reading;
	bool stopped;
	bool postponed; /* something is still to be deleted */
	struct swept flights[WINDOW];
	uint32_t n_flights, n_failed, n_dropped;
};

static void pump(struct node *n, struct sweep *s);
static enum err ask(struct node *n, struct swept *f);

/* ---- one slot ---- */

static void slot_end(struct node *n, struct swept *f, enum err r)
{
	struct sweep *s = f->sweep;

	s->n_failed += r != OK;
	arena_free(&f->arena);
	memset(f, 0, sizeof(*f));
	s->n_flights--;
	pump(n, s);
}

static void dropped(struct node *n, void *ctx, enum err r)
{
	struct swept *f = ctx;

	f->reading = false;
	f->sweep->n_dropped += r == OK;
	store_leave(n, &f->job.resource);
	slot_end(n, f, r);
}

/* Nobody writes here meanwhile: whoever comes is refused, or has made this node
 * a member of the replica set again. */
static void drop_slot(struct node *n, struct store_job *job)
{
	struct swept *f = container_of(job, struct swept, job);
	struct batch *b;
	struct change *ch;
	enum err r = OK;

	f->queued = false;
	if (f->sweep->stopped || ring_in_replica_set(n, &f->slot.resource)) {
		store_leave(n, &job->resource);
		slot_end(n, f, OK);
		return;
	}
	b = batch_new(0);
	ch = b == NULL ? NULL : batch_add(b, CHANGE_DROP_SLOT);
	if (ch == NULL) {
		batch_free(b);
		r = ERR_NOMEM;
	} else {
		ch->slot = f->slot;
		f->reading = true;
		r = read_commit_take(n, b, dropped, f);
	}
	if (r != OK) {
		f->reading = false;
		store_leave(n, &job->resource);
		slot_end(n, f, r);
	}
}

/* The owner has all of it. */
static void settled(struct node *n, struct swept *f)
{
	bool ours = ring_in_replica_set(n, &f->slot.resource);
	enum err r;

	if (ours || !repair_idle(n) ||
	    n->now.mono_us - n->replicas.third_us < SWEEP_US) {
		f->sweep->postponed = f->sweep->postponed || !ours;
		slot_end(n, f, OK);
		return;
	}
	f->job.resource = f->slot.resource;
	f->job.run = drop_slot;
	f->queued = true;
	if ((r = store_enter(n, &f->job)) != OK) {
		f->queued = false;
		slot_end(n, f, r);
	}
}

static void copied(struct node *n, void *ctx, enum err r)
{
	struct swept *f = ctx;

	f->copy = NULL;
	node_trace(n, "gave back %s %s", id_short(&f->slot.resource).s,
		   err_name(r));
	/* Who may not tell the counter need not ask again: no value is lost. */
	if (r != OK && (!f->counter_only || copy_unreachable(r)))
		slot_end(n, f, r);
	else
		settled(n, f);
}

static void give(struct node *n, struct swept *f, const struct node_id *owner)
{
	struct copy_args args = { .to = *owner,
				  .replica_number = 1,
				  .values = f->values,
				  .n_values = f->n_values,
				  .done = copied,
				  .ctx = f };
	enum err r = copy_start(n, &args, &f->copy);

	if (r != OK)
		slot_end(n, f, r);
}

static bool same_key(const struct stored_metadata *m, enum data_model model,
		     struct slice key)
{
	return model == MODEL_SINGLE ||
	       (model == MODEL_ARRAY &&
		m->metadata.index == store_key_index(key)) ||
	       (model == MODEL_DICTIONARY && slice_eq(m->metadata.key, key));
}

/* Does the owner have this value, or a newer one? */
static bool has(const struct stat_ans *ans, enum data_model model,
		const struct replica_value *v, uint64_t storage_time)
{
	const struct stat_kind_response *k;

	for (uint32_t i = 0; i < ans->kind_responses.n; i++) {
		k = &ans->kind_responses.v[i];
		for (uint32_t j = 0; k->kind == v->kind && j < k->values.n; j++)
			if (same_key(&k->values.v[j], model, v->key))
				return k->values.v[j].storage_time >=
				       storage_time;
	}
	return false;
}

/* Is the owner's counter lower than that of the slot here? */
static bool is_behind(const struct stat_ans *ans, const struct slot *slot)
{
	for (uint32_t i = 0; i < ans->kind_responses.n; i++)
		if (ans->kind_responses.v[i].kind == slot->kind)
			return ans->kind_responses.v[i].generation <
			       slot->generation;
	return false;
}

/* Keeps those that the owner lacks; none: it has all. */
static enum err compare(struct node *n, struct swept *f, struct slice body)
{
	const struct kind *kind = kinds_find(&n->overlay->kinds, f->slot.kind);
	struct stat_ans ans;
	size_t k = 0;
	enum err r = stat_ans_decode(&ans, body, &n->arena, &n->env);

	if (r != OK || kind == NULL)
		return r != OK ? r : ERR_UNKNOWN_KIND;
	for (size_t i = 0; i < f->n_values; i++)
		if (!has(&ans, kind->model, &f->values[i], f->times[i]))
			f->values[k++] = f->values[i];
	f->counter_only = k == 0 && is_behind(&ans, &f->slot);
	if (!f->counter_only)
		f->n_values = k;
	return OK;
}

/* Whatever came of it, the owner is asked once more. */
static void taught(struct node *n, void *ctx, const struct txn_end *end)
{
	struct swept *f = ctx;
	enum err r;

	(void)end;
	f->txn = NULL;
	if ((r = ask(n, f)) != OK)
		slot_end(n, f, r);
}

static void stat_answered(struct node *n, void *ctx, const struct txn_end *end)
{
	struct swept *f = ctx;
	enum err r = end->err;

	f->txn = NULL;
	if (r == ERR_UNKNOWN_KIND && !f->taught) {
		f->taught = true;
		if (config_update_teach(n, end, taught, f, &f->txn) == OK)
			return;
	}
	if (r == OK)
		r = compare(n, f, end->body);
	if (r != OK)
		slot_end(n, f, r);
	else if (f->n_values > 0)
		give(n, f, &end->responder);
	else
		settled(n, f);
}

static enum err ask(struct node *n, struct swept *f)
{
	struct txn_args args = { .code = MSG_STAT_REQ,
				 .done = stat_answered,
				 .ctx = f };
	enum err r;

	if ((r = resync_question(n, &f->slot.resource, f->values, f->n_values,
				 &args.body)) != OK ||
	    (r = txn_to_resource(n, &f->slot.resource, &args.destination)) !=
		    OK)
		return r;
	return txn_send(n, &args, &f->txn);
}

static enum err keep(struct swept *f, const struct query_answer *is)
{
	enum err r = OK;

	f->slot.generation = is->generation;
	f->values = arena_zalloc(&f->arena, is->n_records, sizeof(*f->values));
	f->times = arena_zalloc(&f->arena, is->n_records, sizeof(*f->times));
	if (f->values == NULL || f->times == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < is->n_records && r == OK; i++) {
		f->values[i].resource = f->slot.resource;
		f->values[i].kind = f->slot.kind;
		f->times[i] = is->records[i].storage_time;
		r = arena_dup(&f->arena, is->records[i].key, &f->values[i].key);
		f->n_values++;
	}
	return r;
}

static void slot_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct swept *f = ctx;

	(void)n_answers;
	f->reading = false;
	if (f->sweep->stopped || ring_responsible(n, &f->slot.resource)) {
		slot_end(n, f, OK);
		return;
	}
	if (r == OK)
		r = keep(f, &answers[0]);
	if (r == OK && f->n_values == 0) {
		settled(n, f);
		return;
	}
	if (r == OK)
		r = ask(n, f);
	if (r != OK)
		slot_end(n, f, r);
}

static void start_slot(struct node *n, struct sweep *s, const struct slot *slot)
{
	struct swept *f = s->flights;
	struct query q = { .type = QUERY_KIND,
			   .resource = slot->resource,
			   .kind = slot->kind,
			   .metadata_only = true,
			   .alive_ms = n->now.unix_ms };

	while (f->busy)
		f++;
	f->busy = true;
	f->sweep = s;
	f->slot = *slot;
	f->arena.max = SLOT_ARENA_MAX;
	f->reading = read_start(n, &q, 1, slot_read, f) == OK;
	s->n_flights++;
	if (!f->reading) {
		f->busy = false;
		s->n_flights--;
		s->n_failed++;
	}
}

/* ---- all of them ---- */

static void arm(struct node *n, uint64_t us)
{
	node_timer(n, &n->replicas.sweep_timer, TIMER_REPLICA,
		   n->now.mono_us + us);
}

static void sweep_end(struct node *n, struct sweep *s)
{
	struct replicas *rs = &n->replicas;

	if (s->reading || s->n_flights > 0)
		return;
	node_trace(n, "swept, %u deleted, %u kept", s->n_dropped, s->n_failed);
	rs->sweep = NULL;
	if (s->n_failed == 0 || s->stopped) {
		rs->sweep_failures = 0;
	} else { /* never given up: it may be the last copy */
		rs->sweep_all = true;
		arm(n, SWEEP_AGAIN_US << rs->sweep_failures);
		if (rs->sweep_failures < AGAIN_SHIFT_MAX)
			rs->sweep_failures++;
	}
	if (s->postponed && !s->stopped && rs->sweep_timer.pos == 0)
		arm(n, SWEEP_SOON_US);
	free(s);
}

static void page_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct sweep *s = ctx;

	(void)n_answers;
	s->reading = false;
	s->n_page = r == OK ? answers[0].n_slots : 0;
	if (s->n_page > PAGE)
		s->n_page = PAGE;
	s->n_failed += r != OK;
	s->at = 0;
	s->exhausted = s->n_page < PAGE;
	s->has_last = s->n_page > 0;
	if (s->n_page > 0) {
		memcpy(s->page, answers[0].slots, s->n_page * sizeof(*s->page));
		s->last = s->page[s->n_page - 1];
	}
	pump(n, s);
}

static void read_page(struct node *n, struct sweep *s)
{
	struct query q = { .type = QUERY_RANGE,
			   .from = s->from,
			   .to = s->until,
			   .alive_ms = n->now.unix_ms,
			   .has_cursor = s->has_last,
			   .cursor = s->last,
			   .max = PAGE };

	s->reading = read_start(n, &q, 1, page_read, s) == OK;
	s->exhausted = !s->reading;
}

static void pump(struct node *n, struct sweep *s)
{
	while (!s->stopped && !s->reading && s->n_flights < WINDOW) {
		if (s->at < s->n_page)
			start_slot(n, s, &s->page[s->at++]);
		else if (!s->exhausted)
			read_page(n, s);
		else
			break;
	}
	sweep_end(n, s);
}

void sweep_timer(struct node *n)
{
	const struct ring *ring = &n->ring;
	struct replicas *rs = &n->replicas;
	struct sweep *s;

	if (!ring->responsible || ring->n_predecessors == 0)
		return;
	if (rs->sweep != NULL || (!rs->sweep_all && !repair_idle(n))) {
		arm(n, SWEEP_SOON_US);
		return;
	}
	if (!rs->sweep_all && ring->n_predecessors <= REPLICAS)
		return;
	if ((s = calloc(1, sizeof(*s))) == NULL) {
		node_failed(n, ERR_NOMEM);
		return;
	}
	s->from = n->id;
	s->until = rs->sweep_all ? ring->predecessors[0]
				 : ring->predecessors[REPLICAS];
	rs->sweep_all = false;
	rs->sweep = s;
	pump(n, s);
}

void sweep_soon(struct node *n, bool all)
{
	const struct ring *ring = &n->ring;
	struct replicas *rs = &n->replicas;
	struct node_id third = { { 0 } };
	bool changed;

	if (ring->n_predecessors > REPLICAS)
		third = ring->predecessors[REPLICAS];
	changed = !id_eq(&third, &rs->third);
	rs->third = third;
	if (changed)
		rs->third_us = n->now.mono_us;
	if (all) {
		rs->sweep_all = true;
		rs->sweep_failures = 0;
		arm(n, SWEEP_SOON_US);
	} else if (changed && !id_is_zero(&third) && rs->sweep_timer.pos == 0) {
		arm(n, SWEEP_US);
	}
}

void sweep_stop(struct node *n)
{
	struct sweep *s = n->replicas.sweep;
	struct swept *f;

	heap_cancel(&n->timers, &n->replicas.sweep_timer);
	n->replicas.sweep_all = false;
	if (s == NULL || s->stopped)
		return;
	s->stopped = true;
	for (size_t i = 0; i < WINDOW; i++) {
		f = &s->flights[i];
		if (!f->busy || f->reading || f->queued)
			continue;
		txn_cancel(n, f->txn);
		copy_cancel(n, f->copy);
		arena_free(&f->arena);
		memset(f, 0, sizeof(*f));
		s->n_flights--;
	}
	sweep_end(n, s);
}

void sweep_clear(struct node *n)
{
	struct sweep *s = n->replicas.sweep;

	for (size_t i = 0; s != NULL && i < WINDOW; i++)
		arena_free(&s->flights[i].arena);
	free(s);
	n->replicas.sweep = NULL;
}
