/* SPDX-License-Identifier: ISC */
/* What is on disk: the home, its files, addresses in them. */
#include "conf/home.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/address.h"
#include "conf/file.h"
#include "unit.h"

static char top[] = "/tmp/p2psip-home-XXXXXX";
static char dir[64]; /* a home inside, fresh for every test */

static int setup(void **state)
{
	static unsigned n;

	(void)state;
	snprintf(dir, sizeof(dir), "%s/%u", top, n++);
	return 0;
}

static int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) == NULL ? -1 : 0;
}

static int remove_top(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", top);
	return system(command);
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static struct overlay *make_overlay(const char *name)
{
	struct overlay *o = overlay_new();

	assert_non_null(o);
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->document = SLICE_LIT("<overlay/>");
	o->expiration_ms = 5000;
	return o;
}

static struct home make_home(const char *name)
{
	struct overlay *o = make_overlay(name);
	struct home h;

	assert_ok(home_create(&h, dir, name, NULL));
	assert_ok(home_save_overlay(&h, o, NULL));
	overlay_free(o);
	return h;
}

/* Closed to others from the first moment on. */
static void modes(void **state)
{
	struct home h = make_home("a.example");
	struct home_identity id = { .user = "u@a.example",
				    .key = BUF_INIT(100),
				    .cert = BUF_INIT(100) };
	char path[200];

	(void)state;
	assert_ok(buf_printf(&id.key, "key"));
	assert_ok(buf_printf(&id.cert, "cert"));
	assert_ok(home_save_identity(&h, &id, NULL));
	assert_int_equal(mode_of(dir), 0700);
	assert_int_equal(mode_of(h.overlay_dir), 0700);
	snprintf(path, sizeof(path), "%s/overlay.xml", h.overlay_dir);
	assert_int_equal(mode_of(path), 0600); /* it may hold a secret */
	snprintf(path, sizeof(path), "%s/users/u@a.example/key.pem",
		 h.overlay_dir);
	assert_int_equal(mode_of(path), 0600);
	home_identity_clear(&id);
	home_close(&h);
}

static void others_can_read(void **state)
{
	struct home h = make_home("a.example");
	struct why why = { "" };

	(void)state;
	home_close(&h);
	assert_int_equal(chmod(dir, 0750), 0);
	assert_err(home_open(&h, dir, NULL, &why), ERR_HOME_MODE);
	assert_non_null(strstr(why.text, "0750"));
	assert_err(home_create(&h, dir, "b.example", &why), ERR_HOME_MODE);
	assert_int_equal(chmod(dir, 0700), 0);
	assert_ok(home_open(&h, dir, NULL, &why));
	assert_int_equal(chmod(h.overlay_dir, 0701), 0);
	home_close(&h);
	assert_err(home_open(&h, dir, NULL, &why), ERR_HOME_MODE);
}

static void key_others_can_read(void **state)
{
	struct home h = make_home("a.example");
	struct home_identity id = { .user = "u",
				    .key = BUF_INIT(100),
				    .cert = BUF_INIT(100) };
	char path[200];
	struct why why = { "" };

	(void)state;
	assert_ok(buf_printf(&id.key, "key"));
	assert_ok(buf_printf(&id.cert, "cert"));
	assert_ok(home_save_identity(&h, &id, NULL));
	home_identity_clear(&id);
	snprintf(path, sizeof(path), "%s/users/u/key.pem", h.overlay_dir);
	assert_int_equal(chmod(path, 0640), 0);
	assert_err(home_load_identity(&h, "u", &id, &why), ERR_HOME_MODE);
	assert_non_null(strstr(why.text, "key.pem"));
	home_close(&h);
}

static void which_overlay(void **state)
{
	struct why why = { "" };
	struct home h;

	(void)state;
	assert_err(home_open(&h, dir, NULL, &why), ERR_NOT_JOINED);
	h = make_home("a.example");
	home_close(&h);
	assert_ok(home_open(&h, dir, NULL, &why));
	assert_string_equal(h.name, "a.example");
	home_close(&h);
	h = make_home("b.example");
	home_close(&h);
	assert_err(home_open(&h, dir, NULL, &why), ERR_USAGE);
	assert_non_null(strstr(why.text, "-o"));
	assert_non_null(strstr(why.text, "a.example"));
	assert_ok(home_open(&h, dir, "b.example", &why));
	home_close(&h);
	assert_err(home_open(&h, dir, "c.example", &why), ERR_NOT_JOINED);
	assert_err(home_open(&h, dir, "../a", &why), ERR_USAGE);
	assert_err(home_open(&h, dir, "", &why), ERR_USAGE);
}

/* A user's name is no path, whatever is in it. */
static void which_user(void **state)
{
	static const char *const users[] = { "a@x", "../../b", ".",
					     "c/d e%\x7f" };
	struct home h = make_home("a.example");
	struct home_identity id;
	struct why why = { "" };

	(void)state;
	assert_err(home_load_identity(&h, NULL, &id, &why), ERR_NOT_JOINED);
	for (size_t i = 0; i < N_OF(users); i++) {
		struct home_identity new = { .key = BUF_INIT(100),
					     .cert = BUF_INIT(100) };

		snprintf(new.user, sizeof(new.user), "%s", users[i]);
		assert_ok(buf_printf(&new.key, "key %zu", i));
		assert_ok(buf_printf(&new.cert, "cert %zu", i));
		assert_ok(home_save_identity(&h, &new, &why));
		if (i == 0) {
			assert_ok(home_load_identity(&h, NULL, &id, &why));
			assert_string_equal(id.user, users[0]);
			home_identity_clear(&id);
		}
		assert_ok(home_load_identity(&h, users[i], &id, &why));
		assert_slice_equal(buf_slice(&id.key), buf_slice(&new.key));
		assert_slice_equal(buf_slice(&id.cert), buf_slice(&new.cert));
		home_identity_clear(&id);
		home_identity_clear(&new);
	}
	assert_err(home_load_identity(&h, NULL, &id, &why), ERR_USAGE);
	assert_non_null(strstr(why.text, "-u"));
	assert_err(home_load_identity(&h, "nobody", &id, &why), ERR_NOT_JOINED);
	home_close(&h);
}

/* A name that is none, and folders that no name makes. */
static void users_that_are_none(void **state)
{
	static const char *const folders[] = { "%",        "a%4", "%zz",
					       "a%00b",    "%61", "A%2F",
					       "a b",      "%+1", "a%2",
					       "x\xc3\xa4" };
	char longest[CERT_USER_MAX + 2], path[400];
	struct home h = make_home("a.example");
	struct home_identity id = { .key = BUF_INIT(100),
				    .cert = BUF_INIT(100) };
	struct buf key = BUF_INIT(100);
	struct why why = { "" };

	(void)state;
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_err(home_load_identity(&h, "", &id, &why), ERR_USAGE);
	assert_string_equal(why.text, "the user name is empty");
	assert_err(home_load_identity(&h, longest, &id, &why), ERR_USAGE);
	assert_err(home_load_key(&h, "", &key, &why), ERR_USAGE);
	assert_err(home_load_key(&h, longest, &key, &why), ERR_USAGE);
	assert_string_equal(why.text, "the user name is too long");
	assert_err(home_save_identity(&h, &id, &why), ERR_USAGE);
	/* Of the longest one every byte may have to be escaped: the system
	 * then says that it takes no such folder. */
	longest[CERT_USER_MAX] = '\0';
	memset(id.user, '/', CERT_USER_MAX);
	assert_ok(buf_printf(&id.key, "key"));
	assert_err(home_save_identity(&h, &id, &why), ERR_CANTCREAT);
	home_identity_clear(&id);
	assert_err(home_load_identity(&h, longest, &id, &why), ERR_NOT_JOINED);
	for (size_t i = 0; i < N_OF(folders); i++) {
		snprintf(path, sizeof(path), "%s/users/%s", h.overlay_dir,
			 folders[i]);
		assert_ok(file_make_dir(path, &why));
		snprintf(path, sizeof(path), "users/%s/cert.pem", folders[i]);
		assert_ok(home_write(&h, path, SLICE_LIT("cert"), &why));
		assert_err(home_load_identity(&h, NULL, &id, &why),
			   ERR_NOT_JOINED);
		assert_non_null(strstr(why.text, "is no user"));
		snprintf(path, sizeof(path), "%s/users/%s/cert.pem",
			 h.overlay_dir, folders[i]);
		assert_int_equal(unlink(path), 0);
	}
	home_close(&h);
}

/* 6940-6.3.2.1-R1: without a document, or with one that has ended, nothing. */
static void documents(void **state)
{
	struct home h = make_home("a.example");
	struct why why = { "" };
	struct overlay *o;

	(void)state;
	assert_ok(home_load_overlay(&h, 4999, &o, &why));
	assert_string_equal(o->name, "a.example");
	overlay_free(o);
	assert_err(home_load_overlay(&h, 5000, &o, &why), ERR_CONFIG_EXPIRED);
	assert_ok(home_write(&h, "overlay.bin", SLICE_LIT("P2PS old"), &why));
	assert_err(home_load_overlay(&h, 0, &o, &why), ERR_CONFIG);
	assert_non_null(strstr(why.text, "--update"));
	home_close(&h);
	assert_ok(home_create(&h, dir, "b.example", &why));
	assert_err(home_load_overlay(&h, 0, &o, &why), ERR_NOT_JOINED);
	home_close(&h);
}

static void update_waits(void **state)
{
	struct home h = make_home("a.example");
	struct buf b = BUF_INIT(100);

	(void)state;
	assert_err(home_read(&h, "update.xml", &b, NULL), ERR_NOT_FOUND);
	assert_ok(home_save_update(&h, SLICE_LIT("one"), NULL));
	assert_ok(home_save_update(&h, SLICE_LIT("two"), NULL));
	assert_ok(home_read(&h, "update.xml", &b, NULL));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("two"));
	home_drop_update(&h);
	assert_err(home_read(&h, "update.xml", &b, NULL), ERR_NOT_FOUND);
	buf_clear(&b);
	home_close(&h);
}

