/* SPDX-License-Identifier: ISC */
#ifndef SIP_ROUTEVALUE_H
#define SIP_ROUTEVALUE_H

#include "core/node.h"

/*
 * What the overlay has of a user who is registered here: a route to this peer,
 * or a contact (NULL: none), RFC 7904 s3.2, under the Node-ID of the user's
 * certificate, s7.  0 seconds: that there is none any more.  `value` holds its
 * bytes, and both are for one Store.  ERR_CERT_EXPIRED, ERR_NOMEM.
 */
enum err routevalue_make(struct store_item *out, struct buf *value,
			 const struct signer *user, const struct node_id *peer,
			 const char *contact, uint8_t node_id_len,
			 uint32_t lifetime_s, uint64_t now_ms) MUST_CHECK;

#endif
