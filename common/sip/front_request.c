/* SPDX-License-Identifier: ISC */
/*
 * Owns: which message goes where, and what it costs who asks: RFC 3261 s8.2,
 * s18.  Does not own: what answers it (registrar.c, proxy.c), which answer was
 * given before (transaction.c).
 */
#include "sip/front_private.h"
#include "sip/sipreply.h"

#define ALLOW                                                                  \
	"Allow: REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, "  \
	"INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH\r\n"

#define ALLOW_US "Allow: REGISTER, OPTIONS\r\n"

/* A request, what its answers begin with and where they go. */
struct asked {
	const struct sipmsg *m;
	struct slice bytes;
	const struct flow *from;
	struct flow to;
	struct buf key, head;
};

static struct proxy_asked for_proxy(const struct asked *a)
{
	return (struct proxy_asked){ .m = a->m,
				     .bytes = a->bytes,
				     .from = a->from,
				     .to = &a->to,
				     .key = buf_slice(&a->key),
				     .head = buf_slice(&a->head) };
}

/* Without a transaction: when the request comes again it is answered again, by
 * the same tag, RFC 3261 s8.2.7. */
static void answer(struct front *f, const struct asked *a, unsigned status,
		   const char *words, struct slice fields)
{
	struct buf b = BUF_INIT(2 * SIPMSG_MAX);

	siptally_refused(&f->tally, status);
	if (sipreply_make(status, words, buf_slice(&a->head), fields, &b) == OK)
		front_send(f, &a->to, buf_slice(&b));
	buf_clear(&b);
}

static void on_register(struct front *f, const struct asked *a)
{
	struct registrar_verdict v;
	struct transaction *t;
	enum err r;

	if (registrar_judge(f->registrar, a->m, a->from, front_now_us(), &v) !=
	    OK)
		return; /* for lack of memory: it will be asked again */
	if (v.status != 0) {
		answer(f, a, v.status, NULL, buf_slice(&v.fields));
		goto out;
	}
	r = transaction_begin(f->transactions, buf_slice(&a->key),
			      buf_slice(&a->head), &a->to, &t);
	if (r == OK) {
		/* Should it end meanwhile, nothing is to be bound by it. */
		if (a->from->conn != 0)
			sipnet_hold(f->carrier.net, a->from->conn);
		registrar_submit(f->registrar, &v, transaction_id(t),
				 front_now_us());
	} else {
		answer(f, a, 503, NULL, SLICE_LIT("Retry-After: 30\r\n"));
	}
out:
	registrar_verdict_clear(&v);
}

/* Is it about this server, and no user? */
static bool is_for_us(struct front *f, const struct sipmsg *m)
{
	struct sipfield_uri u;

	return sipfield_uri(&u, m->uri) == OK && u.sip && u.user.p == NULL &&
	       (carrier_is_ours(&f->carrier, u.host, u.port) ||
		sipfield_host_eq(u.host, slice_str(f->cfg.realm)));
}

static void on_cancel(struct front *f, struct asked *a)
{
	unsigned status = 481;

	buf_reset(&a->key);
	if (transaction_key(a->m, SLICE_LIT("INVITE"), &a->key) == OK)
		status = proxy_cancel(f->proxy, a->m, buf_slice(&a->key),
				      front_now_us());
	answer(f, a, status, NULL, slice_of(NULL, 0));
}

static void on_options(struct front *f, const struct asked *a)
{
	static const char *const known[] = { NULL };
	struct buf fields = BUF_INIT(SIPMSG_MAX);
	unsigned status = 200;
	enum err r = sipreply_require(a->m, known, &status, &fields);

	if (r == OK && status == 200)
		r = buf_append_slice(
			&fields, SLICE_LIT(ALLOW "Supported: path, outbound\r\n"
						 "Accept: */*\r\n"
						 "Accept-Encoding: identity\r\n"
						 "Accept-Language: en\r\n"));
	if (r == OK)
		answer(f, a, status, NULL, buf_slice(&fields));
	buf_clear(&fields);
}

static void on_other(struct front *f, const struct asked *a)
{
	struct proxy_asked asked = for_proxy(a);
	struct buf fields = BUF_INIT(SIPMSG_MAX);
	unsigned status = 500;

	/* For lack of memory nothing is said: it will be asked again. */
	if (proxy_request(f->proxy, &asked, front_now_us(), &status, &fields) ==
		    OK &&
	    status != 0)
		answer(f, a, status, NULL, buf_slice(&fields));
	else if (status == 0)
		siptally_passed(&f->tally, a->m);
	buf_clear(&fields);
}

