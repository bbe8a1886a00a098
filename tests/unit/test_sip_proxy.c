/* SPDX-License-Identifier: ISC */
/* The stateful proxy, with phones and a clock of the test's: sip/proxy.c,
 * branch.c, sipway.c, sipforward.c, sipedit.c, flowtoken.c.  RFC 3261 s9, s16,
 * s17, RFC 6026. */
#include "unit.h"

#include <stdio.h>

#include "sip/proxy.h"
#include "sip/sipreply.h"
#include "sip/sipway.h"
#include "sip/transaction.h"
#include "sip_text.h"

#define MS UINT64_C(1000)
#define S  UINT64_C(1000000)

enum { ALICE = 5001, BOB = 5002, BOB2 = 5003, BOB3 = 5004, STRANGER = 5009 };
enum { TLS_CONN = 100 }; /* connections from that number on are TLS */
/* Other peers of the ring, whose Node-IDs begin with it. */
enum { PEER = 6001, PEER2 = 6002 };

static struct arena arena = ARENA_INIT(1 << 24);
static struct registrar *reg;
static struct proxy *proxy;
static uint64_t now_us;
/* "bob" and "a.example", unless a test says otherwise. */
static const char *callee, *domain;

/* What has left, and to which port. */
enum { SENT_MAX = 64 };
static struct {
	uint16_t port;
	char text[4096];
} sent[SENT_MAX];
static size_t n_sent;
static uint32_t gone_conn; /* of which local() says that it is gone */

static uint16_t port_of(const struct node_id *node)
{
	return (uint16_t)(node->b[0] << 8 | node->b[1]);
}

static void on_send(void *ctx, const struct flow *to, struct slice bytes)
{
	(void)ctx;
	assert_true(n_sent < SENT_MAX);
	sent[n_sent].port = to->is_peer ? port_of(&to->node) : to->peer.port;
	snprintf(sent[n_sent].text, sizeof(sent[0].text), "%.*s",
		 (int)bytes.len, (const char *)bytes.p);
	n_sent++;
}

static bool on_local(void *ctx, const struct flow *f, struct proxy_local *out)
{
	(void)ctx;
	out->secure = f->is_peer || f->conn >= TLS_CONN;
	out->transport = out->secure                    ? "TLS"
			 : f->conn != 0 || f->is_server ? "TCP"
							: "UDP";
	snprintf(out->host, sizeof(out->host), "192.0.2.1:%s",
		 f->is_peer ? "7000" : "5060");
	return f->conn == 0 || f->conn != gone_conn;
}

/* A server by UDP, and by TCP at the next port. */
enum { SERVER = 7001 };

static bool on_large(void *ctx, const struct flow *f, struct flow *out)
{
	(void)ctx;
	if (!f->may_grow)
		return false;
	*out = *f;
	out->may_grow = false;
	out->is_server = true;
	out->peer.port++;
	return true;
}

static bool on_is_ours(void *ctx, struct slice host, uint16_t port)
{
	(void)ctx;
	return sipmsg_is(host, "192.0.2.1") &&
	       (port == 0 || port == 5060 || port == 7000);
}

static uint64_t looked_up; /* the token; 0: the overlay has no such names */
static bool has_overlay;
static enum err lookup_fails;

static enum err on_lookup(void *ctx, uint64_t token, struct slice uri)
{
	(void)ctx;
	assert_true(uri.len > 0);
	looked_up = token;
	return has_overlay ? lookup_fails : ERR_NOT_FOUND;
}

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	(void)ctx;
	(void)u;
	(void)lifetime_s;
	return OK;
}

static void on_answer(void *ctx, uint64_t token, unsigned status,
		      struct slice fields)
{
	(void)ctx;
	(void)token;
	(void)fields;
	assert_int_equal(status, 200);
}

static void add_user(const char *aor, const char *local)
{
	struct registrar_secret s = { 0 };
	struct registrar_user *u;

	assert_ok(digest_make_ha1(HEXHASH_MD5, slice_str(local), "a.example",
				  SLICE_LIT("secret"), s.local.v[HEXHASH_MD5]));
	assert_ok(digest_make_ha1(HEXHASH_MD5, slice_str(aor), "a.example",
				  SLICE_LIT("secret"), s.whole.v[HEXHASH_MD5]));
	assert_ok(registrar_add(reg, aor, &s, NULL, &u));
}

static bool redirects;

static int begin(void **state)
{
	struct registrar_config r = { .realm = "a.example",
				      .secret = { 7 },
				      .offer = { { HEXHASH_MD5 }, 1 },
				      .bounds = { 60, 3600 },
				      .is_ours = on_is_ours,
				      .store = on_store,
				      .answer = on_answer };
	struct proxy_config p = { .realm = "a.example",
				  .secret = { 9 },
				  .send = on_send,
				  .local = on_local,
				  .large = on_large,
				  .is_ours = on_is_ours,
				  .redirect = redirects,
				  .lookup = on_lookup };

	(void)state;
	now_us = 1000 * S;
	n_sent = 0;
	gone_conn = 0;
	callee = "bob";
	domain = "a.example";
	has_overlay = false;
	lookup_fails = OK;
	assert_ok(registrar_new(&reg, &r));
	p.registrar = reg;
	assert_ok(proxy_new(&proxy, &p));
	add_user("alice@a.example", "alice");
	add_user("bob@a.example", "bob");
	return 0;
}

static int begin_redirecting(void **state)
{
	redirects = true;
	(void)begin(state);
	redirects = false;
	return 0;
}

static int end(void **state)
{
	(void)state;
	proxy_free(proxy);
	registrar_free(reg);
	arena_free(&arena);
	return 0;
}

static struct flow flow_of(uint16_t port)
{
	struct flow f = { .peer = { .type = ADDRESS_IPV4,
				    .addr = { 198, 51, 100, 1 },
				    .port = port } };

	if (port == PEER || port == PEER2) {
		f.is_peer = true;
		f.node.b[0] = (uint8_t)(port >> 8);
		f.node.b[1] = (uint8_t)port;
	}
	f.may_grow = port == SERVER;
	f.is_server = port == SERVER + 1;
	return f;
}

/* ---- phones ---- */

/* Credentials for `method` by `user`, for the challenge in `fields`. */
static void authorize(char out[static 512], const char *name, const char *user,
		      const char *method, const char *fields)
{
	char nonce[64], ha1[HEXHASH_MAX], ha2[HEXHASH_MAX], h[HEXHASH_MAX];
	char text[512];
	struct slice s;

	assert_int_equal(sscanf(strstr(fields, "nonce="),
				"nonce=\"%63[0-9a-f]\"", nonce),
			 1);
	assert_ok(digest_make_ha1(HEXHASH_MD5, slice_str(user), "a.example",
				  SLICE_LIT("secret"), ha1));
	snprintf(text, sizeof(text), "%s:sip:a.example", method);
	s = slice_str(text);
	assert_ok(hexhash(HEXHASH_MD5, &s, 1, ha2));
	snprintf(text, sizeof(text), "%s:%s:00000001:x:auth:%s", ha1, nonce,
		 ha2);
	s = slice_str(text);
	assert_ok(hexhash(HEXHASH_MD5, &s, 1, h));
	snprintf(out, 512,
		 "%s: Digest username=\"%s\", realm=\"a.example\", nonce=\"%s\""
		 ", uri=\"sip:a.example\", response=\"%s\", qop=auth, "
		 "nc=00000001, "
		 "cnonce=\"x\"\r\n",
		 name, user, nonce, h);
}

