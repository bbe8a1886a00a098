/* SPDX-License-Identifier: ISC */
/* The SQLite engine's own promises: its file, what survives, a full disk. */
#include "engines.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storage/sqlite.h"

#define OVERLAY "sim.example.org"

static char *dir;
static char path[512];
static struct arena a;

static int setup(void **state)
{
	(void)state;
	dir = engine_dir();
	snprintf(path, sizeof(path), "%s/values.db", dir);
	a = (struct arena)ARENA_INIT(16 << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_free(&a);
	engine_dir_remove(dir);
	return 0;
}

static void sql(const char *text)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static enum err commit_value(const struct storage *s, uint8_t n, struct slice v)
{
	struct batch *b = batch_new(n);
	struct record r = engine_record(engine_id(n, 0), 1, "", "", 1000, 1);

	assert_non_null(b);
	r.data = v;
	batch_put(b, &r);
	batch_generation(b, r.resource, 1, 1);
	return engine_commit(s, b);
}

static uint64_t n_values(const struct storage *s)
{
	return engine_ask(s, &a, (struct query){ .type = QUERY_COUNT }).count;
}

/* Nobody else reads it, whatever the umask; it is kept. */
static void file(void **state)
{
	static const char *const suffix[] = { "", "-wal", "-shm", "-lock" };
	mode_t mask = umask(0);
	struct storage s;
	struct stat st;
	char name[600];

	(void)state;
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	assert_ok(commit_value(&s, 7, SLICE_LIT("v")));
	for (size_t i = 0; i < N_OF(suffix); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffix[i]);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	s.close(s.ctx);
	umask(mask);
	/* One that others could read is closed to them. */
	assert_int_equal(chmod(path, 0644), 0);
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(n_values(&s), 1);
	s.close(s.ctx);
}

static void refused(const char *name, enum err want, const char *words)
{
	struct why why = { "" };
	struct storage s;

	assert_err(sqlite_open(&s, path, name, NULL, &why), want);
	if (strstr(why.text, words) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", words, why.text);
}

static void write_text(void)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs("This is a text and no database, surely not.\n", f) >
		    0);
	for (unsigned i = 0; i < 200; i++)
		assert_true(fputs("It goes on for a while.\n", f) > 0);
	assert_int_equal(fclose(f), 0);
}

/* What is not this overlay's database is left alone, with a reason. */
static void foreign(void **state)
{
	struct storage s;

	(void)state;
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	refused(OVERLAY, ERR_BUSY, "has another process's lock");
	s.close(s.ctx);
	refused("other.example.org", ERR_STORAGE,
		"holds values of the overlay sim.example.org");
	sql("PRAGMA user_version = 2");
	refused(OVERLAY, ERR_STORAGE, "has schema 2");
	sql("PRAGMA application_id = 7");
	refused(OVERLAY, ERR_STORAGE, "another program");
	snprintf(path, sizeof(path), "%s/text", dir);
	write_text();
	refused(OVERLAY, ERR_STORAGE, "not a database");
	refused(OVERLAY, ERR_STORAGE, "not a database");
	snprintf(path, sizeof(path), "%s/no/such/folder.db", dir);
	refused(OVERLAY, ERR_CANTCREAT, "No such file");
}

/* The last line of the log. */
static char said[1000];

static void listen(void *ctx, enum log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	snprintf(said, sizeof(said), "%s", line);
}

static const struct log_sink ear = { .write = listen, .max = LOG_ERROR };

static void assert_exists(const char *suffix, bool exists)
{
	char name[600];

	snprintf(name, sizeof(name), "%s%s", path, suffix);
	assert_int_equal(access(name, F_OK), exists ? 0 : -1);
}

/* What was this overlay's database and is none any more makes room for a new
 * one, each under a name of its own; what was another overlay's does not. */
