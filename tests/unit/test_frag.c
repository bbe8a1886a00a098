/* SPDX-License-Identifier: ISC */
/*
 * Messages cut into fragments and put together.  RFC 6940 s6.7.
 */
#include "scene.h"

#include "core/frag.h"
#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

enum { PADDING = 3000 };

static uint8_t padding[PADDING];

/* A PingReq of about PADDING bytes from the rogue, as packet. */
static void big_ping(struct scene *s, const struct node_id *to, struct draft *d,
		     struct packet *p)
{
	const struct ping_req ping = { slice_of(padding, sizeof(padding)) };
	struct slice bytes;

	draft_init(d, s->rogue, MSG_PING_REQ);
	draft_to_node(d, to);
	draft_body(d, &wire_type_ping_req, &ping);
	bytes = draft_encode(d);
	assert_ok(packet_decode(p, bytes, &s->rogue->arena, &s->w->env));
}

/* Sends bytes [from, to) of a packet's payload as a fragment. */
static void send_part(struct scene *s, const struct packet *whole, size_t from,
		      size_t to)
{
	struct packet p = *whole;
	struct buf b = BUF_INIT(1 << 20);

	p.payload = slice_sub(whole->payload, from, to - from);
	p.header.fragment = FRAGMENT_MARK | (uint32_t)from;
	if (to == whole->payload.len)
		p.header.fragment |= FRAGMENT_LAST;
	assert_ok(packet_encode(&p, &b, &s->w->env));
	rogue_frame(s->rogue, s->link, rogue_keep(s->rogue, buf_slice(&b)));
	buf_clear(&b);
}

/* Sends a packet as the fragment at an offset, not the last. */
static void send_part_at(struct scene *s, const struct packet *whole,
			 uint32_t from)
{
	struct packet p = *whole;
	struct buf b = BUF_INIT(1 << 20);

	p.header.fragment = FRAGMENT_MARK | from;
	assert_ok(packet_encode(&p, &b, &s->w->env));
	rogue_frame(s->rogue, s->link, rogue_keep(s->rogue, buf_slice(&b)));
	buf_clear(&b);
}

static bool answered(struct scene *s, const struct draft *d)
{
	return rogue_answer(s->rogue, d->header.transaction_id, SECOND_US) !=
	       NULL;
}

/* ---- putting together ---- */

/* RFC 6940 s6.1.2: a node with several Node-IDs may Ping before it attaches, in
 * fragments too; the later ones do not say what they are. */
static void test_before_attach(void **state)
{
	const struct node_id ids[] = { scene_id(0x80), scene_id(0x81) };
	const struct toy_spec spec = { .user = "rogue",
				       .node_ids = ids,
				       .n_node_ids = 2,
				       .not_after_ms = UINT64_MAX };
	struct scene s;
	struct draft d;
	struct packet p;

	(void)state;
	scene_make(&s, 2);
	host_certify(s.rogue->host, &spec);
	scene_start(&s);
	big_ping(&s, ID_OF(s.peer[1]), &d, &p);
	send_part(&s, &p, 0, 1000);
	send_part(&s, &p, 1000, p.payload.len);
	assert_true(answered(&s, &d));
	scene_close(&s);
}

