/* SPDX-License-Identifier: ISC */
/*
 * Owns: connections between hosts of the simulated world: handshake, arrivals,
 * cuts, partitions, and the frames that watchers see.  Does not own: how things
 * fare on their way (stream.c), what the frames mean (RFC 6940 s6.6 is the
 * core's), nor the hosts.
 */
#include "net.h"

#include <stdlib.h>

#include <utlist.h>

#include "stream.h"

enum {
	CONNECT_TIMEOUT_US = 5000000,
	HANDSHAKE_TIMEOUT_US = 10000000, /* of datagram links */
	STREAM_MAX = 64 << 20, /* bytes of a frame being cut together */
	SIGHT_ARENA_MAX = 64 << 20
};

void net_init(struct world *w)
{
	struct net *n = &w->net;

	n->opt = w->opt.net;
	if (n->opt.delay_max_us == 0) {
		n->opt.delay_min_us = 1000;
		n->opt.delay_max_us = 20000;
	}
	if (n->opt.mtu == 0)
		n->opt.mtu = 1200;
}

static void end_dead(struct end *e)
{
	if (!e->live)
		return;
	e->live = e->up = false;
	HASH_DEL(e->host->ends, e);
}

static void conn_free(struct conn *c)
{
	struct world *w = c->world;

	if (w->net.crossing == c)
		w->net.crossing = NULL;
	heap_cancel(&w->timers, &c->timer);
	stream_clear(&c->ends[0]);
	stream_clear(&c->ends[1]);
	DL_DELETE(w->net.conns, c);
	free(c);
}

void net_clear(struct world *w)
{
	struct conn *c, *tmp;

	DL_FOREACH_SAFE(w->net.conns, c, tmp)
	{
		end_dead(&c->ends[0]);
		end_dead(&c->ends[1]);
		conn_free(c);
	}
	free(w->net.blocked);
}

void net_watch_add(struct world *w, net_watch *see, void *ctx)
{
	MUST(w->net.n_watches < NET_WATCHES_MAX ? OK : ERR_FULL);
	w->net.watches[w->net.n_watches].see = see;
	w->net.watches[w->net.n_watches++].ctx = ctx;
}

static bool blocked(const struct world *w, const struct host *a,
		    const struct host *b)
{
	size_t at = (size_t)a->index * w->opt.hosts_max + b->index;

	return w->net.blocked != NULL && w->net.blocked[at];
}

/* A large world in which nothing is ever blocked needs no such table. */
static void set_blocked(struct world *w, const struct host *a,
			const struct host *b, bool yes)
{
	size_t max = w->opt.hosts_max;

	if (w->net.blocked == NULL && yes &&
	    (w->net.blocked = calloc(max * max, 1)) == NULL)
		MUST(ERR_NOMEM);
	if (w->net.blocked != NULL)
		w->net.blocked[a->index * max + b->index] = yes;
}

static void end_alive(struct end *e, uint32_t link)
{
	e->link = link;
	e->live = true;
	HASH_ADD(hh, e->host->ends, link, sizeof(link), e);
}

/* Two calls that cross are one connection. */
static bool crosses(struct world *w, const struct host *h, uint32_t link,
		    const struct host *to)
{
	struct conn *c = w->net.crossing;

	if (c == NULL || c->ends[0].host != to || c->ends[1].host != h)
		return false;
	end_alive(&c->ends[1], link);
	w->net.crossing = NULL;
	return true;
}

