/* SPDX-License-Identifier: ISC */
/*
 * Commands about stored values, as a client of the overlay: a Store is built,
 * signed and, where clocks disagree, tried once more; what a Fetch brings is
 * believed only with a signature of somebody who may write there.  RFC 6940 s7.
 */
#include "core/client.h"

#include "core/client_verify.h"
#include "core/state.h"

/* What a command remembers between its requests. */
struct data_op {
	uint64_t *times; /* STORE: storage_time of each item */
	bool again;      /* STORE: the second try, after Data_Too_Old */
	bool taught;     /* the other side was sent the Kinds it lacked */
};

static enum err send(struct node *n, struct client_op *op, uint16_t code,
		     const struct wire_type *type, const void *body,
		     txn_done *done)
{
	struct txn_args args = {
		.destination = op->command.destination,
		.code = code,
		.signer = op->command.signer,
		.max_response_length = op->command.max_response_length,
		.done = done,
		.ctx = op,
	};
	enum err r = node_encode(n, type, body, &args.body);

	if (r == OK && args.destination.n == 0)
		r = txn_to_resource(n, &op->command.resource,
				    &args.destination);
	return r == OK ? txn_send(n, &args, &op->txn) : r;
}

static struct slice resource_of(const struct client_op *op)
{
	return id_slice(&op->command.resource, RING_ID_LEN);
}

/* ---- what the other side does not know ---- */

/* Whatever came of it, the command is tried once more. */
static void taught(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;

	node_trace(n, "kinds sent to %s %s", id_short(&end->responder).s,
		   err_name(end->err));
	op->txn = NULL;
	client_data_start(n, op);
}

/* Who hears that a Kind is unknown sends its definition, RFC 6940 s7.4.1.2. */
static enum err teach(struct node *n, struct client_op *op,
		      const struct txn_end *end)
{
	struct data_op *st = op->state;

	if (st->taught)
		return ERR_UNKNOWN_KIND;
	st->taught = true;
	return config_update_teach(n, end, taught, op, &op->txn);
}

/* Ends with the answer of the other side; an error_info that is a structure is
 * not shown as words. */
static void finish(struct node *n, struct client_op *op,
		   const struct txn_end *end, struct result *res)
{
	struct txn_end e = *end;

	if (e.err == ERR_UNKNOWN_KIND && teach(n, op, end) == OK)
		return;
	if (e.err == ERR_UNKNOWN_KIND ||
	    e.err == ERR_GENERATION_COUNTER_TOO_LOW)
		e.info = SLICE_LIT("");
	client_end_txn(n, op, &e, res);
}

/* ---- Store ---- */

static const struct signer *signer_of(const struct node *n,
				      const struct client_op *op)
{
	return op->command.signer != NULL ? op->command.signer : n->cfg.signer;
}

static enum err sign_item(struct node *n, const struct client_op *op,
			  const struct store_item *it, uint64_t storage_time,
			  struct stored_data *out)
{
	const struct signer *s = signer_of(n, op);

	/* RFC 7904 s3.3: asked before the Storing Peer asks. */
	if (it->kind == KIND_SIP_REGISTRATION &&
	    !overlay_admits_aor(n->overlay, slice_str(s->cert->user)))
		return ERR_FORBIDDEN;
	*out = (struct stored_data){ 0 };
	out->storage_time = storage_time;
	out->lifetime = it->lifetime_s;
	out->value.index = it->index;
	out->value.key = it->key;
	out->value.exists = it->exists;
	out->value.value = it->value;
	return certs_sign_value(n, s, resource_of(op), it->kind, out);
}

/* The place of an item's Kind in the request, made at its first item. */
static struct store_kind_data *kind_data_of(struct store_req *req,
					    const struct store_item *it)
{
	struct store_kind_data *d;

	for (uint32_t i = 0; i < req->kind_data.n; i++)
		if (req->kind_data.v[i].kind == it->kind)
			return &req->kind_data.v[i];
	d = &req->kind_data.v[req->kind_data.n++];
	d->kind = it->kind;
	return d;
}

/* The StoreReq, signed, in n->arena: its Kinds in the order of their first
 * items. */
static enum err make_store(struct node *n, struct client_op *op,
			   struct store_req *req)
{
	const struct data_op *st = op->state;
	const struct command *c = &op->command;
	struct store_kind_data *d;
	enum err r;