/* Binds a contact of bob's. */
static void bind_bob(const char *contact, uint16_t port, uint32_t conn)
{
	struct flow f = flow_of(port);
	struct registrar_verdict v;
	char text[2048], auth[512] = "", fields[1024];
	static unsigned cseq;

	f.conn = conn;
	for (int i = 0; i < 2; i++) {
		struct sipmsg m;

		snprintf(text, sizeof(text),
			 SIP_REGISTER_BOB "Call-ID: r%u\r\nCSeq: %u REGISTER"
					  "\r\n%sContact: %s\r\n\r\n",
			 port, ++cseq, auth, contact);
		m = sip_text(text, &arena);
		now_us++;
		assert_ok(registrar_judge(reg, &m, &f, now_us, &v));
		if (v.status == 0)
			break;
		snprintf(fields, sizeof(fields), "%.*s", (int)v.fields.len,
			 (const char *)v.fields.p);
		registrar_verdict_clear(&v);
		authorize(auth, "Authorization", "bob", "REGISTER", fields);
	}
	{
		struct registrar_user *u = v.user;

		registrar_submit(reg, &v, 1, now_us);
		registrar_verdict_clear(&v);
		if (!registrar_idle(reg))
			registrar_stored(reg, u, OK, now_us);
	}
}

static char challenged[1024]; /* the fields of the last refusal */

/* A request comes, as front.c has it: the status of the answer, 0 when it was
 * passed on or needs none. */
static unsigned come(const char *text, uint16_t port)
{
	struct buf key = BUF_INIT(TRANSACTION_KEY_MAX), head = BUF_INIT(65536);
	struct buf fields = BUF_INIT(65536);
	struct flow f = flow_of(port), to;
	struct sipmsg m = sip_text(text, &arena);
	struct proxy_asked a = {
		.m = &m, .bytes = slice_str(text), .from = &f, .to = &to
	};
	bool mates = sipmsg_is(m.method, "ACK") ||
		     sipmsg_is(m.method, "CANCEL");
	unsigned status = 0;
	const char *words;

	assert_true(sipreply_possible(&m));
	assert_int_equal(sipreply_check(&m, &words), 0);
	assert_ok(transaction_key(&m, mates ? SLICE_LIT("INVITE") : m.method,
				  &key));
	assert_ok(sipreply_head(&m, &f, "ours", &head));
	sipreply_to(&m, &f, &to);
	a.key = buf_slice(&key);
	a.head = buf_slice(&head);
	if (sipmsg_is(m.method, "ACK"))
		proxy_ack(proxy, &a, now_us);
	else if (sipmsg_is(m.method, "CANCEL"))
		status = proxy_cancel(proxy, &m, a.key, now_us);
	else if (!proxy_again(proxy, a.key))
		assert_ok(proxy_request(proxy, &a, now_us, &status, &fields));
	snprintf(challenged, sizeof(challenged), "%.*s", (int)fields.len,
		 (const char *)fields.p);
	buf_clear(&key);
	buf_clear(&head);
	buf_clear(&fields);
	return status;
}

static unsigned branch;
static const char *scheme = "sip"; /* of whom alice asks for */

/* alice asks for the callee; `more` are fields of hers. */
static unsigned ask(const char *method, const char *more)
{
	static const char form[] =
		"%s %s:%s@%s SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 10.0.0.1;rport;branch=z9hG4bKa%u\r\n"
		"Max-Forwards: 9\r\nFrom: <sip:alice@a.example>;tag=f\r\n"
		"To: <sip:%s@a.example>\r\nCall-ID: call\r\nCSeq: %u %s\r\n"
		"X-Odd:  as  it was ;;\r\n%s%sContact: <sip:alice@10.0.0.1>\r\n"
		"Content-Length: 4\r\n\r\nbody";
	char text[4096], auth[512] = "";
	unsigned status;

	branch++;
	snprintf(text, sizeof(text), form, method, scheme, callee, domain,
		 branch, callee, branch, method, "", more);
	now_us++;
	status = come(text, ALICE);
	if (status != 407)
		return status;
	authorize(auth, "Proxy-Authorization", "alice", method, challenged);
	branch++;
	snprintf(text, sizeof(text), form, method, scheme, callee, domain,
		 branch, callee, branch, method, auth, more);
	return come(text, ALICE);
}

/* What was sent to a phone, the n-th from the end. */
static const char *got(uint16_t port, size_t n)
{
	for (size_t i = n_sent; i-- > 0;)
		if (sent[i].port == port && n-- == 0)
			return sent[i].text;
	return NULL;
}

static size_t count(uint16_t port)
{
	size_t n = 0;

	for (size_t i = 0; i < n_sent; i++)
		n += sent[i].port == port;
	return n;
}

static void assert_got(uint16_t port, const char *begin_with)
{
	const char *text = got(port, 0);

	if (text == NULL)
		fail_msg("nothing was sent to %u", port);
	else if (strncmp(text, begin_with, strlen(begin_with)) != 0)
		fail_msg("%u has got: %s", port, text);
}

/* A phone answers a request that it has got, with a tag of its own. */
static void answer(const char *request, uint16_t port, const char *line,
		   const char *more)
{
	struct sipmsg m = sip_text(request, &arena), r;
	char text[8192];
	size_t n = (size_t)snprintf(text, sizeof(text), "SIP/2.0 %s\r\n", line);

	for (size_t i = 0; i < m.n_fields; i++) {
		struct slice name = m.fields[i].name;

		if (!sipmsg_is(name, "Via") && !sipmsg_is(name, "From") &&
		    !sipmsg_is(name, "To") && !sipmsg_is(name, "CSeq") &&
		    !sipmsg_is(name, "Call-ID") &&
		    !sipmsg_is(name, "Record-Route"))
			continue;
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%.*s: %.*s",
				      (int)name.len, (const char *)name.p,
				      (int)m.fields[i].value.len,
				      (const char *)m.fields[i].value.p);
		n += (size_t)snprintf(
			text + n, sizeof(text) - n,
			sipmsg_is(name, "To") ? ";tag=t%u\r\n" : "\r\n", port);
	}
	snprintf(text + n, sizeof(text) - n, "%sl: 0\r\n\r\n", more);
	r = sip_text(text, &arena);
	proxy_response(proxy, &r, now_us);
}

static void later(uint64_t us)
{
	uint64_t until_us = now_us + us, at_us;

	while ((at_us = proxy_deadline(proxy)) <= until_us) {
		now_us = at_us > now_us ? at_us : now_us;
		proxy_expire(proxy, now_us);
	}
	now_us = until_us;
}

/* ---- who may ---- */

