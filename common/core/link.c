/* SPDX-License-Identifier: ISC */
/*
 * Owns: links: their table, the frames that leave, round-trip times and what
 * becomes of a link that no longer answers.  RFC 6940 s6.6, s6.6.2, s6.6.5,
 * s6.6.6.  Does not own: the bytes that come (link_bytes.c).  TLS over TCP
 * retransmits for us; what is sent over DTLS is sr.c's (Simple Reliability,
 * s6.6.3).
 */
#include "core/link.h"

#include <assert.h>
#include <stdlib.h>

#include "core/room.h"
#include "core/state.h"
#include "core/suspect.h"
#include "wire/frame.h"

/* ---- the table ---- */

static bool usable(const struct link *l)
{
	return l->up && !l->suspect;
}

struct link *link_find(const struct node *n, const struct node_id *id)
{
	struct link *best = NULL;

	for (struct link *l = n->links.last; l != NULL; l = l->prev) {
		if (!usable(l) || !id_eq(&l->node_id, id))
			continue;
		if (l->attached)
			return l;
		if (best == NULL)
			best = l;
	}
	return best;
}

struct link *link_find_attached(const struct node *n, const struct node_id *id)
{
	struct link *l = link_find(n, id);

	return l != NULL && l->attached ? l : NULL;
}

struct link *link_by_number(const struct node *n, uint32_t number)
{
	struct link *l;

	HASH_FIND(hh, n->links.by_number, &number, sizeof(number), l);
	return l;
}

uint32_t link_number(struct node *n)
{
	/* 2^31 connections of one process are not reached. */
	return ++n->links.last_number;
}

/* ---- timing, RFC 6298 s2 ---- */

static void set_timer(struct node *n, struct link *l)
{
	uint64_t from;

	if (l->suspect) /* the hold runs from when it became so */
		return;
	if (l->n_sent == 0) {
		heap_cancel(&n->timers, &l->timer);
		return;
	}
	from = l->sent[l->sent_first].at_us;
	if (from < l->last_ack_us)
		from = l->last_ack_us;
	node_timer(n, &l->timer, TIMER_LINK, from + l->rto_us);
}

void link_measured(struct link *l, uint64_t rtt_us, uint64_t rto_min_us)
{
	uint64_t delta, wait;

	if (l->srtt_us == 0) {
		l->srtt_us = rtt_us == 0 ? 1 : rtt_us;
		l->rttvar_us = rtt_us / 2;
	} else {
		delta = l->srtt_us > rtt_us ? l->srtt_us - rtt_us
					    : rtt_us - l->srtt_us;
		l->rttvar_us = (3 * l->rttvar_us + delta) / 4;
		l->srtt_us = (7 * l->srtt_us + rtt_us) / 8;
		if (l->srtt_us == 0)
			l->srtt_us = 1;
	}
	wait = 4 * l->rttvar_us;
	l->rto_us = l->srtt_us + (wait > 1000 ? wait : 1000);
	l->rto_us = (l->rto_us + 999) / 1000 * 1000; /* whole milliseconds */
	if (l->rto_us < rto_min_us)
		l->rto_us = rto_min_us;
	if (l->rto_us > LINK_RTO_MAX_US)
		l->rto_us = LINK_RTO_MAX_US;
}

/* ---- sending ---- */

enum err link_emit(struct node *n, const struct link *l, struct slice frame)
{
	struct effect fx = { .type = FX_SEND,
			     .link = l->number,
			     .bytes = frame };

	return node_failed(n, node_effect(n, &fx));
}

static enum err remember_sent(struct node *n, struct link *l, size_t len)
{
	struct link_sent *v;
	uint32_t cap;

	if (l->n_sent == l->sent_cap) {
		cap = l->sent_cap == 0 ? 4 : 2 * l->sent_cap;
		if ((v = calloc(cap, sizeof(*v))) == NULL)
			return node_failed(n, ERR_NOMEM);
		for (uint32_t i = 0; i < l->n_sent; i++)
			v[i] = l->sent[(l->sent_first + i) % l->sent_cap];
		free(l->sent);
		l->sent = v;
		l->sent_first = 0;
		l->sent_cap = cap;
	}
	v = &l->sent[(l->sent_first + l->n_sent++) % l->sent_cap];
	v->at_us = n->now.mono_us;
	v->sequence = l->next_sequence++;
	v->len = (uint32_t)len;
	l->sent_bytes += len;
	return OK;
}

