/* SPDX-License-Identifier: ISC */
#ifndef NET_TLS_CONTEXT_H
#define NET_TLS_CONTEXT_H

#include <openssl/ssl.h>

#include "base/err.h"

/*
 * What every context of ours has, TLS or DTLS: versions from `min` on, neither
 * renegotiation nor compression nor a cache of sessions, writes that may be
 * partial and may move, buffers that an idle connection gives back.  ERR_NOMEM,
 * ERR_TLS.
 */
enum err tls_context_new(SSL_CTX **out, const SSL_METHOD *method,
			 int min) MUST_CHECK;

#endif
