/* SPDX-License-Identifier: ISC */
/* Owns: how the options about phones are read.  Does not own: what is done with
 * them (phones.c). */
#include "cli/phones_opt.h"

#include <string.h>

#include "base/text.h"
#include "conf/address.h"

enum { PORT_SIP = 5060, PORT_SIPS = 5061 };

static void read_listen(struct sipnet_listen *out, const char *text)
{
	static const enum sipnet_type types[] = { SIPNET_UDP, SIPNET_TCP,
						  SIPNET_TLS };
	const char *colon = strchr(text, ':');
	size_t n = colon == NULL ? 0 : (size_t)(colon - text);

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		out->type = types[i];
		if (n == strlen(sipnet_name(types[i])) &&
		    memcmp(text, sipnet_name(types[i]), n) == 0 &&
		    address_parse(&out->address, colon + 1,
				  types[i] == SIPNET_TLS ? PORT_SIPS
							 : PORT_SIP) == OK)
			return;
	}
	opt_usage("--sip: '%s' is not udp:ADDR[:PORT], tcp:ADDR[:PORT] or "
		  "tls:ADDR[:PORT]",
		  text);
}

static void read_expires(struct binding_bounds *out, const char *given)
{
	char text[64];
	const char *comma = strchr(given, ',');
	size_t n = comma == NULL ? 0 : (size_t)(comma - given);

	if (n > 0 && n < sizeof(text)) {
		memcpy(text, given, n);
		text[n] = '\0';
		if (text_duration_s(&out->least_s, text) == OK &&
		    text_duration_s(&out->most_s, comma + 1) == OK &&
		    out->least_s > 0 && out->least_s <= 3600 &&
		    out->least_s <= out->most_s)
			return;
	}
	opt_usage("--sip-expires: '%s' is not LEAST,MOST", given);
}

static bool has_tls(const struct phones_config *c)
{
	for (size_t i = 0; i < c->n_listen; i++)
		if (c->listen[i].type == SIPNET_TLS)
			return true;
	return false;
}

/* The second of two words? */
static bool read_choice(const char *option, const char *given,
			const char *first, const char *second)
{
	if (given == NULL || strcmp(given, first) == 0)
		return false;
	if (strcmp(given, second) != 0)
		opt_usage("%s: '%s' is neither %s nor %s", option, given, first,
			  second);
	return true;
}

void phones_opt_read(const struct phones_opt *o, struct phones_config *out)
{
	const char *digest = o->digest != NULL ? o->digest : "md5";

	for (size_t i = 0; i < o->listen.n; i++)
		read_listen(&out->listen[out->n_listen++], o->listen.v[i]);
	out->users = o->users;
	if ((out->n_listen > 0) != (out->users != NULL))
		opt_usage("--sip and --sip-users go together");
	out->cert = o->cert;
	out->key = o->key;
	if ((out->cert != NULL) != (out->key != NULL))
		opt_usage("--sip-cert and --sip-key go together");
	if (has_tls(out) != (out->cert != NULL))
		opt_usage("--sip tls:... needs --sip-cert and --sip-key, and "
			  "they need it");
	out->ca = o->ca;
	if (out->ca != NULL && !has_tls(out))
		opt_usage("--sip-ca goes with --sip tls:...");
	out->redirect = read_choice("--sip-mode", o->mode, "proxy", "redirect");
	out->contact = read_choice("--sip-register", o->kind, "route",
				   "contact");
	read_expires(&out->expires, o->expires != NULL ? o->expires : "60,1h");
	if (digest_offer_parse(&out->digest, digest) != OK)
		opt_usage("--sip-digest: '%s' is not md5, sha256, md5,sha256 "
			  "or sha256,md5",
			  digest);
}
