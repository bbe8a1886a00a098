/* SPDX-License-Identifier: ISC */
/* Accounts and their Node-IDs.  RFC 6940 s11.3, s13.3. */
#include "conf/accounts.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit.h"

#define NOW  UINT64_C(1700000000000)
#define YEAR UINT64_C(31536000000)

static struct accounts *a;
static char path[] = "/tmp/p2psip-accounts-XXXXXX";
static uint8_t drawn;

static int setup(void **state)
{
	struct why why;

	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	close(mkstemp(path));
	drawn = 0;
	return accounts_open(&a, path, &why) == OK ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	(void)state;
	accounts_close(a);
	snprintf(command, sizeof(command), "rm -f %s %s-wal %s-shm", path, path,
		 path);
	return system(command);
}

static enum err draw(struct node_id *out)
{
	*out = (struct node_id){ { ++drawn } };
	return OK;
}

/* The first byte of each Node-ID, as hex digits. */
static enum err claim(const char *user, char key, size_t n, uint64_t now_ms,
		      char out[16])
{
	uint8_t hash[CERT_HASH_LEN] = { (uint8_t)key };
	struct accounts_claim c = {
		user, hash, n, now_ms, now_ms + YEAR, draw
	};
	struct node_id ids[ACCOUNTS_PER_CERT_MAX];
	enum err r = accounts_claim(a, &c, ids, NULL);

	for (size_t i = 0; r == OK && i < n; i++)
		out[i] = (char)('0' + ids[i].b[0]);
	out[r == OK ? n : 0] = '\0';
	return r;
}

static void assert_claim(const char *user, char key, size_t n,
			 const char *expected)
{
	char got[16] = "";

	assert_ok(claim(user, key, n, NOW, got));
	assert_string_equal(got, expected);
}

/* 6940-13.3-R1: a user name is one account's. */
static void names_are_unique(void **state)
{
	char text[PASSWORD_TEXT_MAX];
	struct why why = { "" };

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "one", &why));
	assert_err(accounts_add(a, "alice@x", "two", &why), ERR_DATA);
	assert_non_null(strstr(why.text, "alice@x"));
	assert_ok(accounts_password(a, "alice@x", text));
	assert_string_equal(text, "one");
	/* Compared as bytes, 6940-11.3-R3. */
	assert_ok(accounts_password(a, "Alice@x", text));
	assert_string_equal(text, "");
	assert_ok(accounts_add(a, "' OR 1=1 --", "q", &why));
	assert_ok(accounts_password(a, "bob@x", text));
	assert_string_equal(text, "");
}

/* 6940-11.3-R8: the same key again, the same Node-IDs; another, new ones. */
static void same_key_same_ids(void **state)
{
	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'b', 1, "2");
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'a', 2, "13"); /* one more beside it */
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'a', 2, "13");
	accounts_close(a);
	assert_ok(accounts_open(&a, path, NULL));
	assert_claim("alice@x", 'a', 2, "13");
}

static void no_more_than_four(void **state)
{
	char got[16];

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_ok(accounts_add(a, "bob@x", "p", NULL));
	assert_err(claim("alice@x", 'a', 5, NOW, got), ERR_FULL);
	assert_err(claim("alice@x", 'a', 0, NOW, got), ERR_FULL);
	assert_claim("alice@x", 'a', 3, "123");
	assert_claim("alice@x", 'b', 1, "4");
	assert_err(claim("alice@x", 'c', 1, NOW, got), ERR_FULL);
	assert_err(claim("alice@x", 'b', 2, NOW, got), ERR_FULL);
	assert_claim("alice@x", 'b', 1, "4");
	assert_claim("bob@x", 'c', 1, "5");
	/* What has expired gives its place back. */
	assert_ok(claim("alice@x", 'c', 1, NOW + YEAR, got));
}