void net_connect(struct host *h, uint32_t link, const struct link_address *to,
		 const struct node_id *pin)
{
	struct world *w = h->world;
	struct host *other = world_host_at(w, &to->address);
	struct conn *c;

	if (w->net.may_cross && crosses(w, h, link, other))
		return;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		MUST(ERR_NOMEM);
	c->number = ++w->net.n_made;
	c->world = w;
	c->datagram = to->overlay_link != OVERLAY_LINK_TLS_TCP_FH_NO_ICE;
	c->timer.type = WORLD_CONNECT;
	if (pin != NULL) {
		c->pinned = true;
		c->pin = *pin;
	}
	for (int i = 0; i < 2; i++) {
		c->ends[i].conn = c;
		c->ends[i].timer.type = WORLD_STREAM;
		c->ends[i].frame.max = STREAM_MAX;
		c->ends[i].tail = &c->ends[i].head;
	}
	c->ends[0].host = h;
	c->ends[0].incarnation = h->incarnation;
	end_alive(&c->ends[0], link);
	c->ends[1].host = other;
	if (w->net.may_cross)
		w->net.crossing = c;
	DL_APPEND(w->net.conns, c);
	stream_push(&c->ends[0], ITEM_SYN, OK, slice_of(NULL, 0));
	MUST(heap_set(&w->timers, &c->timer,
		      w->now_us + (c->datagram ? HANDSHAKE_TIMEOUT_US
					       : CONNECT_TIMEOUT_US)));
}

/* Tells a node that its link is gone. */
static void link_down(struct end *e, enum err why)
{
	struct event ev = { .type = EV_LINK_DOWN, .link = e->link, .err = why };
	struct host *h = e->host;

	if (!e->live)
		return;
	end_dead(e);
	host_event(h, &ev);
}

/* The handshake's judgement of the other side's certificate, by `e`'s clock. */
static enum err judge(const struct end *e, const struct node_id *pin,
		      struct cert **out)
{
	const struct crypto *cr = &e->conn->world->toy.crypto;
	const struct signer *s = &stream_other(e)->host->signer;
	uint64_t now_ms = host_now(e->host).unix_ms;
	struct cert *c = NULL;
	bool pinned = pin == NULL;
	enum err r;

	if ((r = cr->cert_open(cr->ctx, s->cert->der, s->chain, s->n_chain, &c,
			       NULL)) != OK)
		return r;
	for (size_t i = 0; i < c->n_node_ids; i++) {
		if (overlay_is_bad_node(e->host->overlay, &c->node_ids[i]))
			r = ERR_BAD_NODE;
		if (pin != NULL && id_eq(pin, &c->node_ids[i]))
			pinned = true;
	}
	if (now_ms < c->not_before_ms || now_ms > c->not_after_ms)
		r = ERR_CERT_EXPIRED;
	if (!pinned)
		r = ERR_WRONG_PEER;
	if (r != OK)
		cr->cert_unref(cr->ctx, c);
	else
		*out = c;
	return r;
}

/* The other side has shown its certificate. */
static void link_up(struct end *e, const struct node_id *pin)
{
	const struct crypto *cr = &e->conn->world->toy.crypto;
	struct event ev = { .type = EV_LINK_UP,
			    .link = e->link,
			    .overlay_link = OVERLAY_LINK_TLS_TCP_FH_NO_ICE };
	enum err r;

	if ((r = judge(e, pin, &ev.cert)) != OK) {
		stream_push(e, ITEM_FIN, ERR_TLS, slice_of(NULL, 0));
		if (e == &e->conn->ends[0])
			link_down(e, r);
		end_dead(e); /* the node that was called never knew */
		return;
	}
	e->up = true;
	if (e == &e->conn->ends[0]) /* before what the node may send now */
		stream_push(e, ITEM_FINISH, OK, slice_of(NULL, 0));
	if (e->conn->datagram) {
		ev.overlay_link = OVERLAY_LINK_DTLS_UDP_SR_NO_ICE;
		ev.mtu = e->conn->world->net.opt.mtu;
	}
	ev.address = stream_other(e)->host->address;
	host_event(e->host, &ev);
	cr->cert_unref(cr->ctx, ev.cert);
}

