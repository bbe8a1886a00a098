/* SPDX-License-Identifier: ISC */
/*
 * Runs the core on the event loop: events to node_step(), effects to links,
 * timers and storage.  Owns the order: an event waits while a step is under
 * way, so that steps never nest.
 */
#include "net/driver.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/address.h"
#include "core/table.h"
#include "net/anchor.h"
#include "net/commit.h"
#include "net/inbox.h"
#include "net/transport.h"
#include "net/sockaddr.h"

enum { ADVERTISE_MAX = 64 };

struct waiting {
	uint64_t id;
	driver_done *done;
	void *ctx;
	UT_hash_handle hh;
};

struct driver {
	struct driver_config cfg; /* overlay: the one in use */
	struct overlay *owned;    /* the same, when it is not the caller's */
	uint8_t protocols;        /* LINK_PROTOCOL_*, of this node's links */
	struct link_address advertise[ADVERTISE_MAX];
	struct node *node;
	struct transport *transport;
	struct commit *commit;
	struct loop_deadline *timer;    /* the node's */
	struct loop_deadline *deadline; /* of the run */
	bool any_up;                    /* a link has been up */
	struct waiting *waiting;
	uint64_t n_commands;
	struct driver_owner owner; /* zero: no application is served */
	struct result ended;       /* of commands that the node did not end */
	struct inbox inbox;
	bool inside;  /* a step, or its effects, is under way */
	bool running; /* driver_run() */
	bool held;    /* it has returned, and its results are being looked at */
	enum err failed;
	char reason[ADDRESS_TEXT_MAX + sizeof(struct why) + 64];
	bool refused; /* by the peer that `reason` names */
	bool reached;
	uint64_t n_failed; /* incoming links that never came up */
};

static void drain(struct driver *d);

static void give_up(struct driver *d, enum err r)
{
	if (d->failed == OK)
		d->failed = r;
	loop_stop(d->cfg.loop);
}

/* ---- the queue of events ---- */

/* NULL without memory: the driver has failed then. */
static struct inbox_event *enqueue(struct driver *d, enum event_type type)
{
	struct inbox_event *q = inbox_add(&d->inbox, type);

	if (q == NULL)
		give_up(d, ERR_NOMEM);
	return q;
}

static void link_lost(struct driver *d, uint32_t number, enum err r)
{
	struct inbox_event *q = enqueue(d, EV_LINK_DOWN);

	if (q == NULL)
		return;
	q->event.link = number;
	q->event.err = r;
}

/* ---- effects ---- */

static void fx_connect(struct driver *d, const struct effect *fx)
{
	enum err r = transport_connect(d->transport, fx);

	if (r != OK)
		link_lost(d, fx->link, r);
}

static void fx_read(struct driver *d, const struct effect *fx)
{
	const struct storage *s = d->cfg.storage;
	struct inbox_event *q = enqueue(d, EV_READ);
	struct query_answer *v;
	enum err r = OK;

	if (q == NULL)
		return;
	v = arena_zalloc(&q->arena, fx->n_queries, sizeof(*v));
	if (v == NULL)
		r = ERR_NOMEM;
	for (size_t i = 0; s != NULL && i < fx->n_queries && r == OK; i++)
		r = s->read(s->ctx, &fx->queries[i], &v[i], &q->arena);
	if (r == ERR_DAMAGED)
		give_up(d, r);
	q->event.id = fx->id;
	q->event.answers = v;
	q->event.n_answers = fx->n_queries;
	q->event.err = r;
}

static void fx_config(struct driver *d, const struct effect *fx)
{
	struct inbox_event *q = enqueue(d, EV_CONFIG);

	if (q != NULL)
		inbox_document(q, fx);
}

static void fx_done(struct driver *d, const struct result *res)
{
	struct waiting *w;

	HASH_FIND(hh, d->waiting, &res->id, sizeof(res->id), w);
	if (w == NULL)
		return; /* its deadline was over */
	HASH_DEL(d->waiting, w);
	w->done(w->ctx, res);
	free(w);
	/* What `res` points to ends with the next step: there is none until the
	 * caller of driver_run() has looked at it. */
	if (d->running && d->waiting == NULL) {
		d->held = true;
		transport_pause(d->transport, true);
	}
}

