/* SPDX-License-Identifier: ISC */
/*
 * Owns: laying the tables of a large ring.  Nothing reaches into a node: each
 * of two nodes is asked for an Attach in the other's name, over a link that a
 * client of that name would have (RFC 6940 s4.2.1), and calls back; the two
 * calls cross and are one connection.  Linked to its neighbours, a node founds
 * a ring; its first Updates make it part of that of the others, as after a
 * partition (s10.7.4.4).
 * Does not own: which tables are good (ring.c of the core judges), lookups
 * (scale.c).
 */
#include "lay.h"

#include <stdlib.h>

#include "core/limits.h"
#include "rogue.h"

enum {
	LEAD = 512,  /* nodes get links so far ahead of those that enter */
	BATCH = 1000 /* nodes get links to fingers between two rests: what is
			kept for answers, 15 s, is that of few */
};

#define NEXT_US (SECOND_US / 2000) /* from one node to the next */
#define REST_US SECOND_US          /* between two batches */
#define MEET_US (20 * SECOND_US)   /* what is kept for answers goes */

/* ---- order ---- */

static int by_id(const void *a, const void *b)
{
	const struct host *const *x = a, *const *y = b;

	return id_cmp(&(*x)->signer.node_id, &(*y)->signer.node_id);
}

static void order_init(struct order *o, uint32_t max)
{
	o->n = 0;
	if ((o->v = calloc(max, sizeof(struct host *))) == NULL)
		MUST(ERR_NOMEM);
}

void order_make(struct order *o, struct world *w)
{
	order_init(o, w->n_hosts);
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

/*
 * The nodes come one after the other, from one point of the ring in both
 * directions: both ends of what is there move on before anybody can look for
 * neighbours beyond them.
 */
static uint32_t place_of_turn(const struct order *o, uint32_t turn)
{
	uint32_t away = (turn + 1) / 2;

	return turn % 2 == 0 ? away : (o->n - away) % o->n;
}

static uint32_t turn_of_place(const struct order *o, uint32_t place)
{
	return place <= (o->n - 1) / 2 ? 2 * place : 2 * (o->n - place) - 1;
}

static struct host *host_of_turn(const struct order *o, uint32_t turn)
{
	return o->v[place_of_turn(o, turn)];
}

/* The turns of two that are to be linked. */
struct pair {
	uint32_t later, earlier;
};

struct pairs {
	struct pair *v;
	size_t n, cap;
};

/* Two places of the order. */
static void pair_add(const struct order *o, struct pairs *p, uint32_t a,
		     uint32_t b)
{
	uint32_t x = turn_of_place(o, a), y = turn_of_place(o, b);

	if (x == y)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap == 0 ? 1024 : 2 * p->cap;
		p->v = reallocarray(p->v, p->cap, sizeof(*p->v));
		if (p->v == NULL)
			MUST(ERR_NOMEM);
	}
	p->v[p->n++] = (struct pair){ x > y ? x : y, x > y ? y : x };
}

static int by_turn(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->later != y->later)
		return x->later < y->later ? -1 : 1;
	return x->earlier < y->earlier ? -1 : x->earlier > y->earlier;
}

static bool pair_find(const struct pairs *p, const struct pair *one)
{
	return bsearch(one, p->v, p->n, sizeof(*one), by_turn) != NULL;
}

/* Each once, and none that is in `but`. */
static void pairs_sort(struct pairs *p, const struct pairs *but)
{
	size_t k = 0;

	if (p->n > 0)
		qsort(p->v, p->n, sizeof(*p->v), by_turn);
	for (size_t i = 0; i < p->n; i++) {
		if (k > 0 && by_turn(&p->v[k - 1], &p->v[i]) == 0)
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
			pair_add(o, p, i, (i + j) % o->n);
			pair_add(o, p, i, (i + o->n - j) % o->n);
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
			pair_add(o, p, i, order_owner(o, &start));
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
		const struct pair *p)
{
	struct host *a = host_of_turn(o, p->earlier);
	struct host *b = host_of_turn(o, p->later);

	w->net.may_cross = true;
	visit(scribe, a, b);
	visit(scribe, b, a);
	MUST(w->net.crossing == NULL ? OK : ERR_SOFTWARE);
	w->net.may_cross = false;
}

/* ---- the ring ---- */

static void enter(struct host *h)
{
	struct command c = { .type = CMD_START };
	uint64_t id = host_command(h, &c);

	MUST(host_joined(h) ? OK : ERR_SOFTWARE);
	world_forget(h->world, id);
}

/* All nodes, with the links to their neighbours. */
static void lay_neighbors(struct world *w, const struct order *o,
			  struct rogue *scribe, const struct pairs *p)
{
	size_t k = 0;

	for (uint32_t turn = 0; turn < o->n + LEAD; turn++) {
		if (turn < o->n)
			host_found(host_of_turn(o, turn));
		for (; k < p->n && p->v[k].later == turn; k++)
			lay(w, o, scribe, &p->v[k]);
		world_run(w, NEXT_US);
		if (turn >= LEAD)
			enter(host_of_turn(o, turn - LEAD));
	}
	world_run(w, MEET_US);
}

static void lay_fingers(struct world *w, const struct order *o,
			struct rogue *scribe, const struct pairs *p)
{
	uint32_t batch = 0;

	for (size_t k = 0; k < p->n; k++) {
		if (p->v[k].later / BATCH != batch) {
			batch = p->v[k].later / BATCH;
			world_run(w, REST_US);
		}
		lay(w, o, scribe, &p->v[k]);
	}
	world_run(w, MEET_US);
}

void lay_ring(struct world *w, uint32_t n)
{
	struct rogue *scribe = rogue_new(w, "scribe@sim.example.org", NULL);
	struct pairs neighbors = { 0 }, fingers = { 0 };
	struct order o;
	char user[64];

	order_init(&o, n);
	for (; o.n < n; o.n++) {
		snprintf(user, sizeof(user), "peer%u@sim.example.org", o.n);
		o.v[o.n] = world_host(w, user, NULL);
	}
	qsort(o.v, o.n, sizeof(struct host *), by_id);
	neighbor_pairs(&o, &neighbors);
	finger_pairs(&o, &fingers, &neighbors);
	lay_neighbors(w, &o, scribe, &neighbors);
	lay_fingers(w, &o, scribe, &fingers);
	free(neighbors.v);
	free(fingers.v);
	order_clear(&o);
	rogue_free(scribe);
}
