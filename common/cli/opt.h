/* SPDX-License-Identifier: ISC */
#ifndef CLI_OPT_H
#define CLI_OPT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/log.h"

/*
 * One table per tool holds its options; parsing, --help and the names that
 * tests compare with manual pages and completions come from it.
 */

enum opt_type {
	OPT_TYPE_END,
	OPT_TYPE_TOOL,    /* name, operands and purpose of the tool */
	OPT_TYPE_COMMAND, /* the same of one of its commands, for --help */
	OPT_TYPE_COMMON,  /* stands for the options that every tool has */
	OPT_TYPE_CONFIG,  /* stands for -c and --cacert */
	OPT_TYPE_FLAG,    /* bool */
	OPT_TYPE_COUNT,   /* int, one more each time */
	OPT_TYPE_STR,     /* const char *, the last one given */
	OPT_TYPE_LIST,    /* struct opt_list, every one given */
	OPT_TYPE_FILE     /* const char *, a file with options: a long name a
			     line, without dashes, then its argument; those of
			     the command line count for more */
};

enum { OPT_LIST_MAX = 64 };

struct opt_list {
	const char *v[OPT_LIST_MAX];
	size_t n;
};

struct opt {
	enum opt_type type;
	int letter;       /* 0: only a long name */
	const char *name; /* long name; TOOL: the tool's */
	const char *arg;  /* placeholder in --help; TOOL: the operands */
	void *value;      /* where it goes: see the types */
	const char *env;  /* variable that gives a default, or NULL; a list's is
			     split at commas */
	const char *help; /* one line */
};

#define OPT_TOOL(name, operands, purpose)                                      \
	{                                                                      \
		OPT_TYPE_TOOL, 0, name, operands, NULL, NULL, purpose          \
	}
#define OPT_COMMAND(name, operands, purpose)                                   \
	{                                                                      \
		OPT_TYPE_COMMAND, 0, name, operands, NULL, NULL, purpose       \
	}
#define OPT_COMMON                                                             \
	{                                                                      \
		OPT_TYPE_COMMON, 0, NULL, NULL, NULL, NULL, NULL               \
	}
#define OPT_CONFIG                                                             \
	{                                                                      \
		OPT_TYPE_CONFIG, 0, NULL, NULL, NULL, NULL, NULL               \
	}
#define OPT_FLAG(c, name, var, help)                                           \
	{                                                                      \
		OPT_TYPE_FLAG, c, name, NULL, var, NULL, help                  \
	}
#define OPT_STR(c, name, arg, var, help)                                       \
	{                                                                      \
		OPT_TYPE_STR, c, name, arg, var, NULL, help                    \
	}
#define OPT_LIST(c, name, arg, var, help)                                      \
	{                                                                      \
		OPT_TYPE_LIST, c, name, arg, var, NULL, help                   \
	}
#define OPT_FILE(c, name, arg, var, help)                                      \
	{                                                                      \
		OPT_TYPE_FILE, c, name, arg, var, NULL, help                   \
	}
#define OPT_END                                                                \
	{                                                                      \
		OPT_TYPE_END, 0, NULL, NULL, NULL, NULL, NULL                  \
	}

/* What OPT_COMMON and OPT_CONFIG set. */
struct opt_common {
	const char *overlay; /* -o, NULL: the only one in the home */
	const char *home;    /* -d, NULL: the default place */
	struct opt_list bootstrap;
	const char *user; /* -u, NULL: the only one */
	uint64_t timeout_us;
	bool json;
	bool quiet;
	int verbose;
	const char *config; /* -c */
	const char *cacert; /* --cacert */
};

extern struct opt_common opt_common;

enum { OPT_ANY = 1 << 20 }; /* as `max`: any number of operands */

/*
 * Parses the options, which come before the operands, and returns the operands.
 * --help and --version print and exit 0; misuse prints a line and exits 64, as
 * does a number of operands outside [min, max].
 */
char **opt_parse(const struct opt *opts, int min, int max, int argc,
		 char *argv[]);
/* The name of the running tool. */
const char *opt_tool(void);
/* "p2psip-get: SUBJECT: TEXT" on stderr; `subject` may be NULL. */
void opt_say(const char *subject, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* As opt_say, for an error: its text, then the words of the case, if any. */
void opt_warn(const char *subject, enum err r, const char *words);
/* opt_say unless -q; needs -v given at least `level` times (0: always). */
void opt_info(int level, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A one-shot tool's log: opt_say; errors, with -v what happens, with -vv the
 * messages too. */
struct log_sink opt_log(void);
/* Misuse found after parsing: prints it with a hint at --help, exits 64. */
_Noreturn void opt_usage(const char *fmt, ...)
	__attribute__((format(printf, 1, 2)));

#endif
