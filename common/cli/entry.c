/* SPDX-License-Identifier: ISC */
/*
 * The list of addresses that a tool or a peer tries, in order: given,
 * remembered, or the document's.
 */
#include "cli/entry.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "conf/address.h"
#include "net/loop.h"
#include "net/sockaddr.h"

static void add(struct entry *e, const struct ip_address_port *a)
{
	for (size_t i = 0; i < e->n; i++)
		if (address_eq(&e->v[i], a))
			return;
	if (e->n < ENTRY_MAX)
		e->v[e->n++] = *a;
}

/* As the system looks names up, which is from files too: in a thread of libc's,
 * for getaddrinfo() alone knows no deadline. */
struct lookup {
	struct gaicb cb;
	struct addrinfo hints;
	char host[256];
};

static int look_up(struct lookup *l, uint64_t end_us)
{
	const struct gaicb *list[] = { &l->cb };
	struct gaicb *ask[] = { &l->cb };
	struct timespec left;
	uint64_t now_us;
	int e;

	l->hints.ai_socktype = SOCK_STREAM;
	l->cb.ar_name = l->host;
	l->cb.ar_request = &l->hints;
	if ((e = getaddrinfo_a(GAI_NOWAIT, ask, 1, NULL)) != 0)
		return e;
	while ((e = gai_error(&l->cb)) == EAI_INPROGRESS &&
	       (now_us = loop_now().mono_us) < end_us) {
		left.tv_sec = (time_t)((end_us - now_us) / 1000000);
		left.tv_nsec = (long)((end_us - now_us) % 1000000 * 1000);
		(void)gai_suspend(list, 1, &left);
	}
	return e;
}

/* "host" or "host:port", where the host is a name. */
static enum err add_name(struct entry *e, const char *text, uint64_t end_us,
			 struct why *why)
{
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	uint64_t port = ADDRESS_PORT_DEFAULT;
	struct sockaddr_storage sa;
	struct ip_address_port a;
	struct lookup *l;
	int e_gai;

	if (len == 0 || len >= sizeof(l->host) ||
	    (colon != NULL && text_u64(&port, colon + 1, 1, 65535) != OK))
		return why_err(why, ERR_USAGE, "-b: '%s' is no HOST[:PORT]",
			       text);
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return ERR_NOMEM;
	memcpy(l->host, text, len);
	/* What cannot be cancelled is its thread's until the end. */
	if ((e_gai = look_up(l, end_us)) == EAI_INPROGRESS &&
	    gai_cancel(&l->cb) == EAI_NOTCANCELED)
		return why_err(why, ERR_DNS, "-b: %s: no answer in time", text);
	if (e_gai != 0) {
		why_err(why, ERR_DNS, "-b: %s: %s", l->host,
			gai_strerror(e_gai));
		free(l);
		return ERR_DNS;
	}
	for (const struct addrinfo *i = l->cb.ar_result; i != NULL;
	     i = i->ai_next) {
		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, i->ai_addr, i->ai_addrlen);
		if (sockaddr_read(&a, &sa) != OK)
			continue;
		a.port = (uint16_t)port;
		add(e, &a);
	}
	freeaddrinfo(l->cb.ar_result);
	free(l);
	return OK;
}

enum err entry_find(struct entry *e, const struct home *h,
		    const struct overlay *o, uint64_t end_us, struct why *why)
{
	const struct opt_list *given = &opt_common.bootstrap;
	struct ip_address_port peers[HOME_PEERS_MAX], a;
	size_t n_peers = 0;
	enum err r = OK, unknown = OK;

	e->n = 0;
	for (size_t i = 0; i < given->n && r == OK; i++) {
		if (address_parse(&a, given->v[i], ADDRESS_PORT_DEFAULT) == OK)
			add(e, &a);
		else if ((r = add_name(e, given->v[i], end_us, why)) == ERR_DNS)
			unknown = r, r = OK; /* another may be known */
	}
	if (r != OK || given->n > 0)
		return r != OK || e->n > 0 ? r : unknown;
	if ((r = home_load_peers(h, peers, &n_peers)) != OK)
		return r;
	for (size_t i = 0; i < n_peers; i++)
		add(e, &peers[i]);
	for (size_t i = 0; i < o->n_bootstrap; i++)
		add(e, &o->bootstrap[i]);
	return OK;
}
