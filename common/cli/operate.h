/* SPDX-License-Identifier: ISC */
#ifndef CLI_OPERATE_H
#define CLI_OPERATE_H

#include "cli/opt.h"

/* What p2psip-overlay's commands do, with the options that they share; each is
 * given its operands and prints its own failures. */

struct operate_options {
	const char *dir;
	const char *serve, *listen; /* ADDR:PORT */
	const char *key_type;
	const char *password_file;
	const char *lifetime; /* of certificates */
	const char *expires;  /* the document, from now */
	const char *link;     /* which protocols */
	bool self_signed;
};

extern struct operate_options operate_options;

enum err operate_init(char *operands[]);
enum err operate_sign(char *operands[]);
enum err operate_check(char *operands[]);
enum err operate_add_user(char *operands[]);
enum err operate_revoke(char *operands[]);
enum err operate_serve(char *operands[]);

#endif