static void refused(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	/* An open relay for nobody. */
	assert_int_equal(come("INVITE sip:bob@a.example SIP/2.0\r\nVia: "
			      "SIP/2.0/UDP h\r\n"
			      "From: <sip:eve@b.example>;tag=1\r\nTo: "
			      "<sip:bob@a.example>"
			      "\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n",
			      STRANGER),
			 403);
	assert_int_equal(
		come("INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		     "h\r\n"
		     "From: <sip:alice@a.example>;tag=1\r\nTo: "
		     "<sip:bob@a.example"
		     ">;tag=2\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nRoute: "
		     "<sip:0123456789@192.0.2.1;lr>\r\n\r\n",
		     STRANGER),
		407);
	assert_int_equal(
		come("MESSAGE tel:+1 SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
		     "From: <sip:alice@a.example>;tag=1\r\nTo: <tel:+1>\r\n"
		     "Call-ID: 1\r\nCSeq: 1 MESSAGE\r\n\r\n",
		     STRANGER),
		416);
	assert_int_equal(
		come("INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		     "h\r\n"
		     "From: <sip:alice@a.example>;tag=1\r\nTo: "
		     "<sip:bob@a.example"
		     ">\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nMax-Forwards: 0\r\n"
		     "\r\n",
		     STRANGER),
		483);
	assert_int_equal(ask("INVITE", "Proxy-Require: foo\r\n"), 420);
	assert_string_equal(challenged, "Unsupported: foo\r\n");
	assert_int_equal(n_sent, 0);
	assert_int_equal(proxy_count(proxy), 0);
}

/* A caller who hides proves all the same to be one of ours. */
static void anonymous(void **state)
{
	static const struct {
		const char *user;
		unsigned status;
	} t[] = {
		{ "alice", 0 },
		{ "alice@a.example", 0 },
		{ "alice@b.example", 403 },
		{ "eve", 403 },
		{ "", 400 },
	};
	char text[1024], auth[512];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		auth[0] = '\0';
		for (unsigned n = 0; n < 2; n++) {
			snprintf(text, sizeof(text),
				 "MESSAGE sip:bob@a.example SIP/2.0\r\n"
				 "Via: SIP/2.0/UDP h;branch=z9hG4bKn%zu%u\r\n"
				 "From: <sip:anonymous@anonymous.invalid>;tag=1"
				 "\r\nTo: <sip:bob@a.example>\r\nCall-ID: "
				 "%zu\r\n"
				 "CSeq: %u MESSAGE\r\n%s\r\n",
				 i, n, i, n, auth);
			assert_int_equal(come(text, ALICE),
					 n == 0 ? 407 : t[i].status);
			if (n == 0)
				authorize(auth, "Proxy-Authorization",
					  t[i].user, "MESSAGE", challenged);
		}
		if (t[i].status == 0)
			assert_non_null(strstr(got(BOB, 0),
					       "<sip:anonymous@anonymous."
					       "invalid>;tag=1\r\n"));
		assert_null(strstr(got(BOB, 0), "alice"));
	}
}

static void nobody_there(void **state)
{
	(void)state;
	assert_int_equal(ask("INVITE", ""), 480);
	/* Its connection is gone, and nobody has noticed yet. */
	bind_bob("<sip:bob@10.0.0.2>", BOB, 3);
	gone_conn = 3;
	assert_int_equal(ask("INVITE", ""), 0);
	assert_got(ALICE, "SIP/2.0 480 ");
	assert_int_equal(count(BOB), 0);
}

/* ---- a call ---- */

