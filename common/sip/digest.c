/* SPDX-License-Identifier: ISC */
/*
 * Owns: challenges, nonces, and whether credentials are right: RFC 3261 s22,
 * RFC 7616, RFC 8760.  Does not own: whose secret it is, what they may do.
 */
#include "sip/digest.h"

#include <inttypes.h>
#include <stdio.h>

#include "sip/sipfield.h"

enum {
	STAMP_LEN = 24, /* hex digits: time in us, 16; serial, 8 */
	MAC_LEN = 32,   /* hex digits */
	NONCE_LEN = STAMP_LEN + MAC_LEN
};

static const char *const names[HEXHASH_N] = { "MD5", "SHA-256" };

static const struct slice colon = { (const uint8_t *)":", 1 };

/* The inner digest keeps the outer one from being carried on. */
static enum err mac(const struct digest_server *d, const char *stamp,
		    char out[static HEXHASH_MAX])
{
	struct slice parts[2] = { slice_of(d->secret, sizeof(d->secret)),
				  slice_of(stamp, STAMP_LEN) };
	char inner[HEXHASH_MAX];
	enum err r = hexhash(HEXHASH_SHA256, parts, 2, inner);

	if (r != OK)
		return r;
	parts[1] = slice_str(inner);
	return hexhash(HEXHASH_SHA256, parts, 2, out);
}

enum err digest_offer_parse(struct digest_offer *out, const char *text)
{
	static const struct {
		const char *text;
		struct digest_offer offer;
	} v[] = {
		{ "md5", { { HEXHASH_MD5 }, 1 } },
		{ "sha256", { { HEXHASH_SHA256 }, 1 } },
		{ "md5,sha256", { { HEXHASH_MD5, HEXHASH_SHA256 }, 2 } },
		{ "sha256,md5", { { HEXHASH_SHA256, HEXHASH_MD5 }, 2 } },
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (strcmp(text, v[i].text) == 0) {
			*out = v[i].offer;
			return OK;
		}
	return ERR_DATA;
}

enum err digest_challenge(struct digest_server *d, const char *name, bool stale,
			  uint64_t now_us, struct buf *out)
{
	char stamp[STAMP_LEN + 1], m[HEXHASH_MAX];
	enum err r;

	(void)snprintf(stamp, sizeof(stamp), "%016" PRIx64 "%08" PRIx32, now_us,
		       ++d->serial); /* fits */
	r = mac(d, stamp, m);
	for (size_t i = 0; i < d->offer.n && r == OK; i++)
		r = buf_printf(out,
			       "%s: Digest realm=\"%s\", nonce=\"%s%.*s\", "
			       "algorithm=%s, qop=\"auth\"%s\r\n",
			       name, d->realm, stamp, MAC_LEN, m,
			       names[d->offer.v[i]],
			       stale ? ", stale=true" : "");
	return r;
}

/* ---- reading credentials ---- */

static enum err unquoted(struct slice *out, struct slice value, struct arena *a)
{
	struct buf b = BUF_INIT(SIPMSG_HEAD_MAX);
	enum err r;

	if (value.len == 0 || value.p[0] != '"') {
		*out = value;
		return OK;
	}
	if ((r = sipfield_unquote(&b, value)) == OK)
		r = arena_dup(a, buf_slice(&b), out);
	buf_clear(&b);
	return r;
}

static bool algorithm(const struct digest_server *d, enum hexhash_alg *alg,
		      struct slice name)
{
	for (size_t i = 0; i < d->offer.n; i++)
		if (sipmsg_is_nocase(name, names[d->offer.v[i]])) {
			*alg = d->offer.v[i];
			return true;
		}
	return false;
}

/* One field; ERR_NOT_FOUND when it is for others. */
static enum err read_field(struct digest_credentials *out,
			   const struct digest_server *d, struct slice value,
			   struct arena *a)
{
	struct slice realm = { 0 }, alg = SLICE_LIT("MD5"), name, v;
	const struct {
		const char *name;
		struct slice *to;
	} to[] = { { "realm", &realm },
		   { "algorithm", &alg },
		   { "username", &out->username },
		   { "nonce", &out->nonce },
		   { "uri", &out->uri },
		   { "response", &out->response },
		   { "nc", &out->nc },
		   { "cnonce", &out->cnonce },
		   { "qop", &out->qop } };
	enum err r;

	*out = (struct digest_credentials){ 0 };
	if (value.len < 7 ||
	    !sipmsg_is_nocase(slice_sub(value, 0, 7), "Digest "))
		return ERR_NOT_FOUND;
	value = slice_sub(value, 7, value.len - 7);
	while (sipfield_param(&value, ',', &name, &v))
		for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++)
			if (sipmsg_is_nocase(name, to[i].name) &&
			    (r = unquoted(to[i].to, v, a)) != OK)
				return r;
	if (!sipmsg_is(realm, d->realm) || !algorithm(d, &out->alg, alg))
		return ERR_NOT_FOUND;
	if (out->username.len == 0 || out->nonce.len == 0 ||
	    out->uri.len == 0 || out->response.len == 0)
		return ERR_MALFORMED;
	return OK;
}

