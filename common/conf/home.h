/* SPDX-License-Identifier: ISC */
#ifndef CONF_HOME_H
#define CONF_HOME_H

#include <stdbool.h>

#include "core/overlay.h"
#include "crypto/crypto.h"

/*
 * What is on disk, p2psip(7), FILES.  One folder an overlay, all of mode 0700:
 *
 *	HOME/OVERLAY/overlay.xml     the document, byte for byte as signed
 *	HOME/OVERLAY/overlay.bin     its compiled form, for the tools
 *	HOME/OVERLAY/update.xml      a document that came from the overlay and
 *	                             waits for p2psip-join --update
 *	HOME/OVERLAY/source          where the document came from: URL or file
 *	HOME/OVERLAY/cacert.pem      the root of that server, when --cacert said
 *	HOME/OVERLAY/peers           peers once linked to, ADDR:PORT a line
 *	HOME/OVERLAY/users/USER/key.pem    0600, PKCS #8
 *	HOME/OVERLAY/users/USER/cert.pem   the certificate, then intermediates
 *	HOME/OVERLAY/users/USER/sip.htdigest   0600, what the user's phone
 *	                             proves to know: USER:REALM:HASH a line
 *
 * Files are replaced at once or not at all, and are on disk when a call
 *returns.
 */

enum {
	HOME_PEERS_MAX = 10,    /* RFC 6940 s11.4 */
	HOME_FILE_MAX = 4 << 20 /* bytes of any file read here */
};

/* The home, with one overlay of it chosen. */
struct home {
	char *dir;                       /* HOME */
	char *overlay_dir;               /* HOME/OVERLAY */
	char name[OVERLAY_NAME_MAX + 1]; /* of the overlay */
};

/* One identity, as bytes: what they mean is the crypto's. */
struct home_identity {
	char user[CERT_USER_MAX + 1];
	struct buf key;  /* PEM; wiped when cleared */
	struct buf cert; /* PEM, first the own, then the chain */
};

/*
 * Finds the home (`dir`, or ${XDG_STATE_HOME:-~/.local/state}/p2psip when NULL)
 * and in it the overlay `name`, or the only one when NULL.  ERR_NOT_JOINED when
 * there is none, ERR_USAGE when there are several ("say -o"), ERR_HOME_MODE
 * when others can read it, ERR_SYS.
 */
enum err home_open(struct home *h, const char *dir, const char *name,
		   struct why *why) MUST_CHECK;
/* As home_open(), and makes what is missing.  Adds ERR_CANTCREAT. */
enum err home_create(struct home *h, const char *dir, const char *name,
		     struct why *why) MUST_CHECK;
void home_close(struct home *h);

/* A file of the overlay's folder: appended; replaced.  ERR_NOT_FOUND when there
 * is none, ERR_NOINPUT; ERR_CANTCREAT. */
enum err home_read(const struct home *h, const char *name, struct buf *out,
		   struct why *why) MUST_CHECK;
enum err home_write(const struct home *h, const char *name,
		    struct slice content, struct why *why) MUST_CHECK;

/* The compiled form in use.  ERR_NOT_JOINED, ERR_CONFIG ("run p2psip-join
 * --update"), ERR_CONFIG_EXPIRED. */
enum err home_load_overlay(const struct home *h, uint64_t now_ms,
			   struct overlay **out, struct why *why) MUST_CHECK;
/* Writes document and compiled form of a checked overlay.  ERR_CANTCREAT. */
enum err home_save_overlay(const struct home *h, const struct overlay *o,
			   struct why *why) MUST_CHECK;
/* Leaves a document for p2psip-join --update, and takes it away. */
enum err home_save_update(const struct home *h, struct slice document,
			  struct why *why) MUST_CHECK;
void home_drop_update(const struct home *h);

/* The identity of `user`, or the only one when NULL.  ERR_NOT_JOINED, ERR_USAGE
 * when there are several ("say -u"), ERR_HOME_MODE when the key can be read by
 * others. */
enum err home_load_identity(const struct home *h, const char *user,
			    struct home_identity *id,
			    struct why *why) MUST_CHECK;
/* The key of a user who has no certificate yet; empty when there is none. */
enum err home_load_key(const struct home *h, const char *user, struct buf *key,
		       struct why *why) MUST_CHECK;
/* Key first, then the certificate; either may be empty: left as it is. */
enum err home_save_identity(const struct home *h,
			    const struct home_identity *id,
			    struct why *why) MUST_CHECK;
/* The secrets of the user's phone, as text.  ERR_NOT_FOUND, ERR_HOME_MODE,
 * ERR_NOINPUT; ERR_CANTCREAT. */
enum err home_load_phone(const struct home *h, const char *user,
			 struct buf *text, struct why *why) MUST_CHECK;
enum err home_save_phone(const struct home *h, const char *user,
			 struct slice text, struct why *why) MUST_CHECK;
void home_identity_clear(struct home_identity *id);

/* Peers that were linked to, at most HOME_PEERS_MAX; a file that is missing or
 * of no use is no error. */
enum err home_load_peers(const struct home *h,
			 struct ip_address_port peers[HOME_PEERS_MAX],
			 size_t *n) MUST_CHECK;
enum err home_save_peers(const struct home *h,
			 const struct ip_address_port *peers, size_t n,
			 struct why *why) MUST_CHECK;

/*
 * Waits until no other process changes this overlay's files (join, renew,
 * update); the lock ends with home_unlock() or the process.
 */
enum err home_lock(const struct home *h, int *fd, struct why *why) MUST_CHECK;
void home_unlock(int fd);

#endif
