/* SPDX-License-Identifier: ISC */
/*
 * The list of addresses that a tool or a peer tries, in order: given,
 * remembered, or the document's.
 */
#include "cli/entry.h"

#include <netdb.h>
#include <string.h>

#include "base/text.h"
#include "conf/address.h"
#include "net/sockaddr.h"

static void add(struct entry *e, const struct ip_address_port *a)
{
	for (size_t i = 0; i < e->n; i++)
		if (address_eq(&e->v[i], a))
			return;
	if (e->n < ENTRY_MAX)
		e->v[e->n++] = *a;
}

/* "host" or "host:port", where the host is a name. */
static enum err add_name(struct entry *e, const char *text, struct why *why)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	const char *colon = strrchr(text, ':');
	size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
	uint64_t port = ADDRESS_PORT_DEFAULT;
	struct sockaddr_storage sa;
	struct ip_address_port a;
	struct addrinfo *all;
	char host[256];
	int e_gai;

	if (len == 0 || len >= sizeof(host) ||
	    (colon != NULL && text_u64(&port, colon + 1, 1, 65535) != OK))
		return why_err(why, ERR_USAGE, "-b: '%s' is no HOST[:PORT]",
			       text);
	memcpy(host, text, len);
	host[len] = '\0';
	if ((e_gai = getaddrinfo(host, NULL, &hints, &all)) != 0)
		return why_err(why, ERR_DNS, "-b: %s: %s", host,
			       gai_strerror(e_gai));
	for (const struct addrinfo *i = all; i != NULL; i = i->ai_next) {
		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, i->ai_addr, i->ai_addrlen);
		if (sockaddr_read(&a, &sa) != OK)
			continue;
		a.port = (uint16_t)port;
		add(e, &a);
	}
	freeaddrinfo(all);
	return OK;
}

enum err entry_find(struct entry *e, const struct home *h,
		    const struct overlay *o, struct why *why)
{
	const struct opt_list *given = &opt_common.bootstrap;
	struct ip_address_port peers[HOME_PEERS_MAX], a;
	size_t n_peers = 0;
	enum err r = OK;

	e->n = 0;
	for (size_t i = 0; i < given->n && r == OK; i++) {
		if (address_parse(&a, given->v[i], ADDRESS_PORT_DEFAULT) == OK)
			add(e, &a);
		else
			r = add_name(e, given->v[i], why);
	}
	if (r != OK || given->n > 0)
		return r;
	if ((r = home_load_peers(h, peers, &n_peers)) != OK)
		return r;
	for (size_t i = 0; i < n_peers; i++)
		add(e, &peers[i]);
	for (size_t i = 0; i < o->n_bootstrap; i++)
		add(e, &o->bootstrap[i]);
	return OK;
}
