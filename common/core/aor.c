/* SPDX-License-Identifier: ISC */
/*
 * Resolving an address of record, RFC 7904 s4.2: redirections, loops, GRUUs.
 * Owns the names seen and the targets found; the fetching is the caller's.
 */
#include "core/aor.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { ARENA_MAX = 1 << 20 };

static bool has_prefix(struct slice s, const char *word)
{
	size_t n = strlen(word);

	return s.len >= n && strncasecmp((const char *)s.p, word, n) == 0;
}

static struct slice without_scheme(struct slice s)
{
	size_t n = has_prefix(s, "sip:") ? 4 : has_prefix(s, "sips:") ? 5 : 0;

	return slice_sub(s, n, s.len - n);
}

struct slice aor_plain_uri(struct slice uri)
{
	size_t n = 0;

	while (n < uri.len && uri.p[n] != ';' && uri.p[n] != '?')
		n++;
	return slice_sub(uri, 0, n);
}

/* The resource name: no scheme, no parameters, escapes decoded (RFC 7904 s7).
 */
static enum err canonical(struct aor *a, struct slice text, struct slice *out)
{
	struct slice s = aor_plain_uri(without_scheme(text));
	uint8_t *p = arena_zalloc(&a->arena, s.len + 1, 1);
	size_t n = 0;

	if (p == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < s.len;)
		p[n++] = text_unpercent(s, &i);
	*out = slice_of(p, n);
	return OK;
}

/* Is there a user and a host that is a domain name, and no port?  Then the URI
 * may be an AOR of this overlay; all others are contacts. */
static bool may_be_aor(struct slice uri)
{
	struct slice s = aor_plain_uri(without_scheme(uri));
	const uint8_t *at = s.len > 0 ? memrchr(s.p, '@', s.len) : NULL;
	bool letters = false;

	if (at == NULL || at == s.p)
		return false;
	for (const uint8_t *p = at + 1; p < s.p + s.len; p++) {
		if (*p == ':' || *p == '[')
			return false;
		letters |= (*p | 0x20) >= 'a' && (*p | 0x20) <= 'z';
	}
	return letters;
}

/* ---- what is found ---- */

static bool same_route(const struct destination_list *a,
		       const struct destination_list *b)
{
	if (a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++)
		if (!destination_eq(&a->v[i], &b->v[i]))
			return false;
	return true;
}

static void add_target(struct aor *a, const struct aor_target *t)
{
	for (uint32_t i = 0; i < a->n_targets; i++) {
		const struct aor_target *o = &a->targets[i];

		if (o->type == t->type &&
		    (t->type == AOR_CONTACT ? slice_eq(o->uri, t->uri)
					    : same_route(&o->route, &t->route)))
			return;
	}
	if (a->n_targets == AOR_TARGETS_MAX)
		a->cut = true;
	else
		a->targets[a->n_targets++] = *t;
}

/* A name that was not seen yet; a loop ends here. */
static enum err add_name(struct aor *a, struct slice uri, uint64_t storage_time)
{
	struct slice name;
	enum err r;

	if ((r = canonical(a, uri, &name)) != OK)
		return r;
	for (uint32_t i = 0; i < a->n_names; i++)
		if (slice_eq(a->names[i].name, name))
			return OK;
	if (a->n_names == AOR_NAMES_MAX)
		a->cut = true;
	else
		a->names[a->n_names++] = (struct aor_name){ name, uri,
							    storage_time };
	return OK;
}

/* The destination list in a GRUU's gr parameter, RFC 7904 s6: base64 with "~"
 * for "=".  False when the URI is no GRUU of ours. */
static bool gruu_route(struct aor *a, struct slice uri,
		       struct destination_list *out)
{
	struct buf text = BUF_INIT(AOR_TEXT_MAX), list = BUF_INIT(AOR_TEXT_MAX);
	struct destination v[AOR_TARGETS_MAX];
	struct slice bytes;
	uint32_t n = 0;
	const uint8_t *p = NULL;
	bool ok = false;

	if (uri.len > 4)
		p = memmem(uri.p, uri.len, ";gr=", 4);
	if (p == NULL)
		return false;
	for (p += 4; p < uri.p + uri.len && *p != ';' && *p != '?'; p++)
		if (buf_append_u8(&text, *p == '~' ? '=' : *p) != OK)
			goto out;
	if (text_unbase64(&list, buf_slice(&text)) != OK ||
	    arena_dup(&a->arena, buf_slice(&list), &bytes) != OK)
		goto out;
	while (bytes.len > 0 && n < AOR_TARGETS_MAX) {
		size_t len = (bytes.p[0] & 0x80) != 0 ? 2
			     : bytes.len > 1          ? 2 + (size_t)bytes.p[1]
						      : bytes.len + 1;

		if (len > bytes.len ||
		    destination_decode(&v[n], slice_sub(bytes, 0, len),
				       &a->arena, a->env) != OK)
			goto out;
		bytes = slice_sub(bytes, len, bytes.len - len);
		n++;
	}
	out->v = arena_zalloc(&a->arena, n, sizeof(*out->v));
	if (n == 0 || out->v == NULL)
		goto out;
	memcpy(out->v, v, n * sizeof(*v));
	out->n = n;
	ok = true;
out:
	buf_clear(&text);
	buf_clear(&list);
	return ok;
}