/* 6940-6.7-R6: any order, duplicates and overlaps that agree. */
static void test_orders(void **state)
{
	static const struct {
		const char *name;
		bool whole;
		struct {
			size_t from, to; /* `to` 0: the end */
		} parts[8];
	} cases[] = {
		{ "in order",
		  true,
		  { { 0, 1000 }, { 1000, 2000 }, { 2000, 0 } } },
		{ "reversed",
		  true,
		  { { 2000, 0 }, { 1000, 2000 }, { 0, 1000 } } },
		{ "the last before the middle",
		  true,
		  { { 0, 1000 }, { 2000, 0 }, { 1000, 2000 } } },
		{ "twice",
		  true,
		  { { 0, 1000 },
		    { 0, 1000 },
		    { 2000, 0 },
		    { 2000, 0 },
		    { 1000, 2000 } } },
		{ "overlapping",
		  true,
		  { { 0, 1500 }, { 700, 2600 }, { 2100, 0 } } },
		{ "a bridge",
		  true,
		  { { 0, 300 }, { 600, 900 }, { 1200, 0 }, { 250, 1300 } } },
		{ "a gap",
		  false,
		  { { 0, 1000 }, { 1001, 2000 }, { 2000, 0 } } },
		{ "no beginning", false, { { 1, 1000 }, { 1000, 0 } } },
		{ "no code in the first", false, { { 0, 1 }, { 1, 0 } } },
		{ "no end", false, { { 0, 1000 }, { 1000, 3000 } } },
	};
	struct scene s;
	struct draft d;
	struct packet p;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		big_ping(&s, ID_OF(s.peer[0]), &d, &p);
		for (size_t k = 0;
		     cases[i].parts[k].from != 0 || cases[i].parts[k].to != 0;
		     k++)
			send_part(&s, &p, cases[i].parts[k].from,
				  cases[i].parts[k].to == 0
					  ? p.payload.len
					  : cases[i].parts[k].to);
		if (answered(&s, &d) != cases[i].whole)
			fail_msg("%s", cases[i].name);
	}
	scene_close(&s);
}

/* 6940-6.7-R6: pieces that disagree make no message, whichever came first. */
static void test_disagreement(void **state)
{
	struct scene s;
	struct draft d;
	struct packet p, other;

	(void)state;
	scene_open(&s, 1);
	for (int first = 0; first < 2; first++) {
		big_ping(&s, ID_OF(s.peer[0]), &d, &p);
		other = p;
		other.payload = rogue_keep(
			s.rogue, slice_of(p.payload.p, p.payload.len));
		((uint8_t *)(uintptr_t)other.payload.p)[900] ^= 1;
		send_part(&s, first ? &other : &p, 0, 1000);
		send_part(&s, first ? &p : &other, 800, 2000);
		send_part(&s, &p, 2000, p.payload.len);
		scene_trace_forget(s.peer[0]);
		assert_false(answered(&s, &d));
		/* Not for its signature, which was never looked at. */
		assert_true(scene_traced(s.peer[0], ": MALFORMED"));
		assert_false(scene_traced(s.peer[0], ": SIGNATURE"));
	}
	/* Two ends. */
	big_ping(&s, ID_OF(s.peer[0]), &d, &p);
	send_part(&s, &p, 1000, p.payload.len);
	other = p;
	other.payload.len -= 100;
	send_part(&s, &other, 1000, other.payload.len);
	send_part(&s, &p, 0, 1000);
	assert_false(answered(&s, &d));
	/* What it held is gone: nothing is left of any. */
	scene_run(&s, 16);
	assert_int_equal(s.peer[0]->node->reassemblies.n, 0);
	assert_int_equal(s.peer[0]->node->reassemblies.bytes, 0);
	scene_close(&s);
}

/* 6940-6.7-R4: what is missing 15 s later comes too late. */
static void test_timeout(void **state)
{
	struct scene s;
	struct draft d;
	struct packet p;

	(void)state;
	scene_open(&s, 1);
	for (int late = 0; late < 2; late++) {
		big_ping(&s, ID_OF(s.peer[0]), &d, &p);
		send_part(&s, &p, 0, 1000);
		scene_run(&s, late ? 15.1 : 14.8);
		send_part(&s, &p, 1000, p.payload.len);
		assert_true(answered(&s, &d) == (late == 0));
	}
	scene_run(&s, 16);
	assert_int_equal(s.peer[0]->node->reassemblies.n, 0);
	assert_int_equal(s.peer[0]->node->reassemblies.bytes, 0);
	scene_close(&s);
}

/* Beginnings of messages that never come whole, each of `len` bytes at least.
 */
static void flood(struct scene *s, uint32_t link, int n, uint32_t len)
{
	uint32_t own = s->link;
	struct draft d;
	struct packet p;

	s->link = link;
	for (int i = 0; i < n; i++) {
		big_ping(s, ID_OF(s->peer[0]), &d, &p);
		p.payload.len = 500;
		send_part_at(s, &p, len - 500);
	}
	s->link = own;
	scene_run(s, 1);
}

