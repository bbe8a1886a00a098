/* SPDX-License-Identifier: ISC */
#ifndef CLI_DOCUMENT_H
#define CLI_DOCUMENT_H

#include "conf/home.h"

/*
 * Where p2psip-join finds the overlay's configuration document, and which one
 * is in use afterwards, RFC 6940 s11.2: -c FILE|URL, the home, DNS SRV.
 */

enum document_need {
	DOCUMENT_GIVEN, /* what -c names must be there, and not be older */
	DOCUMENT_IN_USE /* else the home's, with a warning */
};

/*
 * Opens or makes the home of the overlay `name` (NULL: the home's only one, or
 * that of the document given with -c) and gives the document in use there: the
 * one that was, or a newer one from -c, or the first one.  ERR_USAGE,
 * ERR_CONFIG*, ERR_EXTENSION, ERR_HTTP, ERR_TLS, ERR_DNS, ERR_CANTCREAT,
 * ERR_NOINPUT, with words.
 */
enum err document_obtain(struct home *h, const char *name,
			 enum document_need need, struct overlay **out,
			 struct why *why) MUST_CHECK;
/*
 * Takes in what came from the overlay (update.xml), else what is there where
 * the first came from, when it is newer; `*o` is replaced then.
 */
enum err document_update(struct home *h, struct overlay **o,
			 struct why *why) MUST_CHECK;
/* As document_update() where the document ends within a month, at a random time
 * of it; a failure is only said. */
void document_refresh(struct home *h, struct overlay **o);
/* Checks one that came in a ConfigUpdate, for driver_config.config; saving it
 * is the caller's. */
enum err document_judge(const struct home *h, uint8_t config_type,
			struct slice bytes, const struct overlay *in_use,
			struct overlay **out, struct why *why) MUST_CHECK;
/* What is left of -T since the start of document_obtain(), else since the first
 * call; 0: it is over. */
uint64_t document_time_left_us(void);
/*
 * The bytes from a file, a URL, or (NULL) the server that DNS has for `name`;
 * nothing is checked.  ERR_USAGE, ERR_NOINPUT, ERR_HTTP, ERR_TLS, ERR_DNS.
 */
enum err document_fetch(struct buf *out, const struct home *h,
			const char *source, const char *name,
			struct why *why) MUST_CHECK;
/* The roots for HTTPS: --cacert, else those of the first time; NULL: the
 * system's.  In `path`. */
const char *document_cacert(const struct home *h, char path[static 4096]);

#endif
