/* SPDX-License-Identifier: ISC */
/*
 * The configuration in use as the core asks it: defaults, bad nodes, sequence
 * numbers, who may register.  Reading documents is conf/overlay_xml.c's.
 * RFC 6940 s11.1, s6.3.2.1; RFC 7904 s3.4.
 */
#include "core/overlay.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/heap.h"

enum {
	OVERLAY_ARENA_MAX = 8 << 20, /* bytes: the document and what is in it */
	SEQUENCES = 65535
};

struct overlay *overlay_new(void)
{
	struct overlay *o = calloc(1, sizeof(*o));

	if (o == NULL)
		return NULL;
	o->arena.max = OVERLAY_ARENA_MAX;
	o->expiration_ms = NEVER;
	o->node_id_length = NODE_ID_MIN;
	o->initial_ttl = 100;
	o->turn_density = 1;
	o->max_message_size = 5000;
	o->reliability_timer_ms = 3000;
	o->chord_update_interval_s = 600;
	o->chord_ping_interval_s = 3600;
	o->chord_reactive = true;
	o->clients_permitted = true;
	o->self_signed_digest = HASH_SHA1;
	o->link_protocols = LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS;
	return o;
}

void overlay_free(struct overlay *o)
{
	if (o == NULL)
		return;
	kinds_clear(&o->kinds);
	arena_free(&o->arena);
	free(o);
}

bool overlay_is_bad_node(const struct overlay *o, const struct node_id *id)
{
	for (size_t i = 0; i < o->n_bad_nodes; i++)
		if (id_eq(&o->bad_nodes[i], id))
			return true;
	return false;
}

bool overlay_is_bad_cert(const struct overlay *o, const struct cert *c)
{
	for (size_t i = 0; i < c->n_node_ids; i++)
		if (overlay_is_bad_node(o, &c->node_ids[i]))
			return true;
	return false;
}

bool overlay_newer(uint16_t a, uint16_t b)
{
	unsigned ahead = (a + (unsigned)SEQUENCES - b) % SEQUENCES;

	return ahead > 0 && ahead <= SEQUENCES / 2;
}

/* CHOICE: a pattern is matched against the whole domain; unanchored,
 * "dht\.example\.com" would admit dht.example.com.evil.test. */
static bool matches(const char *pattern, const char *domain)
{
	regmatch_t m;
	regex_t re;
	bool yes;

	if (regcomp(&re, pattern, REG_EXTENDED) != 0)
		return false;
	yes = regexec(&re, domain, 1, &m, 0) == 0 && m.rm_so == 0 &&
	      domain[m.rm_eo] == '\0';
	regfree(&re);
	return yes;
}

bool overlay_admits_aor(const struct overlay *o, struct slice aor)
{
	char domain[OVERLAY_NAME_MAX + 1];
	const uint8_t *at;
	size_t len;

	if (o->domain_restriction == DOMAIN_ANY)
		return true;
	at = aor.len == 0 ? NULL : memrchr(aor.p, '@', aor.len);
	if (at == NULL)
		return false;
	len = (size_t)(aor.p + aor.len - at) - 1;
	if (len > OVERLAY_NAME_MAX || memchr(at + 1, '\0', len) != NULL)
		return false;
	memcpy(domain, at + 1, len);
	domain[len] = '\0';
	if (o->domain_restriction == DOMAIN_OVERLAY)
		return strcasecmp(domain, o->name) == 0;
	for (size_t i = 0; i < o->n_domain_patterns; i++)
		if (matches(o->domain_patterns[i], domain))
			return true;
	return false;
}
