/* SPDX-License-Identifier: ISC */
/* Owns: whether who asks is who they say: RFC 3261 s22.  Does not own: digests
 * (digest.c). */
#include "sip/registrar_private.h"

static enum err challenge(struct registrar *r, bool proxy, bool stale,
			  uint64_t now_us, unsigned *status, struct buf *fields)
{
	*status = proxy ? 407 : 401;
	r->counts.challenges++;
	return digest_challenge(
		&r->digest, proxy ? "Proxy-Authenticate" : "WWW-Authenticate",
		stale, now_us, fields);
}

/* Credentials name a user by the local part, or by the whole address. */
static const struct digest_ha1 *secret_for(const struct registrar_user *u,
					   struct slice name)
{
	if (slice_eq(name, slice_of(u->aor, u->local_len)))
		return &u->secret.local;
	return slice_eq(name, slice_str(u->aor)) ? &u->secret.whole : NULL;
}

enum err registrar_authenticate(struct registrar *r, struct registrar_user *u,
				const struct sipmsg *m, bool proxy,
				uint64_t now_us, unsigned *status,
				struct buf *fields)
{
	struct arena a = ARENA_INIT(SIPMSG_MAX);
	const struct digest_ha1 *ha1 = NULL;
	struct digest_credentials c;
	enum digest_verdict d;
	enum err e;

	*status = 0;
	e = digest_credentials(&c, &r->digest, m,
			       proxy ? "Proxy-Authorization" : "Authorization",
			       &a);
	if (e == ERR_NOT_FOUND) {
		e = challenge(r, proxy, false, now_us, status, fields);
	} else if (e == ERR_MALFORMED) {
		*status = 400;
		e = OK;
	} else if (e == OK && u == NULL) {
		*status = proxy ? 403 : 404;
	} else if (e == OK && (ha1 = secret_for(u, c.username)) == NULL) {
		*status = 403;
		r->counts.wrong++;
	} else if (e == OK) {
		e = digest_judge(&r->digest, &c, m, ha1, &u->memory, now_us,
				 &d);
		if (e == OK && d != DIGEST_GOOD)
			e = challenge(r, proxy, d == DIGEST_STALE, now_us,
				      status, fields);
		if (e == OK && d == DIGEST_BAD) {
			r->counts.wrong++;
			log_line(r->cfg.log, LOG_WARN,
				 "sip: wrong password for %s", u->aor);
		}
	}
	arena_free(&a);
	return e;
}
