/* SPDX-License-Identifier: ISC */
/* Which addresses a peer listens on for SIP between peers.  RFC 6940 s6.5.2. */
#include "sip/peeraddr.h"

#include "conf/address.h"
#include "net/sockaddr.h"

bool peeraddr_has(const struct peeraddr *a, const struct ip_address_port *x)
{
	for (size_t i = 0; i < a->n; i++)
		if (address_eq(&a->v[i].address, x))
			return true;
	return false;
}

static bool has_host(const struct peeraddr *a, const struct ip_address_port *x)
{
	struct ip_address_port other = *x;

	for (size_t i = 0; i < a->n; i++) {
		other.port = a->v[i].address.port;
		if (address_eq(&a->v[i].address, &other))
			return true;
	}
	return false;
}

static enum err listen_at(struct peeraddr *a, struct tls *tls,
			  struct ip_address_port own, struct why *why)
{
	struct ip_address_port told[CANDIDATES_MAX];
	size_t n;
	enum err r;

	own.port = 0;
	if ((r = tls_listen(tls, &own, why)) != OK ||
	    (r = sockaddr_expand(&own, 1, told, &n, CANDIDATES_MAX)) != OK)
		return r;
	for (size_t i = 0; i < n && a->n < CANDIDATES_MAX; i++)
		a->v[a->n++] = (struct link_address){
			told[i], OVERLAY_LINK_TLS_TCP_FH_NO_ICE
		};
	return OK;
}

enum err peeraddr_listen(struct peeraddr *a, struct tls *tls,
			 const struct driver *driver, struct why *why)
{
	const struct link_address *v;
	size_t n = driver_listening(driver, &v);
	enum err r = OK;

	/* One that is listened on for TLS and for DTLS is one. */
	for (size_t i = 0; i < n && r == OK; i++)
		if (!has_host(a, &v[i].address))
			r = listen_at(a, tls, v[i].address, why);
	return r;
}
