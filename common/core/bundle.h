/* SPDX-License-Identifier: ISC */
#ifndef CORE_BUNDLE_H
#define CORE_BUNDLE_H

#include "base/arena.h"
#include "crypto/crypto.h"

/*
 * A signer's certificate as it is kept with the values that it verifies: its
 * DER, and behind it that of each intermediate up to the root.  Who fetches a
 * value may have seen none of them.  RFC 6940 s6.3.4, s7.4.2.2.
 */

enum { BUNDLE_MAX = CERT_CHAIN_MAX + 1 };

enum err bundle_make(struct arena *a, const struct cert *c,
		     struct slice *out) MUST_CHECK;
/*
 * The certificates of a bundle, the signer's first; they point into it.  At
 * least one, at most BUNDLE_MAX: what does not read as a row of DER is one.
 */
size_t bundle_split(struct slice bundle, struct slice out[BUNDLE_MAX]);

#endif
