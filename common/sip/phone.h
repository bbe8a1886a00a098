/* SPDX-License-Identifier: ISC */
#ifndef SIP_PHONE_H
#define SIP_PHONE_H

#include "conf/home.h"
#include "sip/registrar.h"

/* What a phone of a user proves to know: digests of its password, as lines
 * USER:REALM:HASH in the home.  The realm is the overlay's name; the user is
 * named by the local part, and by the whole address of record. */

/* Makes them of a password and writes them.  ERR_DATA when the user name cannot
 * be a phone's, ERR_CANTCREAT. */
enum err phone_save(const struct home *h, const char *user,
		    struct slice password, struct why *why) MUST_CHECK;
/* ERR_NOT_FOUND when there are none, ERR_DATA when they are of another user or
 * realm; others of home_load_phone(). */
enum err phone_load(struct registrar_secret *out, const struct home *h,
		    const char *user, struct why *why) MUST_CHECK;

#endif
