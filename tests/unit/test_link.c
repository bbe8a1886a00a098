/* SPDX-License-Identifier: ISC */
/*
 * Links: frames, ACKs, round trips, what is refused.  RFC 6940 s6.6.
 */
#include "scene.h"

/* A data frame with a sequence number of the test's choice. */
static void send_frame(struct scene *s, uint32_t sequence, struct slice message)
{
	const struct framed_message f = { .type = FRAME_DATA,
					  .sequence = sequence,
					  .message = message };
	struct buf b = BUF_INIT(1 << 20);

	assert_ok(framed_message_encode(&f, &b, &s->w->env));
	rogue_bytes(s->rogue, s->link, rogue_keep(s->rogue, buf_slice(&b)));
	buf_clear(&b);
}

static void send_ack(struct scene *s, uint32_t sequence)
{
	const struct framed_message f = { .type = FRAME_ACK,
					  .ack_sequence = sequence };
	struct buf b = BUF_INIT(64);

	assert_ok(framed_message_encode(&f, &b, &s->w->env));
	rogue_bytes(s->rogue, s->link, rogue_keep(s->rogue, buf_slice(&b)));
	buf_clear(&b);
}

static struct slice ping_bytes(struct scene *s)
{
	struct draft d;

	scene_ping_node(s, &d, &s->peer[0]->signer.node_id);
	return draft_encode(&d);
}

static const struct rogue_link *link_now(const struct scene *s)
{
	return rogue_link(s->rogue, s->link);
}

/* A frame cut into single bytes, and two frames in one piece. */
static void test_framing(void **state)
{
	struct scene s;
	struct slice a, b;
	struct buf f = BUF_INIT(1 << 20);
	uint32_t heard;

	(void)state;
	scene_open(&s, 1);
	a = ping_bytes(&s);
	heard = s.rogue->n_heard;
	assert_ok(buf_append_u8(&f, FRAME_DATA));
	assert_ok(buf_append_uint(&f, 0, 4));
	assert_ok(buf_append_uint(&f, a.len, 3));
	assert_ok(buf_append_slice(&f, a));
	for (size_t i = 0; i < f.len; i++) {
		rogue_bytes(s.rogue, s.link,
			    rogue_keep(s.rogue, slice_of(f.p + i, 1)));
		if (i + 1 < f.len) {
			scene_run(&s, 0.001);
			assert_int_equal(link_now(&s)->n_acks, 0);
		}
	}
	scene_run(&s, 1);
	assert_int_equal(link_now(&s)->n_acks, 1);
	assert_int_equal(s.rogue->n_heard, heard + 1);
	/* Two in one piece. */
	f.len = 0;
	for (uint32_t i = 0; i < 2; i++) {
		b = ping_bytes(&s);
		assert_ok(buf_append_u8(&f, FRAME_DATA));
		assert_ok(buf_append_uint(&f, 1 + i, 4));
		assert_ok(buf_append_uint(&f, b.len, 3));
		assert_ok(buf_append_slice(&f, b));
	}
	rogue_bytes(s.rogue, s.link, rogue_keep(s.rogue, buf_slice(&f)));
	scene_run(&s, 1);
	assert_int_equal(s.rogue->n_heard, heard + 3);
	buf_clear(&f);
	scene_close(&s);
}

/* 6940-6.6.2-D1: its frames on a connection are 0, 1, 2 ..; it takes any
 * start (CHOICE 11). */
static void test_sequences(void **state)
{
	const uint32_t starts[] = { 77, UINT32_C(0xfffffffe) };
	struct scene s;
	uint32_t seen, link;

	(void)state;
	scene_open(&s, 1);
	for (uint32_t k = 0; k < N_OF(starts); k++) {
		link = s.link = rogue_connect(s.rogue, s.peer[0]);
		for (uint32_t i = 0; i < 4; i++) {
			send_frame(&s, starts[k] + i, ping_bytes(&s));
			scene_run(&s, 1);
			assert_int_equal(link_now(&s)->n_acks, i + 1);
			assert_int_equal(link_now(&s)->last_ack.ack_sequence,
					 starts[k] + i);
		}
		seen = 0;
		for (struct heard *h = s.rogue->heard; h != NULL; h = h->next)
			if (h->link == link)
				assert_int_equal(h->sequence, seen++);
		assert_int_equal(seen, 4);
	}
	scene_close(&s);
}

/* 6940-6.6.2-R2: an ACK for each data frame, at once, with the bits of the 32
 * before it that have come (CHOICE 3). */
