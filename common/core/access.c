/* SPDX-License-Identifier: ISC */
/*
 * The access control policies of RFC 6940 s7.3, and RFC 7904 s3.3 for
 * SIP-REGISTRATION.  Whether a signature verifies, and whether its certificate
 * is good at this time, is certs.c's to say.
 */
#include "core/access.h"

#include "core/state.h"

/* Where the name hashes to, and is that the resource? */
static enum err name_is(const struct node *n, struct slice name,
			const struct node_id *resource, bool *out)
{
	struct node_id id;
	enum err r = node_resource_id(n, name, &id);

	if (r == OK)
		*out = id_eq(&id, resource);
	return r;
}

static enum err check_user(const struct node *n, const struct node_id *resource,
			   struct access_signer s, struct why *why)
{
	bool same = false;
	enum err r;

	if (s.cert->user[0] == '\0')
		return why_err(why, ERR_FORBIDDEN,
			       "the signer's certificate has no user name");
	r = name_is(n, slice_str(s.cert->user), resource, &same);
	if (r == OK && !same)
		r = why_err(why, ERR_FORBIDDEN,
			    "%s may write at the hash of that name only",
			    s.cert->user);
	return r;
}

static enum err check_node(const struct node *n, const struct node_id *resource,
			   struct access_signer s, struct why *why)
{
	struct slice id = id_slice(s.node_id, n->overlay->node_id_length);
	bool same = false;
	enum err r = name_is(n, id, resource, &same);

	if (r == OK && !same)
		r = why_err(why, ERR_FORBIDDEN,
			    "a node may write at the hash of its Node-ID only");
	return r;
}

/* CHOICE 33: i is one byte, as in TurnServer; from 0, for "some small integer"
 * excludes none.  RFC 6940 s7.3.4. */
static enum err check_multiple(const struct node *n, const struct kind *k,
			       const struct node_id *resource,
			       struct access_signer s, struct why *why)
{
	size_t len = n->overlay->node_id_length;
	uint8_t name[NODE_ID_MAX + 1];
	bool same = false;
	enum err r = OK;

	memcpy(name, s.node_id->b, len);
	for (uint32_t i = 0; i <= k->max_node_multiple && i <= UINT8_MAX; i++) {
		name[len] = (uint8_t)i;
		r = name_is(n, slice_of(name, len + 1), resource, &same);
		if (r != OK || same)
			return r;
	}
	return why_err(why, ERR_FORBIDDEN,
		       "no i up to %u makes H(Node-ID || i) that resource",
		       (unsigned)k->max_node_multiple);
}

/* The dictionary key is the signer's Node-ID.  RFC 6940 s7.3.3. */
static enum err check_key(const struct node *n, const struct kind *k,
			  const struct stored_value *v, struct access_signer s,
			  struct why *why)
{
	if (k->model != MODEL_DICTIONARY)
		return why_err(why, ERR_FORBIDDEN,
			       "USER-NODE-MATCH is for dictionaries only");
	if (v != NULL &&
	    !slice_eq(v->key, id_slice(s.node_id, n->overlay->node_id_length)))
		return why_err(why, ERR_FORBIDDEN,
			       "the key is not the signer's Node-ID");
	return OK;
}

enum err access_check(const struct node *n, const struct kind *k,
		      const struct node_id *resource,
		      const struct stored_value *v, struct access_signer s,
		      struct why *why)
{
	enum err r = ERR_FORBIDDEN;

	switch (k->access) {
	case ACCESS_USER_MATCH:
		r = check_user(n, resource, s, why);
		break;
	case ACCESS_NODE_MATCH:
		r = check_node(n, resource, s, why);
		break;
	case ACCESS_USER_NODE_MATCH:
		r = check_user(n, resource, s, why);
		if (r == OK)
			r = check_key(n, k, v, s, why);
		break;
	case ACCESS_NODE_MULTIPLE:
		r = check_multiple(n, k, resource, s, why);
		break;
	}
	/* The AOR is the user name, whose hash is the resource.  RFC 7904 s3.3.
	 */
	if (r == OK && k->id == KIND_SIP_REGISTRATION &&
	    (strchr(s.cert->user, '@') == NULL ||
	     !overlay_admits_aor(n->overlay, slice_str(s.cert->user))))
		r = why_err(why, ERR_FORBIDDEN,
			    "this overlay does not admit the domain of %s",
			    s.cert->user);
	return r;
}