	req->resource = resource_of(op);
	req->kind_data.v = arena_zalloc(&n->arena, c->n_items,
					sizeof(*req->kind_data.v));
	if (req->kind_data.v == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->n_items; i++) {
		if (kinds_find(&n->overlay->kinds, c->items[i].kind) == NULL)
			return ERR_UNKNOWN_KIND;
		d = kind_data_of(req, &c->items[i]);
		if (d->values.v == NULL)
			d->values.v = arena_zalloc(&n->arena, c->n_items,
						   sizeof(*d->values.v));
		if (d->values.v == NULL)
			return ERR_NOMEM;
		if (d->generation_counter == 0)
			d->generation_counter = c->items[i].generation;
		r = sign_item(n, op, &c->items[i], st->times[i],
			      &d->values.v[d->values.n]);
		if (r != OK)
			return r;
		d->values.n++;
	}
	return OK;
}

static void store_done(struct node *n, void *ctx, const struct txn_end *end);

static enum err store_send(struct node *n, struct client_op *op)
{
	struct store_req req = { 0 };
	enum err r = make_store(n, op, &req);

	return r != OK ? r
		       : send(n, op, MSG_STORE_REQ, &wire_type_store_req, &req,
			      store_done);
}

static enum err store_start(struct node *n, struct client_op *op)
{
	const struct command *c = &op->command;
	struct data_op *st = op->state;

	if (c->n_items == 0)
		return ERR_USAGE;
	if (st->times != NULL)
		return store_send(n, op);
	st->times = arena_zalloc(&op->arena, c->n_items, sizeof(*st->times));
	if (st->times == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < c->n_items; i++)
		st->times[i] = c->items[i].storage_time != 0
				       ? c->items[i].storage_time
				       : n->now.unix_ms;
	return store_send(n, op);
}

/* Error_Data_Too_Old is answered by a Fetch and one more try, RFC 6940 s7, but
 * not where the user has said what must be there. */
static bool may_retry(const struct client_op *op)
{
	const struct data_op *st = op->state;

	if (st->again)
		return false;
	for (size_t i = 0; i < op->command.n_items; i++)
		if (op->command.items[i].generation != 0 ||
		    op->command.items[i].storage_time != 0)
			return false;
	return true;
}

/* Is this stored value the one that an item replaces? */
static bool is_item(const struct kind *k, const struct store_item *it,
		    const struct stored_data *d)
{
	switch (k->model) {
	case MODEL_SINGLE:
		return true;
	case MODEL_ARRAY:
		return it->index == d->value.index;
	case MODEL_DICTIONARY:
		return slice_eq(it->key, d->value.key);
	}
	return false;
}

/* A Fetch of all that is stored of the items' Kinds. */
static enum err make_fetch(struct node *n, const struct client_op *op,
			   struct fetch_req *req)
{
	static struct array_range whole = { 0, ARRAY_END };
	const struct command *c = &op->command;
	struct stored_data_specifier *v = arena_zalloc(&n->arena, c->n_items,
						       sizeof(*v));
	const struct kind *k;
	uint32_t at;

	if (v == NULL)
		return ERR_NOMEM;
	req->resource = resource_of(op);
	req->specifiers.v = v;
	for (size_t i = 0; i < c->n_items; i++) {
		k = kinds_find(&n->overlay->kinds, c->items[i].kind);
		if (k == NULL)
			return ERR_UNKNOWN_KIND;
		for (at = 0; at < req->specifiers.n; at++)
			if (v[at].kind == k->id)
				break;
		v[at].kind = k->id;
		if (at == req->specifiers.n)
			req->specifiers.n++;
		if (k->model == MODEL_ARRAY)
			v[at].indices = (struct array_range_list){ &whole, 1 };
	}
	return OK;
}

/* The items get times above those of the values that they replace. */
static void adjust_times(struct node *n, struct client_op *op,
			 const struct fetch_ans *ans)
{
	const struct fetch_kind_response *kr;
	struct data_op *st = op->state;
	const struct store_item *it;
	const struct stored_data *d;
	const struct kind *k;

	for (size_t i = 0; i < op->command.n_items; i++) {
		it = &op->command.items[i];
		k = kinds_find(&n->overlay->kinds, it->kind);
		st->times[i] = n->now.unix_ms;
		for (uint32_t j = 0; j < ans->kind_responses.n; j++) {
			kr = &ans->kind_responses.v[j];
			for (uint32_t m = 0; m < kr->values.n; m++) {
				d = &kr->values.v[m];
				if (kr->kind == it->kind && k != NULL &&
				    is_item(k, it, d) &&
				    d->storage_time >= st->times[i] &&
				    d->storage_time < UINT64_MAX)
					st->times[i] = d->storage_time + 1;
			}
		}
	}
}

static void old_fetched(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct fetch_ans ans;
	struct txn_end e = *end;

	op->txn = NULL;
	if (e.err == OK)
		e.err = client_verify_fetch(n, &op->command.resource, NULL, 0,
					    e.body, &ans, &res);
	if (e.err == OK) {
		adjust_times(n, op, &ans);
		e.err = store_send(n, op);
	}
	if (e.err != OK)
		finish(n, op, &e, NULL);
}

