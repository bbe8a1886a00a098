/* SPDX-License-Identifier: ISC */
/*
 * The step from a document to what certificates are judged by, RFC 6940 s11.1:
 * root-cert and self-signed-permitted.
 */
#include "net/anchor.h"

#include "crypto/openssl.h"

static struct openssl_trust trust_of(const struct overlay *o)
{
	return (struct openssl_trust){
		.overlay = o->name,
		.node_id_length = o->node_id_length,
		.self_signed_permitted = o->self_signed_permitted,
		.self_signed_digest = o->self_signed_digest,
		.root_certs = o->root_certs,
		.n_root_certs = o->n_root_certs,
	};
}

enum err anchor_open(const struct overlay *o, struct crypto **out)
{
	struct openssl_trust t = trust_of(o);

	return openssl_new(out, &t, NULL);
}

enum err anchor_move(struct crypto *c, const struct overlay *o, struct why *why)
{
	struct openssl_trust t = trust_of(o);

	return openssl_set_trust(c, &t, why);
}
