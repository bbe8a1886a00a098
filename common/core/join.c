/* SPDX-License-Identifier: ISC */
/*
 * Entering the overlay: the bootstrap node, RFC 6940 s11.4, and the joining
 * node's side of the nine steps of s10.5; founding a ring, s6.4.2.1; entering
 * again when all successors are lost, s10.7.1.  The Admitting Peer's side is
 * admit.c's, going is leave.c's.
 */
#include "core/admit.h"
#include "core/way.h"
#include "core/finger.h"
#include "core/leave.h"
#include "core/meet.h"
#include "core/state.h"

/* A bootstrap node that is in no ring itself answers nothing: on to the next
 * after two sends, for there may be many. */
#define ATTACH_US (6 * UINT64_C(1000000))
#define TABLE_US  (5 * UINT64_C(1000000))
/* While it hands over, the Admitting Peer is asked so often whether it does. */
#define ASK_AGAIN_US  (10 * UINT64_C(1000000))
#define WAIT_FIRST_US (1 * UINT64_C(1000000))

enum {
	WAIT_SHIFT_MAX = 6, /* a minute at most */
	BUSY_ROUNDS = 4,    /* until CMD_START fails because the ring moves */
	/* Until a ring that all have lost is made anew: by the least of those
	 * that know of each other, or by any. */
	ANEW_ROUNDS = 2,
	ANEW_ROUNDS_ANY = 5
};

static void try_entry(struct node *n, enum err r);

/* ---- the end of CMD_START ---- */

static void command_done(struct node *n, enum err r)
{
	struct join *j = &n->join;
	struct result res = { .id = j->command, .type = CMD_START, .err = r };

	heap_cancel(&n->timers, &j->give_up);
	n->clients.starting = false;
	if (j->has_command) {
		j->has_command = false;
		node_failed(n, node_done(n, &res));
	}
	client_wake(n);
}

static struct link *entry_link(struct node *n)
{
	return n->join.entry_link == 0 ? NULL
				       : link_by_number(n, n->join.entry_link);
}

static void close_entry(struct node *n)
{
	struct link *l = entry_link(n);

	n->join.entry_link = 0;
	if (l != NULL && !l->closed && !l->attached)
		link_close(n, l, ERR_LINK_CLOSED);
}

/* Nothing of an attempt is left: no link, no request, no late callback. */
static void attempt_drop(struct node *n)
{
	struct join *j = &n->join;
	struct ring_link *r;

	j->attempt++;
	j->step = JOIN_WAIT;
	heap_cancel(&n->timers, &j->timer);
	txn_cancel(n, j->request);
	j->request = NULL;
	close_entry(n);
	r = n->ring.first;
	while (r != NULL) {
		if (r->attached && r->peer) {
			link_close(n, r->link, ERR_LINK_CLOSED);
			r = n->ring.first;
		} else {
			r = r->next;
		}
	}
}

static void entered(struct node *n)
{
	struct join *j = &n->join;

	heap_cancel(&n->timers, &j->timer);
	j->step = JOIN_DONE;
	j->rounds = 0;
	j->again = false;
	node_trace(n, "joined");
	node_set_state(n, STATE_JOINED);
	ring_enter(n);
	close_entry(n);
	command_done(n, OK);
}

/* ---- rounds through the bootstrap nodes ---- */

static void round_start(struct node *n)
{
	struct join *j = &n->join;
	uint32_t k = way_count(n);

	/* The document's nodes share the load; an own list has an order. */
	j->entry_first = n->cfg.n_bootstrap > 0 || k == 0
				 ? 0
				 : (uint32_t)rng_below(&n->rng, k);
	j->entry = 0;
	j->answered = false;
	j->met_outsider = false;
	j->is_least = true;
	j->came_to_us = false;
	try_entry(n, ERR_NO_LINK);
}

static void wait_for_round(struct node *n)
{
	struct join *j = &n->join;
	uint32_t shift = j->rounds < WAIT_SHIFT_MAX ? j->rounds
						    : WAIT_SHIFT_MAX;
	uint64_t us = WAIT_FIRST_US << shift;

	us = us / 2 + rng_below(&n->rng, us / 2 + 1);
	j->step = JOIN_WAIT;
	node_timer(n, &j->timer, TIMER_JOIN, n->now.mono_us + us);
}

/*
 * CHOICE: s10.7.1 has nodes that have lost their successors join again, and
 * says not whom, when all have lost them.  Where those who answer are in no
 * ring either, one of the former members makes it anew; s10.7.4.4 finds what is
 * left elsewhere.
 */
static bool ring_is_gone(const struct join *j)
{
	return j->again && j->met_outsider &&
	       j->rounds >= (j->is_least ? ANEW_ROUNDS : ANEW_ROUNDS_ANY);
}

