/* SPDX-License-Identifier: ISC */
/*
 * Requests at their destination: verified, matched with the configuration,
 * answered once and again.  RFC 6940 s6.2.1, s6.3, s6.4.2.5, s6.5.2, s6.5.3.
 */
#include "scene.h"

#include "core/state.h"

#define ID_OF(host) (&(host)->signer.node_id)

/* ---- retransmissions ---- */

/* 6940-6.2.1-R5: the same request within 15 s gets the same answer, signed
 * once; a later one is a request of its own. */
static void test_again(void **state)
{
	const struct heard *h, *first;
	struct slice bytes;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	first = scene_answer(&s, &d, 0);
	bytes = draft_encode(&d);
	for (int i = 0; i < 4; i++) {
		for (struct heard *k = s.rogue->heard; k != NULL; k = k->next)
			k->taken = true;
		rogue_frame(s.rogue, s.link, bytes);
		h = rogue_hear(s.rogue, MSG_PING_ANS, SECOND_US);
		assert_non_null(h);
		assert_int_equal(h->packet.header.transaction_id,
				 d.header.transaction_id);
		assert_slice_equal(h->packet.payload, first->packet.payload);
		scene_run(&s, 2);
	}
	assert_true(scene_traced(s.peer[0], "again "));
	scene_run(&s, 25);
	rogue_frame(s.rogue, s.link, bytes);
	h = rogue_hear(s.rogue, MSG_PING_ANS, SECOND_US);
	assert_non_null(h);
	assert_false(slice_eq(h->packet.payload, first->packet.payload));
	/* All of it is forgotten in the end. */
	scene_run(&s, 40);
	assert_int_equal(s.peer[0]->node->requests.n_answers, 0);
	assert_int_equal(s.peer[0]->node->requests.answer_bytes, 0);
	scene_close(&s);
}

/* Another path, another Via List, the same answer by the new way. */
static void test_again_by_another_way(void **state)
{
	const struct heard *a, *b;
	struct scene s;
	struct draft d;
	uint32_t link;

	(void)state;
	scene_open(&s, 2);
	link = rogue_connect(s.rogue, s.peer[1]);
	scene_ping_node(&s, &d, ID_OF(s.peer[1]));
	a = scene_answer(&s, &d, 0);
	for (struct heard *k = s.rogue->heard; k != NULL; k = k->next)
		k->taken = true;
	(void)rogue_send(s.rogue, link, &d);
	b = rogue_hear(s.rogue, MSG_PING_ANS, SECOND_US);
	assert_non_null(b);
	assert_int_equal(b->link, link);
	assert_slice_equal(b->packet.payload, a->packet.payload);
	scene_close(&s);
}

/* The same transaction ID of another node is another request. */
static void test_again_by_another_node(void **state)
{
	const struct node_id id = scene_id(0x81);
	const struct toy_spec spec = { .user = "other",
				       .key = 99,
				       .node_ids = &id,
				       .n_node_ids = 1,
				       .not_after_ms = UINT64_MAX };
	const struct heard *first, *other;
	struct signer signer;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	assert_ok(toy_signer_init(&s.w->toy, &spec, &signer));
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	first = scene_answer(&s, &d, 0);
	for (struct heard *k = s.rogue->heard; k != NULL; k = k->next)
		k->taken = true;
	d.signer = &signer;
	(void)rogue_send(s.rogue, s.link, &d);
	other = rogue_hear(s.rogue, MSG_PING_ANS, SECOND_US);
	assert_non_null(other);
	assert_false(slice_eq(other->packet.payload, first->packet.payload));
	toy_signer_clear(&s.w->toy, &signer);
	scene_close(&s);
}

/* ---- who signed ---- */

/* 6940-6.3.4-R8, 6940-6.3-R1, 6940-11.1-R11: what does not verify gets silence,
 * and does nothing. */
