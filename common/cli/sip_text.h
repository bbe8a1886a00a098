/* SPDX-License-Identifier: ISC */
#ifndef CLI_SIP_TEXT_H
#define CLI_SIP_TEXT_H

#include "base/buf.h"
#include "wire/sip.h"

/* The text form of a SIP-REGISTRATION (RFC 7904 s3.2): "uri:URI" or
 * "route:NODEID[,NODEID...]". */

/* Appends the encoded SipRegistration.  ERR_DATA with words. */
enum err sip_text_parse(struct buf *out, struct slice text,
			const struct wire_env *env, struct why *why) MUST_CHECK;
/* Appends the text of an encoded SipRegistration.  Errors as from a decoder. */
enum err sip_text_format(struct buf *out, struct slice value,
			 const struct wire_env *env) MUST_CHECK;
/* Appends a destination list: Node-IDs in hex, "resource:" and "opaque:" before
 * other entries, commas between. */
enum err sip_text_route(struct buf *out, const struct destination_list *l,
			const struct wire_env *env) MUST_CHECK;

#endif
