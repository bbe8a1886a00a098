/* SPDX-License-Identifier: ISC */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "wire/attach.h"

/*
 * DNS, for what is asked before there is an overlay (RFC 6940 s11.2).  These
 * block until the answer or the timeout.  P2PSIP_DNS=ADDR:PORT asks another
 * server than the system's: for tests.
 */

enum {
	RESOLVE_MAX = 16,      /* results of one question */
	RESOLVE_HOST_MAX = 256 /* chars, with the final zero */
};

struct resolve_target {
	char host[RESOLVE_HOST_MAX];
	uint16_t port, priority, weight;
};

/* The SRV records of `service` ("_reload-config._tcp.overlay.example.org"), in
 * the order to try them in, RFC 2782.  ERR_DNS with words. */
enum err resolve_srv(const char *service, uint64_t timeout_us,
		     struct resolve_target out[static RESOLVE_MAX], size_t *n,
		     struct why *why) MUST_CHECK;
/* The addresses of a host name, or the one of a numeric address. */
enum err resolve_host(const char *host, uint16_t port, uint64_t timeout_us,
		      struct ip_address_port out[static RESOLVE_MAX], size_t *n,
		      struct why *why) MUST_CHECK;

#endif
