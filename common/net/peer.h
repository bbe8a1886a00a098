/* SPDX-License-Identifier: ISC */
#ifndef NET_PEER_H
#define NET_PEER_H

#include "base/log.h"
#include "wire/attach.h"

/* The long-running peer: from a home to a node in the ring, until a signal. */

struct peer_config {
	const char *home;     /* NULL: the default place */
	const char *overlay;  /* NULL: the only one there */
	const char *user;     /* NULL: the only one there */
	const char *document; /* a file that may be newer than the home's; or
				 NULL */
	const char *cacert;   /* for a document from a web server */
	const struct ip_address_port *bootstrap; /* none: cached peers, then the
						    document's */
	size_t n_bootstrap;
	const struct ip_address_port *listen;
	size_t n_listen;
	bool first;
	const char *store;  /* "sqlite:PATH", "memory:"; NULL: in the home */
	const char *run_as; /* NULL: stay who we are */
	const struct log_sink *log;
};

/*
 * Reads document and identity and says what is wrong with them; with `run` also
 * opens ports and storage, joins, and serves until SIGTERM or SIGINT: OK then.
 * SIGHUP reads the document of the home again.  ERR_NOT_JOINED, ERR_HOME_MODE,
 * ERR_CONFIG_EXPIRED, ERR_CERT_EXPIRED, ERR_USAGE, ERR_BUSY, ERR_NO_LINK,
 * ERR_SYS, ERR_STORAGE and others, with words.
 */
enum err peer_run(const struct peer_config *cfg, bool run,
		  struct why *why) MUST_CHECK;

#endif
