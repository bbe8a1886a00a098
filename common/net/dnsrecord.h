/* SPDX-License-Identifier: ISC */
#ifndef NET_DNSRECORD_H
#define NET_DNSRECORD_H

#include "wire/attach.h"

/* What DNS is asked, and what it says: records, without anything that asks. */

enum {
	DNS_ANSWERS_MAX = 16, /* records of one answer; more are left out */
	DNS_NAME_MAX = 256    /* chars, with the final zero */
};

enum dns_type { DNS_NAPTR, DNS_SRV, DNS_ADDRESS };

/* RFC 3403 s4.1; those with a regular expression are left out. */
struct dns_naptr {
	uint16_t order, preference;
	char flags[4], service[32];
	char replacement[DNS_NAME_MAX];
};
/* RFC 2782. */
struct dns_srv {
	char host[DNS_NAME_MAX];
	uint16_t port, priority, weight;
};

struct dns_question {
	enum dns_type type;
	char name[DNS_NAME_MAX];
	uint16_t port; /* ADDRESS: given back with the addresses */
};

/* Records in the order to try them in; none when `err` is not OK. */
struct dns_answer {
	enum dns_type type;
	enum err err; /* ERR_DNS */
	size_t n;
	union {
		struct dns_naptr naptr[DNS_ANSWERS_MAX];
		struct dns_srv srv[DNS_ANSWERS_MAX];
		struct ip_address_port addresses[DNS_ANSWERS_MAX];
	};
};

#endif
