/* SPDX-License-Identifier: ISC */
/*
 * Certificates and signatures as they are sent.  Signing and checking is
 * crypto's; the bytes that are signed come from data.c and message.c.  RFC 6940
 * s6.3.4.
 */
#include "wire/security.h"

/* RFC 6940 s6.3.4, RFC 6091. */
void wire_generic_certificate(struct wire *w, struct generic_certificate *v)
{
	wire_code8(w, "type", CODE_CERTIFICATE, &v->type);
	wire_opaque(w, "certificate", 2, &v->certificate);
}
WIRE_CODEC_DEFINE(generic_certificate);

/* RFC 6940 s6.3.4. */
void wire_signer_identity(struct wire *w, struct signer_identity *v)
{
	wire_code8(w, "identity_type", CODE_SIGNER, &v->identity_type);
	wire_open(w, "identity", 2);
	switch (v->identity_type) {
	case SIGNER_CERT_HASH:
	case SIGNER_CERT_HASH_NODE_ID:
		wire_code8(w, "hash_alg", CODE_HASH, &v->hash_alg);
		wire_opaque(w, "hash", 1, &v->hash);
		break;
	case SIGNER_NONE:
		break;
	default: /* this structure may be extended */
		wire_rest(w, "unknown", &v->unknown);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(signer_identity);

/* RFC 6940 s6.3.4. */
void wire_signature(struct wire *w, struct signature *v)
{
	wire_code8(w, "hash", CODE_HASH, &v->algorithm.hash);
	wire_code8(w, "signature", CODE_SIGNATURE, &v->algorithm.signature);
	wire_signer_identity(w, &v->identity);
	wire_opaque(w, "signature_value", 2, &v->signature_value);
}
WIRE_CODEC_DEFINE(signature);

/* RFC 6940 s6.3.4. */
void wire_security_block(struct wire *w, struct security_block *v)
{
	struct generic_certificate *it;

	WIRE_LIST (w, "certificates", 2, v->certificates, it)
		wire_generic_certificate(w, it);
	wire_enter(w, "signature");
	wire_signature(w, &v->signature);
	wire_leave(w);
}
WIRE_CODEC_DEFINE(security_block);

bool signature_is_none(const struct signature *s)
{
	return s->algorithm.hash == HASH_NONE &&
	       s->algorithm.signature == SIGNATURE_ANONYMOUS &&
	       s->identity.identity_type == SIGNER_NONE &&
	       s->signature_value.len == 0;
}

void signature_set_none(struct signature *s)
{
	*s = (struct signature){
		.algorithm = { HASH_NONE, SIGNATURE_ANONYMOUS },
		.identity = { .identity_type = SIGNER_NONE },
	};
}
