/* SPDX-License-Identifier: ISC */
/*
 * Runs a fuzz target over the files of folders: the part of fuzzing that `make
 * check` does.  Owns the walk and the count, and knows nothing of the target
 * but its entry point.  Arguments are files and folders; without any it takes
 * tests/fuzz/corpus/NAME, NAME being the program's.
 *
 * Each input is copied to a block of its exact size, so that a sanitizer sees
 * the first byte read past it.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int n_passed;

static void replay_file(const char *path, size_t size)
{
	uint8_t *data;
	FILE *f;

	if ((f = fopen(path, "rb")) == NULL)
		err(2, "%s", path);
	/* malloc(0) may be NULL, which a target may refuse. */
	if ((data = malloc(size > 0 ? size : 1)) == NULL)
		err(2, "malloc");
	if (fread(data, 1, size, f) != size)
		errx(2, "%s: changed while it was read", path);
	fclose(f);
	/* Said first and flushed: the last line names the input of a crash. */
	printf("%s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	n_passed++;
}

static void replay(const char *path)
{
	struct dirent **names;
	struct stat st;
	char *child;
	int n;

	if (stat(path, &st) != 0)
		err(2, "%s", path);
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	if ((n = scandir(path, &names, NULL, alphasort)) < 0)
		err(2, "%s", path);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			if (asprintf(&child, "%s/%s", path, names[i]->d_name) <
			    0)
				err(2, "asprintf");
			replay(child);
			free(child);
		}
		free(names[i]);
	}
	free(names);
}

int main(int argc, char *argv[])
{
	const char *srcdir = getenv("top_srcdir");
	char *corpus;

	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		if (asprintf(&corpus, "%s/tests/fuzz/corpus/%s",
			     srcdir != NULL ? srcdir : ".",
			     program_invocation_short_name) < 0)
			err(2, "asprintf");
		replay(corpus);
		free(corpus);
	}
	printf("%u passed, 0 failed\n", n_passed);
	return n_passed > 0 ? 0 : 1;
}
