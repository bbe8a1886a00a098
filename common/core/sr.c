/* SPDX-License-Identifier: ISC */
/*
 * Simple Reliability's sender, RFC 6940 s6.6.3: which frame of a datagram link
 * goes when, and again.  Frames and ACKs themselves, and what the receiver
 * owes, are link.c's (s6.6.2).
 *
 * CHOICE: not the stop-and-wait of s6.6.3.1 (10 ms and a round trip for each
 * message) but a window, which s6.6.3 leaves open: RFC 6298 timers, RFC 5681
 * slow start and congestion avoidance over the bytes in flight (RFC 6675's
 * pipe), paced.  That meets RFC 5405 s3.1.1.  What s6.6.3.1 says of RTO,
 * doubling, five sends and suspicion holds here.
 */
#include "core/sr.h"

#include <assert.h>
#include <stdlib.h>

#include "core/state.h"
#include "core/suspect.h"
#include "wire/frame.h"

enum { DOUBLED_MAX = 16 }; /* more is beyond LINK_RTO_MAX_US anyway */

enum sr_fate { FLYING, ACKED, OVERTAKEN, TIMED_OUT };

struct sr_message {
	struct sr_message *prev, *next;
	struct sr_list *list; /* the one it is in */
	uint64_t serial;      /* by age */
	uint64_t queued_us;
	uint32_t sequences[SENDS_MAX];
	uint32_t n_sends;
	uint32_t len; /* bytes of the frame */
	uint8_t bytes[];
};

/* ---- lists ---- */

static void list_remove(struct sr_message *m)
{
	struct sr_list *q = m->list;

	*(m->prev == NULL ? &q->first : &m->prev->next) = m->next;
	*(m->next == NULL ? &q->last : &m->next->prev) = m->prev;
	m->list = NULL;
}

/* By age; the newest are looked at first. */
static void list_insert(struct sr_list *q, struct sr_message *m)
{
	struct sr_message *after = q->last;

	while (after != NULL && after->serial > m->serial)
		after = after->prev;
	m->list = q;
	m->prev = after;
	m->next = after == NULL ? q->first : after->next;
	*(m->prev == NULL ? &q->first : &m->prev->next) = m;
	*(m->next == NULL ? &q->last : &m->next->prev) = m;
}

static void list_clear(struct sr_list *q)
{
	struct sr_message *m;

	while ((m = q->first) != NULL) {
		list_remove(m);
		free(m);
	}
}

/* ---- what was sent ---- */

/* The number of the oldest frame that is remembered. */
static uint32_t oldest(const struct link *l)
{
	return l->next_sequence - l->sr->n_sent;
}

/* NULL: never sent, or long done with. */
static struct sr_sent *sent_find(struct link *l, uint32_t sequence)
{
	struct sr *s = l->sr;
	uint32_t k = sequence - oldest(l);

	if (k >= s->n_sent)
		return NULL;
	return &s->sent[(s->sent_first + k) % s->sent_cap];
}

static enum err sent_add(struct node *n, struct link *l, struct sr_message *m)
{
	struct sr *s = l->sr;
	struct sr_sent *v;
	uint32_t cap;

	if (s->n_sent == s->sent_cap) {
		cap = s->sent_cap == 0 ? 16 : 2 * s->sent_cap;
		if ((v = calloc(cap, sizeof(*v))) == NULL)
			return ERR_NOMEM;
		for (uint32_t i = 0; i < s->n_sent; i++)
			v[i] = s->sent[(s->sent_first + i) % s->sent_cap];
		free(s->sent);
		s->sent = v;
		s->sent_first = 0;
		s->sent_cap = cap;
	}
	s->sent[(s->sent_first + s->n_sent++) % s->sent_cap] =
		(struct sr_sent){ .message = m,
				  .at_us = n->now.mono_us,
				  .len = m->len,
				  .fate = FLYING };
	m->sequences[m->n_sends++] = l->next_sequence++;
	s->in_flight += m->len;
	return OK;
}

