/* SPDX-License-Identifier: ISC */
/*
 * Options from tables: what every tool has, parsing, --help, and the shape of
 * the lines on stderr.  Owns what the common options set; knows no tool.
 */
#include "cli/opt.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/text.h"
#include "config.h"

enum { OPTS_MAX = 64, COMMANDS_MAX = 16, HELP_COLUMN = 30, MESSAGE_MAX = 4096 };

struct opt_common opt_common = { .timeout_us = 15000000 };

static const char *timeout_text;
static bool want_help, want_version;
static const char *tool_name = "p2psip";

static const struct opt common_opts[] = {
	{ OPT_TYPE_STR, 'o', "overlay", "NAME", &opt_common.overlay,
	  "P2PSIP_OVERLAY", "overlay to use, where the home holds several" },
	{ OPT_TYPE_STR, 'd', "home", "DIR", &opt_common.home, "P2PSIP_HOME",
	  "where configuration and certificates are kept" },
	{ OPT_TYPE_LIST, 'b', "bootstrap", "HOST[:PORT]", &opt_common.bootstrap,
	  "P2PSIP_BOOTSTRAP",
	  "connect here, not to the document's bootstrap nodes; repeatable" },
	{ OPT_TYPE_STR, 'u', "user", "NAME", &opt_common.user, "P2PSIP_USER",
	  "identity to use, where the home holds several" },
	{ OPT_TYPE_STR, 'T', "timeout", "SECONDS", &timeout_text,
	  "P2PSIP_TIMEOUT", "deadline of the whole run, default 15" },
	{ OPT_TYPE_FLAG, 'j', "json", NULL, &opt_common.json, NULL,
	  "print one JSON object a line" },
	{ OPT_TYPE_FLAG, 'q', "quiet", NULL, &opt_common.quiet, NULL,
	  "print errors only" },
	{ OPT_TYPE_COUNT, 'v', "verbose", NULL, &opt_common.verbose, NULL,
	  "say what happens; twice: each message sent and received" },
	{ OPT_TYPE_FLAG, 'h', "help", NULL, &want_help, NULL,
	  "print this help" },
	{ OPT_TYPE_FLAG, 'V', "version", NULL, &want_version, NULL,
	  "print the version" },
	OPT_END,
};

static const struct opt config_opts[] = {
	{ OPT_TYPE_STR, 'c', "config", "FILE|URL", &opt_common.config,
	  "P2PSIP_CONFIG", "the overlay's configuration document" },
	{ OPT_TYPE_STR, 0, "cacert", "FILE", &opt_common.cacert, NULL,
	  "trust this root certificate (PEM) for HTTPS" },
	OPT_END,
};

/* The table with COMMON and CONFIG spelled out; the tool's own come first. */
struct flat {
	const struct opt *tool;
	const struct opt *commands[COMMANDS_MAX];
	size_t n_commands;
	const struct opt *v[OPTS_MAX];
	size_t n;
};

static void flatten(struct flat *f, const struct opt *opts)
{
	for (; opts->type != OPT_TYPE_END; opts++) {
		if (opts->type == OPT_TYPE_TOOL)
			f->tool = opts;
		else if (opts->type == OPT_TYPE_COMMAND &&
			 f->n_commands < COMMANDS_MAX)
			f->commands[f->n_commands++] = opts;
		else if (opts->type == OPT_TYPE_COMMON)
			flatten(f, common_opts);
		else if (opts->type == OPT_TYPE_CONFIG)
			flatten(f, config_opts);
		else if (f->n < OPTS_MAX)
			f->v[f->n++] = opts;
	}
}

static bool takes_arg(const struct opt *o)
{
	return o->type == OPT_TYPE_STR || o->type == OPT_TYPE_LIST ||
	       o->type == OPT_TYPE_FILE;
}

static void help_commands(const struct flat *f)
{
	char left[80];

	if (f->n_commands == 0)
		return;
	printf("Commands, each with options and a --help of its own:\n");
	for (size_t i = 0; i < f->n_commands; i++) {
		snprintf(left, sizeof(left), "  %s %s", f->commands[i]->name,
			 f->commands[i]->arg);
		printf("%-*s%s\n", HELP_COLUMN, left, f->commands[i]->help);
	}
	printf("\n");
}

