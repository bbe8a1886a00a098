/* SPDX-License-Identifier: ISC */
/* By which way SIP leaves, and what leads back here: RFC 3261 s18. */
#include "sip/carrier.h"

#include <stdio.h>

#include "conf/address.h"

void carrier_send(const struct carrier *c, const struct flow *to,
		  struct slice bytes)
{
	if (to->is_peer)
		peerlink_send(c->peers, &to->node, bytes);
	else
		sipnet_send(c->net, to, bytes);
}

bool carrier_local(const struct carrier *c, const struct flow *f,
		   struct proxy_local *out)
{
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];
	enum sipnet_type type;

	if (f->is_peer) {
		a = *peerlink_address(c->peers);
		out->transport = "TLS";
		out->secure = true;
	} else {
		if (!sipnet_local(c->net, f, &type, &a))
			return false;
		out->transport = type == SIPNET_UDP   ? "UDP"
				 : type == SIPNET_TCP ? "TCP"
						      : "TLS";
		out->secure = type == SIPNET_TLS;
	}
	(void)snprintf(out->host, sizeof(out->host), "%s",
		       address_format(&a, text)); /* fits */
	return true;
}

/* CHOICE: a phone that has registered by UDP gets by UDP what is large, too:
 * its flow is the way to it, and no connection may lead there.  RFC 5626 s5.3.
 */
bool carrier_large(const struct carrier *c, const struct flow *f,
		   struct flow *out)
{
	return f->may_grow &&
	       sipnet_to(c->net, SIPNET_TCP, &f->peer, NULL, out);
}

bool carrier_is_ours(const struct carrier *c, struct slice host, uint16_t port)
{
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];

	if (host.len > 2 && host.p[0] == '[')
		host = slice_sub(host, 1, host.len - 2);
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.p, host.len);
	text[host.len] = '\0';
	if (address_parse_host(&a, text, port != 0 ? port : 5060) != OK)
		return false;
	if (sipnet_listens(c->net, &a) || peerlink_listens(c->peers, &a))
		return true;
	a.port = 5061; /* of sips, and of sip over TLS */
	return port == 0 && sipnet_listens(c->net, &a);
}
