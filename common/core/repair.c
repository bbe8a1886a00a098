/* SPDX-License-Identifier: ISC */
/*
 * Ranges on their way: every new member of the replica set gets what this node
 * owns, RFC 6940 s10.7.3; a successor that took a failed one's place only after
 * the hold-down, s10.7.1; a joining node gets its range, s10.5 step 6.  Slots
 * are read page by page, a few are on their way at a time.
 */
#include "core/repair.h"

#include <stdlib.h>

#include "core/copy.h"
#include "core/leave.h"
#include "core/state.h"
#include "core/sweep.h"

#define PAUSE_US  (10 * UINT64_C(1000000)) /* after a failure */
#define LINGER_US REQUEST_LIFETIME_US

enum {
	PAGE = 64,       /* slots */
	WINDOW = 8,      /* slots on their way, of one job */
	WINDOW_LOST = 2, /* where much is lost */
	FAILURES_MAX = 5,
	PAUSE_SHIFT_MAX = 4 /* PAUSE_US is doubled so often */
};

struct repair_job {
	struct repair_job *prev, *next;
	struct node_id to, from, until;
	struct slot page[PAGE];
	size_t n_page, at;
	struct slot last; /* of the pages so far */
	bool has_last, exhausted;
	bool reading;
	bool abandoned; /* nobody waits for it */
	struct flight {
		struct repair_job *job;
		struct copy *copy; /* NULL: free */
	} flights[WINDOW];
	uint32_t n_flights;
	enum err result;
	bool hand_over;
	bool over;          /* a hand-over that lingers */
	uint64_t linger_us; /* until when */
	repair_done *done;
	void *ctx;
};

static void pump(struct node *n, struct repair_job *j);
static void kick(struct node *n);

static void job_free(struct node *n, struct repair_job *j)
{
	struct replicas *rs = &n->replicas;

	*(j->prev == NULL ? &rs->jobs : &j->prev->next) = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	free(j);
}

static struct repair_job *job_new(struct node *n, const struct node_id *to,
				  const struct node_id *from,
				  const struct node_id *until)
{
	struct repair_job *j = calloc(1, sizeof(*j));

	if (j == NULL) {
		node_failed(n, ERR_NOMEM);
		return NULL;
	}
	j->to = *to;
	j->from = *from;
	j->until = *until;
	j->next = n->replicas.jobs;
	if (j->next != NULL)
		j->next->prev = j;
	n->replicas.jobs = j;
	return j;
}

/* ---- one job ---- */

/* It has ended when nothing is on its way any more. */
static void check_end(struct node *n, struct repair_job *j)
{
	repair_done *done = j->done;

	if (j->n_flights > 0 || j->reading || j->over ||
	    (!j->abandoned && j->result == OK &&
	     !(j->exhausted && j->at == j->n_page)))
		return;
	j->done = NULL;
	if (j->hand_over && j->result == OK && done != NULL) {
		j->over = true; /* `done` may put an end to it */
		j->linger_us = n->now.mono_us + LINGER_US;
		done(n, j->ctx, OK);
	} else {
		if (done != NULL)
			done(n, j->ctx, j->result);
		job_free(n, j);
	}
	kick(n);
}

static void copied(struct node *n, void *ctx, enum err r)
{
	struct flight *f = ctx;
	struct repair_job *j = f->job;

	f->copy = NULL;
	j->n_flights--;
	/* To a joining node goes what it takes: it judges for itself.  But one
	 * whose disk is full must not own what it could not keep. */
	if (r != OK && j->result == OK &&
	    (!j->hand_over || copy_unreachable(r) || r == ERR_REQUEST_TIMEOUT))
		j->result = r;
	pump(n, j);
}

static void send_slot(struct node *n, struct repair_job *j,
		      const struct slot *s)
{
	struct replica_value v = { .resource = s->resource, .kind = s->kind };
	struct copy_args args = { .to = j->to,
				  .replica_number = 1,
				  .values = &v,
				  .n_values = 1,
				  .whole = true,
				  .done = copied };
	struct flight *f = j->flights;

	while (f->copy != NULL)
		f++;
	f->job = j;
	args.ctx = f;
	if (copy_start(n, &args, &f->copy) == OK)
		j->n_flights++;
	else
		j->result = ERR_TIMEOUT; /* tried again later */
}

static void page_read(struct node *n, void *ctx, enum err r,
		      const struct query_answer *answers, size_t n_answers)
{
	struct repair_job *j = ctx;

	(void)n_answers;
	j->reading = false;
	if (r != OK) {
		j->result = r;
	} else {
		j->n_page = answers[0].n_slots < PAGE ? answers[0].n_slots
						      : PAGE;
		for (size_t i = 0; i < j->n_page; i++)
			j->page[i] = answers[0].slots[i];
		j->at = 0;
		j->exhausted = j->n_page < PAGE;
		j->has_last = j->n_page > 0;
		if (j->has_last)
			j->last = j->page[j->n_page - 1];
	}
	pump(n, j);
}