static void help(const struct flat *f)
{
	char left[80], letter[8];

	printf("usage: %s [options]%s%s\n%s\n\n", f->tool->name,
	       *f->tool->arg ? " " : "", f->tool->arg, f->tool->help);
	help_commands(f);
	for (size_t i = 0; i < f->n; i++) {
		const struct opt *o = f->v[i];

		snprintf(letter, sizeof(letter), o->letter ? "-%c, " : "    ",
			 o->letter);
		snprintf(left, sizeof(left), "  %s--%s%s%s", letter, o->name,
			 takes_arg(o) ? " " : "", takes_arg(o) ? o->arg : "");
		printf("%-*s%s%s%s%s%s\n", HELP_COLUMN, left,
		       strlen(left) >= HELP_COLUMN ? "  " : "", o->help,
		       o->env != NULL ? " [" : "", o->env != NULL ? o->env : "",
		       o->env != NULL ? "]" : "");
	}
	printf("\nExit status: 0 done, 1 the overlay says no, others as in "
	       "p2psip(7).\n");
}

static void add(const struct opt *o, const char *text)
{
	struct opt_list *list = o->value;

	switch (o->type) {
	case OPT_TYPE_FLAG:
		*(bool *)o->value = true;
		break;
	case OPT_TYPE_COUNT:
		++*(int *)o->value;
		break;
	case OPT_TYPE_STR:
	case OPT_TYPE_FILE:
		*(const char **)o->value = text;
		break;
	case OPT_TYPE_LIST:
		if (list->n == OPT_LIST_MAX)
			opt_usage("--%s: at most %d of them", o->name,
				  OPT_LIST_MAX);
		list->v[list->n++] = text;
		break;
	default:
		break;
	}
}

/* An earlier parse, of what comes before a command's name, may have set it. */
static bool is_set(const struct opt *o)
{
	if (o->type == OPT_TYPE_LIST)
		return ((const struct opt_list *)o->value)->n > 0;
	return o->type == OPT_TYPE_STR && *(const char **)o->value != NULL;
}

/* What the environment gives where the command line gave nothing. */
static void defaults(const struct flat *f, const bool given[])
{
	for (size_t i = 0; i < f->n; i++) {
		const struct opt *o = f->v[i];
		const char *env = o->env != NULL ? getenv(o->env) : NULL;
		char *list, *item;

		if (given[i] || is_set(o) || env == NULL || *env == '\0')
			continue;
		if (o->type != OPT_TYPE_LIST) {
			add(o, env);
			continue;
		}
		/* Lives as long as the process: the options point into it. */
		list = strdup(env);
		while (list != NULL && (item = strsep(&list, ",")) != NULL)
			if (*item != '\0')
				add(o, item);
	}
}

/* One line of a file of options: where the command line gave nothing. */
static void file_line(const struct flat *f, const bool given[], bool in_file[],
		      char *line, const char *path, unsigned number)
{
	char *name, *arg = line;
	size_t i = 0;

	line[strcspn(line, "#\n")] = '\0';
	for (i = strlen(line); i > 0 && strchr(" \t\r", line[i - 1]); i--)
		line[i - 1] = '\0';
	arg += strspn(arg, " \t");
	if (*arg == '\0')
		return;
	name = strsep(&arg, " \t");
	arg = arg == NULL ? NULL : arg + strspn(arg, " \t");
	for (i = 0; i < f->n && strcmp(f->v[i]->name, name) != 0; i++)
		;
	if (i == f->n || f->v[i]->type == OPT_TYPE_FILE)
		opt_usage("%s:%u: unknown option '%s'", path, number, name);
	if (takes_arg(f->v[i]) != (arg != NULL))
		opt_usage("%s:%u: %s %s argument", path, number, name,
			  arg == NULL ? "needs an" : "takes no");
	if (given[i])
		return;
	/* Lives as long as the process: the option points into it. */
	add(f->v[i], arg == NULL ? NULL : strdup(arg));
	in_file[i] = true;
}

static void read_file(const struct flat *f, bool given[], const char *path)
{
	bool in_file[OPTS_MAX] = { false };
	FILE *in = fopen(path, "re");
	unsigned number = 0;
	char *line = NULL;
	size_t cap = 0;

	if (in == NULL) {
		opt_say(path, "%s", strerror(errno));
		exit(EX_NOINPUT);
	}
	while (getline(&line, &cap, in) >= 0)
		file_line(f, given, in_file, line, path, ++number);
	free(line);
	fclose(in);
	for (size_t i = 0; i < f->n; i++)
		given[i] = given[i] || in_file[i];
}

static void read_files(const struct flat *f, bool given[])
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i]->type == OPT_TYPE_FILE && given[i])
			read_file(f, given, *(const char **)f->v[i]->value);
}

