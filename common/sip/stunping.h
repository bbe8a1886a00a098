/* SPDX-License-Identifier: ISC */
#ifndef SIP_STUNPING_H
#define SIP_STUNPING_H

#include "base/buf.h"
#include "wire/attach.h"

/* Phones behind NATs keep their flow alive with STUN Binding requests on the
 * port of SIP, RFC 5626 s3.5.2 and s8; RFC 5389. */

/* Does a datagram begin as STUN does?  No SIP message does. */
bool stunping_is(struct slice datagram);
/* Appends the answer: where the request came from.  ERR_MALFORMED when it is no
 * Binding request, or asks for more. */
enum err stunping_answer(struct slice datagram,
			 const struct ip_address_port *from,
			 struct buf *out) MUST_CHECK;

#endif
