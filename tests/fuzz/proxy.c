/* SPDX-License-Identifier: ISC */
/*
 * Fuzz target: a proxy's requests from the first to the last of them.  The
 * input is a script, its steps apart by RS (0x1e): 'p' and 'u' are followed by
 * a message of another peer, or a phone; "rNSSS" answers the N-th last request
 * that left by status SSS; "tN" lets time pass; "fN" ends the last look-up;
 * "lN" loses the peer.  What leaves is a message, and in the end nothing is
 * left.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sip/proxy.h"
#include "sip/sipreply.h"
#include "sip/sipway.h"
#include "sip/transaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARENA = 1 << 20, RS = 0x1e, ASKED_MAX = 10, TOKENS_MAX = 16 };

#define BOB "bob@a.example"

static const struct flow phone = {
	.peer = { .type = ADDRESS_IPV4, .addr = { 192, 0, 2, 7 }, .port = 5060 }
};
static const struct flow peer = { .is_peer = true, .node = { { 6 } } };

static struct registrar *reg;
static struct proxy *proxy;
static uint64_t now_us;
static struct {
	struct flow to;
	struct buf bytes;
} asked[ASKED_MAX];
static size_t n_asked;
static uint64_t tokens[TOKENS_MAX];
static size_t n_tokens;

/* Ends the program, so that the fuzzer keeps the input. */
static void must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void on_send(void *ctx, const struct flow *to, struct slice bytes)
{
	struct arena a = ARENA_INIT(ARENA);
	struct sipmsg m;
	enum err r = sipmsg_parse(&m, bytes, &a);
	size_t i = n_asked % ASKED_MAX;

	(void)ctx;
	must(r == OK || r == ERR_LIMIT, "no message leaves");
	if (r == OK && m.status == 0 && !sipmsg_is(m.method, "ACK")) {
		asked[i].to = *to;
		buf_clear(&asked[i].bytes);
		asked[i].bytes.max = 1 << 20;
		must(buf_append_slice(&asked[i].bytes, bytes) == OK,
		     "no memory");
		n_asked++;
	}
	arena_free(&a);
}

static bool on_local(void *ctx, const struct flow *f, struct proxy_local *out)
{
	(void)ctx;
	*out = (struct proxy_local){ .transport = f->is_peer ? "TLS" : "UDP",
				     .secure = f->is_peer,
				     .host = "192.0.2.1:5060" };
	return true;
}

static bool on_is_ours(void *ctx, struct slice host, uint16_t port)
{
	(void)ctx;
	return sipmsg_is(host, "192.0.2.1") && (port == 0 || port == 5060);
}

static enum err on_lookup(void *ctx, uint64_t token, struct slice uri)
{
	(void)ctx;
	must(uri.len > 0, "looks for nobody");
	if (n_tokens == TOKENS_MAX)
		return ERR_FULL;
	tokens[n_tokens++] = token;
	return OK;
}

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	(void)ctx;
	(void)u;
	(void)lifetime_s;
	return OK;
}

/* bob has three phones, of two q values. */
static void bind(struct registrar_user *bob)
{
	static const char text[] =
		"REGISTER sip:a.example SIP/2.0\r\nCall-ID: b\r\n"
		"CSeq: 1 REGISTER\r\nContact: <sip:b@192.0.2.7>;q=0.9, "
		"<sip:b@192.0.2.8>;q=0.9, <sip:b@192.0.2.9>;q=0.1\r\n\r\n";
	const struct binding_bounds bounds = { 60, 3600 };
	struct arena a = ARENA_INIT(ARENA);
	struct binding_change c;
	unsigned status;
	struct sipmsg m;

	must(sipmsg_parse(&m, slice_str(text), &a) == OK &&
		     binding_change_read(&c, &m, &phone, &bounds, &status) ==
			     OK &&
		     status == 0,
	     "is not read");
	for (size_t i = 0; i < c.n; i++) {
		c.v[i]->expires_us = now_us + UINT64_C(3600000000);
		must(registrar_restore_take(reg, SLICE_LIT(BOB), c.v[i]),
		     "is not bound");
	}
	c.n = 0;
	binding_change_clear(&c);
	arena_free(&a);
	registrar_restored(reg, now_us);
	registrar_stored(reg, bob, OK, now_us);
}

static void begin(void)
{
	struct registrar_config r = { .realm = "a.example",
				      .offer = { { HEXHASH_MD5 }, 1 },
				      .bounds = { 60, 3600 },
				      .store = on_store };
	struct proxy_config p = { .realm = "a.example",
				  .send = on_send,
				  .local = on_local,
				  .is_ours = on_is_ours,
				  .lookup = on_lookup };
	struct registrar_secret none = { 0 };
	struct registrar_user *bob;

	now_us = 1000000000;
	n_asked = n_tokens = 0;
	must(registrar_new(&reg, &r) == OK &&
		     registrar_add(reg, BOB, &none, NULL, &bob) == OK,
	     "no registrar");
	p.registrar = reg;
	must(proxy_new(&proxy, &p) == OK, "no proxy");
	bind(bob);
}

