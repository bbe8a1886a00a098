/* SPDX-License-Identifier: ISC */
/*
 * Requests of this node: signed, sent, sent again, and the judging of what
 * comes back.  RFC 6940 s6.2.1, s6.3.4 (response checks), s6.3.3.1.
 */
#include "core/txn.h"

#include <stdlib.h>

#include "core/state.h"
#include "core/table.h"

struct txn {
	UT_hash_handle hh;
	uint64_t id;
	struct txn *prev, *next; /* by age */
	struct timer timer;
	struct arena arena;
	struct destination_list destination;
	struct slice payload; /* contents and SecurityBlock */
	uint16_t code;
	uint32_t link;
	uint32_t max_response_length;
	bool from_link_only;
	bool pushed;      /* our document was sent to the one that lacks it */
	unsigned sends;   /* transmissions so far, whether a link took them */
	uint64_t sent_us; /* the last one */
	uint64_t deadline_us;
	enum err ending;    /* not OK: ends so at the next turn */
	enum err refusal;   /* what to report when nothing better comes */
	struct slice words; /* of the refusal */
	struct node_id refuser;
	txn_done *done;
	void *ctx;
};

static void unlink_txn(struct node *n, struct txn *t)
{
	struct txns *ts = &n->txns;

	heap_cancel(&n->timers, &t->timer);
	HASH_DEL(ts->by_id, t);
	*(t->prev == NULL ? &ts->first : &t->prev->next) = t->next;
	*(t->next == NULL ? &ts->last : &t->next->prev) = t->prev;
	ts->n--;
}

static void txn_free(struct txn *t)
{
	arena_free(&t->arena);
	free(t);
}

void txn_cancel(struct node *n, struct txn *t)
{
	if (t == NULL)
		return;
	unlink_txn(n, t);
	txn_free(t);
}

static void finish(struct node *n, struct txn *t, const struct txn_end *end)
{
	unlink_txn(n, t);
	node_trace(n, "txn %016llx %s", (unsigned long long)t->id,
		   err_name(end->err));
	if (t->done != NULL)
		t->done(n, t->ctx, end);
	txn_free(t);
}

static void fail(struct node *n, struct txn *t, enum err r)
{
	struct txn_end end = { .err = r };

	if (r == ERR_TIMEOUT && t->refusal != OK) {
		end.err = t->refusal;
		end.info = t->words;
		end.responder = t->refuser;
	}
	finish(n, t, &end);
}

enum err txn_refusal(const struct txn *t)
{
	return t == NULL || t->refusal == OK ? ERR_TIMEOUT : t->refusal;
}

/* ---- sending ---- */

/* The node runs the timer: the next transmission, or the end. */
static void set_timer(struct node *n, struct txn *t)
{
	uint64_t at = t->sent_us +
		      UINT64_C(1000) * n->overlay->reliability_timer_ms;

	node_timer(n, &t->timer, TIMER_TXN,
		   at < t->deadline_us ? at : t->deadline_us);
}

static void end_soon(struct node *n, struct txn *t, enum err r)
{
	t->ending = r;
	node_timer(n, &t->timer, TIMER_TXN, n->now.mono_us);
}

static void make_header(const struct node *n, const struct txn *t,
			struct forwarding_header *h)
{
	*h = (struct forwarding_header){
		.overlay = n->overlay->hash,
		.configuration_sequence = t->code == MSG_CONFIG_UPDATE_REQ
						  ? SEQUENCE_ANY
						  : n->overlay->sequence,
		.version = RELOAD_VERSION,
		.ttl = n->overlay->initial_ttl,
		.fragment = FRAGMENT_WHOLE,
		.transaction_id = t->id,
		.max_response_length = t->max_response_length,
		.destination_list = t->destination,
	};
}

static enum err transmit(struct node *n, struct txn *t)
{
	struct forwarding_header h;
	struct link *l = NULL;
	enum err r;

