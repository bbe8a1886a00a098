/* SPDX-License-Identifier: ISC */
/*
 * The links of a node, whichever protocol they are of.  Owns both contexts,
 * which are made when they are first needed, and the table of numbers.
 */
#include "net/transport.h"

#include <stdlib.h>

#include "net/dtls.h"
#include "net/tls.h"

struct transport {
	struct transport_config cfg;
	struct tls *tls;
	struct dtls *dtls;
	struct transport_link *links; /* uthash: number */
	uint32_t n_accepted;
	struct link_address listening[TRANSPORT_LISTENING_MAX];
	size_t n_listening;
	bool paused;
};

/* ---- the table ---- */

static struct transport_link *find(const struct transport *t, uint32_t number)
{
	struct transport_link *l;

	HASH_FIND(hh, t->links, &number, sizeof(number), l);
	return l;
}

/* NULL without memory. */
static struct transport_link *add(struct transport *t, uint32_t number,
				  struct tls_link *tls, struct dtls_link *dtls,
				  const struct ip_address_port *address)
{
	struct transport_link *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->number = number;
	l->tls = tls;
	l->dtls = dtls;
	l->address = *address;
	HASH_ADD(hh, t->links, number, sizeof(l->number), l);
	if (l->hh.tbl == NULL) {
		free(l);
		return NULL;
	}
	if (tls != NULL)
		tls_link_set_data(tls, l);
	else
		dtls_link_set_data(dtls, l);
	return l;
}

static void forget(struct transport *t, struct transport_link *l)
{
	HASH_DEL(t->links, l);
	free(l);
}

/* ---- what the two kinds say ---- */

/* A link that is up: an accepted one has its number from now on. */
static struct transport_link *number_it(struct transport *t,
					struct transport_link *l,
					struct tls_link *tls,
					struct dtls_link *dtls,
					const struct ip_address_port *remote)
{
	if (l != NULL)
		return l;
	l = add(t, LINK_INCOMING | t->n_accepted++, tls, dtls, remote);
	if (l == NULL)
		t->cfg.calls.failed(t->cfg.calls.ctx, ERR_NOMEM);
	return l;
}

static void ended(struct transport *t, struct transport_link *l, enum err r,
		  const struct why *why)
{
	struct transport_link copy;

	if (l == NULL) {
		t->cfg.calls.down(t->cfg.calls.ctx, NULL, r, why);
		return;
	}
	copy = *l; /* whoever is told may not close it any more */
	forget(t, l);
	t->cfg.calls.down(t->cfg.calls.ctx, &copy, r, why);
}

static void on_tls_up(void *ctx, struct tls_link *tls, struct cert *cert,
		      const struct ip_address_port *remote)
{
	struct transport *t = ctx;
	struct transport_link *l = number_it(t, tls_link_data(tls), tls, NULL,
					     remote);

	if (l != NULL)
		t->cfg.calls.up(t->cfg.calls.ctx, l, cert,
				OVERLAY_LINK_TLS_TCP_FH_NO_ICE, 0);
}

static void on_dtls_up(void *ctx, struct dtls_link *dtls, struct cert *cert,
		       const struct ip_address_port *remote)
{
	struct transport *t = ctx;
	struct transport_link *l = number_it(t, dtls_link_data(dtls), NULL,
					     dtls, remote);

	if (l != NULL)
		t->cfg.calls.up(t->cfg.calls.ctx, l, cert,
				OVERLAY_LINK_DTLS_UDP_SR_NO_ICE,
				dtls_link_mtu(dtls));
}

/* Without memory for its number, all has failed. */
static void came(struct transport *t, const struct transport_link *l,
		 struct slice bytes)
{
	if (l != NULL)
		t->cfg.calls.bytes(t->cfg.calls.ctx, l->number, bytes);
}

static void on_tls_bytes(void *ctx, struct tls_link *tls, struct slice bytes)
{
	came(ctx, tls_link_data(tls), bytes);
}

static void on_dtls_record(void *ctx, struct dtls_link *dtls,
			   struct slice plaintext)
{
	came(ctx, dtls_link_data(dtls), plaintext);
}

static void on_tls_down(void *ctx, struct tls_link *tls, enum err r,
			const struct why *why)
{
	ended(ctx, tls_link_data(tls), r, why);
}

static void on_dtls_down(void *ctx, struct dtls_link *dtls, enum err r,
			 const struct why *why)
{
	ended(ctx, dtls_link_data(dtls), r, why);
}

/* ---- the contexts ---- */

static enum err need_tls(struct transport *t, struct why *why)
{
	struct tls_config cfg = { .loop = t->cfg.loop,
				  .crypto = t->cfg.crypto,
				  .overlay = t->cfg.overlay,
				  .signer = t->cfg.signer,
				  .calls = { on_tls_up, on_tls_bytes,
					     on_tls_down, t } };
	enum err r;

	if (t->tls != NULL)
		return OK;
	if ((r = tls_new(&t->tls, &cfg, why)) == OK)
		tls_pause(t->tls, t->paused);
	return r;
}

static enum err need_dtls(struct transport *t, struct why *why)
{
	struct dtls_config cfg = { .loop = t->cfg.loop,
				   .crypto = t->cfg.crypto,
				   .overlay = t->cfg.overlay,
				   .signer = t->cfg.signer,
				   .calls = { on_dtls_up, on_dtls_record,
					      on_dtls_down, t } };
	enum err r;

	if (t->dtls != NULL)
		return OK;
	if ((r = dtls_new(&t->dtls, &cfg, why)) == OK)
		dtls_pause(t->dtls, t->paused);
	return r;
}