/*
 * Every bootstrap node was tried.  RFC 6940 s6.4.2.1: only a node that was told
 * so may be the first, and it founds a ring only when it finds none.  A node
 * that is there and in no ring does not count: all would wait for each other.
 */
static void round_failed(struct node *n, enum err r)
{
	struct join *j = &n->join;
	bool peer = n->cfg.role == ROLE_PEER;

	if (peer && n->cfg.first && !j->answered) {
		node_trace(n, "founded");
		log_line(n->cfg.log, LOG_INFO,
			 "no peer of the overlay answers: founding it");
		entered(n);
		return;
	}
	if (peer && !j->answered && ring_is_gone(j)) {
		node_trace(n, "made anew");
		log_line(n->cfg.log, LOG_WARN,
			 "nobody is left in the ring: making it anew");
		entered(n);
		return;
	}
	/* The overlay is there, but others join as well: who admits us changes.
	 */
	if (peer && j->answered && j->rounds < BUSY_ROUNDS &&
	    (r == ERR_NOT_FOUND || r == ERR_IN_PROGRESS)) {
		node_trace(n, "join busy %s", err_name(r));
		wait_for_round(n);
		j->rounds++;
		return;
	}
	log_line(n->cfg.log, LOG_WARN, "cannot %s the overlay: %s",
		 peer ? "join" : "reach", err_text(r));
	node_trace(n, "join failed %s", err_name(r));
	if (peer || !j->has_command)
		wait_for_round(n);
	else
		j->step = JOIN_IDLE;
	j->rounds++;
	command_done(n, r);
}

static void attempt_failed(struct node *n, enum err r)
{
	struct join *j = &n->join;

	node_trace(n, "attempt failed %s", err_name(r));
	attempt_drop(n);
	j->entry++;
	/* What came to us was no way in, maybe a client's link: a whole round
	 * follows, lest such links keep us from ever looking ourselves. */
	if (j->came_to_us)
		round_start(n);
	else
		try_entry(n, r);
}

/* ---- step 5: JoinReq ---- */

static void asked(struct node *n, void *ctx, const struct txn_end *end)
{
	struct join *j = &n->join;

	(void)ctx;
	j->request = NULL;
	if (end->err != OK) {
		attempt_failed(n, end->err);
		return;
	}
	j->step = JOIN_RECEIVE;
	if (j->named)
		entered(n);
	else
		node_timer(n, &j->timer, TIMER_JOIN,
			   n->now.mono_us + ASK_AGAIN_US);
}

/* Asked again, the Admitting Peer goes on with what it does; if it does not
 * know of us any more it begins anew, or refuses. */
static void ask(struct node *n)
{
	struct join *j = &n->join;
	struct join_req req = { .joining_peer_id = n->id };
	struct txn_args args = { .code = MSG_JOIN_REQ,
				 .link = j->admitting_link,
				 .from_link_only = true,
				 .done = asked };
	enum err r;

	j->step = JOIN_ASK;
	j->named = false;
	heap_cancel(&n->timers, &j->timer);
	txn_cancel(n, j->request);
	j->request = NULL;
	if ((r = txn_to_node(n, &j->admitting, &args.destination)) != OK ||
	    (r = node_encode(n, &wire_type_join_req, &req, &args.body)) != OK ||
	    (r = txn_send(n, &args, &j->request)) != OK)
		attempt_failed(n, r);
}

/* ---- steps 3 and 4: neighbours, then fingers ---- */

/* RFC 6940 s10.5: finger i by an Attach to n + 2^(128-i), unless it is known
 * whose that is. */
void join_settled(struct node *n)
{
	struct join *j = &n->join;
	unsigned i;

	if (j->step != JOIN_NEIGHBORS)
		return;
	while (n->ring.n_meets == 0) {
		if (j->finger > n->ring.n_fingers) {
			ask(n);
			return;
		}
		i = j->finger++;
		if (!finger_known(n, i))
			meet_finger(n, i);
	}
}

static void table_known(struct node *n)
{
	struct join *j = &n->join;

	heap_cancel(&n->timers, &j->timer);
	j->step = JOIN_NEIGHBORS;
	j->finger = 1;
	join_settled(n);
}

static bool names_us(const struct node *n, const struct chord_update *u)
{
	for (uint32_t i = 0; i < u->predecessors.n; i++)
		if (id_eq(&u->predecessors.v[i], &n->id))
			return true;
	return false;
}

bool join_listens(const struct node *n, uint32_t link)
{
	const struct join *j = &n->join;

	return j->step >= JOIN_TABLE ||
	       (j->step == JOIN_ATTACH && link != j->entry_link);
}

