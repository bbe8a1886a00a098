/* SPDX-License-Identifier: ISC */
/* Where a SIP server of another domain is: RFC 3263 s4.1, s4.2; RFC 3261
 * s19.1.1 for "maddr". */
#include "sip/locate.h"

#include <stdio.h>
#include <strings.h>

#include "conf/address.h"

static const struct {
	enum locate_transport transport;
	const char *name, *naptr, *srv;
	uint16_t port;
} ways[] = {
	{ LOCATE_TLS, "tls", "SIPS+D2T", "_sips._tcp", 5061 },
	{ LOCATE_TCP, "tcp", "SIP+D2T", "_sip._tcp", 5060 },
	{ LOCATE_UDP, "udp", "SIP+D2U", "_sip._udp", 5060 },
};
enum { WAYS = sizeof(ways) / sizeof(ways[0]) };

static size_t way_of(enum locate_transport t)
{
	size_t i = 0;

	while (ways[i].transport != t)
		i++;
	return i;
}

/* ---- steps ---- */

/* Before those that wait; with `at` counting up, in this order. */
static void insert(struct locate *l, size_t *at, const struct locate_step *s)
{
	if (l->n_asked + l->n_steps == LOCATE_ASKED_MAX)
		return;
	memmove(&l->steps[*at + 1], &l->steps[*at],
		(l->n_steps - *at) * sizeof(*s));
	l->steps[*at] = *s;
	l->n_steps++;
	++*at;
}

static void add(struct locate *l, size_t *at, enum dns_type type,
		enum locate_transport t, uint16_t port, const char *prefix,
		const char *name)
{
	struct locate_step s = { .transport = t,
				 .question = { .type = type, .port = port } };
	int n = snprintf(s.question.name, sizeof(s.question.name), "%s%s%s",
			 prefix, prefix[0] == '\0' ? "" : ".", name);

	if (n > 0 && (size_t)n < sizeof(s.question.name))
		insert(l, at, &s);
}

/* No NAPTR: SRV of every transport, and the host itself when it has none. */
static void add_services(struct locate *l)
{
	size_t at = 0;

	for (size_t i = WAYS; i-- > 0;)
		if ((l->transports & ways[i].transport) != 0)
			add(l, &at, DNS_SRV, ways[i].transport, 0, ways[i].srv,
			    l->host);
}

static enum locate_transport default_transport(const struct locate *l)
{
	for (size_t i = WAYS; i-- > 0;)
		if ((l->transports & ways[i].transport) != 0)
			return ways[i].transport;
	return 0;
}

/* When all else has found nothing, s4.2. */
static void add_last(struct locate *l)
{
	enum locate_transport t = default_transport(l);
	size_t at = l->n_steps;

	add(l, &at, DNS_ADDRESS, t, ways[way_of(t)].port, "", l->host);
	if (at > 0)
		l->steps[at - 1].last = true;
}

/* ---- the URI ---- */

static enum err read_transports(struct locate *l, const struct sipfield_uri *u,
				unsigned transports)
{
	bool sips = strncasecmp((const char *)u->scheme.p, "sips",
				u->scheme.len) == 0 &&
		    u->scheme.len == 4;
	struct slice name;
	size_t i = 0;

	l->transports = sips ? transports & LOCATE_TLS : transports;
	if (sipfield_find(u->params, "transport", &name)) {
		while (i < WAYS &&
		       (strlen(ways[i].name) != name.len ||
			strncasecmp(ways[i].name, (const char *)name.p,
				    name.len) != 0))
			i++;
		if (i == WAYS)
			return ERR_UNSUPPORTED;
		/* What "sips" goes by is TLS, over TCP. */
		if (!sips)
			l->transports &= ways[i].transport;
		else if (ways[i].transport == LOCATE_UDP)
			return ERR_UNSUPPORTED;
		return l->transports == 0 ? ERR_UNSUPPORTED : OK;
	}
	return l->transports == 0 ? ERR_UNSUPPORTED : OK;
}

/* Without the brackets of an IPv6 address. */
static enum err read_host(struct locate *l, const struct sipfield_uri *u)
{
	struct slice host = u->host, maddr;

	if (sipfield_find(u->params, "maddr", &maddr) && maddr.len > 0)
		host = maddr;
	if (host.len > 2 && host.p[0] == '[')
		host = slice_sub(host, 1, host.len - 2);
	if (host.len == 0 || host.len >= sizeof(l->host) ||
	    memchr(host.p, '\0', host.len) != NULL)
		return ERR_DATA;
	memcpy(l->host, host.p, host.len);
	l->host[host.len] = '\0';
	return OK;
}

enum err locate_init(struct locate *l, const struct sipfield_uri *u,
		     unsigned transports)
{
	struct ip_address_port numeric;
	enum locate_transport t;
	struct slice named;
	size_t at = 0;
	enum err r;

	*l = (struct locate){ 0 };
	if ((r = read_host(l, u)) != OK ||
	    (r = read_transports(l, u, transports)) != OK)
		return r;
	t = default_transport(l);
	if (address_parse_host(&numeric, l->host, 5060) == OK || u->port != 0) {
		add(l, &at, DNS_ADDRESS, t,
		    u->port != 0 ? u->port : ways[way_of(t)].port, "", l->host);
		return OK;
	}
	if (!address_is_dns_name(l->host))
		return ERR_DATA;
	if (sipfield_find(u->params, "transport", &named))
		add_services(l);
	else
		add(l, &at, DNS_NAPTR, 0, 0, "", l->host);
	add_last(l);
	return OK;
}

/* ---- questions and answers ---- */

bool locate_next(struct locate *l, struct dns_question *out)
{
	if (l->n_steps == 0 || (l->steps[0].last && l->n > 0))
		return false;
	l->now = l->steps[0];
	memmove(&l->steps[0], &l->steps[1], --l->n_steps * sizeof(l->steps[0]));
	l->n_asked++;
	*out = l->now.question;
	return true;
}

static void feed_naptr(struct locate *l, const struct dns_answer *a)
{
	size_t at = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < WAYS; k++)
			if (strcasecmp(a->naptr[i].service, ways[k].naptr) ==
				    0 &&
			    strcasecmp(a->naptr[i].flags, "s") == 0 &&
			    (l->transports & ways[k].transport) != 0)
				add(l, &at, DNS_SRV, ways[k].transport, 0, "",
				    a->naptr[i].replacement);
	if (at == 0)
		add_services(l);
}

void locate_feed(struct locate *l, const struct dns_answer *a)
{
	size_t at = 0;

	switch (l->now.question.type) {
	case DNS_NAPTR:
		feed_naptr(l, a);
		return;
	case DNS_SRV:
		for (size_t i = 0; i < a->n; i++)
			add(l, &at, DNS_ADDRESS, l->now.transport,
			    a->srv[i].port, "", a->srv[i].host);
		return;
	case DNS_ADDRESS:
		for (size_t i = 0; i < a->n && l->n < LOCATE_MAX; i++) {
			l->targets[l->n].transport = l->now.transport;
			l->targets[l->n++].address = a->addresses[i];
		}
	}
}
