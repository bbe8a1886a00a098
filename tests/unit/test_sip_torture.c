/* SPDX-License-Identifier: ISC */
/* Messages that are hard to read, tests/fuzz/corpus/sip/torture, through the
 * parser, the registrar and the proxy: RFC 4475.  tests/cli/sip.bats sends them
 * to a peer.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/proxy.h"
#include "sip/sipedit.h"
#include "sip/sipreply.h"
#include "sip/transaction.h"

#define REALM "bats.example.org"

static struct arena arena = ARENA_INIT(1 << 24);
static struct registrar *reg;
static struct proxy *proxy;

static const struct flow from = {
	.peer = { .type = ADDRESS_IPV4, .addr = { 192, 0, 2, 1 }, .port = 5060 }
};

static void on_send(void *ctx, const struct flow *to, struct slice bytes)
{
	(void)ctx;
	(void)to;
	(void)bytes;
	fail_msg("something was passed on for somebody unknown");
}

static bool on_local(void *ctx, const struct flow *f, struct proxy_local *out)
{
	(void)ctx;
	(void)f;
	out->transport = "UDP";
	snprintf(out->host, sizeof(out->host), "192.0.2.2:5060");
	return true;
}

static enum err on_lookup(void *ctx, uint64_t token, struct slice uri)
{
	(void)ctx;
	(void)token;
	(void)uri;
	return ERR_NOT_FOUND;
}

static bool on_is_ours(void *ctx, struct slice host, uint16_t port)
{
	(void)ctx;
	(void)host;
	(void)port;
	return false;
}

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	(void)ctx;
	(void)u;
	(void)lifetime_s;
	return ERR_FORBIDDEN;
}

static void on_answer(void *ctx, uint64_t token, unsigned status,
		      struct slice fields)
{
	(void)ctx;
	(void)token;
	(void)status;
	(void)fields;
}

static int begin(void **state)
{
	struct registrar_config r = { .realm = REALM,
				      .offer = { { HEXHASH_MD5 }, 1 },
				      .bounds = { 60, 3600 },
				      .store = on_store,
				      .answer = on_answer };
	struct proxy_config p = { .realm = REALM,
				  .send = on_send,
				  .local = on_local,
				  .is_ours = on_is_ours,
				  .lookup = on_lookup };
	struct registrar_secret none = { 0 };
	struct registrar_user *u;

	(void)state;
	assert_ok(registrar_new(&reg, &r));
	p.registrar = reg;
	assert_ok(proxy_new(&proxy, &p));
	assert_ok(registrar_add(reg, "alice@" REALM, &none, NULL, &u));
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

static struct slice load(const char *name)
{
	static uint8_t bytes[SIPMSG_MAX];
	char path[1024];
	struct slice out;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/sip/torture/%s",
		 getenv("top_srcdir"), name);
	f = fopen(path, "rb");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	assert_ok(arena_dup(&arena, slice_of(bytes, n), &out));
	return out;
}

static struct sipmsg message(const char *name)
{
	struct sipmsg m;

	assert_ok(sipmsg_parse(&m, load(name), &arena));
	return m;
}

static struct slice value(const struct sipmsg *m, const char *name, size_t nth)
{
	const struct sipmsg_field *f = NULL;
	size_t at = 0;

	do {
		f = sipmsg_next(m, name, &at);
		assert_non_null(f);
	} while (nth-- > 0);
	return f->value;
}

/* ---- how a peer answers ---- */

/* The status of the answer to a request that can be handled. */
static unsigned handle(const struct sipmsg *m, struct slice bytes)
{
	struct buf key = BUF_INIT(TRANSACTION_KEY_MAX), fields = BUF_INIT(4096);
	struct flow to = from;
	struct proxy_asked a = {
		.m = m, .bytes = bytes, .from = &from, .to = &to
	};
	static const char *const known[] = { NULL };
	struct registrar_verdict v;
	struct sipfield_uri u;
	unsigned status = 200;

	assert_ok(transaction_key(m, m->method, &key));
	a.key = buf_slice(&key);
	assert_ok(sipfield_uri(&u, m->uri));
	if (sipmsg_is(m->method, "REGISTER")) {
		assert_ok(registrar_judge(reg, m, &from, 1, &v));
		status = v.status;
		registrar_verdict_clear(&v);
	} else if (sipmsg_is(m->method, "OPTIONS") && u.sip &&
		   u.user.p == NULL) {
		assert_ok(sipreply_require(m, known, &status, &fields));
	} else if (u.sip && u.user.p == NULL) {
		status = 405;
	} else {
		assert_ok(proxy_request(proxy, &a, 1, &status, &fields));
	}
	buf_clear(&key);
	buf_clear(&fields);
	return status;
}