static void read_page(struct node *n, struct repair_job *j)
{
	struct query q = { .type = QUERY_RANGE,
			   .from = j->from,
			   .to = j->until,
			   .alive_ms = n->now.unix_ms,
			   .has_cursor = j->has_last,
			   .cursor = j->last,
			   .max = PAGE };
	enum err r = read_start(n, &q, 1, page_read, j);

	j->reading = r == OK;
	if (r != OK)
		j->result = r;
}

/* Where much is lost a link carries a frame or two a second: of many Stores at
 * once none would get through in its time, nor would what is behind them. */
static void pump(struct node *n, struct repair_job *j)
{
	const uint32_t window = link_much_lost(n) ? WINDOW_LOST : WINDOW;

	while (j->result == OK && !j->abandoned && !j->reading &&
	       j->n_flights < window) {
		if (j->at < j->n_page)
			send_slot(n, j, &j->page[j->at++]);
		else if (!j->exhausted)
			read_page(n, j);
		else
			break;
	}
	check_end(n, j);
}

static void abandon(struct node *n, struct repair_job *j)
{
	if (j == NULL || j->abandoned)
		return;
	j->done = NULL;
	j->abandoned = true;
	j->over = false;
	for (size_t i = 0; i < WINDOW; i++) {
		if (j->flights[i].copy == NULL)
			continue;
		copy_cancel(n, j->flights[i].copy);
		j->flights[i].copy = NULL;
		j->n_flights--;
	}
	if (!j->reading)
		job_free(n, j);
}

/* ---- the replica set ---- */

static void member_done(struct node *n, void *ctx, enum err r)
{
	struct replica_member *m = NULL;
	struct replicas *rs = &n->replicas;
	struct repair_job *j = ctx;

	for (size_t i = 0; i < rs->n_members; i++)
		if (rs->members[i].job == j)
			m = &rs->members[i];
	if (m == NULL)
		return;
	m->job = NULL;
	node_trace(n, "copies to %s %s", id_short(&m->id).s, err_name(r));
	/* A full disk is emptied one day; a refusal stays one. */
	if (r == OK && m->missed)
		r = ERR_REQUEST_TIMEOUT;
	m->missed = false;
	if (r == OK ||
	    (m->failures >= FAILURES_MAX && r != ERR_REQUEST_TIMEOUT)) {
		m->has = true;
		m->has_from = m->job_from;
		m->failures = 0;
		return;
	}
	m->has = false;
	m->not_before_us = n->now.mono_us +
			   (PAUSE_US << (m->failures < PAUSE_SHIFT_MAX
						 ? m->failures
						 : PAUSE_SHIFT_MAX));
	m->failures++;
}

/* The part of the owned range that a member lacks; false: none. */
static bool lacks(const struct replica_member *m, const struct node_id *from,
		  const struct node_id *own, struct node_id *until)
{
	*until = *own;
	if (!m->has)
		return true;
	if (id_eq(&m->has_from, from) || id_eq(&m->has_from, own))
		return false;
	*until = m->has_from;
	return id_between(from, &m->has_from, own);
}

static void free_lingering(struct node *n)
{
	struct repair_job *j, *next;

	for (j = n->replicas.jobs; j != NULL; j = next) {
		next = j->next;
		if (j->over && j->linger_us <= n->now.mono_us)
			job_free(n, j);
	}
}

/* Starts what may start, and wakes up for what may not yet. */
static void kick(struct node *n)
{
	struct replicas *rs = &n->replicas;
	struct replica_member *m;
	struct node_id from, own, until;
	uint64_t at = NEVER;

	free_lingering(n);
	if (!n->ring.responsible)
		return;
	ring_range(n, &from, &own);
	for (size_t i = 0; i < rs->n_members; i++) {
		m = &rs->members[i];
		if (m->job != NULL || !lacks(m, &from, &own, &until))
			continue;
		if (m->not_before_us > n->now.mono_us) {
			if (m->not_before_us < at)
				at = m->not_before_us;
			continue;
		}
		node_trace(n, "copies for %s", id_short(&m->id).s);
		if ((m->job = job_new(n, &m->id, &from, &until)) == NULL)
			return;
		m->job_from = from;
		m->job->done = member_done;
		m->job->ctx = m->job;
		read_page(n, m->job);
		if (m->job->reading)
			continue;
		job_free(n, m->job);
		m->job = NULL;
	}
	if (at == NEVER)
		heap_cancel(&n->timers, &rs->repair);
	else
		node_timer(n, &rs->repair, TIMER_REPLICA, at);
	if (repair_idle(n))
		leave_copied(n);
}

static struct replica_member *member(struct replicas *rs,
				     const struct node_id *id)
{
	for (size_t i = 0; i < rs->n_members; i++)
		if (id_eq(&rs->members[i].id, id))
			return &rs->members[i];
	return NULL;
}

/* CHOICE 38: the hold-down of s10.7.1 is for the successor that takes a failed
 * one's place, not for one that has joined. */
