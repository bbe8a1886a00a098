/* SPDX-License-Identifier: ISC */
#ifndef CLI_WELCOME_H
#define CLI_WELCOME_H

#include "cli/identity.h"

/*
 * The first steps in an overlay, as client: that the way in works, and that the
 * others find the certificate (RFC 6940 s8, s11.3.1, s11.4).
 */

struct welcome;

/* Connects, within -T.  ERR_NO_LINK and the driver's errors, with words. */
enum err welcome_enter(struct welcome **out, const struct home *h,
		       const struct overlay *o, const struct identity *id,
		       struct why *why) MUST_CHECK;
/* Is the user name still free, or our own?  ERR_FORBIDDEN.  RFC 6940 s11.3.1.
 */
enum err welcome_check_name(struct welcome *w, struct why *why) MUST_CHECK;
/* Stores the certificate under the Node-ID and the user name. */
enum err welcome_publish(struct welcome *w, struct why *why) MUST_CHECK;
/* Pings the other side of the ring through the peer that let us in. */
enum err welcome_ping(struct welcome *w, struct why *why) MUST_CHECK;
/* Stores again, signed anew, what id->old had signed.  The first failure, with
 * words; what can be stored is. */
enum err welcome_restore(struct welcome *w, struct why *why) MUST_CHECK;
/* NULL is fine. */
void welcome_leave(struct welcome *w);

#endif