static void call(void **state)
{
	char invite[4096], ok[4096], text[8192];
	const char *rr1, *rr2;

	(void)state;
	bind_bob("\"B\" <sip:bob@10.0.0.2:99;x=y>;q=0.5", BOB, 0);
	assert_int_equal(ask("INVITE", "Route: <sip:192.0.2.1;lr>, "
				       "<sip:A.example;lr>\r\n"
				       "Timestamp: 54\r\n"),
			 0);
	assert_int_equal(count(ALICE), 1);
	assert_got(ALICE, "SIP/2.0 100 ");
	assert_non_null(
		strstr(got(ALICE, 0), "\r\nTo: <sip:bob@a.example>\r\n"));
	assert_non_null(strstr(got(ALICE, 0), "\r\nTimestamp: 54\r\n"));
	strcpy(invite, got(BOB, 0));
	assert_memory_equal(invite,
			    "INVITE sip:bob@10.0.0.2:99;x=y SIP/2.0\r\n"
			    "Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch="
			    "z9hG4bK",
			    92);
	assert_non_null(
		strstr(invite, "\r\nVia: SIP/2.0/UDP 10.0.0.1;branch="));
	assert_non_null(
		strstr(invite, ";rport=5001;received=198.51.100.1\r\n"));
	assert_non_null(strstr(invite, "\r\nMax-Forwards: 8\r\n"));
	assert_non_null(strstr(invite, "\r\nX-Odd: as  it was ;;\r\n"));
	assert_non_null(strstr(invite, "Content-Length: 4\r\n\r\nbody"));
	assert_null(strstr(invite, "Proxy-Authorization"));
	assert_null(strstr(invite, "\r\nRoute:"));

	answer(invite, BOB, "180 Ringing now", "");
	assert_got(ALICE, "SIP/2.0 180 Ringing now\r\n");
	answer(invite, BOB, "200 OK", "Contact: <sip:bob@10.0.0.2:99>\r\n");
	assert_got(ALICE, "SIP/2.0 200 OK\r\n");
	strcpy(ok, got(ALICE, 0));
	assert_null(strstr(ok, "192.0.2.1:5060;rport"));
	assert_non_null(strstr(ok, "\r\nVia: SIP/2.0/UDP 10.0.0.1;branch="));

	/* The ACK takes the Routes backwards, and so does the BYE of bob's the
	 * way it is. */
	rr1 = strstr(ok, "Record-Route: ");
	assert_non_null(rr1);
	rr2 = strstr(rr1 + 1, "Record-Route: ");
	assert_non_null(rr2);
	rr1 += 14;
	rr2 += 14;
	snprintf(text, sizeof(text),
		 "ACK sip:bob@10.0.0.2:99 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;"
		 "branch=z9hG4bKack\r\nRoute: %.*s, %.*s\r\nFrom: "
		 "<sip:alice@a.example>;tag=f\r\nTo: "
		 "<sip:bob@a.example>;tag=t\r\n"
		 "Call-ID: call\r\nCSeq: %u ACK\r\n\r\n",
		 (int)strcspn(rr2, "\r"), rr2, (int)strcspn(rr1, "\r"), rr1,
		 branch);
	assert_int_equal(come(text, ALICE), 0);
	assert_got(BOB, "ACK sip:bob@10.0.0.2:99 SIP/2.0\r\nVia: SIP/2.0/UDP "
			"192.0.2.1:5060;rport;branch=z9hG4bK");
	assert_null(strstr(got(BOB, 0), "\r\nRoute:"));

	snprintf(text, sizeof(text),
		 "BYE sip:alice@10.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "10.0.0.2;rport;"
		 "branch=z9hG4bKbye\r\nRoute: %.*s\r\nRoute: %.*s\r\nFrom: "
		 "<sip:bob@a.example>;tag=t\r\nTo: "
		 "<sip:alice@a.example>;tag=f\r\n"
		 "Call-ID: %s\r\nCSeq: 1 BYE\r\n\r\n",
		 (int)strcspn(rr1, "\r"), rr1, (int)strcspn(rr2, "\r"), rr2,
		 "call");
	assert_int_equal(come(text, BOB), 0);
	assert_got(ALICE, "BYE sip:alice@10.0.0.1 SIP/2.0\r\n");
	answer(got(ALICE, 0), ALICE, "200 OK", "");
	assert_got(BOB, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 10.0.0.2");
	/* The same, as a strict router has it. */
	snprintf(text, sizeof(text),
		 "BYE %.*s SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.2;rport;"
		 "branch=z9hG4bKbye2\r\nRoute: %.*s\r\n"
		 "Route: <sip:alice@10.0.0.1>\r\nFrom: "
		 "<sip:bob@a.example>;tag=t\r\nTo: "
		 "<sip:alice@a.example>;tag=f\r\n"
		 "Call-ID: %s\r\nCSeq: 1 BYE\r\n\r\n",
		 (int)strcspn(rr1, ">") - 1, rr1 + 1, (int)strcspn(rr2, "\r"),
		 rr2, "call");
	assert_int_equal(come(text, BOB), 0);
	assert_got(ALICE, "BYE sip:alice@10.0.0.1 SIP/2.0\r\n");
	assert_null(strstr(got(ALICE, 0), "\r\nRoute:"));
	answer(got(ALICE, 0), ALICE, "200 OK", "");
	memcpy(strstr(text, "z9hG4bKbye2"), "z9hG4bKbye3", 11);
	/* Of another call these Routes are worth nothing. */
	memcpy(strstr(text, "Call-ID: call"), "Call-ID: cold", 13);
	assert_int_equal(come(text, STRANGER), 407);
	/* Nothing stays. */
	later(70 * S);
	assert_int_equal(proxy_count(proxy), 0);
	assert_int_equal(proxy_deadline(proxy), NEVER);
}

static void repeated(void **state)
{
	char invite[4096];
	size_t n;

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(invite, got(BOB, 0));
	/* Timer A: 0.5, 1, 2 s, ... */
	later(499 * MS);
	assert_int_equal(count(BOB), 1);
	later(1 * MS);
	assert_int_equal(count(BOB), 2);
	assert_string_equal(got(BOB, 0), invite);
	later(1000 * MS);
	assert_int_equal(count(BOB), 3);
	/* A provisional response ends that. */
	answer(invite, BOB, "100 Trying", "");
	assert_int_equal(count(ALICE), 1);
	later(10 * S);
	assert_int_equal(count(BOB), 3);
	answer(invite, BOB, "486 Busy Here", "");
	assert_got(BOB, "ACK sip:bob@10.0.0.2 SIP/2.0\r\n");
	assert_got(ALICE, "SIP/2.0 486 Busy Here\r\n");
	/* Again: our ACK was lost.  It is no news. */
	n = count(ALICE);
	answer(invite, BOB, "486 Busy Here", "");
	assert_int_equal(count(BOB), 5);
	assert_int_equal(count(ALICE), n);
	/* Timer G, until alice's ACK. */
	later(500 * MS);
	assert_int_equal(count(ALICE), n + 1);
	assert_got(ALICE, "SIP/2.0 486");
	{
		char text[1024];

		snprintf(
			text, sizeof(text),
			"ACK sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP "
			"10.0.0.1;branch=z9hG4bKa%u\r\nFrom: "
			"<sip:alice@a.example>;tag=f\r\nTo: <sip:bob@a.example>"
			";tag=t5002\r\nCall-ID: call\r\nCSeq: %u ACK\r\n\r\n",
			branch, branch);
		assert_int_equal(come(text, ALICE), 0);
	}
	later(4 * S);
	assert_int_equal(count(ALICE), n + 1);
	assert_int_equal(count(BOB), 5); /* the ACK was for us */
	later(40 * S);
	assert_int_equal(proxy_count(proxy), 0);
}

static void asked_again(void **state)
{
	char text[4096];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	snprintf(
		text, sizeof(text),
		"INVITE sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;"
		"rport;branch=z9hG4bKa%u\r\nFrom: "
		"<sip:alice@a.example>;tag=f\r\n"
		"To: <sip:bob@a.example>\r\nCall-ID: call\r\nCSeq: %u "
		"INVITE\r\n"
		"\r\n",
		branch, branch);
	assert_int_equal(come(text, ALICE), 0);
	assert_int_equal(count(BOB), 1);
	assert_int_equal(count(ALICE), 2);
	assert_got(ALICE, "SIP/2.0 100");
	answer(got(BOB, 0), BOB, "183 Progress", "");
	assert_int_equal(come(text, ALICE), 0);
	assert_got(ALICE, "SIP/2.0 183");
	/* A 2xx is the called phone's to repeat. */
	answer(got(BOB, 0), BOB, "200 OK", "");
	assert_int_equal(count(ALICE), 5);
	assert_int_equal(come(text, ALICE), 0);
	assert_int_equal(count(ALICE), 5);
	answer(got(BOB, 0), BOB, "200 OK", "");
	assert_int_equal(count(ALICE), 6);
	later(70 * S);
	assert_int_equal(proxy_count(proxy), 0);
}

/* By a phone that knows no branch, as RFC 2543 had it: s17.2.3. */
static void old_phone(void **state)
{
	static const char form[] =
		"%s sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP "
		"10.0.0.1;rport"
		"\r\nFrom: <sip:alice@a.example>;tag=f\r\nTo: "
		"<sip:bob@a.example>%s\r\nCall-ID: old\r\nCSeq: 7 %s\r\n%s\r\n";
	char text[2048], auth[512];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	snprintf(text, sizeof(text), form, "INVITE", "", "INVITE", "");
	assert_int_equal(come(text, ALICE), 407);
	authorize(auth, "Proxy-Authorization", "alice", "INVITE", challenged);
	snprintf(text, sizeof(text), form, "INVITE", "", "INVITE", auth);
	assert_int_equal(come(text, ALICE), 0);
	assert_int_equal(come(text, ALICE), 0);
	assert_int_equal(count(BOB), 1);
	answer(got(BOB, 0), BOB, "180 Ringing", "");
	snprintf(text, sizeof(text), form, "CANCEL", "", "CANCEL", "");
	assert_int_equal(come(text, ALICE), 200);
	answer(got(BOB, 1), BOB, "487 Terminated", "");
	assert_got(ALICE, "SIP/2.0 487");
	n_sent = 0;
	later(500 * MS); /* timer G */
	assert_int_equal(count(ALICE), 1);
	snprintf(text, sizeof(text), form, "ACK", ";tag=t5002", "ACK", "");
	assert_int_equal(come(text, ALICE), 0);
	later(5 * S);
	assert_int_equal(count(ALICE), 1);
}

static void silent(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	later(32 * S - 1);
	assert_got(ALICE, "SIP/2.0 100");
	later(1);
	assert_got(ALICE, "SIP/2.0 408");
	later(70 * S);
	/* No 408 for others, RFC 4320. */
	n_sent = 0;
	assert_int_equal(proxy_count(proxy), 0);
	assert_int_equal(ask("MESSAGE", ""), 0);
	later(33 * S);
	assert_int_equal(count(BOB), 11); /* timer E */
	assert_int_equal(count(ALICE), 0);
	later(70 * S);
	assert_int_equal(proxy_count(proxy), 0);
}

static void message(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("MESSAGE", ""), 0);
	assert_int_equal(count(ALICE), 0);
	assert_null(strstr(got(BOB, 0), "Record-Route"));
	answer(got(BOB, 0), BOB, "202 Accepted", "");
	assert_got(ALICE, "SIP/2.0 202 Accepted");
	answer(got(BOB, 0), BOB, "202 Accepted", "");
	assert_int_equal(count(ALICE), 1);
	later(40 * S);
	assert_int_equal(proxy_count(proxy), 0);
}

