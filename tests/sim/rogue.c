/* SPDX-License-Identifier: ISC */
/*
 * Owns: the links of a rogue and what it hears.  Does not own: making messages
 * (draft.c).  RFC 6940 s6.6.2 (frames), s6.5.1 (Attach).
 */
#include "rogue.h"

#include <stdlib.h>

#include <utlist.h>

enum { ROGUE_BYTES_MAX = 256 << 20 };

struct rogue *rogue_new(struct world *w, const char *user,
			const struct node_id *id)
{
	struct rogue *r = calloc(1, sizeof(*r));

	if (r == NULL)
		MUST(ERR_NOMEM);
	r->arena.max = ROGUE_BYTES_MAX;
	r->next_link = 1;
	r->host = world_host(w, user, id);
	r->host->overlay = w->overlay;
	r->host->rogue = r;
	return r;
}

void rogue_free(struct rogue *r)
{
	if (r == NULL)
		return;
	net_drop_host(r->host, true);
	r->host->rogue = NULL;
	for (uint32_t i = 0; i < r->n_links; i++)
		buf_clear(&r->links[i].in);
	arena_free(&r->arena);
	free(r);
}

struct slice rogue_keep(struct rogue *r, struct slice bytes)
{
	struct slice out;

	MUST(arena_dup(&r->arena, bytes, &out));
	return out;
}

/* ---- links ---- */

static struct rogue_link *link_of(struct rogue *r, uint32_t number)
{
	for (uint32_t i = 0; i < r->n_links; i++)
		if (r->links[i].number == number)
			return &r->links[i];
	return NULL;
}

const struct rogue_link *rogue_link(const struct rogue *r, uint32_t number)
{
	for (uint32_t i = 0; i < r->n_links; i++)
		if (r->links[i].number == number)
			return &r->links[i];
	return NULL;
}

uint32_t rogue_link_to(const struct rogue *r, const struct host *to)
{
	for (uint32_t i = r->n_links; i-- > 0;)
		if (r->links[i].up && r->links[i].other == to)
			return r->links[i].number;
	return 0;
}

static struct rogue_link *link_add(struct rogue *r, uint32_t number)
{
	struct rogue_link *l = &r->links[r->n_links];

	MUST(r->n_links < ROGUE_LINKS_MAX ? OK : ERR_FULL);
	*l = (struct rogue_link){ .number = number,
				  .in = BUF_INIT(ROGUE_BYTES_MAX) };
	r->n_links++;
	return l;
}

struct waiting {
	struct rogue *rogue;
	uint32_t link;
	uint64_t transaction_id;
	uint16_t code;
	const struct host *other;
};

static bool link_settled(struct world *w, void *ctx)
{
	struct waiting *t = ctx;
	const struct rogue_link *l = rogue_link(t->rogue, t->link);

	(void)w;
	return l->up || l->err != OK;
}

static uint32_t call(struct rogue *r, const struct ip_address_port *address,
		     uint8_t overlay_link)
{
	struct waiting t = { .rogue = r, .link = r->next_link++ };
	const struct link_address to = { *address, overlay_link };

	link_add(r, t.link);
	net_connect(r->host, t.link, &to, NULL);
	(void)world_run_until(r->host->world, link_settled, &t, 60 * SECOND_US);
	return link_of(r, t.link)->up ? t.link : 0;
}

uint32_t rogue_connect(struct rogue *r, const struct host *to)
{
	return call(r, &to->address, to->listen[0].overlay_link);
}

void rogue_close(struct rogue *r, uint32_t link)
{
	net_close(r->host, link);
	link_of(r, link)->up = false;
}

void rogue_bytes(struct rogue *r, uint32_t link, struct slice bytes)
{
	net_send(r->host, link, bytes);
}

static void send_frame(struct rogue *r, uint32_t link,
		       const struct framed_message *f)
{
	struct buf b = BUF_INIT(ROGUE_BYTES_MAX);

	MUST(framed_message_encode(f, &b, &r->host->world->env));
	rogue_bytes(r, link, buf_slice(&b));
	buf_clear(&b);
}

void rogue_frame(struct rogue *r, uint32_t link, struct slice message)
{
	struct framed_message f = { .type = FRAME_DATA,
				    .sequence =
					    link_of(r, link)->next_sequence++,
				    .message = message };

	send_frame(r, link, &f);
}

/* ---- hearing ---- */

static void hear(struct rogue *r, struct rogue_link *l,
		 const struct framed_message *f)
{
	const struct wire_env *env = &r->host->world->env;
	struct framed_message ack = { .type = FRAME_ACK,
				      .ack_sequence = f->sequence };
	struct heard *h = arena_zalloc(&r->arena, 1, sizeof(*h));

	if (h == NULL)
		MUST(ERR_NOMEM);
	h->link = l->number;
	h->sequence = f->sequence;
	h->at_us = r->host->world->now_us;
	h->bytes = rogue_keep(r, f->message);
	if (packet_decode(&h->packet, h->bytes, &r->arena, env) != OK) {
		r->unreadable = true;
		return;
	}
	h->whole = message_decode(&h->message, h->bytes, &r->arena, env) == OK;
	DL_APPEND(r->heard, h);
	r->n_heard++;
	if (!r->no_acks)
		send_frame(r, l->number, &ack);
}

