/* SPDX-License-Identifier: ISC */
/*
 * Making links: Attaches asked and answered, connections to addresses.  RFC
 * 6940 s6.5.1, s6.5.1.2, s6.5.1.11, s6.5.1.13, s11.4.  CHOICE: the offerer
 * ("passive") is the TLS server, the answerer connects.
 */
#include "core/dial.h"

#include <stdlib.h>

#include "core/candidate.h"
#include "core/room.h"
#include "core/state.h"
#include "core/update.h"

enum dial_state {
	DIAL_ASKED,      /* our AttachReq is on its way */
	DIAL_AWAITING,   /* the other side connects to us */
	DIAL_CONNECTING, /* FX_CONNECT to one of the candidates */
	DIAL_OPEN,       /* one may send; waits for its first frame or ACK */
	DIAL_ATTACHED    /* there was a link before: report it */
};

struct dial {
	struct dial *prev, *next; /* by age */
	enum dial_state state;
	bool answering; /* the other side's AttachReq */
	bool by_address;
	bool answered; /* ours was answered: ICE and TLS are in progress */
	bool has_node;
	struct node_id node; /* of the other side */
	struct txn *txn;
	struct timer timer;
	struct link_address candidates[CANDIDATES_MAX];
	uint32_t n_candidates, next_candidate;
	uint32_t link;    /* CONNECTING, OPEN: its number */
	uint64_t serial;  /* links younger than this may be meant */
	bool send_update; /* the other side asked for an Update */
	dial_done *done;  /* may be NULL */
	void *ctx;
};

static struct dial *dial_new(struct node *n, enum dial_state state,
			     dial_done *done, void *ctx)
{
	struct dials *ds = &n->dials;
	struct dial *d;

	if ((d = calloc(1, sizeof(*d))) == NULL)
		return NULL;
	d->state = state;
	d->serial = n->links.last_serial;
	d->done = done;
	d->ctx = ctx;
	d->prev = ds->last;
	*(d->prev == NULL ? &ds->first : &d->prev->next) = d;
	ds->last = d;
	ds->n++;
	return d;
}

static void drop(struct node *n, struct dial *d)
{
	struct dials *ds = &n->dials;

	heap_cancel(&n->timers, &d->timer);
	txn_cancel(n, d->txn);
	*(d->prev == NULL ? &ds->first : &d->prev->next) = d->next;
	*(d->next == NULL ? &ds->last : &d->next->prev) = d->prev;
	ds->n--;
	free(d);
}

static void finish(struct node *n, struct dial *d, enum err r, struct link *l)
{
	struct dial ended = *d;

	drop(n, d);
	node_trace(n, "dial %s %s", id_short(&ended.node).s, err_name(r));
	if (ended.done != NULL)
		ended.done(n, ended.ctx, r, l);
}

static void set_timer(struct node *n, struct dial *d, uint64_t after_us)
{
	node_timer(n, &d->timer, TIMER_DIAL, n->now.mono_us + after_us);
}

/* ---- connecting ---- */

/* To the next candidate; the dial ends when there is none. */
static void connect_next(struct node *n, struct dial *d, enum err why)
{
	struct effect fx = { .type = FX_CONNECT,
			     .has_node_id = d->has_node,
			     .node_id = d->node };
	const struct link_address *to;

	if (d->next_candidate == d->n_candidates) {
		finish(n, d, why, NULL);
		return;
	}
	to = &d->candidates[d->next_candidate++];
	fx.address = to->address;
	fx.address.unknown = slice_of(NULL, 0);
	fx.overlay_link = to->overlay_link;
	fx.link = d->link = link_number(n);
	d->state = DIAL_CONNECTING;
	node_trace(n, "connect %u", fx.link);
	set_timer(n, d,
		  fx.overlay_link == OVERLAY_LINK_TLS_TCP_FH_NO_ICE
			  ? DIAL_CONNECT_US
			  : DIAL_HANDSHAKE_US);
	if (node_failed(n, node_effect(n, &fx)) != OK)
		finish(n, d, ERR_NOMEM, NULL);
}

