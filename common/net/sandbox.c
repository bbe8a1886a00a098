/* SPDX-License-Identifier: ISC */
/* Owns: user and group identities of a daemon that root starts. */
#include "net/sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum err sandbox_find(struct sandbox *s, const char *user, struct why *why)
{
	const struct passwd *pw;

	*s = (struct sandbox){ 0 };
	if (user == NULL)
		return OK;
	errno = 0;
	if ((pw = getpwnam(user)) == NULL)
		return why_err(why, ERR_USAGE, "--run-as: no user '%s'%s%s",
			       user, errno != 0 ? ": " : "",
			       errno != 0 ? strerror(errno) : "");
	s->uid = pw->pw_uid;
	s->gid = pw->pw_gid;
	if (geteuid() != 0 && (geteuid() != s->uid || getegid() != s->gid))
		return why_err(why, ERR_SYS,
			       "--run-as: only root may become '%s'", user);
	s->wanted = geteuid() == 0;
	if (s->wanted && initgroups(user, s->gid) != 0)
		return why_err(why, ERR_SYS, "--run-as: groups of '%s': %s",
			       user, strerror(errno));
	return OK;
}

enum err sandbox_act(const struct sandbox *s, struct why *why)
{
	if (s->wanted && (setegid(s->gid) != 0 || seteuid(s->uid) != 0))
		return why_err(why, ERR_SYS, "--run-as: %s", strerror(errno));
	return OK;
}

enum err sandbox_act_root(const struct sandbox *s, struct why *why)
{
	if (s->wanted && (seteuid(0) != 0 || setegid(0) != 0))
		return why_err(why, ERR_SYS, "back to root: %s",
			       strerror(errno));
	return OK;
}

enum err sandbox_drop(const struct sandbox *s, struct why *why)
{
	if (!s->wanted)
		return OK;
	if (setresgid(s->gid, s->gid, s->gid) != 0 ||
	    setresuid(s->uid, s->uid, s->uid) != 0)
		return why_err(why, ERR_SYS, "--run-as: %s", strerror(errno));
	if (s->uid != 0 && setuid(0) == 0)
		return why_err(why, ERR_SYS, "--run-as: root came back");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return why_err(why, ERR_SYS, "no_new_privs: %s",
			       strerror(errno));
	return OK;
}

bool sandbox_stays_root(const struct sandbox *s)
{
	return !s->wanted && geteuid() == 0;
}
