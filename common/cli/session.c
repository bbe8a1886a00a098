/* SPDX-License-Identifier: ISC */
/*
 * A tool's own connection to the overlay: home, identity, driver, and the words
 * for what goes wrong.  Owns the update of a document that is too old.
 */
#include "cli/session.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/entry.h"
#include "cli/opt.h"
#include "cli/progress.h"
#include "cli/username.h"
#include "crypto/openssl.h"
#include "crypto/signer.h"
#include "net/anchor.h"
#include "net/driver.h"

enum { UPDATE_TRIES = 3 };

extern char **environ;

struct session {
	struct home home;
	struct loop *loop;
	uint64_t deadline_us;
	struct overlay *overlay, *before; /* in use; the one it replaced */
	struct crypto *crypto;
	struct signer *signer;
	struct driver *driver;
	struct entry entry;
	struct target_env env;
	struct wire_env wire;
	struct log_sink log;
	enum err start; /* how connecting has ended */
	bool update;    /* a newer document waits in the home */
};

/* A thin tool cannot check a document: it is left for p2psip-join. */
static enum err on_config(void *ctx, uint8_t type, struct slice bytes,
			  const struct overlay *in_use, struct overlay **out,
			  struct why *why)
{
	struct session *s = ctx;
	enum err r;

	(void)in_use;
	(void)out;
	if (type != CONFIG_UPDATE_CONFIG)
		return ERR_UNSUPPORTED;
	if ((r = home_save_update(&s->home, bytes, why)) != OK)
		return r;
	s->update = true;
	return why_err(why, ERR_UNSUPPORTED, "left for p2psip-join --update");
}

/* ---- running ---- */

/* What to do about it, where that is known. */
static const char *advice(const struct command *cmd, enum err r)
{
	switch (r) {
	case ERR_FORBIDDEN:
		return cmd->type == CMD_STORE
			       ? "a kind says who may write where, as a rule "
				 "only at the own user name or Node-ID"
			       : "";
	case ERR_RESPONSE_TOO_LARGE:
		return "ask for less, with -i FIRST-LAST or -K";
	case ERR_UNKNOWN_KIND:
		return "see p2psip-overlay check for the overlay's kinds";
	case ERR_CERT_EXPIRED:
		return "run p2psip-join --renew";
	default:
		return "";
	}
}

static void explain(const struct session *s, const struct command *cmd,
		    enum err r, const struct result *res, struct why *why)
{
	const char *hint = advice(cmd, r);
	bool text = res != NULL && res->info.len > 0 &&
		    text_is_utf8(res->info) &&
		    !slice_eq(res->info, slice_str(err_text(r))) &&
		    r != ERR_GENERATION_COUNTER_TOO_LOW &&
		    r != ERR_UNKNOWN_KIND;

	why->text[0] = '\0';
	if (r == ERR_AUTH)
		(void)why_err(why, r, "%s; p2psip-join --renew gets another",
			      driver_reason(s->driver));
	else if (r == ERR_NO_LINK || r == ERR_TLS || r == ERR_LINK_CLOSED ||
		 (s->start != OK && *driver_reason(s->driver) != '\0'))
		(void)why_err(why, r, "%s", driver_reason(s->driver));
	else if (text)
		(void)why_err(why, r, "%.*s%s%s", (int)res->info.len,
			      (const char *)res->info.p,
			      *hint == '\0' ? "" : "; ", hint);
	else if (r == ERR_TIMEOUT)
		(void)why_err(why, r, "%g s; a longer time is given with -T",
			      (double)opt_common.timeout_us / 1e6);
	else
		(void)why_err(why, r, "%s", hint);
}

static void on_done(void *ctx, const struct result *res)
{
	*(const struct result **)ctx = res;
}

static void on_started(void *ctx, const struct result *res)
{
	((struct session *)ctx)->start = res->err;
}

static enum err run_once(struct session *s, const struct command *cmd,
			 const struct result **res, struct why *why)
{
	struct progress *p;
	enum err r;

	if ((r = driver_command(s->driver, cmd, on_done, res)) != OK)
		return r;
	p = progress_start(s->loop, "waiting for the overlay");
	r = driver_run(s->driver);
	progress_end(p);
	if (r == OK && s->start != OK) {
		*res = NULL; /* it may have gone before the start ended */
		r = s->start;
	} else if (r == OK) {
		r = (*res)->err;
	}
	if ((r = driver_cause(s->driver, r)) != OK)
		explain(s, cmd, r, *res, why);
	return r;
}

/* ---- opening ---- */

static enum err load_identity(struct session *s, struct why *why)
{
	struct home_identity id = { 0 };
	struct signer_args args;
	enum err r;

	if ((r = username_load(&id, &s->home, opt_common.user, why)) != OK)
		return r;
	args = (struct signer_args){ .key = buf_slice(&id.key),
				     .cert = buf_slice(&id.cert),
				     .checked = true };
	r = signer_open(&s->signer, s->crypto, &args, why);
	home_identity_clear(&id);
	if (r == OK)
		r = signer_check_time(s->signer, loop_now().unix_ms, why);
	if (r == OK && overlay_is_bad_cert(s->overlay, s->signer->cert))
		r = why_err(why, ERR_AUTH,
			    "%s was revoked; once the account is back, run "
			    "p2psip-join --renew",
			    s->signer->cert->user);
	return r;
}

