/* SPDX-License-Identifier: ISC */
/*
 * Owns: laying the tables of a large ring.  Nothing reaches into a node: each
 * of two nodes is asked for an Attach in the other's name, over a link that a
 * client of that name would have (RFC 6940 s4.2.1), and calls back; the two
 * calls cross and are one connection.  The nodes then found a ring each, and
 * their first Updates make one ring of all, as after a partition (s10.7.4.4).
 * Does not own: which tables are good (ring.c of the core judges), lookups
 * (scale.c).
 */
#include "lay.h"

#include <stdlib.h>

#include "core/limits.h"
#include "rogue.h"

enum { BATCH = 1000 /* nodes between two rests */ };

#define REST_US (SECOND_US / 4) /* handshakes and greetings end */
#define START_US                                                               \
	(SECOND_US * 3 / 20)     /* all enter within this, less than the       \
				    core's pause between two Updates */
#define MEET_US (20 * SECOND_US) /* the rings become one */

/* ---- order ---- */

static int by_id(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return id_cmp(&(*x)->signer.node_id, &(*y)->signer.node_id);
}

void order_make(struct order *o, struct world *w)
{
	o->n = 0;
	if ((o->v = calloc(w->n_hosts, sizeof(struct host *))) == NULL)
		MUST(ERR_NOMEM);
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (w->hosts[i]->node != NULL)
			o->v[o->n++] = w->hosts[i];
	qsort(o->v, o->n, sizeof(struct host *), by_id);
}

void order_clear(struct order *o)
{
	free(o->v);
	*o = (struct order){ 0 };
}

uint32_t order_owner(const struct order *o, const struct node_id *id)
{
	uint32_t lo = 0, hi = o->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (id_cmp(&o->v[mid]->signer.node_id, id) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo % o->n;
}

static const struct node_id *id_at(const struct order *o, uint32_t i)
{
	return &o->v[i % o->n]->signer.node_id;
}

/* ---- the rule ---- */

/* Two places of the order that are to be linked, the smaller first. */
struct pair {
	uint32_t a, b;
};

struct pairs {
	struct pair *v;
	size_t n, cap;
};

static void pair_add(struct pairs *p, uint32_t a, uint32_t b)
{
	if (a == b)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 1024 : 2 * p->cap;
		p->v = reallocarray(p->v, p->cap, sizeof(*p->v));
		if (p->v == NULL)
			MUST(ERR_NOMEM);
	}
	p->v[p->n++] = (struct pair){ a < b ? a : b, a < b ? b : a };
}

static int by_place(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->a != y->a)
		return x->a < y->a ? -1 : 1;
	return x->b < y->b ? -1 : x->b > y->b;
}

static bool pair_find(const struct pairs *p, const struct pair *one)
{
	return bsearch(one, p->v, p->n, sizeof(*one), by_place) != NULL;
}

/* Each once, and none that is in `but`. */
static void pairs_sort(struct pairs *p, const struct pairs *but)
{
	size_t k = 0;

	if (p->n > 0)
		qsort(p->v, p->n, sizeof(*p->v), by_place);
	for (size_t i = 0; i < p->n; i++) {
		if (k > 0 && by_place(&p->v[k - 1], &p->v[i]) == 0)
			continue;
		if (but != NULL && pair_find(but, &p->v[i]))
			continue;
		p->v[k++] = p->v[i];
	}
	p->n = k;
}

/* As many on each side as log2 of the nodes, by what is near: as the core. */
static uint32_t n_neighbors(const struct order *o, uint32_t i)
{
	const uint32_t k = NEIGHBORS_MIN;
	struct node_id span;
	uint32_t bits = 4;

	if (o->n <= 2 * k)
		return k;
	id_distance(&span, id_at(o, i + o->n - k), id_at(o, i + k));
	for (unsigned bit = 0; bit < RING_BITS; bit++, bits++)
		if ((span.b[bit / 8] & 0x80 >> bit % 8) != 0)
			break;
	return bits < k ? k : bits < NEIGHBORS_MAX ? bits : NEIGHBORS_MAX;
}

static void neighbor_pairs(const struct order *o, struct pairs *p)
{
	uint32_t k;

	for (uint32_t i = 0; i < o->n; i++) {
		k = n_neighbors(o, i);
		for (uint32_t j = 1; j <= k && j < o->n; j++) {
			pair_add(p, i, (i + j) % o->n);
			pair_add(p, i, (i + o->n - j) % o->n);
		}
	}
	pairs_sort(p, NULL);
}

/* RFC 6940 s10.5: the owners of n + 2^(128-i), as far as neighbours do not
 * reach. */
