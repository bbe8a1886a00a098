/* SPDX-License-Identifier: ISC */
#ifndef WIRE_SIP_H
#define WIRE_SIP_H

#include "wire/header.h"

/* The value of SIP-REGISTRATION.  RFC 7904 s3.2. */
struct sip_registration {
	uint8_t type;               /* SIP_REGISTRATION_*; others are carried */
	struct slice uri;           /* SIP_REGISTRATION_URI: an AOR */
	struct slice contact_prefs; /* SIP_REGISTRATION_ROUTE, RFC 3840 */
	struct destination_list destination_list; /* SIP_REGISTRATION_ROUTE */
	struct slice unknown; /* the data of a type that is not ours */
};

WIRE_CODEC(sip_registration);

#endif
