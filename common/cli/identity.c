/* SPDX-License-Identifier: ISC */
/*
 * Whether the identity in the home will do, and how to get another one:
 * enrolling (RFC 6940 s11.3) or signing one's own certificate (s11.3.1).
 */
#include "cli/identity.h"

#include <string.h>

#include "base/text.h"
#include "cli/document.h"
#include "cli/opt.h"
#include "cli/out.h"
#include "cli/secret.h"
#include "cli/username.h"
#include "crypto/csr.h"
#include "crypto/issue.h"
#include "crypto/key.h"
#include "crypto/pem.h"
#include "net/enroll.h"
#include "net/loop.h"

enum { CERT_MAX = 1 << 16 /* bytes */ };

/* A self-signed certificate's life. */
#define SELF_SIGNED_MS (UINT64_C(365) * 86400000)

/* A key is made once, and kept even if no certificate comes of it: the
 * enrollment server gives the same key the same Node-IDs.  But it does not
 * replace that of a certificate before the new one is there. */
static enum err obtain_key(struct identity *id, const struct home *h,
			   struct key **key, struct why *why)
{
	enum err r;

	if (id->files.key.len > 0)
		return key_load(buf_slice(&id->files.key), key, why);
	if ((r = key_generate(KEY_P256, key)) == OK &&
	    (r = key_save(*key, &id->files.key)) == OK &&
	    id->files.cert.len == 0)
		r = home_save_identity(h, &id->files, why);
	return r;
}

static enum err self_sign(const struct identity *id, const struct overlay *o,
			  const struct key *key, unsigned n_node_ids,
			  struct buf *der)
{
	uint64_t now_ms = loop_now().unix_ms;
	struct issue_node node = { .overlay = o->name,
				   .node_id_length = o->node_id_length,
				   .n_node_ids = n_node_ids,
				   .user = id->files.user,
				   .now_ms = now_ms,
				   .not_after_ms = now_ms + SELF_SIGNED_MS };

	return issue_self_signed(key, o->self_signed_digest, &node, der);
}

static enum err enroll(const struct identity *id, const struct home *h,
		       const struct overlay *o, const struct key *key,
		       const struct identity_plan *plan, unsigned n_node_ids,
		       struct buf *der, struct why *why)
{
	char cacert[4096], prompt[CERT_USER_MAX + 32];
	struct enroll_access access = { document_cacert(h, cacert),
					document_time_left_us() };
	struct enroll_request q = { .overlay = o->name,
				    .user = id->files.user,
				    .n_node_ids = n_node_ids };
	struct buf password = BUF_INIT(CERT_MAX), csr = BUF_INIT(CERT_MAX);
	enum err r;

	(void)snprintf(prompt, sizeof(prompt),
		       "Password of %s: ", id->files.user); /* fits */
	if ((r = csr_new(key, id->files.user, &csr)) == OK &&
	    (r = secret_read(&password, plan->password_file, prompt, false,
			     why)) == OK) {
		q.password = buf_slice(&password);
		q.csr = buf_slice(&csr);
		r = enroll_certificate(der, o->enrollment_servers,
				       o->n_enrollment_servers, &q, &access,
				       why);
	}
	buf_wipe(&password);
	buf_clear(&csr);
	return r;
}

static enum err check_user(const struct identity *id, const struct signer *s,
			   struct why *why)
{
	if (strcmp(s->cert->user, id->files.user) == 0)
		return OK;
	return why_err(why, ERR_CERT, "it is for %.100s, not for %.100s",
		       s->cert->user, id->files.user);
}

/* The certificate, as PEM beside the key, checked: that it chains to a root of
 * the document and is the key's, RFC 6940 s11.3. */
static enum err take_cert(struct identity *id, struct slice der,
			  struct why *why)
{
	struct signer_args args;
	struct signer *s;
	enum err r;

	buf_reset(&id->files.cert);
	if ((r = pem_append(&id->files.cert, PEM_CERTIFICATE, der)) != OK)
		return r;
	args = (struct signer_args){ .key = buf_slice(&id->files.key),
				     .cert = buf_slice(&id->files.cert) };
	if ((r = signer_open(&s, id->crypto, &args, why)) != OK)
		return r;
	if ((r = check_user(id, s, why)) != OK) {
		signer_close(s, id->crypto);
		return r;
	}
	id->old = id->signer;
	id->signer = s;
	id->fresh = true;
	return OK;
}

