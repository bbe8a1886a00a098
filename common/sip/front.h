/* SPDX-License-Identifier: ISC */
#ifndef SIP_FRONT_H
#define SIP_FRONT_H

#include "net/driver.h"
#include "sip/callee.h"
#include "sip/hosted.h"
#include "sip/sipnet.h"
#include "sip/siptally.h"

/*
 * The peer as SIP server for ordinary phones: transport, transactions,
 * registrar and overlay, joined.  RFC 3261, RFC 7904 s3.
 */

struct front;

/* How it goes. */
struct front_counts {
	struct siptally sip;
	uint64_t dropped; /* too much came from one address */
	struct sipconn_counts ended;
	size_t under_way; /* requests */
	struct registrar_counts registrar;
	struct callee_counts callee;
	struct peerlink_counts peers;
};

/* Users. */
struct front_change {
	size_t more, less, changed;
};

/* All that is pointed to is borrowed until front_free(). */
struct front_config {
	struct loop *loop;
	const char *realm; /* the overlay's name */
	struct driver *driver;
	const struct crypto *crypto; /* the driver's */
	const struct signer *peer;   /* routes lead to it */
	const struct hosted *hosted;
	const struct sipnet_listen *listen;
	size_t n_listen;
	struct sipnet_tls tls;
	struct digest_offer offer;
	struct binding_bounds bounds;
	bool redirect; /* tell callers the contacts: as proxy_config has it */
	bool contact;  /* as registrar_config has it */
	const struct log_sink *log; /* may be NULL */
};

/* Listens at once.  The errors of sipnet_new(); ERR_BUSY, with the name,
 * when a user is hosted twice. */
enum err front_new(struct front **out, const struct front_config *cfg,
		   struct why *why) MUST_CHECK;
/* As sipnet_set_tls(). */
void front_set_tls(struct front *f, const struct sipnet_tls *tls);
/* What cfg->hosted points to is another now: who is new in it is hosted, who is
 * not in it any more is not, once the overlay has no entry of theirs. */
void front_users_again(struct front *f, struct front_change *out);
void front_count(const struct front *f, struct front_counts *out);
/* For keep.c: what is bound, and by which sockets. */
struct registrar *front_registrar(const struct front *f);
const struct sipnet *front_net(const struct front *f);
/* Takes the routes back out of the overlay, and calls `done` when none is left
 * there, or after a few seconds; later, never at once. */
void front_leave(struct front *f, void (*done)(void *ctx), void *ctx);
/* Stops: before the driver is freed, which still brings its answers.  Then
 * front_free().  NULL is fine. */
void front_stop(struct front *f);
void front_free(struct front *f);

#endif
