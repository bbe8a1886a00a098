/* SPDX-License-Identifier: ISC */
/*
 * p2psip-route: what the overlay looks like from here: Ping (RFC 6940 s6.5.3),
 * Probe (s6.4.2.5), the Routing Table of the peer connected to (s10.8).
 */
#include "cli/opt.h"
#include "cli/print_node.h"
#include "cli/session.h"

static bool resource_id, probe, table;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-route", "[DESTINATION]",
		 "Ask the overlay's nodes about themselves; by default, ping."),
	OPT_FLAG('x', "resource-id", &resource_id,
		 "DESTINATION is a Resource-ID in hex, not a Node-ID"),
	OPT_FLAG(0, "probe", &probe, "uptime, resources, share of the ring"),
	OPT_FLAG(0, "table", &table,
		 "neighbours and fingers of the peer connected to"),
	OPT_COMMON,
	OPT_END,
};

/* Where to: a Node-ID, a Resource-ID, a resource name; none: the peer at the
 * other end of the link. */
static enum err destination(struct destination *out, struct node_id *id,
			    const char *text, const struct target_env *env,
			    struct why *why)
{
	size_t len = env->overlay->node_id_length;
	enum err r = OK;

	if (text == NULL)
		id_wildcard(id, len);
	if (text == NULL || (!resource_id && id_parse(id, len, text) == OK)) {
		*out = destination_node(id);
		return OK;
	}
	if (!resource_id)
		r = target_hash(env->crypto, slice_str(text), id);
	else if (id_parse(id, RING_ID_LEN, text) != OK)
		r = why_err(why, ERR_USAGE,
			    "'%s' is no Resource-ID of %d hex digits", text,
			    2 * RING_ID_LEN);
	*out = destination_resource(id_slice(id, RING_ID_LEN));
	return r;
}

int main(int argc, char *argv[])
{
	uint8_t wanted[] = { PROBE_UPTIME, PROBE_NUM_RESOURCES,
			     PROBE_RESPONSIBLE_SET };
	struct destination to = { 0 };
	struct command cmd = { .destination = { &to, 1 },
			       .probe_types = wanted,
			       .n_probe_types = sizeof(wanted) };
	struct session *s = NULL;
	const struct result *res;
	struct why why = { "" };
	struct node_id id;
	struct out out;
	size_t len;
	enum err r;

	argv = opt_parse(opts, 0, 1, argc, argv);
	if (table && (probe || argv[0] != NULL))
		opt_usage("--table asks the peer connected to: no DESTINATION, "
			  "no --probe");
	cmd.type = table ? CMD_TABLE : probe ? CMD_PROBE : CMD_PING;
	out_init(&out);
	if ((r = session_open(&s, &why)) != OK ||
	    (r = destination(&to, &id, argv[0], session_env(s), &why)) != OK ||
	    (r = session_run(s, &cmd, &res, &why)) != OK)
		goto out;
	len = session_env(s)->overlay->node_id_length;
	if (table)
		print_node_table(&out, res, len);
	else if (probe)
		print_node_probe(&out, res, len);
	else
		print_node_ping(&out, res, len);
	r = out_finish(&out, &why);
out:
	if (r != OK)
		opt_warn(argv[0], r, why.text);
	out_clear(&out);
	session_close(s);
	return err_exit(r);
}