/* A message that is passed on is the same but for what a proxy changes. */
static void passes(const struct sipmsg *m)
{
	const struct sipedit e = { .via = SLICE_LIT("SIP/2.0/UDP h"),
				   .hop = true };
	struct buf out = BUF_INIT(1 << 20);
	struct sipmsg again;
	size_t i, k = 1; /* below our Via */

	assert_ok(sipedit_write(m, &e, &out));
	assert_ok(sipmsg_parse(&again, buf_slice(&out), &arena));
	assert_slice_equal(again.method, m->method);
	assert_slice_equal(again.uri, m->uri);
	assert_slice_equal(again.body, m->body);
	for (i = 0; i < m->n_fields; i++) {
		if (sipmsg_is_nocase(m->fields[i].name, "Content-Length"))
			continue;
		assert_true(k < again.n_fields);
		if (sipmsg_is_nocase(m->fields[i].name, "Max-Forwards")) {
			k++;
			continue;
		}
		assert_slice_equal(again.fields[k].name, m->fields[i].name);
		assert_slice_equal(again.fields[k++].value, m->fields[i].value);
	}
	buf_clear(&out);
}

/* What comes back for one message: the status, or 0. */
static unsigned answered(struct slice bytes)
{
	struct buf head = BUF_INIT(SIPMSG_MAX), text = BUF_INIT(2 * SIPMSG_MAX);
	const char *words = NULL;
	struct sipmsg m, answer;
	unsigned status;
	enum err r = sipmsg_parse(&m, bytes, &arena);

	if (m.method.len == 0 || !sipreply_possible(&m))
		return 0;
	if (r != OK)
		status = r == ERR_LIMIT ? 513 : 400;
	else if ((status = sipreply_check(&m, &words)) == 0)
		status = handle(&m, bytes);
	if (status == 407)
		passes(&m);
	assert_ok(sipreply_head(&m, &from, "ours", &head));
	assert_ok(sipreply_make(status, words, buf_slice(&head),
				slice_of(NULL, 0), &text));
	assert_ok(sipmsg_parse(&answer, buf_slice(&text), &arena));
	assert_int_equal(answer.status, status);
	buf_clear(&head);
	buf_clear(&text);
	return status;
}

static unsigned number(const char *word)
{
	return (unsigned)strtoul(word, NULL, 10); /* "-" is 0 */
}

static void streamed(const char *name, struct slice bytes, const char *expected)
{
	size_t len;
	enum err r = sipmsg_length(bytes, &len);

	if (strcmp(expected, "closed") == 0) {
		assert_true(r == ERR_MALFORMED || r == ERR_LIMIT);
	} else if (strcmp(expected, "waits") == 0) {
		assert_ok(r);
		assert_int_equal(len, 0);
	} else {
		assert_ok(r);
		assert_true(len > 0 && len <= bytes.len);
		if (answered(slice_sub(bytes, 0, len)) != number(expected))
			fail_msg("%s in a stream", name);
	}
}

static void answers(void **state)
{
	char line[256], name[128], file[160], udp[16], tcp[16];
	struct slice list = load("expected"), bytes;
	unsigned n = 0, status;
	const uint8_t *nl;

	(void)state;
	while ((nl = memchr(list.p, '\n', list.len)) != NULL) {
		size_t len = (size_t)(nl - list.p);

		assert_true(len < sizeof(line));
		memcpy(line, list.p, len);
		line[len] = '\0';
		list = slice_sub(list, len + 1, list.len - len - 1);
		if (line[0] == '#')
			continue;
		assert_int_equal(
			sscanf(line, "%127s %15s %15s", name, udp, tcp), 3);
		snprintf(file, sizeof(file), "%s.sip", name);
		bytes = load(file);
		status = answered(bytes);
		if (status != number(udp))
			fail_msg("%s: %u instead of %s", name, status, udp);
		streamed(name, bytes, tcp);
		n++;
	}
	assert_int_equal(n, 62);
}

/* ---- what they say ---- */

