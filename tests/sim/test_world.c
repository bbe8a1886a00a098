/* SPDX-License-Identifier: ISC */
/* The simulator itself: links, faults, toy certificates; and that its checker
 * of frames bites. */
#include "../unit/unit.h"

#include "check.h"
#include "rogue.h"
#include "wire/attach.h"
#include "wire/topology.h"

struct pair {
	struct world *w;
	struct rogue *a, *b;
};

static struct pair pair_new(void)
{
	struct world_options opt = { .seed = 7, .net.cut_permille = 700 };
	struct pair p = { .w = world_new(&opt) };

	p.a = rogue_new(p.w, "a@sim.example.org", NULL);
	p.b = rogue_new(p.w, "b@sim.example.org", NULL);
	return p;
}

static void pair_free(struct pair *p)
{
	rogue_free(p->a);
	rogue_free(p->b);
	world_free(p->w);
}

static void ping(struct pair *p, struct draft *d)
{
	struct ping_req body = { .padding = SLICE_LIT("pad") };

	draft_init(d, p->a, MSG_PING_REQ);
	draft_to_node(d, &p->b->host->signer.node_id);
	draft_body(d, &wire_type_ping_req, &body);
}

static void talk(void **state)
{
	struct pair p = pair_new();
	uint32_t link = rogue_connect(p.a, p.b->host);
	struct ping_ans body = { .response_id = 5 };
	const struct heard *h;
	struct draft d;

	(void)state;
	assert_int_not_equal(link, 0);
	ping(&p, &d);
	rogue_send(p.a, link, &d);
	h = rogue_hear(p.b, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	assert_ptr_equal(heard_signer(p.b, h), p.a->host);
	assert_int_not_equal(rogue_link_to(p.b, p.a->host), 0);
	draft_answer(&d, p.b, h, MSG_PING_ANS);
	draft_body(&d, &wire_type_ping_ans, &body);
	rogue_send(p.b, h->link, &d);
	h = rogue_answer(p.a, d.header.transaction_id, SECOND_US);
	assert_non_null(h);
	memset(&body, 0, sizeof(body));
	heard_body(p.a, h, &wire_type_ping_ans, &body);
	assert_int_equal(body.response_id, 5);
	world_run(p.w, SECOND_US);
	assert_int_equal(rogue_link(p.a, link)->n_acks, 1);
	pair_free(&p);
}

static void certify(struct pair *p, struct rogue *r, enum toy_issuer issuer,
		    uint64_t not_after_ms)
{
	struct node_id id = r->host->signer.node_id;
	struct toy_spec spec = { .issuer = issuer,
				 .user = "x",
				 .node_ids = &id,
				 .n_node_ids = 1,
				 .not_before_ms = 1,
				 .not_after_ms = not_after_ms };

	(void)p;
	host_certify(r->host, &spec);
}

static void handshakes(void **state)
{
	struct pair p = pair_new();
	uint64_t now_ms = world_unix_ms(p.w);
	uint32_t link;

	(void)state;
	certify(&p, p.b, TOY_FOREIGN, now_ms + DAY_MS);
	assert_int_equal(rogue_connect(p.a, p.b->host), 0);
	certify(&p, p.b, TOY_SELF, now_ms + DAY_MS);
	assert_int_equal(rogue_connect(p.a, p.b->host), 0);
	certify(&p, p.b, TOY_CA, now_ms - 1);
	assert_int_equal(rogue_connect(p.a, p.b->host), 0);
	certify(&p, p.b, TOY_CA, now_ms + DAY_MS);
	assert_int_not_equal(rogue_connect(p.a, p.b->host), 0);
	/* The one who calls is up first, and is told later. */
	certify(&p, p.a, TOY_FOREIGN, now_ms + DAY_MS);
	link = rogue_connect(p.a, p.b->host);
	assert_int_not_equal(link, 0);
	world_run(p.w, SECOND_US);
	assert_false(rogue_link(p.a, link)->up);
	assert_err(rogue_link(p.a, link)->err, ERR_TLS);
	pair_free(&p);
}

static enum verdict spoil(void *ctx, const struct sight *s, struct buf *message)
{
	const enum verdict *v = ctx;

	if (s->frame->type != FRAME_DATA)
		return NET_PASS;
	if (*v == NET_REPLACE)
		assert_ok(buf_append_slice(message, s->frame->message));
	if (*v == NET_REPLACE)
		message->p[message->len - 1] ^= 1;
	return *v;
}

static void verdicts(void **state)
{
	struct pair p = pair_new();
	uint32_t link = rogue_connect(p.a, p.b->host);
	enum verdict v = NET_DROP;
	const struct heard *h;
	struct slice sent;
	struct draft d;

	(void)state;
	net_watch_add(p.w, spoil, &v);
	ping(&p, &d);
	rogue_send(p.a, link, &d);
	assert_null(rogue_hear(p.b, MSG_PING_REQ, SECOND_US));
	assert_int_equal(rogue_link(p.a, link)->n_acks, 0);
	v = NET_SWALLOW;
	rogue_send(p.a, link, &d);
	assert_null(rogue_hear(p.b, MSG_PING_REQ, SECOND_US));
	assert_int_equal(rogue_link(p.a, link)->n_acks, 1);
	assert_int_equal(rogue_link(p.a, link)->last_ack.ack_sequence, 1);
	v = NET_REPLACE;
	sent = draft_encode(&d);
	rogue_frame(p.a, link, sent);
	h = rogue_hear(p.b, MSG_PING_REQ, SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->bytes.len, sent.len);
	assert_memory_not_equal(h->bytes.p, sent.p, sent.len);
	pair_free(&p);
}

static void partitions(void **state)
{
	struct pair p = pair_new();
	uint32_t link = rogue_connect(p.a, p.b->host);
	struct draft d;

	(void)state;
	net_split(p.w, 1);
	ping(&p, &d);
	rogue_send(p.a, link, &d);
	assert_null(rogue_hear(p.b, MSG_PING_REQ, 60 * SECOND_US));
	assert_int_equal(rogue_connect(p.a, p.b->host), 0);
	net_heal(p.w);
	assert_non_null(rogue_hear(p.b, MSG_PING_REQ, SECOND_US));
	net_cut(p.w, p.b->host, p.a->host);
	world_run(p.w, SECOND_US);
	assert_false(rogue_link(p.a, link)->up);
	assert_int_equal(net_links(p.a->host), 0);
	assert_int_equal(net_links(p.b->host), 0);
	pair_free(&p);
}

/* One rule broken: the checker must name it. */
static void bites(struct pair *p, struct check *c, uint32_t link,
		  const struct draft *d, const char *id)
{
	c->n_broken = 0;
	c->first[0] = '\0';
	rogue_send(p->a, link, d);
	if (strncmp(c->first, id, strlen(id)) != 0)
		print_message("wanted %s, got '%s'\n", id, c->first);
	assert_memory_equal(c->first, id, strlen(id));
}

static void bites_headers(void **state)
{
	struct pair p = pair_new();
	uint32_t link = rogue_connect(p.a, p.b->host);
	struct node_id far = { .b = { 1 } };
	struct forwarding_option option = { .type = 200, .flags = 1 };
	struct check c;
	struct draft d;

	(void)state;
	check_init(&c, p.w);
	c.quiet = c.rogues = true;
	ping(&p, &d);
	bites(&p, &c, link, &d, "");
	assert_int_equal(c.n_broken, 0);
	assert_int_equal(c.n_messages, 1);
	d.header.overlay ^= 1;
	bites(&p, &c, link, &d, "6940-6.3.2-R3");
	ping(&p, &d);
	d.header.fragment |= 0x01000000;
	bites(&p, &c, link, &d, "6940-6.3.2-R9");
	ping(&p, &d);
	d.header.ttl = 101;
	bites(&p, &c, link, &d, "6940-6.3.2-R7");
	ping(&p, &d);
	draft_to_node(&d, &far);
	bites(&p, &c, link, &d, "6940-6.1.1-R4");
	ping(&p, &d);
	draft_via(&d, &p.b->host->signer.node_id);
	bites(&p, &c, link, &d, "6940-6.3.2-D1");
	ping(&p, &d);
	d.identity_type = SIGNER_CERT_HASH_NODE_ID;
	bites(&p, &c, link, &d, "6940-6.3.4-R6");
	ping(&p, &d);
	d.spoil_signature = true;
	bites(&p, &c, link, &d, "6940-6.3.4-R2");
	ping(&p, &d);
	d.without_certificates = true;
	bites(&p, &c, link, &d, "6940-6.3.4-R2");
	ping(&p, &d);
	d.identity_type = SIGNER_NONE;
	bites(&p, &c, link, &d, "6940-6.3-R1");
	ping(&p, &d);
	for (int i = 0; i < 5; i++)
		bites(&p, &c, link, &d, "");
	bites(&p, &c, link, &d, "6940-6.2.1-R4");
	ping(&p, &d);
	bites(&p, &c, link, &d, "");
	d.contents.message_body = SLICE_LIT("\0\1x");
	bites(&p, &c, link, &d, "6940-6.3.2-R10");
	draft_init(&d, p.a, MSG_PING_ANS);
	draft_to_node(&d, &p.b->host->signer.node_id);
	draft_body(&d, &wire_type_ping_ans, &(struct ping_ans){ 0 });
	d.header.options.v = &option;
	d.header.options.n = 1;
	bites(&p, &c, link, &d, "6940-6.3.2.3-R2");
	d.header.options.n = 0;
	d.header.max_response_length = 1;
	bites(&p, &c, link, &d, "6940-6.3.2-R11");
	pair_free(&p);
	check_clear(&c);
}

static void bites_bodies(void **state)
{
	struct pair p = pair_new();
	uint32_t link = rogue_connect(p.a, p.b->host);
	struct node_id self = p.a->host->signer.node_id;
	struct node_id other = p.b->host->signer.node_id;
	struct join_req join = { .joining_peer_id = other };
	struct chord_update update = { .type = CHORD_UPDATE_NEIGHBORS,
				       .successors = { &self, 1 } };
	struct attach_req_ans attach = { .role = SLICE_LIT("active") };
	struct stored_data value = { .value.exists = true };
	struct node_id resource;
	struct check c;
	struct draft d;

	(void)state;
	check_init(&c, p.w);
	c.quiet = c.rogues = true;
	p.a->host->cfg.role = ROLE_PEER;
	ping(&p, &d);
	d.contents.message_code = MSG_JOIN_REQ;
	draft_body(&d, &wire_type_join_req, &join);
	bites(&p, &c, link, &d, "6940-6.4.2.1-R2");
	ping(&p, &d);
	d.contents.message_code = MSG_UPDATE_REQ;
	draft_body(&d, &wire_type_chord_update, &update);
	bites(&p, &c, link, &d, "6940-10.7.3-R3");
	p.a->host->cfg.role = ROLE_CLIENT;
	ping(&p, &d);
	d.contents.message_code = MSG_UPDATE_REQ;
	draft_body(&d, &wire_type_chord_update, &update);
	bites(&p, &c, link, &d, "6940-4.2.2-D1");
	ping(&p, &d);
	d.contents.message_code = MSG_ATTACH_REQ;
	draft_body(&d, &wire_type_attach_req_ans, &attach);
	bites(&p, &c, link, &d, "6940-6.5.1.1-R2");
	world_resource(p.w, "a@sim.example.org", &resource);
	ping(&p, &d);
	draft_store(&d, &resource, USER_VALUE, 0, 1, &value, 1);
	p.a->host->cfg.role = ROLE_PEER;
	bites(&p, &c, link, &d, "6940-7.4.1.1-R11");
	ping(&p, &d);
	draft_store(&d, &resource, USER_VALUE, 1, 3, &value, 1);
	bites(&p, &c, link, &d, "6940-10.4-R1");
	pair_free(&p);
	check_clear(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(talk),          cmocka_unit_test(handshakes),
		cmocka_unit_test(verdicts),      cmocka_unit_test(partitions),
		cmocka_unit_test(bites_headers), cmocka_unit_test(bites_bodies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