static void peers(void **state)
{
	struct home h = make_home("a.example");
	struct ip_address_port in[HOME_PEERS_MAX + 5], out[HOME_PEERS_MAX];
	size_t n = 99;

	(void)state;
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 0);
	for (size_t i = 0; i < N_OF(in); i++)
		assert_ok(address_parse(
			&in[i], i % 2 ? "[2001:db8::1]:1" : "192.0.2.1:65535",
			0));
	assert_ok(home_save_peers(&h, in, N_OF(in), NULL));
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, HOME_PEERS_MAX);
	for (size_t i = 0; i < n; i++)
		assert_true(address_eq(&in[i], &out[i]));
	assert_ok(home_write(&h, "peers", SLICE_LIT("rubbish\n\n1.2.3.4:5"),
			     NULL));
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 1);
	home_close(&h);
}

/* It is a cache: whatever is in it, or of it, stops nobody. */
static void peers_of_no_use(void **state)
{
	static const char zeros[] = "192.0.2.1:1\n\0\n192.0.2.2:2\n";
	struct home h = make_home("a.example");
	struct ip_address_port out[HOME_PEERS_MAX];
	struct buf big = BUF_INIT(HOME_FILE_MAX + 10);
	char path[200];
	size_t n = 99;

	(void)state;
	assert_ok(home_write(&h, "peers",
			     SLICE_LIT("\xff\xfe[::1\r\n1.2.3.4\n:1\n1.2.3.4:0"
				       "\n[::1]:99999\n"),
			     NULL));
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 0);
	assert_ok(home_write(&h, "peers", slice_of(zeros, sizeof(zeros) - 1),
			     NULL));
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 1);
	while (big.len <= HOME_FILE_MAX)
		assert_ok(buf_printf(&big, "192.0.2.1:1 and more\n"));
	assert_ok(home_write(&h, "peers", buf_slice(&big), NULL));
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 0);
	snprintf(path, sizeof(path), "%s/peers", h.overlay_dir);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_ok(home_load_peers(&h, out, &n));
	assert_int_equal(n, 0);
	buf_clear(&big);
	home_close(&h);
}

