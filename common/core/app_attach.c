/* SPDX-License-Identifier: ISC */
/*
 * AppAttach, asked and answered: RFC 6940 s6.5.2, RFC 7904 s5.1.  Owns which
 * applications are served; their connections are the driver's.  CHOICE: roles
 * are as for Attach: who offers is the TLS server, who answers connects.
 * CHOICE: an application connects by TLS over TCP, whatever links the overlay
 * permits, for its connections are none of them.
 */
#include "core/app_attach.h"

#include <stdlib.h>

#include "core/candidate.h"
#include "core/state.h"

/* A node that has asked lately. */
struct asker {
	struct node_id node;
	uint64_t at_us;
};

struct app_attach_state {
	struct application v[APPLICATIONS_MAX];
	size_t n;
	struct asker
		askers[APP_ATTACHES_MAX]; /* a ring: `next` is the oldest */
	size_t next;
};

static struct application *find(const struct node *n, uint16_t number)
{
	struct app_attach_state *s = n->app_attaches.state;

	for (size_t i = 0; s != NULL && i < s->n; i++)
		if (s->v[i].number == number)
			return &s->v[i];
	return NULL;
}

enum err app_attach_serve(struct node *n, const struct application *a)
{
	struct app_attach_state *s = n->app_attaches.state;
	struct application *old = find(n, a->number);

	if (old != NULL) {
		*old = *a;
		return OK;
	}
	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return ERR_NOMEM;
		n->app_attaches.state = s;
	}
	if (s->n == APPLICATIONS_MAX)
		return ERR_FULL;
	s->v[s->n++] = *a;
	return OK;
}

void app_attach_clear(struct node *n)
{
	free(n->app_attaches.state);
	n->app_attaches.state = NULL;
}

static enum err encode(struct node *n, const struct application *a, bool offer,
		       struct slice *body)
{
	struct app_attach_req_ans v = { .application = a->number,
					.role = candidate_role(offer) };
	enum err r = candidate_list(n, LINK_PROTOCOL_TLS, a->listen,
				    a->n_listen, &v.candidates);

	return r != OK ? r
		       : node_encode(n, &wire_type_app_attach_req_ans, &v,
				     body);
}

/* ---- asking ---- */

enum err app_attach_ask(struct node *n, const struct command *c,
			struct slice *body)
{
	const struct destination_list *l = &c->destination;
	const struct application *a = find(n, c->application);

	/* RFC 7904 s5.1: the last entry says who has to answer. */
	if (l->n == 0 || l->v[l->n - 1].type != DESTINATION_NODE ||
	    id_eq(&l->v[l->n - 1].node_id, &n->id))
		return ERR_USAGE;
	if (a == NULL || a->n_listen == 0 || !n->overlay->no_ice)
		return ERR_UNSUPPORTED;
	return encode(n, a, true, body);
}

enum err app_attach_answered(struct node *n, const struct command *c,
			     struct slice body)
{
	struct app_attach_req_ans v;
	enum err r = app_attach_req_ans_decode(&v, body, &n->arena, &n->env);

	if (r == ERR_NOMEM)
		return r;
	return r == OK && v.application == c->application &&
			       slice_eq(v.role, candidate_role(false))
		       ? OK
		       : ERR_INVALID_MESSAGE;
}

/* ---- answering ---- */

/* May this node ask once more?  Each time costs us a connection. */
static bool admit(struct node *n, const struct node_id *source)
{
	struct app_attach_state *s = n->app_attaches.state;
	struct asker *oldest = &s->askers[s->next];
	uint32_t k = 0;

	for (size_t i = 0; i < APP_ATTACHES_MAX; i++)
		k += s->askers[i].at_us > n->now.mono_us &&
		     id_eq(&s->askers[i].node, source);
	if (k >= APP_ATTACHES_PER_NODE_MAX || oldest->at_us > n->now.mono_us)
		return false;
	oldest->node = *source;
	oldest->at_us = n->now.mono_us + APP_ATTACH_US;
	s->next = (s->next + 1) % APP_ATTACHES_MAX;
	return true;
}

/* ERR_NOT_FOUND, ERR_INVALID_MESSAGE, with words. */
static enum err read_request(struct node *n, const struct request *req,
			     const struct application **a,
			     struct link_address *found, uint32_t *n_found,
			     const char **words)
{
	struct app_attach_req_ans v;
	enum err r;

	*words = "the AppAttachReq does not decode";
	r = app_attach_req_ans_decode(&v, req->message.contents.message_body,
				      &n->arena, &n->env);
	if (r != OK)
		return r;
	*words = "this application is not served here";
	*a = find(n, v.application);
	if (*a == NULL || !(*a)->answers) /* RFC 6940 s6.5.2.2 */
		return ERR_NOT_FOUND;
	*words = "this is you";
	if (id_eq(&req->source, &n->id))
		return ERR_NOT_FOUND;
	*words = "the role is wrong";
	if (!slice_eq(v.role, candidate_role(true)))
		return ERR_INVALID_MESSAGE;
	if ((r = candidate_choose(n, LINK_PROTOCOL_TLS, &v.candidates, found,
				  n_found, words)) != OK)
		return r;
	*words = "no candidate to connect to";
	return *n_found == 0 ? ERR_INVALID_MESSAGE : OK;
}

void app_attach_on_request(struct node *n, struct request *req)
{
	struct effect fx = { .type = FX_APPLICATION, .node_id = req->source };
	struct link_address found[CANDIDATES_MAX];
	const struct application *a;
	struct slice body, copy;
	const char *words;
	enum err r;

	r = read_request(n, req, &a, found, &fx.n_candidates, &words);
	if (r == OK && !admit(n, &req->source)) {
		r = ERR_FULL;
		words = "too many AppAttaches";
	}
	if (r != OK) {
		request_refuse_take(n, req, r, "%s", words);
		return;
	}
	for (uint32_t i = 0; i < fx.n_candidates; i++)
		found[i].address.unknown = slice_of(NULL, 0);
	if ((r = encode(n, a, false, &body)) != OK ||
	    (r = arena_dup(&n->arena,
			   slice_of(found, fx.n_candidates * sizeof(found[0])),
			   &copy)) != OK) {
		node_failed(n, r);
		request_drop_take(n, req);
		return;
	}
	memcpy(&fx.candidates, &copy.p, sizeof(copy.p));
	fx.application = a->number;
	node_trace(n, "application %u %s", fx.application,
		   id_short(&fx.node_id).s);
	request_answer_take(n, req, body);
	node_failed(n, node_effect(n, &fx));
}
