/* SPDX-License-Identifier: ISC */
/* p2psip-del: store "does not exist" over a value.  RFC 6940 s7.4.1.3. */
#include "cli/opt.h"
#include "cli/write.h"

static struct target_opts names;
static bool verify;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-del", "[RESOURCE]",
		 "Remove a value: store that it does not exist."),
	OPT_TARGET(names),
	OPT_FLAG(0, "verify", &verify,
		 "ask two replicas before saying that it is gone"),
	OPT_COMMON,
	OPT_END,
};

/*
 * What is there says how long "does not exist" has to be kept: as long as the
 * value would have been, lest an old copy comes back.
 */
static enum err look(struct write *w, struct why *why)
{
	struct stored_data_specifier spec;
	struct command cmd = { .type = CMD_STAT,
			       .resource = w->target.resource,
			       .specifiers = &spec,
			       .n_specifiers = 1 };
	const struct stat_kind_response_list *l;
	const struct result *res;
	enum err r;

	if ((r = target_specifier(&w->target, &spec, &w->arena)) != OK ||
	    (r = session_run(w->session, &cmd, &res, why)) != OK)
		return r;
	l = &res->stat->kind_responses;
	for (uint32_t i = 0; i < l->n; i++)
		for (uint32_t v = 0; v < l->v[i].values.n; v++) {
			const struct stored_metadata *m = &l->v[i].values.v[v];

			if (!m->metadata.exists)
				continue;
			w->target.first = m->metadata.index;
			w->item.lifetime_s = m->lifetime;
			return OK;
		}
	return ERR_NOT_FOUND;
}

int main(int argc, char *argv[])
{
	struct write w = { .item.exists = false };
	struct why why = { "" };
	enum err r;

	argv = opt_parse(opts, 0, 1, argc, argv);
	if ((r = write_open(&w, &names, argv[0], &why)) != OK ||
	    (r = look(&w, &why)) != OK || (r = write_store(&w, &why)) != OK ||
	    (verify && (r = write_verify(&w, &why)) != OK))
		goto out;
	r = write_report(&w, &why);
out:
	if (r != OK)
		opt_warn(argv[0], r, why.text);
	write_close(&w);
	return err_exit(r);
}