/* No room: the old file is there, whole, and nothing beside it. */
static void no_room(void **state)
{
	struct rlimit was, less;
	struct why why = { "" };
	struct buf b = BUF_INIT(1 << 20), big = BUF_INIT(1 << 20);
	struct dirent *e;
	char path[128];
	size_t files = 0;
	DIR *d;

	(void)state;
	assert_ok(file_make_dir(dir, &why));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_ok(file_write(path, SLICE_LIT("the old one"), 0600, &why));
	for (int i = 0; i < 1000; i++)
		assert_ok(buf_printf(&big, "the new one "));
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	less = was;
	less.rlim_cur = 4096;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	assert_err(file_write(path, buf_slice(&big), 0600, &why),
		   ERR_CANTCREAT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_non_null(strstr(why.text, path));
	assert_non_null(strstr(why.text, strerror(EFBIG)));
	assert_ok(file_read(&b, path, &why));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("the old one"));
	assert_non_null(d = opendir(dir));
	while ((e = readdir(d)) != NULL)
		files += e->d_name[0] != '.';
	closedir(d);
	assert_int_equal(files, 1);
	buf_clear(&b);
	buf_clear(&big);
}

enum { NOBODY = 65534 };

/* Another user's home, and one that cannot be written to: seen as `nobody`,
 * since root is stopped by neither. */
