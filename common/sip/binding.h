/* SPDX-License-Identifier: ISC */
#ifndef SIP_BINDING_H
#define SIP_BINDING_H

#include "sip/flow.h"
#include "sip/sipfield.h"

/* The contacts of one address of record and what a REGISTER does to them: RFC
 * 3261 s10.3, RFC 5626 s6, RFC 3327.  Pure: time is a parameter. */

enum {
	BINDING_MAX = 16,              /* of one address of record */
	BINDING_TEXT_MAX = 2048,       /* bytes of a contact, and of its path */
	BINDING_EXPIRES_DEFAULT = 3600 /* s, RFC 3261 s10.2.1.1 */
};

/* Counted; does not change once it is bound. */
struct binding {
	unsigned refs;
	char *contact; /* as it came, but for "expires" */
	char *uri;     /* in it */
	char *path;    /* Path fields, joined by commas; "" without */
	char *call_id;
	char *instance;  /* +sip.instance; "" without */
	uint32_t reg_id; /* 0: none, RFC 5626 */
	uint32_t cseq;
	uint16_t q; /* thousandths; 1000 when the contact says nothing */
	struct flow flow;
	uint64_t since_us, expires_us; /* monotonic */
};

/* Best first: by q, then the newest.  `{ 0 }` is empty. */
struct bindings {
	struct binding *v[BINDING_MAX];
	size_t n;
};

struct binding_bounds {
	uint32_t least_s, most_s;
};

/* What a REGISTER asks for: the contacts, each with its time. */
struct binding_change {
	bool all; /* "*": remove all */
	struct binding *v[BINDING_MAX];
	uint32_t expires_s[BINDING_MAX]; /* 0: remove */
	size_t n;                        /* 0 without `all`: a query */
	char *call_id;
	uint32_t cseq;
};

/*
 * Reads it off a request whose mandatory fields are there.  `*status` is 0, or
 * the answer that refuses it (400, 403, 423).  ERR_NOMEM.
 * binding_change_clear().
 */
enum err binding_change_read(struct binding_change *c, const struct sipmsg *m,
			     const struct flow *flow,
			     const struct binding_bounds *bounds,
			     unsigned *status) MUST_CHECK;
void binding_change_clear(struct binding_change *c);

/*
 * What is bound after the change, `out` empty before; all of it or nothing.
 * Expired ones are gone from it.  ERR_DATA_TOO_OLD: one was set by a later
 * request of the same Call-ID; ERR_FULL; ERR_NOMEM.
 */
enum err bindings_apply(const struct bindings *old, struct binding_change *c,
			uint64_t now_us, struct bindings *out) MUST_CHECK;
void binding_free(struct binding *b); /* counted; NULL is fine */
/* Drops those that have expired, and those of a connection that is gone (0:
 * none); true when there were any. */
bool bindings_drop(struct bindings *b, uint64_t now_us, uint32_t conn);
/* When the first and the last of them expires; NEVER and 0 when empty. */
uint64_t bindings_first_end(const struct bindings *b);
uint64_t bindings_last_end(const struct bindings *b);
/* Appends a Contact field for each, with the seconds that are left. */
enum err bindings_format(const struct bindings *b, uint64_t now_us,
			 struct buf *out) MUST_CHECK;
void bindings_clear(struct bindings *b);

#endif