/* 6940-6.7-R5: beginnings without number: bounded memory, others are served,
 * and so are fragments when the flood is over. */
static void test_flood(void **state)
{
	const struct reassemblies *as;
	struct scene s;
	struct draft d;
	struct packet p;

	(void)state;
	scene_open(&s, 1);
	as = &s.peer[0]->node->reassemblies;
	flood(&s, s.link, 300, 1500);
	assert_int_equal(as->n, REASSEMBLIES_PER_LINK_MAX);
	assert_int_equal(as->bytes, REASSEMBLIES_PER_LINK_MAX * 1500);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	scene_run(&s, 16);
	assert_int_equal(as->bytes, 0);
	big_ping(&s, ID_OF(s.peer[0]), &d, &p);
	send_part(&s, &p, 0, 1000);
	send_part(&s, &p, 1000, p.payload.len);
	assert_true(answered(&s, &d));
	/* A link that ends takes along what it began. */
	flood(&s, s.link, 3, 1500);
	assert_int_equal(as->n, 3);
	rogue_close(s.rogue, s.link);
	scene_run(&s, 1);
	assert_int_equal(as->n, 0);
	assert_int_equal(as->bytes, 0);
	scene_close(&s);
}

/* 6940-6.7-R5: floods through many links, of many sets or of large ones: what
 * one more link has begun is not what makes room. */
static void test_floods(void **state)
{
	static const struct {
		uint32_t len;
		bool bytes; /* what runs out */
	} cases[] = { { 600, false }, { 59000, true } };
	enum { LINKS = 12 };
	const struct reassemblies *as;
	struct scene s;
	struct draft d;
	struct packet p;

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_open(&s, 1);
		as = &s.peer[0]->node->reassemblies;
		big_ping(&s, ID_OF(s.peer[0]), &d, &p);
		send_part(&s, &p, 0, 1000);
		scene_run(&s, 0.1);
		for (int k = 0; k < LINKS; k++) {
			uint32_t link = rogue_connect(s.rogue, s.peer[0]);

			assert_int_not_equal(link, 0);
			flood(&s, link, REASSEMBLIES_PER_LINK_MAX + 5,
			      cases[i].len);
		}
		if (cases[i].bytes)
			assert_in_range(as->bytes, REASSEMBLY_BYTES_MAX - 60000,
					REASSEMBLY_BYTES_MAX);
		else
			assert_int_equal(as->n, REASSEMBLIES_MAX);
		send_part(&s, &p, 1000, p.payload.len);
		assert_true(answered(&s, &d));
		scene_close(&s);
	}
}

/* 6940-6.7-R5: an offset far out costs no memory. */
static void test_far_offset(void **state)
{
	struct scene s;
	struct draft d;
	struct packet p;
	struct buf b = BUF_INIT(1 << 20);

	(void)state;
	scene_open(&s, 1);
	big_ping(&s, ID_OF(s.peer[0]), &d, &p);
	p.header.fragment = FRAGMENT_MARK | FRAGMENT_OFFSET;
	assert_ok(packet_encode(&p, &b, &s.w->env));
	rogue_frame(s.rogue, s.link, rogue_keep(s.rogue, buf_slice(&b)));
	scene_run(&s, 1);
	assert_int_equal(s.peer[0]->node->reassemblies.bytes, 0);
	buf_clear(&b);
	scene_close(&s);
}

/* 6940-6.7-R7: without the high bit it is no fragment and no message. */
static void test_high_bit(void **state)
{
	static const uint8_t words[][4] = { { 0x40, 0, 0, 0 },
					    { 0x40, 0, 1, 0 },
					    { 0, 0, 0, 0 },
					    { 0, 0, 1, 0 } };
	struct scene s;
	struct draft d;
	struct slice in;
	uint8_t *bytes;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(words); i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		in = draft_encode(&d);
		bytes = arena_zalloc(&s.rogue->arena, in.len, 1);
		memcpy(bytes, in.p, in.len);
		memcpy(bytes + 12, words[i], 4);
		rogue_frame(s.rogue, s.link, slice_of(bytes, in.len));
		assert_false(answered(&s, &d));
		assert_int_equal(s.peer[0]->node->reassemblies.n, 0);
	}
	scene_close(&s);
}