static void not_ours(void **state)
{
	struct home h = make_home("a.example"), other;
	struct why why = { "" };
	enum err theirs, unwritable;
	char path[128];

	(void)state;
	if (geteuid() != 0) {
		print_message("SKIPPED: needs root to be somebody else\n");
		skip();
	}
	home_close(&h);
	assert_int_equal(chmod(top, 0711), 0);
	snprintf(path, sizeof(path), "%s/closed", top);
	assert_int_equal(mkdir(path, 0500), 0);
	assert_int_equal(chown(path, NOBODY, NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	theirs = home_open(&h, dir, NULL, &why);
	unwritable = home_create(&other, path, "b.example", NULL);
	assert_int_equal(seteuid(0), 0);
	assert_err(theirs, ERR_HOME_MODE);
	assert_non_null(strstr(why.text, "belongs to another user"));
	assert_err(unwritable, ERR_CANTCREAT);
}

/* A file is the old or the new one: a write that fails leaves nothing. */
static void atomic(void **state)
{
	struct why why = { "" };
	struct buf b = BUF_INIT(1 << 20);
	char path[128], sub[160];

	(void)state;
	assert_ok(file_make_dir(dir, &why));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_ok(file_write(path, SLICE_LIT("one"), 0600, &why));
	assert_ok(file_write(path, SLICE_LIT("two"), 0644, &why));
	assert_int_equal(mode_of(path), 0644);
	assert_ok(file_read(&b, path, &why));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("two"));
	snprintf(sub, sizeof(sub), "%s/no/such", path);
	assert_err(file_write(sub, SLICE_LIT("x"), 0600, &why), ERR_CANTCREAT);
	assert_err(file_make_dir(sub, &why), ERR_CANTCREAT);
	assert_err(file_read(&b, sub, &why), ERR_NOINPUT);
	buf_reset(&b);
	assert_err(file_write("/dev/full/x", SLICE_LIT("x"), 0600, &why),
		   ERR_CANTCREAT);
	assert_ok(file_read(&b, path, &why));
	assert_slice_equal(buf_slice(&b), SLICE_LIT("two"));
	buf_clear(&b);
}

static void limits(void **state)
{
	struct buf b = BUF_INIT(3);
	struct why why = { "" };
	char path[128];

	(void)state;
	assert_ok(file_make_dir(dir, &why));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_ok(file_write(path, SLICE_LIT("abc"), 0600, &why));
	assert_ok(file_read(&b, path, &why));
	assert_int_equal(b.len, 3);
	assert_err(file_read(&b, path, &why), ERR_LIMIT);
	assert_int_equal(b.len, 3);
	buf_clear(&b);
}

/* One at a time: the second waits until the first has gone. */
static void lock(void **state)
{
	struct home h = make_home("a.example");
	int fd, second, pipes[2], status;
	char c = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	assert_ok(home_lock(&h, &fd, NULL));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		close(fd);
		_exit(home_lock(&h, &second, NULL) == OK &&
				      read(pipes[0], &c, 1) == 1 && c == 'x'
			      ? 0
			      : 1);
	}
	/* What it reads is written before the lock goes. */
	assert_int_equal(write(pipes[1], "x", 1), 1);
	home_unlock(fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	home_close(&h);
}

static void addresses(void **state)
{
	static const struct {
		const char *text, *out;
	} good[] = {
		{ "192.0.2.1", "192.0.2.1:6084" },
		{ "192.0.2.1:1", "192.0.2.1:1" },
		{ "2001:db8::1", "[2001:db8::1]:6084" },
		{ "[2001:DB8::1]", "[2001:db8::1]:6084" },
		{ "[::1]:65535", "[::1]:65535" },
	};
	static const char *const bad[] = {
		"",
		":",
		"host",
		"192.0.2.1:",
		"1.2.3:4",
		"[::1",
		"[::1]x",
		"[::1]:0",
		"[1.2",
		"::1:g",
		"1.2.3.4:0",
		"1.2.3.4:65536",
		"1.2.3.4:5:6",
	};
	struct ip_address_port a;
	char text[ADDRESS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < N_OF(good); i++) {
		assert_ok(address_parse(&a, good[i].text, 6084));
		assert_string_equal(address_format(&a, text), good[i].out);
	}
	for (size_t i = 0; i < N_OF(bad); i++)
		assert_err(address_parse(&a, bad[i], 6084), ERR_DATA);
	assert_true(address_is_dns_name("a-1.b.EXAMPLE"));
	assert_false(address_is_dns_name("-a.example"));
	assert_false(address_is_dns_name("a..example"));
	assert_false(address_is_dns_name("a_b"));
	assert_false(address_is_dns_name(""));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		TEST(modes),         TEST(others_can_read),
		TEST(which_overlay), TEST(which_user),
		TEST(documents),     TEST(update_waits),
		TEST(peers),         TEST(atomic),
		TEST(limits),        TEST(lock),
		TEST(addresses),     TEST(key_others_can_read),
		TEST(no_room),       TEST(users_that_are_none),
		TEST(not_ours),      TEST(peers_of_no_use),
	};

	return cmocka_run_group_tests(tests, make_top, remove_top);
}
