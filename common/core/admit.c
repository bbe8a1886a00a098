/* SPDX-License-Identifier: ISC */
/*
 * The Admitting Peer, RFC 6940 s6.4.2.1 and s10.5: checks a JoinReq, answers
 * it, hands the values over, then names the new node its predecessor.  One node
 * at a time; others wait their turn.
 */
#include <stdlib.h>

#include "core/admit.h"
#include "core/repair.h"
#include "core/state.h"
#include "core/update.h"

/* For the Update of a node that has got everything. */
#define CONFIRM_US (15 * UINT64_C(1000000))

/* A node that joins in front of this one. */
struct join_guest {
	struct node_id id;
	uint32_t link;
	struct request *request; /* not yet answered, or NULL */
	struct join_guest *next;
};

static void next_guest(struct node *n);

static struct join_guest **find(struct node *n, const struct node_id *id)
{
	struct join_guest **p = &n->join.guests;

	while (*p != NULL && !id_eq(&(*p)->id, id))
		p = &(*p)->next;
	return p;
}

static void drop(struct node *n, struct join_guest **p, enum err r,
		 const char *words)
{
	struct join_guest *g = *p;

	*p = g->next;
	if (g->request != NULL)
		request_refuse_take(n, g->request, r, "%s", words);
	free(g);
}

/* The guest has been served, one way or another. */
static void served(struct node *n)
{
	struct join *j = &n->join;

	j->handing_over = false;
	j->confirming = false;
	heap_cancel(&n->timers, &j->confirm_timer);
	drop(n, &j->guests, OK, "");
	next_guest(n);
}

/* Names the guest, which then answers with an Update of its own. */
static void confirm(struct node *n, struct ring_link *known)
{
	struct join *j = &n->join;

	j->confirming = true;
	node_timer(n, &j->confirm_timer, TIMER_JOIN,
		   n->now.mono_us + CONFIRM_US);
	update_now(n, known, CHORD_UPDATE_NEIGHBORS);
}

static void handed_over(struct node *n, void *ctx, enum err r)
{
	struct join *j = &n->join;
	struct join_guest *g = j->guests;
	struct ring_link *known;

	(void)ctx;
	if (!j->handing_over || g == NULL)
		return;
	known = ring_link_by_number(n, g->link);
	node_trace(n, "handed over to %s %s", id_short(&g->id).s, err_name(r));
	if (known == NULL || r != OK) {
		/* It learns at once that nothing comes, and tries again. */
		if (known != NULL)
			link_close(n, known->link, r);
		served(n);
		return;
	}
	j->handing_over = false;
	ring_admit(n, known);
	confirm(n, known);
}

void admit_updated(struct node *n, const struct node_id *source)
{
	struct join *j = &n->join;

	if (j->confirming && id_eq(&j->guests->id, source))
		served(n);
}

void admit_timer(struct node *n)
{
	struct ring_link *known;

	if (!n->join.confirming)
		return;
	known = ring_link_by_number(n, n->join.guests->link);
	if (known != NULL) /* and admit_link_down() follows */
		link_close(n, known->link, ERR_TIMEOUT);
}

static void answer_take(struct node *n, struct request *req)
{
	static const struct join_ans ans = { { 0 } };
	struct slice body;
	enum err r = node_encode(n, &wire_type_join_ans, &ans, &body);

	if (r == OK)
		request_answer_take(n, req, body);
	else
		request_error_take(n, req, r, (struct slice){ 0 });
}

static void answer(struct node *n, struct join_guest *g)
{
	struct request *req = g->request;

	g->request = NULL;
	if (req != NULL)
		answer_take(n, req);
}

/* Is this node the one that follows it?  RFC 6940 s10.5, 2: responsible for its
 * Node-ID + 1. */
static bool follows(const struct node *n, const struct node_id *id)
{
	struct node_id next;

	id_next(&next, id);
	return ring_responsible(n, &next);
}

static void next_guest(struct node *n)
{
	struct join *j = &n->join;
	struct node_id from, to;
	enum err r;

	while (!j->handing_over && !j->confirming && j->guests != NULL) {
		if (!follows(n, &j->guests->id)) {
			drop(n, &j->guests, ERR_NOT_FOUND,
			     "another node is between");
			continue;
		}
		answer(n, j->guests);
		ring_range(n, &from, &to);
		r = repair_hand_over(n, &j->guests->id, &from, &j->guests->id,
				     handed_over, NULL);
		if (node_failed(n, r) != OK)
			drop(n, &j->guests, ERR_NOMEM, "no memory");
		else
			j->handing_over = true;
	}
}