static void sent_shed(struct sr *s)
{
	while (s->n_sent > 0 && s->sent[s->sent_first].message == NULL) {
		s->sent_first = (s->sent_first + 1) % s->sent_cap;
		s->n_sent--;
	}
}

/* Where a frame ended; it is in flight no more. */
static void settle(struct sr *s, struct sr_sent *e, enum sr_fate fate)
{
	if (e->fate == FLYING)
		s->in_flight -= e->len;
	e->fate = (uint8_t)fate;
}

/* A message is done with: it came, or it is given up. */
static void message_end(struct link *l, struct sr_message *m)
{
	struct sr *s = l->sr;
	struct sr_sent *e;

	for (uint32_t i = 0; i < m->n_sends; i++) {
		e = sent_find(l, m->sequences[i]);
		assert(e != NULL);
		e->message = NULL;
		if (e->fate == FLYING)
			settle(s, e, ACKED);
	}
	list_remove(m);
	s->n_messages--;
	s->bytes -= m->len;
	free(m);
}

/* ---- congestion, RFC 5681 ---- */

/* Bytes of the largest frame. */
static uint64_t full(const struct link *l)
{
	return FRAME_DATA_HEAD + (uint64_t)l->mtu;
}

/* RFC 5681 s3.1. */
static uint64_t first_window(const struct link *l)
{
	uint64_t window = 2 * full(l) > 4380 ? 2 * full(l) : 4380;

	return window < 4 * full(l) ? window : 4 * full(l);
}

/* A frame was overtaken: one halving for all that was sent by then. */
static void congested(struct link *l, uint32_t sequence)
{
	struct sr *s = l->sr;

	if ((int32_t)(sequence - s->recover) < 0)
		return;
	s->threshold = s->window / 2;
	if (s->threshold < 2 * full(l))
		s->threshold = 2 * full(l);
	s->window = s->threshold;
	s->credit = 0;
	s->recover = l->next_sequence;
}

/* `len` bytes of a window that was in use have come. */
static void grow(struct link *l, uint64_t len)
{
	struct sr *s = l->sr;

	if (s->window < s->threshold) {
		s->window += len < 2 * full(l) ? len : 2 * full(l);
	} else if ((s->credit += len) >= s->window) {
		s->credit -= s->window;
		s->window += full(l);
	}
	if (s->window > SR_WINDOW_MAX)
		s->window = SR_WINDOW_MAX;
}

/* Was the window what held frames back?  RFC 7661 s4.1 in short. */
static bool in_use(const struct link *l)
{
	const struct sr *s = l->sr;

	return s->waiting.first != NULL || s->lost.first != NULL ||
	       s->in_flight + full(l) > s->window;
}

/* The next frame's time: a window takes most of a round trip to leave. */
static void pace(struct node *n, struct link *l, uint32_t len)
{
	struct sr *s = l->sr;
	uint64_t now = n->now.mono_us, gap;

	if (l->srtt_us == 0)
		return; /* the first window */
	gap = len * l->srtt_us / s->window;
	gap = s->window < s->threshold ? gap / 2 : gap * 4 / 5;
	/* Timers are late, and slow links make up for nothing. */
	if (s->pace_us + SR_BURST_US < now)
		s->pace_us = now - SR_BURST_US;
	s->pace_us += gap;
}

/* ---- sending ---- */

/*
 * CHOICE: RFC 6298 s5.5 doubles the time with each timeout, as s6.6.3.1 does.
 * Where much is lost, of four in a row there is nothing to learn but that, and
 * the link would stand still for 15 round trips: it is doubled once.  That is
 * less than the datagram a round trip that RFC 5405 s3.1.2 leaves to all.
 */
static uint64_t deadline(const struct node *n, const struct link *l)
{
	unsigned most = link_patient(n, l) ? 1 : DOUBLED_MAX;
	unsigned doubled = l->sr->timeouts < most ? l->sr->timeouts : most;
	uint64_t wait = l->rto_us << doubled;

	return l->sr->rto_from_us +
	       (wait < LINK_RTO_MAX_US ? wait : LINK_RTO_MAX_US);
}

/* What goes next: what was lost, then what waits.  A message that waited for as
 * long as a request lives is of no use to anybody. */