static void test_unverified(void **state)
{
	static const char *const cases[] = {
		"no certificate", "signature", "no identity", "foreign CA",
		"expired",        "not yet",   "bad node",
	};
	const struct node_id id = scene_id(0x80), bad = scene_id(0x81);
	struct toy_spec spec = { .user = "rogue",
				 .key = 99,
				 .node_ids = &id,
				 .n_node_ids = 1,
				 .not_after_ms = UINT64_MAX };
	struct signer signer;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	s.w->overlay->bad_nodes = arena_zalloc(&s.w->overlay->arena, 1,
					       sizeof(bad));
	s.w->overlay->bad_nodes[0] = bad;
	s.w->overlay->n_bad_nodes = 1;
	scene_start(&s);
	for (size_t i = 0; i < N_OF(cases); i++) {
		struct toy_spec one = spec;

		one.issuer = i == 3 ? TOY_FOREIGN : TOY_CA;
		if (i == 4)
			one.not_after_ms = world_unix_ms(s.w) - 1;
		if (i == 5)
			one.not_before_ms = world_unix_ms(s.w) + DAY_MS;
		if (i == 6)
			one.node_ids = &bad;
		assert_ok(toy_signer_init(&s.w->toy, &one, &signer));
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		d.signer = &signer;
		d.without_certificates = i == 0;
		d.spoil_signature = i == 1;
		if (i == 2)
			d.identity_type = SIGNER_NONE;
		scene_trace_forget(s.peer[0]);
		if (rogue_answer(s.rogue, rogue_send(s.rogue, s.link, &d),
				 5 * SECOND_US) != NULL ||
		    scene_traced(s.peer[0], "recv"))
			fail_msg("%s", cases[i]);
		toy_signer_clear(&s.w->toy, &signer);
	}
	/* The handshake's certificate is known: it need not come again. */
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.without_certificates = true;
	(void)scene_answer(&s, &d, 0);
	/* With nothing wrong, the same certificate is heard. */
	assert_ok(toy_signer_init(&s.w->toy, &spec, &signer));
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.signer = &signer;
	(void)scene_answer(&s, &d, 0);
	toy_signer_clear(&s.w->toy, &signer);
	scene_close(&s);
}

/* A certificate expires in mid-run: what it signs does not count any more. */
static void test_expires(void **state)
{
	const struct node_id id = scene_id(0x80);
	struct toy_spec spec = { .user = "rogue",
				 .node_ids = &id,
				 .n_node_ids = 1 };
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	spec.not_after_ms = world_unix_ms(s.w) + 120 * 1000;
	host_certify(s.rogue->host, &spec);
	scene_start(&s);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	(void)scene_answer(&s, &d, 0);
	scene_run(&s, 120);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	scene_silence(&s, &d);
	scene_close(&s);
}

/* 6940-6.3.4-R6: cert_hash and cert_hash_node_id are both taken (CHOICE 13),
 * and each certificate is named as its number of Node-IDs asks for. */
static void test_identities(void **state)
{
	static const uint8_t types[] = { SIGNER_CERT_HASH,
					 SIGNER_CERT_HASH_NODE_ID };
	const struct node_id ids[] = { scene_id(0x20), scene_id(0x21) };
	const struct toy_spec spec = { .user = "peer0",
				       .node_ids = ids,
				       .not_after_ms = UINT64_MAX };
	const struct signature *sig;
	struct scene s;
	struct draft d;

	(void)state;
	for (size_t n = 1; n <= 2; n++) {
		struct toy_spec one = spec;

		scene_make(&s, 1);
		one.n_node_ids = n;
		host_certify(s.peer[0], &one);
		scene_start(&s);
		for (size_t i = 0; i < N_OF(types); i++) {
			scene_ping_node(&s, &d, ID_OF(s.peer[0]));
			d.identity_type = types[i];
			sig = &scene_answer(&s, &d, 0)
				       ->message.security.signature;
			assert_int_equal(sig->identity.identity_type,
					 n == 1 ? SIGNER_CERT_HASH
						: SIGNER_CERT_HASH_NODE_ID);
			assert_int_equal(sig->identity.hash_alg, HASH_SHA256);
		}
		scene_close(&s);
	}
}

/* 6940-6.3.4-R2: the bucket has what verifies the message. */
static void test_bucket(void **state)
{
	const struct security_block *b;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	b = &scene_answer(&s, &d, 0)->message.security;
	assert_int_equal(b->certificates.n, 1);
	assert_int_equal(b->certificates.v[0].type, CERTIFICATE_X509);
	assert_slice_equal(b->certificates.v[0].certificate,
			   s.peer[0]->signer.cert->der);
	scene_close(&s);
}

/* ---- contents ---- */

/* 6940-6.3.3-R2. */
static void test_extensions(void **state)
{
	struct message_extension e = { .type = 4711,
				       .extension_contents = SLICE_LIT("x") };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.contents.extensions.v = &e;
	d.contents.extensions.n = 1;
	(void)scene_answer(&s, &d, 0);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	e.critical = true;
	d.contents.extensions.v = &e;
	d.contents.extensions.n = 1;
	(void)scene_answer(&s, &d, ERROR_UNKNOWN_EXTENSION);
	scene_close(&s);
}

