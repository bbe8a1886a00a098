/* SPDX-License-Identifier: ISC */
#ifndef SIP_FLOWTOKEN_H
#define SIP_FLOWTOKEN_H

#include "crypto/hexhash.h"
#include "sip/flow.h"

/* The name of a flow in a Record-Route, so that what comes later in a dialog
 * takes the same way whatever NATs are there: RFC 5626 s5.2.  Good for one
 * Call-ID, and nobody but this peer can make one. */

enum {
	FLOWTOKEN_SECRET_LEN = 32,
	FLOWTOKEN_LEN = 88 /* hex digits: 56 of the flow, 32 of the proof */
};

enum err flowtoken_make(const uint8_t secret[static FLOWTOKEN_SECRET_LEN],
			const struct flow *f, struct slice call_id,
			char out[static FLOWTOKEN_LEN + 1]) MUST_CHECK;
/* ERR_DATA when it is none of ours, or of another call. */
enum err flowtoken_read(const uint8_t secret[static FLOWTOKEN_SECRET_LEN],
			struct slice token, struct slice call_id,
			struct flow *out) MUST_CHECK;

#endif
