/* SPDX-License-Identifier: ISC */
#ifndef NET_SOCKADDR_H
#define NET_SOCKADDR_H

#include <sys/socket.h>

#include "wire/attach.h"

/* IpAddressPort (RFC 6940 s6.3.1.1) as the system's socket addresses. */

/* ERR_UNSUPPORTED for a type other than IPv4 and IPv6. */
enum err sockaddr_make(struct sockaddr_storage *out, socklen_t *len,
		       const struct ip_address_port *a) MUST_CHECK;
enum err sockaddr_read(struct ip_address_port *out,
		       const struct sockaddr_storage *in) MUST_CHECK;
/* Probably one user's: the same IPv4 address, or the same /64 of IPv6. */
bool sockaddr_same_network(const struct ip_address_port *a,
			   const struct ip_address_port *b);
/* The address of this machine from which another one is reached; port 0.
 * ERR_NO_LINK. */
enum err sockaddr_towards(const struct ip_address_port *to,
			  struct ip_address_port *own) MUST_CHECK;
/* 0.0.0.0 or ::. */
bool sockaddr_is_any(const struct ip_address_port *a);
/* An address of this machine for itself. */
bool sockaddr_is_loopback(const struct ip_address_port *a);
/*
 * Lists the addresses `from`, with every address of that family that this
 * machine has for 0.0.0.0 and ::, its loopback addresses only when there is no
 * other.  ERR_SYS, ERR_FULL.
 */
enum err sockaddr_expand(const struct ip_address_port *from, size_t n_from,
			 struct ip_address_port *list, size_t *n,
			 size_t max) MUST_CHECK;

#endif
