/* SPDX-License-Identifier: ISC */
/*
 * Owns: how transport, registrar, proxy and overlay are joined, from the
 * beginning to the end.  Does not own: which message goes where
 * (front_request.c), sockets (sipnet.c), who may bind what (registrar.c), how
 * that is stored (errand.c), whom we host (front_users.c).
 */
#include "sip/front_private.h"

#include <stdlib.h>
#include <time.h>

#define LEAVE_TIMEOUT_US UINT64_C(5000000)

void front_arm(struct front *f)
{
	uint64_t a = transaction_deadline(f->transactions);
	uint64_t b = registrar_deadline(f->registrar);
	uint64_t c = proxy_deadline(f->proxy);

	a = a < b ? a : b;
	loop_deadline_set(f->timer, a < c ? a : c);
	if (f->left != NULL && registrar_idle(f->registrar))
		loop_deadline_set(f->leave_timer, front_now_us());
}

/* ---- the overlay ---- */

void front_stored(void *ctx, struct registrar_user *u, enum err r,
		  struct slice words)
{
	struct front *f = ctx;

	if (r != OK && words.len > 0)
		log_line(f->cfg.log, LOG_INFO, "sip: %s: %.*s",
			 registrar_user_aor(u), (int)words.len,
			 (const char *)words.p);
	registrar_stored(f->registrar, u, r, front_now_us());
	if (!f->stopped)
		front_arm(f);
}

static enum err on_store(void *ctx, struct registrar_user *u,
			 uint32_t lifetime_s)
{
	struct front *f = ctx;

	return f->stopped ? ERR_LINK_CLOSED
			  : errand_start(registrar_user_ctx(u), lifetime_s);
}

/* ---- answers ---- */

void front_send(struct front *f, const struct flow *to, struct slice bytes)
{
	siptally_sent(&f->tally, bytes);
	carrier_send(&f->carrier, to, bytes);
}

/* Phones set their clocks by it: RFC 3261 s10.3 step 8, s20.17. */
static enum err add_date(struct buf *out)
{
	time_t now = time(NULL);
	char text[64];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL ||
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		return OK; /* then without */
	return buf_printf(out, "Date: %s\r\n", text);
}

static void on_answer(void *ctx, uint64_t token, unsigned status,
		      struct slice fields)
{
	struct front *f = ctx;
	struct transaction *t = transaction_by_id(f->transactions, token);
	const struct flow *to = transaction_flow(t);
	struct buf b = BUF_INIT(2 * SIPMSG_MAX);

	/* For lack of memory nothing is said: it will be asked again. */
	if (!f->stopped && buf_append_slice(&b, fields) == OK &&
	    (status != 200 || add_date(&b) == OK) &&
	    transaction_answer(f->transactions, t, status, buf_slice(&b),
			       front_now_us()) == OK)
		front_send(f, to, transaction_answered(t));
	buf_clear(&b);
}

/* ---- what the proxy asks for ---- */

static void on_send(void *ctx, const struct flow *to, struct slice bytes)
{
	struct front *f = ctx;

	if (!f->stopped)
		front_send(f, to, bytes);
}

static void on_ended(void *ctx, struct slice request, unsigned status,
		     uint64_t took_us)
{
	struct front *f = ctx;
	struct arena a = ARENA_INIT(1 << 18);
	struct sipfield_addr from;
	struct sipmsg m;

	siptally_ended(&f->tally, status);
	if (f->cfg.log != NULL && f->cfg.log->max >= LOG_DEBUG &&
	    sipmsg_parse(&m, request, &a) == OK &&
	    sipfield_addr(&from, sipmsg_only(&m, "From", NULL)->value) == OK)
		log_line(f->cfg.log, LOG_DEBUG,
			 "sip: call from %.*s to %.*s: %u after %.2f s",
			 (int)from.uri.len, (const char *)from.uri.p,
			 (int)m.uri.len, (const char *)m.uri.p, status,
			 (double)took_us / 1e6);
	arena_free(&a);
}

static bool on_local(void *ctx, const struct flow *flow,
		     struct proxy_local *out)
{
	struct front *f = ctx;

	return carrier_local(&f->carrier, flow, out);
}

static bool on_large(void *ctx, const struct flow *flow, struct flow *out)
{
	struct front *f = ctx;

	return carrier_large(&f->carrier, flow, out);
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

	proxy_found(f->proxy, token, r, v, n, front_now_us());
	front_arm(f);
}

static bool on_lost(void *ctx, const struct node_id *node, bool gone)
{
	const struct flow to = { .is_peer = true, .node = *node };
	struct front *f = ctx;
	bool waits = proxy_lost(f->proxy, &to, gone, front_now_us());

	front_arm(f);
	return waits;
}

/* What has been heard from there may go on by another connection. */
static void on_unreachable(void *ctx, const struct flow *to)
{
	struct front *f = ctx;

	(void)proxy_lost(f->proxy, to, false, front_now_us());
	front_arm(f);
}

static void on_gone(void *ctx, uint32_t conn)
{
	struct front *f = ctx;

	registrar_flow_gone(f->registrar, conn, front_now_us());
	front_arm(f);
}

static void on_timer(void *ctx)
{
	struct front *f = ctx;

	transaction_expire(f->transactions, front_now_us());
	registrar_expire(f->registrar, front_now_us());
	proxy_expire(f->proxy, front_now_us());
	front_arm(f);
}

/* ---- beginning and end ---- */

static void on_leave_timer(void *ctx)
{
	struct front *f = ctx;
	void (*left)(void *) = f->left;

	f->left = NULL;
	left(f->left_ctx);
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
					 .message = front_request_came,
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
		.gone = front_users_gone,
		.answer = on_answer,
		.is_ours = on_is_ours
	};
	struct sipnet_config t_cfg = { .loop = cfg->loop,
				       .listen = cfg->listen,
				       .n_listen = cfg->n_listen,
				       .tls = cfg->tls,
				       .log = cfg->log,
				       .message = front_request_came,
				       .refused = front_request_refused,
				       .gone = on_gone,
				       .unreachable = on_unreachable };
	struct proxy_config p_cfg = { .realm = cfg->realm,
				      .redirect = cfg->redirect,
				      .send = on_send,
				      .local = on_local,
				      .large = on_large,
				      .is_ours = on_is_ours,
				      .lookup = on_lookup,
				      .ended = on_ended };
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
	    (r = new_proxy(f, &p_cfg)) != OK ||
	    (r = front_users_begin(f, why)) != OK)
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

void front_set_tls(struct front *f, const struct sipnet_tls *tls)
{
	sipnet_set_tls(f->carrier.net, tls);
}

void front_count(const struct front *f, struct front_counts *out)
{
	out->sip = f->tally;
	out->dropped = sipnet_dropped(f->carrier.net);
	out->ended = *sipnet_ended(f->carrier.net);
	out->under_way = transaction_count(f->transactions) +
			 proxy_count(f->proxy);
	registrar_count(f->registrar, &out->registrar);
	out->callee = *callee_counts(f->callee);
	out->peers = *peerlink_counts(f->carrier.peers);
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
	loop_deadline_set(f->leave_timer, front_now_us() + LEAVE_TIMEOUT_US);
	registrar_withdraw(f->registrar, front_now_us());
	front_arm(f);
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
	front_users_clear(f);
	explicit_bzero(f->secret, sizeof(f->secret));
	free(f);
}
