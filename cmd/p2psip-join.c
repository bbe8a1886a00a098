/* SPDX-License-Identifier: ISC */
/* p2psip-join(1): configuration, certificate, way in.  RFC 6940 s11, s8. */
#include "base/text.h"
#include "cli/document.h"
#include "cli/identity.h"
#include "cli/opt.h"
#include "cli/secret.h"
#include "cli/welcome.h"
#include "crypto/openssl.h"
#include "net/anchor.h"
#include "sip/phone.h"

static struct identity_plan plan;
static const char *node_ids, *sip_password_file;
static bool update;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-join", "[OVERLAY]",
		 "Get an overlay's configuration and a certificate."),
	OPT_COMMON,
	OPT_CONFIG,
	OPT_STR('p', "password-file", "PASSFILE", &plan.password_file,
		"read the password from its first line"),
	OPT_STR(0, "node-ids", "N", &node_ids, "ask for N Node-IDs"),
	OPT_STR(0, "sip-password-file", "FILE", &sip_password_file,
		"keep what a phone with the password in it will prove"),
	OPT_FLAG(0, "renew", &plan.renew, "renew the certificate now"),
	OPT_FLAG(0, "update", &update,
		 "take in a newer configuration document"),
	OPT_END,
};

/* In the overlay.  A certificate signed by ourselves is kept only when its name
 * is free; one from the server is ours whether or not a peer answers. */
static enum err enter(const struct home *h, const struct overlay *o,
		      struct identity *id, struct why *why)
{
	bool self_signed = id->signer->cert->self_signed;
	struct welcome *w = NULL;
	enum err r = OK;

	if (!o->clients_permitted)
		return identity_save(id, h, why); /* its peer stores it */
	if (!self_signed)
		r = identity_save(id, h, why);
	if (r != OK)
		return r;
	r = welcome_enter(&w, h, o, id, why);
	if (r == OK && self_signed && id->fresh && id->old == NULL)
		r = welcome_check_name(w, why);
	if (self_signed && (r == OK || r == ERR_NO_LINK)) {
		enum err saved = identity_save(id, h, why);

		r = saved != OK ? saved : r;
	}
	if (r == OK && (r = welcome_publish(w, why)) == OK &&
	    (r = welcome_ping(w, why)) == OK && id->old != NULL)
		r = welcome_restore(w, why);
	welcome_leave(w);
	if (r == ERR_NO_LINK) {
		struct why reason = *why;

		return why_err(why, r,
			       "%.120s; the home is complete: p2psip-peer "
			       "--first founds a ring with it",
			       reason.text);
	}
	return r;
}

/* For a peer that is to host this user: its --sip-users. */
static enum err keep_phone(const struct home *h, const struct identity *id,
			   struct why *why)
{
	struct buf password = BUF_INIT(SECRET_MAX + 2);
	enum err r = OK;

	if (sip_password_file != NULL &&
	    (r = secret_read(&password, sip_password_file, "", false, why)) ==
		    OK)
		r = phone_save(h, id->files.user, buf_slice(&password), why);
	buf_wipe(&password);
	return r;
}

static enum err join(const struct home *h, const struct overlay *o,
		     struct why *why)
{
	struct crypto *c = NULL;
	struct identity id = { 0 };
	int lock = -1;
	enum err r;

	if ((r = home_lock(h, &lock, why)) != OK)
		return r;
	if ((r = anchor_open(o, &c)) == OK &&
	    (r = identity_obtain(&id, h, o, c, &plan, why)) == OK &&
	    (r = keep_phone(h, &id, why)) == OK &&
	    (r = enter(h, o, &id, why)) == OK)
		r = identity_print(&id, o, why);
	identity_clear(&id);
	openssl_free(c);
	home_unlock(lock);
	return r;
}

/* Others may know a newer document, and judge us by it: once more then. */
static enum err join_newest(struct home *h, struct overlay **o, struct why *why)
{
	uint16_t sequence = (*o)->sequence;
	struct why ignored = { "" };
	enum err r = join(h, *o, why);

	if (r != ERR_CONFIG_TOO_OLD && r != ERR_AUTH)
		return r;
	if (document_update(h, o, &ignored) != OK || (*o)->sequence == sequence)
		return r; /* what went wrong counts */
	why->text[0] = '\0';
	return join(h, *o, why);
}

int main(int argc, char *argv[])
{
	struct overlay *o = NULL;
	struct home h = { 0 };
	struct why why = { "" };
	const char *name;
	uint64_t n = 0;
	enum err r;

	argv = opt_parse(opts, 0, 1, argc, argv);
	name = argv[0] != NULL ? argv[0] : opt_common.overlay;
	if (node_ids != NULL &&
	    text_u64(&n, node_ids, 1, CERT_NODE_IDS_MAX) != OK)
		opt_usage("--node-ids: '%s' is not from 1 to %d", node_ids,
			  CERT_NODE_IDS_MAX);
	plan.user = opt_common.user;
	plan.n_node_ids = (unsigned)n;
	if ((r = document_obtain(&h, name, DOCUMENT_GIVEN, &o, &why)) == OK)
		r = update ? document_update(&h, &o, &why)
			   : join_newest(&h, &o, &why);
	if (r != OK)
		opt_warn(name != NULL ? name
			 : h.name[0]  ? h.name
				      : NULL,
			 r, why.text);
	overlay_free(o);
	home_close(&h);
	return err_exit(r);
}