bool link_has_room(const struct link *l, uint32_t n_messages, size_t bytes)
{
	if (l->datagram)
		return sr_has_room(l, n_messages, bytes);
	return l->n_sent + n_messages <= LINK_SENT_MAX &&
	       l->sent_bytes + bytes <= LINK_SENT_BYTES_MAX;
}

enum err link_send(struct node *n, struct link *l, struct slice message)
{
	struct framed_message f = { .type = FRAME_DATA, .message = message };
	struct slice bytes;
	enum err r;

	if (l->closed)
		return OK;
	if (l->datagram)
		return sr_send(n, l, message);
	if (!link_has_room(l, 1, message.len)) {
		node_trace(n, "link %u full", l->number);
		return OK;
	}
	f.sequence = l->next_sequence;
	if ((r = node_encode(n, &wire_type_framed_message, &f, &bytes)) != OK ||
	    (r = remember_sent(n, l, message.len)) != OK ||
	    (r = link_emit(n, l, bytes)) != OK)
		return r;
	if (!l->suspect && l->n_sent == 1)
		set_timer(n, l);
	return OK;
}

/* ---- hearing of the other side ---- */

void link_heard(struct node *n, struct link *l)
{
	l->heard_us = n->now.mono_us;
	if (l->up)
		return;
	l->up = true;
	node_trace(n, "link %u up", l->number);
	ring_link_up(n, l);
	if (!l->closed)
		dial_link_up(n, l);
	if (!l->closed)
		client_wake(n);
}

/*
 * CHOICE: only ack_sequence is trusted, other implementations set the bits of
 * `received` differently.  TCP keeps order, so what was sent before it has come
 * too.
 */
static bool acked_in_order(struct node *n, struct link *l, uint32_t sequence)
{
	const struct link_sent *s;
	uint32_t k;

	if (l->n_sent == 0)
		return false;
	k = sequence - l->sent[l->sent_first].sequence;
	if (k >= l->n_sent) {
		node_trace(n, "link %u ack of %u, not sent", l->number,
			   sequence);
		tally_count(n, ERR_INVALID_MESSAGE);
		return false;
	}
	s = &l->sent[(l->sent_first + k) % l->sent_cap];
	link_measured(l, n->now.mono_us - s->at_us, LINK_RTO_MIN_US);
	for (uint32_t i = 0; i <= k; i++) {
		l->sent_bytes -= l->sent[l->sent_first].len;
		l->sent_first = (l->sent_first + 1) % l->sent_cap;
	}
	l->n_sent -= k + 1;
	l->last_ack_us = n->now.mono_us;
	return true;
}

void link_acked(struct node *n, struct link *l, const struct framed_message *f)
{
	if (l->datagram ? !sr_ack(n, l, f->ack_sequence, f->received)
			: !acked_in_order(n, l, f->ack_sequence))
		return;
	if (l->suspect && !l->closed) {
		l->suspect = false;
		node_trace(n, "link %u back", l->number);
		suspect_link(n, l);
	}
	if (l->closed)
		return;
	if (l->datagram)
		sr_push(n, l);
	else
		set_timer(n, l);
	link_heard(n, l);
}

/* ---- opening and closing ---- */

static bool is_datagram(uint8_t overlay_link)
{
	return overlay_link == OVERLAY_LINK_DTLS_UDP_SR_NO_ICE ||
	       overlay_link == OVERLAY_LINK_DTLS_UDP_SR;
}

/* In the table by its number; NULL without memory. */
static struct link *link_new(struct node *n, const struct event *ev)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->number = ev->link;
	l->rto_us = LINK_RTO_FIRST_US;
	l->datagram = is_datagram(ev->overlay_link);
	if (l->datagram) {
		assert(ev->mtu > FRAME_DATA_HEAD);
		l->mtu = ev->mtu - FRAME_DATA_HEAD;
		if (sr_init(l) != OK)
			goto fail;
	}
	HASH_ADD(hh, n->links.by_number, number, sizeof(l->number), l);
	if (l->hh.tbl != NULL)
		return l;
	sr_clear(l);
fail:
	free(l);
	return NULL;
}

enum err link_opened(struct node *n, const struct event *ev)
{
	struct effect refuse = { .type = FX_CLOSE, .link = ev->link };
	struct link *l;
	enum err r;