/* RFC 7904 s3.2, RFC 3840: "(sip.schemes=SIPS)", by itself or among others. */
static bool wants_sips(struct slice prefs)
{
	static const char word[] = "sip.schemes=sips";

	for (size_t i = 0; i + sizeof(word) - 1 <= prefs.len; i++)
		if (has_prefix(slice_sub(prefs, i, prefs.len - i), word))
			return true;
	return false;
}

static enum err take_uri(struct aor *a, struct slice name, struct slice uri,
			 uint64_t storage_time)
{
	struct aor_target t = { .uri = uri,
				.name = name,
				.storage_time = storage_time };

	if (uri.len == 0 || uri.len > AOR_TEXT_MAX || !text_is_utf8(uri))
		return OK;
	if (gruu_route(a, uri, &t.route))
		t.type = AOR_ROUTE;
	else if (may_be_aor(uri))
		return add_name(a, uri, storage_time);
	add_target(a, &t);
	return OK;
}

static enum err take_value(struct aor *a, struct slice name,
			   const struct stored_data *d)
{
	struct sip_registration reg;
	struct slice own;
	enum err r;

	if (!d->value.exists)
		return OK;
	if ((r = arena_dup(&a->arena, d->value.value, &own)) != OK)
		return r;
	if (sip_registration_decode(&reg, own, &a->arena, a->env) != OK)
		return OK; /* not ours to mend */
	if (reg.type == SIP_REGISTRATION_URI)
		return take_uri(a, name, reg.uri, d->storage_time);
	if (reg.type == SIP_REGISTRATION_ROUTE)
		add_target(a, &(struct aor_target){
				      .type = AOR_ROUTE,
				      .name = name,
				      .route = reg.destination_list,
				      .sips = wants_sips(reg.contact_prefs),
				      .storage_time = d->storage_time });
	return OK;
}

/* ---- the machine ---- */

enum err aor_init(struct aor *a, struct slice text, const struct wire_env *env)
{
	struct aor_target t = { .type = AOR_ROUTE };
	struct slice own;
	enum err r;

	*a = (struct aor){ .arena = ARENA_INIT(ARENA_MAX), .env = env };
	if (text.len > AOR_TEXT_MAX || !text_is_utf8(text) ||
	    aor_plain_uri(without_scheme(text)).len == 0)
		return ERR_DATA;
	if ((r = arena_dup(&a->arena, text, &own)) != OK)
		return r;
	if (!gruu_route(a, own, &t.route)) /* s4.1 step 1 */
		return add_name(a, own, 0);
	t.uri = own;
	add_target(a, &t);
	return OK;
}

bool aor_next(struct aor *a, struct slice *name)
{
	if (a->next == a->n_names)
		return false;
	*name = a->names[a->next++].name;
	return true;
}

enum err aor_feed(struct aor *a, const struct fetch_ans *ans)
{
	const struct aor_name *from = &a->names[a->next - 1];
	struct slice name = a->next > 1 ? from->name : slice_of(NULL, 0);
	uint32_t n_values = 0;
	enum err r = OK;

	for (uint32_t k = 0; ans != NULL && k < ans->kind_responses.n; k++) {
		const struct stored_data_list *l =
			&ans->kind_responses.v[k].values;

		for (uint32_t i = 0; i < l->n && r == OK; i++) {
			n_values += l->v[i].value.exists;
			r = take_value(a, name, &l->v[i]);
		}
	}
	/* Nobody registered there: a full URI is a contact elsewhere. */
	if (n_values == 0 && from->uri.len > 0 && a->next > 1 &&
	    without_scheme(from->uri).len < from->uri.len)
		add_target(a, &(struct aor_target){
				      .type = AOR_CONTACT,
				      .uri = from->uri,
				      .storage_time = from->storage_time });
	return r;
}

static int newer_first(const void *x, const void *y)
{
	const struct aor_target *a = x, *b = y;

	return (a->storage_time < b->storage_time) -
	       (a->storage_time > b->storage_time);
}

void aor_finish(struct aor *a)
{
	qsort(a->targets, a->n_targets, sizeof(*a->targets), newer_first);
}

void aor_clear(struct aor *a)
{
	arena_free(&a->arena);
}