/* ---- cutting ---- */

/* 6940-6.7-R2, 6940-6.7-R3: how many pieces; none where a piece could not hold
 * 256 bytes. */
static void test_pieces(void **state)
{
	static const struct {
		size_t header, payload;
		uint32_t mtu, pieces;
	} cases[] = {
		{ 56, 3000, 0, 1 },       /* no limit */
		{ 56, 3000, 4000, 1 },    /* fits */
		{ 56, 944, 1000, 1 },     /* just */
		{ 56, 945, 1000, 2 },     /* not quite */
		{ 56, 912 * 2, 1000, 2 }, /* 1000 - 32 - 56 = 912 each */
		{ 56, 912 * 2 + 1, 1000, 3 },
		{ 56, 3000, 344, 12 }, /* 344 - 32 - 56 = 256: the least */
		{ 56, 3000, 343, 1 },
		{ 56, 3000, 10, 1 },
		{ 5000, 3000, 1500, 1 },
	};

	(void)state;
	for (size_t i = 0; i < N_OF(cases); i++)
		assert_int_equal(frag_pieces(cases[i].header, cases[i].payload,
					     cases[i].mtu),
				 cases[i].pieces);
}

/* The fragments of the last request that the rogue has heard. */
static uint32_t collect(struct rogue *r, struct heard *out[64])
{
	uint32_t n = 0;

	for (struct heard *h = r->heard; h != NULL; h = h->next) {
		if (h->whole)
			continue;
		assert_true(n < 64);
		out[n++] = h;
	}
	return n;
}

static bool same_lists(const struct forwarding_header *a,
		       const struct forwarding_header *b)
{
	if (a->via_list.n != b->via_list.n ||
	    a->destination_list.n != b->destination_list.n ||
	    a->options.n != b->options.n)
		return false;
	for (uint32_t i = 0; i < a->via_list.n; i++)
		if (!destination_eq(&a->via_list.v[i], &b->via_list.v[i]))
			return false;
	for (uint32_t i = 0; i < a->destination_list.n; i++)
		if (!destination_eq(&a->destination_list.v[i],
				    &b->destination_list.v[i]))
			return false;
	return true;
}

/* Sizes, offsets, bits and lists of a message's fragments. */
static void check_fragments(struct heard *const *h, uint32_t n, uint32_t mtu,
			    bool equal)
{
	uint32_t offset = 0, least = UINT32_MAX, most = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct forwarding_header *f = &h[i]->packet.header;
		uint32_t len = (uint32_t)h[i]->packet.payload.len;

		assert_int_equal(f->fragment & ~FRAGMENT_OFFSET,
				 FRAGMENT_MARK |
					 (i == n - 1 ? FRAGMENT_LAST : 0));
		assert_int_equal(f->fragment & FRAGMENT_OFFSET, offset);
		assert_int_equal(f->length, h[i]->bytes.len);
		assert_true(f->length <= mtu - FRAGMENT_SPARE);
		assert_true(i == n - 1 || len >= FRAGMENT_BODY_MIN);
		assert_true(same_lists(f, &h[0]->packet.header));
		offset += len;
		least = len < least ? len : least;
		most = len > most ? len : most;
	}
	if (equal)
		assert_true(most - least <= 1);
}

static const struct outcome *ping_rogue(struct scene *s, struct host *from,
					uint64_t *id)
{
	const struct ping_req ping = { slice_of(padding, sizeof(padding)) };
	struct destination to = destination_node(ID_OF(s->rogue->host));
	struct command c = { .type = CMD_REQUEST,
			     .message_code = MSG_PING_REQ,
			     .destination = { &to, 1 } };
	struct buf b = BUF_INIT(1 << 20);

	assert_ok(ping_req_encode(&ping, &b, &s->w->env));
	c.body = buf_slice(&b);
	*id = host_command(from, &c);
	buf_clear(&b);
	return NULL;
}

