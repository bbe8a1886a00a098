/* SPDX-License-Identifier: ISC */
#ifndef SIP_BINDFILE_H
#define SIP_BINDFILE_H

#include "sip/binding.h"

/*
 * Bindings as text, so that a peer that starts again knows its phones: blocks
 * of lines "WORD VALUE", each ended by an empty one.  What a phone has bound by
 * a connection is left out, for that ends with the peer.  Pure: which socket
 * has which address, and what time it is, are parameters.
 */

enum { BINDFILE_MAX = 64 << 20 };

struct bindfile_env {
	uint64_t mono_us, unix_us; /* the same moment by both clocks */
	/* The address of a socket for datagrams, and back; false: there is no
	 * such one. */
	bool (*address)(void *ctx, uint32_t socket,
			struct ip_address_port *out);
	bool (*socket)(void *ctx, const struct ip_address_port *a,
		       uint32_t *out);
	void *ctx;
};

/* Appends those of one user that have not expired. */
enum err bindfile_write(struct buf *out, const char *aor,
			const struct bindings *b,
			const struct bindfile_env *env) MUST_CHECK;
/*
 * Takes the next binding off `*rest`, and whose it is, borrowed from there.
 * NULL where it is of no use: it has expired, or its socket is gone.
 * ERR_NOT_FOUND at the end; ERR_MALFORMED: nothing behind it can be read;
 * ERR_NOMEM.  binding_free().
 */
enum err bindfile_next(struct slice *rest, const struct bindfile_env *env,
		       struct slice *aor, struct binding **out) MUST_CHECK;

#endif