/* ---- CANCEL ---- */

static unsigned cancel(void)
{
	char text[1024];

	snprintf(
		text, sizeof(text),
		"CANCEL sip:bob@a.example SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1;"
		"rport;branch=z9hG4bKa%u\r\nFrom: "
		"<sip:alice@a.example>;tag=f\r\n"
		"To: <sip:bob@a.example>\r\nCall-ID: call\r\nCSeq: %u "
		"CANCEL\r\nReason: SIP;cause=600\r\n"
		"\r\n",
		branch, branch);
	return come(text, ALICE);
}

static void cancelled(void **state)
{
	char invite[4096];

	(void)state;
	assert_int_equal(cancel(), 481);
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(invite, got(BOB, 0));
	assert_int_equal(cancel(), 200);
	/* Not before the phone has said something, s9.1. */
	assert_int_equal(count(BOB), 1);
	answer(invite, BOB, "180 Ringing", "");
	assert_got(BOB, "CANCEL sip:bob@10.0.0.2 SIP/2.0\r\n");
	assert_non_null(strstr(got(BOB, 0), "\r\nReason: SIP;cause=600\r\n"));
	/* With the Via of the INVITE, and no other. */
	assert_memory_equal(strstr(got(BOB, 0), "Via: "),
			    strstr(invite, "Via: "),
			    strcspn(strstr(invite, "Via: "), "\r"));
	answer(got(BOB, 0), BOB, "200 OK", "");
	answer(invite, BOB, "487 Request Terminated", "");
	assert_got(ALICE, "SIP/2.0 487");
	assert_got(BOB, "ACK ");
	assert_int_equal(cancel(), 200);
	later(70 * S);
	assert_int_equal(proxy_count(proxy), 0);
	assert_int_equal(proxy_deadline(proxy), NEVER);
}

static void never_answered(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	answer(got(BOB, 0), BOB, "180 Ringing", "");
	later(100 * S);
	answer(got(BOB, 0), BOB, "180 Ringing", "");
	later((uint64_t)PROXY_TIMER_C_S * S - 1);
	assert_int_equal(count(BOB), 1);
	/* Timer C, s16.8. */
	later(1);
	assert_got(BOB, "CANCEL ");
	later(32 * S);
	assert_got(ALICE, "SIP/2.0 487");
	later(70 * S);
	assert_int_equal(proxy_count(proxy), 0);
}

/* It rings on, and is gone then. */
static void cancelled_and_gone(void **state)
{
	static const char *const late[] = { "100 Trying", "180 Ringing" };
	char invite[4096];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ask("INVITE", ""), 0);
		strcpy(invite, got(BOB, 0));
		answer(invite, BOB, "180 Ringing", "");
		assert_int_equal(cancel(), 200);
		assert_got(BOB, "CANCEL ");
		answer(got(BOB, 0), BOB, "200 OK", "");
		answer(invite, BOB, late[i], "");
		later(32 * S);
		assert_got(ALICE, "SIP/2.0 487");
		later(70 * S);
		assert_int_equal(proxy_count(proxy), 0);
		assert_int_equal(proxy_deadline(proxy), NEVER);
	}
}

/* ---- forking ---- */