static void set_members(struct node *n, bool failure)
{
	struct replicas *rs = &n->replicas;
	struct replica_member next[REPLICAS] = { { .has = false } }, *old;
	struct node_id ids[REPLICAS];
	size_t k = ring_replicas(n, ids);

	for (size_t i = 0; i < k; i++) {
		if ((old = member(rs, &ids[i])) != NULL) {
			next[i] = *old;
			old->job = NULL;
			continue;
		}
		next[i].id = ids[i];
		next[i].since_us = n->now.mono_us;
		next[i].not_before_us =
			failure && !n->join.leaving
				? n->now.mono_us + REPLACEMENT_HOLDDOWN_US
				: 0;
	}
	for (size_t i = 0; i < rs->n_members; i++)
		abandon(n, rs->members[i].job);
	memcpy(rs->members, next, sizeof(next));
	rs->n_members = k;
}

/* Who got the part of the range that was lost, if it went by a hand-over? */
static bool handed_over(const struct node *n, const struct node_id *from)
{
	for (const struct repair_job *j = n->replicas.jobs; j != NULL;
	     j = j->next)
		if (j->over && id_eq(&j->to, from) &&
		    id_eq(&j->from, &n->replicas.owned_from))
			return true;
	return false;
}

static void check_range(struct node *n)
{
	struct replicas *rs = &n->replicas;
	struct node_id from, own;

	ring_range(n, &from, &own);
	if (id_eq(&from, &rs->owned_from))
		return;
	/* s6.4.2.3: what others own by now must reach them. */
	if (id_is_zero(&rs->owned_from) ||
	    (id_between(&rs->owned_from, &from, &own) &&
	     !handed_over(n, &from)))
		sweep_soon(n, true);
	for (size_t i = 0; i < rs->n_members; i++)
		if (id_between(&rs->members[i].has_from, &from, &own))
			rs->members[i].has_from = from;
	rs->owned_from = from;
}

void repair_ring_changed(struct node *n, bool after_failure)
{
	if (!n->ring.responsible)
		return;
	check_range(n);
	set_members(n, after_failure);
	sweep_soon(n, false);
	kick(n);
}

void repair_missed(struct node *n, const struct node_id *to)
{
	struct replica_member *m = member(&n->replicas, to);

	if (m == NULL)
		return;
	if (m->job != NULL) { /* which may be past this value */
		m->missed = true;
		return;
	}
	m->has = false;
	if (m->not_before_us < n->now.mono_us + PAUSE_US)
		m->not_before_us = n->now.mono_us + PAUSE_US;
	kick(n);
}

void repair_heard(struct node *n, const struct node_id *from, uint32_t uptime_s)
{
	struct replica_member *m = member(&n->replicas, from);
	uint64_t up_us = (uptime_s + UINT64_C(1)) * 1000000; /* at most */

	if (m == NULL || n->now.mono_us <= m->since_us + up_us)
		return;
	m->since_us = n->now.mono_us;
	node_trace(n, "%s was started again", id_short(from).s);
	repair_missed(n, from);
}

void repair_hurry(struct node *n)
{
	for (size_t i = 0; i < n->replicas.n_members; i++)
		n->replicas.members[i].not_before_us = 0;
	kick(n);
}

bool repair_idle(const struct node *n)
{
	const struct replicas *rs = &n->replicas;

	for (const struct repair_job *j = rs->jobs; j != NULL; j = j->next)
		if (!j->over)
			return false;
	for (size_t i = 0; i < rs->n_members; i++)
		if (!rs->members[i].has)
			return false;
	return true;
}

void repair_timer(struct node *n)
{
	kick(n);
}

/* ---- hand-over ---- */

enum err repair_hand_over(struct node *n, const struct node_id *to,
			  const struct node_id *from,
			  const struct node_id *until, repair_done *done,
			  void *ctx)
{
	struct repair_job *j, *next;

	for (j = n->replicas.jobs; j != NULL; j = next) {
		next = j->next;
		if (j->hand_over && id_eq(&j->to, to))
			abandon(n, j);
	}
	if ((j = job_new(n, to, from, until)) == NULL)
		return ERR_NOMEM;
	j->hand_over = true;
	j->done = done;
	j->ctx = ctx;
	read_page(n, j);
	if (j->reading)
		return OK;
	job_free(n, j);
	return ERR_NOMEM;
}

size_t repair_takers(const struct node *n, const struct node_id *id,
		     struct node_id *out, size_t max)
{
	size_t k = 0;

	for (const struct repair_job *j = n->replicas.jobs; j != NULL;
	     j = j->next) {
		if (!j->hand_over || j->abandoned || k == max ||
		    (j->over && j->linger_us <= n->now.mono_us))
			continue;
		if (id_in_range(&j->from, id, &j->until))
			out[k++] = j->to;
	}
	return k;
}

void repair_stop(struct node *n)
{
	struct replicas *rs = &n->replicas;
	struct repair_job *j, *next;

	for (j = rs->jobs; j != NULL; j = next) {
		next = j->next;
		abandon(n, j);
	}
	rs->n_members = 0;
	memset(&rs->owned_from, 0, sizeof(rs->owned_from));
	heap_cancel(&n->timers, &rs->repair);
}

void repair_clear(struct node *n)
{
	while (n->replicas.jobs != NULL)
		job_free(n, n->replicas.jobs);
}