/* What is to be secure all the way comes so, too: RFC 3261 s26.2.2. */
static bool is_secured(struct front *f, const struct asked *a)
{
	struct proxy_local near;
	struct sipfield_uri u;

	return sipfield_uri(&u, a->m->uri) != OK ||
	       !sipmsg_is_nocase(u.scheme, "sips") ||
	       (carrier_local(&f->carrier, a->from, &near) && near.secure);
}

static void on_method(struct front *f, struct asked *a)
{
	if (!is_secured(f, a))
		answer(f, a, 403, "SIPS Needs TLS", slice_of(NULL, 0));
	else if (sipmsg_is(a->m->method, "REGISTER") && a->from->is_peer)
		answer(f, a, 403, NULL, slice_of(NULL, 0));
	else if (sipmsg_is(a->m->method, "REGISTER"))
		on_register(f, a);
	else if (sipmsg_is(a->m->method, "CANCEL"))
		on_cancel(f, a);
	else if (sipmsg_is(a->m->method, "OPTIONS") && is_for_us(f, a->m))
		on_options(f, a);
	else if (is_for_us(f, a->m))
		answer(f, a, 405, NULL, SLICE_LIT(ALLOW_US)); /* s8.2.1 */
	else
		on_other(f, a);
}

static void on_request(struct front *f, struct asked *a, enum err parsed)
{
	struct transaction *t;
	char tag[HEXHASH_MAX];
	const char *words;
	unsigned status;
	enum err r;

	if (!sipreply_possible(a->m))
		return;
	r = transaction_key(a->m, a->m->method, &a->key);
	if (r == OK && proxy_again(f->proxy, buf_slice(&a->key)))
		return;
	if (r == OK && (t = transaction_find(f->transactions,
					     buf_slice(&a->key))) != NULL) {
		/* It waits for its answer, or has it. */
		if (transaction_answered(t).len > 0)
			front_send(f, transaction_flow(t),
				   transaction_answered(t));
		return;
	}
	if (sipreply_tag(slice_of(f->secret, sizeof(f->secret)),
			 buf_slice(&a->key), tag) != OK ||
	    sipreply_head(a->m, a->from, tag, &a->head) != OK)
		return;
	sipreply_to(a->m, a->from, &a->to);
	if (r != OK || parsed == ERR_LIMIT) {
		answer(f, a, 513, NULL, slice_of(NULL, 0));
	} else if (parsed != OK) {
		answer(f, a, 400, parsed == ERR_SHORT ? "Body Is Cut" : NULL,
		       slice_of(NULL, 0));
	} else if ((status = sipreply_check(a->m, &words)) != 0) {
		answer(f, a, status, words, slice_of(NULL, 0));
	} else {
		on_method(f, a);
	}
}

/* No answer to it: s17. */
static void on_ack(struct front *f, struct asked *a)
{
	struct proxy_asked asked;
	const char *words;

	if (!sipreply_possible(a->m) || sipreply_check(a->m, &words) != 0 ||
	    transaction_key(a->m, SLICE_LIT("INVITE"), &a->key) != OK)
		return;
	asked = for_proxy(a);
	proxy_ack(f->proxy, &asked, front_now_us());
}

/* `broken`: OK, or why its end cannot be known. */
static void take(struct front *f, const struct flow *from, struct slice bytes,
		 enum err broken)
{
	struct arena arena = ARENA_INIT(1 << 18);
	struct sipmsg m;
	struct asked a = { .m = &m,
			   .bytes = bytes,
			   .from = from,
			   .key = BUF_INIT(TRANSACTION_KEY_MAX),
			   .head = BUF_INIT(SIPMSG_MAX) };
	enum err r = sipmsg_parse(&m, bytes, &arena);
	uint64_t wrong = registrar_wrong(f->registrar);

	if (broken != OK && r != ERR_NOMEM)
		r = broken;
	if (r == OK && m.status != 0)
		proxy_response(f->proxy, &m, front_now_us());
	else if (r == OK && sipmsg_is(m.method, "ACK"))
		on_ack(f, &a);
	else if (r != ERR_NOMEM && m.method.len > 0 &&
		 !sipmsg_is(m.method, "ACK"))
		on_request(f, &a, r);
	sipnet_charge(f->carrier.net, from,
		      siptally_came(&f->tally, &m, bytes,
				    registrar_wrong(f->registrar) != wrong));
	buf_clear(&a.key);
	buf_clear(&a.head);
	arena_free(&arena);
	front_arm(f);
}

void front_request_came(void *ctx, const struct flow *from, struct slice bytes)
{
	take(ctx, from, bytes, OK);
}

void front_request_refused(void *ctx, const struct flow *from,
			   struct slice bytes, enum err r)
{
	take(ctx, from, bytes, r);
}