/* A node that comes back before this one has seen it go: what is left of it
 * goes, and its range comes here. */
static void close_older(struct node *n, const struct node_id *id,
			uint32_t newest)
{
	struct ring_link *r = n->ring.first;

	while (r != NULL) {
		if (r->attached && r->link->number != newest &&
		    id_eq(&r->id, id)) {
			link_close(n, r->link, ERR_LINK_CLOSED);
			r = n->ring.first;
		} else {
			r = r->next;
		}
	}
}

static void enqueue(struct node *n, struct request *req)
{
	struct join_guest **p = find(n, &req->source), *g = *p;
	uint32_t k = 0;

	for (struct join_guest *q = n->join.guests; q != NULL; q = q->next)
		k++;
	if (g == NULL) {
		if (k >= GUESTS_MAX || (g = calloc(1, sizeof(*g))) == NULL) {
			request_refuse_take(n, req, ERR_IN_PROGRESS,
					    "too many nodes are joining here");
			return;
		}
		g->id = req->source;
		*p = g;
	}
	if (g->request != NULL)
		request_drop_take(n, g->request);
	g->request = req;
	g->link = req->link;
	if (g == n->join.guests && n->join.confirming)
		n->join.confirming = false; /* it begins anew */
	if (g == n->join.guests && n->join.handing_over)
		answer(n, g); /* asked twice: it goes on */
	next_guest(n);
}

/* It has everything, and asks again for want of the Update that says so. */
static bool is_confirming(const struct node *n, const struct request *req)
{
	const struct join *j = &n->join;

	return j->confirming && id_eq(&j->guests->id, &req->source) &&
	       j->guests->link == req->link;
}

void admit_on_join(struct node *n, struct request *req)
{
	struct link *l = link_by_number(n, req->link);
	struct ring_link *known;
	struct join_req join;
	enum err r = join_req_decode(&join, req->message.contents.message_body,
				     &req->arena, &n->env);

	if (r != OK) {
		request_refuse_take(n, req, r, "the JoinReq cannot be read");
		return;
	}
	/* CHOICE: a link is bound to a Node-ID by an Attach. */
	if (!id_eq(&join.joining_peer_id, &req->source) || l == NULL ||
	    l->closed || !l->attached || !id_eq(&l->node_id, &req->source)) {
		request_refuse_take(n, req, ERR_FORBIDDEN,
				    "one joins by one's own attached link");
		return;
	}
	if (id_eq(&req->source, &n->id)) {
		request_refuse_take(n, req, ERR_FORBIDDEN,
				    "this node is here already");
		return;
	}
	close_older(n, &req->source, req->link);
	known = ring_link_by_number(n, req->link);
	if (known != NULL && is_confirming(n, req)) {
		answer_take(n, req);
		confirm(n, known);
		return;
	}
	if (known != NULL)
		ring_dismiss(n, known);
	if (!follows(n, &req->source)) {
		request_refuse_take(n, req, ERR_NOT_FOUND,
				    "another peer follows this Node-ID");
		return;
	}
	node_trace(n, "join of %s", id_short(&req->source).s);
	enqueue(n, req);
}

void admit_link_down(struct node *n, const struct link *l)
{
	struct join_guest **p = &n->join.guests;

	if (n->join.confirming && (*p)->link == l->number) {
		served(n);
		return;
	}
	/* The one being served ends with its hand-over. */
	if ((n->join.handing_over || n->join.confirming) && *p != NULL)
		p = &(*p)->next;
	while (*p != NULL)
		if ((*p)->link == l->number)
			drop(n, p, ERR_LINK_CLOSED, "");
		else
			p = &(*p)->next;
}

void admit_stop(struct node *n)
{
	n->join.handing_over = false;
	n->join.confirming = false;
	heap_cancel(&n->timers, &n->join.confirm_timer);
	while (n->join.guests != NULL)
		drop(n, &n->join.guests, ERR_NOT_FOUND,
		     "this node is leaving the ring");
}

void admit_clear(struct node *n)
{
	struct join_guest *g;

	while ((g = n->join.guests) != NULL) {
		n->join.guests = g->next;
		free(g);
	}
}
