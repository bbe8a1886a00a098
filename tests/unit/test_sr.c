/* SPDX-License-Identifier: ISC */
/*
 * What is sent over a datagram link, when, and again.  RFC 6940 s6.6.3.
 */
#include "line.h"

#include "core/frag.h"

enum { MS = 1000 };

static bool lose_all(struct line *l, unsigned from,
		     const struct framed_message *f)
{
	(void)l;
	(void)from;
	(void)f;
	return true;
}

static uint32_t number_of(const struct framed_message *f)
{
	uint32_t v = 0;

	if (f->type == FRAME_DATA && f->message.len >= sizeof(v))
		memcpy(&v, f->message.p, sizeof(v));
	return v;
}

/* How often node 0 sent a message. */
static uint32_t times_sent(const struct line *l, uint32_t message)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < l->n_sent; i++)
		n += l->sent[i].message == message;
	return n;
}

/* ---- time ---- */

/* 6940-6.6.3.1-R2, 6940-6.6.3.1-R4: without an ACK a message goes again after
 * 500 ms and each time twice that, under a new number.  6940-6.6.3.1-R5: five
 * times in all; after the fifth wait the link is closed.  6940-6.6.3.1-R6: out
 * of routing with the third retransmission. */
static void test_black_hole(void **state)
{
	static const uint64_t at_ms[] = { 0, 500, 1500, 3500, 7500 };
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	line_send(&l, 7, 100);
	line_run(&l, 3499 * MS);
	assert_false(l.link[0]->suspect);
	line_run(&l, 1 * MS);
	assert_true(l.link[0]->suspect);
	line_run(&l, 11999 * MS);
	assert_non_null(l.link[0]);
	line_run(&l, 1 * MS);
	assert_null(l.link[0]);
	assert_true(line_traced(&l, "closed TIMEOUT"));
	line_run(&l, 60 * SECOND_US);
	assert_int_equal(l.n_sent, N_OF(at_ms));
	for (uint32_t i = 0; i < l.n_sent; i++) {
		assert_int_equal(l.sent[i].message, 7);
		assert_int_equal(l.sent[i].sequence, i);
		assert_int_equal(l.sent[i].at_us - l.sent[0].at_us,
				 at_ms[i] * MS);
	}
	line_close(&l);
}

/* 6940-6.6.3.1-R5: an ACK of any of the transmissions is the end of them; so is
 * the end of the connection, be it an alert or an ICMP error. */
static void test_stop(void **state)
{
	struct event down = { .type = EV_LINK_DOWN,
			      .link = LINK_INCOMING,
			      .err = ERR_NO_LINK };
	struct line l;

	(void)state;
	for (uint32_t which = 0; which < 3; which++) {
		line_open(&l, LINE_MTU);
		l.lose = lose_all;
		line_send(&l, 7, 100);
		line_run(&l, 2 * SECOND_US);
		assert_int_equal(l.n_sent, 3);
		line_ack(&l, 0, which, 0);
		line_run(&l, 60 * SECOND_US);
		assert_int_equal(l.n_sent, 3);
		assert_non_null(l.link[0]);
		assert_int_equal(l.link[0]->sr->n_messages, 0);
		line_close(&l);
	}
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	line_send(&l, 7, 100);
	line_run(&l, 2 * SECOND_US);
	assert_ok(node_step(l.node[0], (struct now){ l.now_us, 1 }, &down));
	line_run(&l, 60 * SECOND_US);
	assert_int_equal(l.n_sent, 3);
	line_close(&l);
}

/* 6940-6.6.3.1-R6: ACKs bring it back before it is closed. */
static void test_back(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	line_send(&l, 1, 100);
	line_run(&l, 5 * SECOND_US);
	assert_true(l.link[0]->suspect);
	l.lose = NULL;
	line_run(&l, 3 * SECOND_US); /* the fifth, at 7.5 s */
	assert_int_equal(l.n_arrived, 1);
	assert_false(l.link[0]->suspect);
	assert_true(line_traced(&l, " back"));
	line_run(&l, 60 * SECOND_US);
	assert_non_null(l.link[0]);
	line_close(&l);
}

