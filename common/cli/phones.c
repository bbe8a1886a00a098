/* SPDX-License-Identifier: ISC */
/*
 * Owns: what a daemon peer reads from disk for the phones it serves, at the
 * start and again when it is told to.  Does not own: SIP (sip/front.c), options
 * (phones_opt.c), the peer's life (peer.c).
 */
#include "cli/phones.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/address.h"
#include "conf/file.h"
#include "net/tls_client.h"
#include "net/tls_server.h"

enum { PEM_MAX = 1 << 20 };

static void free_tls(struct sipnet_tls *tls)
{
	tls_server_free(tls->server);
	tls_client_free(tls->client);
	*tls = (struct sipnet_tls){ 0 };
}

/* To servers of other domains, with what phones see of us. */
static enum err load_client(const struct phones_config *cfg, struct slice cert,
			    struct slice key, const char *name,
			    struct ssl_ctx_st **out, struct why *why)
{
	struct buf roots = BUF_INIT(PEM_MAX);
	char ca_name[200];
	enum err r = OK;

	(void)snprintf(ca_name, sizeof(ca_name), "--sip-ca %s",
		       cfg->ca != NULL ? cfg->ca : ""); /* cut is fine */
	if (cfg->ca != NULL && (r = file_read(&roots, cfg->ca, why)) == OK &&
	    roots.len == 0)
		r = why_err(why, ERR_TLS, "%.190s: it is empty", ca_name);
	if (r == OK &&
	    (r = tls_client_new(out, buf_slice(&roots), ca_name, why)) == OK)
		r = tls_server_show(*out, cert, key, name, why);
	buf_clear(&roots);
	return r;
}

static enum err load_tls(const struct phones_config *cfg,
			 struct sipnet_tls *out, struct why *why)
{
	struct buf cert = BUF_INIT(PEM_MAX), key = BUF_INIT(PEM_MAX);
	char name[200];
	enum err r;

	if (cfg->cert == NULL)
		return OK;
	(void)snprintf(name, sizeof(name), "--sip-cert %.80s --sip-key %.80s",
		       cfg->cert, cfg->key); /* cut is fine */
	if ((r = file_read(&cert, cfg->cert, why)) == OK &&
	    (r = file_check_private(cfg->key, why)) == OK &&
	    (r = file_read(&key, cfg->key, why)) == OK)
		r = tls_server_new(&out->server, buf_slice(&cert),
				   buf_slice(&key), name, why);
	if (r == OK)
		r = load_client(cfg, buf_slice(&cert), buf_slice(&key), name,
				&out->client, why);
	if (r != OK)
		free_tls(out);
	buf_clear(&cert);
	buf_wipe(&key);
	return r;
}

enum err phones_load(struct phones *p, const struct phones_config *cfg,
		     const struct overlay *o, const struct crypto *crypto,
		     struct why *why)
{
	enum err r;

	p->cfg = cfg;
	p->crypto = crypto;
	if (cfg->n_listen == 0)
		return OK;
	if ((p->keep_path = file_path(cfg->users, ".registered")) == NULL)
		return ERR_NOMEM;
	if ((r = hosted_load(&p->hosted, cfg->users, o, crypto,
			     loop_now().unix_ms, why)) != OK)
		return r;
	return load_tls(cfg, &p->tls, why);
}

enum err phones_start(struct phones *p, struct loop *loop,
		      struct driver *driver, const struct signer *peer,
		      const struct log_sink *log, struct why *why)
{
	struct front_config f = { .loop = loop,
				  .realm = driver_overlay(driver)->name,
				  .driver = driver,
				  .crypto = p->crypto,
				  .peer = peer,
				  .hosted = &p->hosted,
				  .listen = p->cfg->listen,
				  .n_listen = p->cfg->n_listen,
				  .tls = p->tls,
				  .offer = p->cfg->digest,
				  .bounds = p->cfg->expires,
				  .redirect = p->cfg->redirect,
				  .contact = p->cfg->contact,
				  .log = log };
	struct keep_config k = { .loop = loop, .log = log };
	enum err r;

	p->log = log;
	if (f.n_listen == 0)
		return OK;
	if ((r = front_new(&p->front, &f, why)) != OK)
		return r;
	k.path = p->keep_path;
	k.registrar = front_registrar(p->front);
	k.net = front_net(p->front);
	return keep_new(&p->keep, &k);
}

void phones_announce(const struct phones *p)
{
	const struct sipnet_listen *v = p->cfg->listen;
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < p->cfg->n_listen; i++)
		log_line(p->log, LOG_INFO, "phones register at %s:%s",
			 sipnet_name(v[i].type),
			 address_format(&v[i].address, text));
}

void phones_joined(struct phones *p)
{
	if (p->keep != NULL)
		keep_restore(p->keep);
}

static void reload_users(struct phones *p, const struct overlay *o)
{
	struct front_change change;
	struct why why = { "" };
	enum err r = hosted_reload(&p->hosted, p->cfg->users, o, p->crypto,
				   loop_now().unix_ms, p->log, &why);

	if (r != OK) {
		log_line(p->log, LOG_ERROR,
			 "reload: users stay as they were: %s: %s", err_text(r),
			 why.text);
		return;
	}
	front_users_again(p->front, &change);
	log_line(p->log, LOG_INFO,
		 "reload: users: %zu more, %zu less, %zu changed", change.more,
		 change.less, change.changed);
}

static void reload_tls(struct phones *p)
{
	struct sipnet_tls tls = { 0 };
	struct why why = { "" };
	enum err r;

	if (p->tls.server == NULL)
		return;
	if ((r = load_tls(p->cfg, &tls, &why)) != OK) {
		log_line(p->log, LOG_ERROR,
			 "reload: the certificate for phones stays as it was: "
			 "%s: %s",
			 err_text(r), why.text);
		return;
	}
	front_set_tls(p->front, &tls);
	free_tls(&p->tls);
	p->tls = tls;
	log_line(p->log, LOG_INFO, "reload: %s is in use", p->cfg->cert);
}

void phones_reload(struct phones *p, const struct overlay *o)
{
	if (p->front == NULL)
		return;
	reload_users(p, o);
	reload_tls(p);
}

void phones_leave(struct phones *p, void (*done)(void *ctx), void *ctx)
{
	if (p->front == NULL) {
		done(ctx);
		return;
	}
	keep_end(p->keep);
	front_leave(p->front, done, ctx);
}

void phones_stop(struct phones *p)
{
	keep_free(p->keep);
	p->keep = NULL;
	front_stop(p->front);
}

void phones_free(struct phones *p)
{
	front_free(p->front);
	hosted_clear(&p->hosted);
	free_tls(&p->tls);
	free(p->keep_path);
	*p = (struct phones){ 0 };
}