static enum err replace(struct identity *id, const struct home *h,
			const struct overlay *o,
			const struct identity_plan *plan, struct why *why)
{
	unsigned n = plan->n_node_ids;
	struct buf der = BUF_INIT(CERT_MAX);
	struct key *key = NULL;
	enum err r;

	if (n == 0)
		n = id->signer != NULL ? id->signer->cert->n_node_ids : 1;
	if ((r = obtain_key(id, h, &key, why)) == OK)
		r = o->self_signed_permitted
			    ? self_sign(id, o, key, n, &der)
			    : enroll(id, h, o, key, plan, n, &der, why);
	if (r == OK)
		r = take_cert(id, buf_slice(&der), why);
	key_free(key);
	buf_clear(&der);
	return r;
}

/* What the home has for this user: perhaps only a key, or nothing. */
static enum err load(struct identity *id, const struct home *h,
		     const struct identity_plan *plan, struct why *why)
{
	char user[CERT_USER_MAX + 1];
	const char *name = plan->user;
	enum err r;

	if (name != NULL) {
		if ((r = username_complete(user, h->name, name, why)) != OK)
			return r;
		name = user;
	}
	r = home_load_identity(h, name, &id->files, why);
	if (r != ERR_NOT_JOINED)
		return r;
	if (name == NULL)
		return why_err(why, ERR_USAGE,
			       "there is no identity here yet: say -u NAME");
	memcpy(id->files.user, user, sizeof(user));
	return home_load_key(h, user, &id->files.key, why);
}

static enum err open_signer(struct identity *id, struct why *why)
{
	struct signer_args args = { .key = buf_slice(&id->files.key),
				    .cert = buf_slice(&id->files.cert) };

	return signer_open(&id->signer, id->crypto, &args, why);
}

/* Less than a third of its life is left. */
static bool is_old(const struct cert *c)
{
	uint64_t now_ms = loop_now().unix_ms;
	uint64_t life_ms = c->not_after_ms - c->not_before_ms;

	return now_ms + life_ms / 3 > c->not_after_ms;
}

enum err identity_obtain(struct identity *id, const struct home *h,
			 const struct overlay *o, struct crypto *c,
			 const struct identity_plan *plan, struct why *why)
{
	bool renew = plan->renew;
	enum err r;

	*id = (struct identity){ .crypto = c };
	if ((r = load(id, h, plan, why)) != OK)
		return r;
	if (id->files.cert.len == 0)
		return replace(id, h, o, plan, why);
	r = open_signer(id, why);
	/* A document with other roots makes a certificate worthless. */
	if (r == ERR_CERT)
		return replace(id, h, o, plan, why);
	if (r != OK)
		return r;
	if (overlay_is_bad_cert(o, id->signer->cert)) {
		if (!renew)
			return why_err(why, ERR_AUTH,
				       "%s was revoked; once the account is "
				       "back, run p2psip-join --renew",
				       id->files.user);
		buf_reset(&id->files.key); /* another one, other Node-IDs */
	} else if (plan->n_node_ids > 0 &&
		   plan->n_node_ids != id->signer->cert->n_node_ids) {
		renew = true;
	}
	return renew || is_old(id->signer->cert) ? replace(id, h, o, plan, why)
						 : OK;
}

enum err identity_save(struct identity *id, const struct home *h,
		       struct why *why)
{
	return id->fresh ? home_save_identity(h, &id->files, why) : OK;
}

enum err identity_print(const struct identity *id, const struct overlay *o,
			struct why *why)
{
	const struct cert *c = id->signer->cert;
	char node_id[ID_TEXT_MAX], until[32];
	struct out out;
	enum err r;

	if (opt_common.quiet)
		return OK;
	id_format(&id->signer->node_id, o->node_id_length, node_id);
	out_init(&out);
	if (opt_common.json) {
		out_json_take(&out, json_pack("{s:s,s:s,s:s,s:s}", "user",
					      c->user, "node_id", node_id,
					      "overlay", o->name, "not_after",
					      text_format_time(c->not_after_ms,
							       until)));
	} else {
		out_field(&out, slice_str(c->user));
		out_field(&out, slice_str(node_id));
		out_end_line(&out);
	}
	r = out_finish(&out, why);
	out_clear(&out);
	return r;
}

void identity_clear(struct identity *id)
{
	signer_close(id->signer, id->crypto);
	signer_close(id->old, id->crypto);
	home_identity_clear(&id->files);
	*id = (struct identity){ 0 };
}
