/* SPDX-License-Identifier: ISC */
/*
 * SIP-REGISTRATION as text, both ways, RFC 7904 s3.2.
 */
#include "cli/sip_text.h"

#include <string.h>

#include "base/text.h"

enum { ROUTE_MAX = 64, SCRATCH_MAX = 1 << 17 };

static bool prefix(struct slice *s, const char *word)
{
	size_t n = strlen(word);

	if (s->len < n || memcmp(s->p, word, n) != 0)
		return false;
	*s = slice_sub(*s, n, s->len - n);
	return true;
}

/* "NODEID[,NODEID...]" into at most ROUTE_MAX entries. */
static enum err parse_route(struct destination *v, uint32_t *n,
			    struct slice text, size_t id_len, struct why *why)
{
	char word[ID_TEXT_MAX];
	size_t digits = 2 * id_len;
	struct node_id id;

	for (*n = 0;;) {
		if (*n == ROUTE_MAX)
			return why_err(why, ERR_DATA,
				       "route: more than %d Node-IDs",
				       ROUTE_MAX);
		if (text.len < digits)
			break;
		memcpy(word, text.p, digits);
		word[digits] = '\0';
		if (id_parse(&id, id_len, word) != OK)
			break;
		v[(*n)++] = destination_node(&id);
		text = slice_sub(text, digits, text.len - digits);
		if (text.len == 0)
			return OK;
		if (!prefix(&text, ","))
			break;
	}
	return why_err(why, ERR_DATA,
		       "route: wants Node-IDs of %zu hex digits, with commas "
		       "between them",
		       digits);
}

enum err sip_text_parse(struct buf *out, struct slice text,
			const struct wire_env *env, struct why *why)
{
	struct destination route[ROUTE_MAX];
	struct sip_registration reg = { .destination_list.v = route };
	enum err r;

	if (prefix(&text, "uri:")) {
		if (text.len == 0 || !text_is_utf8(text))
			return why_err(why, ERR_DATA, "uri: wants a URI");
		reg.type = SIP_REGISTRATION_URI;
		reg.uri = text;
	} else if (prefix(&text, "route:")) {
		reg.type = SIP_REGISTRATION_ROUTE;
		if ((r = parse_route(route, &reg.destination_list.n, text,
				     env->node_id_len, why)) != OK)
			return r;
	} else {
		return why_err(why, ERR_DATA,
			       "a SIP-REGISTRATION is written as uri:URI or "
			       "route:NODEID[,NODEID...]");
	}
	return sip_registration_encode(&reg, out, env);
}

enum err sip_text_route(struct buf *out, const struct destination_list *l,
			const struct wire_env *env)
{
	enum err r = OK;

	for (uint32_t i = 0; i < l->n && r == OK; i++) {
		const struct destination *d = &l->v[i];
		struct slice id = d->id;

		if (i > 0)
			r = buf_append_u8(out, ',');
		if (d->type == DESTINATION_NODE)
			id = id_slice(&d->node_id, env->node_id_len);
		else if (r == OK)
			r = buf_append_slice(out,
					     d->type == DESTINATION_RESOURCE
						     ? SLICE_LIT("resource:")
						     : SLICE_LIT("opaque:"));
		if (r == OK)
			r = text_hex(out, id);
	}
	return r;
}

enum err sip_text_format(struct buf *out, struct slice value,
			 const struct wire_env *env)
{
	struct arena a = ARENA_INIT(SCRATCH_MAX);
	struct sip_registration reg;
	enum err r;

	if ((r = sip_registration_decode(&reg, value, &a, env)) != OK)
		goto out;
	if (reg.type == SIP_REGISTRATION_URI) {
		r = buf_append_slice(out, SLICE_LIT("uri:"));
		if (r == OK)
			r = buf_append_slice(out, reg.uri);
	} else if (reg.type == SIP_REGISTRATION_ROUTE) {
		r = buf_append_slice(out, SLICE_LIT("route:"));
		if (r == OK)
			r = sip_text_route(out, &reg.destination_list, env);
	} else {
		r = ERR_UNSUPPORTED;
	}
out:
	arena_free(&a);
	return r;
}
