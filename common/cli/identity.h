/* SPDX-License-Identifier: ISC */
#ifndef CLI_IDENTITY_H
#define CLI_IDENTITY_H

#include "conf/home.h"
#include "crypto/signer.h"

/* Key and certificate of a user, RFC 6940 s11.3: what the home has, checked, or
 * new ones. */

struct identity_plan {
	const char *user;          /* -u; NULL: the only one of the home */
	const char *password_file; /* -p, or NULL */
	unsigned n_node_ids; /* of a new certificate; 0: one, or as before */
	bool renew;
};

struct identity {
	struct home_identity files;
	struct crypto *crypto; /* trusts the overlay; borrowed */
	struct signer *signer;
	struct signer *old; /* of the certificate that was replaced, or NULL */
	bool fresh;         /* not saved yet: identity_save() */
};

/*
 * The identity to use: the home's when its certificate is good and a third of
 * its life is left; else a certificate from the enrollment server, or a
 * self-signed one where the overlay permits that.  ERR_USAGE, ERR_AUTH,
 * ERR_FORBIDDEN, ERR_ENROLL and others of enroll.h, ERR_CERT, with words.
 */
enum err identity_obtain(struct identity *id, const struct home *h,
			 const struct overlay *o, struct crypto *c,
			 const struct identity_plan *plan,
			 struct why *why) MUST_CHECK;
enum err identity_save(struct identity *id, const struct home *h,
		       struct why *why) MUST_CHECK;
/* USER and NODE-ID on stdout; nothing under -q. */
enum err identity_print(const struct identity *id, const struct overlay *o,
			struct why *why) MUST_CHECK;
void identity_clear(struct identity *id);

#endif
