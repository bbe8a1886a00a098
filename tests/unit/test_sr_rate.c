/* SPDX-License-Identifier: ISC */
/*
 * How much a datagram link carries, and what it leaves to others.  RFC 6940
 * s6.6.3.  In virtual time: the same figures on every machine.
 */
#include "line.h"

#include <stdlib.h>

enum { MS = 1000, MESSAGE = 1000, FRAME = MESSAGE + 8 };

/* Messages a second that arrive, of `n`. */
static double rate(uint32_t loss_permille, uint32_t n)
{
	struct line l;
	uint64_t us;

	line_open(&l, LINE_MTU);
	l.delay_us = 50 * MS;
	l.loss_permille = loss_permille;
	l.feed = n;
	l.feed_len = MESSAGE;
	line_send(&l, n, MESSAGE);
	us = line_run_until(&l, n);
	assert_non_null(l.link[0]);
	line_close(&l);
	return n * 1e6 / (double)us;
}

/* Against s6.6.3.1's sender on the same line: a round trip of 100 ms and 10 ms
 * for each message, however few are lost. */
static void test_rate(void **state)
{
	const double stop_and_wait = 1000 / 110.0;
	double clean = rate(0, 5000) / stop_and_wait,
	       lossy = rate(10, 5000) / stop_and_wait;

	(void)state;
	print_message("clean: %.0f times stop-and-wait, 1 %% loss: %.1f\n",
		      clean, lossy);
	assert_true(clean >= 20);
	assert_true(lossy >= 6);
}

/* ---- beside another flow ---- */

/*
 * The reference: NewReno by the book, clocked by its ACKs, always with
 * something to send.  What is lost is not sent again, which changes nothing of
 * its rate.
 */
struct reno {
	double window, threshold; /* packets */
	uint32_t next, newest, recover, judged;
	uint8_t *acked;
	uint32_t n_acked, n_lost;
	uint64_t heard_us;
};

static void reno_push(struct line *l)
{
	struct reno *r = l->ctx;
	uint8_t bytes[FRAME] = { 0 };

	while (r->next - r->n_acked - r->n_lost + 1.0 <= r->window) {
		assert_true(r->next < LINE_SENT_MAX);
		memcpy(bytes, &r->next, sizeof(r->next));
		r->next++;
		line_other(l, false, slice_of(bytes, sizeof(bytes)));
	}
	l->other_us = r->heard_us + SECOND_US;
}

static void reno_ack(struct reno *r, uint32_t sequence)
{
	if (sequence < r->judged)
		return; /* counted as lost */
	r->acked[sequence] = 1;
	r->n_acked++;
	if (sequence > r->newest)
		r->newest = sequence;
	r->window += r->window < r->threshold ? 1 : 1 / r->window;
	for (; r->judged + 3 <= r->newest; r->judged++) {
		if (r->acked[r->judged])
			continue;
		r->n_lost++;
		if (r->judged < r->recover)
			continue;
		r->threshold = r->window / 2 > 2 ? r->window / 2 : 2;
		r->window = r->threshold;
		r->recover = r->next;
	}
}

/* Its packets, its ACKs, and its timeout. */
static void reno(struct line *l, const struct line_packet *p)
{
	struct reno *r = l->ctx;
	uint32_t sequence;

	if (p == NULL) {
		r->n_lost = r->next - r->n_acked;
		r->judged = r->recover = r->next;
		r->threshold = r->window / 2;
		r->window = 1;
		r->heard_us = l->now_us;
	} else if (p->len == FRAME) {
		line_other(l, true, slice_of(p->bytes, 9));
		return;
	} else {
		memcpy(&sequence, p->bytes, sizeof(sequence));
		r->heard_us = l->now_us;
		reno_ack(r, sequence);
	}
	reno_push(l);
}

/* 6940-6.6.3-R1: through one bottleneck with a TCP of the same round trip it
 * backs off where packets are dropped, fills what is there, and neither takes
 * more than twice what the other gets. */
static void test_fair(void **state)
{
	static const struct {
		uint64_t rate, delay_us, buffer;
	} cases[] = {
		{ 500000, 25 * MS, 25000 },
		{ 200000, 40 * MS, 20000 },
		{ 1000000, 10 * MS, 15000 },
	};
	uint32_t ours, theirs, before, before_reno;
	struct reno r;
	struct line l;
	double used;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		line_open(&l, LINE_MTU);
		r = (struct reno){ .window = 2, .threshold = 1e9 };
		r.acked = calloc(LINE_SENT_MAX, 1);
		assert_non_null(r.acked);
		l.ctx = &r;
		l.other = reno;
		l.rate = cases[i].rate;
		l.delay_us = cases[i].delay_us;
		l.buffer = cases[i].buffer;
		l.feed = LINE_MESSAGES_MAX - 1;
		l.feed_len = MESSAGE;
		r.heard_us = l.now_us;
		reno_push(&l);
		line_send(&l, l.feed, MESSAGE);
		line_run(&l, 10 * SECOND_US); /* past slow start */
		before = l.n_arrived;
		before_reno = r.n_acked;
		l.n_tail_drop = 0;
		line_run(&l, 60 * SECOND_US);
		ours = l.n_arrived - before;
		theirs = r.n_acked - before_reno;
		used = (ours + theirs) * (double)FRAME / 60 /
		       (double)cases[i].rate;
		print_message("ours %u, TCP %u, %.0f %% of the line, %u "
			      "dropped\n",
			      ours, theirs, 100 * used, l.n_tail_drop);
		assert_non_null(l.link[0]);
		assert_true(ours <= 2 * theirs);
		assert_true(theirs <= 2 * ours);
		assert_true(used > 0.8);
		assert_true(l.n_tail_drop * 20 < ours + theirs);
		line_close(&l);
		free(r.acked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_fair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