enum err dial_address(struct node *n, const struct ip_address_port *address,
		      dial_done *done, void *ctx)
{
	static const uint8_t kinds[] = { OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
					 OVERLAY_LINK_DTLS_UDP_SR_NO_ICE };
	struct link_address found[sizeof(kinds)];
	uint32_t n_found = 0;
	struct dial *d;

	for (size_t i = 0; i < sizeof(kinds); i++)
		if (candidate_permitted(n, kinds[i]))
			found[n_found++] = (struct link_address){ *address,
								  kinds[i] };
	if (n_found == 0)
		return ERR_UNSUPPORTED;
	if (n->dials.n >= DIALS_MAX)
		return ERR_FULL;
	if ((d = dial_new(n, DIAL_CONNECTING, NULL, ctx)) == NULL)
		return ERR_NOMEM;
	d->by_address = true;
	memcpy(d->candidates, found, n_found * sizeof(found[0]));
	d->n_candidates = n_found;
	d->done = done;
	connect_next(n, d, ERR_NO_LINK);
	return OK;
}

void dial_greet(struct node *n, struct link *l)
{
	const struct ping_req ping = { { 0 } };
	struct txn_args args = { .code = MSG_PING_REQ, .link = l->number };
	struct node_id wildcard;

	id_wildcard(&wildcard, n->env.node_id_len);
	if (node_encode(n, &wire_type_ping_req, &ping, &args.body) == OK &&
	    txn_to_node(n, &wildcard, &args.destination) == OK &&
	    txn_send(n, &args, NULL) != OK)
		node_trace(n, "no greeting on %u", l->number);
}

/* ---- asking ---- */

/* A link is this dial's: both sides are bound to their Node-IDs. */
static void bind_link(struct node *n, struct dial *d, struct link *l)
{
	txn_cancel(n, d->txn);
	d->txn = NULL;
	d->link = l->number;
	d->state = DIAL_OPEN;
	l->node_id = d->node;
	l->attached = true;
	if (d->n_candidates > 0)
		l->listen =
			d->candidates[l->outgoing ? d->next_candidate - 1 : 0]
				.address;
	l->listen.unknown = (struct slice){ 0 };
	node_trace(n, "link %u attached %s", l->number,
		   id_short(&l->node_id).s);
	set_timer(n, d, DIAL_WAIT_US);
}

/* May an accepted link be the one that this dial waits for? */
static bool waits_for(const struct dial *d, const struct link *l)
{
	return !d->answering && !d->by_address && d->has_node &&
	       (d->state == DIAL_ASKED || d->state == DIAL_AWAITING) &&
	       !l->outgoing && l->serial > d->serial &&
	       certs_has_node_id(l->cert, &d->node);
}

static void await(struct node *n, struct dial *d)
{
	struct link *l = link_find_attached(n, &d->node);

	/* Two Attaches to one node, of which one had asked by Resource-ID, may
	 * have made one link, which went to the other. */
	if (l != NULL && l->serial > d->serial) {
		d->state = DIAL_ATTACHED;
		set_timer(n, d, 0);
		return;
	}
	d->state = DIAL_AWAITING;
	set_timer(n, d, DIAL_WAIT_US);
	l = n->links.last;
	/* The other side may have been faster than its answer. */
	while (l != NULL && (l->attached || !waits_for(d, l)))
		l = l->prev;
	if (l == NULL)
		return;
	bind_link(n, d, l);
	if (l->up) {
		ring_link_up(n, l);
		dial_link_up(n, l);
	}
}

