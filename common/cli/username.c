/* SPDX-License-Identifier: ISC */
/* User names as people type them (RFC 6940 s11.3, s13.3). */
#include "cli/username.h"

#include <stdio.h>
#include <string.h>

#include "crypto/issue.h"

enum err username_complete(char out[CERT_USER_MAX + 1], const char *overlay,
			   const char *name, struct why *why)
{
	bool whole = strchr(name, '@') != NULL;
	int n = snprintf(out, CERT_USER_MAX + 1, "%s%s%s", name,
			 whole ? "" : "@", whole ? "" : overlay);

	if (name[0] == '\0' || name[0] == '@' || n < 0 || n > CERT_USER_MAX ||
	    !issue_user_ok(out))
		return why_err(why, ERR_USAGE, "'%.100s' can be no user name",
			       name);
	return OK;
}

enum err username_load(struct home_identity *id, const struct home *h,
		       const char *name, struct why *why)
{
	char user[CERT_USER_MAX + 1];
	enum err r;

	if (name == NULL)
		return home_load_identity(h, NULL, id, why);
	r = username_complete(user, h->name, name, why);
	return r != OK ? r : home_load_identity(h, user, id, why);
}