	t->sends++;
	t->sent_us = n->now.mono_us;
	if (t->link != 0 && (l = link_by_number(n, t->link)) == NULL) {
		end_soon(n, t, ERR_LINK_CLOSED);
		return OK;
	}
	make_header(n, t, &h);
	r = route_send(n, l, &h, t->payload);
	if (r == ERR_NO_LINK && !n->ring.responsible) {
		end_soon(n, t, ERR_NO_LINK);
		return OK;
	}
	if (r == ERR_NO_LINK) {
		t->refusal = r; /* the ring may mend itself meanwhile */
		r = OK;
	}
	if (r == OK)
		set_timer(n, t);
	return r;
}

static enum err copy_destination(struct txn *t,
				 const struct destination_list *in)
{
	struct destination_list *out = &t->destination;

	out->n = in->n;
	if ((out->v = arena_zalloc(&t->arena, in->n, sizeof(*out->v))) == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < in->n; i++) {
		out->v[i] = in->v[i];
		if (arena_dup(&t->arena, in->v[i].id, &out->v[i].id) != OK)
			return ERR_NOMEM;
	}
	return OK;
}

static void enter(struct txns *ts, struct txn *t)
{
	t->prev = ts->last;
	*(t->prev == NULL ? &ts->first : &t->prev->next) = t;
	ts->last = t;
	ts->n++;
}

/* Transaction IDs are random and not in use, s6.3.2. */
static uint64_t draw_id(struct node *n)
{
	struct txn *t;
	uint64_t id;

	do {
		id = rng_u64(&n->rng);
		HASH_FIND(hh, n->txns.by_id, &id, sizeof(id), t);
	} while (t != NULL);
	return id;
}

enum err txn_send(struct node *n, const struct txn_args *args, struct txn **out)
{
	const struct signer *s = args->signer != NULL ? args->signer
						      : n->cfg.signer;
	struct slice payload;
	struct txn *t;
	enum err r;

	if (n->txns.n >= TXNS_MAX)
		return ERR_FULL;
	if (args->destination.n == 0)
		return ERR_USAGE;
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return ERR_NOMEM;
	t->arena.max = MESSAGE_ARENA_MAX;
	t->id = draw_id(n);
	t->code = args->code;
	t->link = args->link;
	t->max_response_length = args->max_response_length;
	t->from_link_only = args->from_link_only;
	t->deadline_us = args->timeout_us == 0
				 ? NEVER
				 : n->now.mono_us + args->timeout_us;
	t->done = args->done;
	t->ctx = args->ctx;
	if ((r = copy_destination(t, &args->destination)) != OK ||
	    (r = seal_message(n, s, args->code, args->body, t->id, args->certs,
			      args->n_certs, &payload)) != OK ||
	    (r = arena_dup(&t->arena, payload, &t->payload)) != OK)
		goto fail;
	HASH_ADD(hh, n->txns.by_id, id, sizeof(t->id), t);
	if (t->hh.tbl == NULL) {
		r = ERR_NOMEM;
		goto fail;
	}
	enter(&n->txns, t);
	if ((r = transmit(n, t)) != OK) {
		unlink_txn(n, t);
		goto fail;
	}
	if (out != NULL)
		*out = t;
	return OK;
fail:
	txn_free(t);
	return r == ERR_LIMIT ? ERR_MESSAGE_TOO_LARGE : r;
}

void txn_timer(struct node *n, struct timer *timer)
{
	struct txn *t = container_of(timer, struct txn, timer);
	enum err r;

	if (t->ending != OK)
		fail(n, t, t->ending);
	else if (n->now.mono_us >= t->deadline_us || t->sends >= SENDS_MAX)
		fail(n, t, ERR_TIMEOUT);
	else if ((r = transmit(n, t)) != OK)
		fail(n, t, r);
}

bool txn_awaits_link(const struct node *n, uint32_t number)
{
	for (const struct txn *t = n->txns.first; t != NULL; t = t->next)
		if (t->link == number)
			return true;
	return false;
}

void txn_link_down(struct node *n, uint32_t number)
{
	bool cut_off = n->cfg.role == ROLE_CLIENT && n->links.n == 0;

	for (struct txn *t = n->txns.first; t != NULL; t = t->next) {
		if (t->link == number || cut_off)
			end_soon(n, t, ERR_LINK_CLOSED);
	}
}