	if ((r = certs_current(n, ev->cert)) == OK &&
	    !room_make(n, &ev->cert->node_ids[0]))
		r = ERR_FULL;
	if (r != OK || n->state == STATE_LEFT ||
	    (l = link_new(n, ev)) == NULL) {
		node_trace(n, "link %u refused %s", ev->link, err_name(r));
		dial_link_down(n, ev->link, r == OK ? ERR_NOMEM : r);
		return node_effect(n, &refuse);
	}
	l->serial = ++n->links.last_serial;
	l->cert = certs_keep(n, ev->cert);
	l->node_id = l->cert->node_ids[0];
	l->address = ev->address;
	l->address.unknown = slice_of(NULL, 0);
	l->outgoing = ev->link < LINK_INCOMING;
	l->heard_us = n->now.mono_us;
	l->in.max = SIZE_MAX;
	l->prev = n->links.last;
	*(l->prev == NULL ? &n->links.first : &l->prev->next) = l;
	n->links.last = l;
	n->links.n++;
	node_trace(n, "link %u open %s", l->number, id_short(&l->node_id).s);
	dial_link_open(n, l);
	if (!l->closed)
		client_wake(n);
	if (!l->closed && l->outgoing && l->next_sequence == 0)
		dial_greet(n, l);
	return OK;
}

static void link_free(struct node *n, struct link *l)
{
	n->cfg.crypto->cert_unref(n->cfg.crypto->ctx, l->cert);
	buf_clear(&l->in);
	sr_clear(l);
	free(l->sent);
	free(l);
}

/* Out of the table; the parts that built on it hear of it. */
static void gone(struct node *n, struct link *l, enum err why)
{
	node_trace(n, "link %u closed %s", l->number, err_name(why));
	*(l->prev == NULL ? &n->links.first : &l->prev->next) = l->next;
	*(l->next == NULL ? &n->links.last : &l->next->prev) = l->prev;
	HASH_DEL(n->links.by_number, l);
	n->links.n--;
	l->closed = true;
	heap_cancel(&n->timers, &l->timer);
	opaque_forget(n, l);
	frag_link_down(n, l);
	l->next = n->links.closed;
	n->links.closed = l;
	dial_link_down(n, l->number, why);
	if (l->up)
		ring_link_down(n, l, why);
	txn_link_down(n, l->number);
	join_link_down(n, l);
}

void link_close(struct node *n, struct link *l, enum err why)
{
	struct effect fx = { .type = FX_CLOSE, .link = l->number };

	if (l->closed)
		return;
	node_failed(n, node_effect(n, &fx));
	gone(n, l, why);
}

void link_lost(struct node *n, const struct event *ev)
{
	struct link *l = link_by_number(n, ev->link);
	enum err why = ev->err == OK ? ERR_LINK_CLOSED : ev->err;

	if (l != NULL)
		gone(n, l, why);
	else /* it never came up */
		dial_link_down(n, ev->link, why);
}

void link_suspect(struct node *n, struct link *l)
{
	l->suspect = true;
	node_trace(n, "link %u suspect", l->number);
	suspect_link(n, l);
}

bool link_much_lost(const struct node *n)
{
	return n->links.again_permille >= LINK_LOSSY_PERMILLE;
}

bool link_patient(const struct node *n, const struct link *l)
{
	return l->datagram && link_much_lost(n);
}

void link_timer(struct node *n, struct timer *t)
{
	struct link *l = container_of(t, struct link, timer);

	if (l->datagram) {
		sr_timer(n, l);
	} else if (l->suspect) {
		link_close(n, l, ERR_TIMEOUT);
	} else {
		/* No ACK for an RTO: out of routing, closed if that lasts. */
		node_timer(n, &l->timer, TIMER_LINK,
			   n->now.mono_us + LINK_HOLD_US);
		link_suspect(n, l);
	}
}

void link_sweep(struct node *n)
{
	struct link *l;

	while ((l = n->links.closed) != NULL) {
		n->links.closed = l->next;
		link_free(n, l);
	}
}

void link_clear(struct node *n)
{
	struct link *next;

	HASH_CLEAR(hh, n->links.by_number);
	for (struct link *l = n->links.first; l != NULL; l = next) {
		next = l->next;
		link_free(n, l);
	}
	n->links.first = n->links.last = NULL;
	link_sweep(n);
}