void join_updated(struct node *n, const struct node_id *source,
		  const struct chord_update *u)
{
	struct join *j = &n->join;

	if (u->type == CHORD_UPDATE_PEER_READY || !id_eq(source, &j->admitting))
		return;
	if (j->step == JOIN_TABLE) {
		table_known(n);
	} else if (j->step == JOIN_ASK && names_us(n, u)) {
		j->named = true; /* it came before the JoinAns */
	} else if (j->step == JOIN_RECEIVE && names_us(n, u)) {
		entered(n);
	}
}

/* ---- step 2: Attach to the Admitting Peer ---- */

static void attached(struct node *n, void *ctx, enum err r, struct link *l)
{
	struct join *j = &n->join;
	struct ring_link *known;

	if ((uintptr_t)ctx != (uintptr_t)j->attempt)
		return;
	if (r != OK) {
		attempt_failed(n, r);
		return;
	}
	node_trace(n, "admitting peer %s", id_short(&l->node_id).s);
	j->answered = true;
	j->admitting = l->node_id;
	j->admitting_link = l->number;
	j->step = JOIN_TABLE;
	/* Without its table one goes on: neighbours will say who they are. */
	node_timer(n, &j->timer, TIMER_JOIN, n->now.mono_us + TABLE_US);
	ring_link_up(n, l);
	if ((known = ring_link_by_number(n, l->number)) != NULL)
		ring_found(n, known);
	if (l->routable)
		table_known(n);
}

/* The link is being made: that has an end of its own. */
static bool is_being_attached(const struct node *n)
{
	return dial_answered(n, attached, (void *)(uintptr_t)n->join.attempt);
}

/* On a line that loses much an answer takes its time. */
static uint64_t attach_us(struct node *n)
{
	const struct link *l = entry_link(n);

	return ATTACH_US + (l == NULL || !l->datagram ? 0 : 8 * l->rto_us);
}

static void attach(struct node *n)
{
	struct join *j = &n->join;
	struct destination_list to;
	struct node_id next;
	enum err r;

	j->step = JOIN_ATTACH;
	node_timer(n, &j->timer, TIMER_JOIN, n->now.mono_us + attach_us(n));
	id_next(&next, &n->id);
	if ((r = txn_to_resource(n, &next, &to)) != OK ||
	    (r = dial_attach(n, &to, j->entry_link, true, attached,
			     (void *)(uintptr_t)j->attempt)) != OK)
		attempt_failed(n, r);
}

/* s10.7.1: a node that has lost its ring looks for one with Pings. */
static void pinged(struct node *n, void *ctx, const struct txn_end *end)
{
	struct join *j = &n->join;

	(void)ctx;
	j->request = NULL;
	if (end->err == OK) {
		attach(n);
		return;
	}
	if (end->err == ERR_NOT_FOUND) { /* "this node is in no ring yet" */
		j->met_outsider = true;
		j->is_least &= id_cmp(&n->id, &end->responder) < 0;
	}
	attempt_failed(n, end->err);
}

static void ping(struct node *n)
{
	struct join *j = &n->join;
	struct txn_args args = { .link = j->entry_link, .done = pinged };
	struct node_id next;
	enum err r;

	j->step = JOIN_PING;
	id_next(&next, &n->id);
	if ((r = txn_to_resource(n, &next, &args.destination)) != OK ||
	    (r = meet_ping(n, &args, &j->request)) != OK)
		attempt_failed(n, r);
}

/* ---- step 1: a bootstrap node ---- */

static void entry_dialed(struct node *n, void *ctx, enum err r, struct link *l)
{
	struct join *j = &n->join;

	if ((uintptr_t)ctx != (uintptr_t)j->attempt) {
		if (r == OK && !l->closed)
			link_close(n, l, ERR_LINK_CLOSED);
		return;
	}
	if (r != OK) {
		attempt_failed(n, r);
		return;
	}
	j->entry_link = l->number;
	if (id_eq(&l->node_id, &n->id)) { /* this node, by another address */
		attempt_failed(n, ERR_NO_LINK);
		return;
	}
	if (n->cfg.role == ROLE_CLIENT) {
		j->step = JOIN_DONE;
		j->rounds = 0;
		node_set_state(n, STATE_CLIENT);
		command_done(n, OK);
	} else if (j->again) {
		ping(n);
	} else {
		attach(n);
	}
}

/* The next bootstrap node; `r` says what became of the one before. */
static void try_entry(struct node *n, enum err r)
{
	struct join *j = &n->join;
	uint32_t k = way_count(n);
	const struct ip_address_port *a;

	for (; j->entry < k; j->entry++) {
		a = way_address(n, j->entry_first + j->entry, false);
		j->step = JOIN_DIAL;
		j->attempt++;
		r = dial_address(n, a, entry_dialed,
				 (void *)(uintptr_t)j->attempt);
		if (r == OK)
			return;
	}
	round_failed(n, r);
}

