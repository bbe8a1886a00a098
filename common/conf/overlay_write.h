/* SPDX-License-Identifier: ISC */
#ifndef CONF_OVERLAY_WRITE_H
#define CONF_OVERLAY_WRITE_H

#include "core/overlay.h"
#include "crypto/crypto.h"

/* Making and signing configuration documents, RFC 6940 s11.1: the operator's
 * side of overlay_xml.h. */

/* What the document of a new overlay says; the rest is overlay_write.c's. */
struct overlay_write_draft {
	const char *name;
	bool self_signed;              /* self-signed-permitted, SHA-256 */
	uint8_t link_protocols;        /* LINK_PROTOCOL_*; 0: both */
	struct slice root_cert;        /* DER */
	const char *enrollment_server; /* URL, or NULL */
	const struct ip_address_port *bootstrap;
	size_t n_bootstrap;
	const struct node_id *signer; /* of the configuration and of Kinds */
};

/* Appends the document, still without sequence, expiration and signatures. */
enum err overlay_write_draft(struct buf *out,
			     const struct overlay_write_draft *d) MUST_CHECK;

/* What signing changes. */
struct overlay_write_edit {
	const char *name;       /* which configuration; NULL: the only one */
	uint16_t sequence;      /* the new one */
	uint64_t expiration_ms; /* the new one; 0: as it is */
	const struct node_id *bad_nodes; /* to be listed as well */
	size_t n_bad_nodes;
	const struct crypto *crypto;
	const struct signer *signer;
};

/*
 * Appends `raw` with the edit made and every kind-signature and the signature
 * of that configuration made anew; all other bytes stay as they are. ERR_CONFIG
 * when `raw` is not valid; ERR_NOMEM, ERR_LIMIT, the signer's errors.
 */
enum err overlay_write_sign(struct buf *out, struct slice raw,
			    const struct overlay_write_edit *e,
			    struct why *why) MUST_CHECK;

#endif
