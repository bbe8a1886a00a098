/* SPDX-License-Identifier: ISC */
/* Owns: the names of what is counted.  Does not own: counting. */
#include "cli/figures.h"

#include <stdio.h>

#include "net/metrics.h"

enum { LABELS_MAX = 64 };

static enum err count_values(const struct storage *s, uint64_t *n)
{
	struct arena a = ARENA_INIT(1 << 16);
	struct query q = { .type = QUERY_COUNT,
			   .alive_ms = loop_now().unix_ms };
	struct query_answer answer = { 0 };
	enum err r = s->read(s->ctx, &q, &answer, &a);

	*n = answer.count;
	arena_free(&a);
	return r;
}

static enum err write_refused(const struct node_counts *c, struct buf *out)
{
	const char *type = "counter";
	char labels[LABELS_MAX];
	enum err r = OK;

	for (unsigned i = OK + 1; i < ERR_N && r == OK; i++) {
		if (c->refused[i] == 0)
			continue;
		(void)snprintf(labels, sizeof(labels), "error=\"%s\"",
			       err_name((enum err)i)); /* fits */
		r = metrics_figure(out, "p2psip_refused_total", type, labels,
				   (double)c->refused[i]);
		type = NULL;
	}
	return r;
}

/* By the first digit of their status. */
static enum err write_classes(const char *name, const uint64_t v[7],
			      unsigned first, struct buf *out)
{
	char labels[LABELS_MAX];
	enum err r = OK;

	for (unsigned i = first; i <= 6 && r == OK; i++) {
		(void)snprintf(labels, sizeof(labels), "class=\"%uxx\"",
			       i); /* fits */
		r = metrics_figure(out, name, i == first ? "counter" : NULL,
				   labels, (double)v[i]);
	}
	return r;
}

static enum err write_ended(const struct sipconn_counts *n, struct buf *out)
{
	const struct {
		const char *labels;
		uint64_t n;
	} v[] = { { "reason=\"slow\"", n->slow },
		  { "reason=\"handshake\"", n->handshake },
		  { "reason=\"malformed\"", n->malformed },
		  { "reason=\"limit\"", n->limit } };
	enum err r = OK;

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]) && r == OK; i++)
		r = metrics_figure(out, "p2psip_sip_connections_ended_total",
				   i == 0 ? "counter" : NULL, v[i].labels,
				   (double)v[i].n);
	return r;
}

static enum err write_phones(const struct front_counts *c, struct buf *out)
{
	const struct registrar_counts *reg = &c->registrar;
	const struct {
		const char *name;
		bool gauge;
		double n;
	} v[] = {
		{ "p2psip_sip_requests_total", false, (double)c->sip.requests },
		{ "p2psip_sip_calls_total", false, (double)c->sip.calls },
		{ "p2psip_sip_under_way", true, (double)c->under_way },
		{ "p2psip_sip_flood_dropped_total", false, (double)c->dropped },
		{ "p2psip_sip_users", true, (double)reg->users },
		{ "p2psip_sip_users_registered", true,
		  (double)reg->registered },
		{ "p2psip_sip_contacts", true, (double)reg->bindings },
		{ "p2psip_sip_challenges_total", false,
		  (double)reg->challenges },
		{ "p2psip_sip_authentication_failures_total", false,
		  (double)reg->wrong },
		{ "p2psip_sip_stores_total", false, (double)reg->stores },
		{ "p2psip_sip_stores_failed_total", false,
		  (double)reg->failed },
		{ "p2psip_sip_store_seconds_total", false,
		  (double)reg->store_us / 1e6 },
		{ "p2psip_sip_lookups_total", false,
		  (double)c->callee.lookups },
		{ "p2psip_sip_lookups_failed_total", false,
		  (double)c->callee.failed },
		{ "p2psip_sip_lookup_seconds_total", false,
		  (double)c->callee.lookup_us / 1e6 },
		{ "p2psip_sip_peer_links", true, (double)c->peers.open },
		{ "p2psip_sip_peer_links_opened_total", false,
		  (double)c->peers.opened },
		{ "p2psip_sip_peer_links_failed_total", false,
		  (double)c->peers.failed },
	};
	enum err r;

	r = write_classes("p2psip_sip_answers_total", c->sip.answers, 1, out);
	if (r == OK)
		r = write_classes("p2psip_sip_calls_ended_total", c->sip.ended,
				  2, out);
	if (r == OK)
		r = write_ended(&c->ended, out);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]) && r == OK; i++)
		r = metrics_figure(out, v[i].name,
				   v[i].gauge ? "gauge" : "counter", NULL,
				   v[i].n);
	return r;
}

static enum err write_links(const struct driver *d, uint32_t open,
			    struct buf *out)
{
	struct driver_counts c;
	enum err r;

	driver_count(d, &c);
	if ((r = metrics_figure(out, "p2psip_links", "gauge", NULL, open)) !=
		    OK ||
	    (r = metrics_figure(out, "p2psip_links_failed_total", "counter",
				NULL, (double)c.failed)) != OK)
		return r;
	return metrics_figure(out, "p2psip_dtls_cookies_total", "counter", NULL,
			      (double)c.cookies);
}

enum err figures_write(const struct figures *f, struct buf *out)
{
	struct front_counts phones;
	struct node_counts c;
	uint64_t values;
	enum err r;

	node_count(driver_node(f->driver), &c);
	if ((r = metrics_figure(out, "p2psip_joined", "gauge", NULL,
				c.state == STATE_JOINED)) != OK ||
	    (r = metrics_figure(out, "p2psip_uptime_seconds", "gauge", NULL,
				(double)(loop_now().mono_us - c.started_us) /
					1e6)) != OK ||
	    (r = write_links(f->driver, c.links, out)) != OK ||
	    (r = metrics_figure(out, "p2psip_own_requests", "gauge", NULL,
				c.requests)) != OK ||
	    (r = count_values(f->storage, &values)) != OK ||
	    (r = metrics_figure(out, "p2psip_stored_values", "gauge", NULL,
				(double)values)) != OK ||
	    (r = write_refused(&c, out)) != OK)
		return r;
	if (f->phones->front == NULL)
		return OK;
	front_count(f->phones->front, &phones);
	return write_phones(&phones, out);
}
