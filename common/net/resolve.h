/* SPDX-License-Identifier: ISC */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "net/dnsrecord.h"

/* DNS, for what is asked before there is an overlay (RFC 6940 s11.2).  These
 * block until the answer or the timeout. */

/* The SRV records of `service` ("_reload-config._tcp.overlay.example.org"), in
 * the order to try them in.  ERR_DNS with words. */
enum err resolve_srv(const char *service, uint64_t timeout_us,
		     struct dns_answer *out, struct why *why) MUST_CHECK;
/* The addresses of a host name, or the one of a numeric address. */
enum err resolve_host(const char *host, uint16_t port, uint64_t timeout_us,
		      struct dns_answer *out, struct why *why) MUST_CHECK;

#endif