static void forked(void **state)
{
	char one[4096], two[4096];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3>", BOB2, 0);
	bind_bob("<sip:bob@10.0.0.4>;q=0.1", BOB3, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	assert_int_equal(count(BOB), 1);
	assert_int_equal(count(BOB2), 1);
	assert_int_equal(count(BOB3), 0);
	strcpy(one, got(BOB, 0));
	strcpy(two, got(BOB2, 0));
	answer(one, BOB, "486 Busy Here", "");
	assert_got(ALICE, "SIP/2.0 100");
	answer(two, BOB2, "603 Decline", "");
	/* A 6xx is the last word: nobody else is asked. */
	assert_got(ALICE, "SIP/2.0 603");
	assert_int_equal(count(BOB3), 0);

	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(one, got(BOB, 0));
	strcpy(two, got(BOB2, 0));
	answer(one, BOB, "503 Full", "");
	answer(two, BOB2, "404 Not Here", "");
	/* The next best. */
	assert_int_equal(count(BOB3), 1);
	answer(got(BOB3, 0), BOB3, "500 Broken", "");
	assert_got(ALICE, "SIP/2.0 404 Not Here");

	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(one, got(BOB, 0));
	strcpy(two, got(BOB2, 0));
	answer(one, BOB, "180 Ringing", "");
	answer(two, BOB2, "200 OK", "");
	assert_got(ALICE, "SIP/2.0 200");
	assert_got(BOB, "CANCEL ");
	/* It is no call that this phone has missed. */
	assert_non_null(strstr(got(BOB, 0), "\r\nReason: SIP;cause=200;text="));
	answer(one, BOB, "487 Request Terminated", "");
	assert_got(BOB, "ACK ");
	assert_got(ALICE, "SIP/2.0 200");
	later(200 * S);
	assert_int_equal(proxy_count(proxy), 0);
	assert_int_equal(proxy_deadline(proxy), NEVER);
}

static void best(void **state)
{
	static const struct {
		const char *one, *two, *want;
	} v[] = {
		{ "503 A", "503 B", "SIP/2.0 500 " },
		{ "404 A", "407 B", "SIP/2.0 407 B" },
		{ "404 A", "302 B", "SIP/2.0 302 B" },
		{ "500 A", "499 B", "SIP/2.0 499 B" },
		{ "484 A", "404 B", "SIP/2.0 484 A" },
		{ "600 A", "302 B", "SIP/2.0 600 A" },
		{ "480 A", "486 B", "SIP/2.0 486 B" },
	};
	char one[4096], two[4096];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3>", BOB2, 0);
	for (size_t i = 0; i < N_OF(v); i++) {
		n_sent = 0;
		assert_int_equal(ask("INVITE", ""), 0);
		strcpy(one, got(BOB, 0));
		strcpy(two, got(BOB2, 0));
		answer(one, BOB, v[i].one, "");
		answer(two, BOB2, v[i].two, "");
		assert_got(ALICE, v[i].want);
	}
}

/* Who called can answer all of them at once, s16.7 step 7. */
static void challenges(void **state)
{
	char one[4096], two[4096];

	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3>", BOB2, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(one, got(BOB, 0));
	strcpy(two, got(BOB2, 0));
	answer(one, BOB, "401 A", "WWW-Authenticate: Digest realm=\"a\"\r\n");
	answer(two, BOB2, "407 B",
	       "Proxy-Authenticate: Digest realm=\"b\"\r\n");
	assert_got(ALICE, "SIP/2.0 401 A\r\n");
	assert_non_null(strstr(got(ALICE, 0), "\r\nWWW-Authenticate: Digest "
					      "realm=\"a\"\r\n"));
	assert_non_null(strstr(got(ALICE, 0), "\r\nProxy-Authenticate: Digest "
					      "realm=\"b\"\r\n\r\n"));
}

/* ---- loops and strays ---- */

static void looped(void **state)
{
	char text[4096];

	(void)state;
	/* A contact that leads back here. */
	bind_bob("<sip:bob@a.example>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	strcpy(text, got(BOB, 0));
	assert_int_equal(come(text, BOB), 482);
}

static void strays(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	answer("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP "
	       "192.0.2.1;branch=z9hG4"
	       "bK1\r\nCSeq: 1 OPTIONS\r\n\r\n",
	       BOB, "200 OK", "");
	answer("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n"
	       "CSeq: 1 OPTIONS\r\n\r\n",
	       BOB, "200 OK", "");
	answer("OPTIONS sip:x SIP/2.0\r\nCSeq: x\r\n\r\n", BOB, "200 OK", "");
	assert_int_equal(
		come("ACK sip:bob@10.0.0.2 SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n"
		     "From: <sip:a@b>;tag=1\r\nTo: "
		     "<sip:bob@a.example>;tag=2\r\n"
		     "Call-ID: c\r\nCSeq: 1 ACK\r\n\r\n",
		     STRANGER),
		0);
	assert_int_equal(n_sent, 0);
}

/* What is asked by a sips URI leaves by TLS or not at all, and back by such
 * URIs; and by TLS only to a phone that asked for that: RFC 3261 s16.6,
 * s26.2.2, RFC 5630 s5.3. */
static void sips(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3;transport=tls>", BOB2, TLS_CONN);
	scheme = "sips";
	assert_int_equal(ask("INVITE", ""), 480);
	bind_bob("<sips:bob@10.0.0.4>", BOB3, TLS_CONN + 1);
	n_sent = 0;
	assert_int_equal(ask("INVITE", ""), 0);
	assert_int_equal(count(BOB) + count(BOB2), 0);
	assert_got(BOB3, "INVITE sips:bob@10.0.0.4 SIP/2.0\r\n"
			 "Via: SIP/2.0/TLS ");
	assert_non_null(strstr(got(BOB3, 0), "\r\nRecord-Route: <sips:"));
	assert_null(strstr(got(BOB3, 0), "Record-Route: <sip:"));
	/* The other way: all three ring. */
	scheme = "sip";
	n_sent = 0;
	assert_int_equal(ask("INVITE", ""), 0);
	assert_int_equal(count(BOB), 1);
	assert_int_equal(count(BOB2), 1);
	assert_int_equal(count(BOB3), 1);
	assert_non_null(strstr(got(BOB2, 0), ";transport=TLS;lr>"));
	/* A phone that says sips and comes by anything else is not secure. */
	bind_bob("<sips:bob@10.0.0.5>", BOB, 0);
	n_sent = 0;
	assert_int_equal(ask("MESSAGE", ""), 0);
	assert_int_equal(count(BOB), 1);
	assert_got(BOB, "MESSAGE sip:bob@10.0.0.2 ");
}

/* ---- other peers ---- */

/* What a look-up has found. */
static void found(enum err r, uint16_t first, uint16_t second, const char *uri)
{
	struct sipway_target v[2] = { { .flow = flow_of(first), .q = 1000 },
				      { .flow = flow_of(second), .q = 1000 } };
	char text[64];

	if (uri != NULL) {
		strcpy(text, uri);
		v[0].uri = text;
	}
	proxy_found(proxy, looked_up, r, v,
		    second != 0  ? 2
		    : first != 0 ? 1
				 : 0,
		    now_us);
}

/* 7904-4.1-R1: who is not here is looked up; the answer goes back, and each
 * side's requests in the dialog to the other. */
static void elsewhere(void **state)
{
	char invite[4096], text[8192], route[1024];
	const char *rr;

	(void)state;
	has_overlay = true;
	callee = "carol";
	assert_int_equal(ask("INVITE", ""), 0);
	assert_int_equal(n_sent, 1);
	assert_got(ALICE, "SIP/2.0 100 ");
	found(OK, PEER, 0, NULL);
	assert_got(PEER, "INVITE sip:carol@a.example SIP/2.0\r\n"
			 "Via: SIP/2.0/TLS 192.0.2.1:7000;");
	strcpy(invite, got(PEER, 0));
	rr = strstr(invite, "Record-Route: ");
	assert_non_null(rr);
	assert_null(strstr(invite, "Proxy-Authorization"));
	answer(invite, PEER, "200 OK", "");
	assert_got(ALICE, "SIP/2.0 200 ");
	/* From there, by the second of them; from alice, by the first. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sscanf(rr, "Record-Route: %1023[^\r]", route),
				 1);
		snprintf(text, sizeof(text),
			 "BYE sip:x@10.9.9.9 SIP/2.0\r\nVia: SIP/2.0/TLS "
			 "h;branch=z9hG4bKb%d\r\nFrom: <sip:a@b>;tag=1\r\n"
			 "To: <sip:c@d>;tag=2\r\nCall-ID: call\r\n"
			 "CSeq: 9 BYE\r\nRoute: %s\r\n\r\n",
			 i, route);
		assert_int_equal(come(text, i == 0 ? ALICE : PEER), 0);
		assert_got(i == 0 ? PEER : ALICE, "BYE sip:x@10.9.9.9 ");
		rr = strstr(rr + 1, "Record-Route: ");
	}
}

static void nowhere(void **state)
{
	static const struct {
		const char *callee;
		enum err err;
		const char *answer;
	} cases[] = {
		{ "carol", ERR_NOT_FOUND, "SIP/2.0 404 " },
		{ "bob", ERR_NOT_FOUND, "SIP/2.0 480 " },
		{ "carol", ERR_TIMEOUT, "SIP/2.0 503 " },
		{ "bob", ERR_NO_LINK, "SIP/2.0 503 " },
	};

	(void)state;
	has_overlay = true;
	for (size_t i = 0; i < N_OF(cases); i++) {
		callee = cases[i].callee;
		assert_int_equal(ask("INVITE", ""), 0);
		found(cases[i].err, 0, 0, NULL);
		assert_got(ALICE, cases[i].answer);
		if (i >= 2)
			assert_non_null(
				strstr(got(ALICE, 0), "Retry-After: 10\r\n"));
	}
	/* It cannot even begin. */
	lookup_fails = ERR_FULL;
	assert_int_equal(ask("MESSAGE", ""), 0);
	assert_got(ALICE, "SIP/2.0 503 ");
	/* What is said here counts more than what is not known there. */
	lookup_fails = OK;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	callee = "bob";
	assert_int_equal(ask("INVITE", ""), 0);
	answer(got(BOB, 0), BOB, "486 Busy Here", "");
	assert_got(BOB, "ACK ");
	assert_got(ALICE, "SIP/2.0 100 ");
	found(ERR_TIMEOUT, 0, 0, NULL);
	assert_got(ALICE, "SIP/2.0 486 ");
}

/* Here and there at once; who answers first has it. */
static void both(void **state)
{
	(void)state;
	has_overlay = true;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3>;q=0.1", BOB2, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	assert_got(BOB, "INVITE sip:bob@10.0.0.2 ");
	answer(got(BOB, 0), BOB, "180 Ringing", "");
	found(OK, PEER, PEER2, "sip:sam@a.example");
	assert_got(PEER, "INVITE sip:sam@a.example ");
	assert_got(PEER2, "INVITE sip:bob@a.example ");
	assert_int_equal(count(BOB2), 0); /* its turn comes later */
	answer(got(PEER, 0), PEER, "200 OK", "");
	assert_got(ALICE, "SIP/2.0 200 ");
	assert_got(BOB, "CANCEL sip:bob@10.0.0.2 ");
	assert_int_equal(count(BOB2), 0);
}

/* A phone here whose contact is in the overlay, too, rings once. */
static void same_contact(void **state)
{
	(void)state;
	has_overlay = true;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, BOB2, 0, "sip:bob@10.0.0.2");
	assert_int_equal(count(BOB), 1);
	assert_int_equal(count(BOB2), 0);
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, BOB2, 0, "sip:bob@10.0.0.3");
	assert_got(BOB2, "INVITE sip:bob@10.0.0.3 ");
}

