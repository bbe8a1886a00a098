/* SPDX-License-Identifier: ISC */
/*
 * Owns: the life of a daemon peer: what it reads at the start, the ring it
 * joins (RFC 6940 s11.4), its certificate in the overlay (s8), cached peers
 * (s11.4), documents that replace the one in use (s6.5.4, s11.1), and leaving
 * in order (s6.4.2.2).  Does not own: the protocol (core), links (driver.c).
 */
#include "cli/peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "cli/document.h"
#include "cli/entry.h"
#include "cli/figures.h"
#include "cli/opt.h"
#include "cli/phones.h"
#include "cli/username.h"
#include "conf/address.h"
#include "conf/file.h"
#include "conf/home.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "net/anchor.h"
#include "net/driver.h"
#include "net/metrics.h"
#include "net/notify.h"
#include "net/publish.h"
#include "net/sandbox.h"
#include "storage/memory.h"
#include "storage/recent.h"
#include "storage/sqlite.h"

#define PUBLISH_RETRY_US UINT64_C(60000000)
#define CACHE_EVERY_US   UINT64_C(300000000)

struct peer {
	const struct peer_config *cfg;
	struct sandbox sandbox;
	struct home home;
	struct overlay *overlay;
	struct crypto *crypto;
	struct signer *signer;
	struct storage storage;
	struct entry entry;
	struct loop *loop;
	struct driver *driver;
	struct publish *publish;
	struct phones phones;
	struct figures figures;
	struct metrics *metrics;
	struct loop_deadline *publish_timer, *cache_timer, *give_up_timer;
	bool damaged; /* the database, as the life before found */
	bool joined;  /* has been in the ring */
	bool leaving; /* a signal has come */
	enum err end;
	struct why *why;
};

static void end(struct peer *p, enum err r)
{
	if (p->end == OK)
		p->end = r;
	loop_stop(p->loop);
}

/* ---- documents ---- */

/* A peer that the document bars ends: nobody takes its messages any more. */
static enum err check_barred(const struct peer *p, const struct overlay *o)
{
	if (!overlay_is_bad_cert(o, p->signer->cert))
		return OK;
	return why_err(p->why, ERR_AUTH,
		       "document %u lists this node as bad; once the account "
		       "is back, run p2psip-join --renew",
		       (unsigned)o->sequence);
}

static enum err on_config(void *ctx, uint8_t config_type, struct slice bytes,
			  const struct overlay *in_use, struct overlay **out,
			  struct why *why)
{
	struct peer *p = ctx;
	struct why disk = { "" };
	enum err r;

	r = document_judge(&p->home, config_type, bytes, in_use, out, why);
	if (r != OK)
		return r;
	log_line(p->cfg->log, LOG_INFO, "configuration document %u is in use",
		 (unsigned)(*out)->sequence);
	/* A full disk is no reason to stay behind the overlay. */
	if (home_save_overlay(&p->home, *out, &disk) != OK)
		log_line(p->cfg->log, LOG_WARN,
			 "the document could not be saved: %s", disk.text);
	if (check_barred(p, *out) != OK)
		end(p, ERR_AUTH);
	return OK;
}

/* SIGHUP: the home's document, when it is newer. */
static void reload(struct peer *p)
{
	const struct overlay *in_use = driver_overlay(p->driver);
	struct overlay *o = NULL;
	struct why why = { "" };
	enum err r;

	notify_send("RELOADING=1");
	phones_reload(&p->phones, in_use);
	r = home_load_overlay(&p->home, loop_now().unix_ms, &o, &why);
	if (r != OK) {
		log_line(p->cfg->log, LOG_ERROR, "reload: %s: %s", err_text(r),
			 why.text);
	} else if (!overlay_newer(o->sequence, in_use->sequence)) {
		log_line(p->cfg->log, LOG_INFO,
			 "reload: document %u is in use already",
			 (unsigned)in_use->sequence);
		overlay_free(o);
	} else {
		log_line(p->cfg->log, LOG_INFO,
			 "configuration document %u is in use",
			 (unsigned)o->sequence);
		if ((r = check_barred(p, o)) != OK)
			end(p, r);
		if ((r = driver_reconfigure_take(p->driver, o)) != OK)
			end(p, r);
	}
	notify_send("READY=1");
}

