/* SPDX-License-Identifier: ISC */
#ifndef CLI_PEER_H
#define CLI_PEER_H

#include "base/log.h"
#include "cli/phones_opt.h"

/* The long-running peer: from a home to a node in the ring, until a signal. */

/* Besides the options that every tool has: opt_common. */
struct peer_config {
	const struct ip_address_port *listen;
	size_t n_listen;
	uint8_t link_protocols; /* LINK_PROTOCOL_*; 0: all of the document's */
	bool first;             /* found the ring when no other peer answers */
	const char *store;  /* "sqlite:PATH", "memory:"; NULL: in the home */
	const char *run_as; /* NULL: stay who we are */
	const struct phones_config *sip;
	const struct ip_address_port *metrics; /* NULL: not asked for */
	const struct log_sink *log;
};

/*
 * Finds document and identity and says what is wrong with them; with `run` also
 * opens ports and storage, joins, and serves until SIGTERM or SIGINT: OK then.
 * SIGHUP reads the document of the home, and what is of phones, again.  The
 * errors of document_obtain(), ERR_NOT_JOINED, ERR_CERT_EXPIRED, ERR_BUSY,
 * ERR_NO_LINK, ERR_SYS, ERR_STORAGE and others, with words.
 */
enum err peer_run(const struct peer_config *cfg, bool run,
		  struct why *why) MUST_CHECK;

#endif
