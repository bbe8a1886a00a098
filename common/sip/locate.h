/* SPDX-License-Identifier: ISC */
#ifndef SIP_LOCATE_H
#define SIP_LOCATE_H

#include "net/dnsrecord.h"
#include "sip/sipfield.h"

/*
 * From a SIP URI to transports and addresses, RFC 3263 s4.1 and s4.2: what has
 * to be asked of DNS, and what the answers come to.  Asks nobody itself:
 *
 *	locate_init(&l, &uri, transports);
 *	while (locate_next(&l, &question))
 *		locate_feed(&l, answer);
 */

enum {
	LOCATE_MAX = 16,      /* targets; more are left out */
	LOCATE_ASKED_MAX = 24 /* questions for one URI */
};

enum locate_transport { LOCATE_UDP = 1, LOCATE_TCP = 2, LOCATE_TLS = 4 };

struct locate_target {
	enum locate_transport transport;
	struct ip_address_port address;
};

struct locate_step {
	enum locate_transport transport; /* 0: not known yet */
	bool last;                       /* only when nothing was found */
	struct dns_question question;
};

struct locate {
	struct locate_target targets[LOCATE_MAX]; /* best first */
	size_t n;
	unsigned transports; /* that there are */
	char host[DNS_NAME_MAX];
	struct locate_step steps[LOCATE_ASKED_MAX]; /* the next one first */
	size_t n_steps, n_asked;
	struct locate_step now; /* the question that was given last */
};

/* `transports`: those that can be sent by.  ERR_DATA when the URI's host or
 * "transport" is none, ERR_UNSUPPORTED when it wants another one. */
enum err locate_init(struct locate *l, const struct sipfield_uri *u,
		     unsigned transports) MUST_CHECK;
/* The next question; false when all are asked. */
bool locate_next(struct locate *l, struct dns_question *out);
/* The answer to the question given last. */
void locate_feed(struct locate *l, const struct dns_answer *a);

#endif