static struct sipfield_addr address(struct slice text)
{
	struct sipfield_addr a;

	assert_ok(sipfield_addr(&a, text));
	return a;
}

static void white_space(void **state)
{
	struct sipmsg m = message("valid-01-white-space.sip");
	struct sipfield_cseq cseq;
	struct sipfield_addr a;
	struct sipfield_via via;
	struct slice rest, item, v;
	uint32_t hops;

	(void)state;
	a = address(value(&m, "From", 0));
	assert_slice_equal(a.uri, SLICE_LIT("sip:alice@" REALM));
	assert_true(sipfield_find(a.params, "tag", &v));
	assert_slice_equal(v, SLICE_LIT("w01"));
	assert_ok(sipfield_cseq(&cseq, value(&m, "CSeq", 0)));
	assert_int_equal(cseq.number, 12);
	assert_slice_equal(cseq.method, SLICE_LIT("INVITE"));
	assert_ok(sipfield_u32(&hops, value(&m, "Max-Forwards", 0)));
	assert_int_equal(hops, 70);
	assert_slice_equal(value(&m, "Subject", 0), SLICE_LIT(""));
	assert_slice_equal(value(&m, "X-Unheard-Of", 0),
			   SLICE_LIT("begins here and goes on there and ends"));
	/* Three Vias in two fields. */
	assert_ok(sipfield_via(&via, value(&m, "Via", 0)));
	assert_slice_equal(via.transport, SLICE_LIT("UDP"));
	assert_true(sipfield_find(via.params, "branch", &v));
	assert_slice_equal(v, SLICE_LIT("z9hG4bK-w01"));
	rest = value(&m, "Via", 1);
	assert_true(sipmsg_item(&rest, &item));
	assert_ok(sipfield_via(&via, item));
	assert_slice_equal(via.host, SLICE_LIT("hop.example.net"));
	assert_true(sipmsg_item(&rest, &item));
	assert_ok(sipfield_via(&via, item));
	assert_slice_equal(via.host, SLICE_LIT("203.0.113.8"));
	assert_false(sipmsg_item(&rest, &item));
	a = address(value(&m, "Contact", 0));
	assert_slice_equal(a.uri, SLICE_LIT("sip:alice@198.51.100.9"));
	assert_true(sipfield_find(a.params, "q", &v));
	assert_slice_equal(v, SLICE_LIT("0.70"));
	assert_true(sipfield_find(a.params, "alone", &v));
	assert_null(v.p);
}

static void assert_aor(struct slice uri, struct slice expected)
{
	struct buf b = BUF_INIT(SIPMSG_MAX);
	struct sipfield_uri u;

	assert_ok(sipfield_uri(&u, uri));
	assert_ok(sipfield_aor(&b, &u));
	assert_slice_equal(buf_slice(&b), expected);
	buf_clear(&b);
}

static void escapes(void **state)
{
	struct sipmsg m = message("valid-03-escapes.sip");

	(void)state;
	assert_aor(m.uri, SLICE_LIT("sips:carl@far.example.net@" REALM));
	assert_aor(address(value(&m, "From", 0)).uri,
		   SLICE_LIT("alice@" REALM));
	m = message("valid-04-escaped-nul.sip");
	assert_aor(address(value(&m, "To", 0)).uri,
		   SLICE_LIT("nul-\0-nul@" REALM));
	m = message("valid-09-semicolon-in-user.sip");
	assert_aor(m.uri, SLICE_LIT("carl;ext=7@far.example.net@" REALM));
}

static void bodies(void **state)
{
	struct sipmsg m = message("valid-08-bytes-past-the-end.sip");

	(void)state;
	assert_int_equal(m.body.len, 0);
	m = message("valid-11-binary-body.sip");
	assert_true(m.body.len > 400);
	assert_memory_equal(m.body.p + m.body.len - 13, "--seam-7f--\r\n", 13);
	m = message("valid-12-odd-reason.sip");
	assert_int_equal(m.status, 200);
	m = message("valid-13-no-reason.sip");
	assert_int_equal(m.status, 100);
	assert_int_equal(m.reason.len, 0);
}

/* The n-th contact that the REGISTER binds, of so many. */
static struct binding *bound(struct bindings *b, const char *name, size_t n)
{
	static const struct binding_bounds bounds = { 60, 3600 };
	struct sipmsg m = message(name);
	struct binding_change c;
	unsigned status;

