/* SPDX-License-Identifier: ISC */
/*
 * Owns: connections for SIP between peers, by Node-ID, and what waits for them:
 * RFC 7904 s5.1, RFC 6940 s6.5.2.  Does not own: AppAttach (core/app_attach.c),
 * TLS (net/tls.c), where messages end (sipstream.c).  CHOICE: SIP goes by TLS
 * like SIPS, RFC 6940 s5.4; one connection serves both.
 */
#include "sip/peerlink.h"

#include <stdlib.h>

#include "conf/address.h"
#include "core/limits.h"
#include "core/table.h"
#include "net/tls.h"
#include "sip/peeraddr.h"
#include "sip/sipstream.h"

struct peer;

struct link {
	struct link *next; /* of the peer; the newest first */
	struct peer *peer;
	struct tls_link *tls;
	bool up;
	struct flow flow;
	struct sipstream stream;
	uint64_t sent_us;
	/* Where it may be connected to, while it is not. */
	struct link_address candidates[CANDIDATES_MAX];
	uint32_t n_candidates, next_candidate;
};

struct peer {
	struct peerlink *all;
	struct node_id node;
	struct link *links;
	struct buf queue; /* of messages, until there is a connection */
	bool asking;      /* an AppAttach is under way */
	struct peerroute route;
	uint64_t expected_us; /* until then it may connect; 0: it may not */
	uint64_t used_us;
	bool failed; /* its owner is to be told */
	bool gone;   /* and that it cannot be reached */
	UT_hash_handle hh;
};

struct peerlink {
	struct peerlink_config cfg;
	struct tls *tls;
	struct peer *peers;
	struct loop_deadline *timer;
	struct peeraddr own;
	struct peerlink_counts counts;
	bool stopped;
};

static uint64_t now_us(void)
{
	return loop_now().mono_us;
}

static uint64_t after(unsigned seconds)
{
	return now_us() + UINT64_C(1000000) * seconds;
}

/* ---- peers ---- */

static struct peer *find(const struct peerlink *p, const struct node_id *node)
{
	struct peer *x;

	HASH_FIND(hh, p->peers, node, sizeof(*node), x);
	return x;
}

static void peer_free(struct peer *x)
{
	HASH_DEL(x->all->peers, x);
	buf_clear(&x->queue);
	peerroute_clear(&x->route);
	free(x);
}

/* Is it linked, or about to be? */
static bool is_busy(const struct peer *x, uint64_t now)
{
	return x->links != NULL || x->asking || x->failed ||
	       x->expected_us > now;
}

/* One that is only remembered goes, where there is no more room. */
static bool make_room(struct peerlink *p)
{
	uint64_t now = now_us();
	struct peer *x, *tmp;

	if (HASH_COUNT(p->peers) < PEERLINK_PEERS_MAX)
		return true;
	HASH_ITER (hh, p->peers, x, tmp) {
		if (is_busy(x, now))
			continue;
		peer_free(x);
		return true;
	}
	return false;
}

/* NULL without room or memory. */
static struct peer *need(struct peerlink *p, const struct node_id *node)
{
	struct peer *x = find(p, node);

	if (x != NULL || !make_room(p) || (x = calloc(1, sizeof(*x))) == NULL)
		return x;
	x->all = p;
	x->node = *node;
	x->queue.max = PEERLINK_QUEUE_MAX;
	x->used_us = now_us();
	HASH_ADD(hh, p->peers, node, sizeof(x->node), x);
	if (x->hh.tbl == NULL) {
		free(x);
		return NULL;
	}
	if (HASH_COUNT(p->peers) == 1)
		loop_deadline_set(p->timer, after(PEERLINK_WAIT_S));
	return x;
}

/* What waits for it is lost; told from the loop. */
static void fail(struct peer *x, bool gone)
{
	x->gone = gone;
	x->all->counts.failed += gone;
	buf_clear(&x->queue);
	x->expected_us = 0;
	x->failed = true;
	loop_deadline_set(x->all->timer, 0);
}

/* The connection that is used: the newest, for the other side may have lost
 * those before it. */
static struct link *in_use(const struct peer *x)
{
	struct link *l = x->links;

	while (l != NULL && !l->up)
		l = l->next;
	return l;
}

/* ---- links ---- */

