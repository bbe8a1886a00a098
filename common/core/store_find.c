/* SPDX-License-Identifier: ISC */
/*
 * Find: the resource nearest to a point of the ring that has values of a Kind.
 * RFC 6940 s7.4.4.
 */
#include "core/store_find.h"

#include <stdlib.h>

#include "core/state.h"

struct store_find {
	struct request *req;
	struct node_id resource;
	struct find_ans ans;
	uint32_t *asked; /* index in ans of each query */
};

static const uint8_t nowhere[RING_ID_LEN];

static void found(struct node *n, void *ctx, enum err r,
		  const struct query_answer *answers, size_t n_answers)
{
	struct store_find *f = ctx;
	struct slice body = { 0 };
	struct why why = { "" };

	for (size_t i = 0; i < n_answers && r == OK; i++)
		if (answers[i].n_slots > 0)
			r = arena_dup(&f->req->arena,
				      id_slice(&answers[i].slots[0].resource,
					       RING_ID_LEN),
				      &f->ans.results.v[f->asked[i]].closest);
	if (r == OK)
		r = node_encode(n, &wire_type_find_ans, &f->ans, &body);
	if (r == OK)
		request_answer_take(n, f->req, body);
	else
		store_refuse_take(n, f->req, r, &why);
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Thousands may be asked for, all unknown: sorted, not each with each. */
static enum err check_twice(struct arena *a, const struct kind_id_list *kinds,
			    struct why *why)
{
	uint32_t *v = arena_zalloc(a, kinds->n, sizeof(*v));

	if (v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < kinds->n; i++)
		v[i] = kinds->v[i];
	qsort(v, kinds->n, sizeof(*v), by_number);
	for (uint32_t i = 1; i < kinds->n; i++)
		if (v[i] == v[i - 1])
			return why_err(why, ERR_INVALID_MESSAGE,
				       "a Kind is there twice");
	return OK;
}

/*
 * CHOICE 41, 14: the closest is the smallest Resource-ID at or after the one
 * asked, within the own range; nothing known is 16 zero bytes, and so is an
 * unknown Kind, for s7.4.4.2 is more special than s7.4.1.2.
 */
static enum err ask(struct node *n, struct store_find *f,
		    const struct kind_id_list *kinds)
{
	struct arena *a = &f->req->arena;
	struct find_kind_data *v;
	struct query *q;
	size_t n_q = 0;

	v = arena_zalloc(a, kinds->n, sizeof(*v));
	q = arena_zalloc(a, kinds->n, sizeof(*q));
	f->asked = arena_zalloc(a, kinds->n, sizeof(*f->asked));
	if (v == NULL || q == NULL || f->asked == NULL)
		return ERR_NOMEM;
	f->ans.results.v = v;
	f->ans.results.n = kinds->n;
	for (uint32_t i = 0; i < kinds->n; i++) {
		v[i].kind = kinds->v[i];
		v[i].closest = slice_of(nowhere, sizeof(nowhere));
		if (kinds_find(&n->overlay->kinds, v[i].kind) == NULL)
			continue;
		q[n_q].type = QUERY_NEAREST;
		q[n_q].resource = f->resource;
		q[n_q].kind = v[i].kind;
		q[n_q].alive_ms = n->now.unix_ms;
		ring_range(n, &q[n_q].from, &q[n_q].to);
		f->asked[n_q++] = i;
	}
	return read_start(n, q, n_q, found, f);
}

void store_find_start_take(struct node *n, struct request *req)
{
	struct why why = { "" };
	struct store_find *f;
	struct find_req body;
	enum err r;

	r = find_req_decode(&body, req->message.contents.message_body,
			    &req->arena, &n->env);
	f = arena_zalloc(&req->arena, 1, sizeof(*f));
	if (r == OK && f == NULL)
		r = ERR_NOMEM;
	if (r == OK)
		r = store_resource(body.resource, &f->resource, &why);
	if (r == OK)
		r = check_twice(&req->arena, &body.kinds, &why);
	if (r == OK && !ring_responsible(n, &f->resource))
		r = why_err(&why, ERR_NOT_FOUND,
			    "this peer is not responsible for that resource");
	if (r == OK) {
		f->req = req;
		r = ask(n, f, &body.kinds);
	}
	if (r != OK)
		store_refuse_take(n, req, r, &why);
}