/* After the first Error_Data_Too_Old. */
static enum err store_again(struct node *n, struct client_op *op)
{
	struct data_op *st = op->state;
	struct fetch_req req = { 0 };
	enum err r = make_fetch(n, op, &req);

	st->again = true;
	return r != OK ? r
		       : send(n, op, MSG_FETCH_REQ, &wire_type_fetch_req, &req,
			      old_fetched);
}

static void store_done(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct txn_end e = *end;
	struct store_ans *ans;

	op->txn = NULL;
	if (e.err == ERR_DATA_TOO_OLD && may_retry(op)) {
		node_trace(n, "store again with newer times");
		e.err = store_again(n, op);
		if (e.err == OK)
			return;
	}
	ans = arena_zalloc(&n->arena, 1, sizeof(*ans));
	if (ans == NULL) {
		e.err = ERR_NOMEM;
	} else if (e.err == OK) {
		e.err = store_ans_decode(ans, e.body, &n->arena, &n->env);
		res.store = ans;
	} else if (e.err == ERR_GENERATION_COUNTER_TOO_LOW) {
		/* The right counters, RFC 6940 s7.4.1.2. */
		if (store_ans_decode(ans, e.info, &n->arena, &n->env) == OK)
			res.store = ans;
	}
	finish(n, op, &e, &res);
}

/* ---- Fetch ---- */

static enum err fetch_start(struct node *n, struct client_op *op, uint16_t code,
			    txn_done *done)
{
	struct fetch_req req = { .resource = resource_of(op),
				 .specifiers = {
					 op->command.specifiers,
					 (uint32_t)op->command.n_specifiers } };

	for (size_t i = 0; i < op->command.n_specifiers; i++)
		if (kinds_find(&n->overlay->kinds,
			       op->command.specifiers[i].kind) == NULL)
			return ERR_UNKNOWN_KIND;
	return send(n, op, code, &wire_type_fetch_req, &req, done);
}

static void fetch_done(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct txn_end e = *end;
	struct fetch_ans *ans = arena_zalloc(&n->arena, 1, sizeof(*ans));

	op->txn = NULL;
	if (ans == NULL)
		e.err = ERR_NOMEM;
	if (e.err == OK)
		e.err = client_verify_fetch(
			n, &op->command.resource, op->command.specifiers,
			op->command.n_specifiers, e.body, ans, &res);
	if (e.err == OK)
		res.fetch = ans;
	finish(n, op, &e, &res);
}

/* ---- Stat and Find ---- */

static void stat_done(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct txn_end e = *end;
	struct stat_ans *ans = arena_zalloc(&n->arena, 1, sizeof(*ans));

	op->txn = NULL;
	if (ans == NULL)
		e.err = ERR_NOMEM;
	if (e.err == OK)
		e.err = stat_ans_decode(ans, e.body, &n->arena, &n->env);
	if (e.err == OK)
		res.stat = ans;
	finish(n, op, &e, &res);
}

static void find_done(struct node *n, void *ctx, const struct txn_end *end)
{
	struct client_op *op = ctx;
	struct result res = { 0 };
	struct txn_end e = *end;
	struct find_ans *ans = arena_zalloc(&n->arena, 1, sizeof(*ans));

	op->txn = NULL;
	if (ans == NULL)
		e.err = ERR_NOMEM;
	if (e.err == OK)
		e.err = find_ans_decode(ans, e.body, &n->arena, &n->env);
	if (e.err == OK)
		res.find = ans;
	finish(n, op, &e, &res);
}

static enum err find_start(struct node *n, struct client_op *op)
{
	struct find_req req = { .resource = resource_of(op),
				.kinds = { op->command.kinds,
					   (uint32_t)op->command.n_kinds } };

	return send(n, op, MSG_FIND_REQ, &wire_type_find_req, &req, find_done);
}

void client_data_start(struct node *n, struct client_op *op)
{
	enum err r = ERR_USAGE;

	if (op->state == NULL)
		op->state = arena_zalloc(&op->arena, 1, sizeof(struct data_op));
	if (op->state == NULL) {
		client_end(n, op, ERR_NOMEM, NULL);
		return;
	}
	switch (op->command.type) {
	case CMD_STORE:
		r = store_start(n, op);
		break;
	case CMD_FETCH:
		r = fetch_start(n, op, MSG_FETCH_REQ, fetch_done);
		break;
	case CMD_STAT:
		r = fetch_start(n, op, MSG_STAT_REQ, stat_done);
		break;
	case CMD_FIND:
		r = find_start(n, op);
		break;
	default:
		break;
	}
	if (r != OK)
		client_end(n, op, r, NULL);
}