enum err transport_new(struct transport **out,
		       const struct transport_config *cfg, struct why *why)
{
	struct transport *t = calloc(1, sizeof(*t));
	enum err r;

	if (t == NULL)
		return ERR_NOMEM;
	t->cfg = *cfg;
	/* The one that will be needed first shows whether key and certificate
	 * are good; a tool that runs once seldom needs the other. */
	r = (cfg->protocols & LINK_PROTOCOL_TLS) != 0 ? need_tls(t, why)
						      : need_dtls(t, why);
	if (r != OK) {
		transport_free(t);
		return r;
	}
	*out = t;
	return OK;
}

void transport_set_overlay(struct transport *t, const struct overlay *o)
{
	t->cfg.overlay = o;
	if (t->tls != NULL)
		tls_set_overlay(t->tls, o);
	if (t->dtls != NULL)
		dtls_set_overlay(t->dtls, o);
}

void transport_pause(struct transport *t, bool paused)
{
	t->paused = paused;
	if (t->tls != NULL)
		tls_pause(t->tls, paused);
	if (t->dtls != NULL)
		dtls_pause(t->dtls, paused);
}

void transport_free(struct transport *t)
{
	struct transport_link *l, *next;

	if (t == NULL)
		return;
	tls_free(t->tls);
	dtls_free(t->dtls);
	HASH_ITER (hh, t->links, l, next)
		forget(t, l);
	free(t);
}

/* ---- addresses ---- */

static void listens(struct transport *t, const struct ip_address_port *address,
		    uint8_t overlay_link)
{
	t->listening[t->n_listening++] = (struct link_address){ *address,
								overlay_link };
}

/* The port that TLS was given, where that was for us to choose and is free. */
static enum err listen_dtls(struct transport *t,
			    struct ip_address_port *address, bool chosen,
			    struct why *why)
{
	enum err r;

	if ((r = need_dtls(t, why)) != OK)
		return r;
	r = dtls_listen(t->dtls, address, why);
	if (r == ERR_BUSY && chosen) {
		address->port = 0;
		r = dtls_listen(t->dtls, address, why);
	}
	return r;
}

enum err transport_listen(struct transport *t,
			  const struct ip_address_port *address,
			  struct why *why)
{
	struct ip_address_port a = *address;
	enum err r;

	if (t->n_listening + 2 > TRANSPORT_LISTENING_MAX)
		return why_err(why, ERR_FULL, "more than %d addresses",
			       TRANSPORT_LISTENING_MAX / 2);
	if ((t->cfg.protocols & LINK_PROTOCOL_TLS) != 0) {
		if ((r = need_tls(t, why)) != OK ||
		    (r = tls_listen(t->tls, &a, why)) != OK)
			return r;
		listens(t, &a, OVERLAY_LINK_TLS_TCP_FH_NO_ICE);
	}
	if ((t->cfg.protocols & LINK_PROTOCOL_DTLS) != 0) {
		if ((r = listen_dtls(t, &a, address->port == 0, why)) != OK)
			return r;
		listens(t, &a, OVERLAY_LINK_DTLS_UDP_SR_NO_ICE);
	}
	return OK;
}

size_t transport_listening(const struct transport *t,
			   const struct link_address **out)
{
	*out = t->listening;
	return t->n_listening;
}

size_t transport_connected(const struct transport *t,
			   struct ip_address_port *out, size_t max)
{
	size_t n = 0;

	for (const struct transport_link *l = t->links; l != NULL && n < max;
	     l = l->hh.next)
		if (l->number < LINK_INCOMING)
			out[n++] = l->address;
	return n;
}

uint64_t transport_cookies(const struct transport *t)
{
	return t->dtls == NULL ? 0 : dtls_cookies(t->dtls);
}

/* ---- links ---- */

static enum err open_link(struct transport *t, const struct effect *fx,
			  struct tls_link **tls, struct dtls_link **dtls)
{
	const struct node_id *pin = fx->has_node_id ? &fx->node_id : NULL;
	enum err r;

	if (fx->overlay_link == OVERLAY_LINK_DTLS_UDP_SR_NO_ICE)
		return (r = need_dtls(t, NULL)) != OK
			       ? r
			       : dtls_link_connect(t->dtls, &fx->address, pin,
						   dtls);
	return (r = need_tls(t, NULL)) != OK
		       ? r
		       : tls_link_connect(t->tls, &fx->address, pin, tls);
}

enum err transport_connect(struct transport *t, const struct effect *fx)
{
	struct dtls_link *dtls = NULL;
	struct tls_link *tls = NULL;
	enum err r;

	if ((r = open_link(t, fx, &tls, &dtls)) != OK)
		return r;
	if (add(t, fx->link, tls, dtls, &fx->address) != NULL)
		return OK;
	if (tls != NULL)
		tls_link_close(tls);
	else
		dtls_link_close(dtls);
	return ERR_NOMEM;
}

void transport_send(struct transport *t, uint32_t number, struct slice bytes)
{
	struct transport_link *l = find(t, number);

	if (l != NULL && l->tls != NULL)
		tls_link_send(l->tls, bytes);
	else if (l != NULL)
		dtls_link_send(l->dtls, bytes);
}

void transport_close(struct transport *t, uint32_t number)
{
	struct transport_link *l = find(t, number);

	if (l == NULL)
		return;
	if (l->tls != NULL)
		tls_link_close(l->tls);
	else
		dtls_link_close(l->dtls);
	forget(t, l);
}