/* ---- in the ring ---- */

static void on_published(void *ctx, enum err r, struct slice info)
{
	struct peer *p = ctx;

	publish_free(p->publish);
	p->publish = NULL;
	if (r == OK) {
		log_line(p->cfg->log, LOG_INFO,
			 "the certificate is stored in the overlay");
		return;
	}
	log_line(p->cfg->log, LOG_WARN,
		 "the certificate is not stored in the overlay yet: %s%s%.*s",
		 err_text(r), info.len == 0 ? "" : ": ", (int)info.len,
		 info.len == 0 ? "" : (const char *)info.p);
	loop_deadline_set(p->publish_timer,
			  loop_now().mono_us + PUBLISH_RETRY_US);
}

static void on_publish_timer(void *ctx)
{
	struct peer *p = ctx;
	enum err r;

	if (p->publish != NULL || p->leaving)
		return;
	r = publish_start(&p->publish, p->driver, p->crypto, p->signer,
			  on_published, p);
	if (r != OK)
		on_published(p, r, slice_of(NULL, 0));
}

/* Only peers that this one is linked to are kept, RFC 6940 s11.4. */
static void save_peers(struct peer *p)
{
	struct ip_address_port v[HOME_PEERS_MAX];
	size_t n = driver_peers(p->driver, v, HOME_PEERS_MAX);
	struct why why = { "" };

	if (n != 0 && home_save_peers(&p->home, v, n, &why) != OK)
		log_line(p->cfg->log, LOG_WARN, "cached peers: %s", why.text);
}

static void on_cache_timer(void *ctx)
{
	struct peer *p = ctx;

	save_peers(p);
	loop_deadline_set(p->cache_timer, loop_now().mono_us + CACHE_EVERY_US);
}

static void on_state(void *ctx, enum node_state state)
{
	struct peer *p = ctx;
	char id[ID_TEXT_MAX];

	if (state != STATE_JOINED)
		return;
	log_line(
		p->cfg->log, LOG_INFO, "joined %s as %s", p->home.name,
		id_format(&p->signer->node_id, p->overlay->node_id_length, id));
	p->joined = true;
	phones_joined(&p->phones);
	notify_send("READY=1");
	loop_deadline_set(p->publish_timer, loop_now().mono_us);
	loop_deadline_set(p->cache_timer, loop_now().mono_us + 1000000);
}

/* ---- joining and leaving ---- */

static bool is_passing(enum err r)
{
	return r == ERR_NO_LINK || r == ERR_LINK_CLOSED || r == ERR_TIMEOUT ||
	       r == ERR_REQUEST_TIMEOUT || r == ERR_IN_PROGRESS ||
	       r == ERR_NOT_FOUND;
}

static void on_started(void *ctx, const struct result *res)
{
	struct peer *p = ctx;

	if (res->err == OK || p->leaving)
		return;
	/* Others may be starting as well: the core goes on trying. */
	if (is_passing(driver_cause(p->driver, res->err)))
		return;
	why_err(p->why, res->err, "%s%s%.*s", driver_reason(p->driver),
		res->info.len == 0 ? "" : ": ", (int)res->info.len,
		res->info.len == 0 ? "" : (const char *)res->info.p);
	end(p, res->err);
}

static void on_give_up_timer(void *ctx)
{
	struct peer *p = ctx;

	if (p->joined || p->leaving || driver_reached(p->driver))
		return;
	why_err(p->why, ERR_NO_LINK, "%s", driver_reason(p->driver));
	end(p, ERR_NO_LINK);
}

static void on_left(void *ctx, const struct result *res)
{
	(void)res; /* we go, whatever the others say */
	end(ctx, OK);
}

static void leave(void *ctx)
{
	struct peer *p = ctx;
	struct command c = { .type = CMD_LEAVE };
	enum err r;

	if ((r = driver_command(p->driver, &c, on_left, p)) != OK)
		end(p, r);
}