/* Where much is lost anyway, five may be chance: the link is held, asked
 * whether anybody is there, and closed when it was silent for long. */
static void test_hold(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	l.node[0]->links.again_permille = 500;
	line_send(&l, 1, 100);
	line_run(&l, 20 * SECOND_US);
	assert_true(l.link[0]->suspect);
	assert_int_equal(times_sent(&l, 1), SENDS_MAX);
	assert_true(l.n_sent > SENDS_MAX);
	l.lose = NULL;
	line_run(&l, 20 * SECOND_US);
	assert_non_null(l.link[0]);
	assert_false(l.link[0]->suspect);
	l.lose = lose_all;
	l.node[0]->links.again_permille = 500;
	line_send(&l, 2, 100);
	line_run(&l, 120 * SECOND_US);
	assert_null(l.link[0]);
	line_close(&l);
}

/* There the wait is doubled once, and two messages go at a time. */
static void test_patient(void **state)
{
	static const uint64_t at_ms[] = { 0,    0,    0,    500,  500, 1500,
					  1500, 2500, 2500, 3500, 3500 };
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	l.node[0]->links.again_permille = 500;
	for (uint32_t i = 0; i < 3; i++)
		line_send(&l, i, 1000);
	line_run(&l, 4 * SECOND_US);
	assert_int_equal(l.n_sent, N_OF(at_ms));
	for (uint32_t i = 0; i < l.n_sent; i++)
		assert_int_equal(l.sent[i].at_us - l.sent[0].at_us,
				 at_ms[i] * MS);
	line_close(&l);
}

/* A quick link may have lost many in a row when less is lost of others: it
 * waits for as long as any does. */
static void test_patience_ends(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 50;
	line_send(&l, 0, 100);
	line_run(&l, SECOND_US);
	l.lose = lose_all;
	l.node[0]->links.again_permille = 500;
	line_send(&l, 1, 100);
	line_run(&l, 2 * 66 * SR_RTO_MIN_US);
	assert_non_null(l.link[0]);
	assert_in_range(l.link[0]->sr->timeouts, 65, 66);
	l.node[0]->links.again_permille = 0;
	line_run(&l, 3 * SECOND_US);
	assert_non_null(l.link[0]);
	assert_in_range(l.link[0]->sr->timeouts, 65, 67);
	line_close(&l);
}

/* Only the first frame is lost. */
static bool lose_first(struct line *l, unsigned from,
		       const struct framed_message *f)
{
	(void)l;
	return from == 0 && f->type == FRAME_DATA && f->sequence == 0;
}

/* 6940-6.6.3.1-R3: RFC 6298 of the link's own round trips, to the millisecond;
 * the ACK of a retransmission is one, from when that was sent. */
static void test_rto(void **state)
{
	struct line l;

	(void)state;
	for (int again = 0; again < 2; again++) {
		line_open(&l, LINE_MTU);
		l.delay_us = 150200;
		l.lose = again ? lose_first : NULL;
		line_send(&l, 0, 100);
		line_run(&l, 2 * SECOND_US);
		assert_int_equal(l.n_sent, 1 + again);
		/* 300.4 + 4 * 150.2 = 901.2 */
		assert_int_equal(l.link[0]->rto_us, 902 * MS);
		l.delay_us = 100000;
		line_send(&l, 1, 100);
		line_run(&l, 2 * SECOND_US);
		/* 287.9 + 4 * (0.75 * 150.2 + 0.25 * 100.4) = 838.9 */
		assert_int_equal(l.link[0]->rto_us, 839 * MS);
		l.lose = lose_all;
		line_send(&l, 2, 100);
		line_run(&l, 10 * SECOND_US);
		assert_int_equal(l.sent[3 + again].at_us -
					 l.sent[2 + again].at_us,
				 839 * MS);
		assert_int_equal(l.sent[4 + again].at_us -
					 l.sent[3 + again].at_us,
				 2 * 839 * MS);
		line_close(&l);
	}
	/* Quick links: no less than SR_RTO_MIN_US. */
	line_open(&l, LINE_MTU);
	l.delay_us = 50;
	line_send(&l, 0, 100);
	line_run(&l, SECOND_US);
	assert_int_equal(l.link[0]->rto_us, SR_RTO_MIN_US);
	line_close(&l);
}

