/* SPDX-License-Identifier: ISC */
/* The value of SIP-REGISTRATION.  What it leads to is core/aor.c's.  RFC 7904
 * s3.2. */
#include "wire/sip.h"

/* Shorter than destination_list<3..2^16-1> allows? */
static bool too_short(const struct destination_list *v)
{
	const struct destination *d = v->v;

	if (v->n != 1)
		return v->n == 0;
	return d->compact ||
	       (d->type > DESTINATION_OPAQUE_ID && d->id.len == 0);
}

/* RFC 7904 s3.2. */
void wire_sip_registration(struct wire *w, struct sip_registration *v)
{
	struct wire_len len;

	wire_code8(w, "type", CODE_SIP_REGISTRATION, &v->type);
	wire_open(w, "data", 2);
	switch (v->type) {
	case SIP_REGISTRATION_URI:
		wire_opaque(w, "uri", 2, &v->uri);
		break;
	case SIP_REGISTRATION_ROUTE:
		wire_opaque(w, "contact_prefs", 2, &v->contact_prefs);
		wire_len(w, "destination_list", 2, &len);
		wire_destination_list(w, "destination_list", &len,
				      &v->destination_list);
		if (too_short(&v->destination_list))
			wire_fail(w, ERR_RANGE, "destination_list");
		break;
	default: /* this type can be extended */
		wire_rest(w, "unknown", &v->unknown);
	}
	wire_close(w);
}
WIRE_CODEC_DEFINE(sip_registration);