/* The header's sequence is not signed: what was refused can go as it is. */
void txn_config_changed(struct node *n)
{
	for (struct txn *t = n->txns.first; t != NULL; t = t->next) {
		if (t->refusal != ERR_CONFIG_TOO_OLD || t->sends >= SENDS_MAX)
			continue;
		t->refusal = OK;
		node_timer(n, &t->timer, TIMER_TXN, n->now.mono_us);
	}
}

void txn_clear(struct node *n)
{
	while (n->txns.first != NULL)
		txn_cancel(n, n->txns.first);
}

/* ---- judging responses ---- */

/* A response, and who sent it. */
struct response {
	struct link *l; /* NULL: from itself */
	const struct message *m;
	struct cert *cert;
	struct node_id responder;
	enum err err; /* OK: an answer */
	struct slice info;
};

/* RFC 6940 s6.3.4, checks 1 and 2; s6.4.2.1 for a Join. */
static bool may_answer(struct node *n, const struct txn *t,
		       const struct response *rs)
{
	const struct destination *last =
		&t->destination.v[t->destination.n - 1];
	struct node_id id;

	if (t->from_link_only)
		return rs->l != NULL && rs->l->number == t->link &&
		       id_eq(&rs->l->node_id, &rs->responder);
	if (route_point(last, &id) != OK)
		return true; /* an opaque ID says nothing about who */
	if (last->type == DESTINATION_RESOURCE)
		return ring_close_enough(n, &id, &rs->responder);
	if (id_is_wildcard(&id, n->env.node_id_len)) {
		/* The last node that was named takes it for its own. */
		if (t->destination.n > 1 && last[-1].type == DESTINATION_NODE)
			return id_eq(&last[-1].node_id, &rs->responder);
		return rs->l == NULL ||
		       certs_has_node_id(rs->l->cert, &rs->responder);
	}
	return id_eq(&id, &rs->responder);
}

/*
 * CHOICE: errors of nodes on the way, which checks 1 and 2 leave no room for.
 * The node at the other end of the link could drop the request as well, so that
 * its refusals count; of others those that only a forwarder makes.
 */
static bool may_refuse(const struct response *rs)
{
	switch (rs->err) {
	case ERR_TTL_EXCEEDED:
	case ERR_UNSUPPORTED_FORWARDING_OPTION:
	case ERR_MESSAGE_TOO_LARGE: /* the Via List grows */
		return true;
	case ERR_FORBIDDEN:
	case ERR_INCOMPATIBLE_WITH_OVERLAY:
	case ERR_INVALID_MESSAGE:
		return rs->l != NULL &&
		       certs_has_node_id(rs->l->cert, &rs->responder);
	default:
		return false;
	}
}

static void remember(struct txn *t, const struct response *rs, enum err r)
{
	t->refusal = r;
	t->refuser = rs->responder;
	if (arena_dup(&t->arena, rs->info, &t->words) != OK)
		t->words = slice_of(NULL, 0);
}

static void end_with(struct node *n, struct txn *t, const struct response *rs)
{
	const struct txn_end end = {
		.err = rs->err,
		.message = rs->m,
		.body = rs->err == OK ? rs->m->contents.message_body
				      : slice_of(NULL, 0),
		.info = rs->info,
		.responder = rs->responder,
		.cert = rs->cert,
		.rtt_us = n->now.mono_us - t->sent_us,
	};

	finish(n, t, &end);
}

/* The two sides use different documents, s6.3.2.1: whoever is behind learns,
 * and the request is sent again. */
static void configs_differ(struct node *n, struct txn *t,
			   const struct response *rs)
{
	const struct link *l = link_by_number(n, t->link);
	struct destination_list to;
	bool through = l != NULL && !id_eq(&l->node_id, &rs->responder);

	if (rs->err == ERR_CONFIG_TOO_OLD && n->cfg.role == ROLE_PEER) {
		remember(t, rs, rs->err); /* a ConfigUpdate is on its way */
		return;
	}
	if (rs->err == ERR_CONFIG_TOO_NEW && !t->pushed &&
	    n->overlay->document.len > 0 &&
	    (through ? txn_to_node_through(n, &l->node_id, &rs->responder, &to)
		     : txn_to_node(n, &rs->responder, &to)) == OK) {
		t->pushed = true;
		remember(t, rs, rs->err);
		config_update_push(n, &rs->responder, &to, t->link);
		return;
	}
	end_with(n, t, rs);
}