/* 6940-6.3.3.1-R1, 6940-6.3.3.1-R2: a method that nobody has, and bodies that
 * do not decode: an error with words. */
static void test_bad_bodies(void **state)
{
	static const uint16_t codes[] = {
		MSG_PROBE_REQ,
		MSG_ATTACH_REQ,
		MSG_FETCH_REQ,
		MSG_STAT_REQ,
		MSG_STORE_REQ,
		MSG_FIND_REQ,
		MSG_ROUTE_QUERY_REQ,
		MSG_PING_REQ,
		MSG_APP_ATTACH_REQ,
		MSG_CONFIG_UPDATE_REQ,
		5,
		0xb,
		0x23,
		0x7fff,
	};
	struct error_response e;
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(codes); i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		d.contents.message_code = codes[i];
		d.contents.message_body = SLICE_LIT("\x01\x02\x03");
		h = rogue_answer(s.rogue, rogue_send(s.rogue, s.link, &d),
				 5 * SECOND_US);
		if (h == NULL ||
		    h->message.contents.message_code != MSG_ERROR) {
			fail_msg("code %u", codes[i]);
			return;
		}
		heard_body(s.rogue, h, &wire_type_error_response, &e);
		if (e.error_code != ERROR_INVALID_MESSAGE ||
		    e.error_info.len == 0)
			fail_msg("code %u: error %u", codes[i], e.error_code);
	}
	scene_close(&s);
}

/* 6940-6.3.1.1-R3: contents that do not decode get no response. */
static void test_bad_contents(void **state)
{
	struct packet p;
	struct scene s;
	struct draft d;
	struct buf b = BUF_INIT(1 << 16);
	uint32_t heard;

	(void)state;
	scene_open(&s, 1);
	heard = s.rogue->n_heard;
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	assert_ok(packet_decode(&p, draft_encode(&d), &s.rogue->arena,
				&s.w->env));
	for (size_t len = 0; len < p.payload.len; len += 7) {
		struct packet cut = p;

		cut.payload.len = len;
		buf_reset(&b);
		assert_ok(packet_encode(&cut, &b, &s.w->env));
		rogue_frame(s.rogue, s.link,
			    rogue_keep(s.rogue, buf_slice(&b)));
	}
	scene_run(&s, 20);
	assert_int_equal(s.rogue->n_heard, heard);
	assert_true(rogue_link(s.rogue, s.link)->up);
	buf_clear(&b);
	scene_close(&s);
}

/* 6940-6.3.1.1-R3: an unknown type where the select may not be extended. */
static void test_unknown_types(void **state)
{
	const struct {
		uint16_t code;
		struct slice body;
	} cases[] = {
		/* A candidate of type 5, behind 6 bytes of address and port. */
		{ MSG_ATTACH_REQ,
		  SLICE_LIT("\0\0\7passive\0\x12\1\6\177\0\0\1\x17\xc4\4\1"
			    "1\0\0\0\1\5\0\0\0") },
		{ MSG_APP_ATTACH_REQ,
		  SLICE_LIT("\0\0\x13\xc4\7passive\0\x12\1\6\177\0\0\1\x17"
			    "\xc4\4\1"
			    "1\0\0\0\1\5\0\0") },
		{ MSG_UPDATE_REQ, SLICE_LIT("\0\0\0\1\4") },
	};
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		d.contents.message_code = cases[i].code;
		d.contents.message_body = cases[i].body;
		scene_trace_forget(s.peer[0]);
		scene_silence(&s, &d);
		assert_true(scene_traced(s.peer[0], "UNKNOWN_TYPE"));
	}
	scene_close(&s);
}

/* 6940-6.3.2-R11: honoured to the byte; CHOICE 20: Error_Response_Too_Large. */
static void test_max_response_length(void **state)
{
	const struct heard *h;
	struct scene s;
	struct draft d;
	uint32_t len;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	h = scene_answer(&s, &d, 0);
	len = (uint32_t)h->bytes.len;
	assert_int_equal(h->packet.header.max_response_length, 0);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.max_response_length = len;
	(void)scene_answer(&s, &d, 0);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.max_response_length = len - 1;
	(void)scene_answer(&s, &d, ERROR_RESPONSE_TOO_LARGE);
	scene_close(&s);
}

/* ---- configuration sequence ---- */

