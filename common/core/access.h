/* SPDX-License-Identifier: ISC */
#ifndef CORE_ACCESS_H
#define CORE_ACCESS_H

#include "crypto/crypto.h"
#include "wire/data.h"

struct node;

/*
 * Who may write what, RFC 6940 s7.3: the policies, judged for one signer at a
 * time.  In an original Store both signers of a value and of the request are
 * asked, in a replica Store that of the value.
 */

/* A signer: its certificate, and which of its Node-IDs the SignerIdentity
 * names. */
struct access_signer {
	const struct cert *cert;
	const struct node_id *node_id;
};

/*
 * May this signer write `v` of a Kind at a resource?  `v` NULL: is there
 * anything of the Kind that it may write there?  Or ERR_FORBIDDEN with the
 * reason in `why` (may be NULL), ERR_ALGORITHM where the crypto has no SHA-1.
 */
enum err access_check(const struct node *n, const struct kind *k,
		      const struct node_id *resource,
		      const struct stored_value *v, struct access_signer s,
		      struct why *why) MUST_CHECK;

#endif
