/* SPDX-License-Identifier: ISC */
#ifndef CONF_XML_KIND_H
#define CONF_XML_KIND_H

#include "conf/xml_doc.h"
#include "core/overlay.h"

/*
 * The definition in a kind-block (RFC 6940 s11.1) and the block itself for
 * o->kind_blocks, its signer left zero; domain restrictions (RFC 7904 s3.4) go
 * into `o`, and its arena holds what is new.  Errors as xml_read.h's.
 */
enum err xml_kind_read(struct overlay *o, const struct xml_doc *d,
		       const xmlNode *block, struct kind *k,
		       struct kind_block *kb, struct why *why) MUST_CHECK;

/*
 * Are the patterns that `o` has from SIP-REGISTRATION's block regular
 * expressions?  Only once its signature has been verified: a hostile one takes
 * memory without end to compile.  ERR_CONFIG.
 */
enum err xml_kind_check_patterns(const struct overlay *o, const xmlNode *block,
				 struct why *why) MUST_CHECK;

#endif
