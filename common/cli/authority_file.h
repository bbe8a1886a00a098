/* SPDX-License-Identifier: ISC */
#ifndef CLI_AUTHORITY_FILE_H
#define CLI_AUTHORITY_FILE_H

#include "crypto/key.h"
#include <sys/types.h>

/* Writing into the operator's folder.  ERR_CANTCREAT. */

enum err authority_file_write(const char *dir, const char *name,
			      struct slice content, mode_t mode,
			      struct why *why) MUST_CHECK;
/* A certificate, as PEM. */
enum err authority_file_cert(const char *dir, const char *name,
			     struct slice der, struct why *why) MUST_CHECK;
/* A private key, as PEM, mode 0600. */
enum err authority_file_key(const char *dir, const char *name,
			    const struct key *k, struct why *why) MUST_CHECK;

#endif