static void disabled(void **state)
{
	struct buf ids = BUF_INIT(1000);
	char text[PASSWORD_TEXT_MAX];

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_claim("alice@x", 'a', 2, "12");
	assert_claim("alice@x", 'b', 1, "3");
	assert_err(accounts_disable(a, "bob@x", NOW, &ids, NULL),
		   ERR_NOT_FOUND);
	assert_ok(accounts_disable(a, "alice@x", NOW, &ids, NULL));
	assert_int_equal(ids.len, 3 * NODE_ID_MIN);
	assert_int_equal(ids.p[0] + ids.p[16] + ids.p[32], 1 + 2 + 3);
	assert_ok(accounts_password(a, "alice@x", text));
	assert_string_equal(text, "");
	/* Added again: other Node-IDs, even for the same key. */
	assert_ok(accounts_add(a, "alice@x", "q", NULL));
	assert_claim("alice@x", 'a', 1, "4");
	buf_clear(&ids);
}

/* Only what a certificate may still have is worth listing as bad. */
static void expired_is_not_listed(void **state)
{
	struct buf ids = BUF_INIT(1000);

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_claim("alice@x", 'a', 1, "1");
	assert_ok(accounts_disable(a, "alice@x", NOW + YEAR, &ids, NULL));
	assert_int_equal(ids.len, 0);
	buf_clear(&ids);
}

static void one_node_revoked(void **state)
{
	struct node_id two = { { 2 } }, none = { { 9 } };
	char text[PASSWORD_TEXT_MAX];

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'b', 1, "2");
	assert_err(accounts_revoke_node(a, &none, NULL), ERR_NOT_FOUND);
	assert_ok(accounts_revoke_node(a, &two, NULL));
	assert_claim("alice@x", 'a', 1, "1");
	assert_claim("alice@x", 'b', 1, "3");
	assert_ok(accounts_password(a, "alice@x", text));
	assert_string_equal(text, "p");
}

/* A certificate that was issued stays in the books until it ends, whatever
 * shorter one came after it. */
static void longest_life_counts(void **state)
{
	uint8_t hash[CERT_HASH_LEN] = { 'a' };
	struct accounts_claim c = { "alice@x", hash, 1, NOW, NOW + YEAR, draw };
	struct node_id ids[ACCOUNTS_PER_CERT_MAX];
	struct buf listed = BUF_INIT(1000);

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_ok(accounts_claim(a, &c, ids, NULL));
	c.not_after_ms = NOW + 1;
	assert_ok(accounts_claim(a, &c, ids, NULL));
	assert_ok(
		accounts_disable(a, "alice@x", NOW + YEAR - 1, &listed, NULL));
	assert_int_equal(listed.len, NODE_ID_MIN);
	buf_clear(&listed);
}

/* 6940-13.3-R1: a Node-ID is one user's, even if chance were against it, and
 * one key's; nothing is left of a claim that fails. */
static void a_node_id_is_one_users(void **state)
{
	char got[16];

	(void)state;
	assert_ok(accounts_add(a, "alice@x", "p", NULL));
	assert_ok(accounts_add(a, "bob@x", "p", NULL));
	assert_claim("alice@x", 'a', 2, "12");
	drawn = 1; /* Node-ID 2 once more */
	assert_err(claim("bob@x", 'b', 1, NOW, got), ERR_STORAGE);
	drawn = 0;
	assert_err(claim("alice@x", 'b', 1, NOW, got), ERR_STORAGE);
	drawn = 2;
	assert_claim("bob@x", 'b', 2, "34");
	drawn = 1; /* 2 as the second of three: the third is not kept either */
	assert_err(claim("bob@x", 'b', 3, NOW, got), ERR_STORAGE);
	assert_claim("bob@x", 'b', 2, "34");
	assert_claim("alice@x", 'a', 2, "12");
}

static void not_a_database(void **state)
{
	struct accounts *none;
	struct why why = { "" };

	(void)state;
	assert_err(accounts_open(&none, "/dev/null/x", &why), ERR_STORAGE);
	assert_non_null(strstr(why.text, "/dev/null/x"));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(names_are_unique),      TEST(same_key_same_ids),
		TEST(no_more_than_four),     TEST(disabled),
		TEST(expired_is_not_listed), TEST(one_node_revoked),
		TEST(longest_life_counts),   TEST(a_node_id_is_one_users),
		TEST(not_a_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