/* 6940-6.7-R2, 6940-6.7-R3, 6940-6.7-R6: what an originator cuts. */
static void test_cut(void **state)
{
	static const uint32_t mtus[] = { 344, 500, 1280, 1500 };
	struct heard *h[64];
	struct scene s;
	struct draft d;
	uint64_t command;
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < N_OF(mtus); i++) {
		scene_open(&s, 1);
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		(void)scene_answer(&s, &d, 0);
		s.peer[0]->node->links.last->mtu = mtus[i];
		(void)ping_rogue(&s, s.peer[0], &command);
		scene_run(&s, 1);
		n = collect(s.rogue, h);
		assert_true(n > 1);
		/* 12 pieces of about 256 bytes: the last holds what is left. */
		check_fragments(h, n, mtus[i], mtus[i] > 344);
		scene_close(&s);
	}
}

/* 6940-6.7-D1: a node on the way cuts again and does not put together: links
 * that shrink, and the destination has the whole. */
static void test_cut_again(void **state)
{
	struct heard *h[64];
	struct link *l;
	struct scene s;
	struct draft d;
	uint64_t command;
	uint32_t n;

	(void)state;
	scene_open(&s, 2);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	l = link_find(s.peer[1]->node, ID_OF(s.peer[0]));
	assert_non_null(l);
	l->mtu = 1280;
	s.peer[0]->node->links.last->mtu = 600;
	/* From peer 1 through peer 0, where the rogue is, to it. */
	(void)ping_rogue(&s, s.peer[1], &command);
	scene_run(&s, 1);
	n = collect(s.rogue, h);
	assert_true(n > 3);
	check_fragments(h, n, 600, false);
	assert_int_equal(s.peer[0]->node->reassemblies.n, 0);
	/* The other way: to peer 1 through peer 0, whose link shrinks. */
	l = link_find(s.peer[0]->node, ID_OF(s.peer[1]));
	assert_non_null(l);
	l->mtu = 400;
	{
		struct packet p;

		big_ping(&s, ID_OF(s.peer[1]), &d, &p);
		send_part(&s, &p, 0, 1700);
		send_part(&s, &p, 1700, p.payload.len);
		assert_true(answered(&s, &d));
	}
	scene_close(&s);
}

/* Over datagram links that lose records: 50,000 bytes in fragments, each sent
 * until it has come. */
static void test_datagrams(void **state)
{
	static uint8_t large[50000];
	const struct ping_req ping = { slice_of(large, sizeof(large)) };
	struct destination to;
	struct command c = { .type = CMD_REQUEST,
			     .message_code = MSG_PING_REQ,
			     .destination = { &to, 1 } };
	struct buf b = BUF_INIT(1 << 20);
	struct scene s;

	(void)state;
	scene_make_links(&s, 2, LINK_PROTOCOL_DTLS);
	s.w->net.opt.record_loss_permille = 50;
	s.w->net.opt.record_twice_permille = 20;
	scene_start(&s);
	to = destination_node(ID_OF(s.peer[0]));
	assert_ok(ping_req_encode(&ping, &b, &s.w->env));
	c.body = buf_slice(&b);
	assert_ok(host_do(s.peer[1], &c)->result.err);
	/* Once was enough. */
	assert_false(scene_traced(s.peer[0], "again"));
	scene_run(&s, 20);
	assert_int_equal(s.peer[0]->node->reassemblies.n, 0);
	buf_clear(&b);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before_attach),
		cmocka_unit_test(test_orders),
		cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_far_offset),
		cmocka_unit_test(test_high_bit),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_again),
		cmocka_unit_test(test_datagrams),
	};

	for (size_t i = 0; i < sizeof(padding); i++)
		padding[i] = (uint8_t)(i * 7 + i / 256);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
