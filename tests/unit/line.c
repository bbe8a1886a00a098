/* SPDX-License-Identifier: ISC */
/*
 * Owns: the line between two nodes, its clock and what happens on it.  Does not
 * own: what nodes make of that (the core).  RFC 6940 s6.6.3.
 */
#include "line.h"

#include <stdlib.h>

static void on_trace(void *ctx, const char *text)
{
	struct line *l = ctx;

	assert_ok(buf_printf(&l->trace, "%s\n", text));
}

bool line_traced(const struct line *l, const char *text)
{
	return l->trace.len != 0 &&
	       memmem(l->trace.p, l->trace.len, text, strlen(text)) != NULL;
}

/* ---- the line ---- */

static void put(struct line *l, unsigned to, struct slice bytes,
		uint64_t due_us)
{
	struct line_packet *p = calloc(1, sizeof(*p) + bytes.len), **at;

	assert_non_null(p);
	p->due_us = due_us;
	p->to = to;
	p->len = bytes.len;
	memcpy(p->bytes, bytes.p, bytes.len);
	for (at = &l->packets; *at != NULL && (*at)->due_us <= due_us;)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

/* When what is sent now leaves the bottleneck; 0: never. */
static uint64_t departure(struct line *l, size_t len)
{
	uint64_t wait;

	if (l->rate == 0)
		return l->now_us;
	if (l->busy_us < l->now_us)
		l->busy_us = l->now_us;
	wait = (l->busy_us - l->now_us) * l->rate / SECOND_US;
	if (wait + len > l->buffer) {
		l->n_tail_drop++;
		return 0;
	}
	l->busy_us += len * SECOND_US / l->rate;
	return l->busy_us;
}

static bool chance(struct line *l, uint32_t permille)
{
	return permille != 0 && rng_below(&l->w->rng, 1000) < permille;
}

static uint64_t delay(struct line *l)
{
	return l->delay_us +
	       (l->jitter_us == 0 ? 0 : rng_below(&l->w->rng, l->jitter_us));
}

void line_other(struct line *l, bool back, struct slice bytes)
{
	uint64_t at = back ? l->now_us : departure(l, bytes.len);

	if (at != 0)
		put(l, LINE_OTHER, bytes, at + l->delay_us);
}

/* What a node sends. */
static void transmit(struct line *l, unsigned from, struct slice bytes)
{
	struct arena a = ARENA_INIT(0);
	struct framed_message f;
	struct line_sent *s;
	uint64_t at;

	assert_true(bytes.len <= l->mtu);
	assert_ok(framed_message_decode(&f, bytes, &a, &l->w->env));
	if (from == 0 && f.type == FRAME_DATA) {
		assert_true(l->n_sent < LINE_SENT_MAX);
		s = &l->sent[l->n_sent++];
		*s = (struct line_sent){ l->now_us, f.sequence, 0,
					 (uint32_t)bytes.len };
		memcpy(&s->message, f.message.p, sizeof(s->message));
	}
	l->n_acks[from] += f.type == FRAME_ACK;
	if ((l->lose != NULL && l->lose(l, from, &f)) ||
	    chance(l, l->loss_permille))
		return;
	at = from == 0 ? departure(l, bytes.len) : l->now_us;
	if (at == 0)
		return;
	put(l, 1 - from, bytes, at + delay(l));
	if (chance(l, l->twice_permille))
		put(l, 1 - from, bytes, at + delay(l));
}

/* ---- the nodes ---- */

static void feed(struct line *l)
{
	while (l->fed < l->feed && l->link[0] != NULL &&
	       l->link[0]->sr->n_messages < 300) {
		uint8_t bytes[LINE_MTU] = { 0 };

		memcpy(bytes, &l->fed, sizeof(l->fed));
		l->fed++;
		assert_ok(link_send(l->node[0], l->link[0],
				    slice_of(bytes, l->feed_len)));
	}
}

static void drain(struct line *l, unsigned i)
{
	struct effect fx;

	l->link[i] = link_by_number(l->node[i], LINK_INCOMING);
	if (i == 0)
		feed(l);
	while (node_poll(l->node[i], &fx)) {
		if (fx.type == FX_SEND)
			transmit(l, i, fx.bytes);
		if (fx.type == FX_COMMIT)
			batch_free(fx.batch);
	}
}

static void step(struct line *l, unsigned i, const struct event *ev)
{
	const struct now now = { l->now_us, 1700000000000 };

	assert_ok(node_step(l->node[i], now, ev));
	drain(l, i);
}

static void start(struct line *l, unsigned i)
{
	const struct host *own = l->w->hosts[i], *other = l->w->hosts[1 - i];
	const uint8_t seed[32] = { (uint8_t)i };
	const struct node_config cfg = { .role = ROLE_PEER,
					 .overlay = l->w->overlay,
					 .crypto = &l->w->toy.crypto,
					 .signer = &own->signer,
					 .listen = own->listen,
					 .n_listen = own->n_listen,
					 .trace = i == 0 ? on_trace : NULL,
					 .trace_ctx = l };
	struct event up = { .type = EV_LINK_UP,
			    .link = LINK_INCOMING,
			    .overlay_link = OVERLAY_LINK_DTLS_UDP_SR_NO_ICE,
			    .mtu = l->mtu,
			    .address = other->address };
	struct cert *c;

	assert_ok(node_new(&l->node[i], &cfg, seed));
	assert_ok(l->w->toy.crypto.cert_open(l->w->toy.crypto.ctx,
					     other->signer.cert->der, NULL, 0,
					     &c, NULL));
	up.cert = c;
	step(l, i, &up);
	l->w->toy.crypto.cert_unref(l->w->toy.crypto.ctx, c);
	assert_non_null(l->link[i]);
}

void line_open(struct line *l, uint32_t mtu)
{
	const struct world_options opt = { .seed = 1,
					   .links = LINK_PROTOCOL_DTLS };

	*l = (struct line){ .w = world_new(&opt),
			    .mtu = mtu,
			    .now_us = SECOND_US,
			    .other_us = NEVER,
			    .trace.max = 64 << 20 };
	l->sent = calloc(LINE_SENT_MAX, sizeof(*l->sent));
	l->arrived = calloc(LINE_MESSAGES_MAX, 1);
	assert_true(l->sent != NULL && l->arrived != NULL);
	(void)world_host(l->w, "a@sim.example.org", NULL);
	(void)world_host(l->w, "b@sim.example.org", NULL);
	start(l, 0);
	start(l, 1);
}

void line_close(struct line *l)
{
	struct line_packet *p;

	while ((p = l->packets) != NULL) {
		l->packets = p->next;
		free(p);
	}
	node_free(l->node[0]);
	node_free(l->node[1]);
	world_free(l->w);
	free(l->sent);
	free(l->arrived);
	buf_clear(&l->trace);
}

/* ---- what happens ---- */

void line_record(struct line *l, unsigned to, struct slice bytes)
{
	const struct event ev = { .type = EV_BYTES,
				  .link = LINK_INCOMING,
				  .bytes = bytes };

	step(l, to, &ev);
}

static void frame(struct line *l, unsigned to, const struct framed_message *f)
{
	struct buf b = BUF_INIT(1 << 16);

	assert_ok(framed_message_encode(f, &b, &l->w->env));
	line_record(l, to, buf_slice(&b));
	buf_clear(&b);
}

void line_data(struct line *l, unsigned to, uint32_t sequence, uint32_t message)
{
	const struct framed_message f = { .type = FRAME_DATA,
					  .sequence = sequence,
					  .message = slice_of(
						  &message, sizeof(message)) };

	frame(l, to, &f);
}

void line_ack(struct line *l, unsigned to, uint32_t sequence, uint32_t received)
{
	const struct framed_message f = { .type = FRAME_ACK,
					  .ack_sequence = sequence,
					  .received = received };

	frame(l, to, &f);
}

void line_send(struct line *l, uint32_t message, uint32_t len)
{
	const struct event ev = { .type = EV_TIMER };
	uint8_t bytes[1 << 16] = { 0 };

	assert_true(len >= sizeof(message));
	assert_true(len <= sizeof(bytes));
	memcpy(bytes, &message, sizeof(message));
	step(l, 0, &ev);
	assert_ok(link_send(l->node[0], l->link[0], slice_of(bytes, len)));
	drain(l, 0);
}

static void arrive(struct line *l, const struct line_packet *p)
{
	uint32_t message;

	if (p->to == 1 && p->bytes[0] == FRAME_DATA) {
		memcpy(&message, p->bytes + FRAME_DATA_HEAD, sizeof(message));
		if (message < LINE_MESSAGES_MAX) /* not a Ping of its own */
			l->n_arrived += l->arrived[message]++ == 0;
	}
	line_record(l, p->to, slice_of(p->bytes, p->len));
}

/* The next thing; false when it would be after `end_us`. */
static bool next(struct line *l, uint64_t end_us)
{
	const struct event timer = { .type = EV_TIMER };
	uint64_t at = l->packets == NULL ? NEVER : l->packets->due_us;
	struct line_packet *p = l->packets;
	int who = -1;

	if (l->other_us < at) {
		at = l->other_us;
		who = LINE_OTHER;
	}
	for (int i = 0; i < 2; i++) {
		if (node_deadline(l->node[i]) < at) {
			at = node_deadline(l->node[i]);
			who = i;
		}
	}
	if (at > end_us)
		return false;
	if (at > l->now_us)
		l->now_us = at;
	if (who == LINE_OTHER) {
		l->other(l, NULL);
	} else if (who >= 0) {
		step(l, (unsigned)who, &timer);
	} else {
		l->packets = p->next;
		if (p->to == LINE_OTHER)
			l->other(l, p);
		else
			arrive(l, p);
		free(p);
	}
	return true;
}

void line_run(struct line *l, uint64_t us)
{
	uint64_t end_us = l->now_us + us;

	while (next(l, end_us))
		;
	l->now_us = end_us;
}

uint64_t line_run_until(struct line *l, uint32_t n_arrived)
{
	uint64_t start_us = l->now_us;

	while (l->n_arrived < n_arrived)
		assert_true(next(l, start_us + 3600 * SECOND_US));
	return l->now_us - start_us;
}