/* A call has arrived at `to`. */
static void on_syn(struct end *to)
{
	struct end *from = stream_other(to);

	if (to->host == NULL || to->host->power_lost)
		return; /* the caller's timer will tell */
	if (!host_runs(to->host) ||
	    !host_listens(to->host, to->conn->datagram)) {
		stream_push(to, ITEM_FIN, ERR_NO_LINK, slice_of(NULL, 0));
		return;
	}
	to->incarnation = to->host->incarnation;
	if (from->live)
		stream_push(to, ITEM_ACCEPT, OK, slice_of(NULL, 0));
}

static void on_accept(struct end *to)
{
	struct conn *c = to->conn;

	if (!to->live)
		return;
	heap_cancel(&c->world->timers, &c->timer);
	link_up(to, c->pinned ? &c->pin : NULL);
}

static void on_finish(struct end *to)
{
	struct host *h = to->host;

	if (!host_runs(h) || to->incarnation != h->incarnation) {
		stream_push(to, ITEM_FIN, ERR_LINK_CLOSED, slice_of(NULL, 0));
		return;
	}
	if (!to->live)
		end_alive(to, LINK_INCOMING + h->next_incoming++);
	link_up(to, NULL);
}

/* Bytes have arrived: those that are due, cut anywhere. */
static void on_bytes(struct end *from, struct end *to)
{
	struct world *w = from->conn->world;
	struct item *it = from->head;
	struct slice bytes = slice_of(it->bytes + it->off, it->len - it->off);
	struct event ev = { .type = EV_BYTES, .link = to->link };

	if (bytes.len > 1 && rng_below(&w->rng, 1000) < w->net.opt.cut_permille)
		bytes.len = 1 + rng_below(&w->rng, bytes.len - 1);
	it->off += bytes.len;
	if (it->off == it->len) {
		from->head = it->next;
	} else {
		it->due_us = w->now_us + rng_below(&w->rng, 2000);
		it = NULL;
	}
	if (to->live) {
		ev.bytes = bytes;
		host_event(to->host, &ev);
	} else if (to->host != NULL && !to->host->power_lost && from->live &&
		   to->head == NULL) {
		/* A machine that is up again knows nothing of this. */
		stream_push(to, ITEM_FIN, ERR_LINK_CLOSED, slice_of(NULL, 0));
	}
	free(it);
}

/* A record has arrived, or nobody is there to take it. */
static void on_record(struct end *from, struct end *to)
{
	struct item *it = from->head;
	struct event ev = { .type = EV_BYTES,
			    .link = to->link,
			    .bytes = slice_of(it->bytes, it->len) };

	from->head = it->next;
	if (to->live)
		host_event(to->host, &ev);
	else if (to->host != NULL && !to->host->power_lost &&
		 !host_runs(to->host) && from->live && to->head == NULL)
		/* Its machine says that the port is closed. */
		stream_push(to, ITEM_FIN, ERR_NO_LINK, slice_of(NULL, 0));
	free(it);
}

static void deliver(struct end *from)
{
	struct end *to = stream_other(from);
	struct item *it = from->head;

	if (it->type == ITEM_BYTES && from->conn->datagram) {
		on_record(from, to);
		return;
	}
	if (it->type == ITEM_BYTES) {
		on_bytes(from, to);
		return;
	}
	from->head = it->next;
	if (it->type == ITEM_SYN)
		on_syn(to);
	else if (it->type == ITEM_ACCEPT)
		on_accept(to);
	else if (it->type == ITEM_FINISH)
		on_finish(to);
	else
		link_down(to, it->err);
	free(it);
}

static void conn_reap(struct conn *c)
{
	const struct end *a = &c->ends[0], *b = &c->ends[1];

	if (!a->live && !b->live && a->head == NULL && b->head == NULL)
		conn_free(c);
}

