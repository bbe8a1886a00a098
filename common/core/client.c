/* SPDX-License-Identifier: ISC */
/*
 * Commands from their arrival to FX_DONE: copied, held until there is a way
 * into the overlay, ended at their deadline; and those that are one request:
 * Ping, Probe, RouteQuery, the table, any other.  Store, Fetch, Stat and Find
 * are client_data.c's.
 */
#include "core/client.h"

#include <stdlib.h>

#include "core/state.h"

/* ---- copies ---- */

static bool copy_slices(struct arena *a, const struct slice *in, size_t n,
			struct slice **out)
{
	struct slice *v = arena_zalloc(a, n, sizeof(*v));

	for (size_t i = 0; v != NULL && i < n; i++) {
		if (arena_dup(a, in[i], &v[i]) != OK)
			return false;
	}
	*out = v;
	return v != NULL;
}

static bool copy_array(struct arena *a, const void *in, size_t n, size_t size,
		       void *out)
{
	struct slice copy;

	if (arena_dup(a, slice_of(in, n * size), &copy) != OK)
		return false;
	memcpy(out, &copy.p, sizeof(copy.p));
	return true;
}

static bool copy_destination(struct arena *a, struct destination_list *l)
{
	if (!copy_array(a, l->v, l->n, sizeof(*l->v), &l->v))
		return false;
	for (uint32_t i = 0; i < l->n; i++) {
		if (arena_dup(a, l->v[i].id, &l->v[i].id) != OK)
			return false;
	}
	return true;
}

static bool copy_items(struct arena *a, struct command *c)
{
	if (!copy_array(a, c->items, c->n_items, sizeof(*c->items), &c->items))
		return false;
	for (size_t i = 0; i < c->n_items; i++) {
		if (arena_dup(a, c->items[i].key, &c->items[i].key) != OK ||
		    arena_dup(a, c->items[i].value, &c->items[i].value) != OK)
			return false;
	}
	return true;
}

static bool copy_specifiers(struct arena *a, struct command *c)
{
	struct stored_data_specifier *s;

	if (!copy_array(a, c->specifiers, c->n_specifiers,
			sizeof(*c->specifiers), &c->specifiers))
		return false;
	for (size_t i = 0; i < c->n_specifiers; i++) {
		s = &c->specifiers[i];
		if (!copy_array(a, s->indices.v, s->indices.n,
				sizeof(*s->indices.v), &s->indices.v) ||
		    !copy_slices(a, s->keys.v, s->keys.n, &s->keys.v) ||
		    arena_dup(a, s->unknown, &s->unknown) != OK)
			return false;
	}
	return true;
}

/* All that a command points to but its signer, which lasts as long. */
static bool copy_command(struct arena *a, struct command *c)
{
	return copy_destination(a, &c->destination) && copy_items(a, c) &&
	       copy_specifiers(a, c) &&
	       copy_array(a, c->kinds, c->n_kinds, sizeof(*c->kinds),
			  &c->kinds) &&
	       copy_array(a, c->probe_types, c->n_probe_types, 1,
			  &c->probe_types) &&
	       arena_dup(a, c->body, &c->body) == OK;
}

/* ---- ends ---- */

static void op_free(struct node *n, struct client_op *op)
{
	struct clients *cs = &n->clients;

	heap_cancel(&n->timers, &op->timer);
	txn_cancel(n, op->txn);
	*(op->prev == NULL ? &cs->first : &op->prev->next) = op->next;
	*(op->next == NULL ? &cs->last : &op->next->prev) = op->prev;
	cs->n--;
	arena_free(&op->arena);
	free(op);
}

void client_end(struct node *n, struct client_op *op, enum err r,
		const struct result *res)
{
	struct result end = { 0 };

	if (res != NULL)
		end = *res;
	end.err = r;
	end.id = op->command.id;
	end.type = op->command.type;
	op_free(n, op);
	node_failed(n, node_done(n, &end));
}

void client_end_txn(struct node *n, struct client_op *op,
		    const struct txn_end *end, struct result *res)
{
	struct result none = { 0 };

	if (res == NULL)
		res = &none;
	res->responder = end->responder;
	res->rtt_us = end->rtt_us;
	if (arena_dup(&n->arena, end->info, &res->info) != OK)
		res->info = slice_of(NULL, 0);
	client_end(n, op, end->err, res);
}

/* ---- single requests ---- */