static void on_bytes(struct rogue *r, struct rogue_link *l, struct slice bytes)
{
	const struct wire_env *env = &r->host->world->env;
	struct framed_message f;
	size_t len;

	MUST(buf_append_slice(&l->in, bytes));
	while (l->in.len != 0) {
		if (frame_length(buf_slice(&l->in), ROGUE_BYTES_MAX, &len) !=
		    OK) {
			r->unreadable = true;
			buf_reset(&l->in);
			return;
		}
		if (len == 0 || len > l->in.len)
			return;
		MUST(framed_message_decode(&f, slice_of(l->in.p, len),
					   &r->arena, env));
		if (f.type == FRAME_DATA)
			hear(r, l, &f);
		else {
			l->n_acks++;
			l->last_ack = f;
		}
		buf_consume(&l->in, len);
	}
}

void rogue_event(struct rogue *r, const struct event *ev)
{
	struct rogue_link *l = link_of(r, ev->link);

	switch (ev->type) {
	case EV_LINK_UP:
		if (l == NULL)
			l = link_add(r, ev->link);
		l->up = true;
		l->other = net_other(r->host, ev->link);
		break;
	case EV_LINK_DOWN:
		l->up = false;
		l->err = ev->err;
		break;
	case EV_BYTES:
		on_bytes(r, l, ev->bytes);
		break;
	default: /* a rogue has no disk, no timers and no commands */
		break;
	}
}

static struct heard *find_answer(const struct waiting *t)
{
	struct heard *h;

	DL_FOREACH(t->rogue->heard, h)
	if (h->whole && h->message.header.transaction_id == t->transaction_id &&
	    !message_is_request(h->message.contents.message_code))
		return h;
	return NULL;
}

static bool answered(struct world *w, void *ctx)
{
	(void)w;
	return find_answer(ctx) != NULL;
}

const struct heard *rogue_answer(struct rogue *r, uint64_t transaction_id,
				 uint64_t us)
{
	struct waiting t = { .rogue = r, .transaction_id = transaction_id };

	(void)world_run_until(r->host->world, answered, &t, us);
	return find_answer(&t);
}

static struct heard *find_code(const struct waiting *t)
{
	struct heard *h;

	DL_FOREACH(t->rogue->heard, h)
	if (h->whole && !h->taken &&
	    h->message.contents.message_code == t->code)
		return h;
	return NULL;
}

static bool heard_code(struct world *w, void *ctx)
{
	(void)w;
	return find_code(ctx) != NULL;
}

const struct heard *rogue_hear(struct rogue *r, uint16_t code, uint64_t us)
{
	struct waiting t = { .rogue = r, .code = code };
	struct heard *h;

	(void)world_run_until(r->host->world, heard_code, &t, us);
	h = find_code(&t);
	if (h != NULL)
		h->taken = true;
	return h;
}

void heard_body(struct rogue *r, const struct heard *h,
		const struct wire_type *t, void *body)
{
	MUST(wire_decode(t, body, h->message.contents.message_body, &r->arena,
			 &r->host->world->env));
}

uint16_t heard_error(struct rogue *r, const struct heard *h)
{
	struct error_response e;

	if (h == NULL || !h->whole ||
	    h->message.contents.message_code != MSG_ERROR)
		return 0;
	heard_body(r, h, &wire_type_error_response, &e);
	return e.error_code;
}

const struct heard *rogue_ask(struct rogue *r, uint32_t link,
			      const struct draft *d)
{
	return rogue_answer(r, rogue_send(r, link, d), 60 * SECOND_US);
}

/* ---- Attach, RFC 6940 s6.5.1 ---- */

static void attach_body(struct draft *d, struct slice role, bool send_update)
{
	struct ice_candidate c = {
		.addr_port = d->rogue->host->address,
		.overlay_link = d->rogue->host->listen[0].overlay_link,
		.foundation = SLICE_LIT("1"),
		.priority = 1,
		.type = CAND_HOST
	};
	struct attach_req_ans body = { .ufrag = SLICE_LIT("-"),
				       .password = SLICE_LIT("-"),
				       .role = role,
				       .candidates = { &c, 1 },
				       .send_update = send_update };

	draft_body(d, &wire_type_attach_req_ans, &body);
}

static bool called(struct world *w, void *ctx)
{
	struct waiting *t = ctx;

	(void)w;
	return t->rogue->n_links > t->link &&
	       rogue_link_to(t->rogue, t->other) ==
		       t->rogue->links[t->rogue->n_links - 1].number;
}

uint32_t rogue_attach(struct rogue *r, uint32_t link, struct draft *d,
		      bool send_update)
{
	struct waiting t = { .rogue = r, .link = r->n_links };
	const struct heard *h;

	attach_body(d, SLICE_LIT("passive"), send_update);
	h = rogue_ask(r, link, d);
	if (h == NULL || h->message.contents.message_code != MSG_ATTACH_ANS)
		return 0;
	t.other = heard_signer(r, h);
	if (!world_run_until(r->host->world, called, &t, 60 * SECOND_US))
		return 0;
	return rogue_link_to(r, t.other);
}

uint32_t rogue_attach_answer(struct rogue *r, const struct heard *request)
{
	struct attach_req_ans body;
	struct draft d;

	heard_body(r, request, &wire_type_attach_req_ans, &body);
	draft_answer(&d, r, request, MSG_ATTACH_ANS);
	attach_body(&d, SLICE_LIT("active"), body.send_update);
	rogue_send(r, request->link, &d);
	return body.candidates.n == 0 ? 0
				      : call(r, &body.candidates.v[0].addr_port,
					     body.candidates.v[0].overlay_link);
}