/* 6940-6.3.2.1-R3: both directions; one that is behind gets the document. */
static void test_sequence(void **state)
{
	struct config_update_req update;
	const struct heard *h;
	struct overlay *o;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	o = world_document(s.w);
	host_configure(s.peer[0], o);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.configuration_sequence = 1;
	(void)scene_answer(&s, &d, ERROR_CONFIG_TOO_OLD);
	h = rogue_hear(s.rogue, MSG_CONFIG_UPDATE_REQ, SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->packet.header.configuration_sequence, SEQUENCE_ANY);
	heard_body(s.rogue, h, &wire_type_config_update_req, &update);
	assert_int_equal(update.type, CONFIG_UPDATE_CONFIG);
	assert_slice_equal(update.config_data, o->document);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.configuration_sequence = 3;
	(void)scene_answer(&s, &d, ERROR_CONFIG_TOO_NEW);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.configuration_sequence = 2;
	(void)scene_answer(&s, &d, 0);
	scene_close(&s);
}

/* The same transaction with the right sequence is a new try, not a repetition
 * of the error. */
static void test_sequence_tried_again(void **state)
{
	const struct heard *h;
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	d.header.configuration_sequence = 2;
	(void)scene_answer(&s, &d, ERROR_CONFIG_TOO_NEW);
	d.header.configuration_sequence = 1;
	(void)rogue_send(s.rogue, s.link, &d);
	h = rogue_hear(s.rogue, MSG_PING_ANS, SECOND_US);
	assert_non_null(h);
	assert_int_equal(h->packet.header.transaction_id,
			 d.header.transaction_id);
	scene_close(&s);
}

/* ---- Ping, Probe, AppAttach ---- */

/* 6940-6.5.3-D1: to a Node-ID, a resource, the wildcard; padding; the answer's
 * random number and its time. */
static void test_ping(void **state)
{
	static uint8_t padding[50000];
	const struct ping_req large = { slice_of(padding, sizeof(padding)) };
	const struct node_id resource = scene_id(0x50);
	struct node_id wildcard;
	struct ping_ans ans[4];
	struct scene s;
	struct draft d[4];

	(void)state;
	scene_open(&s, 2);
	id_wildcard(&wildcard, RING_ID_LEN);
	scene_ping_node(&s, &d[0], ID_OF(s.peer[1]));
	scene_ping_resource(&s, &d[1], &resource);
	scene_ping_node(&s, &d[2], &wildcard);
	scene_ping_node(&s, &d[3], ID_OF(s.peer[1]));
	draft_body(&d[3], &wire_type_ping_req, &large);
	for (int i = 0; i < 4; i++) {
		heard_body(s.rogue, scene_answer(&s, &d[i], 0),
			   &wire_type_ping_ans, &ans[i]);
		assert_true(ans[i].time <= world_unix_ms(s.w));
		assert_true(ans[i].time + 100 > world_unix_ms(s.w));
		for (int k = 0; k < i; k++)
			assert_int_not_equal(ans[i].response_id,
					     ans[k].response_id);
	}
	scene_close(&s);
}

static void probe(struct scene *s, const char *types, struct probe_ans *ans)
{
	const struct probe_req req = { slice_str(types) };
	struct draft d;

	draft_init(&d, s->rogue, MSG_PROBE_REQ);
	draft_to_node(&d, ID_OF(s->peer[0]));
	draft_body(&d, &wire_type_probe_req, &req);
	heard_body(s->rogue, scene_answer(s, &d, 0), &wire_type_probe_ans, ans);
}

/* 6940-6.4.2.5-R2, 6940-6.4.2.5-R3: what is asked for and known, in that order.
 */
static void test_probe(void **state)
{
	static const struct {
		const char *asked, *told;
	} cases[] = {
		{ "\x01\x02\x03", "\x01\x02\x03" },
		{ "\x03\x02\x01", "\x03\x02\x01" },
		{ "\x02", "\x02" },
		{ "\x63\x03\xc8\x01", "\x03\x01" },
		{ "\x04", "" },
		{ "", "" },
	};
	struct probe_ans ans;
	struct scene s;

	(void)state;
	scene_open(&s, 1);
	for (size_t i = 0; i < N_OF(cases); i++) {
		probe(&s, cases[i].asked, &ans);
		assert_int_equal(ans.probe_info.n, strlen(cases[i].told));
		for (uint32_t k = 0; k < ans.probe_info.n; k++)
			assert_int_equal(ans.probe_info.v[k].type,
					 cases[i].told[k]);
	}
	scene_close(&s);
}

