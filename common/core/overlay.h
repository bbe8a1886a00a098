/* SPDX-License-Identifier: ISC */
#ifndef CORE_OVERLAY_H
#define CORE_OVERLAY_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/id.h"
#include "crypto/crypto.h"
#include "wire/attach.h"
#include "wire/kind.h"

enum {
	OVERLAY_NAME_MAX = 253,        /* chars: a DNS name */
	SEQUENCE_ANY = 65535,          /* RFC 6940 s6.3.2.1 */
	OVERLAY_DOCUMENT_MAX = 1 << 20 /* bytes of a configuration document */
};

/* Bits of overlay-link-protocol. */
enum { LINK_PROTOCOL_TLS = 1, LINK_PROTOCOL_DTLS = 2 };

/* RFC 7904 s3.4: which AORs may be registered. */
enum domain_restriction { DOMAIN_ANY, DOMAIN_OVERLAY, DOMAIN_PATTERNS };

/* A kind-block as it stands in the document: what a ConfigUpdate of type kind
 * carries.  RFC 6940 s6.5.4.1. */
struct kind_block {
	uint32_t kind;
	struct node_id signer;
	bool learned;     /* from a ConfigUpdate, not in the document */
	struct slice xml; /* "<kind-block" to "</kind-block>", the default
			     namespace declared */
};

/*
 * The configuration in use, as checked (RFC 6940 s11.1).  Immutable once made;
 * all memory is in its arena, but for the kinds.  Defaults are filled in.
 */
struct overlay {
	struct arena arena;
	char name[OVERLAY_NAME_MAX + 1]; /* instance-name */
	uint32_t hash;                   /* of the name, s6.3.2 */
	uint16_t sequence;               /* 0 to 65534 */
	uint64_t expiration_ms;          /* unix time, or NEVER */
	uint8_t node_id_length;          /* bytes */
	uint8_t initial_ttl;
	uint8_t turn_density;
	uint32_t max_message_size; /* bytes */
	uint32_t reliability_timer_ms;
	uint32_t chord_update_interval_s;
	uint32_t chord_ping_interval_s;
	bool chord_reactive;
	bool no_ice;
	bool clients_permitted;
	bool self_signed_permitted;
	uint8_t self_signed_digest; /* HASH_SHA1 or HASH_SHA256 */
	uint8_t link_protocols;     /* LINK_PROTOCOL_* */
	struct kinds kinds;         /* registered and the overlay's own */
	struct ip_address_port *bootstrap;
	size_t n_bootstrap;
	struct node_id *bad_nodes;
	size_t n_bad_nodes;
	struct node_id *configuration_signers;
	size_t n_configuration_signers;
	struct node_id *kind_signers;
	size_t n_kind_signers;
	struct slice *root_certs; /* DER */
	size_t n_root_certs;
	char **enrollment_servers; /* https URLs */
	size_t n_enrollment_servers;
	enum domain_restriction domain_restriction;
	char **domain_patterns; /* POSIX extended regular expressions */
	size_t n_domain_patterns;
	struct kind_block *kind_blocks;
	size_t n_kind_blocks;
	struct slice document; /* whole, byte for byte as signed */
};

/* An empty overlay with the defaults of RFC 6940 s11.1; NULL without memory. */
struct overlay *overlay_new(void);
void overlay_free(struct overlay *o);
bool overlay_is_bad_node(const struct overlay *o, const struct node_id *id);
/* Is any of its Node-IDs one of those?  RFC 6940 s11.1: it is not valid then.
 */
bool overlay_is_bad_cert(const struct overlay *o, const struct cert *c);
/* Is sequence `a` newer than `b`, modulo 65535 as TCP's?  RFC 6940 s6.3.2.1. */
bool overlay_newer(uint16_t a, uint16_t b);
/* May this AOR (a user name) be registered?  RFC 7904 s3.4. */
bool overlay_admits_aor(const struct overlay *o, struct slice aor);

#endif
