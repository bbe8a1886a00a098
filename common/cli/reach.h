/* SPDX-License-Identifier: ISC */
#ifndef CLI_REACH_H
#define CLI_REACH_H

#include "cli/session.h"

/*
 * Has the peer that a route leads to connect to this tool, for SIP or else for
 * SIPS: AppAttach, RFC 7904 s5.1.  `from`: the address that it came from.  A
 * command has been run before.  ERR_NOT_FOUND, with words, when it is not there
 * or does not take calls, ERR_TIMEOUT when its connection does not come.
 */
enum err reach_peer(struct session *s, const struct destination_list *route,
		    struct ip_address_port *from, struct why *why) MUST_CHECK;

#endif
