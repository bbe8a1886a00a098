/* SPDX-License-Identifier: ISC */
#ifndef SIP_ERRAND_H
#define SIP_ERRAND_H

#include "net/driver.h"
#include "sip/hosted.h"

/* The overlay's entry of one user whom this peer hosts, on its way there: RFC
 * 7904 s3.2, s7. */

enum { ERRAND_VALUE_MAX = 4096 };

struct errand {
	struct errand *prev, *next; /* for its owner, as the three after it */
	bool kept, leaving;
	struct hosted_user *heir; /* hosted by that name, when this has left */
	struct driver *driver;
	const struct signer *peer;  /* the route leads to it */
	struct hosted_user *hosted; /* one reference */
	struct hosted_user *used;   /* the same, while it is stored with it */
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
/* Another identity, or password, of the same user from now on. */
void errand_set_hosted(struct errand *e, struct hosted_user *u);
void errand_clear(struct errand *e);

#endif