void net_timer(struct world *w, struct timer *t)
{
	struct conn *c;
	struct end *e;

	if (t->type == WORLD_CONNECT) {
		c = container_of(t, struct conn, timer);
		link_down(&c->ends[0], ERR_TIMEOUT);
		conn_reap(c);
		return;
	}
	e = container_of(t, struct end, timer);
	c = e->conn;
	if (stream_other(e)->host != NULL &&
	    blocked(w, e->host, stream_other(e)->host)) {
		if (!c->datagram) {
			e->stalled = true;
			return;
		}
		stream_drop(e); /* lost; a call ends with its timer */
	}
	if (e->head != NULL)
		deliver(e);
	stream_arm(e);
	conn_reap(c);
}

static struct end *end_find(const struct host *h, uint32_t link)
{
	struct end *e;

	HASH_FIND(hh, h->ends, &link, sizeof(link), e);
	return e;
}

/* Shows a whole frame to the watchers and sends what they leave of it. */
static void send_frame(struct end *e, struct slice bytes)
{
	struct world *w = e->conn->world;
	struct arena a = ARENA_INIT(SIGHT_ARENA_MAX);
	struct buf other = BUF_INIT(STREAM_MAX), out = BUF_INIT(STREAM_MAX);
	struct framed_message f, ack;
	struct message m;
	struct packet p;
	struct sight s = { .now_us = w->now_us,
			   .from = e->host,
			   .to = stream_other(e)->host,
			   .end = e,
			   .conn = e->conn->number,
			   .datagram = e->conn->datagram,
			   .nth = e->n_frames++,
			   .frame = &f };
	enum verdict v = NET_PASS, said;

	w->net.n_frames++;
	w->net.n_messages += bytes.p[0] == FRAME_DATA;
	if (w->net.n_watches == 0) {
		stream_push(e, ITEM_BYTES, OK, bytes);
		return;
	}
	MUST(framed_message_decode(&f, bytes, &a, &w->env));
	if (f.type == FRAME_DATA &&
	    packet_decode(&p, f.message, &a, &w->env) == OK)
		s.packet = &p;
	if (s.packet != NULL &&
	    (message_decode(&m, f.message, &a, &w->env) == OK ||
	     gather_add(&e->gathers, &p, &a, &w->env, &m)))
		s.message = &m;
	for (uint32_t i = 0; i < w->net.n_watches; i++) {
		said = w->net.watches[i].see(w->net.watches[i].ctx, &s, &other);
		if (v == NET_PASS)
			v = said;
	}
	if (v == NET_PASS && f.type == FRAME_DATA && !e->conn->datagram)
		v = stream_push_message(e, bytes);
	else if (v == NET_PASS)
		stream_push(e, ITEM_BYTES, OK, bytes);
	if (v == NET_REPLACE) {
		f.message = buf_slice(&other);
		MUST(framed_message_encode(&f, &out, &w->env));
		stream_push(e, ITEM_BYTES, OK, buf_slice(&out));
	}
	if (v == NET_SWALLOW) {
		ack = (struct framed_message){ .type = FRAME_ACK,
					       .ack_sequence = f.sequence };
		MUST(framed_message_encode(&ack, &out, &w->env));
		stream_push(stream_other(e), ITEM_BYTES, OK, buf_slice(&out));
	}
	buf_clear(&other);
	buf_clear(&out);
	arena_free(&a);
}

/* A frame is a record; what a rogue sends may be anything. */
static void send_record(struct end *e, struct slice bytes)
{
	struct world *w = e->conn->world;
	bool rogue = e->host->rogue != NULL;
	size_t len;

	if (frame_length(bytes, STREAM_MAX, &len) == OK && len == bytes.len) {
		MUST(rogue || len <= w->net.opt.mtu ? OK : ERR_LIMIT);
		send_frame(e, bytes);
	} else {
		MUST(rogue ? OK : ERR_MALFORMED);
		stream_push(e, ITEM_BYTES, OK, bytes);
	}
}

