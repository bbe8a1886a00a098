/* SPDX-License-Identifier: ISC */
/*
 * Updates, RFC 6940 s10.7: when one goes to which link, and what an incoming
 * one does to the tables; RouteQuery, s10.8.  What follows from the tables is
 * ring.c's, whom to Attach to meet.c's.
 */
#include "core/admit.h"
#include "core/way.h"
#include "core/dial.h"
#include "core/join.h"
#include "core/meet.h"
#include "core/repair.h"
#include "core/state.h"
#include "core/suspect.h"
#include "core/update.h"

/* Between two Updates on one link: a burst of changes becomes one Update. */
#define UPDATE_GAP_US (200 * UINT64_C(1000))
/* Where much is lost each of them may cost the link. */
#define PATIENT_GAP_US (3 * UINT64_C(1000000))
/* A neighbour that others do not name is asked so often whether it is there. */
#define DOUBT_GAP_US (2 * UINT64_C(1000000))

/* ---- sending ---- */

static void set_timer(struct node *n)
{
	uint64_t at = NEVER;

	for (struct ring_link *r = n->ring.first; r != NULL; r = r->next)
		if (r->due_us < at)
			at = r->due_us;
	if (at == NEVER)
		heap_cancel(&n->timers, &n->ring.update);
	else
		node_timer(n, &n->ring.update, TIMER_RING, at);
}

/* Now, or `gap_us` after the last one. */
static void sooner(const struct node *n, struct ring_link *r, uint64_t gap_us)
{
	uint64_t at = n->now.mono_us;

	if (gap_us < PATIENT_GAP_US && link_patient(n, r->link))
		gap_us = PATIENT_GAP_US;
	if (r->sent_us != 0 && at < r->sent_us + gap_us)
		at = r->sent_us + gap_us;
	if (at < r->due_us)
		r->due_us = at;
}

static void soon(struct node *n, struct ring_link *r, uint64_t gap_us)
{
	sooner(n, r, gap_us);
	if (n->ring.update.pos == 0 || r->due_us < n->ring.update.at_us)
		node_timer(n, &n->ring.update, TIMER_RING, r->due_us);
}

void update_link(struct node *n, struct ring_link *r, uint8_t type)
{
	if (!n->ring.responsible)
		return;
	if (type > r->update_type)
		r->update_type = type;
	soon(n, r, UPDATE_GAP_US);
}

void update_all(struct node *n)
{
	for (struct ring_link *r = n->ring.first; r != NULL; r = r->next) {
		if (r->update_type < CHORD_UPDATE_NEIGHBORS)
			r->update_type = CHORD_UPDATE_NEIGHBORS;
		sooner(n, r, UPDATE_GAP_US);
	}
	set_timer(n);
}

/* s10.7.4.1: every peer again after the interval, not all at once. */
static uint64_t next_us(struct node *n, const struct ring_link *r)
{
	if (!r->attached || !r->peer || r->left)
		return NEVER;
	return ring_around_us(n, n->overlay->chord_update_interval_s);
}

static void answered(struct node *n, void *ctx, const struct txn_end *end)
{
	struct ring_link *r = ctx;

	r->update = NULL;
	if (end->err != ERR_TIMEOUT || !r->attached || !r->peer)
		return;
	/* s10.7.1: a neighbour is lost when a request to it fails; not so where
	 * much is lost and its ACKs come. */
	if (link_patient(n, r->link) && !r->link->suspect)
		update_link(n, r, 0);
	else
		link_close(n, r->link, ERR_TIMEOUT);
}

void update_link_down(struct node *n, struct ring_link *r)
{
	txn_cancel(n, r->update);
	r->update = NULL;
}

/* A new one takes the place of one that has no answer yet. */
static enum err send(struct node *n, struct ring_link *r)
{
	struct txn_args args = { .code = MSG_UPDATE_REQ,
				 .link = r->link->number,
				 .done = answered,
				 .ctx = r };
	struct chord_update u;
	enum err e;

	if ((e = ring_table(n, &u)) != OK ||
	    (e = txn_to_node(n, &r->id, &args.destination)) != OK)
		return e;
	u.type = r->update_type;
	if (u.type == 0)
		u.type = ring_is_neighbor(n, &r->id) ? CHORD_UPDATE_NEIGHBORS
						     : CHORD_UPDATE_PEER_READY;
	update_link_down(n, r);
	if ((e = node_encode(n, &wire_type_chord_update, &u, &args.body)) !=
		    OK ||
	    (e = txn_send(n, &args, &r->update)) != OK)
		return e;
	r->sent_us = n->now.mono_us;
	r->update_type = 0;
	r->due_us = next_us(n, r);
	return OK;
}

void update_timer(struct node *n)
{
	struct ring_link *r, *next;

	for (r = n->ring.first; r != NULL; r = next) {
		next = r->next;
		if (r->due_us > n->now.mono_us)
			continue;
		if (!n->ring.responsible) {
			r->due_us = NEVER;
			continue;
		}
		if (send(n, r) != OK)
			r->due_us = n->now.mono_us + UPDATE_GAP_US;
	}
	set_timer(n);
}

void update_now(struct node *n, struct ring_link *r, uint8_t type)
{
	if (!n->ring.responsible)
		return;
	r->update_type = type;
	if (send(n, r) != OK)
		r->due_us = n->now.mono_us + UPDATE_GAP_US;
	set_timer(n);
}

void update_wanted(struct node *n, const struct link *l)
{
	struct ring_link *r = ring_link_by_number(n, l->number);

	/* A node that is not in the ring yet says so to all once it is. */
	if (r != NULL)
		update_link(n, r, CHORD_UPDATE_FULL);
}

