/* SPDX-License-Identifier: ISC */
/*
 * What p2psip-lookup prints of a SIP address, RFC 7904 s4: fetches what the
 * resolver (core/aor.h) asks for.  Owns the forms of contacts and routes.
 */
#include "cli/contacts.h"

#include "cli/reach.h"
#include "cli/sip_text.h"
#include "conf/address.h"
#include "core/aor.h"

static enum err fetch(struct session *s, struct slice name,
		      const struct result **res, struct why *why)
{
	struct stored_data_specifier spec = { .kind = KIND_SIP_REGISTRATION };
	struct command cmd = { .type = CMD_FETCH,
			       .specifiers = &spec,
			       .n_specifiers = 1 };
	enum err r = target_hash(session_env(s)->crypto, name, &cmd.resource);

	return r != OK ? r : session_run(s, &cmd, res, why);
}

static enum err resolve(struct aor *a, struct session *s, struct why *why)
{
	const struct result *res = NULL;
	struct slice name;
	enum err r = OK;

	while (r == OK && aor_next(a, &name)) {
		r = fetch(s, name, &res, why);
		if (r == OK || r == ERR_NOT_FOUND)
			r = aor_feed(a, r == OK ? res->fetch : NULL);
	}
	aor_finish(a);
	return r;
}

static enum err print_one(struct out *o, const char *aor,
			  const struct aor_target *t, bool whole_uri,
			  const struct wire_env *env)
{
	struct buf text = BUF_INIT(1 << 16);
	struct slice line = t->uri;
	enum err r = OK;

	if (t->type == AOR_ROUTE) {
		r = sip_text_route(&text, &t->route, env);
		line = buf_slice(&text);
	} else if (!whole_uri) {
		line = aor_plain_uri(t->uri);
	}
	if (opt_common.json) {
		out_json_take(
			o, json_pack("{s:s, s:s%}", "aor", aor,
				     t->type == AOR_ROUTE ? "route" : "contact",
				     line.p, line.len));
	} else {
		out_field(o, line);
		out_end_line(o);
	}
	buf_clear(&text);
	return r;
}

/* Prints the targets of the sort asked for, and counts them. */
static enum err print_all(struct out *o, const char *text, const struct aor *a,
			  const struct contacts_opts *opts,
			  const struct wire_env *env, struct why *why)
{
	uint32_t n = 0, others = 0;
	enum err r = OK;

	for (uint32_t i = 0; i < a->n_targets && r == OK; i++) {
		if ((a->targets[i].type == AOR_ROUTE) != opts->routes) {
			others++;
			continue;
		}
		if (n++ == 0 || !opts->best)
			r = print_one(o, text, &a->targets[i], opts->whole_uri,
				      env);
	}
	if (a->cut)
		opt_info(0, "%s: has more than are followed", text);
	if (r != OK || n > 0)
		return r;
	return why_err(
		why, ERR_NOT_FOUND, "%s",
		others == 0
			? ""
			: "-r prints routes; contacts are printed without it");
}

static void print_reached(struct out *o, const char *aor,
			  const struct node_id *node,
			  const struct ip_address_port *from, size_t id_len)
{
	char id[ID_TEXT_MAX], address[ADDRESS_TEXT_MAX];

	id_format(node, id_len, id);
	address_format(from, address);
	if (opt_common.json) {
		out_json_take(o, json_pack("{s:s, s:s, s:s}", "aor", aor,
					   "node_id", id, "address", address));
		return;
	}
	out_field(o, slice_str(id));
	out_field(o, slice_str(address));
	out_end_line(o);
}

/* The best route that leads to somebody. */
static enum err connect_one(struct session *s, struct out *o, const char *text,
			    const struct aor *a, struct why *why)
{
	const struct destination *last;
	struct ip_address_port from;
	enum err r = ERR_NOT_FOUND;

	for (uint32_t i = 0; i < a->n_targets && r != OK; i++) {
		const struct destination_list *l = &a->targets[i].route;

		if (a->targets[i].type != AOR_ROUTE ||
		    l->v[l->n - 1].type != DESTINATION_NODE)
			continue;
		last = &l->v[l->n - 1];
		why->text[0] = '\0';
		r = reach_peer(s, l, &from, why);
		if (r == OK)
			print_reached(o, text, &last->node_id, &from,
				      session_wire(s)->node_id_len);
	}
	return r;
}

enum err contacts_print(struct session *s, struct out *o, const char *text,
			const struct contacts_opts *opts, struct why *why)
{
	struct aor a;
	enum err r;

	r = aor_init(&a, slice_str(text), session_wire(s));
	if (r == ERR_DATA)
		(void)why_err(why, r, "no SIP address");
	if (r == OK && (r = resolve(&a, s, why)) == OK)
		r = opts->connect ? connect_one(s, o, text, &a, why)
				  : print_all(o, text, &a, opts,
					      session_wire(s), why);
	aor_clear(&a);
	return r;
}
