/* SPDX-License-Identifier: ISC */
/*
 * Owns: questions of DNS under way for URIs of other domains, and which of our
 * sockets what is found is reached by.  Does not own: what to ask (locate.c),
 * asking (net/dns.c).
 */
#include "sip/outside.h"

#include <stdlib.h>

#include "net/dns.h"
#include "sip/locate.h"

struct job {
	struct job *prev, *next;
	struct outside *all;
	struct locate locate;
	uint64_t deadline_us;
	bool asks, inside; /* an answer is awaited; within dns_ask() */
	outside_done *done;
	void *ctx;
};

struct outside {
	struct sipnet *net;
	struct dns *dns;
	struct job *jobs;
	size_t n;
};

static void drop(struct job *j)
{
	struct outside *o = j->all;

	*(j->prev == NULL ? &o->jobs : &j->prev->next) = j->next;
	if (j->next != NULL)
		j->next->prev = j->prev;
	o->n--;
	free(j);
}

static enum sipnet_type type_of(enum locate_transport t)
{
	return t == LOCATE_UDP   ? SIPNET_UDP
	       : t == LOCATE_TCP ? SIPNET_TCP
				 : SIPNET_TLS;
}

/* What leads back here is left out.  A server by TLS has to speak for what the
 * URI says, whatever DNS made of it: RFC 5922 s7.3. */
static void finish(struct job *j)
{
	struct flow v[OUTSIDE_FLOWS_MAX];
	struct sipnet *net = j->all->net;
	size_t n = 0;

	for (size_t i = 0; i < j->locate.n && n < OUTSIDE_FLOWS_MAX; i++) {
		const struct locate_target *t = &j->locate.targets[i];

		n += !sipnet_listens(net, &t->address) &&
		     sipnet_to(net, type_of(t->transport), &t->address,
			       j->locate.host, &v[n]);
	}
	j->done(j->ctx, v, n);
	drop(j);
}

static void go_on(struct job *j);

static void on_answer(void *ctx, const struct dns_answer *a, const char *words)
{
	struct job *j = ctx;

	(void)words; /* who calls gets the status that fits */
	j->asks = false;
	locate_feed(&j->locate, a);
	if (!j->inside)
		go_on(j);
}

/* The next question, until one has to be waited for. */
static void go_on(struct job *j)
{
	struct dns_question q;

	while (loop_now().mono_us < j->deadline_us &&
	       locate_next(&j->locate, &q)) {
		j->asks = j->inside = true;
		if (dns_ask(j->all->dns, &q, on_answer, j) != OK)
			j->asks = false; /* without memory: nothing there */
		j->inside = false;
		if (j->asks)
			return;
	}
	finish(j);
}

static unsigned transports(const struct sipnet *net)
{
	return (sipnet_has(net, SIPNET_UDP) ? LOCATE_UDP : 0U) |
	       (sipnet_has(net, SIPNET_TCP) ? LOCATE_TCP : 0U) |
	       (sipnet_has(net, SIPNET_TLS) ? LOCATE_TLS : 0U);
}

void outside_find(struct outside *o, struct slice uri, outside_done *done,
		  void *ctx)
{
	struct job *j = o->n < OUTSIDE_MAX ? calloc(1, sizeof(*j)) : NULL;
	struct sipfield_uri u;

	if (j == NULL || sipfield_uri(&u, uri) != OK || !u.sip ||
	    locate_init(&j->locate, &u, transports(o->net)) != OK) {
		free(j);
		done(ctx, NULL, 0);
		return;
	}
	j->all = o;
	j->deadline_us = loop_now().mono_us + UINT64_C(1000000) * OUTSIDE_S;
	j->done = done;
	j->ctx = ctx;
	if ((j->next = o->jobs) != NULL)
		j->next->prev = j;
	o->jobs = j;
	o->n++;
	go_on(j);
}

enum err outside_new(struct outside **out, struct loop *l, struct sipnet *net)
{
	struct outside *o = calloc(1, sizeof(*o));
	enum err r;

	if (o == NULL)
		return ERR_NOMEM;
	o->net = net;
	if ((r = dns_new(&o->dns, l, NULL)) == OK)
		*out = o;
	else
		free(o);
	return r;
}

void outside_free(struct outside *o)
{
	if (o == NULL)
		return;
	dns_free(o->dns);
	while (o->jobs != NULL)
		drop(o->jobs);
	free(o);
}