static void decode_result(struct node *n, const struct client_op *op,
			  const struct txn_end *end, struct result *res,
			  enum err *r)
{
	struct chord_route_query_ans next;
	struct ping_ans *ping;
	struct probe_ans *probe;

	switch (op->command.type) {
	case CMD_PING:
		if ((ping = arena_zalloc(&n->arena, 1, sizeof(*ping))) == NULL)
			*r = ERR_NOMEM;
		else
			*r = ping_ans_decode(ping, end->body, &n->arena,
					     &n->env);
		res->ping = ping;
		return;
	case CMD_PROBE:
		if ((probe = arena_zalloc(&n->arena, 1, sizeof(*probe))) ==
		    NULL)
			*r = ERR_NOMEM;
		else
			*r = probe_ans_decode(probe, end->body, &n->arena,
					      &n->env);
		res->probe = probe;
		return;
	case CMD_APP_ATTACH:
		*r = app_attach_answered(n, &op->command, end->body);
		return;
	case CMD_ROUTE_QUERY:
		if ((*r = chord_route_query_ans_decode(
			     &next, end->body, &n->arena, &n->env)) == OK)
			res->next_peer = next.next_peer;
		return;
	default: /* CMD_REQUEST: as it came */
		res->message_code = end->message->contents.message_code;
		res->body = end->body;
	}
}

static void answered(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct txn_end copy = *end;

	op->txn = NULL;
	if (end->err == OK)
		decode_result(n, op, end, &res, &copy.err);
	client_end_txn(n, op, &copy, &res);
}

/* CMD_TABLE: the answer says little, the Update that follows has the table. */
static void table_asked(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;

	op->txn = NULL;
	if (end->err != OK)
		client_end_txn(n, op, end, NULL);
}

static enum err to_neighbour(struct node *n, struct destination_list *out)
{
	struct node_id wildcard;

	id_wildcard(&wildcard, n->env.node_id_len);
	return txn_to_node(n, &wildcard, out);
}

/* The way to the node that is asked, for a message to the wildcard. */
static uint32_t neighbour(struct node *n)
{
	struct node_id wildcard;
	struct destination d;
	const struct link *l;

	if (n->ring.responsible)
		return 0; /* itself */
	id_wildcard(&wildcard, n->env.node_id_len);
	d = destination_node(&wildcard);
	l = route_next_hop(n, &d, 0);
	return l == NULL ? 0 : l->number;
}

static enum err route_query(struct node *n, const struct client_op *op,
			    bool send_update, struct txn_args *args)
{
	const struct destination_list *l = &op->command.destination;
	struct route_query_req q = { .send_update = send_update };

	args->code = MSG_ROUTE_QUERY_REQ;
	if (l->n > 0)
		q.destination = l->v[l->n - 1];
	else
		q.destination = destination_node(&n->id);
	if (l->n > 1) {
		args->destination = *l;
		args->destination.n--;
	} else {
		args->link = neighbour(n);
		if (to_neighbour(n, &args->destination) != OK)
			return ERR_NOMEM;
	}
	return node_encode(n, &wire_type_route_query_req, &q, &args->body);
}

static enum err make_request(struct node *n, const struct client_op *op,
			     struct txn_args *args)
{
	const struct command *c = &op->command;
	const struct ping_req ping = { { 0 } };
	const struct probe_req probe = { slice_of(c->probe_types,
						  c->n_probe_types) };

	switch (c->type) {
	case CMD_PING:
		args->code = MSG_PING_REQ;
		return node_encode(n, &wire_type_ping_req, &ping, &args->body);
	case CMD_PROBE:
		args->code = MSG_PROBE_REQ;
		return node_encode(n, &wire_type_probe_req, &probe,
				   &args->body);
	case CMD_ROUTE_QUERY:
		return route_query(n, op, false, args);
	case CMD_APP_ATTACH:
		args->code = MSG_APP_ATTACH_REQ;
		return app_attach_ask(n, c, &args->body);
	case CMD_TABLE:
		args->done = table_asked;
		return route_query(n, op, true, args);
	default:
		args->code = c->message_code;
		args->body = c->body;
		return message_is_request(c->message_code) ? OK : ERR_USAGE;
	}
}

/* A wildcard is for the node next door: it takes a link, not a route. */
static void to_wildcard(struct node *n, struct txn_args *args)
{
	const struct destination_list *l = &args->destination;

	if (l->n == 1 && l->v[0].type == DESTINATION_NODE &&
	    id_is_wildcard(&l->v[0].node_id, n->env.node_id_len))
		args->link = neighbour(n);
}