static struct sr_message *next(struct node *n, struct link *l)
{
	struct sr *s = l->sr;
	struct sr_message *m;

	if (s->lost.first != NULL)
		return s->lost.first;
	while ((m = s->waiting.first) != NULL &&
	       n->now.mono_us - m->queued_us >= REQUEST_LIFETIME_US) {
		node_trace(n, "link %u dropped what waited", l->number);
		message_end(l, m);
	}
	return m;
}

/* May it be on its way, as the window is? */
static bool window_open(const struct sr *s, const struct sr_message *m)
{
	if (m->n_sends == 0 && s->n_sent >= SR_SENT_MAX)
		return false;
	return s->in_flight == 0 || s->in_flight + m->len <= s->window;
}

static enum err transmit(struct node *n, struct link *l, struct sr_message *m)
{
	struct framed_message f = {
		.type = FRAME_DATA,
		.sequence = l->next_sequence,
		.message = slice_of(m->bytes, m->len - FRAME_DATA_HEAD)
	};
	struct sr *s = l->sr;
	uint64_t now = n->now.mono_us;
	struct slice bytes;
	enum err r;

	if (s->in_flight == 0) {
		s->rto_from_us = now;
		/* RFC 5681 s4.1: what was learned before a pause is old. */
		if (now - s->sent_us > l->rto_us && s->window > first_window(l))
			s->window = first_window(l);
	}
	if ((r = node_encode(n, &wire_type_framed_message, &f, &bytes)) != OK ||
	    (r = sent_add(n, l, m)) != OK || (r = link_emit(n, l, bytes)) != OK)
		return r;
	list_remove(m);
	list_insert(&s->flying, m);
	s->sent_us = now;
	pace(n, l, m->len);
	return OK;
}

static void set_timer(struct node *n, struct link *l,
		      const struct sr_message *m)
{
	const struct sr *s = l->sr;
	uint64_t at = s->in_flight == 0 ? NEVER : deadline(n, l);

	if (m != NULL && window_open(s, m) && s->pace_us < at)
		at = s->pace_us;
	if (at == NEVER)
		heap_cancel(&n->timers, &l->timer);
	else
		node_timer(n, &l->timer, TIMER_LINK, at);
}

void sr_push(struct node *n, struct link *l)
{
	const struct sr *s = l->sr;
	struct sr_message *m;

	while ((m = next(n, l)) != NULL && window_open(s, m) &&
	       s->pace_us <= n->now.mono_us) {
		if (node_failed(n, transmit(n, l, m)) != OK)
			return;
	}
	set_timer(n, l, m);
}

bool sr_has_room(const struct link *l, uint32_t n_messages, size_t bytes)
{
	const struct sr *s = l->sr;

	return n_messages <= SR_MESSAGES_MAX - s->n_messages &&
	       bytes + n_messages * (size_t)FRAME_DATA_HEAD <=
		       SR_BYTES_MAX - s->bytes;
}

/*
 * Has this message come before, and is still to go out?  Who sends a request
 * again end to end does so after overlay-reliability-timer (s6.2.1); a link
 * that has not got to the first would only fall behind with a second.
 */
static bool is_here(const struct node *n, const struct sr_list *q,
		    struct slice message)
{
	uint64_t old_us = UINT64_C(500) * n->overlay->reliability_timer_ms;

	for (const struct sr_message *m = q->first;
	     m != NULL && n->now.mono_us - m->queued_us >= old_us; m = m->next)
		if (m->len == FRAME_DATA_HEAD + message.len &&
		    message.len != 0 &&
		    memcmp(m->bytes, message.p, message.len) == 0)
			return true;
	return false;
}

enum err sr_send(struct node *n, struct link *l, struct slice message)
{
	struct sr *s = l->sr;
	struct sr_message *m;