enum err digest_credentials(struct digest_credentials *out,
			    const struct digest_server *d,
			    const struct sipmsg *m, const char *name,
			    struct arena *a)
{
	const struct sipmsg_field *f;
	enum err r = ERR_NOT_FOUND;
	size_t at = 0;

	while (r == ERR_NOT_FOUND && (f = sipmsg_next(m, name, &at)) != NULL)
		r = read_field(out, d, f->value, a);
	return r;
}

/* ---- judging ---- */

enum err digest_make_ha1(enum hexhash_alg alg, struct slice username,
			 const char *realm, struct slice password,
			 char out[static HEXHASH_MAX])
{
	const struct slice parts[] = { username, colon, slice_str(realm), colon,
				       password };

	return hexhash(alg, parts, 5, out);
}

/* What the response has to be, RFC 7616 s3.4.1. */
static enum err expected(const struct digest_credentials *c, const char *ha1,
			 struct slice method, char out[static HEXHASH_MAX])
{
	const struct slice a2[] = { method, colon, c->uri };
	char ha2[HEXHASH_MAX];
	enum err r;

	if ((r = hexhash(c->alg, a2, 3, ha2)) != OK)
		return r;
	if (c->qop.len == 0) {
		const struct slice old[] = { slice_str(ha1), colon, c->nonce,
					     colon, slice_str(ha2) };

		return hexhash(c->alg, old, 5, out);
	}
	const struct slice all[] = { slice_str(ha1), colon,         c->nonce,
				     colon,          c->nc,         colon,
				     c->cnonce,      colon,         c->qop,
				     colon,          slice_str(ha2) };

	return hexhash(c->alg, all, 11, out);
}

/* Hex digits to a number; false when it is none. */
static bool hex(struct slice s, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.p[i];

		if (c >= '0' && c <= '9')
			c = (uint8_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (uint8_t)((c | 0x20) - 'a' + 10);
		else
			return false;
		*out = *out << 4 | c;
	}
	return s.len > 0 && s.len <= 16;
}

/* Is this use of this nonce a new one?  Remembers it. */
static bool first_use(struct digest_memory *m, uint64_t issued_us,
		      uint32_t serial, uint32_t count)
{
	size_t oldest = 0;

	for (size_t i = 0; i < m->n; i++) {
		if (m->v[i].issued_us == issued_us &&
		    m->v[i].serial == serial) {
			if (count <= m->v[i].count)
				return false;
			m->v[i].count = count;
			return true;
		}
		if (m->v[i].issued_us < m->v[oldest].issued_us)
			oldest = i;
	}
	if (m->floor_us != 0 && issued_us <= m->floor_us)
		return false;
	if (m->n < DIGEST_NONCES) {
		oldest = m->n++;
	} else {
		if (issued_us < m->v[oldest].issued_us)
			return false;
		/* Forgotten, and with it all that are older. */
		m->floor_us = m->v[oldest].issued_us;
	}
	m->v[oldest].issued_us = issued_us;
	m->v[oldest].serial = serial;
	m->v[oldest].count = count;
	return true;
}

/* Is the nonce ours, not too old, and this its next use? */
static enum err fresh(const struct digest_server *d,
		      const struct digest_credentials *c,
		      struct digest_memory *memory, uint64_t now_us, bool *out)
{
	uint64_t issued_us, serial, count = UINT32_MAX;
	char m[HEXHASH_MAX];
	enum err r;

	*out = false;
	if (c->nonce.len != NONCE_LEN)
		return OK;
	if ((r = mac(d, (const char *)c->nonce.p, m)) != OK)
		return r;
	if (!hexhash_eq(slice_of(m, MAC_LEN),
			slice_sub(c->nonce, STAMP_LEN, MAC_LEN)) ||
	    !hex(slice_sub(c->nonce, 0, 16), &issued_us) ||
	    !hex(slice_sub(c->nonce, 16, 8), &serial) ||
	    now_us - issued_us > d->nonce_life_us)
		return OK;
	/* Without a count a nonce can be used once. */
	if (c->qop.len > 0 &&
	    (c->nc.len != 8 || !hex(c->nc, &count) || count == 0))
		return OK;
	*out = first_use(memory, issued_us, (uint32_t)serial, (uint32_t)count);
	return OK;
}

enum err digest_judge(const struct digest_server *d,
		      const struct digest_credentials *c,
		      const struct sipmsg *m, const struct digest_ha1 *ha1,
		      struct digest_memory *memory, uint64_t now_us,
		      enum digest_verdict *out)
{
	char want[HEXHASH_MAX];
	bool ok;
	enum err r;

	*out = DIGEST_BAD;
	if (ha1->v[c->alg][0] == '\0' ||
	    (c->qop.len > 0 && !sipmsg_is_nocase(c->qop, "auth")))
		return OK;
	if ((r = expected(c, ha1->v[c->alg], m->method, want)) != OK)
		return r;
	if (!hexhash_eq(slice_str(want), c->response))
		return OK;
	if ((r = fresh(d, c, memory, now_us, &ok)) == OK)
		*out = ok ? DIGEST_GOOD : DIGEST_STALE;
	return r;
}