static void damaged(void **state)
{
	static const char *const names[] = { ".damaged-1", ".damaged-2" };
	char log[600];
	struct storage s;
	FILE *f;

	(void)state;
	snprintf(log, sizeof(log), "%s-wal", path);
	for (size_t i = 0; i < N_OF(names); i++) {
		assert_ok(sqlite_open(&s, path, OVERLAY, &ear, NULL));
		assert_int_equal(n_values(&s), 0);
		assert_ok(commit_value(&s, 7, SLICE_LIT("v")));
		s.close(s.ctx);
		write_text();
		assert_non_null(f = fopen(log, "w"));
		assert_int_equal(fclose(f), 0);
		refused("other.example.org", ERR_STORAGE, "not a database");
		assert_exists(names[i], false);
		assert_ok(sqlite_open(&s, path, OVERLAY, &ear, NULL));
		assert_non_null(strstr(said, path));
		assert_non_null(strstr(said, names[i]));
		assert_exists(names[i], true);
		s.close(s.ctx);
	}
	assert_exists(".damaged-1-wal", true);
}

/* A page that cannot be: found by who reads it, and by who writes. */
static void damaged_in_use(void **state)
{
	static const uint8_t noise[4096] = { 0xff, 1, 2, 3 };
	struct query q = { .type = QUERY_KIND, .resource = engine_id(7, 0) };
	struct query_answer out;
	struct storage s;
	FILE *f;

	(void)state;
	q.kind = 1;
	assert_ok(sqlite_open(&s, path, OVERLAY, &ear, NULL));
	assert_ok(commit_value(&s, 7, SLICE_LIT("v")));
	s.close(s.ctx);
	assert_non_null(f = fopen(path, "r+"));
	assert_int_equal(fseek(f, 2 * 4096, SEEK_SET), 0);
	for (unsigned i = 2; i < 8; i++)
		assert_int_equal(fwrite(noise, sizeof(noise), 1, f), 1);
	assert_int_equal(fclose(f), 0);
	assert_ok(sqlite_open(&s, path, OVERLAY, &ear, NULL));
	assert_err(s.read(s.ctx, &q, &out, &a), ERR_DAMAGED);
	assert_err(commit_value(&s, 8, SLICE_LIT("w")), ERR_DAMAGED);
	s.close(s.ctx);
	assert_ok(sqlite_set_aside(path, &ear, NULL));
	assert_exists(".damaged-1", true);
	assert_ok(sqlite_open(&s, path, OVERLAY, &ear, NULL));
	assert_int_equal(n_values(&s), 0);
	s.close(s.ctx);
}

/* Commits groups of two for ever, saying so after each. */
static void writer(int out)
{
	struct batch *v[2];
	enum err status[2];
	struct storage s;
	struct record r;
	uint8_t n = 0;

	if (sqlite_open(&s, path, OVERLAY, NULL, NULL) != OK)
		_exit(1);
	for (;; n++) {
		for (unsigned i = 0; i < 2; i++) {
			v[i] = batch_new(i);
			r = engine_record(engine_id(n, (uint8_t)i), 1, "",
					  "value", 1000, 1);
			batch_put(v[i], &r);
			batch_generation(v[i], r.resource, 1, n + 1U);
		}
		s.commit(s.ctx, v, 2, status);
		batch_free(v[0]);
		batch_free(v[1]);
		if (status[0] != OK || status[1] != OK ||
		    write(out, &n, 1) != 1)
			_exit(1);
	}
}

/* What was reported as committed survives kill -9 at any moment, and no batch
 * is there by half. */
static void killed(void **state)
{
	struct query q = { .type = QUERY_RANGE };
	struct query_answer out;
	struct storage s;
	uint8_t n = 0, last = 0;
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		writer(fds[1]);
	close(fds[1]);
	while (n < 40 && read(fds[0], &n, 1) == 1)
		last = n;
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	while (read(fds[0], &n, 1) == 1)
		last = n;
	close(fds[0]);
	assert_true(last >= 40);
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	out = engine_ask(&s, &a, q);
	assert_int_equal(out.n_slots % 2, 0);
	assert_in_range(out.n_slots, 2 * (last + 1), 2 * (last + 2));
	for (size_t i = 0; i < out.n_slots; i++) {
		struct query_answer is = engine_ask(
			&s, &a,
			(struct query){ .type = QUERY_KIND,
					.resource = out.slots[i].resource,
					.kind = 1 });

		assert_int_equal(is.generation,
				 out.slots[i].resource.b[0] + 1U);
		assert_int_equal(is.n_records, 1);
		assert_slice_equal(is.records[0].data, SLICE_LIT("value"));
	}
	s.close(s.ctx);
}

/* The disk is full for one batch: the others of its group are written, what was
 * there stays, and later there is room again. */
