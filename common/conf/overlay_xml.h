/* SPDX-License-Identifier: ISC */
#ifndef CONF_OVERLAY_XML_H
#define CONF_OVERLAY_XML_H

#include "core/overlay.h"
#include "crypto/crypto.h"

/*
 * Configuration documents: from the bytes of a file, a web server or a
 * ConfigUpdate to a struct overlay that has been checked, RFC 6940 s11.1.
 */

/* What a document is judged by. */
struct overlay_xml_judge {
	/* The instance-name wanted; NULL: the document has just one. */
	const char *name;
	/* The configuration in use: the new one is newer and signed by one of
	 * its configuration-signers.  NULL: the first, whose own signers are
	 * believed because of the way it came. */
	const struct overlay *previous;
	uint64_t now_ms; /* unix time */
	/* Something that trusts what this overlay's document says (roots,
	 * self-signed-permitted), for the time of the check: anchor_open() and
	 * openssl_free(). */
	enum err (*crypto_open)(const struct overlay *o, struct crypto **out);
	void (*crypto_close)(struct crypto *c); /* NULL is fine */
};

/*
 * Checks `raw` and takes from it all that the core needs; nothing in `*out`
 * points into `raw`.  ERR_CONFIG (not UTF-8, a DOCTYPE, not valid to the
 * grammar, values outside their range), ERR_CONFIG_SIGNATURE,
 * ERR_CONFIG_EXPIRED, ERR_CONFIG_OLD, ERR_EXTENSION, ERR_UNKNOWN_KIND,
 * ERR_NOMEM; `why` names the line and the element and says what to do.
 */
enum err overlay_xml_load(struct overlay **out, struct slice raw,
			  const struct overlay_xml_judge *j,
			  struct why *why) MUST_CHECK;

/*
 * As overlay_xml_load(), but without looking at signatures, sequence and
 * expiration: for a document that is still to be signed.
 */
enum err overlay_xml_parse(struct overlay **out, struct slice raw,
			   const char *name, struct why *why) MUST_CHECK;

/*
 * A ConfigUpdate of type kind (RFC 6940 s6.5.4): a copy of j->previous with the
 * Kind of this kind-block added or replaced.  ERR_CONFIG, ERR_CONFIG_SIGNATURE
 * (no kind-signer of the configuration in use has signed it), ERR_UNKNOWN_KIND,
 * ERR_FORBIDDEN when the Kind is known from another signer, ERR_NOMEM.
 */
enum err overlay_xml_add_kind(struct overlay **out, struct slice block,
			      const struct overlay_xml_judge *j,
			      struct why *why) MUST_CHECK;

#endif
