/* SPDX-License-Identifier: ISC */
#ifndef WIRE_SECURITY_H
#define WIRE_SECURITY_H

#include "wire/wire.h"

/* RFC 6940 s6.3.4. */
struct generic_certificate {
	uint8_t type;             /* CERTIFICATE_* */
	struct slice certificate; /* DER for X.509 */
};
struct generic_certificate_list {
	struct generic_certificate *v;
	uint32_t n;
};

/* Whose key signed.  RFC 6940 s6.3.4. */
struct signer_identity {
	uint8_t identity_type; /* SIGNER_*; others are carried */
	uint8_t hash_alg;     /* HASH_*; SIGNER_CERT_HASH, _CERT_HASH_NODE_ID */
	struct slice hash;    /* certificate_hash, certificate_node_id_hash */
	struct slice unknown; /* the data of a type that is not ours */
};

/* From TLS 1.2. */
struct signature_and_hash_algorithm {
	uint8_t hash;      /* HASH_* */
	uint8_t signature; /* SIGNATURE_* */
};

struct signature {
	struct signature_and_hash_algorithm algorithm;
	struct signer_identity identity;
	struct slice signature_value;
};

struct security_block {
	struct generic_certificate_list certificates;
	struct signature signature;
};

WIRE_CODEC(generic_certificate);
WIRE_CODEC(signer_identity);
WIRE_CODEC(signature);
WIRE_CODEC(security_block);

/* The synthetic signature of a value that does not exist: {0, 0}, identity
 * none, no value.  RFC 6940 s7.4.2.2. */
bool signature_is_none(const struct signature *s);
void signature_set_none(struct signature *s);

#endif
