/* SPDX-License-Identifier: ISC */
/* p2psip-overlay(8): make, sign, check and serve an overlay.  RFC 6940 s11. */
#include <getopt.h>
#include <string.h>

#include "cli/operate.h"

#define OPT_DIR                                                                \
	OPT_STR(0, "dir", "DIR", &operate_options.dir, "the overlay's folder")
#define TOOL "p2psip-overlay"
#define OPT_TOOL_COMMAND(name, operands, purpose)                              \
	OPT_TOOL(TOOL " " name, operands, purpose)

/* A line of the tool's --help, and the first of the command's own. */
#define INIT(USE)    USE("init", "NAME", "Make an overlay.")
#define SERVE(USE)   USE("serve", "", "Serve the document and enrollment.")
#define SIGN(USE)    USE("sign", "", "Sign the document again.")
#define CHECK(USE)   USE("check", "[FILE|URL]", "Check a document.")
#define ADDUSER(USE) USE("adduser", "NAME", "Add an account.")
#define REVOKE(USE)                                                            \
	USE("revoke", "NAME|NODEID",                                           \
	    "Disable an account, or list a node as bad.")

static const struct opt tool_opts[] = {
	OPT_TOOL(TOOL, "COMMAND ...",
		 "Make, sign, check and serve an overlay."),
	INIT(OPT_COMMAND),
	SERVE(OPT_COMMAND),
	SIGN(OPT_COMMAND),
	CHECK(OPT_COMMAND),
	ADDUSER(OPT_COMMAND),
	REVOKE(OPT_COMMAND),
	OPT_COMMON,
	OPT_CONFIG,
	OPT_END,
};

static const struct opt init_opts[] = {
	INIT(OPT_TOOL_COMMAND),
	OPT_DIR,
	OPT_STR(0, "serve", "ADDR:PORT", &operate_options.serve,
		"where the enrollment server will be, default 127.0.0.1:8443"),
	OPT_STR(0, "key", "TYPE", &operate_options.key_type,
		"p256 (default), rsa2048 or ed25519"),
	OPT_STR(0, "link", "KIND", &operate_options.link,
		"links are tls, dtls or both (default)"),
	OPT_FLAG(0, "self-signed", &operate_options.self_signed,
		 "permit certificates that nodes sign themselves"),
	OPT_COMMON,
	OPT_END,
};

static const struct opt serve_opts[] = {
	SERVE(OPT_TOOL_COMMAND),
	OPT_DIR,
	OPT_STR('l', "listen", "ADDR:PORT", &operate_options.listen,
		"serve here, not where the document says"),
	OPT_STR(0, "lifetime", "TIME", &operate_options.lifetime,
		"of the certificates issued, default 90d"),
	OPT_COMMON,
	OPT_END,
};

static const struct opt sign_opts[] = {
	SIGN(OPT_TOOL_COMMAND),
	OPT_DIR,
	OPT_STR(0, "expires", "TIME", &operate_options.expires,
		"the document ends in 12h, 90d, ...; default: as it says"),
	OPT_COMMON,
	OPT_END,
};

static const struct opt check_opts[] = {
	CHECK(OPT_TOOL_COMMAND),
	OPT_CONFIG,
	OPT_COMMON,
	OPT_END,
};

static const struct opt user_opts[] = {
	ADDUSER(OPT_TOOL_COMMAND),
	OPT_DIR,
	OPT_STR('p', "password-file", "PASSFILE",
		&operate_options.password_file,
		"read the password from its first line"),
	OPT_COMMON,
	OPT_END,
};

static const struct opt revoke_opts[] = {
	REVOKE(OPT_TOOL_COMMAND),
	OPT_DIR,
	OPT_COMMON,
	OPT_END,
};

static const struct command {
	const char *name;
	const struct opt *opts;
	int min, max; /* operands */
	enum err (*run)(char *operands[]);
} commands[] = {
	{ "init", init_opts, 1, 1, operate_init },
	{ "serve", serve_opts, 0, 0, operate_serve },
	{ "sign", sign_opts, 0, 0, operate_sign },
	{ "check", check_opts, 0, 1, operate_check },
	{ "adduser", user_opts, 1, 1, operate_add_user },
	{ "revoke", revoke_opts, 1, 1, operate_revoke },
};

int main(int argc, char *argv[])
{
	char **rest = opt_parse(tool_opts, 1, OPT_ANY, argc, argv);
	const struct command *c = commands;
	const struct command *end = c + sizeof(commands) / sizeof(*c);

	while (c < end && strcmp(c->name, rest[0]) != 0)
		c++;
	if (c == end)
		opt_usage("there is no command '%s'", rest[0]);
	optind = 0; /* the command's own options */
	rest = opt_parse(c->opts, c->min, c->max, argc - (int)(rest - argv),
			 rest);
	return err_exit(c->run(rest));
}