static void full(void **state)
{
	static const uint8_t large[4 << 20];
	struct batch *v[3];
	enum err status[3];
	struct rlimit limit, before;
	struct storage s;
	struct record r;

	(void)state;
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	assert_ok(commit_value(&s, 1, SLICE_LIT("before")));
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 1 << 20;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	for (uint8_t i = 0; i < 3; i++) {
		v[i] = batch_new(i);
		assert_non_null(v[i]);
		r = engine_record(engine_id(i + 2, 0), 1, "", "small", 1000, 1);
		if (i == 1)
			r.data = slice_of(large, sizeof(large));
		batch_put(v[i], &r);
	}
	s.commit(s.ctx, v, 3, status);
	assert_ok(status[0]);
	assert_err(status[1], ERR_STORAGE);
	assert_ok(status[2]);
	assert_int_equal(n_values(&s), 3);
	assert_err(commit_value(&s, 9, slice_of(large, sizeof(large))),
		   ERR_STORAGE);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_ok(commit_value(&s, 9, slice_of(large, sizeof(large))));
	for (uint8_t i = 0; i < 3; i++)
		batch_free(v[i]);
	s.close(s.ctx);
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	assert_int_equal(n_values(&s), 4);
	s.close(s.ctx);
}

enum { MANY = 3000 };

static void signer_of(uint16_t i, uint8_t hash[CERT_HASH_LEN])
{
	memset(hash, 0, CERT_HASH_LEN);
	hash[0] = (uint8_t)(i >> 8);
	hash[1] = (uint8_t)i;
}

/* Value i, signed by i, with the certificate. */
static void add_signed(struct batch *b, uint16_t i, uint64_t expires_ms)
{
	struct record r =
		engine_record(engine_id((uint8_t)(i >> 8), (uint8_t)i), 1, "",
			      "", expires_ms, 0);
	struct change *ch = batch_add(b, CHANGE_CERT);

	assert_non_null(ch);
	signer_of(i, ch->hash);
	assert_ok(arena_dup(&b->arena, SLICE_LIT("cert"), &ch->cert));
	signer_of(i, r.signer);
	batch_put(b, &r);
}

static bool has_cert(const struct storage *s, uint16_t i)
{
	struct query q = { .type = QUERY_CERT };

	signer_of(i, q.hash);
	return engine_ask(s, &a, q).der.len != 0;
}

/* Who stores waits for a small part of a large purge; and a certificate that
 * comes back in between stays. */
static void purged_in_parts(void **state)
{
	struct batch *b = batch_new(1), *purge = batch_new(2);
	unsigned n_parts = 0;
	struct storage s;
	enum err status;
	uint64_t left;

	(void)state;
	assert_ok(sqlite_open(&s, path, OVERLAY, NULL, NULL));
	assert_non_null(b);
	for (uint16_t i = 0; i < MANY; i++)
		add_signed(b, i, i % 3 == 0 ? 1000 : 100);
	assert_ok(engine_commit(&s, b));
	assert_non_null(purge);
	batch_add(purge, CHANGE_PURGE)->record.expires_ms = 100;
	do {
		left = n_values(&s);
		s.commit(s.ctx, &purge, 1, &status);
		assert_ok(status);
		assert_true(left - n_values(&s) <= MANY / 10);
		assert_non_null(b = batch_new(3));
		add_signed(b, (uint16_t)(n_parts++ * 100 + 1), 1000);
		assert_ok(engine_commit(&s, b));
	} while (purge->unfinished);
	batch_free(purge);
	assert_true(n_parts > 2 * MANY / 3 / (MANY / 10));
	left = n_values(&s);
	for (uint16_t i = 0; i < MANY; i++) {
		bool stays = i % 3 == 0 || (i % 100 == 1 && i / 100 < n_parts);

		assert_int_equal(has_cert(&s, i), stays);
		left -= stays;
	}
	assert_int_equal(left, 0);
	s.close(s.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(file, setup, teardown),
		cmocka_unit_test_setup_teardown(foreign, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_in_use, setup,
						teardown),
		cmocka_unit_test_setup_teardown(killed, setup, teardown),
		cmocka_unit_test_setup_teardown(full, setup, teardown),
		cmocka_unit_test_setup_teardown(purged_in_parts, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
