/* SPDX-License-Identifier: ISC */
/*
 * The simulator: whole overlays under a virtual clock, from a seed.  With
 * --seed, --nodes and so on one run, whose first line repeats it; with the name
 * of a file the runs of its lines, as TAP.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "chaos.h"

enum { LINE_MAX_LEN = 200, WORDS_MAX = 16 };

/* By the bits of LINK_PROTOCOL_*. */
static const char *const links[] = { "seed", "tls", "dtls", "both" };

static void repeat_line(const struct chaos_options *o)
{
	printf("sim --seed %llu --nodes %u --rounds %u --links %s",
	       (unsigned long long)o->seed, o->nodes, o->rounds,
	       links[o->links]);
	if (o->loss_permille != 0)
		printf(" --loss %u", o->loss_permille);
	printf("%s%s%s\n", o->brief ? " --brief" : "",
	       o->dwindle ? " --dwindle" : "", o->kind ? " --kind" : "");
	fflush(stdout);
}

static void report(const struct chaos_report *r)
{
	printf("# %llu s virtual, %llu events, %llu frames, %llu messages "
	       "checked, %llu stored, %llu refused, %llu written, %llu "
	       "fetched, "
	       "%llu strictly, ring right after %llu s\n",
	       (unsigned long long)r->virtual_s,
	       (unsigned long long)r->n_events, (unsigned long long)r->n_frames,
	       (unsigned long long)r->n_messages,
	       (unsigned long long)r->n_stored,
	       (unsigned long long)r->n_refused,
	       (unsigned long long)r->n_values,
	       (unsigned long long)r->n_fetched,
	       (unsigned long long)r->n_strict,
	       (unsigned long long)r->settled_s);
	if (r->n_wrong != 0)
		printf("# %llu wrong, first: %s\n",
		       (unsigned long long)r->n_wrong, r->first);
	fflush(stdout);
}

static uint64_t number(const char *text, uint64_t max)
{
	uint64_t v;

	if (text_u64(&v, text, 0, max) == OK)
		return v;
	fprintf(stderr, "sim: %s: not a number up to %llu\n", text,
		(unsigned long long)max);
	exit(64);
}

static uint8_t links_of(const char *name)
{
	for (uint8_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (strcmp(name, links[i]) == 0)
			return i;
	fprintf(stderr, "sim: %s: not tls, dtls, both or seed\n", name);
	exit(64);
}

static int parse(int argc, char *argv[], struct chaos_options *o)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "links", required_argument, NULL, 'l' },
		{ "brief", no_argument, NULL, 'b' },
		{ "dwindle", no_argument, NULL, 'd' },
		{ "loss", required_argument, NULL, 'p' },
		{ "kind", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	*o = (struct chaos_options){ .seed = 1, .nodes = 20, .rounds = 200 };
	optind = 0; /* from the start, for every line of a set */
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			o->seed = number(optarg, UINT64_MAX);
			break;
		case 'n':
			o->nodes = (uint32_t)number(optarg, 10000);
			break;
		case 'r':
			o->rounds = (uint32_t)number(optarg, 1000000);
			break;
		case 'l':
			o->links = links_of(optarg);
			break;
		case 'b':
			o->brief = true;
			break;
		case 'd':
			o->dwindle = true;
			break;
		case 'p':
			o->loss_permille = (uint32_t)number(optarg, 999);
			break;
		case 'k':
			o->kind = true;
			break;
		case 'v':
			o->trace = stdout;
			break;
		default:
			exit(64);
		}
	}
	if (o->nodes < 2)
		o->nodes = 2;
	return optind;
}

/* ---- a set of runs ---- */

/* A line as a run prints it first: "sim --seed 7 ..."; false for a comment. */
static bool line_parse(char *line, struct chaos_options *o)
{
	char *words[WORDS_MAX], *save = NULL;
	int n = 0;

	for (char *w = strtok_r(line, " \n", &save); w != NULL && n < WORDS_MAX;
	     w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	if (n == 0 || words[0][0] == '#')
		return false;
	words[n < WORDS_MAX ? n : WORDS_MAX - 1] = NULL;
	(void)parse(n < WORDS_MAX ? n : WORDS_MAX - 1, words, o);
	return true;
}

static bool run_line(const struct chaos_options *o, unsigned n)
{
	struct chaos_report r;

	printf("# ");
	repeat_line(o);
	chaos_run(o, &r);
	report(&r);
	printf("%s %u - seed %llu, %u nodes\n",
	       r.n_wrong == 0 ? "ok" : "not ok", n, (unsigned long long)o->seed,
	       o->nodes);
	fflush(stdout);
	return r.n_wrong == 0;
}

/* The plan first: a run that crashes leaves its tests without end. */
static int run_set(const char *name)
{
	char line[LINE_MAX_LEN];
	struct chaos_options o;
	FILE *f = fopen(name, "r");
	unsigned n = 0;
	int status = 0;

	if (f == NULL) {
		perror(name);
		return 66;
	}
	while (fgets(line, sizeof(line), f) != NULL)
		n += line_parse(line, &o);
	printf("1..%u\n", n);
	rewind(f);
	n = 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (line_parse(line, &o) && !run_line(&o, ++n))
			status = 1;
	fclose(f);
	return status;
}

int main(int argc, char *argv[])
{
	struct chaos_options o;
	struct chaos_report r;
	int rest = parse(argc, argv, &o);

	if (rest < argc)
		return run_set(argv[rest]);
	if (o.trace != NULL) /* in order with what stderr says */
		setvbuf(stdout, NULL, _IOLBF, 0);
	repeat_line(&o);
	chaos_run(&o, &r);
	report(&r);
	return r.n_wrong == 0 ? 0 : 1;
}