/* ---- how much ---- */

/* 6940-6.6.3.1-R1: what is on its way is bounded: at first by RFC 5681's
 * initial window, after a timeout by one message. */
static void test_window(void **state)
{
	uint64_t bytes = 0;
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	for (uint32_t i = 0; i < 100; i++)
		line_send(&l, i, 1000);
	line_run(&l, 499 * MS);
	for (uint32_t i = 0; i < l.n_sent; i++)
		bytes += l.sent[i].len;
	assert_int_equal(bytes, 4 * 1008); /* of 4380 */
	line_run(&l, 3500 * MS);
	assert_int_equal(l.n_sent, 4 + 3);
	assert_int_equal(times_sent(&l, 0), 4);
	line_close(&l);
}

/* What comes again, as requests do after overlay-reliability-timer, while its
 * first copy waits, goes out once; what comes sooner is another message. */
static void test_again(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	for (uint32_t i = 0; i < 10; i++)
		line_send(&l, i, 1000);
	line_run(&l, SECOND_US);
	line_send(&l, 9, 1000);
	assert_int_equal(l.link[0]->sr->n_messages, 11);
	for (int i = 0; i < 3; i++) {
		line_run(&l, SECOND_US);
		line_send(&l, 9, 1000);
	}
	assert_int_equal(l.link[0]->sr->n_messages, 11);
	line_send(&l, 9, 999);
	assert_int_equal(l.link[0]->sr->n_messages, 12);
	line_close(&l);
}

/* After a pause the window is the first one again, RFC 5681 s4.1. */
static void test_pause(void **state)
{
	struct line l;
	uint32_t before;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 20 * MS;
	l.feed = 500;
	l.feed_len = 1000;
	line_send(&l, 0, 100);
	(void)line_run_until(&l, 500);
	line_run(&l, 30 * SECOND_US);
	assert_true(l.link[0]->sr->window > 20000);
	before = l.n_sent;
	l.feed = 600;
	line_send(&l, 700, 100);
	line_run(&l, 39 * MS);
	assert_in_range(l.n_sent - before, 3, 5);
	line_close(&l);
}

/* Only each 20th ACK comes, for all of them. */
static bool lose_acks(struct line *l, unsigned from,
		      const struct framed_message *f)
{
	(void)l;
	return from == 1 && f->type == FRAME_ACK && f->ack_sequence >= 40 &&
	       f->ack_sequence % 20 != 0;
}

/* 6940-6.6.3.1-R7: the next messages do not go at once when an ACK comes, but
 * spread over the round trip, however many the ACK makes room for. */
static void test_pacing(void **state)
{
	const uint64_t span_us = 10 * MS;
	uint64_t bytes = 0, most = 0;
	uint32_t first = 5; /* after the first window */
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 50 * MS;
	l.lose = lose_acks;
	l.feed = 1000;
	l.feed_len = 1000;
	line_send(&l, 1000, 100);
	(void)line_run_until(&l, 1001);
	/* The mask made up for the ACKs: nothing was sent twice but the end. */
	assert_in_range(l.n_sent, 1001, 1025);
	/* In 10 ms of a round trip of 100 leaves at most a fifth of a window
	 * (slow start), and what 2 ms of lateness make. */
	for (uint32_t i = first; i < l.n_sent; i++) {
		bytes += l.sent[i].len;
		while (l.sent[i].at_us - l.sent[first].at_us >= span_us)
			bytes -= l.sent[first++].len;
		most = bytes > most ? bytes : most;
	}
	assert_in_range(most, 1, l.link[0]->sr->window / 4 + 2 * LINE_MTU);
	line_close(&l);
}

