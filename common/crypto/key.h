/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_KEY_H
#define CRYPTO_KEY_H

#include "base/buf.h"
#include "crypto/crypto.h"

/* Key pairs. */

enum key_type { KEY_P256, KEY_RSA2048, KEY_ED25519 };

/* A public key, or both halves. */
struct key;

/* "p256", "rsa2048", "ed25519"; ERR_USAGE. */
enum err key_type_parse(enum key_type *out, const char *name) MUST_CHECK;
/* ERR_SYS, ERR_NOMEM. */
enum err key_generate(enum key_type type, struct key **out) MUST_CHECK;
/* A private key, PKCS #8, in PEM or DER, without a password.  ERR_DATA,
 * ERR_ALGORITHM. */
enum err key_load(struct slice in, struct key **out,
		  struct why *why) MUST_CHECK;
/* Appends the private key as PKCS #8 in PEM. */
enum err key_save(const struct key *k, struct buf *pem) MUST_CHECK;
/* SHA-256 of the SubjectPublicKeyInfo: tells keys apart. */
enum err key_hash(const struct key *k, uint8_t out[HASH_LEN_MAX]) MUST_CHECK;
void key_free(struct key *k); /* NULL is fine */

#endif
