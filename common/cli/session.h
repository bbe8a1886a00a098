/* SPDX-License-Identifier: ISC */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/target.h"

/*
 * What a thin tool needs of the overlay: the home's document and identity, a
 * connection as client (RFC 6940 s4.2.1), and commands run one after the other
 * within the deadline of -T.
 */

struct session;
struct driver;
struct loop;

/*
 * Reads the home (-d, -o, -u) and finds where to connect (-b, else the peers of
 * before, else the document's bootstrap nodes).  Fails with words:
 * ERR_NOT_JOINED, ERR_CONFIG_EXPIRED, ERR_CERT_EXPIRED, ERR_HOME_MODE,
 * ERR_USAGE.
 */
enum err session_open(struct session **out, struct why *why) MUST_CHECK;
/*
 * Runs a command, connecting before the first; `*res` is borrowed until the
 * next call, and also there on most failures (error_info, counters).  A
 * configuration document that turns out to be too old is updated by p2psip-join
 * --update and the command run once more.  The words say what went wrong and
 * what to do.
 */
enum err session_run(struct session *s, const struct command *cmd,
		     const struct result **res, struct why *why) MUST_CHECK;
/* Changes when session_run() has updated the document: use it afresh. */
const struct target_env *session_env(const struct session *s);
/* What decodes the overlay's structures. */
const struct wire_env *session_wire(const struct session *s);
/* For what else needs the connection: borrowed, and others after a
 * session_run() that has updated the document. */
struct driver *session_driver(const struct session *s);
struct loop *session_loop(const struct session *s);
uint64_t session_deadline(const struct session *s); /* mono_us */
void session_close(struct session *s);              /* NULL is fine */

#endif