/* ---- loss ---- */

static bool lose_some(struct line *l, unsigned from,
		      const struct framed_message *f)
{
	const uint32_t *first = l->ctx; /* the first transmissions of 3 */

	return from == 0 && f->type == FRAME_DATA && f->sequence >= *first &&
	       f->sequence < *first + 3;
}

/* What later frames overtook goes again long before its RTO, with a new number,
 * and costs half of the window: once for all of one window, RFC 5681. */
static void test_overtaken(void **state)
{
	uint32_t first = 60, again = 0;
	uint64_t window = 0;
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 50 * MS;
	l.lose = lose_some;
	l.ctx = &first;
	l.feed = 200;
	l.feed_len = 1000;
	line_send(&l, 1000, 100);
	while (l.link[0]->sr->recover == 0) {
		window = l.link[0]->sr->window;
		line_run(&l, 1 * MS);
	}
	assert_in_range(l.link[0]->sr->window, window / 2,
			window / 2 + LINE_MTU);
	(void)line_run_until(&l, 201);
	assert_int_equal(l.n_sent, 201 + 3);
	for (uint32_t i = 0; i < l.n_sent; i++)
		for (uint32_t k = i + 1; k < l.n_sent; k++) {
			if (l.sent[i].message != l.sent[k].message)
				continue;
			again++;
			assert_in_range(l.sent[i].sequence, 60, 62);
			assert_true(l.sent[k].sequence > 62);
			assert_in_range(l.sent[k].at_us - l.sent[i].at_us,
					100 * MS, 180 * MS);
		}
	assert_int_equal(again, 3);
	assert_false(line_traced(&l, "timeout"));
	/* Once: it has grown since, by less than a frame a round trip. */
	assert_in_range(l.link[0]->sr->window, window / 2, window);
	line_close(&l);
}

/* Frames that were late and not lost teach how many may overtake one. */
static void test_late(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	for (uint32_t i = 0; i < 8; i++)
		line_send(&l, i, 100);
	line_ack(&l, 0, 2, 0);
	line_ack(&l, 0, 1, 0);
	line_ack(&l, 0, 0, 0);
	assert_int_equal(l.n_sent, 8);
	line_ack(&l, 0, 7, 0); /* 3 and 4 are behind by three and more */
	line_run(&l, 100 * MS);
	assert_int_equal(l.n_sent, 10);
	assert_int_equal(l.sent[8].message, 3);
	assert_int_equal(l.sent[9].message, 4);
	line_ack(&l, 0, 3, 0); /* it was on its way */
	assert_int_equal(l.link[0]->sr->reorder, 5);
	assert_int_equal(l.link[0]->sr->n_messages, 3);
	line_close(&l);
}

/* One message is lost whenever it is sent; each ACK ends a doubt. */
static bool lose_message(struct line *l, unsigned from,
			 const struct framed_message *f)
{
	l->link[0]->suspect |= from == 1;
	return from == 0 && f->type == FRAME_DATA && number_of(f) == 33;
}

/* 6940-6.6.3.1-R5: five sends in total.  Where others are acknowledged it is
 * the message that is given up, not the link. */
static void test_give_up(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 10 * MS;
	l.lose = lose_message;
	l.feed = 3000;
	l.feed_len = 1000;
	line_send(&l, 5000, 100);
	(void)line_run_until(&l, 3000);
	line_run(&l, 60 * SECOND_US);
	assert_int_equal(times_sent(&l, 33), SENDS_MAX);
	assert_int_equal(l.n_arrived, 3000); /* 3001 but that one */
	assert_non_null(l.link[0]);
	assert_int_equal(l.link[0]->sr->n_messages, 0);
	line_close(&l);
}

