/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include "base/err.h"
#include "base/slice.h"

enum { PASSWORD_TEXT_MAX = 128 }; /* chars, with the final zero */

/*
 * Passwords as "scrypt$LOG2N$R$P$SALT$HASH" (RFC 7914; salt and hash in hex).
 * One takes about 16 MB and 50 ms: call it where that does no harm.
 */
enum err password_hash(struct slice password,
		       char out[static PASSWORD_TEXT_MAX]) MUST_CHECK;
/* In constant time.  ERR_AUTH when it is another, ERR_DATA when `text` is not
 * ours.  NULL for `text` takes as long and is ERR_AUTH: no such account. */
enum err password_check(struct slice password, const char *text) MUST_CHECK;

#endif