static void cancelled_waiting(void **state)
{
	uint64_t token;

	(void)state;
	has_overlay = true;
	callee = "carol";
	assert_int_equal(ask("INVITE", ""), 0);
	token = looked_up;
	assert_int_equal(cancel(), 200);
	assert_got(ALICE, "SIP/2.0 487 ");
	looked_up = token;
	found(OK, PEER, 0, NULL);
	assert_int_equal(count(PEER), 0);
	later(64 * 500 * MS + S);
	assert_int_equal(proxy_count(proxy), 0);
}

/* A peer that cannot be reached: at once, and not after half a minute. */
static void unreachable(void **state)
{
	struct flow f = flow_of(PEER), g = flow_of(PEER2);

	(void)state;
	has_overlay = true;
	callee = "carol";
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, PEER, PEER2, NULL);
	answer(got(PEER2, 0), PEER2, "180 Ringing", "");
	assert_false(proxy_lost(proxy, &f, false, now_us));
	assert_got(ALICE, "SIP/2.0 180 ");
	/* What rings there may go on by another connection. */
	assert_true(proxy_lost(proxy, &g, false, now_us));
	assert_got(ALICE, "SIP/2.0 180 ");
	answer(got(PEER2, 0), PEER2, "486 Busy Here", "");
	assert_got(ALICE, "SIP/2.0 486 ");
	assert_int_equal(ask("MESSAGE", ""), 0);
	found(OK, PEER, 0, NULL);
	assert_false(proxy_lost(proxy, &f, false, now_us));
	assert_got(ALICE, "SIP/2.0 480 ");
	/* Or it may not. */
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, PEER2, 0, NULL);
	answer(got(PEER2, 0), PEER2, "180 Ringing", "");
	assert_false(proxy_lost(proxy, &g, true, now_us));
	assert_got(ALICE, "SIP/2.0 480 ");
	/* Nothing is sent again by what loses nothing. */
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, PEER, 0, NULL);
	n_sent = 0;
	later(20 * S);
	assert_int_equal(count(PEER), 0);
}

/* Our address stands for the domain, s16.5; other peers have another. */
static void by_address(void **state)
{
	(void)state;
	has_overlay = true;
	domain = "192.0.2.1:5060";
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("MESSAGE", ""), 0);
	assert_got(BOB, "MESSAGE sip:bob@10.0.0.2 SIP/2.0\r\n");
	callee = "carol";
	assert_int_equal(ask("MESSAGE", ""), 0);
	found(OK, PEER, 0, NULL);
	assert_got(PEER, "MESSAGE sip:carol@a.example SIP/2.0\r\n");
}

/* A phone that is not there any more, s16.9: by ICMP, or as its connection is
 * gone.  Whoever has called rings on nobody's phone then, s17.2.4. */
static void vanished(void **state)
{
	struct flow udp = flow_of(BOB), tcp = flow_of(BOB2);
	struct flow caller = flow_of(ALICE);

	(void)state;
	tcp.conn = 3;
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	bind_bob("<sip:bob@10.0.0.3>", BOB2, 3);
	assert_int_equal(ask("INVITE", ""), 0);
	assert_false(proxy_lost(proxy, &udp, false, now_us));
	answer(got(BOB2, 0), BOB2, "180 Ringing", "");
	/* Its answer may come by another connection. */
	assert_true(proxy_lost(proxy, &tcp, false, now_us));
	answer(got(BOB2, 0), BOB2, "404 Not Here", "");
	assert_got(ALICE, "SIP/2.0 404 ");

	assert_int_equal(ask("INVITE", ""), 0);
	assert_false(proxy_lost(proxy, &udp, false, now_us));
	assert_got(ALICE, "SIP/2.0 100 ");
	assert_false(proxy_lost(proxy, &tcp, false, now_us));
	assert_got(ALICE, "SIP/2.0 480 ");

	assert_int_equal(ask("INVITE", ""), 0);
	answer(got(BOB, 0), BOB, "180 Ringing", "");
	answer(got(BOB2, 0), BOB2, "180 Ringing", "");
	(void)proxy_lost(proxy, &caller, false, now_us);
	assert_got(BOB, "CANCEL ");
	assert_got(BOB2, "CANCEL ");
}

