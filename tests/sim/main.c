/* SPDX-License-Identifier: ISC */
/*
 * The simulator: whole overlays under a virtual clock, from a seed.  Without
 * options it runs a short fixed set, as TAP; with --seed or --nodes one run,
 * whose first line repeats it.
 */
#include <getopt.h>
#include <stdlib.h>

#include "base/text.h"
#include "chaos.h"

/* The set of `make check`.  A seed that once found a bug stays here. */
static const struct chaos_options set[] = {
	{ .seed = 1, .nodes = 2, .rounds = 60 },
	{ .seed = 2, .nodes = 3, .rounds = 60 },
	{ .seed = 3, .nodes = 5, .rounds = 120 },
	{ .seed = 4, .nodes = 8, .rounds = 150, .kind = true },
	{ .seed = 5, .nodes = 10, .rounds = 150 },
	{ .seed = 6, .nodes = 16, .rounds = 150 },
	{ .seed = 7, .nodes = 24, .rounds = 200 },
	{ .seed = 8, .nodes = 40, .rounds = 200, .kind = true },
	/* Copies given up for good while a disk was full. */
	{ .seed = 1007,
	  .nodes = 12,
	  .rounds = 250,
	  .links = LINK_PROTOCOL_TLS },
	/* A node whose disk was full was admitted. */
	{ .seed = 4119, .nodes = 5, .rounds = 250, .links = LINK_PROTOCOL_TLS },
	{ .seed = 3037,
	  .nodes = 12,
	  .rounds = 250,
	  .links = LINK_PROTOCOL_TLS },
	/* A ConfigUpdate through a node that had sent no Update. */
	{ .seed = 3024,
	  .nodes = 12,
	  .rounds = 250,
	  .links = LINK_PROTOCOL_TLS },
	/* A copy refused while others were on their way was forgotten. */
	{ .seed = 23, .nodes = 23, .rounds = 200, .links = LINK_PROTOCOL_DTLS },
	/* All lost the ring, and a client kept them from finding it again. */
	{ .seed = 7210, .nodes = 5, .rounds = 250, .links = LINK_PROTOCOL_TLS },
};

/* By the bits of LINK_PROTOCOL_*. */
static const char *const links[] = { "seed", "tls", "dtls", "both" };

static void repeat_line(const struct chaos_options *o)
{
	printf("sim --seed %llu --nodes %u --rounds %u --links %s%s\n",
	       (unsigned long long)o->seed, o->nodes, o->rounds,
	       links[o->links], o->kind ? " --kind" : "");
	fflush(stdout);
}

static void report(const struct chaos_report *r)
{
	printf("# %llu s virtual, %llu events, %llu frames, %llu messages "
	       "checked, %llu stored, %llu refused, ring right after %llu s\n",
	       (unsigned long long)r->virtual_s,
	       (unsigned long long)r->n_events, (unsigned long long)r->n_frames,
	       (unsigned long long)r->n_messages,
	       (unsigned long long)r->n_stored,
	       (unsigned long long)r->n_refused,
	       (unsigned long long)r->settled_s);
	if (r->n_wrong != 0)
		printf("# %llu wrong, first: %s\n",
		       (unsigned long long)r->n_wrong, r->first);
	fflush(stdout);
}

static int run_set(void)
{
	size_t n = sizeof(set) / sizeof(set[0]);
	struct chaos_report r;
	int status = 0;

	printf("1..%zu\n", n);
	for (size_t i = 0; i < n; i++) {
		printf("# ");
		repeat_line(&set[i]);
		chaos_run(&set[i], &r);
		report(&r);
		if (r.n_wrong != 0)
			status = 1;
		printf("%s %zu - seed %llu, %u nodes\n",
		       r.n_wrong == 0 ? "ok" : "not ok", i + 1,
		       (unsigned long long)set[i].seed, set[i].nodes);
	}
	return status;
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

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },
		{ "nodes", required_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "links", required_argument, NULL, 'l' },
		{ "kind", no_argument, NULL, 'k' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 }
	};
	struct chaos_options o = { .seed = 1, .nodes = 20, .rounds = 200 };
	struct chaos_report r;
	int c;

	if (argc == 1)
		return run_set();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			o.seed = number(optarg, UINT64_MAX);
			break;
		case 'n':
			o.nodes = (uint32_t)number(optarg, 10000);
			break;
		case 'r':
			o.rounds = (uint32_t)number(optarg, 1000000);
			break;
		case 'l':
			o.links = links_of(optarg);
			break;
		case 'k':
			o.kind = true;
			break;
		case 'v':
			o.verbose = true;
			break;
		default:
			return 64;
		}
	}
	if (o.nodes < 2)
		o.nodes = 2;
	if (o.verbose) /* in order with what stderr says */
		setvbuf(stdout, NULL, _IOLBF, 0);
	repeat_line(&o);
	chaos_run(&o, &r);
	report(&r);
	return r.n_wrong == 0 ? 0 : 1;
}
