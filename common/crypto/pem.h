/* SPDX-License-Identifier: ISC */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H

#include "base/buf.h"

/* The text form of keys and certificates, RFC 7468. */

#define PEM_CERTIFICATE "CERTIFICATE"
#define PEM_PRIVATE_KEY "PRIVATE KEY"
#define PEM_CSR         "CERTIFICATE REQUEST"

/* Appends one block. */
enum err pem_append(struct buf *out, const char *label,
		    struct slice der) MUST_CHECK;
/*
 * The next block with this label, appended to `der`; `*text` goes on behind it.
 * Blocks with other labels and text between them are passed over.
 * ERR_NOT_FOUND when there is none, ERR_DATA when it is malformed.
 */
enum err pem_next(struct slice *text, const char *label,
		  struct buf *der) MUST_CHECK;

#endif
