/* SPDX-License-Identifier: ISC */
/*
 * What a node says of itself, as lines or JSON.  Owns the forms.
 */
#include "cli/print_node.h"

#include <inttypes.h>

#include "cli/opt.h"
#include "cli/print.h"

void print_node_ping(struct out *o, const struct result *res, size_t len)
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

void print_node_probe(struct out *o, const struct result *res, size_t len)
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

void print_node_table(struct out *o, const struct result *res, size_t len)
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
