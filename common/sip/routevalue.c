/* SPDX-License-Identifier: ISC */
/* The registration of a phone as a value of the overlay, RFC 7904 s3.2, s7. */
#include "sip/routevalue.h"

#include "sip/binding.h"
#include "wire/sip.h"

enum err routevalue_make(struct store_item *out, struct buf *value,
			 const struct signer *user, const struct node_id *peer,
			 const char *contact, uint8_t node_id_len,
			 uint32_t lifetime_s, uint64_t now_ms)
{
	struct destination to = destination_node(peer);
	struct sip_registration reg = { .type = SIP_REGISTRATION_ROUTE,
					.destination_list = { &to, 1 } };
	struct wire_env env = { .node_id_len = node_id_len };
	uint64_t left_s;
	enum err r = OK;

	if (contact != NULL)
		reg = (struct sip_registration){ .type = SIP_REGISTRATION_URI,
						 .uri = slice_str(contact) };
	if (user->cert->not_after_ms <= now_ms)
		return ERR_CERT_EXPIRED;
	left_s = (user->cert->not_after_ms - now_ms + 999) / 1000;
	*out = (struct store_item){ .kind = KIND_SIP_REGISTRATION,
				    .key = id_slice(&user->node_id,
						    node_id_len),
				    .exists = lifetime_s > 0,
				    .lifetime_s = lifetime_s };
	if (lifetime_s == 0) /* what is gone needs to be known for a while */
		out->lifetime_s = BINDING_EXPIRES_DEFAULT;
	if (out->lifetime_s > left_s)
		out->lifetime_s = (uint32_t)left_s;
	buf_reset(value);
	if (out->exists)
		r = sip_registration_encode(&reg, value, &env);
	out->value = buf_slice(value);
	return r;
}
