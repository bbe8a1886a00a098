/* SPDX-License-Identifier: ISC */
/* Owns: the text form of bindings.  Does not own: where it is kept
 * (cli/phones.c), what they mean (binding.c). */
#include "sip/bindfile.h"

#include <stdlib.h>
#include <string.h>

#include "conf/address.h"
#include "sip/sipmsg.h"

enum { WORDS = 10 };

/* In the order in which they are written. */
static const char *const words[WORDS] = { "user",  "contact",  "uri",    "path",
					  "call",  "instance", "number", "from",
					  "since", "until" };

enum word {
	W_USER,
	W_CONTACT,
	W_URI,
	W_PATH,
	W_CALL,
	W_INSTANCE,
	W_NUMBER, /* reg-id, CSeq, q */
	W_FROM,   /* our address, the phone's */
	W_SINCE,  /* unix time in us */
	W_UNTIL
};

static uint64_t to_unix(const struct bindfile_env *env, uint64_t at_us)
{
	return at_us - env->mono_us + env->unix_us;
}

static enum err write_one(struct buf *out, const char *aor,
			  const struct binding *b,
			  const struct ip_address_port *at,
			  const struct bindfile_env *env)
{
	char here[ADDRESS_TEXT_MAX], there[ADDRESS_TEXT_MAX];

	return buf_printf(
		out,
		"user %s\ncontact %s\nuri %s\npath %s\ncall %s\ninstance %s\n"
		"number %u %u %u\nfrom %s %s\nsince %llu\nuntil %llu\n\n",
		aor, b->contact, b->uri, b->path, b->call_id, b->instance,
		(unsigned)b->reg_id, (unsigned)b->cseq, (unsigned)b->q,
		address_format(at, here), address_format(&b->flow.peer, there),
		(unsigned long long)to_unix(env, b->since_us),
		(unsigned long long)to_unix(env, b->expires_us));
}

enum err bindfile_write(struct buf *out, const char *aor,
			const struct bindings *b,
			const struct bindfile_env *env)
{
	struct ip_address_port at;
	enum err r = OK;

	for (size_t i = 0; i < b->n && r == OK; i++)
		if (!flow_is_reliable(&b->v[i]->flow) &&
		    b->v[i]->expires_us > env->mono_us &&
		    env->address(env->ctx, b->v[i]->flow.socket, &at))
			r = write_one(out, aor, b->v[i], &at, env);
	return r;
}

/* ---- reading ---- */

static bool take_line(struct slice *rest, struct slice *line)
{
	const uint8_t *end = rest->len == 0 ? NULL
					    : memchr(rest->p, '\n', rest->len);

	if (end == NULL)
		return false;
	*line = slice_of(rest->p, (size_t)(end - rest->p));
	*rest = slice_sub(*rest, line->len + 1, rest->len - line->len - 1);
	return true;
}

static enum err take_block(struct slice *rest, struct slice v[static WORDS])
{
	struct slice line;
	size_t n;

	if (rest->len == 0)
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < WORDS; i++) {
		n = strlen(words[i]);
		if (!take_line(rest, &line) || line.len < n + 1 ||
		    memcmp(line.p, words[i], n) != 0 || line.p[n] != ' ' ||
		    memchr(line.p, '\0', line.len) != NULL)
			return ERR_MALFORMED;
		v[i] = slice_sub(line, n + 1, line.len - n - 1);
	}
	return take_line(rest, &line) && line.len == 0 ? OK : ERR_MALFORMED;
}

static bool number(struct slice *s, uint64_t max, uint64_t *out)
{
	size_t n = 0;
	uint64_t v = 0;

	while (n < s->len && s->p[n] >= '0' && s->p[n] <= '9') {
		if (v > (max - (s->p[n] - '0')) / 10)
			return false;
		v = v * 10 + (s->p[n++] - '0');
	}
	*out = v;
	if (n == 0 || (n < s->len && s->p[n] != ' '))
		return false;
	*s = slice_sub(*s, n, s->len - n);
	if (s->len > 0)
		*s = slice_sub(*s, 1, s->len - 1);
	return true;
}

static bool address(struct slice *s, struct ip_address_port *out)
{
	char text[ADDRESS_TEXT_MAX];
	const uint8_t *end = s->len == 0 ? NULL : memchr(s->p, ' ', s->len);
	size_t n = end == NULL ? s->len : (size_t)(end - s->p);

	if (n >= sizeof(text))
		return false;
	memcpy(text, s->p, n);
	text[n] = '\0';
	*s = slice_sub(*s, n, s->len - n);
	if (s->len > 0)
		*s = slice_sub(*s, 1, s->len - 1);
	return address_parse(out, text, 0) == OK;
}

struct numbers {
	uint64_t reg_id, cseq, q, since, until;
	struct ip_address_port here, there;
};

static bool read_numbers(struct slice v[static WORDS], struct numbers *n)
{
	return number(&v[W_NUMBER], UINT32_MAX, &n->reg_id) &&
	       number(&v[W_NUMBER], UINT32_MAX, &n->cseq) &&
	       number(&v[W_NUMBER], 1000, &n->q) &&
	       address(&v[W_FROM], &n->here) &&
	       address(&v[W_FROM], &n->there) &&
	       number(&v[W_SINCE], UINT64_MAX, &n->since) &&
	       number(&v[W_UNTIL], UINT64_MAX, &n->until);
}

static char *text_of(struct slice s)
{
	return strndup(s.len == 0 ? "" : (const char *)s.p, s.len);
}

enum err bindfile_next(struct slice *rest, const struct bindfile_env *env,
		       struct slice *aor, struct binding **out)
{
	struct slice v[WORDS];
	struct numbers n;
	struct binding *b;
	uint32_t socket;
	uint64_t age_us;
	enum err r;

	*out = NULL;
	if ((r = take_block(rest, v)) != OK)
		return r;
	*aor = v[W_USER];
	if (!read_numbers(v, &n))
		return ERR_MALFORMED;
	if (n.until <= env->unix_us ||
	    n.until - env->unix_us > UINT64_C(1000000) * UINT32_MAX ||
	    !env->socket(env->ctx, &n.here, &socket))
		return OK;
	if ((b = calloc(1, sizeof(*b))) == NULL)
		return ERR_NOMEM;
	age_us = n.since < env->unix_us ? env->unix_us - n.since : 0;
	b->refs = 1;
	b->contact = text_of(v[W_CONTACT]);
	b->uri = text_of(v[W_URI]);
	b->path = text_of(v[W_PATH]);
	b->call_id = text_of(v[W_CALL]);
	b->instance = text_of(v[W_INSTANCE]);
	b->reg_id = (uint32_t)n.reg_id;
	b->cseq = (uint32_t)n.cseq;
	b->q = (uint16_t)n.q;
	b->flow.socket = socket;
	b->flow.peer = n.there;
	b->since_us = age_us < env->mono_us ? env->mono_us - age_us : 0;
	b->expires_us = env->mono_us + (n.until - env->unix_us);
	*out = b;
	if (b->contact != NULL && b->uri != NULL && b->path != NULL &&
	    b->call_id != NULL && b->instance != NULL)
		return OK;
	binding_free(b);
	*out = NULL;
	return ERR_NOMEM;
}