static void apply(struct driver *d, struct effect *fx)
{
	switch (fx->type) {
	case FX_CONNECT:
		fx_connect(d, fx);
		break;
	case FX_SEND:
		transport_send(d->transport, fx->link, fx->bytes);
		break;
	case FX_CLOSE:
		transport_close(d->transport, fx->link);
		break;
	case FX_READ:
		fx_read(d, fx);
		break;
	case FX_COMMIT:
		commit_add_take(d->commit, fx->batch);
		break;
	case FX_CONFIG:
		fx_config(d, fx);
		break;
	case FX_DONE:
		fx_done(d, fx->result);
		break;
	case FX_STATE:
		if (d->cfg.state != NULL)
			d->cfg.state(d->cfg.ctx, fx->state);
		break;
	case FX_APPLICATION:
		d->owner.wanted(d->owner.ctx, fx);
		break;
	}
}

/* ---- steps ---- */

/* The node has a new document: links are judged by it too. */
static void use_overlay(struct driver *d, struct overlay *o)
{
	struct why why = { "" };

	if (anchor_move(d->cfg.crypto, o, &why) != OK)
		log_line(d->cfg.log, LOG_WARN, "root certificates: %s",
			 why.text);
	transport_set_overlay(d->transport, o);
	if (d->owner.overlay != NULL)
		d->owner.overlay(d->owner.ctx, o);
	overlay_free(d->owned);
	d->cfg.overlay = d->owned = o;
}

static void step(struct driver *d, struct inbox_event *q)
{
	struct effect fx;
	enum err r;

	inbox_judge(q, &d->cfg);
	if ((r = node_step(d->node, loop_now(), &q->event)) != OK)
		give_up(d, r);
	while (node_poll(d->node, &fx))
		apply(d, &fx);
	if (q->owned != NULL)
		use_overlay(d, q->owned);
}

static void drain(struct driver *d)
{
	struct inbox_event *q;

	if (d->inside || d->held)
		return;
	d->inside = true;
	while (!d->held && d->failed == OK &&
	       (q = inbox_take(&d->inbox)) != NULL) {
		step(d, q);
		inbox_event_free(q, d->cfg.crypto);
	}
	d->inside = false;
	loop_deadline_set(d->timer, node_deadline(d->node));
}

static void release(struct driver *d)
{
	d->held = false;
	transport_pause(d->transport, false);
}

/* The loop steps as soon as it runs. */
static void wake(struct driver *d)
{
	loop_deadline_set(d->timer, 0);
}

/* The node's deadline, or wake(). */
static void on_timer(void *ctx)
{
	struct driver *d = ctx;

	if (!d->running)
		release(d); /* whoever runs the loop has seen the result */
	if (loop_now().mono_us >= node_deadline(d->node))
		(void)enqueue(d, EV_TIMER); /* failed: drain() does nothing */
	drain(d);
}

/* ---- links ---- */

static void on_up(void *ctx, const struct transport_link *l, struct cert *cert,
		  uint8_t overlay_link, uint32_t mtu)
{
	struct driver *d = ctx;
	struct inbox_event *q;

	if ((q = enqueue(d, EV_LINK_UP)) == NULL)
		return;
	d->any_up = true;
	d->reached = d->reached || l->number < LINK_INCOMING;
	q->event.link = l->number;
	q->event.address = l->address;
	q->event.overlay_link = overlay_link;
	q->event.mtu = mtu;
	q->event.cert = q->cert = cert_ref(cert);
	drain(d);
}

static void on_bytes(void *ctx, uint32_t number, struct slice bytes)
{
	struct inbox_event *q = enqueue(ctx, EV_BYTES);

	if (q == NULL)
		return;
	q->event.link = number;
	q->event.bytes = bytes; /* nothing is read while steps wait */
	drain(ctx);
}

static void on_down(void *ctx, const struct transport_link *l, enum err r,
		    const struct why *why)
{
	struct driver *d = ctx;
	char address[ADDRESS_TEXT_MAX];

	if (l == NULL) { /* accepted, and never up */
		d->n_failed++;
		log_line(d->cfg.log, LOG_INFO,
			 "an incoming link failed: %s%s%s", err_text(r),
			 *why->text == '\0' ? "" : ": ", why->text);
		return;
	}
	address_format(&l->address, address);
	/* Who is refused need not know that others could not be reached. */
	if (!d->refused)
		snprintf(d->reason, sizeof(d->reason), "%s: %s", address,
			 *why->text == '\0' ? err_text(r) : why->text);
	d->refused |= r == ERR_AUTH;
	/* Clients come and go: that is no news. */
	log_line(d->cfg.log,
		 r == ERR_LINK_CLOSED && l->number >= LINK_INCOMING ? LOG_DEBUG
								    : LOG_INFO,
		 "link: %s: %s%s%s", address, err_text(r),
		 *why->text == '\0' ? "" : ": ", why->text);
	link_lost(d, l->number, r);
	drain(d);
}