/* ---- events ---- */

/*
 * A peer that finds no way in takes one that comes to it: a peer of the ring
 * may have this one for its bootstrap node and ask after a partition,
 * s10.7.4.4.
 */
void join_link_up(struct node *n, struct link *l)
{
	struct join *j = &n->join;

	if (j->step != JOIN_WAIT || n->cfg.role != ROLE_PEER || l->attached ||
	    l->closed || j->rounds == 0 || id_eq(&l->node_id, &n->id))
		return;
	node_trace(n, "way in through link %u", l->number);
	heap_cancel(&n->timers, &j->timer);
	j->attempt++;
	j->came_to_us = true;
	j->entry_link = l->number;
	attach(n);
}

/* Two Attaches have made two links to the Admitting Peer, and the older one
 * goes: whoever was to be admitted through it asks through the other one. */
static void admitting_link_down(struct node *n)
{
	struct join *j = &n->join;
	struct ring_link *r = ring_link_to(n, &j->admitting);

	if (r == NULL) {
		attempt_failed(n, ERR_LINK_CLOSED);
		return;
	}
	j->admitting_link = r->link->number;
	ring_found(n, r);
	if (j->step == JOIN_ASK || j->step == JOIN_RECEIVE)
		ask(n);
}

void join_link_down(struct node *n, const struct link *l)
{
	struct join *j = &n->join;
	bool entry = l->number == j->entry_link;

	if (entry)
		j->entry_link = 0;
	switch (j->step) {
	case JOIN_PING:
	case JOIN_ATTACH:
		if (entry)
			attempt_failed(n, ERR_LINK_CLOSED);
		return;
	case JOIN_TABLE:
	case JOIN_NEIGHBORS:
	case JOIN_ASK:
	case JOIN_RECEIVE:
		if (l->number == j->admitting_link)
			admitting_link_down(n);
		return;
	case JOIN_DONE:
		if (!entry || n->cfg.role == ROLE_PEER)
			return;
		node_set_state(n, STATE_STARTING);
		wait_for_round(n);
		return;
	case JOIN_IDLE:
	case JOIN_DIAL:
	case JOIN_WAIT:
		return;
	}
}

void join_again(struct node *n)
{
	struct join *j = &n->join;

	log_line(n->cfg.log, LOG_WARN, "all successors are lost");
	node_trace(n, "ring lost");
	ring_exit(n);
	node_set_state(n, STATE_STARTING);
	j->again = true;
	j->rounds = 0;
	attempt_drop(n);
	node_timer(n, &j->timer, TIMER_JOIN, n->now.mono_us);
}

void join_timer(struct node *n, struct timer *t)
{
	struct join *j = &n->join;

	if (t == &j->leave_timer) {
		leave_timer(n);
	} else if (t == &j->confirm_timer) {
		admit_timer(n);
	} else if (t == &j->give_up) {
		if (n->cfg.role == ROLE_CLIENT) {
			attempt_drop(n);
			j->step = JOIN_IDLE;
		}
		command_done(n, ERR_TIMEOUT);
	} else if (j->step == JOIN_TABLE) {
		table_known(n);
	} else if (j->step == JOIN_RECEIVE) {
		ask(n);
	} else if (j->step == JOIN_ATTACH && !is_being_attached(n)) {
		attempt_failed(n, ERR_TIMEOUT);
	} else if (j->step == JOIN_WAIT) {
		round_start(n);
	}
}

enum err join_start(struct node *n, const struct command *c)
{
	struct join *j = &n->join;
	struct result res = { .id = c->id, .type = c->type };

	if (j->has_command || j->leaving || j->step == JOIN_DONE) {
		res.err = j->step == JOIN_DONE && !j->leaving ? OK
							      : ERR_IN_PROGRESS;
		if (!j->has_command)
			n->clients.starting = false;
		return node_done(n, &res);
	}
	j->has_command = true;
	j->command = c->id;
	if (c->timeout_us != 0)
		node_timer(n, &j->give_up, TIMER_JOIN,
			   n->now.mono_us + c->timeout_us);
	/* One that failed before may be under way still: this one joins in. */
	if (j->step == JOIN_IDLE) {
		node_set_state(n, STATE_STARTING);
		round_start(n);
	}
	return OK;
}

void join_stop(struct node *n)
{
	attempt_drop(n);
	n->join.step = JOIN_IDLE;
	if (n->join.has_command)
		command_done(n, ERR_LINK_CLOSED);
}

void join_clear(struct node *n)
{
	admit_clear(n);
	leave_clear(n);
}
