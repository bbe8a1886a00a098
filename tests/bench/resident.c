/* SPDX-License-Identifier: ISC */
/*
 * A client that stays: stores and fetches one value over one connection.
 *
 *	resident [options] rate SECONDS	    for every line on stdin, that long:
 *					    prints operations a second
 *	resident [options] fetch N	    N fetches, as fast as they go
 *	resident [options] latency MS	    a fetch every so often until stdin
 *					    ends: prints how long they took
 *	resident [options] stores MS	    the same of stores
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/session.h"

static const struct opt opts[] = {
	OPT_TOOL("resident", "rate SECONDS | fetch N | latency MS | stores MS",
		 "Store and fetch over one connection."),
	OPT_COMMON,
	OPT_END,
};

struct resident {
	struct session *session;
	struct target target;
	struct arena arena;
	uint8_t value[1024];
};

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void must(enum err r, const struct why *why)
{
	if (r == OK)
		return;
	opt_warn(NULL, r, why->text);
	exit(err_exit(r));
}

static void store(struct resident *r)
{
	struct store_item item = { .kind = r->target.kind->id,
				   .exists = true,
				   .value = { r->value, sizeof(r->value) },
				   .lifetime_s = 3600 };
	struct command c = { .type = CMD_STORE,
			     .resource = r->target.resource,
			     .items = &item,
			     .n_items = 1 };
	const struct result *res;
	struct why why = { "" };

	r->value[0]++;
	must(session_run(r->session, &c, &res, &why), &why);
}

static void fetch(struct resident *r)
{
	struct stored_data_specifier s;
	struct command c = { .type = CMD_FETCH,
			     .resource = r->target.resource,
			     .specifiers = &s,
			     .n_specifiers = 1 };
	const struct result *res;
	struct why why = { "" };

	arena_reset(&r->arena);
	must(target_specifier(&r->target, &s, &r->arena), &why);
	must(session_run(r->session, &c, &res, &why), &why);
}

static void rate(struct resident *r, double seconds)
{
	double start, end;
	unsigned n;
	char line[16];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		start = now_s();
		for (n = 0; (end = now_s()) < start + seconds; n += 2) {
			store(r);
			fetch(r);
		}
		printf("%.1f\n", n / (end - start));
		fflush(stdout);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void latency(struct resident *r, void (*ask)(struct resident *),
		    const char *what, int pause_ms)
{
	struct pollfd in = { .fd = 0, .events = POLLIN };
	double *v = NULL, start;
	size_t n = 0;

	do {
		v = reallocarray(v, n + 1, sizeof(*v));
		must(v == NULL ? ERR_NOMEM : OK, &(struct why){ "" });
		start = now_s();
		ask(r);
		v[n++] = 1000 * (now_s() - start);
	} while (poll(&in, 1, pause_ms) == 0);
	qsort(v, n, sizeof(*v), by_size);
	printf("{\"%s\": %zu, \"p50_ms\": %.1f, \"p99_ms\": %.1f,"
	       " \"most_ms\": %.1f}\n",
	       what, n, v[n / 2], v[n * 99 / 100], v[n - 1]);
	free(v);
}

int main(int argc, char *argv[])
{
	struct resident r = { .arena = ARENA_INIT(1 << 20) };
	struct target_opts names = { 0 };
	struct why why = { "" };
	uint64_t n;

	argv = opt_parse(opts, 2, 2, argc, argv);
	must(text_u64(&n, argv[1], 1, 100000000), &why);
	must(session_open(&r.session, &why), &why);
	must(target_init(&r.target, &names, session_env(r.session), &why),
	     &why);
	must(target_resource(&r.target, &names, NULL, session_env(r.session),
			     &why),
	     &why);
	if (strcmp(argv[0], "rate") == 0)
		rate(&r, (double)n);
	else if (strcmp(argv[0], "latency") == 0)
		latency(&r, fetch, "fetches", (int)n);
	else if (strcmp(argv[0], "stores") == 0)
		latency(&r, store, "stores", (int)n);
	else
		for (store(&r); n > 0; n--)
			fetch(&r);
	target_clear(&r.target);
	session_close(r.session);
	arena_free(&r.arena);
	return 0;
}
