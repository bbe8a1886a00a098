/* SPDX-License-Identifier: ISC */
#ifndef SIP_ERRAND_H
#define SIP_ERRAND_H

#include "net/driver.h"
#include "sip/hosted.h"

/* The overlay's entry of one user whom this peer hosts, on its way there: RFC
 * 7904 s3.2, s7. */

enum { ERRAND_VALUE_MAX = 4096 };

struct errand {
	struct driver *driver;
	const struct signer *peer; /* the route leads to it */
	const struct hosted_user *hosted;
	struct registrar_user *user;
	/* The end of errand_start(), later; `words` may be empty. */
	void (*done)(void *ctx, struct registrar_user *user, enum err r,
		     struct slice words);
	void *ctx;
	struct store_item item;
	struct buf value; /* a SipRegistration */
};

/* Stores it for so long, or with 0 takes it away.  One at a time.
 * ERR_CERT_EXPIRED, and the errors of driver_command(). */
enum err errand_start(struct errand *e, uint32_t lifetime_s) MUST_CHECK;

#endif
