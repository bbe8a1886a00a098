/* SPDX-License-Identifier: ISC */
/*
 * Leave, RFC 6940 s6.4.2.2 and s10.9: said to every peer this node is linked
 * with, once its values have their copies; heard from a neighbour, it is a
 * failure that needs no detecting.
 *
 * CHOICE 52: the first successor, which takes over the range, hears of it
 * before the others.  One that leaves as well refuses, and is waited for, so
 * that neighbours who leave at once go one by one, each with its copies made at
 * nodes that stay.  Somebody must be first: where all leave, the greatest
 * Node-ID.
 */
#include <stdlib.h>

#include "core/leave.h"
#include "core/meet.h"
#include "core/repair.h"
#include "core/state.h"

#define COPIES_US  (5 * UINT64_C(1000000)) /* for copies that are missing */
#define ANSWERS_US (2 * UINT64_C(1000000))

/* A LeaveReq without answer. */
struct leave_wait {
	struct txn *txn;
	struct leave_wait *next;
};

/* ---- going ---- */

static void finish(struct node *n)
{
	struct join *j = &n->join;
	struct result res = { .id = j->leave_command, .type = CMD_LEAVE };

	leave_clear(n);
	heap_cancel(&n->timers, &j->leave_timer);
	j->leaving = j->asking = false;
	join_stop(n);
	while (n->links.first != NULL)
		link_close(n, n->links.first, ERR_LINK_CLOSED);
	node_set_state(n, STATE_LEFT);
	node_failed(n, node_done(n, &res));
}

static bool is_first_successor(const struct node *n, const struct node_id *id)
{
	return n->ring.n_successors > 0 && id_eq(&n->ring.successors[0], id);
}

static void say_all(struct node *n);

static void answered(struct node *n, void *ctx, const struct txn_end *end)
{
	struct leave_wait **p = &n->join.leaves, *w = ctx;
	struct join *j = &n->join;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	free(w);
	if (n->ring.responsible && j->asking) {
		j->asking = false;
		if (end->err != ERR_IN_PROGRESS)
			say_all(n);
		else if (!is_first_successor(n, &j->asked) && repair_idle(n))
			leave_copied(n);
	} else if (j->leaves == NULL) {
		finish(n);
	}
}

/* The recipient's place: a predecessor of ours hears from its successor. */
static bool before_us(const struct node *n, const struct ring_link *r)
{
	const struct ring *ring = &n->ring;

	for (uint32_t i = 0; i < NEIGHBORS_MAX; i++) {
		if (i < ring->n_predecessors &&
		    id_eq(&ring->predecessors[i], &r->id))
			return true;
		if (i < ring->n_successors &&
		    id_eq(&ring->successors[i], &r->id))
			return false;
	}
	return (r->distance.b[0] & 0x80) != 0;
}

static enum err say(struct node *n, const struct ring_link *r)
{
	const struct ring *ring = &n->ring;
	struct chord_leave_data data = {
		.type = before_us(n, r) ? CHORD_LEAVE_FROM_SUCC
					: CHORD_LEAVE_FROM_PRED,
		.successors = { n->ring.successors, ring->n_successors },
		.predecessors = { n->ring.predecessors, ring->n_predecessors },
	};
	struct leave_req req = { .leaving_peer_id = n->id };
	struct leave_wait *w = calloc(1, sizeof(*w));
	struct txn_args args = { .code = MSG_LEAVE_REQ,
				 .link = r->link->number,
				 .done = answered,
				 .ctx = w };
	enum err e = ERR_NOMEM;

	if (w == NULL ||
	    (e = node_encode(n, &wire_type_chord_leave_data, &data,
			     &req.overlay_specific_data)) != OK ||
	    (e = node_encode(n, &wire_type_leave_req, &req, &args.body)) !=
		    OK ||
	    (e = txn_to_node(n, &r->id, &args.destination)) != OK ||
	    (e = txn_send(n, &args, &w->txn)) != OK) {
		free(w);
		return e;
	}
	w->next = n->join.leaves;
	n->join.leaves = w;
	return OK;
}

static void say_all(struct node *n)
{
	const struct ring_link *r;

	/* One that does not hear of it sees the link go. */
	for (r = n->ring.first; r != NULL; r = r->next)
		if (r->attached && r->peer && !id_eq(&r->id, &n->join.asked) &&
		    say(n, r) != OK)
			node_trace(n, "leave not sent to %s",
				   id_short(&r->id).s);
	ring_exit(n);
	if (n->join.leaves == NULL)
		finish(n);
	else
		node_timer(n, &n->join.leave_timer, TIMER_JOIN,
			   n->now.mono_us + ANSWERS_US);
}

