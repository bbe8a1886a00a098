/* SPDX-License-Identifier: ISC */
#ifndef SIP_HOSTED_H
#define SIP_HOSTED_H

#include "base/log.h"
#include "crypto/signer.h"
#include "sip/phone.h"

/*
 * The users whom this peer hosts: one folder each, a home as p2psip-join makes
 * it, with their certificate, key and the secret of their phone.  Only with
 * these can it store their registrations: RFC 7904 s3.3, appendix A.
 */

enum { HOSTED_MAX = 65536 };

struct hosted_user {
	const struct crypto *crypto; /* of the signer */
	unsigned refs;
	char *folder;
	struct signer *signer;
	struct node_id resource; /* H(AOR), RFC 6940 s10.2 */
	struct registrar_secret secret;
};

/* `{ 0 }` is empty. */
struct hosted {
	struct hosted_user **v;
	size_t n, cap;
};

/*
 * Every folder of `dir`.  `c` trusts the overlay and outlives `out`.  ERR_USAGE
 * when there is none of them, and the errors of home_open(), signer_open() and
 * phone_load(), with the folder in the words.
 */
enum err hosted_load(struct hosted *out, const char *dir,
		     const struct overlay *o, const struct crypto *c,
		     uint64_t now_ms, struct why *why) MUST_CHECK;
/*
 * As hosted_load(), again: `h` becomes what there is now.  A folder that cannot
 * be read is a line in the log, and its user stays who it was.  None at all is
 * no failure.  ERR_NOINPUT, ERR_FULL, ERR_NOMEM: all stay.
 */
enum err hosted_reload(struct hosted *h, const char *dir,
		       const struct overlay *o, const struct crypto *c,
		       uint64_t now_ms, const struct log_sink *log,
		       struct why *why) MUST_CHECK;
void hosted_clear(struct hosted *h);

/* Who is used while others read the folders again. */
struct hosted_user *hosted_user_ref(struct hosted_user *u);
void hosted_user_unref(struct hosted_user *u); /* NULL is fine */

#endif
