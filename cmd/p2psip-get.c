/* SPDX-License-Identifier: ISC */
/* p2psip-get: fetch what is stored under a name.  RFC 6940 s7.4.2, s7.4.3. */
#include "cli/opt.h"
#include "cli/portions.h"
#include "cli/print.h"
#include "cli/session.h"

static struct target_opts names;
static bool stat_only, all, raw;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-get", "[RESOURCE...]",
		 "Fetch what is stored under a name."),
	OPT_TARGET(names),
	OPT_FLAG(0, "stat", &stat_only,
		 "print length, times, generation and hash, not the value"),
	OPT_FLAG(0, "all", &all, "values of every kind of the overlay"),
	OPT_FLAG(0, "raw", &raw,
		 "print the bytes of all values, one after the "
		 "other"),
	OPT_COMMON,
	OPT_END,
};

struct get {
	struct session *session;
	struct out out;
	struct print print;
	struct target target;
	struct arena arena;
	size_t n; /* values of the resource at hand */
	bool partial;
};

/* One specifier, or with --all one a Kind. */
static enum err specify(struct get *g, struct command *cmd)
{
	const struct kinds *ks = &session_env(g->session)->overlay->kinds;
	struct target t = g->target;
	enum err r = OK;

	cmd->n_specifiers = all ? ks->n : 1;
	cmd->specifiers = arena_zalloc(&g->arena, cmd->n_specifiers,
				       sizeof(*cmd->specifiers));
	if (cmd->specifiers == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < cmd->n_specifiers && r == OK; i++) {
		if (all)
			t.kind = &ks->v[i];
		r = target_specifier(&t, &cmd->specifiers[i], &g->arena);
	}
	return r;
}

static enum err print(void *ctx, const struct result *res, struct why *why)
{
	struct get *g = ctx;
	size_t n = 0;
	enum err r;

	(void)why;
	g->print.overlay = session_env(g->session)->overlay;
	g->print.wire = session_wire(g->session);
	r = stat_only ? print_stat(&g->out, &g->print, res, &n)
		      : print_fetch(&g->out, &g->print, res, &n);
	g->n += n;
	g->partial |= res->partial;
	return r;
}

static enum err get_one(struct get *g, const char *name, struct why *why)
{
	struct command cmd = { .type = stat_only ? CMD_STAT : CMD_FETCH };
	size_t start = g->out.buf.len;
	enum err r;

	g->n = g->partial = 0;
	if ((r = target_resource(&g->target, &names, name,
				 session_env(g->session), why)) != OK)
		return r;
	cmd.resource = g->target.resource;
	g->print.resource = name;
	if (name == NULL)
		g->print.resource = session_env(g->session)->signer->cert->user;
	if ((r = specify(g, &cmd)) != OK ||
	    (r = portions_fetch(g->session, &cmd, &g->arena, print, g, why)) !=
		    OK) {
		g->out.buf.len = start; /* of a resource all or nothing */
		return r;
	}
	if (g->partial)
		return why_err(why, ERR_PARTIAL, "%zu did", g->n);
	return g->n == 0 ? ERR_NOT_FOUND : OK;
}

/* Is what is asked for one value, whose bytes are printed as they are? */
static bool one_value(const struct get *g, bool several)
{
	const struct target *t = &g->target;

	if (several || all)
		return false;
	switch (t->kind->model) {
	case MODEL_ARRAY:
		return t->has_index && t->first == t->last;
	case MODEL_DICTIONARY:
		return t->has_key;
	case MODEL_SINGLE:
		break;
	}
	return true;
}

int main(int argc, char *argv[])
{
	struct get g = { .arena = ARENA_INIT(1 << 20) };
	struct why why = { "" };
	enum err r, first = OK;
	const char *name = NULL;

	argv = opt_parse(opts, 0, OPT_ANY, argc, argv);
	out_init(&g.out);
	if ((r = session_open(&g.session, &why)) != OK ||
	    (r = target_init(&g.target, &names, session_env(g.session),
			     &why)) != OK)
		goto out;
	g.print.label = argv[0] != NULL && argv[1] != NULL;
	g.print.single = one_value(&g, g.print.label);
	g.print.raw = raw;
	g.print.json = opt_common.json;
	do {
		name = argv[0];
		why.text[0] = '\0';
		if ((r = get_one(&g, name, &why)) == OK)
			continue;
		opt_warn(name, r, why.text);
		first = first == OK ? r : first;
	} while (argv[0] != NULL && *++argv != NULL);
	name = NULL;
	why.text[0] = '\0';
	r = out_finish(&g.out, &why);
out:
	if (r != OK)
		opt_warn(name, r, why.text);
	target_clear(&g.target);
	out_clear(&g.out);
	arena_free(&g.arena);
	session_close(g.session);
	return err_exit(first != OK ? first : r);
}
