/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPFLOOD_H
#define SIP_SIPFLOOD_H

#include "base/err.h"
#include "wire/attach.h"

/*
 * How much one address (of IPv6: one /64) may ask for: a bucket of units that
 * fills by time.  Generous, for ten thousand phones may stand behind one; what
 * is refused is dear, and proving a wrong password dearer.  Pure: time is a
 * parameter.
 */

enum {
	SIPFLOOD_RATE = 20000,   /* units a second */
	SIPFLOOD_BURST = 200000, /* units at once */
	SIPFLOOD_NETWORKS_MAX = 65536,
	/* What costs how much. */
	SIPFLOOD_MESSAGE = 1,
	SIPFLOOD_CHALLENGE = 4,   /* besides: it was asked for a password */
	SIPFLOOD_CONNECTION = 20, /* perhaps with a handshake of TLS */
	SIPFLOOD_REFUSAL = 50,
	SIPFLOOD_WRONG = 1000 /* a password */
};

struct sipflood;

enum err sipflood_new(struct sipflood **out) MUST_CHECK;
void sipflood_free(struct sipflood *f);
/* Is anything from there to be looked at now?  What is not is counted. */
bool sipflood_admits(struct sipflood *f, const struct ip_address_port *from,
		     uint64_t now_us);
/* As !sipflood_admits(), but nothing is counted. */
bool sipflood_is_over(const struct sipflood *f,
		      const struct ip_address_port *from, uint64_t now_us);
/* Without memory it is free. */
void sipflood_charge(struct sipflood *f, const struct ip_address_port *from,
		     uint32_t units, uint64_t now_us);
/* How often something was not admitted. */
uint64_t sipflood_count(const struct sipflood *f);

#endif