/* A bad line: everything arrives, more than once where it must. */
static void test_bad_line(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 20 * MS;
	l.jitter_us = 30 * MS;
	l.loss_permille = 100;
	l.twice_permille = 50;
	l.feed = 2000;
	l.feed_len = 1000;
	line_send(&l, 5000, 100);
	(void)line_run_until(&l, 2001);
	line_run(&l, 60 * SECOND_US);
	assert_non_null(l.link[0]);
	assert_int_equal(l.link[0]->sr->n_messages, 0);
	assert_int_equal(l.link[0]->sr->in_flight, 0);
	assert_int_equal(l.link[0]->sr->n_sent, 0);
	assert_int_equal(l.link[0]->sr->bytes, 0);
	line_close(&l);
}

/* ---- the bits of an ACK ---- */

/* Six messages; what is on the wire is lost. */
static void six(struct line *l)
{
	line_open(l, LINE_MTU);
	l->lose = lose_all;
	for (uint32_t i = 0; i < 6; i++)
		line_send(l, i, 100);
}

/* 6940-6.6.2-R2: bit N-M-1 for M, once the other side has shown that it means
 * that; other ways to set them make nothing count as received. */
static void test_mask(void **state)
{
	static const struct {
		const char *name;
		uint32_t first, second, third; /* for 0, 1 and 5; 4 has come */
		bool believed;
	} cases[] = {
		{ "ours", 0, 1, 1, true },
		{ "none at all", 0, 0, 0, false },
		{ "one place off", 0, 2, 2, false },
		{ "all ones", UINT32_MAX, UINT32_MAX, UINT32_MAX, false },
		{ "all ones, later", 0, UINT32_MAX, UINT32_MAX, false },
		{ "the other end first", 0, UINT32_C(1) << 31,
		  UINT32_C(1) << 31, false },
	};
	struct line l;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		six(&l);
		line_ack(&l, 0, 0, cases[i].first);
		line_ack(&l, 0, 1, cases[i].second);
		line_ack(&l, 0, 5, cases[i].third);
		line_run(&l, 5 * SECOND_US);
		for (uint32_t k = 0; k < 6; k++) {
			bool sure = k < 2 || k == 5 ||
				    (k == 4 && cases[i].believed);

			if ((times_sent(&l, k) == 1) != sure)
				fail_msg("%s: %u", cases[i].name, k);
		}
		line_close(&l);
	}
}

/* ACKs without end, of what was never sent and of what is done with. */
static void test_storm(void **state)
{
	struct line l;
	uint64_t rto_us;

	(void)state;
	six(&l);
	l.now_us += 300 * MS;
	line_ack(&l, 0, 0, 0);
	rto_us = l.link[0]->rto_us;
	for (uint32_t i = 0; i < 5000; i++) {
		line_ack(&l, 0, 6 + i, UINT32_MAX);
		line_ack(&l, 0, 0 - i, UINT32_MAX);
		line_ack(&l, 0, 0, UINT32_MAX);
		l.now_us += 10;
	}
	assert_int_equal(l.link[0]->sr->n_messages, 5);
	assert_int_equal(l.link[0]->rto_us, rto_us);
	assert_int_equal(l.link[0]->sr->mask, SR_MASK_OTHER);
	assert_int_equal(l.n_sent, 6);
	line_close(&l);
}

/* ---- limits ---- */

/* What waits is bounded in number and bytes; a message that is cut goes whole
 * or not at all. */
static void test_full(void **state)
{
	static const uint8_t payload[5000];
	const struct node_id id = { { 1 } };
	struct destination to = destination_node(&id);
	const struct forwarding_header h = {
		.version = RELOAD_VERSION,
		.ttl = 10,
		.fragment = FRAGMENT_WHOLE,
		.destination_list = { &to, 1 },
	};
	const struct event timer = { .type = EV_TIMER };
	const struct sr *s;
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.lose = lose_all;
	s = l.link[0]->sr;
	for (uint32_t i = 0; i < SR_MESSAGES_MAX - 3; i++)
		line_send(&l, i, 100);
	assert_ok(node_step(l.node[0], (struct now){ l.now_us, 1 }, &timer));
	assert_ok(frag_send(l.node[0], l.link[0], &h,
			    slice_of(payload, sizeof(payload))));
	assert_int_equal(s->n_messages, SR_MESSAGES_MAX - 3);
	assert_ok(frag_send(l.node[0], l.link[0], &h, slice_of(payload, 3000)));
	assert_int_equal(s->n_messages, SR_MESSAGES_MAX);
	line_send(&l, 1, 100);
	assert_int_equal(s->n_messages, SR_MESSAGES_MAX);
	assert_true(line_traced(&l, " full"));
	line_close(&l);
	line_open(&l, 16000);
	l.lose = lose_all;
	s = l.link[0]->sr;
	for (uint32_t i = 0; i < 300; i++)
		line_send(&l, i, 15000);
	assert_in_range(s->bytes, SR_BYTES_MAX - 15008, SR_BYTES_MAX);
	line_close(&l);
}

