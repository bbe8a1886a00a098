/* SPDX-License-Identifier: ISC */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include "wire/attach.h"

enum {
	ADDRESS_PORT_DEFAULT = 6084, /* RFC 6940 s11.1 */
	ADDRESS_TEXT_MAX = 64        /* chars, with the final zero */
};

/* "192.0.2.1", "192.0.2.1:6084", "2001:db8::1", "[2001:db8::1]:6084"; `port`
 * where the text has none.  Port 0 is ERR_DATA, and so is a host name. */
enum err address_parse(struct ip_address_port *out, const char *text,
		       uint16_t port) MUST_CHECK;
/* A bare address. */
enum err address_parse_host(struct ip_address_port *out, const char *host,
			    uint16_t port) MUST_CHECK;
/* Letters, digits, hyphens and dots as in a DNS name, RFC 1035 s2.3.1?  So it
 * is safe as the name of a file as well. */
bool address_is_dns_name(const char *name);
/* "192.0.2.1:6084", "[2001:db8::1]:6084". */
const char *address_format(const struct ip_address_port *a,
			   char out[static ADDRESS_TEXT_MAX]);
/* The address alone. */
const char *address_format_host(const struct ip_address_port *a,
				char out[static ADDRESS_TEXT_MAX]);
/* "tls", "dtls", "both": LINK_PROTOCOL_*; else ERR_DATA. */
enum err address_links_parse(uint8_t *out, const char *text) MUST_CHECK;
bool address_eq(const struct ip_address_port *a,
		const struct ip_address_port *b);

#endif
