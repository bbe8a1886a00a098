/* SPDX-License-Identifier: ISC */
/*
 * p2psip-overlay serve: the operator's folder as configuration and enrollment
 * server, in the foreground until SIGTERM.  A document that was signed
 * meanwhile is taken up as soon as somebody asks for it.  RFC 6940 s11.2,
 * s11.3.
 */
#include "cli/operate.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/authority.h"
#include "conf/address.h"
#include "conf/file.h"
#include "crypto/openssl.h"
#include "net/anchor.h"
#include "net/enroll_server.h"

struct serving {
	const char *dir;
	struct loop *loop;
	struct authority authority;
	struct buf document; /* as it is served */
	struct stat seen;    /* of the file, when it was looked at last */
	unsigned sequence;   /* of the document */
	struct log_sink log;
};

static void say(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	if (level <= LOG_WARN)
		opt_say(NULL, "%s", line);
	else
		opt_info(0, "%s", line);
}

/* Serves the file's content from now on, when it is a document that clients
 * would accept. */
static enum err take_document(struct serving *s, struct why *why)
{
	struct overlay_xml_judge j = { .name = s->authority.overlay->name,
				       .now_ms = loop_now().unix_ms,
				       .crypto_open = anchor_open,
				       .crypto_close = openssl_free };
	struct buf raw = BUF_INIT(OVERLAY_DOCUMENT_MAX);
	struct overlay *o = NULL;
	enum err r;

	if ((r = authority_read(&s->authority, "overlay.xml", &raw, why)) ==
		    OK &&
	    (r = overlay_xml_load(&o, buf_slice(&raw), &j, why)) == OK) {
		buf_clear(&s->document);
		s->document = raw;
		raw = (struct buf){ 0 };
		s->sequence = o->sequence;
	}
	overlay_free(o);
	buf_clear(&raw);
	return r;
}

static bool has_changed(struct serving *s)
{
	char *path = file_path(s->dir, "overlay.xml");
	struct stat now = { 0 };
	bool yes = path != NULL && stat(path, &now) == 0 &&
		   (now.st_ino != s->seen.st_ino ||
		    now.st_size != s->seen.st_size ||
		    now.st_mtim.tv_sec != s->seen.st_mtim.tv_sec ||
		    now.st_mtim.tv_nsec != s->seen.st_mtim.tv_nsec);

	free(path);
	if (yes)
		s->seen = now;
	return yes;
}

/* A document that is being edited is not served: the one before is. */
static void refresh(struct serving *s)
{
	struct why why = { "" };
	enum err r;

	if (!has_changed(s))
		return;
	if ((r = take_document(s, &why)) == OK)
		log_line(&s->log, LOG_INFO, "serving sequence %u now",
			 s->sequence);
	else
		log_line(&s->log, LOG_WARN,
			 "%s/overlay.xml is not served: %s: %s", s->dir,
			 err_text(r), why.text);
}

static enum err give_document(void *ctx, struct slice *out)
{
	struct serving *s = ctx;

	refresh(s);
	*out = buf_slice(&s->document);
	return out->len > 0 ? OK : ERR_CONFIG;
}

static void on_signal(void *ctx, int signum)
{
	struct serving *s = ctx;

	if (signum == SIGHUP)
		refresh(s);
	else
		loop_stop(s->loop);
}

/* "ADDR:PORT" of an https: URL. */
static enum err parse_url(struct ip_address_port *out, const char *url)
{
	const char *from = url + strlen("https://");
	char host[ADDRESS_TEXT_MAX];
	size_t n = strcspn(from, "/");

	if (n >= sizeof(host))
		return ERR_DATA;
	memcpy(host, from, n);
	host[n] = '\0';
	return address_parse(out, host, 443);
}

/* Where: -l, else where the document says, else where init said. */
static enum err find_address(const struct serving *s,
			     struct ip_address_port *out, struct why *why)
{
	const struct overlay *o = s->authority.overlay;
	struct buf text = BUF_INIT(ADDRESS_TEXT_MAX);
	enum err r = ERR_DATA;

