/* SPDX-License-Identifier: ISC */
/* p2psip-peer: be a peer of an overlay, until told to end.  RFC 6940. */
#include <stdio.h>

#include "cli/opt.h"
#include "cli/peer.h"
#include "conf/address.h"

static struct opt_list listen_on;
static const char *conffile, *store, *run_as, *link_kind, *metrics;
static struct phones_opt sip;
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
	OPT_PHONES(sip),
	OPT_STR(0, "metrics", "ADDR:PORT", &metrics,
		"tell what is counted there, by HTTP"),
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
	static struct phones_config phones;
	struct ip_address_port metrics_at;
	struct peer_config cfg = { .listen = at, .log = &log, .sip = &phones };
	struct why why = { "" };
	enum err r;

	opt_parse(opts, 0, 0, argc, argv);
	if (listen_on.n == 0)
		listen_on.v[listen_on.n++] = "0.0.0.0";
	addresses(at, &listen_on);
	if (metrics != NULL) {
		if (address_parse(&metrics_at, metrics, 0) != OK ||
		    metrics_at.port == 0)
			opt_usage("--metrics: '%s' is not ADDR:PORT", metrics);
		cfg.metrics = &metrics_at;
	}
	phones_opt_read(&sip, &phones);
	log.max = log_level();
	cfg.n_listen = listen_on.n;
	if (link_kind != NULL &&
	    address_links_parse(&cfg.link_protocols, link_kind) != OK)
		opt_usage("--link: '%s' is not tls, dtls or both", link_kind);
	cfg.first = first;
	cfg.store = store;
	cfg.run_as = run_as;
	setvbuf(stderr, NULL, _IOLBF, 0);
	r = peer_run(&cfg, !check_config, &why);
	if (r != OK)
		opt_warn(NULL, r, why.text);
	return err_exit(r);
}