/* What does not fit in a record is not sent, and a frame never exceeds one. */
static void test_narrow(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, 500);
	line_send(&l, 1, 492);
	assert_int_equal(l.n_sent, 1);
	assert_int_equal(l.sent[0].len, 500);
	line_send(&l, 2, 493);
	line_run(&l, 60 * SECOND_US);
	assert_int_equal(l.n_sent, 1);
	assert_int_equal(l.n_arrived, 1);
	assert_true(line_traced(&l, "too narrow"));
	line_close(&l);
}

/* Nobody waits any more for what has waited for a request's lifetime. */
static void test_too_late(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	l.delay_us = 10 * MS;
	l.rate = 2000;
	l.buffer = 4000;
	for (uint32_t i = 0; i < 100; i++)
		line_send(&l, i, 1000);
	line_run(&l, 200 * SECOND_US);
	assert_in_range(l.n_arrived, 20, 60);
	assert_true(line_traced(&l, "dropped what waited"));
	assert_int_equal(l.link[0]->sr->n_messages, 0);
	line_close(&l);
}

/* ---- receiving ---- */

/* 6940-6.6.2-R2: each record is acknowledged, at once, and one that comes twice
 * counts once. */
static void test_twice(void **state)
{
	struct line l;

	(void)state;
	line_open(&l, LINE_MTU);
	for (uint32_t i = 0; i < 3; i++) {
		line_data(&l, 0, 5, 1);
		assert_int_equal(l.n_acks[0], 1 + i);
	}
	assert_int_equal(l.link[0]->n_received, 1);
	line_data(&l, 0, 4, 2); /* later, and another */
	assert_int_equal(l.n_acks[0], 4);
	assert_int_equal(l.link[0]->n_received, 2);
	line_close(&l);
}

/* A record is one frame: what is not closes the link, but for nothing. */
static void test_malformed(void **state)
{
	const struct {
		const char *name;
		struct slice bytes;
		bool closes;
	} cases[] = {
		{ "nothing", { 0 }, false },
		{ "another type", SLICE_LIT("\x05 and more"), true },
		{ "a head", SLICE_LIT("\x80\0\0"), true },
		{ "a message cut off", SLICE_LIT("\x80\0\0\0\1\0\0\5abcd"),
		  true },
		{ "a message and more", SLICE_LIT("\x80\0\0\0\1\0\0\3abcd"),
		  true },
		{ "an ACK cut off", SLICE_LIT("\x81\0\0\0\1\0\0\0"), true },
		{ "two ACKs",
		  SLICE_LIT("\x81\0\0\0\1\0\0\0\0\x81\0\0\0\1\0\0\0\0"), true },
		{ "16 MB announced", SLICE_LIT("\x80\0\0\0\1\xff\xff\xff"),
		  true },
	};
	struct line l;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		line_open(&l, LINE_MTU);
		line_record(&l, 0, cases[i].bytes);
		if ((l.link[0] == NULL) != cases[i].closes)
			fail_msg("%s", cases[i].name);
		line_close(&l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_back),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_patient),
		cmocka_unit_test(test_patience_ends),
		cmocka_unit_test(test_rto),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_pacing),
		cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_give_up),
		cmocka_unit_test(test_bad_line),
		cmocka_unit_test(test_mask),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_too_late),
		cmocka_unit_test(test_twice),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
