/* SPDX-License-Identifier: ISC */
/*
 * Requests that have reached this node: verified, matched with the
 * configuration, given to the handler of their method, and answered, from
 * memory when they come again.  RFC 6940 s6.2.1, s6.3.2.1, s6.3.2.3, s6.3.3.
 * What a method does is its handler's.
 */
#include "core/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/admit.h"
#include "core/app_attach.h"
#include "core/leave.h"
#include "core/probe.h"
#include "core/state.h"
#include "core/table.h"
#include "core/update.h"

struct method {
	uint16_t code;
	bool before_attach; /* see request_before_attach() */
	bool before_join;
	request_handler *handler;
};

static const struct method methods[] = {
	{ MSG_PROBE_REQ, false, true, probe_on_probe },
	{ MSG_ATTACH_REQ, true, true, dial_on_attach },
	{ MSG_STORE_REQ, false, false, store_on_store },
	{ MSG_FETCH_REQ, false, false, store_on_fetch },
	{ MSG_FIND_REQ, false, false, store_on_find },
	{ MSG_JOIN_REQ, false, true, admit_on_join },
	{ MSG_LEAVE_REQ, false, true, leave_on_leave },
	{ MSG_UPDATE_REQ, false, true, update_on_update },
	{ MSG_ROUTE_QUERY_REQ, false, true, update_on_route_query },
	{ MSG_PING_REQ, true, true, probe_on_ping },
	{ MSG_STAT_REQ, false, false, store_on_stat },
	{ MSG_APP_ATTACH_REQ, false, false, app_attach_on_request },
	{ MSG_CONFIG_UPDATE_REQ, false, true, config_update_on_request },
};

static const struct method *method_find(uint16_t code)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (methods[i].code == code)
			return &methods[i];
	}
	return NULL;
}

bool request_before_attach(uint16_t code)
{
	const struct method *m = method_find(code);

	return m != NULL && m->before_attach;
}

bool request_before_join(uint16_t code)
{
	const struct method *m = method_find(code);

	return m != NULL && m->before_join;
}

/* ---- the memory of answers ---- */

struct answer_key {
	uint64_t transaction_id;
	struct node_id source;
	uint8_t pad[4]; /* zero: keys are compared as bytes */
};
_Static_assert(sizeof(struct answer_key) == 8 + NODE_ID_MAX + 4, "no padding");

struct answer {
	UT_hash_handle hh;
	struct answer_key key;
	struct answer *older, *newer;
	struct request *req; /* being answered, or NULL */
	uint64_t expires_us;
	size_t len;
	uint8_t payload[]; /* contents and SecurityBlock, as signed */
};

static struct answer *answer_find(struct node *n, uint64_t transaction_id,
				  const struct node_id *source)
{
	const struct answer_key k = { .transaction_id = transaction_id,
				      .source = *source };
	struct answer *a;

	HASH_FIND(hh, n->requests.by_key, &k, sizeof(k), a);
	return a;
}

static void answer_drop(struct requests *rs, struct answer *a)
{
	if (a->req != NULL)
		a->req->answer = NULL;
	HASH_DEL(rs->by_key, a);
	*(a->older == NULL ? &rs->oldest : &a->older->newer) = a->newer;
	*(a->newer == NULL ? &rs->newest : &a->newer->older) = a->older;
	rs->n_answers--;
	rs->answer_bytes -= a->len;
	free(a);
}

/* A place at the end of the queue for `len` bytes; the oldest make room. */
static struct answer *answer_add(struct node *n, const struct answer_key *key,
				 uint64_t expires_us, size_t len)
{
	struct requests *rs = &n->requests;
	struct answer *a;

	while (rs->n_answers > 0 &&
	       (rs->n_answers >= ANSWERS_MAX ||
		rs->answer_bytes + len > ANSWERS_BYTES_MAX))
		answer_drop(rs, rs->oldest);
	if ((a = calloc(1, sizeof(*a) + len)) == NULL)
		return NULL;
	a->key = *key;
	a->len = len;
	a->expires_us = expires_us;
	HASH_ADD(hh, rs->by_key, key, sizeof(a->key), a);
	if (a->hh.tbl == NULL) {
		free(a);
		return NULL;
	}
	a->older = rs->newest;
	*(a->older == NULL ? &rs->oldest : &a->older->newer) = a;
	rs->newest = a;
	rs->n_answers++;
	rs->answer_bytes += len;
	if (rs->timer.pos == 0)
		node_timer(n, &rs->timer, TIMER_REQUEST, a->expires_us);
	return a;
}

static bool answer_begin(struct node *n, struct request *req)
{
	const struct answer_key key = {
		.transaction_id = req->message.header.transaction_id,
		.source = req->source
	};

	req->answer = answer_add(n, &key, n->now.mono_us + REQUEST_LIFETIME_US,
				 0);
	if (req->answer == NULL)
		return false;
	req->answer->req = req;
	return true;
}

/* Keeps what was answered until the request can no longer come again. */
static void answer_keep(struct node *n, struct request *req,
			struct slice payload)
{
	struct answer *a = req->answer;
	struct answer_key key;
	uint64_t expires_us;

