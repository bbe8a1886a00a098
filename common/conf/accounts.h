/* SPDX-License-Identifier: ISC */
#ifndef CONF_ACCOUNTS_H
#define CONF_ACCOUNTS_H

#include <stdbool.h>

#include "crypto/crypto.h"
#include "crypto/password.h"

/*
 * Who may enrol, and which Node-IDs are whose: the enrollment server's memory,
 * in a SQLite file of mode 0600.  RFC 6940 s11.3, s13.3.
 */

struct accounts;

enum {
	ACCOUNTS_NODES_MAX = 4,   /* Node-IDs of one account in use */
	ACCOUNTS_PER_CERT_MAX = 4 /* of them in one certificate */
};

/* Makes the file when there is none.  ERR_STORAGE with the reason. */
enum err accounts_open(struct accounts **out, const char *path,
		       struct why *why) MUST_CHECK;
void accounts_close(struct accounts *a); /* NULL is fine */

/* A new account, or a disabled one again, with `password` as password_hash()
 * made it.  ERR_DATA when it is in use. */
enum err accounts_add(struct accounts *a, const char *user,
		      const char *password, struct why *why) MUST_CHECK;
/* The password_hash() of an account that may enrol; "" where there is none, as
 * text for password_check().  ERR_STORAGE. */
enum err accounts_password(struct accounts *a, const char *user,
			   char out[static PASSWORD_TEXT_MAX]) MUST_CHECK;

/* What somebody who has shown the password asks for. */
struct accounts_claim {
	const char *user;
	const uint8_t *key_hash;       /* CERT_HASH_LEN bytes: key_hash() */
	size_t n;                      /* Node-IDs wanted */
	uint64_t now_ms, not_after_ms; /* of the certificate to be issued */
	/* Makes a Node-ID that nobody can guess. */
	enum err (*draw)(struct node_id *out);
};

/*
 * The Node-IDs for a certificate: CHOICE: the same key gets the same ones
 * again, a new key new ones, as long as the account has no more than
 * ACCOUNTS_NODES_MAX in use.  ERR_FULL when it would have more; those
 * that were revoked stay so.  ERR_STORAGE.
 */
enum err accounts_claim(struct accounts *a, const struct accounts_claim *c,
			struct node_id ids[static ACCOUNTS_PER_CERT_MAX],
			struct why *why) MUST_CHECK;

/* Disables an account.  Its Node-IDs that a valid certificate may still have
 * are appended to `ids`, as 16 bytes each.  ERR_NOT_FOUND. */
enum err accounts_disable(struct accounts *a, const char *user, uint64_t now_ms,
			  struct buf *ids, struct why *why) MUST_CHECK;
/* Its key draws new Node-IDs from now on.  ERR_NOT_FOUND. */
enum err accounts_revoke_node(struct accounts *a, const struct node_id *id,
			      struct why *why) MUST_CHECK;

#endif
