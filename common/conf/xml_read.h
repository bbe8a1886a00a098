/* SPDX-License-Identifier: ISC */
#ifndef CONF_XML_READ_H
#define CONF_XML_READ_H

#include "conf/xml_doc.h"
#include "core/overlay.h"

/*
 * What the elements of a valid document mean, RFC 6940 s11.1, RFC 7904 s3.4.
 * Refuses with the line and the element: ERR_CONFIG for a value outside its
 * range, ERR_EXTENSION, ERR_UNKNOWN_KIND; ERR_NOMEM.
 */

/* Everything in a configuration element into `o`, but for its hash; signatures
 * are not looked at, and kind_blocks[i].signer stays zero. */
enum err xml_read_configuration(struct overlay *o, const struct xml_doc *d,
				const xmlNode *configuration,
				struct why *why) MUST_CHECK;
#endif