static void on_failed(void *ctx, enum err r)
{
	give_up(ctx, r);
}

static void on_committed(void *ctx, uint64_t id, enum err r)
{
	struct inbox_event *q;

	if (r == ERR_DAMAGED)
		give_up(ctx, r);
	if ((q = enqueue(ctx, EV_COMMITTED)) == NULL)
		return;
	q->event.id = id;
	q->event.err = r;
	drain(ctx);
}

/* ---- the interface ---- */

static void end_waiting(struct driver *d, enum err r)
{
	struct waiting *w, *next;

	d->ended = (struct result){ .err = r };
	HASH_ITER (hh, d->waiting, w, next) {
		HASH_DEL(d->waiting, w);
		d->ended.id = w->id;
		w->done(w->ctx, &d->ended);
		free(w);
	}
}

static void on_deadline(void *ctx)
{
	struct driver *d = ctx;

	end_waiting(d, d->any_up ? ERR_TIMEOUT : ERR_NO_LINK);
}

/* What others are told to connect to: an address that stands for all is told as
 * each of those this machine has. */
static enum err advertise(struct driver *d, const struct ip_address_port *a,
			  uint8_t overlay_link, struct node_config *node)
{
	struct ip_address_port told[ADVERTISE_MAX];
	size_t k;
	enum err r = sockaddr_expand(a, 1, told, &k, ADVERTISE_MAX);

	for (size_t i = 0; i < k && r == OK; i++) {
		if (node->n_listen == ADVERTISE_MAX)
			return ERR_FULL;
		d->advertise[node->n_listen++] =
			(struct link_address){ told[i], overlay_link };
	}
	return r;
}

static enum err fill_advertise(struct driver *d, struct node_config *node)
{
	const struct link_address *l;
	size_t n = transport_listening(d->transport, &l),
	       n_own = d->cfg.n_advertise;
	enum err r = OK;

	node->listen = d->advertise;
	for (size_t i = 0; i < n_own && r == OK; i++) {
		if ((d->protocols & LINK_PROTOCOL_TLS) != 0)
			r = advertise(d, &d->cfg.advertise[i],
				      OVERLAY_LINK_TLS_TCP_FH_NO_ICE, node);
		if (r == OK && (d->protocols & LINK_PROTOCOL_DTLS) != 0)
			r = advertise(d, &d->cfg.advertise[i],
				      OVERLAY_LINK_DTLS_UDP_SR_NO_ICE, node);
	}
	for (size_t i = 0; i < n && n_own == 0 && r == OK; i++)
		r = advertise(d, &l[i].address, l[i].overlay_link, node);
	return r;
}

static enum err start_transport(struct driver *d, struct why *why)
{
	struct transport_config cfg = { .loop = loop_uv(d->cfg.loop),
					.crypto = d->cfg.crypto,
					.overlay = d->cfg.overlay,
					.signer = d->cfg.signer,
					.protocols = d->protocols,
					.calls = { on_up, on_bytes, on_down,
						   on_failed, d } };
	enum err r;

	if (d->protocols == 0)
		return why_err(why, ERR_CONFIG,
			       "the document does not permit this link "
			       "protocol");
	if ((r = transport_new(&d->transport, &cfg, why)) != OK)
		return r;
	for (size_t i = 0; i < d->cfg.n_listen && r == OK; i++)
		r = transport_listen(d->transport, &d->cfg.listen[i], why);
	return r;
}

static enum err start_node(struct driver *d)
{
	struct node_config n = { .role = d->cfg.role,
				 .first = d->cfg.first,
				 .overlay = d->cfg.overlay,
				 .crypto = d->cfg.crypto,
				 .signer = d->cfg.signer,
				 .link_protocols = d->cfg.link_protocols,
				 .bootstrap = d->cfg.bootstrap,
				 .n_bootstrap = d->cfg.n_bootstrap,
				 .log = d->cfg.log };
	uint8_t seed[32];
	enum err r;

