/* SPDX-License-Identifier: ISC */
#ifndef SIP_PEERLINK_H
#define SIP_PEERLINK_H

#include "net/driver.h"
#include "sip/flow.h"
#include "sip/peerroute.h"

/*
 * SIP between peers of the overlay, RFC 7904 s5: connections that AppAttach
 * makes, one to a peer as long as it is used, TLS with certificates of the
 * overlay at both ends.  They are no links of the overlay, and those are not
 * used for SIP.
 */

enum {
	PEERLINK_PEERS_MAX = 1024,    /* linked, or wanted */
	PEERLINK_LINKS_MAX = 4,       /* to one of them; then the oldest goes */
	PEERLINK_QUEUE_MAX = 1 << 20, /* bytes that wait for one connection */
	PEERLINK_ATTACH_S = 5,        /* for the answer of an AppAttach */
	PEERLINK_WAIT_S = 8,          /* for its connection, after that */
	PEERLINK_IDLE_S = 300         /* then it is closed */
};

struct peerlink;

struct peerlink_counts {
	size_t open;             /* connections */
	uint64_t opened, failed; /* the latter: no way to a peer was found */
};

/* All that is pointed to is borrowed until peerlink_free(). */
struct peerlink_config {
	struct loop *loop;
	struct driver *driver;
	const struct crypto *crypto; /* the driver's */
	const struct signer *signer; /* this peer */
	const struct log_sink *log;  /* may be NULL */
	/* One message; borrowed for the call. */
	void (*message)(void *ctx, const struct flow *from, struct slice bytes);
	/* No connection to that peer any more: what was sent, and not yet
	 * heard of, is lost.  `gone`: nor can one be made, and nothing comes
	 * from there.  True: something is still waited for, so that one is
	 * made.  Never called from inside peerlink_send(). */
	bool (*lost)(void *ctx, const struct node_id *node, bool gone);
	void *ctx;
};

/* Listens, on each address that the driver listens on, at a port of its own;
 * and serves applications 5060 and 5061.  The errors of tls_new() and
 * tls_listen(). */
enum err peerlink_new(struct peerlink **out, const struct peerlink_config *cfg,
		      struct why *why) MUST_CHECK;
/* How the overlay leads to a peer, which is the last of the list: for the next
 * AppAttach.  A peer that was not learnt is asked by its Node-ID, for SIP
 * first. */
void peerlink_learn(struct peerlink *p, const struct destination_list *route,
		    enum peerroute_scheme scheme);
/* Sends a message, over a connection that is made where there is none. */
void peerlink_send(struct peerlink *p, const struct node_id *node,
		   struct slice bytes);
const struct peerlink_counts *peerlink_counts(const struct peerlink *p);
/* Where this peer's connections end. */
const struct ip_address_port *peerlink_address(const struct peerlink *p);
bool peerlink_listens(const struct peerlink *p,
		      const struct ip_address_port *a);
/* Closes everything; nothing is called any more.  Before the driver is freed,
 * which still brings its answers; peerlink_free() after it.  NULL is fine. */
void peerlink_stop(struct peerlink *p);
void peerlink_free(struct peerlink *p);

#endif
