/* SPDX-License-Identifier: ISC */
/*
 * Configuration documents on their way: taken in from a ConfigUpdate, checked
 * by the driver, put to use, and sent to nodes that are behind.  RFC 6940
 * s6.3.2.1, s6.5.4.  What a document says is overlay.h's.
 */
#include "core/config_update.h"

#include <stdlib.h>

#include "core/state.h"

/* A document or Kinds that the driver checks for a ConfigUpdate. */
struct config_check {
	struct config_check *next;
	uint64_t id;
	struct request *req;
	struct config_update_req *body; /* in the request's arena */
	uint32_t kind;                  /* the kind-block at hand */
};

/* Our document on its way to a node. */
struct config_push {
	struct config_push *next;
	struct node_id to;
	struct txn *txn;
};

/* ---- taking in ---- */

static void check_drop(struct node *n, struct config_check *c)
{
	struct config_check **at = &n->config_updates.checks;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	n->config_updates.n_checks--;
	free(c);
}

/* Asks the driver for the document, or the kind-block whose turn it is. */
static enum err check_ask(struct node *n, struct config_check *c)
{
	struct effect fx = { .type = FX_CONFIG, .config_type = c->body->type };

	c->id = fx.id = ++n->config_updates.last_id;
	fx.bytes = c->body->type == CONFIG_UPDATE_CONFIG
			   ? c->body->config_data
			   : c->body->kinds.v[c->kind];
	return node_effect(n, &fx);
}

/* ---- those who send nonsense ---- */

static struct config_offender *offender(struct node *n,
					const struct node_id *id)
{
	struct config_updates *cu = &n->config_updates;

	for (uint32_t i = 0; i < CONFIG_OFFENDERS_MAX; i++)
		if (cu->offenders[i].until_us > n->now.mono_us &&
		    id_eq(&cu->offenders[i].id, id))
			return &cu->offenders[i];
	return NULL;
}

static void offended(struct node *n, const struct node_id *id)
{
	struct config_updates *cu = &n->config_updates;
	struct config_offender *o = offender(n, id);

	if (o == NULL) {
		o = &cu->offenders[cu->next_offender];
		cu->next_offender = (cu->next_offender + 1) %
				    CONFIG_OFFENDERS_MAX;
		*o = (struct config_offender){
			.id = *id, .until_us = n->now.mono_us + CONFIG_PAUSE_US
		};
	}
	o->n++;
}

/* ---- what has come ---- */

void config_update_on_request(struct node *n, struct request *req)
{
	struct config_updates *cu = &n->config_updates;
	struct config_update_req *body = arena_zalloc(&req->arena, 1,
						      sizeof(*body));
	const struct config_offender *o = offender(n, &req->source);
	struct config_check *c;

	if (o != NULL && o->n >= CONFIG_REFUSED_MAX) {
		request_refuse_take(n, req, ERR_FULL,
				    "too many documents of yours were refused");
		return;
	}
	if (body == NULL ||
	    config_update_req_decode(body, req->message.contents.message_body,
				     &req->arena, &n->env) != OK) {
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "the ConfigUpdateReq does not decode");
		return;
	}
	if (body->type != CONFIG_UPDATE_CONFIG &&
	    (body->type != CONFIG_UPDATE_KIND || body->kinds.n == 0)) {
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "nothing in it that this node knows");
		return;
	}
	if (cu->n_checks >= CONFIG_UPDATES_MAX ||
	    (c = calloc(1, sizeof(*c))) == NULL) {
		request_refuse_take(n, req, ERR_FULL,
				    "too many documents to check");
		return;
	}
	c->req = req;
	c->body = body;
	c->next = cu->checks;
	cu->checks = c;
	cu->n_checks++;
	if (node_failed(n, check_ask(n, c)) != OK) {
		check_drop(n, c);
		request_drop_take(n, req);
	}
}

/* ---- putting to use ---- */

/* The signature of a document does not make its sender's certificate good. */
static void drop_bad_links(struct node *n)
{
	struct link *l = n->links.first;
	enum err r;

	while (l != NULL) {
		if ((r = certs_current(n, l->cert)) == OK) {
			l = l->next;
			continue;
		}
		link_close(n, l, r);
		l = n->links.first; /* others may have gone with it */
	}
}

/* All peers that are connected, but not the one it came from. */
static void flood(struct node *n, const struct node_id *from)
{
	struct destination_list to;

	if (n->cfg.role != ROLE_PEER)
		return;
	for (struct link *l = n->links.first; l != NULL; l = l->next) {
		if (!l->up || !l->attached ||
		    (from != NULL && id_eq(from, &l->node_id)))
			continue;
		if (node_failed(n, txn_to_node(n, &l->node_id, &to)) != OK)
			return;
		config_update_push(n, &l->node_id, &to, l->number);
	}
}

static void adopt(struct node *n, const struct overlay *o)
{
	node_trace(n, "config %u", o->sequence);
	n->overlay = o;
	n->env.kinds = &o->kinds;
	certs_flush(n);
	drop_bad_links(n);
	store_config_changed(n);
	txn_config_changed(n);
}

/* What the sender of a refused document hears. */
static enum err refusal(enum err r)
{
	if (r == ERR_CONFIG_OLD)
		return ERR_CONFIG_TOO_OLD;
	return err_code(r) == 0 ? ERR_INVALID_MESSAGE : r;
}