/* ---- receiving, s10.7.3 ---- */

/* Its own words make a node a peer that can be routed through, s6.5.1: only
 * those that come straight from it. */
static void heard_from(struct node *n, const struct request *req)
{
	struct link *l = link_by_number(n, req->link);
	struct ring_link *r = ring_link_by_number(n, req->link);

	if (l == NULL || l->closed || r == NULL || r->left ||
	    !id_eq(&l->node_id, &req->source))
		return;
	l->routable = true;
	dial_claimed(n, l);
	ring_link_up(n, l);
	way_remember(n, l);
	admit_updated(n, &req->source);
}

static bool lists(const struct node_id_list *l, const struct node_id *id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (id_eq(&l->v[i], id))
			return true;
	return false;
}

/* Ought `id` to be in a list of the nodes after `from`, or before it? */
static bool ought(const struct node_id *from, const struct node_id_list *l,
		  const struct node_id *id, bool after)
{
	const struct node_id *end;

	if (l->n == 0)
		return true;
	end = &l->v[l->n - 1];
	return after ? id_between(from, id, end) : id_between(end, id, from);
}

/*
 * A neighbour of ours that the sender ought to know and does not name may have
 * failed: an Update shows whether it answers, long before the next one is due.
 */
static void doubt(struct node *n, const struct node_id *source,
		  const struct chord_update *u)
{
	bool near = ring_is_neighbor(n, source);
	struct ring_link *r;

	for (r = n->ring.first; r != NULL; r = r->next)
		if (r->attached && r->peer && !id_eq(&r->id, source) &&
		    ring_is_neighbor(n, &r->id) &&
		    !lists(&u->successors, &r->id) &&
		    !lists(&u->predecessors, &r->id) &&
		    (ought(source, &u->successors, &r->id, true) ||
		     ought(source, &u->predecessors, &r->id, false))) {
			if (near)
				suspect_doubted(n, r);
			soon(n, r, DOUBT_GAP_US);
		}
}

static void learn(struct node *n, const struct node_id *source,
		  const struct chord_update *u)
{
	uint32_t n_ids = u->predecessors.n + u->successors.n + 1, k = 0;
	struct node_id *ids = arena_zalloc(&n->arena, n_ids,
					   sizeof(struct node_id));

	if (ids == NULL) {
		node_failed(n, ERR_NOMEM);
		return;
	}
	/* The sender itself may be linked as our bootstrap node only. */
	ids[k++] = *source;
	for (uint32_t i = 0; i < u->predecessors.n; i++)
		ids[k++] = u->predecessors.v[i];
	for (uint32_t i = 0; i < u->successors.n; i++)
		ids[k++] = u->successors.v[i];
	meet_neighbors(n, source, ids, k);
}

void update_on_update(struct node *n, struct request *req)
{
	struct chord_update u;
	enum err r = chord_update_decode(&u, req->message.contents.message_body,
					 &req->arena, &n->env);

	if (r != OK) {
		request_refuse_take(n, req, r, "the Update cannot be read");
		return;
	}
	if (u.predecessors.n > UPDATE_NAMES_MAX ||
	    u.successors.n > UPDATE_NAMES_MAX ||
	    u.fingers.n > UPDATE_NAMES_MAX) {
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "more nodes than any table has");
		return;
	}
	if (n->cfg.role == ROLE_PEER && join_listens(n, req->link)) {
		node_trace(n, "update %u from %s", u.type,
			   id_short(&req->source).s);
		heard_from(n, req);
		repair_heard(n, &req->source, u.uptime);
		if (u.type != CHORD_UPDATE_PEER_READY) {
			learn(n, &req->source, &u);
			doubt(n, &req->source, &u);
		}
		join_updated(n, &req->source, &u);
	} else if (n->cfg.role == ROLE_CLIENT) {
		client_table(n, &req->source, &u);
	}
	request_answer_take(n, req, (struct slice){ 0 });
}

/* ---- RouteQuery, s10.8 ---- */

static void update_after_query(struct node *n, const struct request *req)
{
	struct ring_link *r = ring_link_by_number(n, req->link);

	if (r == NULL || !id_eq(&r->id, &req->source))
		r = ring_link_to(n, &req->source);
	/* CHOICE: s10.8 SHOULD; only to a node this one is linked with. */
	if (r != NULL)
		update_link(n, r, CHORD_UPDATE_FULL);
}

void update_on_route_query(struct node *n, struct request *req)
{
	struct route_query_req q;
	struct chord_route_query_ans ans;
	struct node_id point;
	struct link *l;
	struct slice body;
	enum err r = route_query_req_decode(
		&q, req->message.contents.message_body, &req->arena, &n->env);

	if (r != OK) {
		request_refuse_take(n, req, r, "the RouteQuery cannot be read");
		return;
	}
	/* CHOICE: what an opaque ID stands for is not told, s6.4.2.4.1. */
	if ((r = route_point(&q.destination, &point)) != OK) {
		request_refuse_take(n, req, ERR_FORBIDDEN,
				    "only Node-IDs and Resource-IDs");
		return;
	}
	ans.next_peer = n->id;
	if (!route_is_local(n, &q.destination)) {
		l = route_next_hop(n, &q.destination, 0);
		if (l == NULL) {
			request_refuse_take(n, req, ERR_NOT_FOUND, "no way");
			return;
		}
		ans.next_peer = l->node_id;
	}
	if ((r = node_encode(n, &wire_type_chord_route_query_ans, &ans,
			     &body)) != OK) {
		request_error_take(n, req, r, (struct slice){ 0 });
		return;
	}
	if (q.send_update)
		update_after_query(n, req);
	request_answer_take(n, req, body);
}