	/* CHOICE: s6.7 would leave to IP what cannot be cut small enough; a
	 * record is never larger than the path takes. */
	if (message.len > l->mtu) {
		node_trace(n, "link %u too narrow for %zu bytes", l->number,
			   message.len);
		return OK;
	}
	if (is_here(n, &s->waiting, message) || is_here(n, &s->lost, message)) {
		node_trace(n, "link %u has it still", l->number);
		return OK;
	}
	if (!sr_has_room(l, 1, message.len)) {
		node_trace(n, "link %u full", l->number);
		return OK;
	}
	if ((m = calloc(1, sizeof(*m) + message.len)) == NULL)
		return node_failed(n, ERR_NOMEM);
	if (message.len != 0)
		memcpy(m->bytes, message.p, message.len);
	m->len = (uint32_t)(FRAME_DATA_HEAD + message.len);
	m->serial = ++s->last_serial;
	m->queued_us = n->now.mono_us;
	s->n_messages++;
	s->bytes += m->len;
	list_insert(&s->waiting, m);
	sr_push(n, l);
	return OK;
}

/* ---- what is lost ---- */

/* One more transmission did not come; the fifth was the last. */
static void lose(struct node *n, struct link *l, struct sr_message *m)
{
	if (m->n_sends < SENDS_MAX) {
		list_remove(m);
		list_insert(&l->sr->lost, m);
		return;
	}
	/*
	 * CHOICE: s6.6.3.1 closes a connection that has lost all five.  Where
	 * others are acknowledged meanwhile the path is bad, not gone: the
	 * message alone is given up, and s6.2.1 repairs.  Where much is lost
	 * anyway, five may be chance: the link is held as s6.6.5 holds one.
	 */
	if (l->sr->timeouts >= SR_SUSPECT_TIMEOUTS && !link_patient(n, l)) {
		link_close(n, l, ERR_TIMEOUT);
		return;
	}
	node_trace(n, "link %u gave up %u", l->number,
		   m->sequences[m->n_sends - 1]);
	message_end(l, m);
}

/* Frames that `reorder` later ones have overtaken are lost, RFC 5681 s3.2. */
static void find_overtaken(struct node *n, struct link *l, uint32_t sequence)
{
	struct sr *s = l->sr;
	struct sr_message *m;
	struct sr_sent *e;

	if ((int32_t)(s->judged - oldest(l)) < 0)
		s->judged = oldest(l);
	for (; !l->closed &&
	       (int32_t)(sequence - s->judged) >= (int32_t)s->reorder;
	     s->judged++) {
		e = sent_find(l, s->judged);
		if (e == NULL || e->fate != FLYING)
			continue;
		settle(s, e, OVERTAKEN);
		congested(l, s->judged);
		if ((m = e->message) != NULL)
			lose(n, l, m);
	}
}

/* RFC 6298 s5.4 to s5.6, RFC 5681 s3.1. */
static void timed_out(struct node *n, struct link *l)
{
	struct sr *s = l->sr;
	struct sr_sent *e;

	if (s->timeouts == 0) {
		s->silent_us = s->rto_from_us;
		s->threshold = s->in_flight / 2 > 2 * full(l) ? s->in_flight / 2
							      : 2 * full(l);
	}
	s->timeouts++;
	/* CHOICE: what s6.6.3.1 bounds to one message, RFC 5681 to a segment;
	 * where much is lost, the two of RFC 9002 s7.2: one ACK tells of both,
	 * and that none comes says half as often that nobody is there. */
	s->window = link_patient(n, l) ? 2 * full(l) : full(l);
	s->credit = 0;
	s->recover = s->judged = l->next_sequence;
	node_trace(n, "link %u timeout %u", l->number, (unsigned)s->timeouts);
	for (uint32_t i = 0; i < s->n_sent && !l->closed; i++) {
		e = &s->sent[(s->sent_first + i) % s->sent_cap];
		if (e->fate != FLYING)
			continue;
		settle(s, e, TIMED_OUT);
		if (e->message != NULL)
			lose(n, l, e->message);
	}
	sent_shed(s);
	/* The third retransmission goes now, s6.6.3.1. */
	if (s->timeouts == SR_SUSPECT_TIMEOUTS && !l->closed)
		link_suspect(n, l);
	if (s->timeouts < SENDS_MAX || l->closed)
		return;
	if (n->now.mono_us - s->silent_us >= LINK_HOLD_US) {
		link_close(n, l, ERR_TIMEOUT);
		return;
	}
	if (s->timeouts >= SR_PATIENT_TIMEOUTS || !link_patient(n, l))
		suspect_given_up(n, l);
	if (s->n_messages == 0 && !l->closed) /* is anybody there? */
		dial_greet(n, l);
}

