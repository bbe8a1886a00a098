/* SPDX-License-Identifier: ISC */
/*
 * Runs two commands in turn, many times, and compares how long each takes from
 *its start to its end:
 *
 *	pairs N COMMAND [ARG...] -- COMMAND [ARG...]
 *
 * Prints JSON: microseconds at the 50th and 99th percentile of both, and the
 *first over the second.  What the commands print is thrown away; a failure ends
 *all.
 */
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

enum { WARM = 10 };

extern char **environ;

static void fail(const char *what)
{
	fprintf(stderr, "pairs: %s\n", what);
	exit(1);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint64_t run(char *argv[], const posix_spawn_file_actions_t *quiet)
{
	uint64_t start = now_us();
	pid_t pid;
	int status;

	if (posix_spawn(&pid, argv[0], quiet, NULL, argv, environ) != 0)
		fail(argv[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) != 0)
		fail(argv[0]);
	return now_us() - start;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
	posix_spawn_file_actions_t quiet;
	char **second;
	uint64_t *v[2];
	size_t n, p99;

	n = argc > 4 ? strtoul(argv[1], NULL, 10) : 0;
	for (second = argv + 2; n > 0 && *second != NULL; second++)
		if (strcmp(*second, "--") == 0)
			break;
	if (n == 0 || *second == NULL || second[1] == NULL)
		fail("usage: pairs N COMMAND [ARG...] -- COMMAND [ARG...]");
	*second++ = NULL;
	v[0] = calloc(n, sizeof(*v[0]));
	v[1] = calloc(n, sizeof(*v[1]));
	if (v[0] == NULL || v[1] == NULL)
		fail("out of memory");
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, 1, "/dev/null", O_WRONLY, 0);
	for (size_t i = 0; i < WARM + n; i++) {
		uint64_t a = run(argv + 2, &quiet), b = run(second, &quiet);

		if (i < WARM)
			continue;
		v[0][i - WARM] = a;
		v[1][i - WARM] = b;
	}
	qsort(v[0], n, sizeof(*v[0]), compare);
	qsort(v[1], n, sizeof(*v[1]), compare);
	p99 = n * 99 / 100;
	printf("\"n\":%zu,\"p50_us\":[%lu,%lu],\"p99_us\":[%lu,%lu],"
	       "\"p50_ratio\":%.2f,\"p99_ratio\":%.2f",
	       n, (unsigned long)v[0][n / 2], (unsigned long)v[1][n / 2],
	       (unsigned long)v[0][p99], (unsigned long)v[1][p99],
	       (double)v[0][n / 2] / (double)v[1][n / 2],
	       (double)v[0][p99] / (double)v[1][p99]);
	posix_spawn_file_actions_destroy(&quiet);
	free(v[0]);
	free(v[1]);
	return 0;
}
