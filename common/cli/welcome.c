/* SPDX-License-Identifier: ISC */
/*
 * What p2psip-join does in the overlay once it has an identity.  Storing the
 * certificate is net/publish.c's, where to connect entry.c's.
 */
#include "cli/welcome.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cli/document.h"
#include "cli/entry.h"
#include "cli/progress.h"
#include "cli/target.h"
#include "net/driver.h"
#include "net/publish.h"

enum { WELCOME_VALUES_MAX = 16 << 20 /* bytes that are stored again */ };

struct welcome {
	const struct home *home;
	const struct overlay *overlay;
	const struct identity *id;
	struct loop *loop;
	struct driver *driver;
	struct entry entry;
	struct log_sink log;
	const struct result *res;
	struct publish *publish;
	enum err published;
	struct why published_why;
};

static enum err on_config(void *ctx, uint8_t type, struct slice bytes,
			  const struct overlay *in_use, struct overlay **out,
			  struct why *why)
{
	struct welcome *w = ctx;

	enum err r;

	r = document_judge(w->home, type, bytes, in_use, out, why);
	if (r == OK && (r = home_save_overlay(w->home, *out, why)) != OK)
		overlay_free(*out);
	return r;
}

static void on_done(void *ctx, const struct result *res)
{
	struct welcome *w = ctx;

	w->res = res;
}

/* The overlay's own words, else why no connection came up. */
static enum err explain(const struct welcome *w, enum err r, struct slice info,
			struct why *why)
{
	if (info.len > 0 && text_is_utf8(info))
		return why_err(why, r, "%.*s", (int)info.len,
			       (const char *)info.p);
	r = driver_cause(w->driver, r);
	if (r == ERR_NO_LINK || r == ERR_TLS || r == ERR_LINK_CLOSED ||
	    r == ERR_AUTH)
		return why_err(why, r, "%s", driver_reason(w->driver));
	return r;
}

static enum err run(struct welcome *w, const struct command *cmd,
		    struct why *why)
{
	struct progress *p;
	enum err r = driver_command(w->driver, cmd, on_done, w);

	if (r != OK)
		return r;
	p = progress_start(w->loop, cmd->type == CMD_START
					    ? "connecting"
					    : "waiting for the overlay");
	r = driver_run(w->driver);
	progress_end(p);
	return r != OK || w->res->err == OK
		       ? r
		       : explain(w, w->res->err, w->res->info, why);
}

static enum err open_driver(struct welcome *w, struct why *why)
{
	struct driver_config cfg = {
		.loop = w->loop,
		.role = ROLE_CLIENT,
		.overlay = w->overlay,
		.crypto = w->id->crypto,
		.signer = w->id->signer,
		.bootstrap = w->entry.v,
		.log = &w->log,
		.deadline_us = loop_now().mono_us + document_time_left_us(),
		.config = on_config,
		.ctx = w,
	};
	enum err r = entry_find(&w->entry, w->home, w->overlay, cfg.deadline_us,
				why);

	if (r != OK)
		return r;
	cfg.n_bootstrap = w->entry.n;
	if (w->entry.n == 0)
		return why_err(why, ERR_NO_LINK,
			       "the document has no bootstrap node; name one "
			       "with -b");
	return driver_new(&w->driver, &cfg, why);
}

/* Peers that we were linked to, for the next time: RFC 6940 s11.4. */
static void remember_peers(struct welcome *w)
{
	struct ip_address_port v[HOME_PEERS_MAX];
	size_t n = driver_peers(w->driver, v, HOME_PEERS_MAX);
	struct why why = { "" };

	if (n > 0 && home_save_peers(w->home, v, n, &why) != OK)
		opt_info(1, "%s", why.text); /* only the next start is slower */
}

enum err welcome_enter(struct welcome **out, const struct home *h,
		       const struct overlay *o, const struct identity *id,
		       struct why *why)
{
	struct welcome *w = calloc(1, sizeof(*w));
	enum err r;

	if (w == NULL)
		return ERR_NOMEM;
	w->home = h;
	w->overlay = o;
	w->id = id;
	w->log = opt_log();
	if ((r = loop_new(&w->loop)) == OK && (r = open_driver(w, why)) == OK)
		r = run(w, &(struct command){ .type = CMD_START }, why);
	if (r == OK) {
		remember_peers(w);
		*out = w;
	} else {
		welcome_leave(w);
	}
	return r;
}

void welcome_leave(struct welcome *w)
{
	if (w == NULL)
		return;
	publish_free(w->publish);
	driver_free(w->driver);
	loop_free(w->loop);
	free(w);
}

/* ---- the name ---- */

/* All values of a Kind at H(name). */
static enum err fetch(struct welcome *w, const struct kind *k,
		      struct slice name, struct why *why)
{
	struct array_range all = { 0, ARRAY_END };
	struct stored_data_specifier spec = { .kind = k->id };
	struct command cmd = { .type = CMD_FETCH,
			       .specifiers = &spec,
			       .n_specifiers = 1 };
	enum err r;

	if (k->model == MODEL_ARRAY)
		spec.indices = (struct array_range_list){ &all, 1 };
	if ((r = target_hash(w->id->crypto, name, &cmd.resource)) == OK)
		r = run(w, &cmd, why);
	return r;
}

/* Is this certificate another's, by its key? */
static bool is_others(const struct welcome *w, struct slice der)
{
	const struct crypto *c = w->id->crypto;
	const struct cert *own = w->id->signer->cert;
	struct cert *other = NULL;
	bool others = true;

	if (c->cert_open(c->ctx, der, NULL, 0, &other, NULL) != OK)
		return false; /* nobody's who counts */
	/* Self-signed: the Node-ID is the key's. */
	for (size_t i = 0; i < other->n_node_ids; i++)
		for (size_t k = 0; k < own->n_node_ids; k++)
			if (id_eq(&other->node_ids[i], &own->node_ids[k]))
				others = false;
	c->cert_unref(c->ctx, other);
	return others;
}

