/* SPDX-License-Identifier: ISC */
/*
 * From resource to resource with Find.  Each peer answers for its own range,
 * whose end is its Node-ID: the next one is asked for what follows that.
 */
#include "cli/walk.h"

#include "cli/print.h"

struct walk {
	struct session *session;
	struct out *out;
	uint32_t kind;
	struct node_id start, at; /* where it began, and is */
	uint32_t n;
};

static void print(const struct walk *w, const struct node_id *id)
{
	char text[ID_TEXT_MAX];

	id_format(id, RING_ID_LEN, text);
	if (opt_common.json) {
		out_json_take(w->out,
			      json_pack("{s:s, s:I}", "resource_id", text,
					"kind_id", (json_int_t)w->kind));
	} else {
		out_field(w->out, slice_str(text));
		out_end_line(w->out);
	}
}

/* Goes on after `id`; false when that is past where the walk began. */
static bool advance(struct walk *w, const struct node_id *id)
{
	struct node_id last = w->at, next;

	id_next(&next, id);
	w->at = next;
	/* From the last place, clockwise: is the beginning met before the next?
	 */
	return !id_in_range(&last, &w->start, &next);
}

/* One Find: what it found, or that the answering peer's range has nothing more.
 */
static enum err ask(struct walk *w, bool *found, struct node_id *id,
		    struct why *why)
{
	struct command cmd = { .type = CMD_FIND,
			       .resource = w->at,
			       .kinds = &w->kind,
			       .n_kinds = 1 };
	const struct result *res;
	struct slice closest = { NULL, 0 };
	enum err r;

	if ((r = session_run(w->session, &cmd, &res, why)) != OK)
		return r;
	if (res->find->results.n > 0)
		closest = res->find->results.v[0].closest;
	*found = closest.len == RING_ID_LEN &&
		 id_from_slice(id, closest) == OK && !id_is_zero(id);
	if (!*found)
		*id = res->responder;
	return OK;
}

enum err walk_print(struct session *s, struct out *o, const char *kind,
		    const char *near, bool one, struct why *why)
{
	struct walk w = { .session = s, .out = o };
	struct target_opts names = { .kind = kind };
	struct target t;
	struct node_id id;
	bool found, more;
	enum err r;

	if (id_parse(&w.start, RING_ID_LEN, near) != OK)
		return why_err(why, ERR_USAGE,
			       "--near: '%s' is no Resource-ID of %d hex "
			       "digits",
			       near, 2 * RING_ID_LEN);
	if ((r = target_init(&t, &names, session_env(s), why)) != OK)
		return r;
	w.kind = t.kind->id;
	w.at = w.start;
	do {
		if ((r = ask(&w, &found, &id, why)) != OK)
			break;
		/* A resource past the beginning was printed at first. */
		if (found && w.n > 0 && id_in_range(&w.at, &w.start, &id) &&
		    !id_eq(&w.at, &id))
			break;
		if (found && ++w.n > 0)
			print(&w, &id);
		more = advance(&w, &id);
	} while (more && !(one && found));
	target_clear(&t);
	return r != OK ? r : w.n == 0 ? ERR_NOT_FOUND : OK;
}
