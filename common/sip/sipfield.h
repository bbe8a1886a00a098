/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPFIELD_H
#define SIP_SIPFIELD_H

#include "sip/sipmsg.h"

/* What the values of header fields say, RFC 3261 s20 and s25.1.  All slices
 * point into the value; quotes and escapes are left as they came. */

struct sipfield_uri {
	struct slice scheme;
	bool sip;          /* sip or sips; else what follows is empty */
	struct slice user; /* without password; p NULL: there is no userinfo */
	struct slice host; /* an IPv6 address with its brackets */
	uint16_t port;     /* 0: none */
	struct slice params;  /* from the first ';' */
	struct slice headers; /* behind the '?' */
};
/* From, To, Contact, Path, Route: name-addr or addr-spec. */
struct sipfield_addr {
	struct slice uri;
	struct slice params; /* those of the field, from the first ';' */
};
struct sipfield_via { /* of whatever version: one may be told of another */
	struct slice transport;
	struct slice host; /* sent-by */
	uint16_t port;     /* 0: none */
	struct slice params;
};
struct sipfield_cseq {
	uint32_t number; /* below 2^31 */
	struct slice method;
};

/* ERR_MALFORMED. */
enum err sipfield_uri(struct sipfield_uri *out, struct slice text) MUST_CHECK;
enum err sipfield_addr(struct sipfield_addr *out, struct slice text) MUST_CHECK;
enum err sipfield_via(struct sipfield_via *out, struct slice text) MUST_CHECK;
enum err sipfield_cseq(struct sipfield_cseq *out, struct slice text) MUST_CHECK;
/* A number of at most 32 bits and digits only.  ERR_MALFORMED, ERR_RANGE. */
enum err sipfield_u32(uint32_t *out, struct slice text) MUST_CHECK;

/* Is it nothing, or ";name" and ";name=value", and no more?  s25.1 */
bool sipfield_params_good(struct slice params);
/* Takes the next of ";name=value" (or of "name=value" between `separator`s) off
 * `*rest`; `value` has p NULL when there is no '='.  False at the end. */
bool sipfield_param(struct slice *rest, uint8_t separator, struct slice *name,
		    struct slice *value);
/* The value of one parameter, by name; false when it is not there. */
bool sipfield_find(struct slice params, const char *name, struct slice *value);
/* Appends the value without its quotes and backslashes. */
enum err sipfield_unquote(struct buf *out, struct slice value) MUST_CHECK;
/* Appends the address of record of a URI, as the overlay has it: no scheme,
 * escapes decoded, the domain in lower case.  ERR_DATA when the URI has no
 * user.  RFC 3261 s10.3, RFC 7904 s7. */
enum err sipfield_aor(struct buf *out, const struct sipfield_uri *u) MUST_CHECK;
/* Appends it with its letters (of ASCII) in lower case. */
enum err sipfield_lower(struct buf *out, struct slice s) MUST_CHECK;
/* Do these name the same resource, RFC 3261 s19.1.4? */
bool sipfield_uri_eq(const struct sipfield_uri *a,
		     const struct sipfield_uri *b);
bool sipfield_user_eq(const struct sipfield_uri *a,
		      const struct sipfield_uri *b);
bool sipfield_host_eq(struct slice a, struct slice b);

#endif