enum err welcome_check_name(struct welcome *w, struct why *why)
{
	const struct kind *k = kinds_find(&w->overlay->kinds,
					  KIND_CERTIFICATE_BY_USER);
	const char *user = w->id->signer->cert->user;
	const struct fetch_ans *a;
	enum err r;

	if (k == NULL)
		return OK;
	r = fetch(w, k, slice_str(user), why);
	if (r == ERR_NOT_FOUND)
		return OK;
	if (r != OK && r != ERR_PARTIAL)
		return r;
	a = w->res->fetch;
	for (uint32_t i = 0; a != NULL && i < a->kind_responses.n; i++) {
		const struct stored_data_list *l =
			&a->kind_responses.v[i].values;

		for (uint32_t n = 0; n < l->n; n++)
			if (l->v[n].value.exists &&
			    is_others(w, l->v[n].value.value))
				return why_err(why, ERR_FORBIDDEN,
					       "the user name %.100s is taken: "
					       "choose another with -u",
					       user);
	}
	return OK;
}

/* ---- the certificate ---- */

static void on_published(void *ctx, enum err r, struct slice info)
{
	struct welcome *w = ctx;

	w->published = r == OK ? OK : explain(w, r, info, &w->published_why);
}

enum err welcome_publish(struct welcome *w, struct why *why)
{
	enum err r = publish_start(&w->publish, w->driver, w->id->crypto,
				   w->id->signer, on_published, w);

	w->published = ERR_TIMEOUT;
	if (r == OK)
		r = driver_run(w->driver);
	if (r == OK && (r = w->published) != OK)
		(void)why_err(why, r, "storing the certificate: %.200s",
			      w->published_why.text);
	return r;
}

enum err welcome_ping(struct welcome *w, struct why *why)
{
	struct command cmd = { .type = CMD_PING };
	struct destination to;
	struct node_id next;

	id_next(&next, &w->id->signer->node_id);
	to = destination_resource(id_slice(&next, RING_ID_LEN));
	cmd.destination = (struct destination_list){ &to, 1 };
	return run(w, &cmd, why);
}

/* ---- what the old certificate had signed ---- */

struct values {
	struct arena arena;
	struct store_item *v;
	size_t n;
};

/* Copies those values of the last Fetch that we have signed; the answer is gone
 * with the next command. */
static enum err keep_own(struct welcome *w, const struct kind *k,
			 struct values *out)
{
	const struct fetch_kind_response *f;
	enum err r;

	if (w->res->fetch == NULL || w->res->fetch->kind_responses.n == 0)
		return OK;
	f = &w->res->fetch->kind_responses.v[0];
	out->v = arena_zalloc(&out->arena, f->values.n, sizeof(*out->v));
	if (out->v == NULL)
		return ERR_NOMEM;
	for (uint32_t i = 0; i < f->values.n; i++) {
		const struct stored_data *d = &f->values.v[i];
		struct store_item *item = &out->v[out->n];

		if (!d->value.exists || !id_eq(&w->res->signers[0][i].node_id,
					       &w->id->old->node_id))
			continue;
		*item = (struct store_item){ .kind = k->id,
					     .index = d->value.index,
					     .exists = true,
					     .lifetime_s = d->lifetime };
		if ((r = arena_dup(&out->arena, d->value.key, &item->key)) !=
			    OK ||
		    (r = arena_dup(&out->arena, d->value.value,
				   &item->value)) != OK)
			return r;
		out->n++;
	}
	return OK;
}

static enum err restore_kind(struct welcome *w, const struct kind *k,
			     struct slice name, struct why *why)
{
	struct values values = { .arena = ARENA_INIT(WELCOME_VALUES_MAX) };
	struct command cmd = { .type = CMD_STORE, .n_items = 1 };
	enum err r = fetch(w, k, name, why);

	if (r == OK || r == ERR_PARTIAL)
		r = keep_own(w, k, &values);
	else if (r == ERR_NOT_FOUND)
		r = OK;
	if (r == OK)
		r = target_hash(w->id->crypto, name, &cmd.resource);
	for (size_t i = 0; r == OK && i < values.n; i++) {
		cmd.items = &values.v[i];
		r = run(w, &cmd, why);
	}
	arena_free(&values.arena);
	return r;
}

/* Whose resource the Kind's policy lets us write. */
static struct slice own_name(const struct welcome *w, const struct kind *k)
{
	if (k->access == ACCESS_NODE_MATCH)
		return id_slice(&w->id->signer->node_id,
				w->overlay->node_id_length);
	return slice_str(w->id->signer->cert->user);
}

enum err welcome_restore(struct welcome *w, struct why *why)
{
	const struct kinds *all = &w->overlay->kinds;
	enum err first = OK;

	for (uint32_t i = 0; i < all->n; i++) {
		const struct kind *k = &all->v[i];
		struct why reason = { "" };
		enum err r;

		/* Certificates are welcome_publish()'s; H(Node-ID || i) is a
		 * TURN server's, which stores anew on every start. */
		if (k->id == KIND_CERTIFICATE_BY_NODE ||
		    k->id == KIND_CERTIFICATE_BY_USER ||
		    k->access == ACCESS_NODE_MULTIPLE)
			continue;
		r = restore_kind(w, k, own_name(w, k), &reason);
		if (r != OK && first == OK) {
			first = r;
			(void)why_err(why, r, "storing Kind %u again: %.200s",
				      (unsigned)k->id, reason.text);
		}
	}
	return first;
}
