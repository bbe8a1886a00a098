/* SPDX-License-Identifier: ISC */
/*
 * Owns: which request goes where, and what it costs who asks: RFC 3261 s8.2,
 * s18.  Does not own: sockets (sipnet.c), who may bind what (registrar.c), how
 * that is stored (errand.c), whom we host (hosted.c).
 */
#include "sip/front.h"

#include <stdio.h>
#include <stdlib.h>

#include "sip/callee.h"
#include "sip/carrier.h"
#include "sip/errand.h"
#include "sip/proxy.h"
#include "sip/sipreply.h"
#include "sip/siptally.h"
#include "sip/transaction.h"

#define LEAVE_TIMEOUT_US UINT64_C(5000000)

#define ALLOW                                                                  \
	"Allow: REGISTER, OPTIONS, INVITE, ACK, CANCEL, BYE, PRACK, UPDATE, "  \
	"INFO, MESSAGE, SUBSCRIBE, NOTIFY, REFER, PUBLISH\r\n"

struct front {
	struct front_config cfg;
	struct carrier carrier;
	struct callee *callee;
	struct registrar *registrar;
	struct proxy *proxy;
	struct transaction_table *transactions;
	struct loop_deadline *timer, *leave_timer;
	struct siptally tally;
	struct errand *errands;
	size_t n_errands;
	uint8_t secret[DIGEST_SECRET_LEN]; /* of tags */
	void (*left)(void *ctx);
	void *left_ctx;
	bool stopped;
};

static uint64_t now_us(void)
{
	return loop_now().mono_us;
}

static void arm(struct front *f)
{
	uint64_t a = transaction_deadline(f->transactions);
	uint64_t b = registrar_deadline(f->registrar);
	uint64_t c = proxy_deadline(f->proxy);

	a = a < b ? a : b;
	loop_deadline_set(f->timer, a < c ? a : c);
	if (f->left != NULL && registrar_idle(f->registrar))
		loop_deadline_set(f->leave_timer, now_us());
}

/* ---- the overlay ---- */

static void on_stored(void *ctx, struct registrar_user *u, enum err r,
		      struct slice words)
{
	struct front *f = ctx;

	if (r != OK && words.len > 0)
		log_line(f->cfg.log, LOG_INFO, "sip: %s: %.*s",
			 registrar_user_aor(u), (int)words.len,
			 (const char *)words.p);
	registrar_stored(f->registrar, u, r, now_us());
	if (!f->stopped)
		arm(f);
}

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	struct front *f = ctx;

	return f->stopped ? ERR_LINK_CLOSED
			  : errand_start(registrar_user_ctx(u), lifetime_s);
}

/* ---- answers ---- */

static void send_out(struct front *f, const struct flow *to, struct slice bytes)
{
	siptally_sent(&f->tally, bytes);
	carrier_send(&f->carrier, to, bytes);
}

static void on_answer(void *ctx, uint64_t token, unsigned status,
		      struct slice fields)
{
	struct front *f = ctx;
	struct transaction *t = transaction_by_id(f->transactions, token);
	const struct flow *to = transaction_flow(t);

	if (f->stopped || transaction_answer(f->transactions, t, status, fields,
					     now_us()) != OK)
		return; /* for lack of memory: it will be asked again */
	send_out(f, to, transaction_answered(t));
}

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
		send_out(f, &a->to, buf_slice(&b));
	buf_clear(&b);
}

/* ---- what the proxy asks for ---- */

static void on_send(void *ctx, const struct flow *to, struct slice bytes)
{
	struct front *f = ctx;

	if (!f->stopped)
		send_out(f, to, bytes);
}

static bool on_local(void *ctx, const struct flow *flow,
		     struct proxy_local *out)
{
	struct front *f = ctx;

	return carrier_local(&f->carrier, flow, out);
}

static bool on_is_ours(void *ctx, struct slice host, uint16_t port)
{
	struct front *f = ctx;

	return carrier_is_ours(&f->carrier, host, port);
}

static enum err on_lookup(void *ctx, uint64_t token, struct slice uri)
{
	struct front *f = ctx;

	return callee_ask(f->callee, token, uri);
}

static void on_found(void *ctx, uint64_t token, enum err r,
		     const struct sipway_target *v, size_t n)
{
	struct front *f = ctx;

	proxy_found(f->proxy, token, r, v, n, now_us());
	arm(f);
}

static bool on_lost(void *ctx, const struct node_id *node, bool gone)
{
	const struct flow to = { .is_peer = true, .node = *node };
	struct front *f = ctx;
	bool waits = proxy_lost(f->proxy, &to, gone, now_us());

	arm(f);
	return waits;
}

