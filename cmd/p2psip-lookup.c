/* SPDX-License-Identifier: ISC */
/* p2psip-lookup: SIP address of record -> contacts or routes, RFC 7904 s4;
 * which resources hold something of a Kind, RFC 6940 s7.4.4. */
#include "cli/contacts.h"
#include "cli/opt.h"
#include "cli/walk.h"

static struct contacts_opts how;
static bool all;
static const char *kind, *near;

static const struct opt opts[] = {
	OPT_TOOL("p2psip-lookup", "[AOR...]",
		 "Find the contacts, or routes, of a SIP address."),
	OPT_FLAG('r', "route", &how.routes,
		 "print destination lists, not contacts"),
	OPT_FLAG('a', "all", &all, "go on past the first AOR that has any"),
	OPT_FLAG('1', "best", &how.best, "print the best one only"),
	OPT_FLAG(0, "uri", &how.whole_uri,
		 "print URIs as they are stored, with parameters"),
	OPT_FLAG(0, "connect", &how.connect,
		 "have the peer of the best route connect, print its address"),
	OPT_STR('k', "kind", "KIND", &kind,
		"with --near: the kind to look for, by name or number"),
	OPT_STR(0, "near", "RESOURCE-ID", &near,
		"walk the ring from here, print Resource-IDs with that kind"),
	OPT_COMMON,
	OPT_END,
};

/* Every AOR, or up to the first that has any. */
static enum err lookup(struct session *s, struct out *o, char *const *aor)
{
	enum err r, first = OK;
	struct why why;

	for (; *aor != NULL; aor++) {
		why.text[0] = '\0';
		r = contacts_print(s, o, *aor, &how, &why);
		if (r == OK && !all)
			return OK;
		if (r != OK)
			opt_warn(*aor, r, why.text);
		first = first == OK ? r : first;
	}
	return first;
}

int main(int argc, char *argv[])
{
	struct session *s = NULL;
	struct why why = { "" };
	struct out out;
	enum err r, answer = OK;

	argv = opt_parse(opts, 0, OPT_ANY, argc, argv);
	if ((near != NULL) == (argv[0] != NULL))
		opt_usage("AOR or --near wanted, not both");
	if (how.connect && (near != NULL || how.routes || how.whole_uri))
		opt_usage("--connect goes with none of -r, --uri and --near");
	if ((near != NULL) != (kind != NULL))
		opt_usage("--kind goes with --near");
	out_init(&out);
	if ((r = session_open(&s, &why)) != OK)
		goto out;
	if (near == NULL)
		answer = lookup(s, &out, argv);
	else if ((r = walk_print(s, &out, kind, near, how.best, &why)) != OK)
		goto out;
	r = out_finish(&out, &why);
out:
	if (r != OK)
		opt_warn(near, r, why.text);
	out_clear(&out);
	session_close(s);
	return err_exit(answer != OK ? answer : r);
}
