/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_HEXHASH_H
#define CRYPTO_HEXHASH_H

#include <stdbool.h>

#include "base/err.h"
#include "base/slice.h"

/* Digests as HTTP and SIP authentication write them: lower-case hex.  MD5 is
 * there because phones know nothing else (RFC 8760); it proves nothing else. */

enum hexhash_alg { HEXHASH_MD5, HEXHASH_SHA256, HEXHASH_N };

enum { HEXHASH_MAX = 65 /* chars, with the final zero */ };

/* The digest of the concatenation of `n` slices.  ERR_ALGORITHM. */
enum err hexhash(enum hexhash_alg alg, const struct slice *in, size_t n,
		 char out[static HEXHASH_MAX]) MUST_CHECK;
/* Chars of a digest, without the final zero. */
size_t hexhash_len(enum hexhash_alg alg);
/* Equal, in a time that does not depend on where they differ? */
bool hexhash_eq(struct slice a, struct slice b);

#endif
