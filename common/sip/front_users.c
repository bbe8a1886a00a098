/* SPDX-License-Identifier: ISC */
/*
 * Owns: whose phones are served, from the beginning and as the peer is told
 * later.  Does not own: reading who they are (hosted.c), that what is left of
 * who goes leaves the overlay (registrar.c), the Store of it (errand.c).
 */
#include <stdlib.h>
#include <string.h>

#include "sip/front_private.h"

static void errand_free(struct errand *e)
{
	errand_clear(e);
	hosted_user_unref(e->heir);
	free(e);
}

static void unlink_errand(struct front *f, struct errand *e)
{
	*(e->prev == NULL ? &f->errands : &e->prev->next) = e->next;
	if (e->next != NULL)
		e->next->prev = e->prev;
}

static enum err add(struct front *f, struct hosted_user *u)
{
	struct errand *e = calloc(1, sizeof(*e));
	enum err r;

	if (e == NULL)
		return ERR_NOMEM;
	*e = (struct errand){ .next = f->errands,
			      .kept = true,
			      .driver = f->cfg.driver,
			      .peer = f->cfg.peer,
			      .hosted = hosted_user_ref(u),
			      .done = front_stored,
			      .ctx = f,
			      .value = BUF_INIT(ERRAND_VALUE_MAX) };
	r = registrar_add(f->registrar, u->signer->cert->user, &u->secret, e,
			  &e->user);
	if (r != OK) {
		errand_free(e);
		return r;
	}
	if (f->errands != NULL)
		f->errands->prev = e;
	f->errands = e;
	return OK;
}

void front_users_gone(void *ctx, struct registrar_user *u)
{
	struct front *f = ctx;
	struct errand *e = registrar_user_ctx(u);
	enum err r = OK;

	unlink_errand(f, e);
	if (e->heir != NULL && !f->stopped)
		r = add(f, e->heir);
	if (r != OK)
		log_line(f->cfg.log, LOG_ERROR, "sip: %s is not hosted: %s",
			 registrar_user_aor(u), err_text(r));
	errand_free(e);
}

static void dismiss(struct front *f, struct errand *e)
{
	if (e->leaving)
		return;
	e->leaving = true;
	registrar_dismiss(f->registrar, e->user, front_now_us());
}

static bool is_same(const struct hosted_user *a, const struct hosted_user *b)
{
	return memcmp(a->signer->cert->hash, b->signer->cert->hash,
		      CERT_HASH_LEN) == 0 &&
	       memcmp(&a->secret, &b->secret, sizeof(a->secret)) == 0;
}

/* One who is to be hosted, and may be already.  The entries of another Node-ID
 * are others: those of the one before go first. */
static enum err host(struct front *f, struct hosted_user *u,
		     struct front_change *out)
{
	struct registrar_user *named;
	struct errand *e;

	named = registrar_named(f->registrar, u->signer->cert->user);
	if (named == NULL) {
		out->more++;
		return add(f, u);
	}
	e = registrar_user_ctx(named);
	if (e->kept)
		return ERR_BUSY;
	e->kept = true;
	if (!e->leaving &&
	    id_eq(&e->hosted->signer->node_id, &u->signer->node_id)) {
		out->changed += !is_same(e->hosted, u);
		errand_set_hosted(e, u);
		registrar_set_secret(e->user, &u->secret);
		return OK;
	}
	out->changed++;
	hosted_user_unref(e->heir);
	e->heir = hosted_user_ref(u);
	dismiss(f, e);
	return OK;
}

static enum err refused(const struct hosted_user *u, enum err r,
			struct why *why)
{
	if (r != ERR_BUSY && r != ERR_DATA)
		return r;
	return why_err(why, r, "--sip-users: %.100s %s", u->signer->cert->user,
		       r == ERR_BUSY ? "is there twice" : "is no SIP address");
}

enum err front_users_begin(struct front *f, struct why *why)
{
	const struct hosted *h = f->cfg.hosted;
	struct front_change change = { 0 };
	enum err r = OK;

	for (size_t i = 0; i < h->n && r == OK; i++)
		r = refused(h->v[i], host(f, h->v[i], &change), why);
	return r;
}

void front_users_again(struct front *f, struct front_change *out)
{
	const struct hosted *h = f->cfg.hosted;
	struct errand *e, *next;
	struct why why;
	enum err r;

	*out = (struct front_change){ 0 };
	for (e = f->errands; e != NULL; e = e->next)
		e->kept = false;
	for (size_t i = 0; i < h->n; i++) {
		why = (struct why){ "" };
		r = refused(h->v[i], host(f, h->v[i], out), &why);
		if (r != OK)
			log_line(f->cfg.log, LOG_ERROR, "reload: %s: %s",
				 err_text(r), why.text);
	}
	for (e = f->errands; e != NULL; e = next) {
		next = e->next; /* `e` may go at once */
		if (e->kept)
			continue;
		out->less += !e->leaving || e->heir != NULL;
		hosted_user_unref(e->heir);
		e->heir = NULL;
		dismiss(f, e);
	}
	front_arm(f);
}

void front_users_clear(struct front *f)
{
	struct errand *e;

	while ((e = f->errands) != NULL) {
		f->errands = e->next;
		errand_free(e);
	}
}