/* 6940-6.4.2.5-D1: shares of the ring, resources once each, seconds. */
static void test_probe_values(void **state)
{
	const uint8_t types[] = { PROBE_RESPONSIBLE_SET, PROBE_UPTIME };
	struct command c = { .type = CMD_PROBE,
			     .probe_types = (uint8_t *)(uintptr_t)types,
			     .n_probe_types = 2 };
	const struct probe_information *v;
	struct destination to;
	struct probe_ans ans;
	struct scene s;
	uint64_t sum = 0;

	(void)state;
	scene_open(&s, 4);
	c.destination = (struct destination_list){ &to, 1 };
	for (int i = 0; i < 4; i++) {
		to = destination_node(ID_OF(s.peer[i]));
		v = host_do(s.peer[0], &c)->result.probe->probe_info.v;
		sum += v[0].value;
		assert_true(v[1].value <= s.w->now_us / SECOND_US);
		assert_true(v[1].value >= 30);
	}
	assert_true(sum >= 999999990 && sum <= 1000000000);
	probe(&s, "\x02", &ans);
	assert_int_equal(ans.probe_info.v[0].value, 0);
	scene_close(&s);
}

/* 6940-6.5.2-R3. */
static void test_app_attach(void **state)
{
	const struct app_attach_req_ans body = { .role = SLICE_LIT("passive"),
						 .application = 5060 };
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	draft_init(&d, s.rogue, MSG_APP_ATTACH_REQ);
	draft_to_node(&d, ID_OF(s.peer[0]));
	draft_body(&d, &wire_type_app_attach_req_ans, &body);
	(void)scene_answer(&s, &d, ERROR_NOT_FOUND);
	scene_close(&s);
}

/* ---- limits ---- */

/* More answers than are remembered: the oldest go, all are given. */
static void test_answers_max(void **state)
{
	struct scene s;
	struct draft d;

	(void)state;
	scene_open(&s, 1);
	for (int i = 0; i < ANSWERS_MAX + 100; i++) {
		scene_ping_node(&s, &d, ID_OF(s.peer[0]));
		(void)rogue_send(s.rogue, s.link, &d);
		if (i % 500 == 499)
			scene_run(&s, 0.1);
	}
	assert_non_null(
		rogue_answer(s.rogue, d.header.transaction_id, SECOND_US));
	assert_int_equal(s.peer[0]->node->requests.n_answers, ANSWERS_MAX);
	assert_true(s.peer[0]->node->requests.answer_bytes <=
		    ANSWERS_BYTES_MAX);
	scene_close(&s);
}

/* What a log says of messages. */
static void write_line(void *ctx, enum log_level level, const char *line)
{
	struct buf *b = ctx;

	(void)level;
	assert_ok(buf_printf(b, "%s\n", line));
}

static void test_log(void **state)
{
	struct buf lines = BUF_INIT(1 << 20);
	const struct log_sink sink = { write_line, &lines, LOG_MESSAGES };
	char text[256];
	struct slice ping;
	struct scene s;
	struct draft d;

	(void)state;
	scene_make(&s, 1);
	s.peer[0]->cfg.log = &sink;
	scene_start(&s);
	scene_ping_node(&s, &d, ID_OF(s.peer[0]));
	ping = draft_encode(&d);
	(void)scene_answer(&s, &d, 0);
	(void)snprintf(text, sizeof(text),
		       "recv ping_req %016llx "
		       "80000000000000000000000000000001 %zu bytes\n",
		       (unsigned long long)d.header.transaction_id, ping.len);
	assert_non_null(memmem(lines.p, lines.len, text, strlen(text)));
	(void)snprintf(text, sizeof(text), "send ping_ans %016llx ",
		       (unsigned long long)d.header.transaction_id);
	assert_non_null(memmem(lines.p, lines.len, text, strlen(text)));
	scene_close(&s);
	buf_clear(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_again_by_another_way),
		cmocka_unit_test(test_again_by_another_node),
		cmocka_unit_test(test_unverified),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_identities),
		cmocka_unit_test(test_bucket),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_bad_bodies),
		cmocka_unit_test(test_bad_contents),
		cmocka_unit_test(test_unknown_types),
		cmocka_unit_test(test_max_response_length),
		cmocka_unit_test(test_sequence),
		cmocka_unit_test(test_sequence_tried_again),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_values),
		cmocka_unit_test(test_app_attach),
		cmocka_unit_test(test_answers_max),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