	if (a == NULL)
		return; /* it took longer than the request lives */
	key = a->key;
	expires_us = a->expires_us;
	answer_drop(&n->requests, a);
	if (payload.len > ANSWERS_BYTES_MAX / 4)
		return;
	/* Not the oldest any more, but due sooner: it goes a little later. */
	if ((a = answer_add(n, &key, expires_us, payload.len)) != NULL)
		memcpy(a->payload, payload.p, payload.len);
}

void request_timer(struct node *n, struct timer *t)
{
	struct requests *rs = &n->requests;

	while (rs->oldest != NULL && rs->oldest->expires_us <= n->now.mono_us)
		answer_drop(rs, rs->oldest);
	if (rs->oldest != NULL)
		node_timer(n, t, TIMER_REQUEST, rs->oldest->expires_us);
}

/* ---- a request's life ---- */

static void request_free(struct node *n, struct request *req)
{
	struct requests *rs = &n->requests;

	heap_cancel(&n->timers, &req->timer);
	*(req->prev == NULL ? &rs->first : &req->prev->next) = req->next;
	*(req->next == NULL ? &rs->last : &req->next->prev) = req->prev;
	rs->n--;
	n->cfg.crypto->cert_unref(n->cfg.crypto->ctx, req->signer);
	arena_free(&req->arena);
	free(req);
}

/* A copy that outlives the step. */
static enum err request_new(struct node *n, const struct link *l,
			    const struct message *m, struct request **out)
{
	const struct packet p = { m->header, m->payload };
	struct requests *rs = &n->requests;
	struct slice bytes, copy;
	struct request *req;
	enum err r;

	if ((req = calloc(1, sizeof(*req))) == NULL)
		return ERR_NOMEM;
	req->arena.max = MESSAGE_ARENA_MAX;
	if ((r = node_encode(n, &wire_type_packet, &p, &bytes)) != OK ||
	    (r = arena_dup(&req->arena, bytes, &copy)) != OK ||
	    (r = message_decode(&req->message, copy, &req->arena, &n->env)) !=
		    OK) {
		arena_free(&req->arena);
		free(req);
		return r;
	}
	req->link = l == NULL ? 0 : l->number;
	req->previous_hop = l == NULL ? n->id : l->node_id;
	req->prev = rs->last;
	*(req->prev == NULL ? &rs->first : &req->prev->next) = req;
	rs->last = req;
	rs->n++;
	*out = req;
	return OK;
}

static void respond(struct node *n, struct request *req, struct slice payload)
{
	enum err r;

	answer_keep(n, req, payload);
	r = reply_send(n, &req->message.header, req->link, &req->previous_hop,
		       payload);
	if (r == ERR_NOMEM)
		node_failed(n, r);
	else if (r != OK) /* s6.2.1: the requester's timer repairs it */
		node_trace(n, "answer lost: %s", err_name(r));
	request_free(n, req);
}

void request_drop_take(struct node *n, struct request *req)
{
	if (req->answer != NULL)
		answer_drop(&n->requests, req->answer);
	request_free(n, req);
}

void request_error_take(struct node *n, struct request *req, enum err r,
			struct slice info)
{
	uint64_t id = req->message.header.transaction_id;
	struct slice payload;

	node_trace(n, "answer %016llx %s", (unsigned long long)id, err_name(r));
	tally_count(n, r);
	if (err_code(r) == 0 ||
	    node_failed(n, reply_seal_error(n, id, r, info, &payload)) != OK)
		request_drop_take(n, req);
	else
		respond(n, req, payload);
}

