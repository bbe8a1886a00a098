/* SPDX-License-Identifier: ISC */
/*
 * Socket addresses to and from the wire's.
 */
#include "net/sockaddr.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum err sockaddr_make(struct sockaddr_storage *out, socklen_t *len,
		       const struct ip_address_port *a)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

	memset(out, 0, sizeof(*out));
	if (a->type == ADDRESS_IPV4) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(a->port);
		memcpy(&v4->sin_addr, a->addr, 4);
		*len = sizeof(*v4);
	} else if (a->type == ADDRESS_IPV6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(a->port);
		memcpy(&v6->sin6_addr, a->addr, 16);
		*len = sizeof(*v6);
	} else {
		return ERR_UNSUPPORTED;
	}
	return OK;
}

enum err sockaddr_read(struct ip_address_port *out,
		       const struct sockaddr_storage *in)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)in;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)in;

	*out = (struct ip_address_port){ 0 };
	if (in->ss_family == AF_INET) {
		out->type = ADDRESS_IPV4;
		out->port = ntohs(v4->sin_port);
		memcpy(out->addr, &v4->sin_addr, 4);
	} else if (in->ss_family == AF_INET6) {
		out->type = ADDRESS_IPV6;
		out->port = ntohs(v6->sin6_port);
		memcpy(out->addr, &v6->sin6_addr, 16);
	} else {
		return ERR_UNSUPPORTED;
	}
	return OK;
}

bool sockaddr_same_network(const struct ip_address_port *a,
			   const struct ip_address_port *b)
{
	return a->type == b->type &&
	       memcmp(a->addr, b->addr, a->type == ADDRESS_IPV4 ? 4 : 8) == 0;
}

enum err sockaddr_towards(const struct ip_address_port *to,
			  struct ip_address_port *own)
{
	struct sockaddr_storage a;
	enum err r = ERR_NO_LINK;
	socklen_t len;
	int fd;

	if (sockaddr_make(&a, &len, to) != OK ||
	    (fd = socket(a.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)) < 0)
		return ERR_NO_LINK;
	/* Nothing is sent: the system only looks up the way. */
	if (connect(fd, (struct sockaddr *)&a, len) == 0 &&
	    getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		r = sockaddr_read(own, &a);
	own->port = 0;
	(void)close(fd);
	return r;
}

bool sockaddr_is_any(const struct ip_address_port *a)
{
	static const uint8_t zero[sizeof(a->addr)];

	return memcmp(a->addr, zero, a->type == ADDRESS_IPV4 ? 4 : 16) == 0;
}

bool sockaddr_is_loopback(const struct ip_address_port *a)
{
	static const uint8_t v6[16] = { [15] = 1 };

	return a->type == ADDRESS_IPV4 ? a->addr[0] == 127
				       : memcmp(a->addr, v6, 16) == 0;
}

static enum err add(const struct ip_address_port *a,
		    struct ip_address_port *list, size_t *n, size_t max)
{
	if (*n == max)
		return ERR_FULL;
	list[(*n)++] = *a;
	return OK;
}

/* Adds those of this machine's addresses that are, or are not, its loopback's.
 */
static enum err add_local(const struct ifaddrs *all, bool loopback,
			  const struct ip_address_port *like,
			  struct ip_address_port *list, size_t *n, size_t max)
{
	struct sockaddr_storage sa;
	struct ip_address_port own;
	enum err r = OK;

	for (const struct ifaddrs *i = all; i != NULL && r == OK;
	     i = i->ifa_next) {
		if (i->ifa_addr == NULL || (i->ifa_flags & IFF_UP) == 0 ||
		    ((i->ifa_flags & IFF_LOOPBACK) != 0) != loopback)
			continue;
		memset(&sa, 0, sizeof(sa));
		memcpy(&sa, i->ifa_addr,
		       i->ifa_addr->sa_family == AF_INET
			       ? sizeof(struct sockaddr_in)
		       : i->ifa_addr->sa_family == AF_INET6
			       ? sizeof(struct sockaddr_in6)
			       : sizeof(sa.ss_family));
		if (sockaddr_read(&own, &sa) != OK || own.type != like->type)
			continue;
		own.port = like->port;
		r = add(&own, list, n, max);
	}
	return r;
}

static enum err expand(const struct ip_address_port *a,
		       struct ip_address_port *list, size_t *n, size_t max)
{
	size_t before = *n;
	struct ifaddrs *all;
	enum err r;

	if (!sockaddr_is_any(a))
		return add(a, list, n, max);
	if (getifaddrs(&all) != 0)
		return ERR_SYS;
	r = add_local(all, false, a, list, n, max);
	if (r == OK && *n == before)
		r = add_local(all, true, a, list, n, max);
	freeifaddrs(all);
	return r;
}

enum err sockaddr_expand(const struct ip_address_port *from, size_t n_from,
			 struct ip_address_port *list, size_t *n, size_t max)
{
	enum err r = OK;

	for (*n = 0; n_from > 0 && r == OK; from++, n_from--)
		r = expand(from, list, n, max);
	return r;
}