static void answer(struct node *n, struct request *req)
{
	struct empty nothing = { 0 };
	struct slice body;

	if (node_failed(n, node_encode(n, &wire_type_empty, &nothing, &body)) !=
	    OK)
		request_drop_take(n, req);
	else
		request_answer_take(n, req, body);
}

enum err config_update_checked(struct node *n, const struct event *ev)
{
	struct config_check *c = n->config_updates.checks;
	struct node_id from;
	struct request *req;
	bool document;
	enum err r = ev->err;

	if (ev->id == 0) {
		if (r == OK) {
			adopt(n, ev->overlay);
			flood(n, NULL);
		}
		return OK;
	}
	while (c != NULL && c->id != ev->id)
		c = c->next;
	if (c == NULL)
		return OK;
	req = c->req;
	from = req->source;
	document = c->body->type == CONFIG_UPDATE_CONFIG;
	/* RFC 6940 s6.5.4.2: only a greater sequence. */
	if (r == OK && document &&
	    !overlay_newer(ev->overlay->sequence, n->overlay->sequence))
		r = ERR_CONFIG_OLD;
	if (r != OK) {
		check_drop(n, c);
		offended(n, &from);
		node_trace(n, "config refused %s", err_name(r));
		request_error_take(n, req, refusal(r), ev->info);
		return OK;
	}
	adopt(n, ev->overlay);
	if (document)
		flood(n, &from);
	else if (++c->kind < c->body->kinds.n)
		return check_ask(n, c);
	check_drop(n, c);
	answer(n, req);
	return OK;
}

/* ---- sending out ---- */

static void push_drop(struct node *n, struct config_push *p)
{
	struct config_push **at = &n->config_updates.pushes;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	n->config_updates.n_pushes--;
	free(p);
}

static void pushed(struct node *n, void *ctx, const struct txn_end *end)
{
	struct config_push *p = ctx;

	node_trace(n, "config sent to %s %s", id_short(&p->to).s,
		   err_name(end->err));
	push_drop(n, p);
}

void config_update_push(struct node *n, const struct node_id *to,
			const struct destination_list *path, uint32_t link)
{
	const struct config_update_req body = { .type = CONFIG_UPDATE_CONFIG,
						.config_data =
							n->overlay->document };
	struct config_updates *cu = &n->config_updates;
	struct txn_args args = { .destination = *path,
				 .code = MSG_CONFIG_UPDATE_REQ,
				 .link = link,
				 .done = pushed };
	struct config_push *p = cu->pushes;
	enum err r;

	while (p != NULL && !id_eq(&p->to, to))
		p = p->next;
	if (p != NULL || cu->n_pushes >= CONFIG_UPDATES_MAX ||
	    body.config_data.len == 0 || (p = calloc(1, sizeof(*p))) == NULL)
		return;
	p->to = *to;
	p->next = cu->pushes;
	cu->pushes = p;
	cu->n_pushes++;
	args.ctx = p;
	if ((r = node_encode(n, &wire_type_config_update_req, &body,
			     &args.body)) != OK ||
	    (r = txn_send(n, &args, &p->txn)) != OK) {
		node_trace(n, "config not sent: %s", err_name(r));
		push_drop(n, p);
	}
}

/* ---- Kinds that another node lacks ---- */

static bool is_listed(const struct kind_id_list *l, uint32_t kind)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i] == kind)
			return true;
	return false;
}

/* The kind-blocks of our document that the other side lacks, as a ConfigUpdate.
 */
static enum err make_update(struct node *n, struct slice info,
			    struct config_update_req *out)
{
	const struct overlay *o = n->overlay;
	struct unknown_kinds unknown;
	struct slice *v;
	enum err r;

	r = unknown_kinds_decode(&unknown, info, &n->arena, &n->env);
	if (r != OK)
		return r;
	v = arena_zalloc(&n->arena, o->n_kind_blocks, sizeof(*v));
	if (v == NULL)
		return ERR_NOMEM;
	*out = (struct config_update_req){ .type = CONFIG_UPDATE_KIND };
	out->kinds.v = v;
	for (size_t i = 0; i < o->n_kind_blocks; i++)
		if (is_listed(&unknown.unknown_kinds, o->kind_blocks[i].kind))
			v[out->kinds.n++] = o->kind_blocks[i].xml;
	return out->kinds.n > 0 ? OK : ERR_UNKNOWN_KIND;
}

enum err config_update_teach(struct node *n, const struct txn_end *end,
			     txn_done *done, void *ctx, struct txn **out)
{
	struct txn_args args = { .code = MSG_CONFIG_UPDATE_REQ,
				 .done = done,
				 .ctx = ctx };
	struct config_update_req body;
	enum err r;

	if ((r = make_update(n, end->info, &body)) != OK ||
	    (r = node_encode(n, &wire_type_config_update_req, &body,
			     &args.body)) != OK ||
	    (r = txn_to_node(n, &end->responder, &args.destination)) != OK)
		return r;
	return txn_send(n, &args, out);
}

void config_update_clear(struct node *n)
{
	while (n->config_updates.checks != NULL)
		check_drop(n, n->config_updates.checks);
	while (n->config_updates.pushes != NULL)
		push_drop(n, n->config_updates.pushes);
}