/* As front_request.c has it. */
static void request(const struct sipmsg *m, struct slice bytes,
		    const struct flow *from)
{
	struct buf key = BUF_INIT(TRANSACTION_KEY_MAX);
	struct buf head = BUF_INIT(SIPMSG_MAX), fields = BUF_INIT(SIPMSG_MAX);
	bool mates = sipmsg_is(m->method, "ACK") ||
		     sipmsg_is(m->method, "CANCEL");
	struct flow to;
	struct proxy_asked a = {
		.m = m, .bytes = bytes, .from = from, .to = &to
	};
	unsigned status = 0;
	enum err r = transaction_key(m, mates ? SLICE_LIT("INVITE") : m->method,
				     &key);

	sipreply_to(m, from, &to);
	a.key = buf_slice(&key);
	if (r != OK || sipreply_head(m, from, "tag", &head) != OK)
		goto out;
	a.head = buf_slice(&head);
	if (sipmsg_is(m->method, "ACK"))
		proxy_ack(proxy, &a, now_us);
	else if (mates)
		(void)proxy_cancel(proxy, m, a.key, now_us);
	else if (!proxy_again(proxy, a.key))
		must(proxy_request(proxy, &a, now_us, &status, &fields) == OK,
		     "no memory");
out:
	buf_clear(&key);
	buf_clear(&head);
	buf_clear(&fields);
}

static void come(struct slice bytes, const struct flow *from)
{
	struct arena a = ARENA_INIT(ARENA);
	const char *words;
	struct sipmsg m;

	if (sipmsg_parse(&m, bytes, &a) == OK) {
		if (m.status != 0)
			proxy_response(proxy, &m, now_us);
		else if (sipreply_possible(&m) &&
			 sipreply_check(&m, &words) == 0)
			request(&m, bytes, from);
	}
	arena_free(&a);
}

/* Of one that is asked: "NSSS". */
static void reply(struct slice how)
{
	struct buf head = BUF_INIT(SIPMSG_MAX), text = BUF_INIT(SIPMSG_MAX);
	struct arena a = ARENA_INIT(ARENA);
	struct sipmsg m;
	uint32_t status;
	size_t n;

	if (how.len != 4 || how.p[0] < '0' || how.p[0] > '9')
		return;
	n = (size_t)(how.p[0] - '0');
	if (sipfield_u32(&status, slice_sub(how, 1, 3)) != OK || n >= n_asked)
		return;
	n = (n_asked - 1 - n) % ASKED_MAX;
	if (sipmsg_parse(&m, buf_slice(&asked[n].bytes), &a) == OK &&
	    sipreply_head(&m, &asked[n].to, "far", &head) == OK &&
	    sipreply_make(status, NULL, buf_slice(&head), slice_of(NULL, 0),
			  &text) == OK)
		come(buf_slice(&text), &asked[n].to);
	buf_clear(&head);
	buf_clear(&text);
	arena_free(&a);
}

static void found(uint64_t token, unsigned how)
{
	char uri[] = "sip:b@192.0.2.33", path[] = "<sip:192.0.2.34;lr>";
	const struct sipway_target v[] = {
		{ .flow = peer, .q = 500 },
		{ .uri = uri, .path = path, .flow = phone, .q = 100 }
	};

	if (how < 3)
		proxy_found(proxy, token, OK, v, how, now_us);
	else
		proxy_found(proxy, token,
			    how == 3 ? ERR_TIMEOUT : ERR_NOT_FOUND, NULL, 0,
			    now_us);
}

static void step(struct slice s)
{
	unsigned n = s.len > 1 ? s.p[1] % 10u : 0;
	struct slice rest;

	if (s.len == 0)
		return;
	rest = slice_sub(s, 1, s.len - 1);
	switch (s.p[0]) {
	case 'p':
	case 'u':
		come(rest, s.p[0] == 'p' ? &peer : &phone);
		break;
	case 'r':
		reply(rest);
		break;
	case 't':
		now_us += UINT64_C(100000) << n;
		proxy_expire(proxy, now_us);
		break;
	case 'f':
		if (n_tokens > 0)
			found(tokens[--n_tokens], n);
		break;
	case 'l':
		(void)proxy_lost(proxy, &peer, n % 2 == 1, now_us);
		break;
	default:
		break;
	}
}

/* Whatever was begun ends by itself: look-ups do, and then timers. */
static void end(void)
{
	while (n_tokens > 0)
		found(tokens[--n_tokens], 4);
	while (proxy_deadline(proxy) != NEVER) {
		if (now_us < proxy_deadline(proxy))
			now_us = proxy_deadline(proxy);
		proxy_expire(proxy, now_us);
	}
	must(proxy_count(proxy) == 0, "is left behind");
	proxy_free(proxy);
	registrar_free(reg);
	for (size_t i = 0; i < ASKED_MAX; i++)
		buf_clear(&asked[i].bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice rest = slice_of(data, size);
	size_t n;

	begin();
	while (rest.len > 0) {
		for (n = 0; n < rest.len && rest.p[n] != RS;)
			n++;
		step(slice_sub(rest, 0, n));
		n += n < rest.len;
		rest = slice_sub(rest, n, rest.len - n);
	}
	end();
	return 0;
}
