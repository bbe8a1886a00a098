/* SPDX-License-Identifier: ISC */
/* Overlays, roots and identities made at test time: no key is ever committed.
 */
#ifndef PKI_H
#define PKI_H

#include "unit.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/openssl.h"
#include "crypto/pem.h"
#include "crypto/signer.h"

#define PKI_OVERLAY "overlay.example.org"
#define PKI_DAY_MS  UINT64_C(86400000)

struct pki {
	struct key *key;
	struct buf root; /* DER */
	struct slice roots[1];
	struct crypto *crypto; /* trusts `root` */
	uint64_t now_ms;
};

static inline struct openssl_trust pki_trust(const struct pki *p)
{
	return (struct openssl_trust){ .overlay = PKI_OVERLAY,
				       .node_id_length = 16,
				       .self_signed_digest = HASH_SHA256,
				       .root_certs = p->roots,
				       .n_root_certs = 1 };
}

static inline void pki_init(struct pki *p, enum key_type type)
{
	struct openssl_trust t;

	*p = (struct pki){ .root = BUF_INIT(1 << 16),
			   .now_ms = (uint64_t)time(NULL) * 1000 };
	assert_ok(key_generate(type, &p->key));
	assert_ok(issue_root(p->key, "Test root", p->now_ms,
			     p->now_ms + 100 * PKI_DAY_MS, &p->root));
	p->roots[0] = buf_slice(&p->root);
	t = pki_trust(p);
	assert_ok(openssl_new(&p->crypto, &t, NULL));
}

static inline void pki_clear(struct pki *p)
{
	openssl_free(p->crypto);
	buf_clear(&p->root);
	key_free(p->key);
}

static inline struct issue_ca pki_ca(const struct pki *p)
{
	return (struct issue_ca){ buf_slice(&p->root), p->key };
}

/* A Node-ID whose bytes are all `b`. */
static inline struct node_id pki_id(uint8_t b)
{
	struct node_id id = { 0 };

	memset(id.b, b, 16);
	return id;
}

/* An ordinary node of the overlay, for those who change a detail. */
static inline struct issue_node pki_node(const struct pki *p,
					 const struct node_id *ids, size_t n)
{
	return (struct issue_node){ .overlay = PKI_OVERLAY,
				    .node_id_length = 16,
				    .node_ids = ids,
				    .n_node_ids = n,
				    .user = "alice@example.org",
				    .now_ms = p->now_ms,
				    .not_after_ms = p->now_ms + PKI_DAY_MS };
}

/* A signer of `p`'s overlay, opened without judging its certificate. */
static inline struct signer *pki_signer_of(const struct pki *p,
					   const struct pki *issuer,
					   const struct issue_node *node,
					   enum key_type type)
{
	struct issue_ca ca = pki_ca(issuer);
	struct buf der = BUF_INIT(1 << 16), pem = BUF_INIT(1 << 16);
	struct signer_args args = { .checked = true };
	struct signer *s;
	struct key *k;

	assert_ok(key_generate(type, &k));
	assert_ok(issue_node(&ca, k, node, &der));
	assert_ok(key_save(k, &pem));
	args.key = buf_slice(&pem);
	args.cert = buf_slice(&der);
	assert_ok(signer_open(&s, p->crypto, &args, NULL));
	key_free(k);
	buf_clear(&der);
	buf_wipe(&pem);
	return s;
}

static inline struct signer *pki_signer(const struct pki *p, uint8_t id_byte,
					enum key_type type)
{
	struct node_id id = pki_id(id_byte);
	struct issue_node node = pki_node(p, &id, 1);

	return pki_signer_of(p, p, &node, type);
}

#endif