static enum err connect_all(struct session *s, struct why *why)
{
	struct driver_config cfg = { .loop = s->loop,
				     .role = ROLE_CLIENT,
				     .overlay = s->overlay,
				     .crypto = s->crypto,
				     .signer = s->signer,
				     .bootstrap = s->entry.v,
				     .log = &s->log,
				     .deadline_us = s->deadline_us,
				     .config = on_config,
				     .ctx = s };
	static const struct command start = { .type = CMD_START };
	enum err r;

	if ((r = entry_find(&s->entry, &s->home, s->overlay, s->deadline_us,
			    why)) != OK)
		return r;
	cfg.n_bootstrap = s->entry.n;
	if (s->entry.n == 0)
		return why_err(why, ERR_NO_LINK,
			       "the document has no bootstrap node; name one "
			       "with -b");
	if ((r = driver_new(&s->driver, &cfg, why)) != OK)
		return r;
	return driver_command(s->driver, &start, on_started, s);
}

/* From the home to a node that begins to connect with its first command: both
 * go in one run, which saves a round trip. */
static enum err enter(struct session *s, struct why *why)
{
	enum err r;

	if ((r = home_load_overlay(&s->home, loop_now().unix_ms, &s->overlay,
				   why)) != OK ||
	    (r = anchor_open(s->overlay, &s->crypto)) != OK ||
	    (r = load_identity(s, why)) != OK)
		return r;
	if (!s->overlay->clients_permitted)
		return why_err(why, ERR_CLIENTS, "%s", s->overlay->name);
	s->env = (struct target_env){ s->overlay, s->crypto, s->signer };
	s->wire = (struct wire_env){ .node_id_len = s->overlay->node_id_length,
				     .kinds = &s->overlay->kinds };
	return connect_all(s, why);
}

static void leave(struct session *s)
{
	driver_free(s->driver);
	s->driver = NULL;
	signer_close(s->signer, s->crypto);
	s->signer = NULL;
	openssl_free(s->crypto);
	s->crypto = NULL;
}

enum err session_open(struct session **out, struct why *why)
{
	struct session *s = calloc(1, sizeof(*s));
	enum err r;

	if (s == NULL)
		return ERR_NOMEM;
	*out = s;
	s->log = opt_log();
	s->deadline_us = loop_now().mono_us + opt_common.timeout_us;
	if ((r = loop_new(&s->loop)) != OK ||
	    (r = home_open(&s->home, opt_common.home, opt_common.overlay,
			   why)) != OK)
		return r;
	return enter(s, why);
}

/* ---- a document that is too old ---- */

/* The peer at the other end of the link sends its document with its refusal. */
static void ask_for_update(struct session *s)
{
	struct command cmd = { .type = CMD_PING };
	struct destination self = { 0 };
	const struct result *res;
	struct why why;
	struct node_id any;

	id_wildcard(&any, s->overlay->node_id_length);
	self = destination_node(&any);
	cmd.destination = (struct destination_list){ &self, 1 };
	for (int i = 0; i < UPDATE_TRIES && !s->update; i++)
		if (run_once(s, &cmd, &res, &why) == ERR_TIMEOUT)
			return;
}

/* p2psip-join beside this tool, else the one in PATH. */
static void join_path(char *out, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", out, size - 1);
	char *slash;

	if (n > 0) {
		out[n] = '\0';
		slash = strrchr(out, '/');
		snprintf(slash + 1, size - (size_t)(slash + 1 - out),
			 "p2psip-join");
		if (access(out, X_OK) == 0)
			return;
	}
	snprintf(out, size, "p2psip-join");
}

static enum err run_join(struct session *s, struct why *why)
{
	char path[4096];
	char name[] = "p2psip-join", quiet[] = "-q", update[] = "--update",
	     home[] = "-d";
	char *argv[] = { name,        quiet,        update, home,
			 s->home.dir, s->home.name, NULL };
	int status;
	pid_t pid;

	join_path(path, sizeof(path));
	if (posix_spawnp(&pid, path, NULL, NULL, argv, environ) != 0 ||
	    waitpid(pid, &status, 0) != pid || status != 0)
		return why_err(why, ERR_CONFIG_TOO_OLD,
			       "p2psip-join --update did not mend it");
	return OK;
}

static enum err update_document(struct session *s, struct why *why)
{
	enum err r;

	ask_for_update(s);
	if (!s->update)
		return why_err(why, ERR_CONFIG_TOO_OLD,
			       "run p2psip-join --update");
	opt_info(1, "the overlay has a newer configuration document");
	if ((r = run_join(s, why)) != OK)
		return r;
	leave(s);
	s->before = s->overlay; /* Kinds of it may still be pointed to */
	s->overlay = NULL;
	return enter(s, why);
}

enum err session_run(struct session *s, const struct command *cmd,
		     const struct result **res, struct why *why)
{
	enum err r = run_once(s, cmd, res, why);

	if (r != ERR_CONFIG_TOO_OLD || s->before != NULL)
		return r;
	if ((r = update_document(s, why)) != OK)
		return r;
	why->text[0] = '\0'; /* of the first attempt */
	return run_once(s, cmd, res, why);
}

const struct target_env *session_env(const struct session *s)
{
	return &s->env;
}

const struct wire_env *session_wire(const struct session *s)
{
	return &s->wire;
}

struct driver *session_driver(const struct session *s)
{
	return s->driver;
}

struct loop *session_loop(const struct session *s)
{
	return s->loop;
}

uint64_t session_deadline(const struct session *s)
{
	return s->deadline_us;
}

void session_close(struct session *s)
{
	if (s == NULL)
		return;
	leave(s);
	overlay_free(s->overlay);
	overlay_free(s->before);
	home_close(&s->home);
	loop_free(s->loop);
	free(s);
}
