/* SPDX-License-Identifier: ISC */
#ifndef NET_ANCHOR_H
#define NET_ANCHOR_H

#include "core/overlay.h"
#include "crypto/crypto.h"

/* struct crypto (openssl.h) that trusts what a document says. */

/* Nothing in `*out` points into `o`. */
enum err anchor_open(const struct overlay *o, struct crypto **out) MUST_CHECK;
/* The document was replaced. */
enum err anchor_move(struct crypto *c, const struct overlay *o,
		     struct why *why) MUST_CHECK;

#endif