	if ((r = fill_advertise(d, &n)) != OK || (r = loop_seed(seed)) != OK)
		return r;
	return node_new(&d->node, &n, seed);
}

enum err driver_new(struct driver **out, const struct driver_config *cfg,
		    struct why *why)
{
	struct driver *d = calloc(1, sizeof(*d));
	enum err r;

	if (d == NULL)
		return ERR_NOMEM;
	d->cfg = *cfg;
	d->protocols = cfg->overlay->link_protocols;
	if (cfg->link_protocols != 0)
		d->protocols &= cfg->link_protocols;
	if ((r = commit_new(&d->commit, loop_uv(cfg->loop), cfg->storage,
			    on_committed, d)) != OK ||
	    (r = loop_deadline_new(cfg->loop, on_timer, d, &d->timer)) != OK ||
	    (r = loop_deadline_new(cfg->loop, on_deadline, d, &d->deadline)) !=
		    OK ||
	    (r = start_transport(d, why)) != OK || (r = start_node(d)) != OK) {
		driver_free(d);
		return r;
	}
	loop_deadline_set(d->deadline, cfg->deadline_us);
	*out = d;
	return OK;
}

enum err driver_command(struct driver *d, const struct command *cmd,
			driver_done *done, void *ctx)
{
	struct waiting *w = calloc(1, sizeof(*w));
	struct inbox_event *q;

	if (w == NULL)
		return ERR_NOMEM;
	*w = (struct waiting){ .id = ++d->n_commands,
			       .done = done,
			       .ctx = ctx };
	HASH_ADD(hh, d->waiting, id, sizeof(w->id), w);
	if (w->hh.tbl == NULL) {
		free(w);
		return ERR_NOMEM;
	}
	if ((q = enqueue(d, EV_COMMAND)) == NULL) {
		HASH_DEL(d->waiting, w);
		free(w);
		return ERR_NOMEM;
	}
	q->command = *cmd;
	q->command.id = w->id;
	q->event.command = &q->command;
	wake(d);
	return OK;
}

enum err driver_serve(struct driver *d, const struct application *a,
		      const struct driver_owner *owner)
{
	d->owner = *owner;
	return node_serve(d->node, a);
}

enum err driver_run(struct driver *d)
{
	if (d->waiting == NULL)
		return d->failed;
	release(d);
	d->running = true;
	drain(d);
	while (d->failed == OK && d->waiting != NULL)
		loop_run_once(d->cfg.loop);
	d->running = false;
	wake(d);
	return d->failed;
}

enum err driver_reconfigure_take(struct driver *d, struct overlay *o)
{
	struct inbox_event *q = enqueue(d, EV_CONFIG);

	if (q == NULL) {
		overlay_free(o);
		return ERR_NOMEM;
	}
	q->event.overlay = q->owned = o;
	drain(d);
	return d->failed;
}

enum err driver_failed(const struct driver *d)
{
	return d->failed;
}

enum err driver_cause(const struct driver *d, enum err r)
{
	bool link = r == ERR_NO_LINK || r == ERR_TLS || r == ERR_LINK_CLOSED;

	return link && d->refused ? ERR_AUTH : r;
}

const char *driver_reason(const struct driver *d)
{
	return d->reason;
}

bool driver_reached(const struct driver *d)
{
	return d->reached;
}

void driver_count(const struct driver *d, struct driver_counts *out)
{
	out->failed = d->n_failed;
	out->cookies = transport_cookies(d->transport);
}

struct node *driver_node(struct driver *d)
{
	return d->node;
}

const struct overlay *driver_overlay(const struct driver *d)
{
	return d->cfg.overlay;
}

size_t driver_listening(const struct driver *d, const struct link_address **out)
{
	return transport_listening(d->transport, out);
}

size_t driver_peers(const struct driver *d, struct ip_address_port *out,
		    size_t max)
{
	return transport_connected(d->transport, out, max);
}

void driver_free(struct driver *d)
{
	if (d == NULL)
		return;
	d->held = true;
	commit_free(d->commit);
	transport_free(d->transport);
	d->transport = NULL;
	end_waiting(d, ERR_LINK_CLOSED);
	inbox_clear(&d->inbox, d->cfg.crypto);
	node_free(d->node);
	loop_deadline_free(d->timer);
	loop_deadline_free(d->deadline);
	overlay_free(d->owned);
	free(d);
}