void request_refuse_take(struct node *n, struct request *req, enum err r,
			 const char *fmt, ...)
{
	char words[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	request_error_take(n, req, r, slice_str(words));
}

/* CHOICE: Error_Response_Too_Large, s6.3.3.1, not the code of s6.3.2. */
static enum err check_size(struct node *n, const struct request *req,
			   size_t payload_len)
{
	const struct forwarding_header *h = &req->message.header;
	size_t len;
	enum err r;

	if ((r = reply_overhead(n, h, &req->previous_hop, &len)) != OK)
		return r;
	len += payload_len;
	if (len > n->overlay->max_message_size ||
	    (h->max_response_length != 0 && len > h->max_response_length))
		return ERR_RESPONSE_TOO_LARGE;
	return OK;
}

void request_answer_take(struct node *n, struct request *req, struct slice body)
{
	const struct message *m = &req->message;
	struct slice payload;
	enum err r;

	if ((r = seal_message(n, n->cfg.signer,
			      (uint16_t)(m->contents.message_code + 1), body,
			      m->header.transaction_id, req->certs,
			      req->n_certs, &payload)) == OK)
		r = check_size(n, req, payload.len);
	if (r == ERR_LIMIT)
		r = ERR_RESPONSE_TOO_LARGE;
	if (r != OK) {
		request_refuse_take(n, req, r, "the answer is too large");
		return;
	}
	node_trace(n, "answer %016llx OK",
		   (unsigned long long)m->header.transaction_id);
	respond(n, req, payload);
}

/* ---- arrival ---- */

/* RFC 6940 s6.3.2.1: both must use the same document; one that is behind gets
 * ours.  CHOICE: only requests are judged, and a ConfigUpdate with 65535 is
 * always taken. */
static enum err check_config(struct node *n, const struct request *req)
{
	const struct forwarding_header *h = &req->message.header;
	struct destination_list path;

	if (h->configuration_sequence == n->overlay->sequence ||
	    (h->configuration_sequence == SEQUENCE_ANY &&
	     req->message.contents.message_code == MSG_CONFIG_UPDATE_REQ))
		return OK;
	if (!overlay_newer(n->overlay->sequence, h->configuration_sequence))
		return ERR_CONFIG_TOO_NEW;
	/* First the document, then the error: who reads the error has it. */
	if (node_failed(n, reply_path(n, h, &req->previous_hop, &path)) == OK)
		config_update_push(n, &req->source, &path, req->link);
	return ERR_CONFIG_TOO_OLD;
}

static enum err check_options(const struct message *m)
{
	for (uint32_t i = 0; i < m->header.options.n; i++) {
		if ((m->header.options.v[i].flags & DESTINATION_CRITICAL) != 0)
			return ERR_UNSUPPORTED_FORWARDING_OPTION;
	}
	for (uint32_t i = 0; i < m->contents.extensions.n; i++) {
		if (m->contents.extensions.v[i].critical)
			return ERR_UNKNOWN_EXTENSION;
	}
	return OK;
}

static void dispatch(struct node *n, struct request *req)
{
	uint16_t code = req->message.contents.message_code;
	const struct method *m = method_find(code);
	enum err r;

	if ((r = check_config(n, req)) != OK) {
		/* Not remembered: sent again with another sequence, it counts.
		 */
		answer_drop(&n->requests, req->answer);
		request_refuse_take(n, req, r, "configuration sequence %u here",
				    n->overlay->sequence);
	} else if ((r = check_options(&req->message)) != OK) {
		request_refuse_take(n, req, r,
				    "an option or extension that is "
				    "critical and not known");
	} else if (m == NULL) {
		/* CHOICE: the RFC has no code for an unknown method. */
		request_refuse_take(n, req, ERR_INVALID_MESSAGE,
				    "no method has the code %u", code);
	} else {
		m->handler(n, req);
	}
}

/* Answered or being answered already? */
static bool again(struct node *n, const struct link *l, const struct message *m,
		  const struct node_id *source)
{
	const struct answer *a = answer_find(n, m->header.transaction_id,
					     source);

	if (a == NULL)
		return false;
	node_trace(n, "again %016llx%s",
		   (unsigned long long)m->header.transaction_id,
		   a->req != NULL ? " in progress" : "");
	if (a->req == NULL &&
	    reply_send(n, &m->header, l == NULL ? 0 : l->number,
		       l == NULL ? &n->id : &l->node_id,
		       slice_of(a->payload, a->len)) == ERR_NOMEM)
		node_failed(n, ERR_NOMEM);
	return true;
}

/* Before an Attach a link is known by the first Node-ID of its certificate; of
 * several, what the other side says itself shows which one it uses, s6.1.2. */
static void learn_node_id(struct node *n, struct link *l,
			  const struct message *m, const struct node_id *source)
{
	if (l == NULL || l->attached || m->header.via_list.n > 0 ||
	    id_eq(&l->node_id, source) || !certs_has_node_id(l->cert, source))
		return;
	l->node_id = *source;
	ring_link_up(n, l);
}

static void drop(struct node *n, unsigned long long id, enum err r)
{
	node_trace(n, "drop %016llx: %s", id, err_name(r));
	tally_count(n, r);
}

void request_receive(struct node *n, struct link *l, const struct message *m)
{
	const char *name = message_name(m->contents.message_code);
	unsigned long long id = m->header.transaction_id;
	struct request *req;
	struct node_id source;
	struct cert *cert;
	enum err r;

	/* RFC 6940 s6.3.4: what does not verify is dropped without a word. */
	if ((r = seal_verify(n, m, &cert, &source)) != OK) {
		drop(n, id, r);
		return;
	}
	node_trace(n, "recv %s %016llx from %s",
		   name == NULL ? "unknown" : name, id, id_short(&source).s);
	learn_node_id(n, l, m, &source);
	if (again(n, l, m, &source))
		return;
	if (n->requests.n >= REQUESTS_MAX) {
		drop(n, id, ERR_FULL);
		return;
	}
	if ((r = request_new(n, l, m, &req)) != OK) {
		drop(n, id, r);
		return;
	}
	req->source = source;
	req->signer = cert_ref(cert);
	if (!answer_begin(n, req)) {
		node_failed(n, ERR_NOMEM);
		request_free(n, req);
		return;
	}
	dispatch(n, req);
}

void request_clear(struct node *n)
{
	struct requests *rs = &n->requests;

	while (rs->first != NULL)
		request_drop_take(n, rs->first);
	while (rs->oldest != NULL)
		answer_drop(rs, rs->oldest);
}