/* RFC 3261 s18.1.1: by TCP, and where that is refused, by UDP all the same. */
static void large(void **state)
{
	struct flow tcp = flow_of(SERVER + 1);
	char more[PROXY_UDP_MAX + 1];
	const char *tags[] = { "INVITE", "MESSAGE" };

	(void)state;
	snprintf(more, sizeof(more), "X-Large: %01200d\r\n", 0);
	has_overlay = true;
	callee = "carol";
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(tags[i], ""), 0);
		found(OK, SERVER, 0, NULL);
		assert_non_null(strstr(got(SERVER, 0), "Via: SIP/2.0/UDP 192"));
		n_sent = 0;
		assert_int_equal(ask(tags[i], more), 0);
		found(OK, SERVER, 0, NULL);
		assert_int_equal(count(SERVER), 0);
		assert_non_null(
			strstr(got(SERVER + 1, 0), "Via: SIP/2.0/TCP 192"));
		assert_true(strlen(got(SERVER + 1, 0)) > PROXY_UDP_MAX);
		assert_false(proxy_lost(proxy, &tcp, false, now_us));
		assert_int_equal(count(SERVER), 1);
		assert_non_null(strstr(got(SERVER, 0), "Via: SIP/2.0/UDP 192"));
		assert_int_equal(count(SERVER + 1), 1);
		answer(got(SERVER, 0), SERVER, "486 Busy Here", "");
		assert_got(ALICE, "SIP/2.0 486 ");
		n_sent = 0;
	}
	/* A phone is reached by its flow, whatever that is. */
	callee = "bob";
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	assert_int_equal(ask("MESSAGE", more), 0);
	found(ERR_NOT_FOUND, 0, 0, NULL);
	assert_non_null(strstr(got(BOB, 0), "Via: SIP/2.0/UDP 192"));
	assert_true(strlen(got(BOB, 0)) > PROXY_UDP_MAX);
}

/* What another peer asks for goes to the phones here, and nowhere else. */
static void from_peer(void **state)
{
	static const char form[] =
		"INVITE sip:%s@a.example SIP/2.0\r\n"
		"Via: SIP/2.0/TLS 192.0.2.7:99;rport;branch=z9hG4bK%s\r\n"
		"From: <sip:zoe@b.example>;tag=1\r\nTo: <sip:x@a.example>\r\n"
		"Call-ID: 1\r\nCSeq: 1 INVITE\r\n\r\n";
	char text[4096];

	(void)state;
	has_overlay = true;
	looked_up = 0;
	snprintf(text, sizeof(text), form, "carol", "1");
	assert_int_equal(come(text, PEER), 404);
	snprintf(text, sizeof(text), form, "bob", "2");
	assert_int_equal(come(text, PEER), 480);
	bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
	snprintf(text, sizeof(text), form, "bob", "3");
	assert_int_equal(come(text, PEER), 0);
	assert_int_equal(looked_up, 0);
	answer(got(BOB, 0), BOB, "486 Busy Here", "");
	assert_got(PEER, "SIP/2.0 486 ");
}

/* One call, or request, of each sort; some are never finished by the phones. */
static void one_of_each(void)
{
	static const char *const last[] = {
		NULL,     "100 Trying",    "180 Ringing",
		"200 OK", "486 Busy Here", "603 Decline"
	};
	char request[4096];

	for (size_t i = 0; i < N_OF(last); i++) {
		n_sent = 0;
		assert_int_equal(ask(i % 2 == 0 ? "INVITE" : "MESSAGE", ""), 0);
		strcpy(request, got(BOB, 0));
		if (last[i] != NULL)
			answer(request, BOB, last[i], "");
		assert_int_equal(ask("INVITE", ""), 0);
		strcpy(request, got(BOB2, 0));
		answer(request, BOB2, "180 Ringing", "");
		if (i % 3 == 0)
			assert_int_equal(cancel(), 200);
		else if (last[i] != NULL)
			answer(request, BOB2, last[i], "");
		now_us += MS;
	}
	n_sent = 0;
	arena_free(&arena);
}

/* After hundreds of calls nothing of them is there, and nothing waits. */
static void left_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		bind_bob("<sip:bob@10.0.0.2>", BOB, 0);
		bind_bob("<sip:bob@10.0.0.3>", BOB2, 0);
		one_of_each();
		assert_true(proxy_count(proxy) > 0);
		while (proxy_count(proxy) > 0) {
			n_sent = 0;
			later(S);
		}
		assert_int_equal(proxy_deadline(proxy), NEVER);
	}
}

/* RFC 3261 s8.3: callers hear of contacts, and go there themselves; peers that
 * the overlay names are no contacts. */
static void redirected(void **state)
{
	(void)state;
	bind_bob("<sip:bob@10.0.0.2;x=y>;q=0.5", BOB, 0);
	n_sent = 0;
	assert_int_equal(ask("INVITE", ""), 302);
	assert_non_null(
		strstr(challenged, "Contact: <sip:bob@10.0.0.2;x=y>;q=0.5;"));
	assert_int_equal(count(BOB), 0);
	assert_int_equal(proxy_count(proxy), 0);
	has_overlay = true;
	callee = "carol";
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, STRANGER, 0, "sip:carol@192.0.2.7");
	assert_got(ALICE, "SIP/2.0 302 ");
	assert_non_null(strstr(got(ALICE, 0),
			       "Contact: <sip:carol@192.0.2.7>;q=1.000\r\n"));
	callee = "dave";
	assert_int_equal(ask("INVITE", ""), 0);
	found(ERR_NOT_FOUND, 0, 0, NULL);
	assert_got(ALICE, "SIP/2.0 404 ");
	assert_int_equal(ask("INVITE", ""), 0);
	found(OK, PEER, 0, NULL);
	assert_int_equal(count(PEER), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(refused, begin, end),
		cmocka_unit_test_setup_teardown(anonymous, begin, end),
		cmocka_unit_test_setup_teardown(nobody_there, begin, end),
		cmocka_unit_test_setup_teardown(call, begin, end),
		cmocka_unit_test_setup_teardown(repeated, begin, end),
		cmocka_unit_test_setup_teardown(asked_again, begin, end),
		cmocka_unit_test_setup_teardown(old_phone, begin, end),
		cmocka_unit_test_setup_teardown(silent, begin, end),
		cmocka_unit_test_setup_teardown(message, begin, end),
		cmocka_unit_test_setup_teardown(cancelled, begin, end),
		cmocka_unit_test_setup_teardown(cancelled_and_gone, begin, end),
		cmocka_unit_test_setup_teardown(never_answered, begin, end),
		cmocka_unit_test_setup_teardown(forked, begin, end),
		cmocka_unit_test_setup_teardown(best, begin, end),
		cmocka_unit_test_setup_teardown(challenges, begin, end),
		cmocka_unit_test_setup_teardown(looped, begin, end),
		cmocka_unit_test_setup_teardown(redirected, begin_redirecting,
						end),
		cmocka_unit_test_setup_teardown(sips, begin, end),
		cmocka_unit_test_setup_teardown(strays, begin, end),
		cmocka_unit_test_setup_teardown(elsewhere, begin, end),
		cmocka_unit_test_setup_teardown(nowhere, begin, end),
		cmocka_unit_test_setup_teardown(both, begin, end),
		cmocka_unit_test_setup_teardown(same_contact, begin, end),
		cmocka_unit_test_setup_teardown(cancelled_waiting, begin, end),
		cmocka_unit_test_setup_teardown(unreachable, begin, end),
		cmocka_unit_test_setup_teardown(by_address, begin, end),
		cmocka_unit_test_setup_teardown(vanished, begin, end),
		cmocka_unit_test_setup_teardown(large, begin, end),
		cmocka_unit_test_setup_teardown(from_peer, begin, end),
		cmocka_unit_test_setup_teardown(left_behind, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
