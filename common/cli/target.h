/* SPDX-License-Identifier: ISC */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/opt.h"
#include "core/node.h"

/* What -x, -N, -k, -i, -K and RESOURCE name: see p2psip(7), NAMES. */

struct target_opts {
	const char *kind;
	const char *index;
	const char *key;
	bool resource_id;
	bool node;
};

#define OPT_TARGET(t)                                                          \
	OPT_STR('k', "kind", "KIND", &(t).kind,                                \
		"kind, by name or number; default: the first private one "     \
		"that fits"),                                                  \
		OPT_STR('i', "index", "INDEX", &(t).index,                     \
			"array: an index, FIRST-LAST (get) or 'end' "          \
			"(append)"),                                           \
		OPT_STR('K', "key", "KEY", &(t).key,                           \
			"dictionary: a key, as text or 0xHEX"),                \
		OPT_FLAG('x', "resource-id", &(t).resource_id,                 \
			 "RESOURCE is a Resource-ID in hex"),                  \
		OPT_FLAG('N', "node", &(t).node,                               \
			 "RESOURCE is a Node-ID in hex, or 'self'")

/* Who asks, and where: what a target is resolved against. */
struct target_env {
	const struct overlay *overlay;
	const struct crypto *crypto;
	const struct signer *signer;
};

struct target {
	struct node_id resource;
	const struct kind *kind; /* of the overlay */
	bool has_index;
	uint32_t first, last; /* ARRAY_END: the end */
	bool has_key;
	struct buf key;
};

/* The Kind and the selector: the same for all operands.  ERR_UNKNOWN_KIND,
 * ERR_USAGE with words. */
enum err target_init(struct target *t, const struct target_opts *o,
		     const struct target_env *env, struct why *why) MUST_CHECK;
/* The resource that `name` means; NULL: what the Kind's policy lets this
 * identity write.  ERR_USAGE with words. */
enum err target_resource(struct target *t, const struct target_opts *o,
			 const char *name, const struct target_env *env,
			 struct why *why) MUST_CHECK;
/* For a value to be written: an index, or a key, has been given or follows from
 * the policy.  ERR_USAGE with words. */
enum err target_writable(struct target *t, const struct target_env *env,
			 struct why *why) MUST_CHECK;
/* For Fetch and Stat; its lists are in `a`. */
enum err target_specifier(const struct target *t,
			  struct stored_data_specifier *out,
			  struct arena *a) MUST_CHECK;
void target_clear(struct target *t);

/* H(name), the Resource-ID of a resource name, RFC 6940 s10.2. */
enum err target_hash(const struct crypto *crypto, struct slice name,
		     struct node_id *out) MUST_CHECK;

#endif
