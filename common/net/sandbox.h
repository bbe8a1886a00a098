/* SPDX-License-Identifier: ISC */
#ifndef NET_SANDBOX_H
#define NET_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Becoming another user: files are read and made as that user from the start
 * (sandbox_act), ports are opened as root (sandbox_act_root), and then root is
 * given up for good (sandbox_drop).
 */
struct sandbox {
	bool wanted;
	uid_t uid;
	gid_t gid;
};

/* `user` NULL: nothing will change.  ERR_USAGE when there is none of that name,
 * ERR_SYS when this process may not become another user. */
enum err sandbox_find(struct sandbox *s, const char *user,
		      struct why *why) MUST_CHECK;
enum err sandbox_act(const struct sandbox *s, struct why *why) MUST_CHECK;
enum err sandbox_act_root(const struct sandbox *s, struct why *why) MUST_CHECK;
/* For good: there is no way back to root. */
enum err sandbox_drop(const struct sandbox *s, struct why *why) MUST_CHECK;
/* Does this process run as root and mean to stay so? */
bool sandbox_stays_root(const struct sandbox *s);

#endif
