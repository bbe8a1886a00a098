/* SPDX-License-Identifier: ISC */
#ifndef SIP_SIPMSG_H
#define SIP_SIPMSG_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * A SIP message (RFC 3261 s7) as its start line, header fields and body, each a
 * slice of the bytes that came, so that what is passed on is passed on
 * unchanged.  What a field means is sipfield.h's.
 */

enum {
	SIPMSG_MAX = 65535,      /* bytes of a message */
	SIPMSG_HEAD_MAX = 16384, /* bytes up to its body */
	SIPMSG_FIELDS_MAX = 128  /* header fields */
};

struct sipmsg_field {
	struct slice name;  /* long form where it came in the compact one */
	struct slice value; /* one line, without white space around it */
};

struct sipmsg {
	struct slice method; /* of a request; empty: a response */
	struct slice uri;    /* of a request */
	struct slice version;
	unsigned status;     /* of a response */
	struct slice reason; /* of a response, as it came */
	struct sipmsg_field *fields;
	size_t n_fields;
	struct slice body;
};

/*
 * Splits one whole message; `out` borrows from `bytes` and `a`.  A datagram may
 * have bytes past the body, which are dropped (s18.3).  ERR_MALFORMED when it
 * is none, ERR_LIMIT, ERR_SHORT when the body is shorter than its
 * Content-Length: in all three cases `out` holds what could be read, so that a
 * request may be answered.  ERR_NOMEM.
 */
enum err sipmsg_parse(struct sipmsg *out, struct slice bytes,
		      struct arena *a) MUST_CHECK;
/*
 * The length of the message at the beginning of a stream (s18.3): 0 when more
 * has to come.  ERR_LIMIT, ERR_MALFORMED when none can begin so, also for want
 * of Content-Length.  Line ends before it are not part of it.
 */
enum err sipmsg_length(struct slice stream, size_t *len) MUST_CHECK;

/* The first field of that name at or after number `*at`, which moves past it;
 * NULL when there is none. */
const struct sipmsg_field *sipmsg_next(const struct sipmsg *m, const char *name,
				       size_t *at);
/* The only field of that name, or NULL; `*n` (may be NULL) counts them. */
const struct sipmsg_field *sipmsg_only(const struct sipmsg *m, const char *name,
				       size_t *n);
/* Is the comma-separated word (an option tag, a method) in a field of that
 * name?  Without regard to case. */
bool sipmsg_lists(const struct sipmsg *m, const char *name, const char *word);

/* Takes the next of the comma-separated items of a value off `*rest`; commas in
 * quotes and angle brackets separate nothing.  False at the end. */
bool sipmsg_item(struct slice *rest, struct slice *item);

/* The words that go with a status code, s21. */
const char *sipmsg_reason(unsigned status);
bool sipmsg_is(struct slice s, const char *word); /* as it is */
bool sipmsg_is_nocase(struct slice s, const char *word);
bool sipmsg_is_token(struct slice s); /* s25.1 */

#endif
