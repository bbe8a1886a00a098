/* SPDX-License-Identifier: ISC */
#ifndef CLI_PHONES_H
#define CLI_PHONES_H

#include "base/log.h"
#include "cli/phones_opt.h"
#include "net/driver.h"
#include "sip/front.h"
#include "sip/keep.h"

/* The SIP side of a daemon peer: whose phones it serves, and with which
 * certificate. */

struct phones {
	const struct phones_config *cfg;
	const struct log_sink *log;
	const struct crypto *crypto; /* trusts the overlay */
	struct hosted hosted;
	struct sipnet_tls tls;
	struct front *front; /* NULL: no phones, or not yet */
	char *keep_path;     /* USERS/.registered */
	struct keep *keep;
};

/* Reads the identities and the certificate, and says what is wrong with them.
 * `cfg` and `crypto` are borrowed until phones_free().  The errors of
 * hosted_load(); ERR_NOINPUT, ERR_HOME_MODE, ERR_TLS, ERR_CERT_EXPIRED. */
enum err phones_load(struct phones *p, const struct phones_config *cfg,
		     const struct overlay *o, const struct crypto *crypto,
		     struct why *why) MUST_CHECK;
/* Listens, when there is somewhere to.  The errors of front_new(). */
enum err phones_start(struct phones *p, struct loop *loop,
		      struct driver *driver, const struct signer *peer,
		      const struct log_sink *log, struct why *why) MUST_CHECK;
/* Says where, in the log. */
void phones_announce(const struct phones *p);
/* The peer is in the ring: what was registered before is so again. */
void phones_joined(struct phones *p);
/* SIGHUP: reads users and certificate again. */
void phones_reload(struct phones *p, const struct overlay *o);
/* Calls `done` when the routes are out of the overlay: later, or at once where
 * there are none. */
void phones_leave(struct phones *p, void (*done)(void *ctx), void *ctx);
/* phones_stop() before the driver is freed, phones_free() after it. */
void phones_stop(struct phones *p);
void phones_free(struct phones *p);

#endif