static void single(struct node *n, struct client_op *op)
{
	const struct command *c = &op->command;
	struct txn_args args = { .destination = c->destination,
				 .signer = c->signer,
				 .max_response_length = c->max_response_length,
				 .done = answered,
				 .ctx = op };
	struct chord_update *table;
	struct result res = { 0 };
	enum err r;

	if (c->type == CMD_TABLE && n->ring.responsible) {
		res.responder = n->id;
		table = arena_zalloc(&n->arena, 1, sizeof(*table));
		r = table == NULL ? ERR_NOMEM : ring_table(n, table);
		res.table = table;
		client_end(n, op, r, &res);
		return;
	}
	if ((r = make_request(n, op, &args)) == OK) {
		to_wildcard(n, &args);
		r = txn_send(n, &args, &op->txn);
	}
	if (r != OK)
		client_end(n, op, r, NULL);
}

void client_table(struct node *n, const struct node_id *from,
		  const struct chord_update *update)
{
	struct client_op *op, *next;
	struct result res = { .responder = *from };
	struct chord_update *copy;

	if (update->type != CHORD_UPDATE_FULL)
		return;
	if ((copy = arena_zalloc(&n->arena, 1, sizeof(*copy))) == NULL ||
	    !copy_array(&n->arena, update->predecessors.v,
			update->predecessors.n, sizeof(struct node_id),
			&copy->predecessors.v) ||
	    !copy_array(&n->arena, update->successors.v, update->successors.n,
			sizeof(struct node_id), &copy->successors.v) ||
	    !copy_array(&n->arena, update->fingers.v, update->fingers.n,
			sizeof(struct node_id), &copy->fingers.v)) {
		node_failed(n, ERR_NOMEM);
		return;
	}
	copy->uptime = update->uptime;
	copy->type = update->type;
	copy->predecessors.n = update->predecessors.n;
	copy->successors.n = update->successors.n;
	copy->fingers.n = update->fingers.n;
	res.table = copy;
	for (op = n->clients.first; op != NULL; op = next) {
		next = op->next;
		if (op->command.type == CMD_TABLE && !op->queued)
			client_end(n, op, OK, &res);
	}
}

/* ---- beginnings ---- */

/* Is there a way to send?  A client's is any link, a peer's is the ring. */
static bool way(const struct node *n)
{
	return n->ring.responsible ||
	       (n->cfg.role == ROLE_CLIENT && n->links.n > 0);
}

static void start(struct node *n, struct client_op *op)
{
	op->queued = false;
	switch (op->command.type) {
	case CMD_STORE:
	case CMD_FETCH:
	case CMD_STAT:
	case CMD_FIND:
		client_data_start(n, op);
		return;
	default:
		single(n, op);
	}
}

void client_wake(struct node *n)
{
	struct client_op *op = n->clients.first;

	/* A command may end, and others with it: begin again after each. */
	while (op != NULL) {
		if (!op->queued || (!way(n) && n->clients.starting)) {
			op = op->next;
			continue;
		}
		if (way(n))
			start(n, op);
		else
			client_end(n, op, ERR_NO_LINK, NULL);
		op = n->clients.first;
	}
}

enum err client_command(struct node *n, const struct command *c)
{
	struct result full = { .id = c->id, .type = c->type, .err = ERR_FULL };
	struct clients *cs = &n->clients;
	struct client_op *op;

	if (cs->n >= COMMANDS_MAX)
		return node_done(n, &full);
	if ((op = calloc(1, sizeof(*op))) == NULL)
		return ERR_NOMEM;
	op->arena.max = NODE_ARENA_MAX;
	op->command = *c;
	op->queued = true;
	op->prev = cs->last;
	*(op->prev == NULL ? &cs->first : &op->prev->next) = op;
	cs->last = op;
	cs->n++;
	if (!copy_command(&op->arena, &op->command)) {
		op_free(n, op);
		return ERR_NOMEM;
	}
	if (c->timeout_us != 0)
		node_timer(n, &op->timer, TIMER_CLIENT,
			   n->now.mono_us + c->timeout_us);
	client_wake(n);
	return OK;
}

void client_timer(struct node *n, struct timer *t)
{
	struct client_op *op = container_of(t, struct client_op, timer);

	client_end(n, op, txn_refusal(op->txn), NULL);
}

void client_clear(struct node *n)
{
	while (n->clients.first != NULL)
		op_free(n, n->clients.first);
}