	if (operate_options.listen != NULL)
		r = address_parse(out, operate_options.listen, 443);
	else if (o->n_enrollment_servers > 0)
		r = parse_url(out, o->enrollment_servers[0]);
	else if (authority_read(&s->authority, "serve", &text, why) == OK &&
		 buf_append_u8(&text, '\0') == OK)
		r = address_parse(out, (const char *)text.p, 443);
	buf_clear(&text);
	if (r == OK)
		return OK;
	return why_err(why, ERR_USAGE,
		       "say -l ADDR:PORT, with a numeric address");
}

static enum err start(struct serving *s, struct enroll_server_config *cfg,
		      struct enroll_server **out, struct why *why)
{
	struct ip_address_port listen;
	char text[ADDRESS_TEXT_MAX];
	enum err r;

	if ((r = find_address(s, &listen, why)) != OK)
		return r;
	cfg->listen = &listen;
	if ((r = enroll_server_new(out, cfg, why)) == ERR_BUSY ||
	    r == ERR_SYS) {
		struct why reason = *why;

		return why_err(why, r, "%.180s: say -l for another address",
			       reason.text);
	}
	if (r == OK &&
	    (r = loop_on_signal(s->loop, SIGTERM, on_signal, s)) == OK &&
	    (r = loop_on_signal(s->loop, SIGINT, on_signal, s)) == OK)
		r = loop_on_signal(s->loop, SIGHUP, on_signal, s);
	if (r == OK)
		log_line(&s->log, LOG_INFO,
			 "serving %s, sequence %u, on https://%s",
			 s->authority.overlay->name, s->sequence,
			 address_format(enroll_server_listening(*out), text));
	return r;
}

static enum err serve(struct serving *s, uint64_t lifetime_ms, struct why *why)
{
	struct buf ca_cert = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf cert = BUF_INIT(AUTHORITY_FILE_MAX);
	struct buf key = BUF_INIT(AUTHORITY_FILE_MAX);
	const struct overlay *o = s->authority.overlay;
	struct enroll_server_config cfg = {
		.loop = s->loop,
		.name = o->name,
		.node_id_length = o->node_id_length,
		.enrolls = !o->self_signed_permitted,
		.lifetime_ms = lifetime_ms,
		.document = give_document,
		.ctx = s,
		.log = &s->log,
	};
	struct enroll_server *server = NULL;
	struct key *ca_key = NULL;
	enum err r;

	if ((r = authority_ca(&s->authority, &ca_cert, &ca_key, why)) == OK &&
	    (r = authority_accounts(&s->authority, &cfg.accounts, why)) == OK &&
	    (r = authority_read(&s->authority, "web.crt", &cert, why)) == OK &&
	    (r = authority_read(&s->authority, "web.key", &key, why)) == OK) {
		cfg.ca = (struct issue_ca){ buf_slice(&ca_cert), ca_key };
		cfg.cert = buf_slice(&cert);
		cfg.key = buf_slice(&key);
		if ((r = start(s, &cfg, &server, why)) == OK)
			loop_run(s->loop);
	}
	enroll_server_free(server);
	loop_free(s->loop); /* the last of the server goes with it */
	s->loop = NULL;
	accounts_close(cfg.accounts);
	key_free(ca_key);
	buf_clear(&ca_cert);
	buf_clear(&cert);
	buf_wipe(&key);
	return r;
}

enum err operate_serve(char *operands[])
{
	const char *lifetime = operate_options.lifetime;
	struct serving s = {
		.dir = operate_options.dir ? operate_options.dir : ".",
		.log = { say, NULL, LOG_INFO },
	};
	struct why why = { "" };
	uint32_t lifetime_s;
	enum err r;

	(void)operands; /* it takes none */
	if (text_duration_s(&lifetime_s, lifetime ? lifetime : "90d") != OK ||
	    lifetime_s == 0)
		opt_usage("--lifetime: '%s' is no time, as in 12h or 90d",
			  lifetime);
	r = authority_open(&s.authority, s.dir, loop_now().unix_ms, &why);
	if (r == OK && (r = loop_new(&s.loop)) == OK && has_changed(&s) &&
	    (r = take_document(&s, &why)) == OK)
		r = serve(&s, lifetime_s * UINT64_C(1000), &why);
	if (r != OK)
		opt_warn(s.dir, r, why.text);
	loop_free(s.loop);
	buf_clear(&s.document);
	authority_close(&s.authority);
	return r;
}