static void test_ack_window(void **state)
{
	static const struct {
		uint32_t sequence, received;
	} steps[] = {
		{ 100, 0 },
		{ 101, 0x1 },
		{ 103, 0x6 }, /* 102 is missing */
		{ 102, 0x3 }, /* late: what comes after it has no bit */
		{ 104, 0xf },
		{ 136, 0x80000000 }, /* 104 is the 32nd before it */
		{ 137, 0x1 },
		{ 103, 0x7 }, /* the same again */
	};
	struct scene s;
	uint64_t before;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(steps); i++) {
		send_frame(&s, steps[i].sequence, ping_bytes(&s));
		before = s.w->now_us;
		while (link_now(&s)->n_acks == i)
			world_run(s.w, 1000);
		/* Not later than the way there and back. */
		assert_true(s.w->now_us - before <= 41000);
		assert_int_equal(link_now(&s)->last_ack.ack_sequence,
				 steps[i].sequence);
		assert_int_equal(link_now(&s)->last_ack.received,
				 steps[i].received);
	}
	/* 33 more push all of those out. */
	for (uint32_t i = 0; i < 33; i++)
		send_frame(&s, 1000 + i, ping_bytes(&s));
	scene_run(&s, 1);
	assert_int_equal(link_now(&s)->last_ack.ack_sequence, 1032);
	assert_int_equal(link_now(&s)->last_ack.received, 0xffffffff);
	send_frame(&s, 138, ping_bytes(&s));
	scene_run(&s, 1);
	assert_int_equal(link_now(&s)->last_ack.received, 0);
	scene_close(&s);
}

/* Makes the peer send a frame that the rogue does not acknowledge. */
static void stall(struct scene *s)
{
	s->rogue->no_acks = true;
	scene_trace_forget(s->peer[0]);
	send_frame(s, 1, ping_bytes(s));
}

/* 6940-6.6.5-R1: an RTO without ACK takes the link out, an ACK brings it back,
 * 30 s more close it. */
static void test_suspect(void **state)
{
	struct scene s;
	struct host *p;
	uint64_t sent, out;

	(void)state;
	scene_open(&s, 1);
	p = s.peer[0];
	send_frame(&s, 0, ping_bytes(&s));
	scene_run(&s, 1); /* measured: an RTO of a second, the least there is */
	stall(&s);
	sent = scene_trace_wait(&s, p, "send ping_ans");
	out = scene_trace_wait(&s, p, " suspect");
	assert_int_equal(out - sent, SECOND_US);
	/* Back after 29 s. */
	scene_run(&s, 29);
	assert_false(scene_traced(p, " closed"));
	send_ack(&s, 1);
	scene_run(&s, 0.1);
	assert_true(scene_traced(p, " back"));
	scene_run(&s, 5);
	assert_false(scene_traced(p, " closed"));
	/* And once more, to the end. */
	stall(&s);
	out = scene_trace_wait(&s, p, " suspect");
	assert_int_equal(scene_trace_wait(&s, p, "closed TIMEOUT") - out,
			 30 * SECOND_US);
	scene_run(&s, 1);
	assert_false(link_now(&s)->up);
	scene_close(&s);
}

/* 6940-6.6.5-R1: the RTO is RFC 6298's: before any round trip a second, after a
 * first one of R it is R + 4 * R/2. */
static void test_rto(void **state)
{
	struct scene s;
	struct host *p;
	uint64_t sent;

	(void)state;
	scene_make(&s, 1);
	s.w->net.opt.delay_min_us = s.w->net.opt.delay_max_us = 400000;
	scene_start(&s);
	p = s.peer[0];
	scene_trace_forget(p);
	send_frame(&s, 0, ping_bytes(&s));
	scene_run(&s, 3);
	assert_true(scene_traced(p, "send ping_ans"));
	assert_false(scene_traced(p, " suspect"));
	stall(&s);
	sent = scene_trace_wait(&s, p, "send ping_ans");
	assert_int_equal(scene_trace_wait(&s, p, " suspect") - sent,
			 (800 + 4 * 400) * 1000);
	scene_close(&s);
}

/* 6940-6.6.5-R1: before any round trip is measured the RTO is a second. */
static void test_rto_first(void **state)
{
	struct scene s;
	uint64_t sent;

	(void)state;
	scene_open(&s, 1);
	stall(&s);
	sent = scene_trace_wait(&s, s.peer[0], "send ping_ans");
	assert_int_equal(scene_trace_wait(&s, s.peer[0], " suspect") - sent,
			 SECOND_US);
	scene_close(&s);
}

/* ACKs of what was never sent change nothing. */
static void test_foreign_acks(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	send_frame(&s, 0, ping_bytes(&s));
	scene_run(&s, 1);
	stall(&s);
	scene_run(&s, 0.1);
	send_ack(&s, 0);
	send_ack(&s, 2);
	send_ack(&s, 0xffffffff);
	(void)scene_trace_wait(&s, s.peer[0], " suspect");
	assert_false(scene_traced(s.peer[0], " back"));
	scene_close(&s);
}

/* Announces a message of `len` bytes and sends `bytes` of it. */
static void announce(struct scene *s, size_t len, struct slice bytes)
{
	struct buf b = BUF_INIT(1 << 20);

	assert_ok(buf_append_u8(&b, FRAME_DATA));
	assert_ok(buf_append_uint(&b, 0, 4));
	assert_ok(buf_append_uint(&b, len, 3));
	assert_ok(buf_append_slice(&b, bytes));
	rogue_bytes(s->rogue, s->link, rogue_keep(s->rogue, buf_slice(&b)));
	buf_clear(&b);
}