enum err leave_start(struct node *n, const struct command *c)
{
	struct join *j = &n->join;
	struct result res = { .id = c->id, .type = c->type };

	if (j->leaving) {
		res.err = ERR_IN_PROGRESS;
		return node_done(n, &res);
	}
	j->leaving = true;
	j->leave_command = c->id;
	j->asked = (struct node_id){ 0 };
	if (!n->ring.responsible) {
		finish(n);
		return OK;
	}
	repair_hurry(n); /* leave_copied() at once when nothing is missing */
	if (n->ring.responsible)
		node_timer(n, &j->leave_timer, TIMER_JOIN,
			   n->now.mono_us + COPIES_US);
	return OK;
}

void leave_copied(struct node *n)
{
	struct join *j = &n->join;
	const struct ring_link *r;

	if (!j->leaving || !n->ring.responsible || j->asking)
		return;
	r = n->ring.n_successors == 0 ? NULL
				      : ring_link_to(n, &n->ring.successors[0]);
	if (r != NULL && r->attached && r->peer) {
		if (id_eq(&r->id, &j->asked))
			return; /* it has refused, and goes before us */
		j->asked = r->id;
		j->asking = true;
		if (say(n, r) == OK)
			return;
		j->asking = false;
	}
	say_all(n);
}

void leave_timer(struct node *n)
{
	if (n->ring.responsible)
		say_all(n);
	else
		finish(n);
}

void leave_clear(struct node *n)
{
	struct leave_wait *w;

	while ((w = n->join.leaves) != NULL) {
		n->join.leaves = w->next;
		txn_cancel(n, w->txn);
		free(w);
	}
}

/* ---- hearing of it ---- */

/* Whom the leaving node knew next to it, other than this one. */
static uint32_t others(const struct node *n, const struct node_id_list *l)
{
	uint32_t k = 0;

	for (uint32_t i = 0; i < l->n; i++)
		k += !id_eq(&l->v[i], &n->id);
	return k;
}

/* CHOICE 52: who leaves as well cannot take over what its predecessor had. */
static bool goes_first(const struct node *n, const struct node_id *who)
{
	const struct ring *ring = &n->ring;

	if (!n->join.leaving)
		return false;
	return !ring->responsible ||
	       (ring->n_predecessors > 0 &&
		id_eq(&ring->predecessors[0], who) && id_cmp(&n->id, who) > 0);
}

static void gone(struct node *n, struct request *req,
		 const struct chord_leave_data *data)
{
	const struct node_id_list *l = data->type == CHORD_LEAVE_FROM_SUCC
					       ? &data->successors
					       : &data->predecessors;
	struct ring_link *r = ring_link_by_number(n, req->link);

	node_trace(n, "leave of %s", id_short(&req->source).s);
	if (n->cfg.role != ROLE_PEER || r == NULL)
		return;
	ring_left(n, r, data->type != 0 && others(n, l) == 0);
	if (n->ring.responsible)
		meet_neighbors(n, NULL, l->v, l->n);
}

void leave_on_leave(struct node *n, struct request *req)
{
	struct link *l = link_by_number(n, req->link);
	struct chord_leave_data data = { 0 };
	struct leave_req leave;
	enum err r = leave_req_decode(&leave,
				      req->message.contents.message_body,
				      &req->arena, &n->env);

	if (r == OK && leave.overlay_specific_data.len > 0)
		r = chord_leave_data_decode(&data, leave.overlay_specific_data,
					    &req->arena, &n->env);
	if (r != OK) {
		request_refuse_take(n, req, r, "the LeaveReq cannot be read");
		return;
	}
	if (!id_eq(&leave.leaving_peer_id, &req->source) || l == NULL ||
	    l->closed || !id_eq(&l->node_id, &req->source)) {
		request_refuse_take(n, req, ERR_FORBIDDEN,
				    "one leaves by one's own link");
		return;
	}
	if (goes_first(n, &req->source)) {
		request_refuse_take(n, req, ERR_IN_PROGRESS,
				    "this node leaves first");
		return;
	}
	gone(n, req, &data);
	request_answer_take(n, req, (struct slice){ 0 });
}
