/* SPDX-License-Identifier: ISC */
#ifndef NET_DRIVER_H
#define NET_DRIVER_H

#include "core/node.h"
#include "core/storage.h"
#include "net/loop.h"

/*
 * A real node: core/node.h on an event loop, TLS and DTLS links, a storage
 * engine and OpenSSL.  What the node asks for is done here; nothing is decided
 * here.
 */

struct driver;

/* All that is pointed to is borrowed until driver_free(). */
struct driver_config {
	struct loop *loop;
	enum role role;
	bool first; /* found a ring when nobody answers */
	const struct overlay *overlay;
	struct crypto *crypto; /* openssl_new()'s, trusting `overlay` */
	const struct signer *signer;
	uint8_t link_protocols; /* LINK_PROTOCOL_*, of those that the document
				   permits; 0: all of them */
	const struct ip_address_port *bootstrap; /* none: the document's */
	size_t n_bootstrap;
	/* Where to accept links, by every protocol; port 0: any.  ERR_BUSY when
	 * taken. */
	const struct ip_address_port *listen;
	size_t n_listen;
	/* What others are told to connect to; none: as `listen`, and a wildcard
	 * address is told as the one it is reached by. */
	const struct ip_address_port *advertise;
	size_t n_advertise;
	const struct storage *storage; /* NULL: nothing is stored here */
	const struct log_sink *log;    /* may be NULL */
	uint64_t deadline_us; /* mono_us of the end of the run, or NEVER */
	/*
	 * A document (type CONFIG_UPDATE_CONFIG) or kind block has come from
	 * the overlay: check it against the one in use, give back the new
	 * overlay, to be freed by the driver.  NULL: refused as
	 * ERR_UNSUPPORTED.
	 */
	enum err (*config)(void *ctx, uint8_t config_type, struct slice bytes,
			   const struct overlay *in_use, struct overlay **out,
			   struct why *why);
	/* The node's standing has changed.  May be NULL. */
	void (*state)(void *ctx, enum node_state state);
	void *ctx;
};

/* Listens at once; connects when CMD_START is given.  ERR_BUSY, ERR_SYS (the
 * address is in `why`), ERR_CERT, ERR_CONFIG when the document permits none of
 * the protocols, ERR_NOMEM. */
enum err driver_new(struct driver **out, const struct driver_config *cfg,
		    struct why *why) MUST_CHECK;

/* The end of a command: `res` is borrowed for the call, or, from driver_run(),
 * until the driver is used again.  Never called from inside driver_command(),
 * and once for every command that it has taken. */
typedef void driver_done(void *ctx, const struct result *res);

/* Hands a command to the node when the loop runs; its id is the driver's. `cmd`
 * may go afterwards, what it points to stays until `done`.  ERR_NOMEM. */
enum err driver_command(struct driver *d, const struct command *cmd,
			driver_done *done, void *ctx) MUST_CHECK;
/* Whose applications they are. */
struct driver_owner {
	/* Somebody was answered that it gets a connection for one of them:
	 * FX_APPLICATION. */
	void (*wanted)(void *ctx, const struct effect *fx);
	/* Another document is in use; the one before it goes after the call. */
	void (*overlay)(void *ctx, const struct overlay *o);
	void *ctx;
};

/* An application is there; all have one owner, which is copied.  What `a`
 * points to is borrowed until driver_free(). ERR_FULL, ERR_NOMEM. */
enum err driver_serve(struct driver *d, const struct application *a,
		      const struct driver_owner *owner) MUST_CHECK;
/*
 * Runs the loop until every command has ended.  At the deadline those that have
 * not end with ERR_TIMEOUT, or with ERR_NO_LINK when no link ever came up.  OK
 * unless the node itself fails (ERR_NOMEM).
 */
enum err driver_run(struct driver *d) MUST_CHECK;
/* A document that came another way (a file, SIGHUP), checked; the driver frees
 * it. */
enum err driver_reconfigure_take(struct driver *d,
				 struct overlay *o) MUST_CHECK;
/* Why the node has failed, or OK; a program that runs the loop itself looks
 * here when it ends. */
enum err driver_failed(const struct driver *d);
/* Why the last outgoing connection did not come up; "" when none failed. */
const char *driver_reason(const struct driver *d);
/* Has an outgoing connection come up, ever? */
bool driver_reached(const struct driver *d);
/* What a command that ended with `r` failed of: ERR_AUTH instead of the loss of
 * a link, where a peer refused the own certificate. */
enum err driver_cause(const struct driver *d, enum err r);
/* Who came to nothing, since the start. */
struct driver_counts {
	uint64_t failed;  /* incoming links whose handshake ended without one */
	uint64_t cookies; /* ClientHellos that were sent a cookie: as many more
			   * than links as are spoofed or repeated */
};
void driver_count(const struct driver *d, struct driver_counts *out);
struct node *driver_node(struct driver *d);
const struct overlay *driver_overlay(const struct driver *d);
/* What is listened on, ports filled in. */
size_t driver_listening(const struct driver *d,
			const struct link_address **out);
/* The addresses of peers that this node has connected to and is linked with,
 * `max` at most: the cache of RFC 6940 s11.4. */
size_t driver_peers(const struct driver *d, struct ip_address_port *out,
		    size_t max);
/* Closes every link (close_notify), waits for the commit under way.  Commands
 * that are left end with ERR_LINK_CLOSED.  NULL is fine. */
void driver_free(struct driver *d);

#endif