/* 6940-6.6-R2: told as soon as it is announced, and closed. */
static void test_too_large(void **state)
{
	struct scene s;
	struct draft d;
	const struct heard *h;
	struct slice ping;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, &s.peer[0]->signer.node_id);
	ping = draft_encode(&d);
	announce(&s, s.w->overlay->max_message_size + 1,
		 slice_sub(ping, 0, 38 + 18 + 2));
	h = rogue_answer(s.rogue, d.header.transaction_id, SECOND_US);
	assert_non_null(h);
	assert_int_equal(heard_error(s.rogue, h), ERROR_MESSAGE_TOO_LARGE);
	scene_run(&s, 1);
	assert_false(link_now(&s)->up);
	scene_close(&s);
}

/* 6940-6.6-R2: the header alone is larger: closed without a word.  The same for
 * what is no request, or no header at all. */
static void test_too_large_silently(void **state)
{
	static const struct {
		const char *name;
		size_t at;     /* this byte .. */
		uint8_t value; /* .. becomes this */
	} cases[] = {
		{ "Via List of 65298 bytes", 32, 0xff },
		{ "another token", 0, 0 },
		{ "an answer", 38 + 18 + 1, MSG_PING_ANS },
	};
	struct scene s;
	uint8_t bytes[38 + 18 + 2];
	uint32_t heard;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		s.link = rogue_connect(s.rogue, s.peer[0]);
		heard = s.rogue->n_heard;
		memcpy(bytes, ping_bytes(&s).p, sizeof(bytes));
		bytes[cases[i].at] = cases[i].value;
		announce(&s, 0xffffff, slice_of(bytes, sizeof(bytes)));
		scene_run(&s, 1);
		if (link_now(&s)->up || s.rogue->n_heard != heard)
			fail_msg("%s", cases[i].name);
	}
	scene_close(&s);
}

/* What is no frame closes the link; the peer goes on. */
static void test_garbage(void **state)
{
	static const uint8_t types[] = { 0, 1, 127, 130, 255, 'G' };
	struct scene s;
	struct draft d;
	uint8_t bytes[64] = { 0 };

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(types); i++) {
		s.link = rogue_connect(s.rogue, s.peer[0]);
		bytes[0] = types[i];
		rogue_bytes(s.rogue, s.link, slice_of(bytes, sizeof(bytes)));
		scene_run(&s, 1);
		assert_false(link_now(&s)->up);
	}
	s.link = rogue_connect(s.rogue, s.peer[0]);
	scene_ping_node(&s, &d, &s.peer[0]->signer.node_id);
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

/* A frame whose message is no message is acknowledged and dropped. */
static void test_no_message(void **state)
{
	static const char *const messages[] = { "", "x",
						"\xd2\x45\x4c\x4f and more" };
	struct scene s;
	uint32_t heard;

	(void)state;
	scene_open(&s, 1);
	heard = s.rogue->n_heard;
	for (uint32_t i = 0; i < N_OF(messages); i++) {
		send_frame(&s, i, slice_str(messages[i]));
		scene_run(&s, 1);
		assert_int_equal(link_now(&s)->n_acks, i + 1);
	}
	assert_int_equal(s.rogue->n_heard, heard);
	assert_true(link_now(&s)->up);
	scene_close(&s);
}

/* A link counts as up at the first frame or ACK, not before. */
static void test_up(void **state)
{
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	scene_trace_forget(s.peer[0]);
	s.link = rogue_connect(s.rogue, s.peer[0]);
	scene_run(&s, 5);
	assert_true(scene_traced(s.peer[0], " open 80000000"));
	assert_false(scene_traced(s.peer[0], " up"));
	send_frame(&s, 0, ping_bytes(&s));
	(void)scene_trace_wait(&s, s.peer[0], " up");
	scene_close(&s);
}

/* 6940-11.1-R11: open links of a node that a document calls bad are closed,
 * and it gets no other. */
static void test_bad_node(void **state)
{
	struct scene s;
	struct overlay *o;
	uint32_t link;

	(void)state;
	scene_open(&s, 1);
	o = world_document(s.w);
	o->bad_nodes = arena_zalloc(&o->arena, 1, sizeof(*o->bad_nodes));
	assert_non_null(o->bad_nodes);
	o->bad_nodes[0] = s.rogue->host->signer.node_id;
	o->n_bad_nodes = 1;
	host_configure(s.peer[0], o);
	assert_true(scene_traced(s.peer[0], "closed BAD_NODE"));
	scene_run(&s, 1);
	assert_false(link_now(&s)->up);
	link = rogue_connect(s.rogue, s.peer[0]);
	scene_run(&s, 1);
	assert_true(link == 0 || !rogue_link(s.rogue, link)->up);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_sequences),
		cmocka_unit_test(test_ack_window),
		cmocka_unit_test(test_suspect),
		cmocka_unit_test(test_rto),
		cmocka_unit_test(test_rto_first),
		cmocka_unit_test(test_foreign_acks),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_large_silently),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_no_message),
		cmocka_unit_test(test_up),
		cmocka_unit_test(test_bad_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