/* What has been heard from there came by another connection. */
static void on_unreachable(void *ctx, const struct flow *to)
{
	struct front *f = ctx;

	(void)proxy_lost(f->proxy, to, false, now_us());
	arm(f);
}

/* ---- requests ---- */

static void on_register(struct front *f, const struct asked *a)
{
	struct registrar_verdict v;
	struct transaction *t;
	enum err r;

	if (registrar_judge(f->registrar, a->m, a->from, now_us(), &v) != OK)
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
		registrar_submit(f->registrar, &v, transaction_id(t), now_us());
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
	       (on_is_ours(f, u.host, u.port) ||
		sipfield_host_eq(u.host, slice_str(f->cfg.realm)));
}

static void on_cancel(struct front *f, struct asked *a)
{
	unsigned status = 481;

	buf_reset(&a->key);
	if (transaction_key(a->m, SLICE_LIT("INVITE"), &a->key) == OK)
		status = proxy_cancel(f->proxy, buf_slice(&a->key), now_us());
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
			&fields,
			SLICE_LIT(ALLOW "Supported: path, outbound\r\n"));
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
	if (proxy_request(f->proxy, &asked, now_us(), &status, &fields) == OK &&
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
	       (on_local(f, a->from, &near) && near.secure);
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
			send_out(f, transaction_flow(t),
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
	proxy_ack(f->proxy, &asked, now_us());
}

static void on_message(void *ctx, const struct flow *from, struct slice bytes)
{
	struct front *f = ctx;
	struct arena arena = ARENA_INIT(1 << 18);
	struct sipmsg m;
	struct asked a = { .m = &m,
			   .bytes = bytes,
			   .from = from,
			   .key = BUF_INIT(TRANSACTION_KEY_MAX),
			   .head = BUF_INIT(SIPMSG_MAX) };
	enum err r = sipmsg_parse(&m, bytes, &arena);
	uint64_t wrong = registrar_wrong(f->registrar);

	if (r == OK && m.status != 0)
		proxy_response(f->proxy, &m, now_us());
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
	arm(f);
}

static void on_gone(void *ctx, uint32_t conn)
{
	struct front *f = ctx;

	registrar_flow_gone(f->registrar, conn, now_us());
	arm(f);
}

static void on_timer(void *ctx)
{
	struct front *f = ctx;

	transaction_expire(f->transactions, now_us());
	registrar_expire(f->registrar, now_us());
	proxy_expire(f->proxy, now_us());
	arm(f);
}

/* ---- beginning and end ---- */

static void on_leave_timer(void *ctx)
{
	struct front *f = ctx;
	void (*left)(void *) = f->left;

	f->left = NULL;
	left(f->left_ctx);
}

static enum err add_users(struct front *f, struct why *why)
{
	const struct hosted_user *u = f->cfg.hosted->first;
	struct errand *e;
	enum err r = OK;

	f->errands = calloc(f->cfg.hosted->n, sizeof(*f->errands));
	if (f->errands == NULL)
		return ERR_NOMEM;
	for (; u != NULL && r == OK; u = u->next) {
		e = &f->errands[f->n_errands++];
		*e = (struct errand){ .driver = f->cfg.driver,
				      .peer = f->cfg.peer,
				      .hosted = u,
				      .done = on_stored,
				      .ctx = f,
				      .value = BUF_INIT(ERRAND_VALUE_MAX) };
		r = registrar_add(f->registrar, u->signer->cert->user,
				  &u->secret, e, &e->user);
		if (r == ERR_BUSY || r == ERR_DATA)
			(void)why_err(why, r, "--sip-users: %.100s %s",
				      u->signer->cert->user,
				      r == ERR_BUSY ? "is there twice"
						    : "is no SIP address");
	}
	return r;
}

static enum err new_proxy(struct front *f, struct proxy_config *cfg)
{
	cfg->registrar = f->registrar;
	return proxy_new(&f->proxy, cfg);
}

/* Other peers, and whom they host. */
static enum err join_ring(struct front *f, struct why *why)
{
	struct peerlink_config p_cfg = { .loop = f->cfg.loop,
					 .driver = f->cfg.driver,
					 .crypto = f->cfg.crypto,
					 .signer = f->cfg.peer,
					 .log = f->cfg.log,
					 .message = on_message,
					 .lost = on_lost,
					 .ctx = f };
	struct callee_config c_cfg = { .loop = f->cfg.loop,
				       .driver = f->cfg.driver,
				       .crypto = f->cfg.crypto,
				       .self = &f->cfg.peer->node_id,
				       .realm = f->cfg.realm,
				       .net = f->carrier.net,
				       .found = on_found,
				       .ctx = f };
	enum err r;

	if ((r = peerlink_new(&f->carrier.peers, &p_cfg, why)) != OK)
		return r;
	c_cfg.peers = f->carrier.peers;
	return callee_new(&f->callee, &c_cfg);
}

enum err front_new(struct front **out, const struct front_config *cfg,
		   struct why *why)
{
	struct registrar_config r_cfg = {
		.realm = driver_overlay(cfg->driver)->name,
		.offer = cfg->offer,
		.bounds = cfg->bounds,
		.contact = cfg->contact,
		.log = cfg->log,
		.store = on_store,
		.answer = on_answer
	};
	struct sipnet_config t_cfg = { .loop = cfg->loop,
				       .listen = cfg->listen,
				       .n_listen = cfg->n_listen,
				       .tls = cfg->tls,
				       .log = cfg->log,
				       .message = on_message,
				       .gone = on_gone,
				       .unreachable = on_unreachable };
	struct proxy_config p_cfg = { .realm = cfg->realm,
				      .redirect = cfg->redirect,
				      .send = on_send,
				      .local = on_local,
				      .is_ours = on_is_ours,
				      .lookup = on_lookup };
	struct front *f = calloc(1, sizeof(*f));
	enum err r;

	if (f == NULL)
		return ERR_NOMEM;
	f->cfg = *cfg;
	p_cfg.ctx = f;
	r_cfg.ctx = f;
	t_cfg.ctx = f;
	if ((r = loop_seed(f->secret)) != OK ||
	    (r = loop_seed(r_cfg.secret)) != OK ||
	    (r = loop_deadline_new(cfg->loop, on_timer, f, &f->timer)) != OK ||
	    (r = loop_deadline_new(cfg->loop, on_leave_timer, f,
				   &f->leave_timer)) != OK ||
	    (r = transaction_table_new(&f->transactions)) != OK ||
	    (r = registrar_new(&f->registrar, &r_cfg)) != OK ||
	    (r = loop_seed(p_cfg.secret)) != OK ||
	    (r = loop_seed(p_cfg.seed)) != OK ||
	    (r = new_proxy(f, &p_cfg)) != OK || (r = add_users(f, why)) != OK)
		goto out;
	if ((r = sipnet_new(&f->carrier.net, &t_cfg, why)) == OK)
		r = join_ring(f, why);
out:
	if (r == OK) {
		*out = f;
	} else {
		front_stop(f);
		front_free(f);
	}
	return r;
}

void front_set_tls(struct front *f, struct ssl_ctx_st *server)
{
	sipnet_set_tls(f->carrier.net, server);
}

void front_count(const struct front *f, struct front_counts *out)
{
	out->sip = f->tally;
	out->dropped = sipnet_dropped(f->carrier.net);
	out->under_way = transaction_count(f->transactions) +
			 proxy_count(f->proxy);
	registrar_count(f->registrar, &out->registrar);
	out->callee = *callee_counts(f->callee);
}

struct registrar *front_registrar(const struct front *f)
{
	return f->registrar;
}

const struct sipnet *front_net(const struct front *f)
{
	return f->carrier.net;
}

void front_leave(struct front *f, void (*done)(void *ctx), void *ctx)
{
	f->left = done;
	f->left_ctx = ctx;
	loop_deadline_set(f->leave_timer, now_us() + LEAVE_TIMEOUT_US);
	registrar_withdraw(f->registrar, now_us());
	arm(f);
}

void front_stop(struct front *f)
{
	if (f == NULL)
		return;
	f->stopped = true;
	callee_stop(f->callee);
	peerlink_stop(f->carrier.peers);
	sipnet_free(f->carrier.net);
	f->carrier.net = NULL;
	loop_deadline_free(f->timer);
	loop_deadline_free(f->leave_timer);
	f->timer = NULL;
	f->leave_timer = NULL;
}

void front_free(struct front *f)
{
	if (f == NULL)
		return;
	callee_free(f->callee);
	peerlink_free(f->carrier.peers);
	proxy_free(f->proxy);
	registrar_free(f->registrar);
	transaction_table_free(f->transactions);
	for (size_t i = 0; i < f->n_errands; i++)
		buf_clear(&f->errands[i].value);
	free(f->errands);
	explicit_bzero(f->secret, sizeof(f->secret));
	free(f);
}
