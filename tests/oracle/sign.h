/* SPDX-License-Identifier: ISC */
/* The signatures of a vector: their inputs, made again, and whether they
 * verify. */
#ifndef ORACLE_SIGN_H
#define ORACLE_SIGN_H

#include "leaf.h"
#include "wire/data.h"
#include "wire/message.h"

/* Returns how many differ or do not verify; `body` is m's, decoded. */
unsigned sign_check(const struct json *vector, const struct message *m,
		    const void *body, const struct wire_env *env,
		    const struct complaint *c);

/* SHA-1 of a text, for overlay hashes and Resource-IDs. */
bool sign_sha1(const char *text, uint8_t out[static 20]);

#endif
