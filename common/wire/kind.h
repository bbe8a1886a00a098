/* SPDX-License-Identifier: ISC */
#ifndef WIRE_KIND_H
#define WIRE_KIND_H

#include <stdbool.h>

#include "base/err.h"

/* How values lie under a Resource-ID and a Kind.  RFC 6940 s7.2. */
enum data_model { MODEL_SINGLE, MODEL_ARRAY, MODEL_DICTIONARY };

/* Who may write.  RFC 6940 s7.3. */
enum access_policy {
	ACCESS_USER_MATCH,
	ACCESS_NODE_MATCH,
	ACCESS_USER_NODE_MATCH,
	ACCESS_NODE_MULTIPLE
};

enum {
	KIND_NAME_MAX = 64, /* chars, with the final zero */
	KIND_SIP_REGISTRATION = 0x1,
	KIND_TURN_SERVICE = 0x2,
	KIND_CERTIFICATE_BY_NODE = 0x3,
	KIND_CERTIFICATE_BY_USER = 0x10
};

/* What an overlay holds of one sort.  RFC 6940 s7.4.5, s11.1 kind-block. */
struct kind {
	uint32_t id;
	char name[KIND_NAME_MAX]; /* registered or label; may be empty */
	enum data_model model;
	enum access_policy access;
	uint32_t max_count;         /* values at one Resource-ID */
	uint32_t max_size;          /* bytes of one value */
	uint32_t max_node_multiple; /* largest i of NODE-MULTIPLE, else 0 */
	bool registered;            /* by IANA, in tbl/kind.def */
};

/* The Kinds in use, by id; `{ 0 }` is a valid empty set.  Owns its memory. */
struct kinds {
	struct kind *v;
	uint32_t n, cap;
};

/* Copies `k` in; one with the same id is replaced.  ERR_NOMEM. */
enum err kinds_add(struct kinds *ks, const struct kind *k) MUST_CHECK;
/* Adds every registered Kind that is not there yet. */
enum err kinds_add_registered(struct kinds *ks) MUST_CHECK;
/* NULL when it is not in use.  Borrowed until the next change of the set. */
const struct kind *kinds_find(const struct kinds *ks, uint32_t id);
/* By registered name or label, case counts; NULL when there is none. */
const struct kind *kinds_find_name(const struct kinds *ks, const char *name);
void kinds_clear(struct kinds *ks);

/* The i'th registered Kind, or NULL past the last. */
const struct kind *kind_registered(uint32_t i);
const struct kind *kind_registered_id(uint32_t id);
const struct kind *kind_registered_name(const char *name);

/* The names of RFC 6940 s14.7 and s14.4 ("SINGLE", "USER-MATCH"), both ways;
 * ERR_DATA for any other. */
const char *kind_model_name(enum data_model model);
enum err kind_model_parse(enum data_model *out, const char *text) MUST_CHECK;
const char *kind_access_name(enum access_policy access);
enum err kind_access_parse(enum access_policy *out,
			   const char *text) MUST_CHECK;

#endif
