/* SPDX-License-Identifier: ISC */
/*
 * p2psip-route: what the overlay looks like from here: Ping (RFC 6940 s6.5.3),
 * Probe (s6.4.2.5), the Routing Table of the peer connected to (s10.8).
 */
#include <inttypes.h>
#include <string.h>

#include "cli/opt.h"
#include "cli/out.h"
#include "cli/print.h"
#include "cli/session.h"

static bool resource_id, probe, table;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-route", "[DESTINATION]",
		 "Ask the overlay's nodes about themselves; default: ping."),
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

static void print_ping(struct out *o, const struct result *res, size_t len)
{
	char id[ID_TEXT_MAX];
	double ms = (double)res->rtt_us / 1000;

	id_format(&res->responder, len, id);
	if (opt_common.json) {
		out_json_take(o, json_pack("{s:s, s:f, s:o}", "node_id", id,
					   "rtt_ms", ms, "time",
					   print_json_u64(res->ping->time)));
		return;
	}
	out_field(o, slice_str(id));
	out_fieldf(o, "%.3f", ms);
	out_end_line(o);
}

static void print_probe(struct out *o, const struct result *res, size_t len)
{
	const struct probe_information_list *l = &res->probe->probe_info;
	uint32_t uptime = 0, resources = 0, ppb = 0;
	char id[ID_TEXT_MAX];

	for (uint32_t i = 0; i < l->n; i++) {
		if (l->v[i].type == PROBE_UPTIME)
			uptime = l->v[i].value;
		if (l->v[i].type == PROBE_NUM_RESOURCES)
			resources = l->v[i].value;
		if (l->v[i].type == PROBE_RESPONSIBLE_SET)
			ppb = l->v[i].value;
	}
	id_format(&res->responder, len, id);
	if (opt_common.json) {
		out_json_take(o, json_pack("{s:s, s:I, s:I, s:I}", "node_id",
					   id, "uptime", (json_int_t)uptime,
					   "resources", (json_int_t)resources,
					   "share_ppb", (json_int_t)ppb));
		return;
	}
	out_field(o, slice_str(id));
	out_fieldf(o, "%" PRIu32, uptime);
	out_fieldf(o, "%" PRIu32, resources);
	out_fieldf(o, "%.9f", (double)ppb / 1e9);
	out_end_line(o);
}

static void table_list(struct out *o, json_t *j, const char *one,
		       const char *many, const struct node_id_list *l,
		       size_t len)
{
	json_t *list = json_array();
	char id[ID_TEXT_MAX];

	for (uint32_t i = 0; i < l->n; i++) {
		json_array_append_new(list, print_json_node_id(&l->v[i], len));
		if (j != NULL)
			continue;
		out_field(o, slice_str(one));
		out_fieldf(o, "%" PRIu32, i + 1);
		out_field(o, slice_str(id_format(&l->v[i], len, id)));
		out_end_line(o);
	}
	if (j != NULL)
		json_object_set(j, many, list);
	json_decref(list);
}

static void print_table(struct out *o, const struct result *res, size_t len)
{
	const struct chord_update *t = res->table;
	json_t *j = NULL;

	if (opt_common.json)
		j = json_pack("{s:o, s:I}", "node_id",
			      print_json_node_id(&res->responder, len),
			      "uptime", (json_int_t)t->uptime);
	table_list(o, j, "predecessor", "predecessors", &t->predecessors, len);
	table_list(o, j, "successor", "successors", &t->successors, len);
	table_list(o, j, "finger", "fingers", &t->fingers, len);
	if (j != NULL)
		out_json_take(o, j);
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
		print_table(&out, res, len);
	else if (probe)
		print_probe(&out, res, len);
	else
		print_ping(&out, res, len);
	r = out_finish(&out, &why);
out:
	if (r != OK)
		opt_warn(argv[0], r, why.text);
	out_clear(&out);
	session_close(s);
	return err_exit(r);
}
