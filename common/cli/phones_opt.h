/* SPDX-License-Identifier: ISC */
#ifndef CLI_PHONES_OPT_H
#define CLI_PHONES_OPT_H

#include "cli/opt.h"
#include "sip/binding.h"
#include "sip/digest.h"
#include "sip/sipnet.h"

/* The options of p2psip-peer that are about phones. */

struct phones_opt {
	struct opt_list listen;
	const char *users, *cert, *key, *ca;
	const char *expires, *digest;
	const char *mode, *kind;
};

#define OPT_PHONES(o)                                                          \
	OPT_LIST(0, "sip", "URI", &(o).listen,                                 \
		 "udp:, tcp: or tls:ADDR[:PORT]: phones register here"),       \
		OPT_STR(0, "sip-users", "DIR", &(o).users,                     \
			"whose phones: homes with their identities, one a "    \
			"folder"),                                             \
		OPT_STR(0, "sip-cert", "FILE", &(o).cert,                      \
			"certificate and chain, in PEM, for tls:"),            \
		OPT_STR(0, "sip-key", "FILE", &(o).key,                        \
			"its private key, in PEM"),                            \
		OPT_STR(0, "sip-ca", "FILE", &(o).ca,                          \
			"whom to trust about other domains, in PEM; default: " \
			"whom this system trusts"),                            \
		OPT_STR(0, "sip-expires", "LEAST,MOST", &(o).expires,          \
			"how long a registration may last; default 60,1h"),    \
		OPT_STR(0, "sip-digest", "ALGORITHM", &(o).digest,             \
			"how phones prove their password: md5, sha256, or "    \
			"both"),                                               \
		OPT_STR(0, "sip-mode", "MODE", &(o).mode,                      \
			"what callers get: proxy (default), redirect"),        \
		OPT_STR(0, "sip-register", "KIND", &(o).kind,                  \
			"what the overlay gets: route (default), contact")

/* What they say; borrows their words. */
struct phones_config {
	struct sipnet_listen listen[OPT_LIST_MAX];
	size_t n_listen; /* 0: no phones */
	const char *users;
	const char *cert, *key; /* both or none */
	const char *ca;         /* NULL: the system's */
	struct binding_bounds expires;
	struct digest_offer digest;
	bool redirect, contact; /* as front_config has them */
};

/* Exits where they say nothing that makes sense. */
void phones_opt_read(const struct phones_opt *o, struct phones_config *out);

#endif