static void on_signal(void *ctx, int signum)
{
	struct peer *p = ctx;

	if (signum == SIGHUP) {
		reload(p);
		return;
	}
	notify_send("STOPPING=1");
	if (p->leaving || !p->joined) {
		end(p, OK);
		return;
	}
	p->leaving = true;
	save_peers(p);
	log_line(p->cfg->log, LOG_INFO, "leaving");
	phones_leave(&p->phones, leave, p); /* they are not reached here now */
}

/* ---- start and end ---- */

static enum err open_home(struct peer *p)
{
	struct home_identity id = { .key = BUF_INIT(HOME_FILE_MAX),
				    .cert = BUF_INIT(HOME_FILE_MAX) };
	struct signer_args args = { 0 };
	enum err r;

	if ((r = document_obtain(&p->home, opt_common.overlay, DOCUMENT_IN_USE,
				 &p->overlay, p->why)) != OK ||
	    (r = username_load(&id, &p->home, opt_common.user, p->why)) != OK ||
	    (r = anchor_open(p->overlay, &p->crypto)) != OK)
		goto out;
	args.key = buf_slice(&id.key);
	args.cert = buf_slice(&id.cert);
	if ((r = signer_open(&p->signer, p->crypto, &args, p->why)) != OK)
		goto out;
	r = signer_check_time(p->signer, loop_now().unix_ms, p->why);
	if (r == OK && (r = check_barred(p, p->overlay)) == OK)
		r = phones_load(&p->phones, p->cfg->sip, p->overlay, p->crypto,
				p->why);
out:
	home_identity_clear(&id);
	return r;
}

static enum err open_storage(struct peer *p)
{
	const char *uri = p->cfg->store;
	char *path = NULL;
	enum err r = OK;

	if (uri != NULL && strcmp(uri, "memory:") == 0)
		return memory_open(&p->storage);
	if (uri == NULL)
		path = file_path(p->home.overlay_dir, "store.db");
	else if (strncmp(uri, "sqlite:", 7) == 0 && uri[7] != '\0')
		path = strdup(uri + 7);
	else
		return why_err(p->why, ERR_USAGE,
			       "--store: '%s' is neither sqlite:PATH nor "
			       "memory:",
			       uri);
	if (path == NULL)
		return ERR_NOMEM;
	if (p->damaged)
		r = sqlite_set_aside(path, p->cfg->log, p->why);
	if (r == OK)
		r = sqlite_open(&p->storage, path, p->home.name, p->cfg->log,
				p->why);
	if (r == OK)
		r = recent_add(&p->storage);
	free(path);
	return r;
}

static enum err write_metrics(void *ctx, struct buf *out)
{
	return figures_write(ctx, out);
}

static enum err open_metrics(struct peer *p)
{
	struct metrics_config m = { .loop = p->loop,
				    .listen = p->cfg->metrics,
				    .write = write_metrics,
				    .ctx = &p->figures };

	p->figures = (struct figures){ .driver = p->driver,
				       .storage = &p->storage,
				       .phones = &p->phones };
	return m.listen == NULL ? OK : metrics_new(&p->metrics, &m, p->why);
}

static enum err open_driver(struct peer *p)
{
	const struct peer_config *cfg = p->cfg;
	struct driver_config d = { .loop = p->loop,
				   .role = ROLE_PEER,
				   .first = cfg->first,
				   .overlay = p->overlay,
				   .crypto = p->crypto,
				   .signer = p->signer,
				   .link_protocols = cfg->link_protocols,
				   .listen = cfg->listen,
				   .n_listen = cfg->n_listen,
				   .storage = &p->storage,
				   .log = cfg->log,
				   .deadline_us = NEVER,
				   .config = on_config,
				   .state = on_state,
				   .ctx = p };
	enum err r;