static void link_drop(struct link *l)
{
	struct link **at = &l->peer->links;

	while (*at != l)
		at = &(*at)->next;
	*at = l->next;
	l->peer->all->counts.open -= l->up;
	sipstream_clear(&l->stream);
	free(l);
}

static void link_close(struct link *l)
{
	tls_link_close(l->tls);
	link_drop(l);
}

/* NULL without memory. */
static struct link *link_new(struct peer *x)
{
	struct link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->peer = x;
	l->flow.is_peer = true;
	l->flow.node = x->node;
	l->next = x->links;
	x->links = l;
	return l;
}

static void trim(struct peer *x)
{
	struct link *l = x->links;

	for (int n = 1; l != NULL && n < PEERLINK_LINKS_MAX; n++)
		l = l->next;
	while (l != NULL && l->next != NULL)
		link_close(l->next);
}

static void link_up(struct link *l, struct tls_link *tls,
		    const struct ip_address_port *remote)
{
	struct peer *x = l->peer;
	char text[ADDRESS_TEXT_MAX];

	l->tls = tls;
	l->up = true;
	x->all->counts.open++;
	x->all->counts.opened++;
	l->flow.peer = *remote;
	l->flow.peer.unknown = slice_of(NULL, 0);
	l->sent_us = x->used_us = now_us();
	sipstream_init(&l->stream, l->sent_us);
	log_line(x->all->cfg.log, LOG_INFO, "sip: linked with %s at %s",
		 id_short(&x->node).s, address_format(remote, text));
	if (x->queue.len > 0)
		tls_link_send(tls, buf_slice(&x->queue));
	buf_clear(&x->queue);
	trim(x);
}

/* To the next candidate; false when there is none. */
static bool connect_next(struct link *l)
{
	struct peerlink *p = l->peer->all;

	while (l->next_candidate < l->n_candidates) {
		const struct link_address *a =
			&l->candidates[l->next_candidate++];

		if (tls_link_connect(p->tls, &a->address, &l->peer->node,
				     &l->tls) == OK) {
			tls_link_set_data(l->tls, l);
			return true;
		}
	}
	return false;
}

/* Somebody has asked us: RFC 6940 s6.5.2.2. */
static void on_wanted(void *ctx, const struct effect *fx)
{
	struct peerlink *p = ctx;
	struct peer *x = p->stopped ? NULL : need(p, &fx->node_id);
	struct link *l = x == NULL ? NULL : link_new(x);

	if (l == NULL)
		return;
	memcpy(l->candidates, fx->candidates,
	       fx->n_candidates * sizeof(l->candidates[0]));
	l->n_candidates = fx->n_candidates;
	if (!connect_next(l))
		link_drop(l);
}

/* ---- asking ---- */

static void on_asked(void *ctx, const struct result *res);

static void ask(struct peer *x)
{
	struct command c = { .type = CMD_APP_ATTACH,
			     .timeout_us = UINT64_C(1000000) *
					   PEERLINK_ATTACH_S,
			     .application = x->route.application,
			     .destination = x->route.list };

	if (driver_command(x->all->cfg.driver, &c, on_asked, x) != OK) {
		fail(x, true);
		return;
	}
	x->asking = true;
	/* The connection may come before the answer. */
	x->expected_us = after(PEERLINK_ATTACH_S + PEERLINK_WAIT_S);
}

/* Unless a connection is on its way. */
static void begin(struct peer *x)
{
	if (x->asking || x->expected_us > now_us() || x->links != NULL)
		return;
	if (peerroute_begin(&x->route, &x->node) == OK)
		ask(x);
	else
		fail(x, true);
}

static void on_asked(void *ctx, const struct result *res)
{
	struct peer *x = ctx;
	const struct peerlink *p = x->all;

	x->asking = false;
	if (p->stopped || in_use(x) != NULL)
		return;
	if (res->err == OK) {
		x->expected_us = after(PEERLINK_WAIT_S);
		return;
	}
	/* It may take calls of one scheme alone. */
	if (res->err == ERR_NOT_FOUND && peerroute_other(&x->route)) {
		ask(x);
		return;
	}
	log_line(p->cfg.log, LOG_INFO, "sip: no link with %s: %s",
		 id_short(&x->node).s, err_text(res->err));
	fail(x, true);
}

void peerlink_learn(struct peerlink *p, const struct destination_list *route,
		    enum peerroute_scheme scheme)
{
	struct peer *x = need(p, &route->v[route->n - 1].node_id);