	assert_ok(binding_change_read(&c, &m, &from, &bounds, &status));
	assert_int_equal(status, 0);
	assert_ok(bindings_apply(&(struct bindings){ 0 }, &c, 1, b));
	binding_change_clear(&c);
	assert_int_equal(b->n, n);
	return b->v[0];
}

static void contacts(void **state)
{
	struct bindings b = { 0 };

	(void)state;
	/* Two names that begin with a NUL are two. */
	(void)bound(&b, "valid-04-escaped-nul.sip", 2);
	bindings_clear(&b);
	assert_string_equal(
		bound(&b, "application-12-contact-field-parameter.sip", 1)->uri,
		"sip:+4915555@198.51.100.9");
	assert_string_equal(b.v[0]->contact,
			    "sip:+4915555@198.51.100.9;unheardof");
	bindings_clear(&b);
	assert_string_equal(
		bound(&b, "application-13-contact-uri-parameter.sip", 1)->uri,
		"sip:+4915555@198.51.100.9;unheardof");
	bindings_clear(&b);
	(void)bound(&b, "application-14-contact-uri-headers.sip", 1);
	bindings_clear(&b);
}

/* A NUL is legal in quotes only, and not where it would end a C string. */
static void nuls(void **state)
{
#define WITH(field)                                                            \
	SLICE_LIT("OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n" field      \
		  "\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\n"             \
		  "CSeq: 1 OPTIONS\r\n\r\n")
	static const struct binding_bounds bounds = { 60, 3600 };
	struct binding_change c;
	const char *words;
	unsigned status;
	struct sipmsg m;

	(void)state;
	assert_err(sipmsg_parse(&m, WITH("X: \"a\0\""), &arena), ERR_MALFORMED);
	assert_err(sipmsg_parse(&m, WITH("X: \\\0"), &arena), ERR_MALFORMED);
	assert_err(sipmsg_parse(&m, WITH("X: \"\"\\\0"), &arena),
		   ERR_MALFORMED);
	assert_ok(sipmsg_parse(&m, WITH("Call-ID: \"\\\0\""), &arena));
	assert_int_equal(sipreply_check(&m, &words), 400);
	assert_ok(sipmsg_parse(
		&m, WITH("Contact: \"\\\0\" <sip:a@b>\r\nCall-ID: 1"), &arena));
	assert_int_equal(sipreply_check(&m, &words), 0);
	assert_ok(binding_change_read(&c, &m, &from, &bounds, &status));
	assert_int_equal(status, 400);
	assert_ok(sipmsg_parse(&m,
			       WITH("Contact: <sip:a@b>\r\nCall-ID: 1\r\n"
				    "Path: \"\\\0\" <sip:c@b>"),
			       &arena));
	assert_ok(binding_change_read(&c, &m, &from, &bounds, &status));
	assert_int_equal(status, 400);
}

/* RFC 5118 s4: what stands in brackets is an address, all of it. */
static void references(void **state)
{
	struct sipmsg m = message("ipv6-03-port-in-brackets.sip");
	struct sipfield_uri u;
	struct sipfield_via via;

	(void)state;
	assert_ok(sipfield_uri(&u, m.uri));
	assert_slice_equal(u.host, SLICE_LIT("[2001:db8::10:5070]"));
	assert_int_equal(u.port, 0);
	m = message("ipv6-04-port-behind-brackets.sip");
	assert_ok(sipfield_uri(&u, m.uri));
	assert_slice_equal(u.host, SLICE_LIT("[2001:db8::10]"));
	assert_int_equal(u.port, 5070);
	m = message("ipv6-05-received-bare.sip");
	assert_ok(sipfield_via(&via, value(&m, "Via", 1)));
	assert_slice_equal(via.host, SLICE_LIT("[2001:db8::9:2]"));
	assert_int_equal(via.port, 5070);
	m = message("ipv6-09-mapped.sip");
	assert_ok(sipfield_uri(&u, m.uri));
	assert_slice_equal(u.host, SLICE_LIT("[::ffff:192.0.2.10]"));
}

int main(void)
{
#define EACH(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		EACH(answers),
		EACH(white_space),
		EACH(escapes),
		EACH(bodies),
		EACH(contacts),
		EACH(nuls),
		cmocka_unit_test_setup_teardown(references, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