static void finger_pairs(const struct order *o, struct pairs *p,
			 const struct pairs *neighbors)
{
	struct node_id start, d, last;
	uint32_t k;

	for (uint32_t i = 0; i < o->n; i++) {
		k = n_neighbors(o, i);
		if (k >= o->n)
			continue;
		id_distance(&last, id_at(o, i), id_at(o, i + k));
		for (unsigned f = 1; f <= RING_BITS; f++) {
			id_add_pow2(&start, id_at(o, i), RING_BITS - f);
			id_distance(&d, id_at(o, i), &start);
			if (id_cmp(&d, &last) <= 0)
				break;
			pair_add(p, i, order_owner(o, &start));
		}
	}
	pairs_sort(p, neighbors);
}

/* ---- links ---- */

/* An AttachReq as `from` would sign it, for `to`. */
static struct slice attach_req(struct rogue *scribe, const struct host *from,
			       const struct host *to)
{
	struct ice_candidate c = { .addr_port = from->address,
				   .overlay_link =
					   OVERLAY_LINK_TLS_TCP_FH_NO_ICE,
				   .foundation = SLICE_LIT("1"),
				   .priority = 1,
				   .type = CAND_HOST };
	struct attach_req_ans body = { .role = SLICE_LIT("passive"),
				       .candidates = { &c, 1 } };
	struct draft d;

	draft_init(&d, scribe, MSG_ATTACH_REQ);
	d.signer = &from->signer;
	draft_to_node(&d, &to->signer.node_id);
	draft_body(&d, &wire_type_attach_req_ans, &body);
	return draft_encode(&d);
}

/* `from` comes to `to` as a client would, asks for an Attach, and goes. */
static void visit(struct rogue *scribe, const struct host *from,
		  struct host *to)
{
	struct framed_message f = { .type = FRAME_DATA,
				    .message = attach_req(scribe, from, to) };
	struct event ev = { .type = EV_LINK_UP,
			    .link = LINK_INCOMING + to->next_incoming++,
			    .cert = from->signer.cert,
			    .address = from->address };
	struct buf bytes = BUF_INIT(1 << 16);

	host_event(to, &ev);
	MUST(framed_message_encode(&f, &bytes, &to->world->env));
	ev.type = EV_BYTES;
	ev.bytes = buf_slice(&bytes);
	host_event(to, &ev);
	ev.type = EV_LINK_DOWN;
	ev.err = ERR_LINK_CLOSED;
	host_event(to, &ev);
	buf_clear(&bytes);
	arena_free(&scribe->arena);
}

static void lay(struct world *w, const struct order *o, struct rogue *scribe,
		const struct pairs *p)
{
	uint32_t batch = 0;

	for (size_t i = 0; i < p->n; i++) {
		if (p->v[i].a / BATCH != batch) {
			batch = p->v[i].a / BATCH;
			world_run(w, REST_US);
		}
		w->net.may_cross = true;
		visit(scribe, o->v[p->v[i].a], o->v[p->v[i].b]);
		visit(scribe, o->v[p->v[i].b], o->v[p->v[i].a]);
		MUST(w->net.crossing == NULL ? OK : ERR_SOFTWARE);
		w->net.may_cross = false;
	}
	world_run(w, REST_US);
}

/* ---- the ring ---- */

static void enter(struct world *w, const struct order *o)
{
	struct command c = { .type = CMD_START };
	uint32_t a_time = (o->n + 149) / 150;

	/* In the order of their making, which is no order on the ring. */
	for (uint32_t i = 0; i < w->n_hosts; i++) {
		if (w->hosts[i]->node == NULL)
			continue;
		host_command(w->hosts[i], &c);
		while (w->outcomes != NULL)
			world_forget(w, w->outcomes->id);
		if (i % a_time == 0)
			world_run(w, START_US / 150);
	}
	world_run(w, MEET_US);
}

void lay_ring(struct world *w, uint32_t n)
{
	struct rogue *scribe = rogue_new(w, "scribe@sim.example.org", NULL);
	struct pairs neighbors = { 0 }, fingers = { 0 };
	struct order o;
	char user[64];

	for (uint32_t i = 0; i < n; i++) {
		snprintf(user, sizeof(user), "peer%u@sim.example.org", i);
		host_found(world_host(w, user, NULL));
	}
	order_make(&o, w);
	neighbor_pairs(&o, &neighbors);
	finger_pairs(&o, &fingers, &neighbors);
	lay(w, &o, scribe, &neighbors);
	enter(w, &o);
	lay(w, &o, scribe, &fingers);
	world_run(w, MEET_US);
	free(neighbors.v);
	free(fingers.v);
	order_clear(&o);
	rogue_free(scribe);
}
