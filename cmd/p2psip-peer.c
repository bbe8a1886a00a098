/* SPDX-License-Identifier: ISC */
/* p2psip-peer: be a peer of an overlay, until told to end.  RFC 6940. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/opt.h"
#include "cli/peer.h"
#include "conf/address.h"

static struct opt_list listen_on, sip;
static const char *conffile, *store, *run_as, *link_kind, *sip_users;
static const char *sip_expires = "60,1h", *sip_digest = "md5";
static bool first, check_config;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-peer", "", "Be a peer of an overlay."),
	OPT_FILE('f', "file", "CONFFILE", &conffile,
		 "read options from CONFFILE, a long one a line"),
	OPT_LIST('l', "listen", "ADDR:PORT", &listen_on,
		 "accept links here; repeatable; default 0.0.0.0:6084"),
	OPT_STR(0, "link", "KIND", &link_kind,
		"tls, dtls or both (default), if the document permits it"),
	OPT_FLAG(0, "first", &first,
		 "found the ring when no other peer answers"),
	OPT_STR(0, "store", "URI", &store,
		"sqlite:PATH or memory:; default: a file in the home"),
	OPT_STR(0, "run-as", "USER", &run_as,
		"become USER once the ports are open"),
	OPT_LIST(0, "sip", "URI", &sip,
		 "udp:ADDR[:PORT] or tcp:ADDR[:PORT]: phones register here"),
	OPT_STR(0, "sip-users", "DIR", &sip_users,
		"whose phones: homes with their identities, one a folder"),
	OPT_STR(0, "sip-expires", "LEAST,MOST", &sip_expires,
		"how long a registration may last; default 60,1h"),
	OPT_STR(0, "sip-digest", "ALGORITHM", &sip_digest,
		"how phones prove their password: md5, sha256, or both"),
	OPT_FLAG(0, "check-config", &check_config,
		 "check options, document and certificate, and end"),
	OPT_CONFIG,
	OPT_COMMON,
	OPT_END,
};

static void addresses(struct ip_address_port *out, const struct opt_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (address_parse(&out[i], l->v[i], ADDRESS_PORT_DEFAULT) != OK)
			opt_usage("--listen: '%s' is not ADDR:PORT", l->v[i]);
}

static void sip_sockets(struct sipnet_listen *out)
{
	for (size_t i = 0; i < sip.n; i++) {
		out[i].type = strncmp(sip.v[i], "tcp:", 4) == 0 ? SIPNET_TCP
								: SIPNET_UDP;
		if ((out[i].type == SIPNET_UDP &&
		     strncmp(sip.v[i], "udp:", 4) != 0) ||
		    address_parse(&out[i].address, sip.v[i] + 4, 5060) != OK)
			opt_usage("--sip: '%s' is neither udp:ADDR[:PORT] nor "
				  "tcp:ADDR[:PORT]",
				  sip.v[i]);
	}
	if ((sip.n > 0) != (sip_users != NULL))
		opt_usage("--sip and --sip-users go together");
}

static void expires(struct binding_bounds *out)
{
	char text[64];
	const char *comma = strchr(sip_expires, ',');
	size_t n = comma == NULL ? 0 : (size_t)(comma - sip_expires);

	if (n > 0 && n < sizeof(text)) {
		memcpy(text, sip_expires, n);
		text[n] = '\0';
		if (text_duration_s(&out->least_s, text) == OK &&
		    text_duration_s(&out->most_s, comma + 1) == OK &&
		    out->least_s > 0 && out->least_s <= 3600 &&
		    out->least_s <= out->most_s)
			return;
	}
	opt_usage("--sip-expires: '%s' is not LEAST,MOST", sip_expires);
}

static void write_line(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	opt_say(NULL, "%s", line);
}

static enum log_level log_level(void)
{
	if (opt_common.quiet)
		return LOG_ERROR;
	return opt_common.verbose >= 2   ? LOG_MESSAGES
	       : opt_common.verbose == 1 ? LOG_DEBUG
					 : LOG_INFO;
}

int main(int argc, char *argv[])
{
	static struct ip_address_port at[OPT_LIST_MAX];
	struct log_sink log = { .write = write_line };
	static struct sipnet_listen sip_at[OPT_LIST_MAX];
	struct peer_config cfg = { .listen = at, .log = &log, .sip = sip_at };
	struct why why = { "" };
	enum err r;

	opt_parse(opts, 0, 0, argc, argv);
	if (listen_on.n == 0)
		listen_on.v[listen_on.n++] = "0.0.0.0";
	addresses(at, &listen_on);
	sip_sockets(sip_at);
	expires(&cfg.sip_expires);
	if (digest_offer_parse(&cfg.sip_digest, sip_digest) != OK)
		opt_usage("--sip-digest: '%s' is not md5, sha256, md5,sha256 "
			  "or sha256,md5",
			  sip_digest);
	log.max = log_level();
	cfg.n_listen = listen_on.n;
	if (link_kind != NULL &&
	    address_links_parse(&cfg.link_protocols, link_kind) != OK)
		opt_usage("--link: '%s' is not tls, dtls or both", link_kind);
	cfg.first = first;
	cfg.store = store;
	cfg.run_as = run_as;
	cfg.n_sip = sip.n;
	cfg.sip_users = sip_users;
	setvbuf(stderr, NULL, _IOLBF, 0);
	r = peer_run(&cfg, !check_config, &why);
	if (r != OK)
		opt_warn(NULL, r, why.text);
	return err_exit(r);
}