static void build(const struct flat *f, char *letters, struct option *longs)
{
	*letters++ = '+'; /* options before operands */
	*letters++ = ':';
	for (size_t i = 0; i < f->n; i++) {
		const struct opt *o = f->v[i];

		longs[i] = (struct option){ o->name, takes_arg(o), NULL,
					    1000 + (int)i };
		if (o->letter == 0)
			continue;
		*letters++ = (char)o->letter;
		if (takes_arg(o))
			*letters++ = ':';
	}
	*letters = '\0';
}

static size_t find(const struct flat *f, int c)
{
	for (size_t i = 0; i < f->n; i++)
		if (c == 1000 + (int)i ||
		    (f->v[i]->letter != 0 && c == f->v[i]->letter))
			return i;
	return f->n;
}

static void read_all(const struct flat *f, int argc, char *argv[], bool given[])
{
	struct option longs[OPTS_MAX + 1] = { 0 };
	char letters[2 * OPTS_MAX + 3];
	int c;
	size_t i;

	build(f, letters, longs);
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (c == ':')
			opt_usage("%s needs an argument", argv[optind - 1]);
		i = find(f, c);
		if (i == f->n && optopt != 0 && optopt < 1000)
			opt_usage("unknown option -%c", optopt);
		if (i == f->n)
			opt_usage("unknown option %s", argv[optind - 1]);
		given[i] = true;
		add(f->v[i], optarg);
	}
}

/* An assertion has failed and said so: the status tells a bug from a mistake.
 */
static void on_abort(int signum)
{
	(void)signum;
	_exit(EX_SOFTWARE);
}

/* A standard descriptor that is closed is held by something that can be neither
 * read nor written as it should, lest a file or socket gets its number. */
static void hold_standard(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode) != fd)
			exit(EX_OSERR);
	}
}

char **opt_parse(const struct opt *opts, int min, int max, int argc,
		 char *argv[])
{
	struct flat f = { 0 };
	bool given[OPTS_MAX] = { false };
	int n;

	hold_standard();
	signal(SIGABRT, on_abort);
	flatten(&f, opts);
	tool_name = f.tool->name;
	read_all(&f, argc, argv, given);
	read_files(&f, given);
	defaults(&f, given);
	if (want_help || want_version) {
		if (want_help)
			help(&f);
		else
			printf("%s %s\n", tool_name, PACKAGE_VERSION);
		exit(fflush(stdout) == 0 ? EX_OK : EX_CANTCREAT);
	}
	if (timeout_text != NULL &&
	    text_seconds_us(&opt_common.timeout_us, timeout_text) != OK)
		opt_usage("--timeout: '%s' is not a number of seconds",
			  timeout_text);
	n = argc - optind;
	if (n < min)
		opt_usage("%s missing", f.tool->arg);
	if (n > max)
		opt_usage("too many operands: '%s'%s", argv[optind + max],
			  argv[optind + max][0] == '-'
				  ? " (options come before operands)"
				  : "");
	return argv + optind;
}

const char *opt_tool(void)
{
	return tool_name;
}

__attribute__((format(printf, 2, 0))) static void say(const char *subject,
						      const char *fmt,
						      va_list ap)
{
	char text[MESSAGE_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap); /* cut, if need be */
	/* The tool, without the command of it that runs.  A line is one write:
	 * several tools may share stderr. */
	fprintf(stderr, "%.*s: %s%s%s\n", (int)strcspn(tool_name, " "),
		tool_name, subject != NULL ? subject : "",
		subject != NULL ? ": " : "", text);
}

void opt_say(const char *subject, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(subject, fmt, ap);
	va_end(ap);
}

void opt_warn(const char *subject, enum err r, const char *words)
{
	if (words != NULL && *words != '\0')
		opt_say(subject, "%s: %s", err_text(r), words);
	else
		opt_say(subject, "%s", err_text(r));
}

void opt_info(int level, const char *fmt, ...)
{
	va_list ap;

	if (opt_common.quiet || opt_common.verbose < level)
		return;
	va_start(ap, fmt);
	say(NULL, fmt, ap);
	va_end(ap);
}

static void write_log(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	opt_say(NULL, "%s", line);
}

struct log_sink opt_log(void)
{
	return (struct log_sink){ write_log, NULL,
				  opt_common.verbose > 1    ? LOG_MESSAGES
				  : opt_common.verbose == 1 ? LOG_INFO
							    : LOG_ERROR };
}

void opt_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(NULL, fmt, ap);
	va_end(ap);
	fprintf(stderr, "Try '%s --help'.\n", tool_name);
	exit(EX_USAGE);
}
