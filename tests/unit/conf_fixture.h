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
/* Whose signer has this Node-ID. */
void fixture_init_as(struct fixture *f, const struct node_id *signer_id);
void fixture_clear(struct fixture *f);

/* A signer with a Node-ID of its own and a certificate of the CA. */
struct signer *fixture_signer(struct fixture *f, struct node_id *id);
/* With several, and another type of key. */
struct signer *fixture_signer_of(struct fixture *f, enum key_type type,
				 struct node_id *ids, size_t n);
/* f->document with the first `from` replaced by `to`, not signed again. */
void fixture_replace(struct fixture *f, const char *from, const char *to);
/* Puts `text` before the element no-ice, not signed again. */
void fixture_insert(struct fixture *f, const char *text);
/* Signs f->document again with this sequence, by `s` or f->signer when NULL. */
void fixture_sign(struct fixture *f, uint16_t sequence, struct signer *s);
/* The same, the expiration left as it is. */
void fixture_sign_as_is(struct fixture *f, uint16_t sequence);
/* Only the configuration's signature: those of Kinds stay as they are. */
void fixture_sign_document(struct fixture *f);
/* One more root-cert; one signer less. */
void fixture_add_root(struct fixture *f, struct slice der);
void fixture_unlist(struct fixture *f, const char *element,
		    const struct node_id *id);
/* overlay_xml_load() of f->document. */
enum err fixture_load(struct fixture *f, const struct overlay *previous,
		      struct overlay **out, struct why *why) MUST_CHECK;
/* As fixture_load(); fails, with the words in case, when that does. */
struct overlay *fixture_accepted(struct fixture *f,
				 const struct overlay *previous);
/* f->document is refused with this error, and the reason has these words. */
void fixture_refused(struct fixture *f, const struct overlay *previous,
		     enum err r, const char *words);
struct overlay_xml_judge fixture_judge(const struct overlay *previous);

#endif
