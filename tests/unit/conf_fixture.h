/* SPDX-License-Identifier: ISC */
/* A signed configuration document, and the means to change and sign it again.
 */
#ifndef CONF_FIXTURE_H
#define CONF_FIXTURE_H

#include "conf/overlay_xml.h"
#include "crypto/key.h"
#include "crypto/signer.h"

#define FIXTURE_NAME "overlay.example.org"
#define FIXTURE_NOW  UINT64_C(1700000000000) /* 2023-11-14 */
#define FIXTURE_DAY  UINT64_C(86400000)

struct fixture {
	struct key *ca_key;
	struct buf ca_cert; /* DER */
	struct node_id signer_id;
	struct crypto *crypto; /* trusts ca_cert */
	struct signer *signer;
	struct buf document; /* signed, sequence 7 */
};

void fixture_init(struct fixture *f);
void fixture_clear(struct fixture *f);

/* A signer with a Node-ID of its own and a certificate of the CA. */
struct signer *fixture_signer(struct fixture *f, struct node_id *id);
/* f->document with the first `from` replaced by `to`, not signed again. */
void fixture_replace(struct fixture *f, const char *from, const char *to);
/* Signs f->document again with this sequence, by `s` or f->signer when NULL. */
void fixture_sign(struct fixture *f, uint16_t sequence, struct signer *s);
/* overlay_xml_load() of f->document. */
enum err fixture_load(struct fixture *f, const struct overlay *previous,
		      struct overlay **out, struct why *why) MUST_CHECK;
struct overlay_xml_judge fixture_judge(const struct overlay *previous);

#endif