void sr_timer(struct node *n, struct link *l)
{
	if (l->sr->in_flight > 0 && n->now.mono_us >= deadline(n, l))
		timed_out(n, l);
	if (!l->closed)
		sr_push(n, l);
}

/* ---- ACKs ---- */

/*
 * CHOICE: `received` saves retransmissions where ACKs are lost, and a bit taken
 * for another frame's loses a message.  Others set the bits differently (one
 * place off, or all of them), so they count only when the other side has shown
 * how it means them: among the first 32 frames, a bit for the frame before the
 * acknowledged one, and never one for a frame before the first.
 */
static void judge_mask(struct sr *s, uint32_t sequence, uint32_t received)
{
	if (s->mask == SR_MASK_OTHER || sequence >= 32)
		return;
	if (received >> sequence != 0)
		s->mask = SR_MASK_OTHER;
	else if ((received & 1) != 0)
		s->mask = SR_MASK_OURS;
}

/* A message was acknowledged: had it been sent `again`? */
static void count_again(struct node *n, bool again)
{
	uint32_t *v = &n->links.again_permille;

	*v = (15 * *v + (again ? 1000 : 0)) / 16;
}

/* A frame has come that had no ACK; returns the bytes that were in flight. */
static uint64_t came(struct node *n, struct link *l, struct sr_sent *e,
		     uint32_t sequence)
{
	struct sr *s = l->sr;
	uint64_t len = e->fate == FLYING ? e->len : 0;
	uint32_t newest = s->judged + s->reorder - 1;

	/* It was late, not lost: that many more may overtake the next. */
	if (e->fate == OVERTAKEN)
		s->reorder = newest - sequence < SR_REORDER_MAX
				     ? newest - sequence + 1
				     : SR_REORDER_MAX;
	settle(s, e, ACKED);
	if (e->message != NULL) {
		count_again(n, e->message->n_sends > 1);
		message_end(l, e->message);
	}
	return len;
}

bool sr_ack(struct node *n, struct link *l, uint32_t sequence,
	    uint32_t received)
{
	struct sr_sent *e = sent_find(l, sequence);
	struct sr *s = l->sr;
	bool limited = in_use(l);
	uint64_t len;

	judge_mask(s, sequence, received);
	if (e == NULL) {
		node_trace(n, "link %u ack of %u, not sent", l->number,
			   sequence);
		return false;
	}
	if (e->fate == ACKED)
		return false;
	link_measured(l, n->now.mono_us - e->at_us, SR_RTO_MIN_US);
	len = came(n, l, e, sequence);
	for (uint32_t i = 0; i < 32 && s->mask == SR_MASK_OURS; i++) {
		if ((received >> i & 1) != 0 &&
		    (e = sent_find(l, sequence - 1 - i)) != NULL &&
		    e->fate != ACKED)
			len += came(n, l, e, sequence - 1 - i);
	}
	s->timeouts = 0;
	s->rto_from_us = n->now.mono_us;
	if (limited && (int32_t)(sequence - s->recover) >= 0)
		grow(l, len);
	find_overtaken(n, l, sequence);
	sent_shed(s);
	return true;
}

/* ---- life ---- */

enum err sr_init(struct link *l)
{
	struct sr *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NOMEM;
	s->window = first_window(l);
	s->threshold = UINT64_MAX;
	s->reorder = SR_REORDER_FIRST;
	l->rto_us = SR_RTO_FIRST_US;
	l->sr = s;
	return OK;
}

void sr_clear(struct link *l)
{
	struct sr *s = l->sr;

	if (s == NULL)
		return;
	list_clear(&s->waiting);
	list_clear(&s->lost);
	list_clear(&s->flying);
	free(s->sent);
	free(s);
	l->sr = NULL;
}