static void asked(struct node *n, void *ctx, const struct txn_end *end)
{
	struct attach_req_ans attach;
	struct dial *d = ctx;
	const char *words;
	enum err r = end->err;

	d->txn = NULL;
	if (r == OK) {
		d->answered = true;
		/* The answerer connects to us: its candidates are for later. */
		r = candidate_read(n, end->body, false, &attach, d->candidates,
				   &d->n_candidates, &words);
		if (r == OK && id_eq(&end->responder, &n->id))
			r = ERR_NOT_FOUND;
	} else if (r == ERR_IN_PROGRESS) {
		r = OK; /* its own Attach makes the link */
	}
	if (r != OK) {
		finish(n, d, r, NULL);
		return;
	}
	d->has_node = true;
	d->node = end->responder;
	d->send_update = end->err == OK && attach.send_update;
	await(n, d);
}

/* Is something under way that will make a link to this node? */
static bool under_way(const struct node *n, const struct node_id *id)
{
	for (const struct dial *d = n->dials.first; d != NULL; d = d->next) {
		if (!d->by_address && d->has_node && id_eq(&d->node, id))
			return true;
	}
	return false;
}

static enum err ask(struct node *n, struct dial *d,
		    const struct destination_list *destination,
		    uint32_t through, bool send_update)
{
	struct txn_args args = { .destination = *destination,
				 .code = MSG_ATTACH_REQ,
				 .link = through,
				 .done = asked,
				 .ctx = d };
	enum err r;

	if ((r = candidate_body(n, true, send_update, &args.body)) != OK)
		return r;
	return txn_send(n, &args, &d->txn);
}

enum err dial_attach(struct node *n, const struct destination_list *destination,
		     uint32_t through, bool send_update, dial_done *done,
		     void *ctx)
{
	const struct destination *last = &destination->v[destination->n - 1];
	bool to_node = last->type == DESTINATION_NODE, follow;
	struct dial *d;
	enum err r;

	/* RFC 6940 s6.6.5: a passive candidate must be given. */
	if (!candidate_any(n) || !n->overlay->no_ice)
		return ERR_UNSUPPORTED;
	if (to_node && id_eq(&last->node_id, &n->id))
		return ERR_USAGE;
	if (n->dials.n >= DIALS_MAX)
		return ERR_FULL;
	follow = to_node && under_way(n, &last->node_id);
	if ((d = dial_new(n, DIAL_ASKED, done, ctx)) == NULL)
		return ERR_NOMEM;
	if (to_node) {
		d->has_node = true;
		d->node = last->node_id;
	}
	if (to_node && link_find_attached(n, &d->node) != NULL) {
		d->state = DIAL_ATTACHED;
		set_timer(n, d, 0);
		return OK;
	}
	if (follow) {
		d->state = DIAL_AWAITING;
		set_timer(n, d, DIAL_WAIT_US + REQUEST_LIFETIME_US);
		return OK;
	}
	if ((r = ask(n, d, destination, through, send_update)) != OK)
		drop(n, d);
	return r;
}

bool dial_answered(const struct node *n, dial_done *done, const void *ctx)
{
	for (const struct dial *d = n->dials.first; d != NULL; d = d->next)
		if (d->done == done && d->ctx == ctx)
			return d->state != DIAL_ASKED;
	return false;
}

bool dial_comes(const struct node *n, const struct node_id *id)
{
	const struct dial *d = n->dials.first;

	while (d != NULL && (d->state != DIAL_ASKED || d->has_node))
		d = d->next;
	for (const struct link *l = n->links.first; d != NULL && l != NULL;
	     l = l->next)
		if (!l->outgoing && !l->attached && l->serial > d->serial &&
		    id_eq(&l->node_id, id))
			return true;
	return false;
}

/* ---- answering ---- */

/*
 * RFC 6940 s6.5.1.2, when this node has an Attach to the same node under way:
 * answered already, Error_In_Progress; not answered, the smaller Node-ID gives
 * way.
 */
static enum err tie_break(struct node *n, const struct node_id *source)
{
	struct dial *next;

