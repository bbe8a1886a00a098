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

/* Whom the credentials themselves name, of those that we host; NULL. */
static struct registrar_user *user_named(const struct registrar *r,
					 struct slice name)
{
	struct sipfield_uri uri = { .sip = true,
				    .user = name,
				    .host = slice_str(r->cfg.realm) };
	const uint8_t *at = name.len == 0 ? NULL
					  : memrchr(name.p, '@', name.len);

	if (at != NULL) {
		uri.user.len = (size_t)(at - name.p);
		uri.host = slice_of(at + 1, name.len - uri.user.len - 1);
	}
	return registrar_find(r, &uri);
}

static bool is_address(struct slice host)
{
	uint8_t last = host.p[host.len - 1];

	return last == ']' || (last >= '0' && last <= '9');
}

/* Are the credentials for what is asked?  RFC 7616 s3.4.6.  CHOICE: the same
 * user, where they name one, and no other domain: phones differ in ports and
 * parameters, and name us by an address that may be another's on the way. */
static bool same_resource(const struct registrar *r, struct slice uri,
			  const struct sipmsg *m)
{
	struct sipfield_uri a, b;

	if (sipfield_uri(&a, uri) != OK || sipfield_uri(&b, m->uri) != OK)
		return false;
	if (!a.sip || !b.sip)
		return slice_eq(uri, m->uri);
	return (a.user.p == NULL || sipfield_user_eq(&a, &b)) &&
	       (sipfield_host_eq(a.host, b.host) ||
		sipfield_host_eq(a.host, slice_str(r->cfg.realm)) ||
		is_address(a.host));
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
	if (e == OK && u == NULL && proxy)
		u = user_named(r, c.username);
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
		else if (e == OK && !same_resource(r, c.uri, m))
			*status = 400;
		if (e == OK && d == DIGEST_BAD) {
			r->counts.wrong++;
			log_line(r->cfg.log, LOG_WARN,
				 "sip: wrong password for %s", u->aor);
		}
	}
	arena_free(&a);
	return e;
}