	if (x != NULL && !x->asking) /* what it was asked by stays */
		peerroute_set(&x->route, route, scheme);
}

void peerlink_send(struct peerlink *p, const struct node_id *node,
		   struct slice bytes)
{
	struct peer *x = need(p, node);
	struct link *l = x == NULL ? NULL : in_use(x);

	if (x == NULL)
		return; /* for lack of room: it will be given up in the end */
	x->used_us = now_us();
	if (l != NULL) {
		l->sent_us = x->used_us;
		tls_link_send(l->tls, bytes);
		return;
	}
	if (x->failed || buf_append_slice(&x->queue, bytes) != OK)
		fail(x, true);
	else
		begin(x);
}

/* ---- what TLS says ---- */

/* Which of those that were asked is it? */
static struct peer *expected(const struct peerlink *p, const struct cert *cert)
{
	uint64_t now = now_us();
	struct peer *x;

	for (size_t i = 0; i < cert->n_node_ids; i++)
		if ((x = find(p, &cert->node_ids[i])) != NULL &&
		    x->expected_us > now)
			return x;
	return NULL;
}

static void on_up(void *ctx, struct tls_link *tls, struct cert *cert,
		  const struct ip_address_port *remote)
{
	struct link *l = tls_link_data(tls);
	struct peerlink *p = ctx;
	char text[ADDRESS_TEXT_MAX];
	struct peer *x;

	if (l == NULL) {
		/* RFC 7904 s5.1: the node that answered, or none. */
		x = expected(p, cert);
		l = x == NULL ? NULL : link_new(x);
		if (l == NULL) {
			log_line(p->cfg.log, LOG_INFO,
				 "sip: %s has connected unasked",
				 address_format(remote, text));
			tls_link_close(tls);
			return;
		}
		x->expected_us = 0;
		tls_link_set_data(tls, l);
	}
	link_up(l, tls, remote);
}

static bool on_stream_message(void *ctx, struct slice bytes)
{
	struct link *l = ctx;
	const struct peerlink_config *cfg = &l->peer->all->cfg;

	cfg->message(cfg->ctx, &l->flow, bytes);
	return true; /* links are closed from the loop alone */
}

static bool on_stream_pong(void *ctx)
{
	struct link *l = ctx;

	tls_link_send(l->tls, SLICE_LIT("\r\n"));
	return true;
}

static void on_bytes(void *ctx, struct tls_link *tls, struct slice bytes)
{
	struct link *l = tls_link_data(tls);
	const struct sipstream_taker to = { on_stream_message, on_stream_pong,
					    l };
	struct peerlink *p = ctx;
	struct peer *x = l->peer;
	enum err r;

	r = sipstream_take(&l->stream, bytes, &to, now_us());
	x->used_us = l->stream.used_us;
	if (r == OK)
		return;
	log_line(p->cfg.log, LOG_INFO, "sip: %s does not speak SIP: %s",
		 id_short(&x->node).s, err_text(r));
	link_close(l);
	if (in_use(x) == NULL)
		fail(x, false);
}

static void on_down(void *ctx, struct tls_link *tls, enum err r,
		    const struct why *why)
{
	struct link *l = tls_link_data(tls);
	struct peerlink *p = ctx;
	struct peer *x;
	bool was_up;

	if (l == NULL) {
		log_line(p->cfg.log, LOG_INFO, "sip: an incoming link: %s%s%s",
			 err_text(r), *why->text == '\0' ? "" : ": ",
			 why->text);
		return;
	}
	x = l->peer;
	if (!l->up && connect_next(l))
		return;
	log_line(p->cfg.log, LOG_INFO, "sip: link with %s: %s%s%s",
		 id_short(&x->node).s, err_text(r),
		 *why->text == '\0' ? "" : ": ", why->text);
	was_up = l->up;
	link_drop(l);
	if (x->links == NULL && !x->asking && x->expected_us <= now_us())
		fail(x, !was_up);
}

/* ---- time ---- */

/* A document that bars a node: what it has goes at once. */
static void on_overlay(void *ctx, const struct overlay *o)
{
	struct peerlink *p = ctx;
	struct peer *x, *tmp;

	if (p->stopped)
		return;
	tls_set_overlay(p->tls, o);
	HASH_ITER (hh, p->peers, x, tmp) {
		if (!overlay_is_bad_node(o, &x->node))
			continue;
		while (x->links != NULL)
			link_close(x->links);
		fail(x, true);
	}
}