void net_send(struct host *h, uint32_t link, struct slice bytes)
{
	struct end *e = end_find(h, link);
	size_t len;

	if (e == NULL || !e->up)
		return; /* it died while the node was at work */
	if (e->conn->datagram) {
		send_record(e, bytes);
		return;
	}
	MUST(buf_append_slice(&e->frame, bytes));
	while (!e->raw && e->frame.len != 0) {
		if (frame_length(buf_slice(&e->frame), STREAM_MAX, &len) !=
		    OK) {
			e->raw = true;
		} else if (len != 0 && len <= e->frame.len) {
			send_frame(e, slice_of(e->frame.p, len));
			buf_consume(&e->frame, len);
		} else if (h->rogue != NULL) {
			e->raw = true; /* it may stop in mid-frame */
		} else {
			return;
		}
	}
	if (e->frame.len != 0)
		stream_push(e, ITEM_BYTES, OK, buf_slice(&e->frame));
	buf_clear(&e->frame);
}

void net_close(struct host *h, uint32_t link)
{
	struct end *e = end_find(h, link);

	if (e == NULL)
		return;
	end_dead(e);
	stream_push(e, ITEM_FIN, ERR_LINK_CLOSED, slice_of(NULL, 0));
}

void net_drop_host(struct host *h, bool silent)
{
	struct end *e, *tmp;

	HASH_ITER (hh, h->ends, e, tmp) {
		end_dead(e);
		/* Who is killed says no close_notify. */
		if (!silent && (!e->conn->datagram || h->state == STATE_LEFT))
			stream_push(e, ITEM_FIN, ERR_LINK_CLOSED,
				    slice_of(NULL, 0));
	}
}

struct host *net_other(const struct host *h, uint32_t link)
{
	struct end *e = end_find(h, link);

	return e == NULL || !e->up ? NULL : stream_other(e)->host;
}

uint32_t net_links(const struct host *h)
{
	return HASH_COUNT(h->ends);
}

bool net_linked(const struct host *a, const struct host *b)
{
	struct end *e, *tmp;

	HASH_ITER (hh, a->ends, e, tmp)
		if (e->up && stream_other(e)->host == b)
			return true;
	return false;
}

static void unstall(struct world *w)
{
	struct conn *c;

	DL_FOREACH(w->net.conns, c)
	{
		for (int i = 0; i < 2; i++) {
			c->ends[i].stalled = false;
			stream_arm(&c->ends[i]);
		}
	}
}

void net_block(struct world *w, const struct host *a, const struct host *b,
	       bool yes)
{
	set_blocked(w, a, b, yes);
	if (!yes)
		unstall(w);
}

void net_split(struct world *w, uint32_t n)
{
	for (uint32_t i = 0; i < w->n_hosts; i++)
		for (uint32_t j = 0; j < w->n_hosts; j++)
			set_blocked(w, w->hosts[i], w->hosts[j],
				    (i < n) != (j < n));
}

void net_split_one_way(struct world *w, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t j = n; j < w->n_hosts; j++)
			set_blocked(w, w->hosts[i], w->hosts[j], true);
}

void net_heal(struct world *w)
{
	for (uint32_t i = 0; i < w->n_hosts; i++)
		w->hosts[i]->slow_us = 0;
	free(w->net.blocked);
	w->net.blocked = NULL;
	unstall(w);
}

void net_cut(struct world *w, const struct host *a, const struct host *b)
{
	struct conn *c;

	DL_FOREACH(w->net.conns, c)
	{
		struct end *e = &c->ends[0], *f = &c->ends[1];

		if ((e->host != a || f->host != b) &&
		    (e->host != b || f->host != a))
			continue;
		if (!e->up || !f->up)
			continue;
		stream_drop(e); /* what was on its way is lost */
		stream_drop(f);
		stream_push(e, ITEM_FIN, ERR_LINK_CLOSED, slice_of(NULL, 0));
		stream_push(f, ITEM_FIN, ERR_LINK_CLOSED, slice_of(NULL, 0));
	}
}
