/* SPDX-License-Identifier: ISC */
/* A registrar with two users, phones of theirs, and an overlay and a clock of
 * the test's. */
#ifndef DESK_H
#define DESK_H

#include "unit.h"

#include "sip/registrar.h"

#define S UINT64_C(1000000)

extern struct registrar *reg;
extern struct registrar_user *alice, *bob;
extern uint64_t now_us;
extern unsigned cseq;
extern const char *digest_uri; /* in the credentials */

/* The overlay: what it was asked last, and how often; how many users are gone,
 * of whom `user` was the last. */
extern struct desk_store {
	unsigned n, gone;
	struct registrar_user *user;
	uint32_t lifetime_s;
	enum err at_once; /* what the call itself gives */
} store;

/* The last answer, and how many there were. */
extern struct desk_answer {
	unsigned n, status;
	uint64_t token;
	char fields[4096];
} last;

/* cmocka's; with the second the overlay gets contacts. */
int desk_begin(void **state);
int desk_begin_contacts(void **state);
int desk_end(void **state);

/* Of the password "secret". */
struct registrar_secret secret_of(const char *local, const char *whole);
/* The status for a REGISTER; clear `v`. */
unsigned judge(struct registrar_verdict *v, const char *aor,
	       const char *authorization, const char *fields, uint32_t conn);
/* Copies the verdict's fields to last.fields. */
void keep_fields(const struct registrar_verdict *v);
/* Credentials for a challenge; `password` right or wrong. */
void authorize(char out[static 1024], const char *user, const char *password,
	       const char *challenge);
/* As judge(), with credentials. */
unsigned try(struct registrar_verdict *v, const char *user,
	     const char *password, const char *aor, const char *fields,
	     uint32_t conn);
/* A REGISTER of alice's that is let through. */
void submit_by(uint64_t token, const char *fields, uint32_t conn);
void submit(uint64_t token, const char *fields);

void assert_answer(unsigned n, uint64_t token, unsigned status);
void assert_stores(unsigned n, uint32_t lifetime_s);

#endif