static void close_idle(struct peer *x, uint64_t now)
{
	const uint64_t idle_us = UINT64_C(1000000) * PEERLINK_IDLE_S;
	struct link *l = x->links, *next;

	for (; l != NULL; l = next) {
		next = l->next;
		if (l->up && (sipstream_is_slow(&l->stream, now) ||
			      (now - l->stream.used_us > idle_us &&
			       now - l->sent_us > idle_us)))
			link_close(l);
	}
}

static void on_timer(void *ctx)
{
	struct peerlink *p = ctx;
	uint64_t now = now_us();
	struct peer *x, *tmp;

	loop_deadline_set(p->timer, after(PEERLINK_WAIT_S / 2));
	HASH_ITER (hh, p->peers, x, tmp) {
		close_idle(x, now);
		if (x->expected_us != 0 && x->expected_us <= now &&
		    !x->asking && in_use(x) == NULL)
			fail(x, true);
		if (!is_busy(x, now) &&
		    now - x->used_us > UINT64_C(1000000) * PEERLINK_IDLE_S)
			peer_free(x);
	}
	/* None is freed, but some may be added, while their owner is told. */
	HASH_ITER (hh, p->peers, x, tmp) {
		if (!x->failed)
			continue;
		x->failed = false;
		if (p->cfg.lost(p->cfg.ctx, &x->node, x->gone) && !x->gone)
			begin(x);
	}
	if (p->peers == NULL)
		loop_deadline_set(p->timer, NEVER);
}

/* ---- beginning and end ---- */

static enum err serve(struct peerlink *p)
{
	char text[ADDRESS_TEXT_MAX];

	static const uint16_t numbers[] = { APPLICATION_SIP, APPLICATION_SIPS };
	const struct driver_owner owner = { on_wanted, on_overlay, p };
	enum err r = OK;

	for (size_t i = 0; i < p->own.n; i++)
		log_line(p->cfg.log, LOG_INFO, "sip: peers connect to %s",
			 address_format(&p->own.v[i].address, text));
	for (size_t i = 0; i < 2 && r == OK; i++)
		r = driver_serve(p->cfg.driver,
				 &(struct application){ .number = numbers[i],
							.answers = true,
							.listen = p->own.v,
							.n_listen = p->own.n },
				 &owner);
	return r;
}

enum err peerlink_new(struct peerlink **out, const struct peerlink_config *cfg,
		      struct why *why)
{
	struct tls_config t_cfg = { .loop = loop_uv(cfg->loop),
				    .crypto = cfg->crypto,
				    .overlay = driver_overlay(cfg->driver),
				    .signer = cfg->signer,
				    .calls = { on_up, on_bytes, on_down,
					       NULL } };
	struct peerlink *p = calloc(1, sizeof(*p));
	enum err r;

	if (p == NULL)
		return ERR_NOMEM;
	p->cfg = *cfg;
	t_cfg.calls.ctx = p;
	if ((r = loop_deadline_new(cfg->loop, on_timer, p, &p->timer)) != OK ||
	    (r = tls_new(&p->tls, &t_cfg, why)) != OK ||
	    (r = peeraddr_listen(&p->own, p->tls, cfg->driver, why)) != OK ||
	    (r = serve(p)) != OK) {
		peerlink_stop(p);
		peerlink_free(p);
		return r;
	}
	*out = p;
	return OK;
}

const struct peerlink_counts *peerlink_counts(const struct peerlink *p)
{
	return &p->counts;
}

const struct ip_address_port *peerlink_address(const struct peerlink *p)
{
	return &p->own.v[0].address;
}

bool peerlink_listens(const struct peerlink *p, const struct ip_address_port *a)
{
	return peeraddr_has(&p->own, a);
}

void peerlink_stop(struct peerlink *p)
{
	struct peer *x, *tmp;

	if (p == NULL)
		return;
	p->stopped = true;
	HASH_ITER (hh, p->peers, x, tmp)
		while (x->links != NULL)
			link_drop(x->links);
	tls_free(p->tls);
	p->tls = NULL;
	loop_deadline_free(p->timer);
	p->timer = NULL;
}

void peerlink_free(struct peerlink *p)
{
	if (p == NULL)
		return;
	while (p->peers != NULL)
		peer_free(p->peers);
	free(p);
}
