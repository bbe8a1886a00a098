/* SPDX-License-Identifier: ISC */
/*
 * Numeric addresses as people and configuration documents write them
 * (RFC 6940 s11.1 bootstrap-node, RFC 5952).  Names are net/resolve.c's.
 */
#include "conf/address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "core/overlay.h"

enum { LABEL_MAX = 63 /* chars between two dots */ };

/* Cuts `text` into host and port text (NULL when there is none). */
static enum err split(const char *text, char host[static ADDRESS_TEXT_MAX],
		      const char **port)
{
	const char *from = text, *end, *colon = strchr(text, ':');

	*port = NULL;
	if (*text == '[') {
		from++;
		end = strchr(from, ']');
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return ERR_DATA;
		*port = end[1] == ':' ? end + 2 : NULL;
	} else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
		end = colon;
		*port = colon + 1;
	} else {
		end = text + strlen(text);
	}
	if ((size_t)(end - from) >= ADDRESS_TEXT_MAX)
		return ERR_DATA;
	memcpy(host, from, (size_t)(end - from));
	host[end - from] = '\0';
	return OK;
}

enum err address_parse_host(struct ip_address_port *out, const char *host,
			    uint16_t port)
{
	struct ip_address_port a = { .port = port };

	if (inet_pton(AF_INET, host, a.addr) == 1)
		a.type = ADDRESS_IPV4;
	else if (inet_pton(AF_INET6, host, a.addr) == 1)
		a.type = ADDRESS_IPV6;
	else
		return ERR_DATA;
	*out = a;
	return port == 0 ? ERR_DATA : OK;
}

enum err address_parse(struct ip_address_port *out, const char *text,
		       uint16_t port)
{
	char host[ADDRESS_TEXT_MAX];
	const char *digits;
	uint64_t v = port;
	enum err r;

	if ((r = split(text, host, &digits)) != OK ||
	    (digits != NULL && (r = text_u64(&v, digits, 1, UINT16_MAX)) != OK))
		return r;
	return address_parse_host(out, host, (uint16_t)v);
}

bool address_is_dns_name(const char *name)
{
	const char *p = name;

	if (strlen(name) > OVERLAY_NAME_MAX)
		return false;
	for (;;) {
		size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

		if (n == 0 || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
			return false;
		p += n;
		if (*p == '\0')
			return true;
		if (*p++ != '.')
			return false;
	}
}

const char *address_format_host(const struct ip_address_port *a,
				char out[static ADDRESS_TEXT_MAX])
{
	bool v6 = a->type == ADDRESS_IPV6;

	out[0] = '?';
	out[1] = '\0';
	if (v6 || a->type == ADDRESS_IPV4)
		(void)inet_ntop(v6 ? AF_INET6 : AF_INET, a->addr, out,
				ADDRESS_TEXT_MAX); /* the room is enough */
	return out;
}

const char *address_format(const struct ip_address_port *a,
			   char out[static ADDRESS_TEXT_MAX])
{
	bool v6 = a->type == ADDRESS_IPV6;
	char host[ADDRESS_TEXT_MAX];

	(void)snprintf(out, ADDRESS_TEXT_MAX, "%s%s%s:%u", v6 ? "[" : "",
		       address_format_host(a, host), v6 ? "]" : "",
		       a->port); /* fits */
	return out;
}

enum err address_links_parse(uint8_t *out, const char *text)
{
	const uint8_t both = LINK_PROTOCOL_TLS | LINK_PROTOCOL_DTLS;

	*out = strcmp(text, "tls") == 0    ? LINK_PROTOCOL_TLS
	       : strcmp(text, "dtls") == 0 ? LINK_PROTOCOL_DTLS
	       : strcmp(text, "both") == 0 ? both
					   : 0;
	return *out == 0 ? ERR_DATA : OK;
}

bool address_eq(const struct ip_address_port *a,
		const struct ip_address_port *b)
{
	size_t n = a->type == ADDRESS_IPV6 ? 16 : 4;

	return a->type == b->type && a->port == b->port &&
	       memcmp(a->addr, b->addr, n) == 0;
}