	if ((r = entry_find(&p->entry, &p->home, p->overlay,
			    loop_now().mono_us + opt_common.timeout_us,
			    p->why)) != OK)
		return r;
	d.bootstrap = p->entry.v;
	d.n_bootstrap = p->entry.n;
	if ((r = sandbox_act_root(&p->sandbox, p->why)) != OK ||
	    (r = driver_new(&p->driver, &d, p->why)) != OK ||
	    (r = phones_start(&p->phones, p->loop, p->driver, p->signer,
			      cfg->log, p->why)) != OK)
		return r;
	if ((r = open_metrics(p)) != OK)
		return r;
	return sandbox_drop(&p->sandbox, p->why);
}

/* Each link is a descriptor: as many as the system lets us have.  Fewer is no
 * failure: links beyond them are refused one by one. */
static void raise_descriptors(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

static enum err open_loop(struct peer *p)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	enum err r;

	if ((r = loop_new(&p->loop)) != OK ||
	    (r = loop_deadline_new(p->loop, on_publish_timer, p,
				   &p->publish_timer)) != OK ||
	    (r = loop_deadline_new(p->loop, on_cache_timer, p,
				   &p->cache_timer)) != OK ||
	    (r = loop_deadline_new(p->loop, on_give_up_timer, p,
				   &p->give_up_timer)) != OK)
		return r;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if ((r = loop_on_signal(p->loop, signals[i], on_signal, p)) !=
		    OK)
			return r;
	return OK;
}

static enum err serve(struct peer *p)
{
	const struct link_address *v;
	char text[ADDRESS_TEXT_MAX];
	size_t n = driver_listening(p->driver, &v);
	struct command start = { .type = CMD_START };
	enum err r;

	for (size_t i = 0; i < n; i++)
		log_line(p->cfg->log, LOG_INFO, "listening on %s (%s)",
			 address_format(&v[i].address, text),
			 v[i].overlay_link == OVERLAY_LINK_TLS_TCP_FH_NO_ICE
				 ? "TLS"
				 : "DTLS");
	phones_announce(&p->phones);
	if (sandbox_stays_root(&p->sandbox))
		log_line(p->cfg->log, LOG_WARN,
			 "running as root: --run-as gives that up");
	loop_deadline_set(p->give_up_timer,
			  loop_now().mono_us + opt_common.timeout_us);
	if ((r = driver_command(p->driver, &start, on_started, p)) != OK)
		return r;
	if (p->end == OK)
		loop_run(p->loop);
	return p->end != OK ? p->end : driver_failed(p->driver);
}

static void peer_close(struct peer *p)
{
	publish_free(p->publish);
	metrics_free(p->metrics);
	phones_stop(&p->phones);
	driver_free(p->driver);
	loop_deadline_free(p->publish_timer);
	loop_deadline_free(p->cache_timer);
	loop_deadline_free(p->give_up_timer);
	loop_free(p->loop);
	if (p->storage.close != NULL)
		p->storage.close(p->storage.ctx);
	phones_free(&p->phones);
	signer_close(p->signer, p->crypto);
	openssl_free(p->crypto);
	overlay_free(p->overlay);
	home_close(&p->home);
}

/* From the home to the end, with one database. */
static enum err live(const struct peer_config *cfg, bool run, bool damaged,
		     struct why *why)
{
	struct peer p = { .cfg = cfg, .why = why, .damaged = damaged };
	enum err r;

	if ((r = sandbox_find(&p.sandbox, cfg->run_as, why)) != OK ||
	    (r = sandbox_act(&p.sandbox, why)) != OK ||
	    (r = open_home(&p)) != OK || !run)
		goto out;
	raise_descriptors();
	if ((r = open_storage(&p)) != OK || (r = open_loop(&p)) != OK ||
	    (r = open_driver(&p)) != OK)
		goto out;
	r = serve(&p);
out:
	peer_close(&p);
	return r;
}

/* Without its values a peer is a new one: it says farewell to nobody and joins
 * again, and others give it what it has to have, RFC 6940 s10.5, s10.7.3. */
enum err peer_run(const struct peer_config *cfg, bool run, struct why *why)
{
	enum err r = live(cfg, run, false, why);

	while (r == ERR_DAMAGED)
		r = live(cfg, run, true, why);
	return r;
}