	for (struct dial *d = n->dials.first; d != NULL; d = next) {
		next = d->next;
		if (d->by_address || d->answering || !d->has_node ||
		    !id_eq(&d->node, source))
			continue;
		if (d->state == DIAL_OPEN ||
		    (d->state == DIAL_AWAITING && d->answered))
			return ERR_IN_PROGRESS;
		if (d->state != DIAL_ASKED)
			continue;
		if (id_cmp(&n->id, source) > 0)
			return ERR_IN_PROGRESS;
		txn_cancel(n, d->txn); /* theirs makes the link */
		d->txn = NULL;
		d->state = DIAL_AWAITING;
		set_timer(n, d, DIAL_WAIT_US);
	}
	return OK;
}

/* A node that asks once more has given up what its last Attach began. */
static void supersede(struct node *n, const struct node_id *source)
{
	struct effect fx = { .type = FX_CLOSE };
	struct dial *next;

	for (struct dial *d = n->dials.first; d != NULL; d = next) {
		next = d->next;
		if (!d->answering || d->state != DIAL_CONNECTING ||
		    !id_eq(&d->node, source))
			continue;
		fx.link = d->link;
		node_failed(n, node_effect(n, &fx));
		drop(n, d);
	}
}

/* Links that a node's Attaches have made, and that it says nothing on. */
static uint32_t unfinished(const struct node *n, const struct node_id *source)
{
	uint32_t k = 0;

	for (const struct dial *d = n->dials.first; d != NULL; d = d->next)
		k += d->answering && id_eq(&d->node, source);
	return k;
}

void dial_on_attach(struct node *n, struct request *req)
{
	struct link_address found[CANDIDATES_MAX];
	struct attach_req_ans attach;
	const char *words;
	struct slice body;
	struct dial *d;
	uint32_t n_found;
	enum err r;

	r = candidate_read(n, req->message.contents.message_body, true, &attach,
			   found, &n_found, &words);
	if (r != OK) {
		request_refuse_take(n, req, r, "%s", words);
		return;
	}
	if (id_eq(&req->source, &n->id)) {
		request_refuse_take(n, req, ERR_NOT_FOUND, "this is you");
		return;
	}
	if (n_found == 0) {
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "no candidate to connect to");
		return;
	}
	if (n->dials.n >= DIALS_MAX || !room_for(n, &req->source)) {
		request_refuse_take(n, req, ERR_FULL, "too many links");
		return;
	}
	if ((r = tie_break(n, &req->source)) != OK) {
		request_refuse_take(n, req, r, "an Attach to you is under way");
		return;
	}
	supersede(n, &req->source);
	if (unfinished(n, &req->source) >= DIALS_PER_NODE_MAX) {
		request_refuse_take(n, req, ERR_FULL,
				    "earlier Attaches of yours are not done");
		return;
	}
	if (node_failed(n, candidate_body(n, false, false, &body)) != OK ||
	    (d = dial_new(n, DIAL_CONNECTING, NULL, NULL)) == NULL) {
		request_drop_take(n, req);
		return;
	}
	d->answering = d->has_node = true;
	d->node = req->source;
	d->send_update = attach.send_update;
	memcpy(d->candidates, found, n_found * sizeof(found[0]));
	d->n_candidates = n_found;
	request_answer_take(n, req, body);
	/* Copies of addresses: what they borrowed is not used. */
	connect_next(n, d, ERR_NO_LINK);
}

/* ---- links come and go ---- */

static struct dial *by_link(const struct node *n, uint32_t number)
{
	struct dial *d = n->dials.first;

	while (d != NULL &&
	       ((d->state != DIAL_CONNECTING && d->state != DIAL_OPEN) ||
		d->link != number))
		d = d->next;
	return d;
}