static enum err read_error(struct node *n, struct response *rs)
{
	struct error_response e;

	if (error_response_decode(&e, rs->m->contents.message_body, &n->arena,
				  &n->env) != OK)
		return ERR_MALFORMED;
	rs->err = err_from_code(e.error_code);
	rs->info = e.error_info;
	return OK;
}

/* One that is critical must be understood, s6.3.3, and none is known here; a
 * response cannot be refused. */
static void check_extensions(struct response *rs)
{
	const struct message_extension_list *l = &rs->m->contents.extensions;

	for (uint32_t i = 0; i < l->n; i++) {
		if (!l->v[i].critical)
			continue;
		rs->err = ERR_UNKNOWN_EXTENSION;
		rs->info = slice_of(NULL, 0);
	}
}

static void judge(struct node *n, struct txn *t, const struct response *rs)
{
	if (!may_answer(n, t, rs)) {
		if (rs->err != OK && may_refuse(rs)) {
			end_with(n, t, rs);
			return;
		}
		node_trace(n, "response %016llx from %s: WRONG_PEER",
			   (unsigned long long)t->id,
			   id_short(&rs->responder).s);
		remember(t, rs, rs->err == OK ? ERR_WRONG_PEER : rs->err);
		return;
	}
	if (rs->err == ERR_CONFIG_TOO_OLD || rs->err == ERR_CONFIG_TOO_NEW)
		configs_differ(n, t, rs);
	else
		end_with(n, t, rs);
}

void txn_response(struct node *n, struct link *l, const struct message *m)
{
	unsigned long long id = m->header.transaction_id;
	uint16_t code = m->contents.message_code;
	struct response rs = { .l = l, .m = m };
	struct txn *t;
	enum err r = OK;

	HASH_FIND(hh, n->txns.by_id, &m->header.transaction_id,
		  sizeof(m->header.transaction_id), t);
	if (t == NULL || t->ending != OK ||
	    (code != MSG_ERROR && code != t->code + 1)) {
		node_trace(n, "drop %016llx: not asked for", id);
		return;
	}
	if ((r = seal_verify(n, m, &rs.cert, &rs.responder)) != OK ||
	    (code == MSG_ERROR && (r = read_error(n, &rs)) != OK)) {
		node_trace(n, "drop %016llx: %s", id, err_name(r));
		tally_count(n, r);
		return;
	}
	check_extensions(&rs);
	judge(n, t, &rs);
}

/* ---- destinations ---- */

static enum err list_of(struct node *n, uint32_t len,
			struct destination_list *out)
{
	out->n = len;
	out->v = arena_zalloc(&n->arena, len, sizeof(*out->v));
	return out->v == NULL ? ERR_NOMEM : OK;
}

enum err txn_to_node(struct node *n, const struct node_id *id,
		     struct destination_list *out)
{
	if (list_of(n, 1, out) != OK)
		return ERR_NOMEM;
	out->v[0] = destination_node(id);
	return OK;
}

enum err txn_to_resource(struct node *n, const struct node_id *id,
			 struct destination_list *out)
{
	struct slice copy;

	if (arena_dup(&n->arena, id_slice(id, RING_ID_LEN), &copy) != OK ||
	    list_of(n, 1, out) != OK)
		return ERR_NOMEM;
	out->v[0] = destination_resource(copy);
	return OK;
}

enum err txn_to_node_through(struct node *n, const struct node_id *through,
			     const struct node_id *id,
			     struct destination_list *out)
{
	if (list_of(n, 2, out) != OK)
		return ERR_NOMEM;
	out->v[0] = destination_node(through);
	out->v[1] = destination_node(id);
	return OK;
}
