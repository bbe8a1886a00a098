/* SPDX-License-Identifier: ISC */
#ifndef CLI_USERNAME_H
#define CLI_USERNAME_H

#include "conf/home.h"
#include "crypto/crypto.h"

/* "alice" is "alice@OVERLAY".  ERR_USAGE when it can be no user name. */
enum err username_complete(char out[CERT_USER_MAX + 1], const char *overlay,
			   const char *name, struct why *why) MUST_CHECK;

/* The identity that -u names, as people type it; NULL: the only one. */
enum err username_load(struct home_identity *id, const struct home *h,
		       const char *name, struct why *why) MUST_CHECK;

#endif