void dial_link_open(struct node *n, struct link *l)
{
	struct dial *d;

	if (!l->outgoing) {
		for (d = n->dials.first; d != NULL; d = d->next) {
			if (waits_for(d, l)) {
				bind_link(n, d, l);
				return;
			}
		}
		return;
	}
	if ((d = by_link(n, l->number)) == NULL) {
		link_close(n, l, ERR_TIMEOUT); /* we had given up */
		return;
	}
	if (d->by_address) {
		l->entry = true;
		/* Of several Node-IDs the first message shows which. */
		if (n->cfg.signer->cert->n_node_ids > 1)
			dial_greet(n, l);
		finish(n, d, OK, l);
		return;
	}
	/* RFC 6940 s6.5.1.11, s6.5.1.13. */
	if (!certs_has_node_id(l->cert, &d->node)) {
		link_close(n, l, ERR_WRONG_PEER);
		return;
	}
	bind_link(n, d, l);
}

/*
 * Whoever waits for the other side of its Attach takes the first link that
 * comes: it may be one that the other side has made for an end of its own, to
 * ask its bootstrap node (s10.7.4.4), and will close.  That an Update comes on
 * another shows which one it has for the Attach's.
 */
void dial_claimed(struct node *n, struct link *l)
{
	const struct link *k = n->links.first;

	if (l->attached || l->outgoing)
		return;
	while (k != NULL && (!k->attached || k->outgoing ||
			     !id_eq(&k->node_id, &l->node_id)))
		k = k->next;
	if (k == NULL)
		return;
	l->attached = true;
	l->listen = k->listen;
	node_trace(n, "link %u attached too", l->number);
}

/* Older links that an Attach made to the same node.  Of two nodes that attached
 * to each other at once only the larger closes one, lest each closes another.
 */
static void replace_older(struct node *n, const struct link *l)
{
	struct link *k = n->links.first;

	if (id_cmp(&n->id, &l->node_id) < 0)
		return;
	while (k != NULL) {
		if (!k->attached || k->serial >= l->serial ||
		    !id_eq(&k->node_id, &l->node_id)) {
			k = k->next;
			continue;
		}
		link_close(n, k, ERR_LINK_CLOSED);
		k = n->links.first; /* others may have gone with it */
	}
}

void dial_link_up(struct node *n, struct link *l)
{
	struct dial *d;

	if (!l->attached)
		return;
	replace_older(n, l);
	/* All that wanted a link to this node have one; the list may change
	 * under a callback, so begin again after each. */
	for (d = n->dials.first; d != NULL && !l->closed;) {
		if (d->by_address || !d->has_node ||
		    !id_eq(&d->node, &l->node_id) ||
		    (d->state == DIAL_CONNECTING) ||
		    (d->state == DIAL_OPEN && d->link != l->number)) {
			d = d->next;
			continue;
		}
		if (d->send_update) /* RFC 6940 s6.4.2.3 */
			update_wanted(n, l);
		finish(n, d, OK, l);
		d = n->dials.first;
	}
}

void dial_link_down(struct node *n, uint32_t number, enum err why)
{
	struct dial *d = by_link(n, number);

	if (d == NULL)
		return;
	if (d->state == DIAL_CONNECTING)
		connect_next(n, d, why);
	else
		finish(n, d, why, NULL);
}

void dial_timer(struct node *n, struct timer *t)
{
	struct dial *d = container_of(t, struct dial, timer);
	struct effect fx = { .type = FX_CLOSE, .link = d->link };
	struct link *l;

	switch (d->state) {
	case DIAL_ATTACHED:
		l = link_find_attached(n, &d->node);
		finish(n, d, l == NULL ? ERR_LINK_CLOSED : OK, l);
		return;
	case DIAL_CONNECTING:
		node_failed(n, node_effect(n, &fx));
		connect_next(n, d, ERR_TIMEOUT);
		return;
	case DIAL_OPEN:
		if ((l = link_by_number(n, d->link)) != NULL)
			link_close(n, l, ERR_TIMEOUT); /* ends the dial */
		return;
	case DIAL_ASKED:
	case DIAL_AWAITING:
		finish(n, d, ERR_TIMEOUT, NULL);
		return;
	}
}

void dial_clear(struct node *n)
{
	while (n->dials.first != NULL)
		drop(n, n->dials.first);
}
